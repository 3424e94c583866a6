//! Standard input that a run can stop waiting for.

use std::{
    io::{self, Read},
    sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    time::Duration,
};

/// How often a run that waits for input looks whether it is to stop.
const STOP_INTERVAL: Duration = Duration::from_millis(100);
const CHUNK_BYTES: usize = 64 * 1024;
const WAITING_CHUNKS: usize = 4;

/// Standard input, which ends where it ends or as soon as `is_stopped` holds.
pub struct StandardInput<'a> {
    is_stopped: &'a dyn Fn() -> bool,
    chunks: Receiver<io::Result<Vec<u8>>>,
    chunk: io::Cursor<Vec<u8>>,
}

impl<'a> StandardInput<'a> {
    /// Reads in a thread of its own, which lives until the input or the process ends: a read of standard input cannot be
    /// interrupted on every system.
    pub fn open(is_stopped: &'a dyn Fn() -> bool) -> Self {
        let (sender, chunks) = sync_channel(WAITING_CHUNKS);
        std::thread::spawn(move || send_chunks(io::stdin().lock(), &sender));
        Self { is_stopped, chunks, chunk: io::Cursor::default() }
    }
}

fn send_chunks(mut input: impl Read, chunks: &SyncSender<io::Result<Vec<u8>>>) {
    loop {
        let mut chunk = vec![0; CHUNK_BYTES];
        let read = match input.read(&mut chunk) {
            Ok(0) => return,
            Ok(count) => {
                chunk.truncate(count);
                Ok(chunk)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => Err(error),
        };
        let has_failed = read.is_err();
        if chunks.send(read).is_err() || has_failed {
            return;
        }
    }
}

impl Read for StandardInput<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = self.chunk.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            if (self.is_stopped)() {
                return Ok(0);
            }
            match self.chunks.recv_timeout(STOP_INTERVAL) {
                Ok(chunk) => self.chunk = io::Cursor::new(chunk?),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(0),
            }
        }
    }
}
