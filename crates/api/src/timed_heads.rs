//! A stream of HTTP/1 that fails where the head of a request takes too long from its first byte on.

use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use crate::exchange::Exchange;

/// Ends a connection whose client begins a request and does not come to the end of its head. How long a client may wait
/// before it begins one is not limited here.
pub(crate) struct TimedHeads<S> {
    stream: S,
    exchange: Exchange,
    limit: Duration,
    head: Option<Head>,
}

/// A head of which the first byte has come.
struct Head {
    /// Requests that came before it.
    before: u64,
    late: Pin<Box<Sleep>>,
}

impl<S> TimedHeads<S> {
    pub(crate) fn new(stream: S, exchange: Exchange, limit: Duration) -> Self {
        Self {
            stream,
            exchange,
            limit,
            head: None,
        }
    }

    /// Notes that bytes came. Those that come while an answer is under way are a body's, or of a head that is read after it.
    fn note_read(&mut self) {
        if self.head.is_none() && !self.exchange.is_under_way() {
            self.head = Some(Head {
                before: self.exchange.begun(),
                late: Box::pin(sleep(self.limit)),
            });
        }
    }

    /// Forgets a head that has come to its end.
    fn forget_whole(&mut self) {
        let begun = self.exchange.begun();
        self.head = self.head.take().filter(|head| head.before == begun);
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for TimedHeads<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.forget_whole();
        if let Some(head) = &mut self.head
            && head.late.as_mut().poll(cx).is_ready()
        {
            let reason = "the head of a request took too long";
            return Poll::Ready(Err(io::Error::new(ErrorKind::TimedOut, reason)));
        }
        let before = buffer.filled().len();
        let outcome = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.note_read();
        }
        outcome
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for TimedHeads<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bytes)
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
