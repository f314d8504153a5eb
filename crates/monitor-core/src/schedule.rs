//! When cycles start, so that those of many clusters neither meet nor wait for each other.

use std::sync::Arc;
use std::time::Duration;

use etcd_monitor_model::ClusterName;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, timeout};

/// How long a cycle keeps its slot: a healthy one ends within it, and one that goes on only waits for an answer.
const SHARE: Duration = Duration::from_millis(100);

/// The place of a cluster's cycles within an interval: the same for a name whatever other clusters there are, and
/// evenly spread over names.
pub fn offset_within(interval: Duration, cluster: &ClusterName) -> Duration {
    let digest = Sha256::digest(cluster.as_str());
    let number = digest[..4]
        .iter()
        .fold(0_u32, |number, byte| (number << 8) | u32::from(*byte));
    interval.mul_f64(f64::from(number) / (f64::from(u32::MAX) + 1.0))
}

/// Bounds how many cycles of several monitors work at the same time. Cheap to clone; all clones share the bound.
///
/// A cycle that takes longer than 100 ms gives its slot back and goes on: it waits for an answer and costs nothing
/// meanwhile. So a cluster that hangs holds up no other one.
#[derive(Debug, Clone)]
pub struct CycleSlots(Arc<Semaphore>);

impl CycleSlots {
    /// This many cycles at once, at least one.
    pub fn new(at_once: usize) -> Self {
        Self(Arc::new(Semaphore::new(at_once.max(1))))
    }

    /// Waits for a slot and then for the work. Cancel-safe if the work is.
    pub(crate) async fn run<T>(&self, work: impl Future<Output = T>) -> T {
        // An error would mean that the semaphore was closed, which nobody does.
        let slot = self.0.acquire().await;
        let mut work = std::pin::pin!(work);
        if let Ok(done) = timeout(SHARE, &mut work).await {
            return done;
        }
        drop(slot);
        work.await
    }
}

/// The starts of one monitor's cycles: the first at once, the others an interval apart at the offset.
#[derive(Debug)]
pub(crate) struct Schedule {
    first: Option<Instant>,
    rest: Interval,
}

impl Schedule {
    pub(crate) fn new(interval: Duration, offset: Duration) -> Self {
        let now = Instant::now();
        let mut rest = interval_at(now + first_gap(interval, offset), interval);
        // After a stop of the process the next cycle comes at once, and only one; those after it are in their place again.
        rest.set_missed_tick_behavior(MissedTickBehavior::Skip);
        Self {
            first: Some(now),
            rest,
        }
    }

    /// Waits for the next start, and returns when it was due. Cancel-safe.
    pub(crate) async fn next(&mut self) -> Instant {
        match self.first.take() {
            Some(first) => first,
            None => self.rest.tick().await,
        }
    }
}

/// From the first cycle to the second: half an interval at least, and less than one and a half.
fn first_gap(interval: Duration, offset: Duration) -> Duration {
    if offset < interval / 2 {
        interval + offset
    } else {
        offset.min(interval)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_secs(10);

    #[test]
    fn offsets_are_spread_and_belong_to_the_name() {
        let offset = |number: u32| offset_within(INTERVAL, &ClusterName::new(format!("c{number}")));
        assert_eq!(offset(7), offset(7));
        let mut per_second = [0; 10];
        for number in 0..1_000 {
            let place = usize::try_from(offset(number).as_secs()).unwrap();
            per_second[place] += 1;
        }
        assert!(
            per_second.iter().all(|count| (60..140).contains(count)),
            "{per_second:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_cycle_comes_at_once_and_the_others_at_their_place() {
        for (offset, gap) in [(0, 10), (3, 13), (5, 5), (9, 9)] {
            let began = Instant::now();
            let mut schedule = Schedule::new(INTERVAL, Duration::from_secs(offset));
            assert_eq!(schedule.next().await, began);
            assert_eq!(schedule.next().await, began + Duration::from_secs(gap));
            assert_eq!(schedule.next().await, began + Duration::from_secs(gap + 10));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_stop_one_cycle_comes_at_once_and_then_the_place_is_kept() {
        let began = Instant::now();
        let mut schedule = Schedule::new(INTERVAL, Duration::ZERO);
        schedule.next().await;
        tokio::time::advance(Duration::from_secs(34)).await;
        assert_eq!(schedule.next().await, began + INTERVAL);
        assert_eq!(Instant::now(), began + Duration::from_secs(34));
        assert_eq!(schedule.next().await, began + 4 * INTERVAL);
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_work_at_once_than_there_are_slots() {
        let slots = CycleSlots::new(2);
        let began = Instant::now();
        let work = || slots.run(async { tokio::time::sleep(SHARE / 2).await });
        tokio::join!(work(), work(), work(), work());
        // Timers are exact to a millisecond.
        let took = began.elapsed();
        assert!((SHARE..SHARE + SHARE / 10).contains(&took), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_hangs_gives_its_slot_back() {
        let slots = CycleSlots::new(1);
        let hanging = slots.run(std::future::pending::<()>());
        let other = async {
            slots.run(std::future::ready(())).await;
            Instant::now()
        };
        let began = Instant::now();
        tokio::select! {
            biased;
            () = hanging => unreachable!("it hangs"),
            ended = other => assert_eq!(ended.duration_since(began), SHARE),
        }
    }
}
