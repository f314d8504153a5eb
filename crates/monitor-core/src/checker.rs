//! One look at a cluster: a few cycles in quick succession, and what they amount to.

use std::time::Duration;

use etcd_monitor_client::ClientError;
use etcd_monitor_model::Snapshot;
use tokio::time::{Instant, sleep, timeout_at};

use crate::assess::{AssessState, Parameters, assess};
use crate::probe::{ClusterProbe, EtcdProbe, ProbeOptions};

/// Two, since only the second tells a silent member that its peers hear from one that is down.
const CYCLES: u64 = 2;

/// Between two cycles: two heartbeats of etcd's default, so that a member that lives is heard meanwhile.
const PAUSE: Duration = Duration::from_millis(250);

/// The interval that is told to the probe: half of it is the deadline of a call, and a cycle takes two at most.
const INTERVAL: Duration = Duration::from_secs(2);

/// No cycle but the first goes on after this.
const LIMIT: Duration = Duration::from_millis(2_500);

/// Assesses a cluster once.
///
/// Two cycles (or as many as asked for) run one after the other, and a further one where the monitor itself was late.
/// It takes at most 2.5 s, also where members hang: a cycle that does not fit is left out. Rules that compare over
/// minutes are unknown in the snapshot.
///
/// ```no_run
/// use etcd_monitor_core::{Endpoint, HealthChecker, ProbeOptions};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let endpoint = Endpoint::parse("127.0.0.1:2379", false)?;
/// let checker = HealthChecker::new(ProbeOptions::new("production", vec![endpoint]))?;
/// let snapshot = checker.check().await;
/// for finding in snapshot.findings.iter().filter(|finding| finding.status.is_true()) {
///     println!("{}: {}", finding.severity, finding.cause);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct HealthChecker<P = EtcdProbe> {
    probe: P,
    parameters: Parameters,
    cycles: u64,
    state: AssessState,
}

impl HealthChecker<EtcdProbe> {
    /// A checker of a real cluster; each call gets 1 s, or half of the interval of `options` where that is shorter.
    ///
    /// Fails only when no HTTP client can be made.
    pub fn new(mut options: ProbeOptions) -> Result<Self, ClientError> {
        options.interval = options.interval.min(INTERVAL);
        // No member shall walk its whole key space for one look.
        options.consistency = None;
        Ok(Self::of(EtcdProbe::new(options)?))
    }
}

impl<P: ClusterProbe> HealthChecker<P> {
    /// A checker of what a probe sees.
    pub fn of(probe: P) -> Self {
        Self {
            probe,
            parameters: Parameters::default(),
            cycles: CYCLES,
            state: AssessState::default(),
        }
    }

    /// Judges by these thresholds.
    #[must_use]
    pub fn with_parameters(mut self, parameters: Parameters) -> Self {
        self.parameters = parameters;
        self
    }

    /// Runs this many cycles, as far as they fit into 2.5 s; at least one.
    #[must_use]
    pub fn with_cycles(mut self, cycles: u64) -> Self {
        self.cycles = cycles;
        self
    }

    /// Looks at the cluster, and returns what the last punctual cycle said. `MonitorLate` is true in it where none was
    /// punctual. Cancel-safe: an abandoned check leaves nothing behind, unless the probe has a canary.
    pub async fn check(mut self) -> Snapshot {
        let end = Instant::now() + LIMIT;
        let mut judged = self.cycle(1).await;
        let mut number = 1;
        while number < self.cycles || judged.monitor.is_late() {
            number += 1;
            let next = async {
                sleep(PAUSE).await;
                self.cycle(number).await
            };
            match timeout_at(end, next).await {
                Ok(next) if next.monitor.is_late() && !judged.monitor.is_late() => {}
                Ok(next) => judged = next,
                Err(_) => break,
            }
        }
        self.probe.close().await;
        judged
    }

    async fn cycle(&mut self, number: u64) -> Snapshot {
        let observation = self.probe.observe(number, Duration::ZERO).await;
        assess(&mut self.state, &observation, &self.parameters)
    }
}

#[cfg(test)]
mod tests {
    use etcd_monitor_model::{ClusterName, MonitorCondition, Observation};
    use jiff::Timestamp;

    use super::*;
    use crate::RecordedProbe;

    fn seen(cycle: u64, lag_seconds: f64) -> Observation {
        let at = Timestamp::from_second(1_700_000_000).unwrap();
        Observation {
            cluster: ClusterName::new("test"),
            cycle,
            started_at: at,
            ended_at: at,
            interval_seconds: 2.0,
            monitor: MonitorCondition {
                timer_lag_seconds: lag_seconds,
                deadline_seconds: 1.0,
            },
            members: Vec::new(),
            own_certificates: None,
            canary: None,
            hashes: None,
        }
    }

    async fn checked(lags: &[f64]) -> Snapshot {
        let cycles = (1..).zip(lags).map(|(cycle, lag)| seen(cycle, *lag));
        HealthChecker::of(RecordedProbe::new(cycles)).check().await
    }

    #[tokio::test(start_paused = true)]
    async fn two_cycles_are_run_and_the_last_counts() {
        assert_eq!(checked(&[0.0, 0.0, 0.0]).await.cycle, 2);
        let three = HealthChecker::of(RecordedProbe::new((1..=9).map(|cycle| seen(cycle, 0.0))));
        assert_eq!(three.with_cycles(3).check().await.cycle, 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_cycle_in_which_the_monitor_was_late_is_run_again_and_never_preferred() {
        assert_eq!(checked(&[9.0, 9.0, 0.0, 0.0]).await.cycle, 3);
        assert_eq!(checked(&[0.0, 9.0]).await.cycle, 1);
        assert!(checked(&[9.0; 20]).await.monitor.is_late());
    }

    #[tokio::test(start_paused = true)]
    async fn a_cycle_that_does_not_fit_is_left_out() {
        let began = Instant::now();
        assert_eq!(checked(&[0.0]).await.cycle, 1);
        assert_eq!(began.elapsed(), LIMIT);
    }
}
