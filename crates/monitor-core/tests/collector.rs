//! The collector on real clusters: its numbers are those that etcd has, in every version.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use etcd_monitor_core::{
    AssessState, ClusterProbe, Endpoint, EtcdProbe, FindingStatus, LatencySource, MemberMetrics,
    MemberSnapshot, MetricsPage, Observation, Parameters, Probe, ProbeOptions, Snapshot,
    UnknownClass, assess, rule, samples,
};
use etcd_monitor_testkit::{Cluster, Error};
use tokio::time::timeout;

const SOON: Duration = Duration::from_mins(2);

/// Writes that are made between two looks: above the observations that a verdict needs.
const WRITES: u32 = 150;

/// A cluster that is looked at when the test says so.
struct Looked {
    cluster: Cluster,
    probe: EtcdProbe,
    state: AssessState,
    parameters: Parameters,
    cycle: u64,
}

/// What one look showed.
struct Look {
    observation: Observation,
    snapshot: Snapshot,
}

impl Look {
    fn page(&self, member: &MemberSnapshot) -> &MetricsPage {
        let mut rows = self.observation.members.iter();
        let row = rows.find(|row| row.endpoint == member.endpoint).unwrap();
        row.metrics.as_ref().and_then(Probe::ok).unwrap()
    }

    fn only(&self) -> &MemberMetrics {
        &self.snapshot.members[0].metrics
    }

    fn status(&self, rule: &str) -> &FindingStatus {
        let mut findings = self.snapshot.findings.iter();
        &findings
            .find(|finding| finding.rule == rule)
            .unwrap()
            .status
    }
}

impl Looked {
    fn at(cluster: Cluster) -> Self {
        // Fails only where a provider is installed already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let endpoint = Endpoint::parse(cluster.member(0).client_url(), false).unwrap();
        let probe = EtcdProbe::new(ProbeOptions::new("test", vec![endpoint])).unwrap();
        Self {
            cluster,
            probe,
            state: AssessState::default(),
            parameters: Parameters::default(),
            cycle: 0,
        }
    }

    async fn look(&mut self) -> Look {
        self.cycle += 1;
        let observation = self.probe.observe(self.cycle, Duration::ZERO).await;
        let snapshot = assess(&mut self.state, &observation, &self.parameters);
        Look {
            observation,
            snapshot,
        }
    }

    async fn write(&self) {
        for key in 0..WRITES {
            self.cluster
                .put(&format!("key-{key}"), "value")
                .await
                .unwrap();
        }
    }

    /// Two looks with writes in between.
    async fn before_and_after_writes(&mut self) -> (Look, Look) {
        let before = self.look().await;
        self.write().await;
        (before, self.look().await)
    }
}

async fn one_member(version: &str, arguments: &[&str]) -> Looked {
    let cluster = Cluster::builder()
        .members(1)
        .version(version)
        .extra_args(arguments.iter().copied());
    Looked::at(cluster.start().await.unwrap())
}

/// What holds in every version: the numbers are the differences of what etcd counts.
fn check_numbers(before: &Look, after: &Look) {
    let member = &after.snapshot.members[0];
    let metrics = &member.metrics;
    let (old, new) = (before.page(&before.snapshot.members[0]), after.page(member));
    let grown =
        |counter: fn(&MetricsPage) -> Option<f64>| counter(new).unwrap() - counter(old).unwrap();
    let seconds = metrics.window_seconds.unwrap();
    let took = after.snapshot.at.duration_since(before.snapshot.at);
    assert!((seconds - took.as_secs_f64()).abs() < 2e-3, "{seconds}");
    let committed = grown(|page| page.raft.proposals_committed);
    assert!(committed >= f64::from(WRITES));
    let per_second = metrics.raft.committed_per_second.unwrap();
    assert!((per_second * seconds - committed).abs() < 1e-6 * committed);
    let handled = grown(|page| page.requests.unary_handled);
    let per_second = metrics.requests.per_second.unwrap();
    assert!((per_second * seconds - handled).abs() < 1e-6 * handled);
    assert_eq!(metrics.requests.server_fault_share, Some(0.0));
    let fsyncs = |page: &MetricsPage| Some(page.disk.wal_fsync.as_ref()?.buckets.last()?.1);
    let fsync = metrics.disk.wal_fsync.unwrap();
    assert!((fsync.count as f64 - grown(fsyncs)).abs() < 0.5);
    let quantiles = [fsync.p50_seconds, fsync.p95_seconds, fsync.p99_seconds].map(Option::unwrap);
    assert!(quantiles.is_sorted() && quantiles[0] > 0.0, "{quantiles:?}");
    assert!(metrics.disk.backend_commit.unwrap().count > 0);
    let process = &metrics.process;
    assert!(process.cpu_cores.unwrap() > 0.0 && process.goroutines.unwrap() > 10.0);
    assert!(process.open_fds.unwrap() < process.max_fds.unwrap());
    assert!(metrics.network.client_received_bytes_per_second.unwrap() > 0.0);
    assert_eq!(metrics.watch.slow_watchers, Some(0.0));
    let own = metrics.latency.reads_by(LatencySource::OwnProbe).unwrap();
    assert_eq!(own.count, 2);
    check_samples(&after.snapshot);
}

