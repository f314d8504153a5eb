//! A stream that remembers what explains a failure.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::scheme::wants_tls;
use crate::error::{Cause, ErrorKind, classify_chain};

/// Bytes from the start of a stream that are kept: enough to tell HTTP/2, HTTP/1 and TLS apart.
const KEPT: usize = 8;

/// What was seen on a stream.
#[derive(Debug, Default)]
pub(super) struct Seen {
    first: Mutex<Vec<u8>>,
    closed: AtomicBool,
    failure: OnceLock<Cause>,
}

impl Seen {
    /// The cause of a failure as the stream tells it, `None` when it tells nothing.
    pub(super) fn cause(&self, tls: bool) -> Option<Cause> {
        let first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        if first.starts_with(b"HTTP/1") {
            let message = "the port speaks HTTP/1, not gRPC; give etcd's client port";
            return Some(Cause::new(ErrorKind::BadAnswer, message));
        }
        if !tls && matches!(first.as_slice(), [0x14..=0x17, 3, ..]) {
            return Some(wants_tls());
        }
        self.failure.get().cloned()
    }

    pub(super) fn closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    pub(super) fn heard(&self) -> bool {
        let first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        !first.is_empty()
    }

    fn read(&self, bytes: &[u8]) {
        let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        let missing = KEPT.saturating_sub(first.len()).min(bytes.len());
        first.extend_from_slice(&bytes[..missing]);
    }

    fn failed(&self, error: &io::Error) {
        if let Some(cause) = classify_chain(error) {
            // The first failure is the cause; later ones are its consequences.
            let _ = self.failure.set(cause);
        }
    }
}

/// A stream whose first bytes, end and errors are noted.
pub(super) struct Watched<S> {
    stream: S,
    seen: Arc<Seen>,
    heard: usize,
}

impl<S> Watched<S> {
    pub(super) fn new(stream: S, seen: Arc<Seen>) -> Self {
        Self {
            stream,
            seen,
            heard: 0,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let result = ready!(Pin::new(&mut self.stream).poll_read(cx, buf));
        match &result {
            Ok(()) if buf.filled().len() == before => {
                self.seen.closed.store(true, Ordering::Relaxed);
            }
            Ok(()) if self.heard < KEPT => {
                let bytes = &buf.filled()[before..];
                self.seen.read(bytes);
                self.heard += bytes.len();
            }
            Ok(()) => {}
            Err(error) => self.seen.failed(error),
        }
        Poll::Ready(result)
    }
}

impl<S> Watched<S> {
    /// Passes on the result of a write. One that failed before anything was heard waits for the reading side: the peer
    /// may have said why it closed, and reading ends in any case, since the connection has.
    fn wrote(&self, result: io::Result<usize>) -> Poll<io::Result<usize>> {
        match result {
            Err(error) if self.heard == 0 => {
                self.seen.failed(&error);
                Poll::Pending
            }
            Err(error) => {
                self.seen.failed(&error);
                Poll::Ready(Err(error))
            }
            written => Poll::Ready(written),
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = ready!(Pin::new(&mut self.stream).poll_write(cx, buf));
        self.wrote(result)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = ready!(Pin::new(&mut self.stream).poll_write_vectored(cx, bufs));
        self.wrote(result)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
