//! Whose turn it is: which request is next, and when it was due.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::load::{Bounds, Load, Overload, Rate};
use crate::schedule::Schedule;

/// How long the pacer sleeps at most, so that it hears of a stop.
const NAP_MAX: Duration = Duration::from_millis(50);

/// Permits that are given out beyond the requests that are taken: a semaphore has a limit.
const WAITING_MAX: usize = 1 << 24;

/// One request that is to be made.
#[derive(Debug, Clone, Copy)]
pub struct Turn {
    /// Counts the requests of the load from 0, those of the warm-up included.
    pub number: u64,
    /// When it was due; in a closed loop now.
    pub intended: Instant,
    /// False in the warm-up.
    pub measured: bool,
}

/// Gives out the turns of one run to all its clients.
#[derive(Debug)]
pub struct Turns {
    begin: Instant,
    measured_from: Instant,
    end: Option<Instant>,
    total: Option<u64>,
    issued: AtomicU64,
    measured: AtomicU64,
    stop: CancellationToken,
    open: Option<OpenLoop>,
}

/// Requests are due at times of a schedule; a thread of its own, the pacer, gives a permit for each when its time has come.
#[derive(Debug)]
struct OpenLoop {
    permits: Semaphore,
    /// For those who take: when their request was due.
    taken: Mutex<Intended>,
    /// For the pacer.
    schedule: Schedule,
    /// Requests that were due and taken on.
    due: AtomicU64,
    overload: Overload,
    clients: u32,
    /// Of those taken on, the ones that are not finished.
    outstanding: AtomicU64,
    dropped: AtomicU64,
}

/// When those requests were due that are taken on.
#[derive(Debug)]
enum Intended {
    /// All of the schedule, so that any number may wait and takes no memory.
    All(Schedule),
    /// Some of it: as many as may wait.
    Some(VecDeque<Duration>),
}

impl Intended {
    fn next(&mut self) -> Option<Duration> {
        match self {
            Self::All(schedule) => schedule.next(),
            Self::Some(waiting) => waiting.pop_front(),
        }
    }
}

impl OpenLoop {
    fn new(load: &Load, rate: Rate) -> Self {
        let schedule = Schedule::new(rate, load.seed);
        let intended = match load.overload {
            Overload::Queue => Intended::All(schedule.clone()),
            _ => Intended::Some(VecDeque::new()),
        };
        Self {
            permits: Semaphore::new(0),
            taken: Mutex::new(intended),
            schedule,
            due: AtomicU64::new(0),
            overload: load.overload,
            clients: load.clients,
            outstanding: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
        }
    }

    fn intended(&self) -> MutexGuard<'_, Intended> {
        // Whoever holds it leaves it whole.
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request is due; false where it is dropped.
    fn takes_on(&self, offset: Duration) -> bool {
        let outstanding = self.outstanding.load(Ordering::Relaxed);
        if !self.overload.admits(outstanding, self.clients) {
            return false;
        }
        self.outstanding.fetch_add(1, Ordering::Relaxed);
        self.due.fetch_add(1, Ordering::Relaxed);
        if let Intended::Some(waiting) = &mut *self.intended() {
            waiting.push_back(offset);
        }
        if self.permits.available_permits() < WAITING_MAX {
            self.permits.add_permits(1);
        }
        true
    }
}

impl Turns {
    /// The turns of a load that begins at `begin`.
    pub fn new(load: &Load, begin: Instant, stop: CancellationToken) -> Self {
        let Bounds {
            measured_from,
            total,
            end,
        } = load.bounds(begin);
        let open = load.rate.map(|rate| OpenLoop::new(load, rate));
        Self {
            begin,
            measured_from,
            end,
            total,
            issued: AtomicU64::new(0),
            measured: AtomicU64::new(0),
            stop,
            open,
        }
    }

    /// When the measurement begins.
    pub fn measured_from(&self) -> Instant {
        self.measured_from
    }

    /// When it ends; `None` where it ends by the number of requests.
    pub fn measured_to(&self) -> Option<Instant> {
        self.end
    }

    /// True where requests are due at times of their own.
    pub fn is_open_loop(&self) -> bool {
        self.open.is_some()
    }

    /// True where the run was ended before it was over.
    pub fn is_stopped(&self) -> bool {
        self.stop.is_cancelled()
    }

    /// Requests that were due and were never sent, since none of the clients was free before the end.
    pub fn unsent(&self) -> u64 {
        let due = self
            .open
            .as_ref()
            .map_or(0, |open| open.due.load(Ordering::Relaxed));
        due.saturating_sub(self.issued.load(Ordering::Relaxed))
    }

    /// Requests that were due within the measurement and were dropped, since every client waited.
    pub fn dropped(&self) -> u64 {
        let open = self.open.as_ref();
        open.map_or(0, |open| open.dropped.load(Ordering::Relaxed))
    }

    /// The request of a turn was answered, or given up: its client is free.
    pub fn finished(&self) {
        if let Some(open) = &self.open {
            open.outstanding.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// The next turn, which is to be [`finished`](Self::finished); `None` at the end. Waits, in an open loop, until the next request is due. Cancel-safe.
    pub async fn next(&self) -> Option<Turn> {
        let Some(open) = &self.open else {
            return self.claim(Instant::now());
        };
        open.permits.acquire().await.ok()?.forget();
        let offset = {
            let mut intended = open.intended();
            if self.is_over(Instant::now()) {
                return None;
            }
            intended.next()?
        };
        self.claim(self.begin + offset)
    }

    fn is_over(&self, now: Instant) -> bool {
        self.stop.is_cancelled() || self.end.is_some_and(|end| now >= end)
    }

    fn claim(&self, intended: Instant) -> Option<Turn> {
        if self.is_over(Instant::now()) {
            return None;
        }
        let measured = intended >= self.measured_from;
        if measured && let Some(total) = self.total {
            let before = self.measured.fetch_add(1, Ordering::Relaxed);
            if before >= total {
                return None;
            }
        }
        Some(Turn {
            number: self.issued.fetch_add(1, Ordering::Relaxed),
            intended,
            measured,
        })
    }

    /// Gives the permits of an open loop, each when its time has come, until the end; then as many more as there are clients,
    /// so that those who wait hear of it. Blocks: it wants a thread of its own, since the timers of an async runtime are
    /// a millisecond apart.
    pub fn pace(&self, clients: u32) {
        let Some(open) = &self.open else { return };
        let mut measured = 0;
        for offset in open.schedule.clone() {
            let due = self.begin + offset;
            let is_measured = due >= self.measured_from;
            measured += u64::from(is_measured);
            let is_enough = self.total.is_some_and(|total| measured > total);
            if is_enough || !self.sleep_until(due) {
                break;
            }
            if !open.takes_on(offset) && is_measured {
                open.dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
        open.permits.add_permits(clients as usize);
    }

    /// False where the run is over before.
    fn sleep_until(&self, due: Instant) -> bool {
        loop {
            let now = Instant::now();
            if self.is_over(now) {
                return false;
            }
            match due.checked_duration_since(now) {
                None | Some(Duration::ZERO) => return true,
                Some(left) => nap(left.min(NAP_MAX)),
            }
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the time itself is what is waited for"
)]
fn nap(span: Duration) {
    std::thread::sleep(span);
}
