//! A stream that remembers what explains a failure.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
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
    failure: Mutex<Option<Cause>>,
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
        let failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.clone()
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
            let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
            // The first failure is the cause; later ones are its consequences. That the peer closed is no cause where it
            // said why: a write may fail before that is read.
            if failure.as_ref().is_none_or(|first| first.closed) {
                *failure = Some(cause);
            }
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

impl<S: AsyncRead + Unpin> Watched<S> {
    /// Passes on the result of a write. Where one failed before anything was heard, what has come in is read first: the peer
    /// may have said why it closed. That ends in any case, since the connection has.
    fn wrote<T>(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        result: io::Result<T>,
    ) -> Poll<io::Result<T>> {
        let Err(error) = &result else {
            return Poll::Ready(result);
        };
        self.seen.failed(error);
        while self.heard == 0 {
            let mut bytes = [0; KEPT];
            let mut buffer = ReadBuf::new(&mut bytes);
            let read = ready!(self.as_mut().poll_read(cx, &mut buffer));
            if read.is_err() || buffer.filled().is_empty() {
                break;
            }
        }
        Poll::Ready(result)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = ready!(Pin::new(&mut self.stream).poll_write(cx, buf));
        self.wrote(cx, result)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = ready!(Pin::new(&mut self.stream).poll_flush(cx));
        self.wrote(cx, result)
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
        self.wrote(cx, result)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use rustls::AlertDescription;

    use super::*;

    /// Takes nothing any more, and has still to tell why.
    struct Closed(Option<AlertDescription>);

    impl AsyncRead for Closed {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            _: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            Poll::Ready(match self.0.take() {
                Some(alert) => Err(io::Error::other(rustls::Error::AlertReceived(alert))),
                None => Ok(()),
            })
        }
    }

    impl AsyncWrite for Closed {
        fn poll_write(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            _: &[u8],
        ) -> Poll<io::Result<usize>> {
            Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[tokio::test]
    async fn what_the_peer_said_explains_a_write_that_failed_before_it_was_read() {
        let required = Some(AlertDescription::CertificateRequired);
        for flushes in [false, true] {
            for (alert, kind) in [(required, ErrorKind::Tls), (None, ErrorKind::Refused)] {
                let seen = Arc::new(Seen::default());
                let mut stream = Watched::new(Closed(alert), Arc::clone(&seen));
                let failed = poll_fn(|cx| {
                    let stream = Pin::new(&mut stream);
                    if flushes {
                        stream.poll_flush(cx)
                    } else {
                        stream.poll_write(cx, b"PRI").map_ok(drop)
                    }
                });
                assert_eq!(failed.await.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
                assert_eq!(seen.cause(true).unwrap().kind, kind);
            }
        }
    }
}
