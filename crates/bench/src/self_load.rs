//! What the load generator itself took: a result whose generator was busy says little about etcd.

mod thread;

use std::time::Instant;

use serde::{Deserialize, Serialize};

pub use thread::Scheduling;
pub(crate) use thread::{ThreadWatch, Threads, ThreadsWatch};

/// Above this share of its cores the generator is what is measured (a rule of thumb: queues form at 70 %).
const BUSY_SHARE: f64 = 0.7;

/// Above this share of time another machine took the cores away.
const STEAL_SHARE: f64 = 0.02;

/// Above this share of its time a thread that could have run waited for a core: what it sends and notes is late by that (a
/// rule of thumb: below, the wait is rarely longer than the lateness that is allowed).
const WAITED_SHARE: f64 = 0.1;

/// What the generator took while it measured. Values are `None` where the system does not tell.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct OwnCost {
    /// CPU time of this process in seconds, user and system, all threads.
    pub cpu_seconds: Option<f64>,
    /// The same as a share of the time and the cores that it may use.
    pub cpu_share: Option<f64>,
    /// Share of the machine's time that its hypervisor gave to others.
    pub steal_share: Option<f64>,
    /// Resident memory at the end in bytes.
    pub resident_bytes: Option<u64>,
    /// Share of the time of the threads that made the load in which they could have run and waited for a core.
    #[serde(default)]
    pub run_queue_share: Option<f64>,
    /// The same of the thread that waited most.
    #[serde(default)]
    pub run_queue_share_most: Option<f64>,
    /// How often in a second a core was taken from one of these threads that wanted to go on.
    #[serde(default)]
    pub involuntary_switches_per_second: Option<f64>,
    /// Share of the time of all cores of this machine that anybody used.
    #[serde(default)]
    pub machine_busy_share: Option<f64>,
}

impl OwnCost {
    /// What is doubtful about the result because of it.
    pub fn doubts(&self) -> Vec<String> {
        let busy = self.cpu_share.filter(|share| *share > BUSY_SHARE);
        let busy = busy.map(|share| {
            format!(
                "the load generator took {:.0} % of its cores: the result may be its limit, not the cluster's",
                100.0 * share
            )
        });
        let steal = self.steal_share.filter(|share| *share > STEAL_SHARE);
        let steal = steal.map(|share| {
            format!(
                "the hypervisor took {:.1} % of the time of this machine away: latencies contain it",
                100.0 * share
            )
        });
        let waited = self
            .run_queue_share_most
            .filter(|share| *share > WAITED_SHARE);
        let waited = waited.map(|share| {
            format!(
                "a thread of the load generator waited {:.0} % of its time for a core: others need this machine, and latencies contain the wait",
                100.0 * share
            )
        });
        busy.into_iter().chain(steal).chain(waited).collect()
    }
}

/// The beginning of a measurement.
#[derive(Debug)]
pub(crate) struct SelfLoad {
    began: Instant,
    at: Readings,
}

#[derive(Debug, Default, Clone, Copy)]
struct Readings {
    cpu_seconds: Option<f64>,
    steal_ticks: Option<u64>,
    idle_ticks: Option<u64>,
    all_ticks: Option<u64>,
    resident_bytes: Option<u64>,
}

impl SelfLoad {
    pub(crate) fn begin() -> Self {
        Self {
            began: Instant::now(),
            at: Readings::now(),
        }
    }

    /// With what the scheduler did to the threads that made the load.
    pub(crate) fn end(self, threads: &Scheduling) -> OwnCost {
        let now = Readings::now();
        let seconds = self.began.elapsed().as_secs_f64();
        let cores = std::thread::available_parallelism().map_or(1.0, |cores| cores.get() as f64);
        let cpu = now
            .cpu_seconds
            .zip(self.at.cpu_seconds)
            .map(|(now, then)| now - then);
        let since = |now: Option<u64>, then: Option<u64>| Some(now?.saturating_sub(then?) as f64);
        let steal = since(now.steal_ticks, self.at.steal_ticks);
        let idle = since(now.idle_ticks, self.at.idle_ticks);
        let all = since(now.all_ticks, self.at.all_ticks).filter(|ticks| *ticks > 0.0);
        let of_threads = Some(threads.thread_seconds).filter(|seconds| *seconds > 0.0);
        let switches = threads.involuntary_switches.filter(|_| seconds > 0.0);
        OwnCost {
            cpu_seconds: cpu,
            cpu_share: cpu
                .filter(|_| seconds > 0.0)
                .map(|cpu| cpu / seconds / cores),
            steal_share: steal.zip(all).map(|(steal, all)| steal / all),
            resident_bytes: now.resident_bytes,
            run_queue_share: threads
                .waited_seconds
                .zip(of_threads)
                .map(|(waited, of)| waited / of),
            run_queue_share_most: threads.waited_share_most,
            involuntary_switches_per_second: switches.map(|count| count as f64 / seconds),
            machine_busy_share: idle.zip(all).map(|(idle, all)| 1.0 - idle / all),
        }
    }
}

impl Readings {
    #[cfg(target_os = "linux")]
    fn now() -> Self {
        use procfs::CurrentSI;
        let own = procfs::process::Process::myself()
            .and_then(|own| own.stat())
            .ok();
        let machine = procfs::KernelStats::current().ok().map(|stats| stats.total);
        let all = machine.as_ref().map(|cpu| {
            cpu.user
                + cpu.nice
                + cpu.system
                + cpu.idle
                + cpu.iowait.unwrap_or(0)
                + cpu.irq.unwrap_or(0)
                + cpu.softirq.unwrap_or(0)
                + cpu.steal.unwrap_or(0)
        });
        let ticks = procfs::ticks_per_second() as f64;
        Self {
            cpu_seconds: own
                .as_ref()
                .map(|stat| (stat.utime + stat.stime) as f64 / ticks),
            idle_ticks: machine
                .as_ref()
                .map(|cpu| cpu.idle + cpu.iowait.unwrap_or(0)),
            steal_ticks: machine.and_then(|cpu| cpu.steal),
            all_ticks: all,
            resident_bytes: own.map(|stat| stat.rss * procfs::page_size()),
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn now() -> Self {
        Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_generator_is_told() {
        let quiet = OwnCost {
            cpu_share: Some(0.2),
            steal_share: Some(0.0),
            ..OwnCost::default()
        };
        assert!(quiet.doubts().is_empty());
        assert!(OwnCost::default().doubts().is_empty());
        let busy = OwnCost {
            cpu_share: Some(0.9),
            steal_share: Some(0.1),
            run_queue_share_most: Some(0.5),
            ..quiet
        };
        assert_eq!(busy.doubts().len(), 3);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn own_cpu_time_is_counted() {
        let load = SelfLoad::begin();
        let began = Instant::now();
        let mut sum = 0_u64;
        while began.elapsed().as_millis() < 200 {
            sum = sum.wrapping_mul(31).wrapping_add(7);
        }
        let cost = load.end(&Scheduling::default());
        assert!((0.0..=1.0).contains(&cost.machine_busy_share.unwrap()));
        assert_eq!(cost.run_queue_share, None);
        assert!(cost.cpu_seconds.unwrap() > 0.02, "{cost:?} {sum}");
        assert!(cost.resident_bytes.unwrap() > 1 << 20);
    }
}
