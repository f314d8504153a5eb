//! What is under way on a connection: requests that are answered, and answers that their client does not take.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use tokio::time::Instant;

/// Answers are handed on in pieces of so many bytes, where it is to show whether they are taken.
const PIECE_BYTES: usize = 16 << 10;

/// What is under way on one connection. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Exchange(Arc<State>);

#[derive(Debug)]
struct State {
    piece_bytes: usize,
    begun: AtomicU64,
    now: Mutex<Now>,
}

#[derive(Debug)]
struct Now {
    under_way: usize,
    /// Since when nothing has been under way.
    idle_since: Instant,
    /// Since when answers have been handed out of which no more is asked for, by their numbers.
    untaken: BTreeMap<u64, Instant>,
}

impl Exchange {
    /// Answers are handed on as they are made: a socket that takes nothing shows by itself.
    pub(crate) fn of_whole_answers() -> Self {
        Self::new(usize::MAX)
    }

    /// Answers are handed on in pieces, so that it shows which of them is not taken.
    pub(crate) fn of_pieces() -> Self {
        Self::new(PIECE_BYTES)
    }

    fn new(piece_bytes: usize) -> Self {
        Self(Arc::new(State {
            piece_bytes,
            begun: AtomicU64::new(0),
            now: Mutex::new(Now {
                under_way: 0,
                idle_since: Instant::now(),
                untaken: BTreeMap::new(),
            }),
        }))
    }

    /// A request whose head has come. It is under way until this is dropped.
    pub(crate) fn begin(&self) -> UnderWay {
        let number = self.0.begun.fetch_add(1, Ordering::Relaxed);
        self.lock().under_way += 1;
        UnderWay {
            exchange: self.clone(),
            number,
        }
    }

    /// Requests so far.
    pub(crate) fn begun(&self) -> u64 {
        self.0.begun.load(Ordering::Relaxed)
    }

    pub(crate) fn is_under_way(&self) -> bool {
        self.lock().under_way > 0
    }

    /// How long nothing has been under way.
    pub(crate) fn idle(&self) -> Duration {
        let now = self.lock();
        if now.under_way > 0 {
            Duration::ZERO
        } else {
            now.idle_since.elapsed()
        }
    }

    /// How long an answer has waited for its client to take more of it.
    pub(crate) fn untaken(&self) -> Duration {
        let now = self.lock();
        let oldest = now.untaken.values().min();
        oldest.map_or(Duration::ZERO, Instant::elapsed)
    }

    fn lock(&self) -> MutexGuard<'_, Now> {
        self.0.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One request, until its answer is handed out or given up.
#[derive(Debug)]
pub(crate) struct UnderWay {
    exchange: Exchange,
    number: u64,
}

impl UnderWay {
    /// The body of its answer, which keeps it under way.
    pub(crate) fn hold(self, body: Body) -> HeldBody {
        HeldBody {
            body,
            rest: Bytes::new(),
            under_way: self,
        }
    }

    fn note_handed_out(&self) {
        let mut now = self.exchange.lock();
        now.untaken.insert(self.number, Instant::now());
    }

    fn note_asked_for(&self) {
        self.exchange.lock().untaken.remove(&self.number);
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut now = self.exchange.lock();
        now.untaken.remove(&self.number);
        now.under_way -= 1;
        now.idle_since = Instant::now();
    }
}

/// The body of an answer.
pub(crate) struct HeldBody {
    body: Body,
    /// What of the last frame has not been handed out yet.
    rest: Bytes,
    under_way: UnderWay,
}

impl HttpBody for HeldBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.under_way.note_asked_for();
        if self.rest.is_empty() {
            match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.rest = data,
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                },
                end => return Poll::Ready(end),
            }
        }
        let length = self.rest.len().min(self.under_way.exchange.0.piece_bytes);
        let piece = self.rest.split_to(length);
        self.under_way.note_handed_out();
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let rest = self.rest.len() as u64;
        let of_body = self.body.size_hint();
        let mut hint = SizeHint::new();
        // The lower bound first: it may not lie above the upper one.
        hint.set_lower(of_body.lower().saturating_add(rest));
        if let Some(upper) = of_body.upper() {
            hint.set_upper(upper.saturating_add(rest));
        }
        hint
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_whole_in_pieces_and_under_way_until_its_end() {
        let exchange = Exchange::of_pieces();
        let whole: Vec<u8> = (0..40_000_u32)
            .map(|number| number.to_le_bytes()[0])
            .collect();
        let mut body = exchange.begin().hold(Body::from(whole.clone()));
        assert_eq!(body.size_hint().exact(), Some(40_000));
        let mut taken = Vec::new();
        while let Some(frame) = body.frame().await {
            let data = frame.unwrap().into_data().unwrap();
            assert!(data.len() <= PIECE_BYTES && exchange.is_under_way());
            taken.extend_from_slice(&data);
            let left = body.size_hint().exact();
            assert_eq!(left, Some(40_000 - taken.len() as u64));
        }
        assert_eq!(taken, whole);
        drop(body);
        tokio::time::advance(Duration::from_secs(3)).await;
        assert!(!exchange.is_under_way() && exchange.begun() == 1);
        assert_eq!(exchange.idle(), Duration::from_secs(3));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_taken_shows_and_what_has_no_news_does_not() {
        let exchange = Exchange::of_pieces();
        let (news, stream) = tokio::sync::mpsc::channel(1);
        let stream = tokio_stream::wrappers::ReceiverStream::new(stream);
        let mut body = exchange.begin().hold(Body::from_stream(stream));
        let second = Duration::from_secs(1);
        news.send(Ok::<_, axum::Error>("news")).await.unwrap();
        body.frame().await.unwrap().unwrap();
        tokio::time::advance(second).await;
        assert_eq!(exchange.untaken(), second);
        let waiting = tokio::time::timeout(second, body.frame()).await;
        assert!(waiting.is_err(), "there is nothing new");
        assert_eq!(exchange.untaken(), Duration::ZERO);
        news.send(Ok("more")).await.unwrap();
        body.frame().await.unwrap().unwrap();
        tokio::time::advance(second).await;
        let other = exchange.begin();
        assert_eq!(exchange.untaken(), second);
        drop((body, other));
        assert_eq!(exchange.untaken(), Duration::ZERO);
    }

    #[tokio::test]
    async fn a_whole_answer_is_handed_on_as_it_is() {
        let exchange = Exchange::of_whole_answers();
        let mut body = exchange.begin().hold(Body::from(vec![7; 40_000]));
        let data = body.frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!((data.len(), body.frame().await.is_none()), (40_000, true));
        assert!(exchange.is_under_way());
        drop(body);
        assert!(!exchange.is_under_way());
    }
}
