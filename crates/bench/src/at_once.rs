//! Asking many at the same time, so that one that hangs costs its own deadline and nobody else's.

use std::future::poll_fn;
use std::panic::resume_unwind;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::sleep;

/// What is under way at a time: more is no faster, and takes sockets.
const AT_ONCE_MAX: usize = 64;

/// Awaits all, 64 at a time, and brings what they brought in the order in which they were given.
///
/// After a failure none is begun any more, and those that are under way are awaited: of several failures the first in order
/// is told, so that the same trouble makes the same message.
pub(crate) async fn all_at_once<F, T, E>(
    asked: impl IntoIterator<Item = F, IntoIter: Send>,
) -> Result<Vec<T>, E>
where
    F: Future<Output = Result<T, E>> + Send + 'static,
    T: Send + 'static,
    E: Send + 'static,
{
    let mut waiting = asked.into_iter().enumerate();
    let mut under_way = JoinSet::new();
    let mut brought: Vec<(usize, T)> = Vec::new();
    let mut failed: Option<(usize, E)> = None;
    loop {
        while failed.is_none()
            && under_way.len() < AT_ONCE_MAX
            && let Some((place, asked)) = waiting.next()
        {
            under_way.spawn(async move { (place, asked.await) });
        }
        let Some(ended) = under_way.join_next().await else {
            break;
        };
        match ended {
            Ok((place, Ok(one))) => brought.push((place, one)),
            Ok((place, Err(error))) => {
                let is_first = failed.as_ref().is_none_or(|(first, _)| place < *first);
                if is_first {
                    failed = Some((place, error));
                }
            }
            // Nobody cancels them, so that this is a panic: it goes on in whoever waits.
            Err(ended) => resume_unwind(ended.into_panic()),
        }
    }
    if let Some((_, error)) = failed {
        return Err(error);
    }
    brought.sort_by_key(|(place, _)| *place);
    Ok(brought.into_iter().map(|(_, one)| one).collect())
}

/// Asks the first alone, and all others as well once it has failed or this time is over. Brings the first answer, or else the
/// first failure in order; `None` where nobody is asked. What is still under way then is dropped.
pub(crate) async fn first_answer<F, T, E>(
    asked: impl IntoIterator<Item = F>,
    patience: Duration,
) -> Option<Result<T, E>>
where
    F: Future<Output = Result<T, E>>,
{
    let mut asked: Vec<Asked<F, E>> = asked.into_iter().map(Asked::new).collect();
    let mut alone = pin!(sleep(patience));
    let mut is_alone = true;
    let answer = poll_fn(|context| {
        is_alone &= alone.as_mut().poll(context).is_pending();
        for one in &mut asked {
            let Asked::UnderWay(future) = one else {
                continue;
            };
            match future.as_mut().poll(context) {
                Poll::Ready(Ok(answer)) => return Poll::Ready(Some(answer)),
                Poll::Ready(Err(error)) => *one = Asked::Failed(error),
                Poll::Pending if is_alone => return Poll::Pending,
                Poll::Pending => {}
            }
            is_alone = false;
        }
        let is_over = asked.iter().all(|one| matches!(one, Asked::Failed(_)));
        if is_over {
            Poll::Ready(None)
        } else {
            Poll::Pending
        }
    });
    let answer = answer.await.map(Ok);
    answer.or_else(|| {
        let failures = asked.into_iter().filter_map(Asked::failure);
        failures.map(Err).next()
    })
}

/// One that was asked.
enum Asked<F, E> {
    UnderWay(Pin<Box<F>>),
    Failed(E),
}

impl<F, E> Asked<F, E> {
    fn new(future: F) -> Self {
        Self::UnderWay(Box::pin(future))
    }

    fn failure(self) -> Option<E> {
        match self {
            Self::UnderWay(_) => None,
            Self::Failed(error) => Some(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::Barrier;

    use super::*;

    #[tokio::test]
    async fn all_are_asked_together_and_answer_in_order() {
        // None of them ends before the last was asked.
        let barrier = Arc::new(Barrier::new(AT_ONCE_MAX));
        let asked = (0..AT_ONCE_MAX).map(|number| {
            let barrier = Arc::clone(&barrier);
            async move {
                barrier.wait().await;
                Ok::<_, ()>(number)
            }
        });
        let all = all_at_once(asked.collect::<Vec<_>>()).await.unwrap();
        assert!(all.into_iter().eq(0..AT_ONCE_MAX));
    }

    #[tokio::test]
    async fn the_first_failure_in_order_is_told_and_none_is_begun_after_it() {
        let begun = Arc::new(AtomicUsize::new(0));
        let asked = (0..1_000_usize).map(|number| {
            let begun = Arc::clone(&begun);
            async move {
                begun.fetch_add(1, Ordering::Relaxed);
                // The later fail sooner.
                for _ in number..AT_ONCE_MAX {
                    tokio::task::yield_now().await;
                }
                if number < 10 { Ok(()) } else { Err(number) }
            }
        });
        let failed = all_at_once(asked.collect::<Vec<_>>()).await.unwrap_err();
        assert_eq!(failed, 10);
        assert_eq!(begun.load(Ordering::Relaxed), AT_ONCE_MAX);
    }

    /// One that never answers, or this.
    async fn answer(answer: Option<Result<u8, u8>>) -> Result<u8, u8> {
        match answer {
            None => pending().await,
            Some(answer) => ready(answer).await,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn others_are_asked_where_the_first_fails_or_is_silent() {
        let patience = Duration::from_secs(1);
        let first = async |answers: &[Option<Result<u8, u8>>]| {
            let began = tokio::time::Instant::now();
            let answers = answers.iter().copied().map(answer);
            let brought = first_answer(answers, patience).await;
            (brought, began.elapsed() >= patience)
        };
        assert_eq!(first(&[]).await, (None, false));
        assert_eq!(
            first(&[Some(Ok(1)), Some(Ok(2))]).await,
            (Some(Ok(1)), false)
        );
        assert_eq!(
            first(&[Some(Err(1)), Some(Ok(2))]).await,
            (Some(Ok(2)), false)
        );
        assert_eq!(first(&[None, None, Some(Ok(3))]).await, (Some(Ok(3)), true));
        assert_eq!(
            first(&[None, Some(Err(2)), Some(Ok(3))]).await,
            (Some(Ok(3)), true)
        );
        assert_eq!(
            first(&[Some(Err(1)), Some(Err(2))]).await,
            (Some(Err(1)), false)
        );
    }
}
