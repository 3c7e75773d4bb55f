//! A connection that can be cut after a given number of bytes of an answer.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// No cut.
const WHOLE: u64 = u64::MAX;

/// How many bytes a connection still carries.
#[derive(Debug, Clone)]
pub(crate) struct Scissors(Arc<AtomicU64>);

impl Scissors {
    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicU64::new(WHOLE)))
    }

    /// Cuts after so many bytes from now on. To be called before the answer is handed to the connection:
    /// one request is served at a time, and what came before is on its way.
    pub(crate) fn cut_after(&self, bytes: u64) {
        self.0.store(bytes, Ordering::Release);
    }

    pub(crate) fn leave(&self) {
        self.0.store(WHOLE, Ordering::Release);
    }
}

/// A TCP connection with scissors at it.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    scissors: Scissors,
}

impl Connection {
    pub(crate) fn new(stream: TcpStream, scissors: Scissors) -> Self {
        Self { stream, scissors }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let left = self.scissors.0.load(Ordering::Acquire);
        if left == WHOLE {
            return Pin::new(&mut self.stream).poll_write(context, bytes);
        }
        if left == 0 {
            // The error makes hyper drop the connection, which closes the socket.
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        let allowed = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
        let part = bytes.get(..allowed).unwrap_or(bytes);
        let written = Pin::new(&mut self.stream).poll_write(context, part);
        if let Poll::Ready(Ok(count)) = &written {
            self.scissors.0.store(left.saturating_sub(*count as u64), Ordering::Release);
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
