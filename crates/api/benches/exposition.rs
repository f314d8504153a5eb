//! How long `/metrics` of 150 members takes, from the request to the whole body. Target: 5 ms.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, header};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use etcd_monitor_alerting::{AlertPolicy, Alerting, AlertingOptions};
use etcd_monitor_api::{Access, BuildInfo, HostPolicy, HttpOptions, Source, router};
use etcd_monitor_model::{
    AlertType, ClusterName, DatabaseSize, Durations, Finding, FindingStatus, LatencySummary,
    LinkSnapshot, LinkState, MemberId, MemberSnapshot, MonitorCondition, ProbeKind, ProbeRecord,
    ServerCounters, Severity, Snapshot, Subject, rule,
};
use jiff::Timestamp;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

const CLUSTERS: u64 = 50;
const MEMBERS: u64 = 3;

fn member(number: u64) -> MemberSnapshot {
    let mut member = MemberSnapshot::unknown(format!("member-{number}"), "http://10.0.0.1:2379");
    member.id = Some(MemberId(number));
    member.healthy = Some(true);
    member.database = Some(DatabaseSize {
        allocated_bytes: 123_456_789,
        in_use_bytes: 98_765_432,
        quota_bytes: Some(2_147_483_648),
        quota_disabled: false,
    });
    member.read_latency = Some(LatencySummary {
        count: 60,
        p50_seconds: 0.001_234_5,
        p95_seconds: 0.002_345_6,
        p99_seconds: 0.003_456_7,
        max_seconds: 0.004,
    });
    member.counters = Some(counters());
    let metrics = &mut member.metrics;
    let mut durations = Durations::default();
    durations.p99_seconds = Some(0.012_345_6);
    metrics.disk.wal_fsync = Some(durations);
    metrics.disk.backend_commit = Some(durations);
    metrics.requests.server_fault_share = Some(0.0);
    metrics.raft.committed_per_second = Some(123.456_789);
    metrics.raft.heartbeat_failures_per_second = Some(0.0);
    metrics.raft.slow_applies_per_second = Some(0.0);
    metrics.watch.slow_watchers = Some(0.0);
    metrics.watch.pending_events = Some(0.0);
    metrics.process.cpu_cores = Some(0.123_456_789);
    metrics.process.gc_pause_share = Some(0.000_123);
    metrics.process.open_fds = Some(42.0);
    metrics.process.max_fds = Some(65_536.0);
    let probe = |kind| ProbeRecord {
        kind,
        took_seconds: Some(0.001_234_567),
        failure: None,
        failures: 3,
    };
    member.probes = ProbeKind::ALL.map(probe).to_vec();
    member
}

fn counters() -> ServerCounters {
    let mut counters = ServerCounters::default();
    counters.request_rate_per_second = Some(123.456_789);
    counters.proposals_committed = Some(123_456_789.0);
    counters.proposals_applied = Some(123_456_789.0);
    counters.proposals_pending = Some(0.0);
    counters.proposals_failed = Some(12.0);
    counters.resident_memory_bytes = Some(123_456_789.0);
    counters.rpcs_in_flight = Some(106.0);
    counters.watchers = Some(107.0);
    counters.wal_fsync_p95_seconds = Some(0.008_123);
    counters.backend_commit_p95_seconds = Some(0.016_123);
    counters.write_p50_seconds = Some(0.004_123);
    counters.write_p95_seconds = Some(0.032_123);
    counters.write_p99_seconds = Some(0.064_123);
    counters
}

fn snapshot(number: u64) -> Snapshot {
    let condition = MonitorCondition {
        timer_lag_seconds: 0.001,
        deadline_seconds: 2.0,
    };
    let cluster = ClusterName::new(format!("cluster-{number}"));
    let mut snapshot = Snapshot::empty(cluster.clone(), Timestamp::now(), condition);
    snapshot.health.healthy = Some(true);
    snapshot.leader_changes = Some(4);
    snapshot.members = (1..=MEMBERS).map(member).collect();
    for (from, to) in [(1, 2), (1, 3), (2, 1), (2, 3), (3, 1), (3, 2)] {
        let mut link = LinkSnapshot::unknown(MemberId(from), MemberId(to), "");
        link.from_name = format!("member-{from}");
        link.to_name = format!("member-{to}");
        link.state = LinkState::Well;
        snapshot.links.push(link);
    }
    for rule in rule::ALL {
        let subject = Subject::cluster(&cluster);
        let at = snapshot.at;
        let area = AlertType::Member;
        let mut finding = Finding::new(rule, area, Severity::Warning, &cluster, subject, at);
        finding.status = FindingStatus::False;
        snapshot.findings.push(finding);
    }
    snapshot
}

fn server() -> Router {
    let stop = CancellationToken::new();
    let options = AlertingOptions::new(AlertPolicy::to_channels([""; 0]), Vec::new());
    let (_, alerts) = Alerting::new(options, stop.clone());
    let clusters = (1..=CLUSTERS).map(snapshot).map(|snapshot| {
        let name = snapshot.cluster.clone();
        (name, watch::channel(Some(Arc::new(snapshot))).1)
    });
    let interval = Duration::from_secs(10);
    let build = BuildInfo::default();
    let source = Source::new(clusters.collect(), alerts, build, interval, stop);
    let hosts = HostPolicy::new([]);
    router(source, HttpOptions::new(hosts, Access::open()))
}

async fn page(server: &Router, accept: &str) -> usize {
    let request = Request::get("/metrics")
        .header(header::HOST, "127.0.0.1:8080")
        .header(header::ACCEPT, accept);
    let request = request.body(Body::empty()).expect("the parts are valid");
    let answer = server.clone().oneshot(request).await.expect("it answers");
    let body = to_bytes(answer.into_body(), usize::MAX).await;
    body.expect("the body is in memory").len()
}

fn page_of_150_members(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime can be built");
    let server = server();
    let mut group = criterion.benchmark_group("metrics_page_of_150_members");
    for (format, accept) in [
        ("text", "text/plain"),
        ("open_metrics", "application/openmetrics-text"),
    ] {
        let bytes = runtime.block_on(page(&server, accept));
        assert!(bytes > 500_000, "the page holds all members: {bytes} bytes");
        group.throughput(Throughput::Bytes(bytes as u64));
        group.bench_function(format, |bencher| {
            bencher.iter(|| runtime.block_on(page(&server, accept)));
        });
    }
    group.finish();
}

criterion_group!(benches, page_of_150_members);
criterion_main!(benches);
