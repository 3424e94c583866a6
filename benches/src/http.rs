//! As much of an HTTP client as measuring needs: pages over a connection that stays open.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
};

/// A connection to a server.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// What was answered.
#[derive(Clone, Copy, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// From before the request was sent until the whole answer was there.
    pub took: Duration,
}

impl Connection {
    /// Connects from one of this machine's addresses: the server takes each loopback address for a client of its own.
    ///
    /// # Errors
    /// The address cannot be bound, or nobody listens.
    pub async fn open(from: Ipv4Addr, to: SocketAddr) -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.bind((from, 0).into())?;
        Ok(Self { stream: socket.connect(to).await?, buffer: Vec::with_capacity(64 << 10) })
    }

    /// Asks for a page as browsers do, and reads it whole.
    ///
    /// # Errors
    /// The connection breaks off, or what is answered is not HTTP/1.1 with a length.
    pub async fn get(&mut self, path: &str) -> io::Result<Answer> {
        let wrong = || io::Error::from(io::ErrorKind::InvalidData);
        let begun = Instant::now();
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: br\r\n\r\n");
        self.stream.write_all(request.as_bytes()).await?;
        self.buffer.clear();
        loop {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let Some(head) = self.buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n") else { continue };
            let text = String::from_utf8_lossy(&self.buffer[..head]).to_ascii_lowercase();
            let status = text.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(wrong)?;
            let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")).ok_or_else(wrong)?;
            let whole = head + 4 + length.trim().parse::<usize>().map_err(|_| wrong())?;
            while self.buffer.len() < whole {
                if self.stream.read_buf(&mut self.buffer).await? == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            }
            return Ok(Answer { status, took: begun.elapsed() });
        }
    }
}
