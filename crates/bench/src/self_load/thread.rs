//! How the threads that make the load fared with the scheduler of the system.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::ThreadId;
use std::time::Instant;

/// What the scheduler did to the threads of an engine. Values are `None` where the system does not tell.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
#[non_exhaustive]
pub struct Scheduling {
    /// Time of all threads together, in seconds, whatever they did.
    pub thread_seconds: f64,
    /// Time in which a thread could run and waited for a core, of all together.
    pub waited_seconds: Option<f64>,
    /// The same of the thread that waited most, as a share of its time.
    pub waited_share_most: Option<f64>,
    /// How often a core was taken from a thread that wanted to go on.
    pub involuntary_switches: Option<u64>,
}

impl Scheduling {
    /// Takes in what another thread saw, if it is one at all.
    pub(crate) fn add(&mut self, other: &Self) {
        if other.thread_seconds <= 0.0 {
            return;
        }
        let is_first = self.thread_seconds <= 0.0;
        let both = |one: Option<f64>, other: Option<f64>, of: fn(f64, f64) -> f64| {
            if is_first {
                return other;
            }
            Some(of(one?, other?))
        };
        self.waited_seconds = both(self.waited_seconds, other.waited_seconds, |a, b| a + b);
        self.waited_share_most = both(self.waited_share_most, other.waited_share_most, f64::max);
        self.involuntary_switches = if is_first {
            other.involuntary_switches
        } else {
            self.involuntary_switches
                .zip(other.involuntary_switches)
                .map(|(one, other)| one + other)
        };
        self.thread_seconds += other.thread_seconds;
    }
}

/// A thread from one time on.
#[derive(Debug)]
pub(crate) struct ThreadWatch {
    thread: ThreadId,
    began: Instant,
    at: Readings,
}

#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Readings {
    waited_seconds: Option<f64>,
    involuntary_switches: Option<u64>,
}

impl ThreadWatch {
    /// Of the thread that calls it, from now on.
    pub(crate) fn begin() -> Self {
        Self {
            thread: std::thread::current().id(),
            began: Instant::now(),
            at: Readings::now(),
        }
    }

    /// Until now; knows nothing where another thread calls it.
    pub(crate) fn end(&self) -> Scheduling {
        let now = if std::thread::current().id() == self.thread {
            Readings::now()
        } else {
            Readings::default()
        };
        now.since(&self.at, self.began.elapsed().as_secs_f64())
    }
}

/// The threads of a runtime: each notes itself when it starts, and takes itself out before it ends.
#[derive(Debug, Clone, Default)]
pub(crate) struct Threads(Arc<Mutex<BTreeSet<u32>>>);

impl Threads {
    /// The thread that calls it is one of them.
    pub(crate) fn enter(&self) {
        if let Some(id) = own_id() {
            self.ids().insert(id);
        }
    }

    /// The thread that calls it is no longer one of them.
    pub(crate) fn leave(&self) {
        if let Some(id) = own_id() {
            self.ids().remove(&id);
        }
    }

    /// All that are there now, from now on. Those that come later, and those that have ended when it does, do not count: of a
    /// runtime these are threads for blocking calls, such as the resolution of a name. One that is there all the time counts.
    pub(crate) fn watch(&self) -> ThreadsWatch {
        let ids = self.ids().clone();
        ThreadsWatch {
            threads: self.clone(),
            began: Instant::now(),
            at: ids.into_iter().map(|id| (id, Readings::of(id))).collect(),
        }
    }

    fn ids(&self) -> MutexGuard<'_, BTreeSet<u32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Threads from one time on.
#[derive(Debug)]
pub(crate) struct ThreadsWatch {
    threads: Threads,
    began: Instant,
    at: BTreeMap<u32, Readings>,
}

impl ThreadsWatch {
    /// Until now, by whatever thread it is called.
    pub(crate) fn end(&self) -> Scheduling {
        let seconds = self.began.elapsed().as_secs_f64();
        let ids = self.threads.ids().clone();
        let mut all = Scheduling::default();
        for (id, then) in self.at.iter().filter(|(id, _)| ids.contains(id)) {
            all.add(&Readings::of(*id).since(then, seconds));
        }
        all
    }
}

impl Readings {
    /// What came in so many seconds.
    fn since(&self, then: &Self, seconds: f64) -> Scheduling {
        let waited = self.waited_seconds.zip(then.waited_seconds);
        // A wait that began before is counted when it ends.
        let waited = waited.map(|(now, then)| (now - then).clamp(0.0, seconds.max(0.0)));
        let switches = self.involuntary_switches.zip(then.involuntary_switches);
        Scheduling {
            thread_seconds: seconds,
            waited_seconds: waited,
            waited_share_most: waited
                .filter(|_| seconds > 0.0)
                .map(|waited| waited / seconds),
            involuntary_switches: switches.map(|(now, then)| now.saturating_sub(then)),
        }
    }

