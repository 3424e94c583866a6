//! A socket whose reader must keep up.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep},
};

/// Bytes that a reader must take in each period, about 1 KiB a second with the usual period.
const MIN_PROGRESS: usize = 16 << 10;

/// Fails a write when the other side takes too little of what is sent.
///
/// The time runs while there is something to send that the other side does not take. A reader that takes a byte now and
/// then does not keep the connection: each period counts only if [`MIN_PROGRESS`] bytes went out.
#[derive(Debug)]
pub(crate) struct KeepUp<S> {
    stream: S,
    period: Duration,
    /// Bytes that went out since the deadline was set; `None` while everything was taken.
    progress: Option<usize>,
    deadline: Pin<Box<Sleep>>,
}

impl<S> KeepUp<S> {
    pub(crate) fn new(stream: S, period: Duration) -> Self {
        Self { stream, period, progress: None, deadline: Box::pin(tokio::time::sleep(period)) }
    }

    /// Takes a write's outcome into account.
    fn watch(&mut self, outcome: Poll<io::Result<usize>>, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        match outcome {
            Poll::Ready(Ok(written)) => {
                if let Some(progress) = &mut self.progress {
                    *progress += written;
                    if *progress >= MIN_PROGRESS {
                        self.progress = None;
                    }
                }
                Poll::Ready(Ok(written))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => {
                if self.progress.is_none() {
                    self.progress = Some(0);
                    self.deadline.as_mut().reset(Instant::now() + self.period);
                }
                ready!(self.deadline.as_mut().poll(context));
                Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client does not read the answer")))
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for KeepUp<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for KeepUp<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.watch(outcome, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.watch(outcome, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // All was taken: what is written next begins anew.
        self.progress = None;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
