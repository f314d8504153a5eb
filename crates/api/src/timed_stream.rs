//! A stream that fails where its peer does nothing.

use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// Ends a connection on which nothing moved for long, and one whose peer takes nothing of what waits for it.
pub(crate) struct TimedStream<S> {
    stream: S,
    idle: Patience,
    stall: Patience,
}

impl<S> TimedStream<S> {
    pub(crate) fn new(stream: S, idle: Duration, stall: Duration) -> Self {
        Self {
            stream,
            idle: Patience::new(idle, "nothing was sent or taken for too long"),
            stall: Patience::new(stall, "the client takes nothing of its answer"),
        }
    }

    fn moved(&mut self) {
        self.idle.waiting = false;
        self.stall.waiting = false;
    }

    /// What came of an attempt to write.
    fn wrote<T>(
        &mut self,
        cx: &mut Context<'_>,
        outcome: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            self.moved();
            return outcome;
        }
        self.stall.poll_end(cx).map(Err)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for TimedStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if outcome.is_ready() {
            self.idle.waiting = false;
            return outcome;
        }
        self.idle.poll_end(cx).map(Err)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for TimedStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.wrote(cx, outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(cx, bytes);
        self.wrote(cx, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// How long something is waited for.
struct Patience {
    limit: Duration,
    reason: &'static str,
    sleep: Pin<Box<Sleep>>,
    waiting: bool,
}

impl Patience {
    fn new(limit: Duration, reason: &'static str) -> Self {
        Self {
            limit,
            reason,
            sleep: Box::pin(sleep(limit)),
            waiting: false,
        }
    }

    /// Ready when it has been waited for too long, without anything that moved.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        if !self.waiting {
            self.waiting = true;
            self.sleep.as_mut().reset(Instant::now() + self.limit);
        }
        ready!(self.sleep.as_mut().poll(cx));
        Poll::Ready(io::Error::new(ErrorKind::TimedOut, self.reason))
    }
}