fn check_samples(snapshot: &Snapshot) {
    let batches = samples(snapshot);
    assert_eq!(batches.len(), snapshot.members.len() + 1);
    let fsync = snapshot.members[0].metrics.disk.wal_fsync.unwrap();
    let mut found = batches[0].samples.iter();
    let sample = found.find(|sample| sample.metric == "wal_fsync_p99_seconds");
    assert_eq!(sample.map(|sample| sample.value), fsync.p99_seconds);
}

fn class(status: &FindingStatus) -> Option<UnknownClass> {
    match status {
        FindingStatus::Unknown { unknown_class, .. } => Some(*unknown_class),
        _ => None,
    }
}

#[tokio::test]
async fn etcd_37_tells_how_long_writes_take_by_itself() {
    let mut looked = one_member("3.7.3", &[]).await;
    let (before, after) = looked.before_and_after_writes().await;
    check_numbers(&before, &after);
    let latency = &after.only().latency;
    let writes = latency.writes_by(LatencySource::ServerRequests).unwrap();
    assert_eq!(writes.count, u64::from(WRITES));
    assert!(latency.writes_by(LatencySource::GrpcHandling).is_none());
    // Every fact is there, whatever this machine's disk makes of it.
    for rule in [
        rule::WAL_FSYNC_SLOW,
        rule::REQUESTS_SLOW,
        rule::REQUESTS_FAILING,
        rule::WRITE_OVERLOAD,
    ] {
        assert_eq!(class(after.status(rule)), None, "{rule}");
    }
}

#[tokio::test]
async fn extensive_metrics_tell_it_in_every_version() {
    for version in ["3.7.3", "3.6.16", "3.5.35"] {
        let mut looked = one_member(version, &["--metrics=extensive"]).await;
        let (before, after) = looked.before_and_after_writes().await;
        check_numbers(&before, &after);
        let latency = &after.only().latency;
        let writes = latency.writes_by(LatencySource::GrpcHandling).unwrap();
        assert_eq!(writes.count, u64::from(WRITES), "{version}");
        // The reads of one look, and at most those of the other beside its page.
        let reads = latency.reads_by(LatencySource::GrpcHandling).unwrap();
        assert!((1..=4).contains(&reads.count), "{version}: {}", reads.count);
        assert_eq!(class(after.status(rule::REQUESTS_SLOW)), None, "{version}");
    }
}

#[tokio::test]
async fn older_versions_with_basic_metrics_say_what_they_do_not_tell() {
    for version in ["3.6.16", "3.5.35"] {
        let mut looked = one_member(version, &[]).await;
        let (before, after) = looked.before_and_after_writes().await;
        check_numbers(&before, &after);
        assert!(after.only().latency.writes.is_empty(), "{version}");
        let slow = after.status(rule::REQUESTS_SLOW);
        assert_eq!(class(slow), Some(UnknownClass::MetricsBasic), "{version}");
        assert_eq!(class(after.status(rule::WAL_FSYNC_SLOW)), None, "{version}");
    }
}

#[tokio::test]
async fn the_slow_disk_of_one_member_is_named() {
    let started = Cluster::builder()
        .members(3)
        .slow_disk(2, Duration::from_millis(150))
        .start();
    let cluster = match started.await {
        Err(Error::Unavailable(reason)) => {
            println!("not tested: {reason}");
            return;
        }
        started => started.unwrap(),
    };
    if cluster.leader_index().await == Some(2) {
        cluster.move_leader(0).await.unwrap();
    }
    let slow = cluster.member(2).name().to_owned();
    let mut looked = Looked::at(cluster);
    looked.look().await;
    let named = async {
        loop {
            looked.write().await;
            let look = looked.look().await;
            let true_findings = look
                .snapshot
                .findings
                .iter()
                .filter(|it| it.status.is_true());
            let disks: Vec<_> = true_findings
                .filter(|finding| finding.rule == rule::MEMBER_DISK_SLOW)
                .collect();
            if let [finding] = disks.as_slice() {
                break (finding.subject.name.clone(), finding.cause.clone());
            }
        }
    };
    let (subject, cause) = timeout(SOON, named).await.unwrap();
    assert_eq!(subject, slow, "{cause}");
    assert!(cause.contains("times the median"), "{cause}");
}