    /// Of the thread that calls it.
    fn now() -> Self {
        Self::at("/proc/thread-self")
    }

    /// Of a thread of this process.
    fn of(id: u32) -> Self {
        Self::at(&format!("/proc/self/task/{id}"))
    }

    #[cfg(target_os = "linux")]
    fn at(place: &str) -> Self {
        let read = |name: &str| std::fs::read_to_string(format!("{place}/{name}")).ok();
        Self {
            waited_seconds: read("schedstat").and_then(|text| waited_seconds(&text)),
            involuntary_switches: read("status").and_then(|text| involuntary_switches(&text)),
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn at(_place: &str) -> Self {
        Self::default()
    }
}

/// The system's number of the thread that calls it; `None` where the system does not tell.
fn own_id() -> Option<u32> {
    // It leads to `PROCESS/task/THREAD`.
    let own = std::fs::read_link("/proc/thread-self").ok()?;
    own.file_name()?.to_str()?.parse().ok()
}

/// `schedstat`: nanoseconds on a core, nanoseconds of waiting for one, turns. All zero where the kernel does not count.
#[cfg(target_os = "linux")]
fn waited_seconds(text: &str) -> Option<f64> {
    let mut fields = text.split_ascii_whitespace().map(str::parse::<u64>);
    let (ran, waited) = (fields.next()?.ok()?, fields.next()?.ok()?);
    (ran > 0).then(|| waited as f64 / 1e9)
}

#[cfg(target_os = "linux")]
fn involuntary_switches(text: &str) -> Option<u64> {
    let line = |line: &str| {
        line.strip_prefix("nonvoluntary_ctxt_switches:")?
            .trim()
            .parse()
            .ok()
    };
    text.lines().find_map(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn what_the_kernel_writes_is_read() {
        assert_eq!(waited_seconds("1500 2500000000 12\n"), Some(2.5));
        assert_eq!(waited_seconds("0 0 0\n"), None);
        assert_eq!(waited_seconds("x"), None);
        let status = "Name:\ta\nvoluntary_ctxt_switches:\t5\nnonvoluntary_ctxt_switches:\t7\n";
        assert_eq!(involuntary_switches(status), Some(7));
        assert_eq!(involuntary_switches(""), None);
        let own = ThreadWatch::begin().end();
        assert!(own.involuntary_switches.is_some(), "{own:?}");
    }

    #[test]
    fn threads_add_up_and_what_one_does_not_know_is_unknown() {
        let one = Scheduling {
            thread_seconds: 2.0,
            waited_seconds: Some(0.5),
            waited_share_most: Some(0.25),
            involuntary_switches: Some(3),
        };
        let mut all = Scheduling::default();
        all.add(&one);
        assert_eq!(all, one);
        all.add(&Scheduling {
            waited_share_most: Some(0.75),
            involuntary_switches: None,
            ..one
        });
        assert_eq!(all.waited_seconds, Some(1.0));
        assert_eq!(all.waited_share_most, Some(0.75));
        assert_eq!((all.thread_seconds, all.involuntary_switches), (4.0, None));
        // Nothing is known of no thread, which takes nothing from what is known of others.
        let before = all;
        all.add(&Scheduling::default());
        assert_eq!(all, before);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn threads_that_are_there_all_the_time_are_watched_from_outside() {
        let threads = Threads::default();
        assert_eq!(threads.watch().end(), Scheduling::default());
        let both = Arc::new(std::sync::Barrier::new(3));
        std::thread::scope(|scope| {
            let work = |ends_early: bool| {
                threads.enter();
                both.wait();
                both.wait();
                if ends_early {
                    threads.leave();
                }
                both.wait();
                both.wait();
            };
            scope.spawn(move || work(false));
            scope.spawn(move || work(true));
            both.wait();
            let watch = threads.watch();
            both.wait();
            both.wait();
            let seen = watch.end();
            both.wait();
            // Of one thread, since the other was gone.
            let of_one = watch.began.elapsed().as_secs_f64();
            assert!(seen.thread_seconds > 0.0 && seen.thread_seconds <= of_one);
            assert!(seen.involuntary_switches.is_some(), "{seen:?}");
            assert_eq!(watch.at.len(), 2);
        });
    }

    #[test]
    fn another_thread_knows_nothing() {
        let watch = ThreadWatch::begin();
        let seen = std::thread::scope(|scope| scope.spawn(|| watch.end()).join());
        assert_eq!(seen.unwrap().waited_seconds, None);
    }
}
