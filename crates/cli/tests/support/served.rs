//! A server on a catalog.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    process::{Child, ChildStderr, Command, Stdio},
    time::{Duration, Instant},
};

use super::Place;

/// A server that ends with the test.
pub struct Served {
    pub child: Child,
    said: BufReader<ChildStderr>,
    pub address: String,
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Served {
    pub fn of(place: &Place) -> Self {
        Self::run(place.command(&["serve", "--addr", "127.0.0.1:0", "--db", "catalog.db"]))
    }

    pub fn run(mut command: Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        said.read_line(&mut line).unwrap();
        let address = line.split_whitespace().find_map(|word| word.strip_prefix("http://")).expect(&line);
        let address = address.trim_end_matches('/').to_owned();
        Self { child, said, address }
    }

    /// The next sentence that it says; waits for it.
    pub fn says(&mut self) -> String {
        let mut line = String::new();
        self.said.read_line(&mut line).unwrap();
        line
    }

    pub fn status(&self, path: &str) -> u16 {
        self.get(path).0
    }

    /// The status and the body of a page.
    pub fn get(&self, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").expect(&answer);
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    /// Waits until a page has a status.
    pub fn waits(&self, path: &str, status: u16) {
        let begun = Instant::now();
        while self.status(path) != status {
            assert!(begun.elapsed() < Duration::from_secs(20), "{path} never has {status}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}
