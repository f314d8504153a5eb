//! How the threads that make the load fared with the scheduler of the system.

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
    /// Takes in what another thread saw.
    pub(crate) fn add(&mut self, other: &Self) {
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
        let seconds = self.began.elapsed().as_secs_f64();
        let waited = now.waited_seconds.zip(self.at.waited_seconds);
        let waited = waited.map(|(now, then)| (now - then).max(0.0));
        let switches = now.involuntary_switches.zip(self.at.involuntary_switches);
        Scheduling {
            thread_seconds: seconds,
            waited_seconds: waited,
            waited_share_most: waited
                .filter(|_| seconds > 0.0)
                .map(|waited| waited / seconds),
            involuntary_switches: switches.map(|(now, then)| now.saturating_sub(then)),
        }
    }
}

impl Readings {
    #[cfg(target_os = "linux")]
    fn now() -> Self {
        let read = |name: &str| std::fs::read_to_string(format!("/proc/thread-self/{name}")).ok();
        Self {
            waited_seconds: read("schedstat").and_then(|text| waited_seconds(&text)),
            involuntary_switches: read("status").and_then(|text| involuntary_switches(&text)),
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn now() -> Self {
        Self::default()
    }
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
    }

    #[test]
    fn another_thread_knows_nothing() {
        let watch = ThreadWatch::begin();
        let seen = std::thread::scope(|scope| scope.spawn(|| watch.end()).join());
        assert_eq!(seen.unwrap().waited_seconds, None);
    }
}
