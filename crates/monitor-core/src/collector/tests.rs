//! The numbers of one member, from pages made by hand.

use std::fmt::Write as _;

use etcd_monitor_model::{Durations, LatencySource, MeasuredLatency, MemberMetrics};
use jiff::{Timestamp, ToSpan};

use super::{Counter, MetricsCollector, MetricsParameters};
use crate::read_metrics_page;

/// A collector that is given a page every few seconds.
#[derive(Default)]
struct Fed {
    collector: MetricsCollector,
    second: i64,
}

impl Fed {
    fn page(&mut self, after_seconds: i64, text: &str) -> MemberMetrics {
        self.second += after_seconds;
        let page = read_metrics_page(text.as_bytes());
        let at = Timestamp::UNIX_EPOCH + self.second.seconds();
        let parameters = MetricsParameters::default();
        self.collector.collect(at, Some(&page), None, &parameters)
    }
}

/// A histogram with bounds 1, 8 and 8,192 ms; counts below each, and of all.
fn histogram(family: &str, labels: &str, counts: [u64; 4]) -> String {
    let bounds = ["0.001", "0.008", "8.192", "+Inf"];
    let mut text = String::new();
    for (bound, count) in bounds.into_iter().zip(counts) {
        writeln!(text, "{family}_bucket{{{labels}le=\"{bound}\"}} {count}").unwrap();
    }
    text
}

fn fsync(counts: [u64; 4]) -> String {
    histogram("etcd_disk_wal_fsync_duration_seconds", "", counts)
}

#[test]
fn rates_are_since_the_previous_page() {
    let mut fed = Fed::default();
    let counters = |count: u64| {
        format!(
            "grpc_server_handled_total{{grpc_type=\"unary\",grpc_code=\"OK\"}} {count}\n\
             etcd_server_proposals_committed_total {count}\n\
             etcd_server_slow_apply_total {count}\n\
             process_cpu_seconds_total {count}\n\
             go_gc_duration_seconds_sum {count}\n\
             etcd_network_client_grpc_sent_bytes_total {count}\n\
             etcd_network_peer_received_bytes_total{{From=\"1\"}} {count}\n\
             etcd_network_peer_received_bytes_total{{From=\"2\"}} {count}\n\
             etcd_debugging_mvcc_events_total {count}\n\
             etcd_debugging_server_lease_expired_total {count}\n"
        )
    };
    assert_eq!(fed.page(0, &counters(100)).requests.per_second, None);
    fed.page(5, &counters(100));
    let metrics = fed.page(5, &counters(150));
    for rate in [
        metrics.requests.per_second,
        metrics.raft.committed_per_second,
        metrics.raft.slow_applies_per_second,
        metrics.process.cpu_cores,
        metrics.process.gc_pause_share,
        metrics.network.client_sent_bytes_per_second,
        metrics.watch.events_per_second,
        metrics.leases.expired_per_second,
    ] {
        assert_eq!(rate, Some(10.0));
    }
    assert_eq!(metrics.network.peer_received_bytes_per_second, Some(20.0));
    assert_eq!(metrics.network.peer_sent_bytes_per_second, None);
    assert_eq!(metrics.requests.window_per_second, Some(5.0));
    assert_eq!(metrics.requests.server_fault_share, Some(0.0));
    assert_eq!(metrics.window_seconds, Some(10.0));
}

#[test]
fn a_counter_that_went_back_is_unknown_alone_and_begins_anew() {
    let mut fed = Fed::default();
    let counters = |handled: &str, cpu: u64| {
        format!(
            "grpc_server_handled_total{{grpc_type=\"unary\"}} {handled}\nprocess_cpu_seconds_total {cpu}\n"
        )
    };
    fed.page(0, &counters("1000", 0));
    fed.page(5, &counters("1100", 5));
    for wrong in ["20", "NaN", "-5", "+Inf"] {
        let metrics = fed.page(5, &counters(wrong, 10 + u64::try_from(fed.second).unwrap()));
        assert_eq!(metrics.requests.per_second, None, "{wrong}");
        assert_eq!(metrics.requests.window_per_second, None, "{wrong}");
        assert!(metrics.process.cpu_cores.is_some(), "{wrong}");
    }
    let metrics = fed.page(5, &counters("220", 100));
    assert_eq!(
        metrics.requests.per_second,
        Some(10.0),
        "since the last that was read"
    );
    assert_eq!(
        metrics.requests.window_per_second,
        Some(10.0),
        "nothing from before"
    );
}

#[test]
fn quantiles_are_of_the_window_and_leave_with_it() {
    let mut fed = Fed::default();
    fed.page(0, &fsync([1_000, 1_000, 1_000, 1_000]));
    let metrics = fed.page(5, &fsync([1_090, 1_098, 1_100, 1_100]));
    let observed = metrics.disk.wal_fsync.unwrap();
    assert_eq!(observed.count, 100);
    assert!(observed.p50_seconds.unwrap() < 0.001);
    assert!((0.001..0.008).contains(&observed.p95_seconds.unwrap()));
    assert!(observed.p99_seconds.unwrap() > 1.0);
    assert_eq!(observed.saturated_at_seconds, None);
    assert_eq!(metrics.disk.backend_commit, None);
    let mut latest = metrics;
    for _ in 0..60 {
        latest = fed.page(5, &fsync([1_090, 1_098, 1_100, 1_100]));
    }
    let observed = latest.disk.wal_fsync.unwrap();
    assert_eq!((observed.count, observed.p99_seconds), (0, None));
}

#[test]
fn beyond_the_last_bound_a_quantile_is_at_least_that() {
    let mut fed = Fed::default();
    fed.page(0, &fsync([0, 0, 0, 0]));
    let observed = fed
        .page(5, &fsync([50, 50, 50, 100]))
        .disk
        .wal_fsync
        .unwrap();
    assert_eq!(observed.saturated_at_seconds, Some(8.192));
    let p99 = observed.p99_seconds.unwrap();
    assert_eq!(observed.in_words(p99), "at least 8.2 s");
    assert_eq!(observed.in_words(observed.p50_seconds.unwrap()), "1.0 ms");
}

#[test]
fn a_histogram_that_is_none_and_one_that_began_anew_are_unknown_until_two_are_there() {
    let mut fed = Fed::default();
    fed.page(0, &fsync([10, 10, 10, 10]));
    assert_eq!(fed.page(5, &fsync([20, 5, 20, 20])).disk.wal_fsync, None);
    let whole = fed.page(5, &fsync([30, 30, 30, 30])).disk.wal_fsync;
    assert_eq!(whole.unwrap().count, 20, "since the last that was one");
    assert_eq!(fed.page(5, &fsync([1, 1, 1, 1])).disk.wal_fsync, None);
    let anew = fed.page(5, &fsync([3, 3, 3, 3])).disk.wal_fsync;
    assert_eq!(anew.unwrap().count, 2, "nothing from before the restart");
    let other_bounds = "etcd_disk_wal_fsync_duration_seconds_bucket{le=\"+Inf\"} 9\n";
    assert_eq!(fed.page(5, other_bounds).disk.wal_fsync, None);
}

#[test]
fn after_a_gap_longer_than_the_window_nothing_is_compared() {
    let mut fed = Fed::default();
    fed.page(0, &fsync([10, 10, 10, 10]));
    fed.page(5, &fsync([20, 20, 20, 20]));
    let metrics = fed.page(400, &fsync([900, 900, 900, 900]));
    assert_eq!(
        (metrics.disk.wal_fsync, metrics.window_seconds),
        (None, None)
    );
    let metrics = fed.page(5, &fsync([910, 910, 910, 910]));
    assert_eq!(metrics.disk.wal_fsync.unwrap().count, 10);
}

#[test]
fn a_clock_that_goes_back_begins_anew() {
    let mut fed = Fed::default();
    fed.page(1_000, &fsync([10, 10, 10, 10]));
    fed.page(5, &fsync([20, 20, 20, 20]));
    assert_eq!(
        fed.page(-500, &fsync([30, 30, 30, 30])).disk.wal_fsync,
        None
    );
    let metrics = fed.page(5, &fsync([35, 35, 35, 35]));
    assert_eq!(metrics.disk.wal_fsync.unwrap().count, 5);
}

#[test]
fn each_latency_names_its_source() {
    use LatencySource::{GrpcHandling, OwnProbe, ServerRequests};
    let mut fed = Fed::default();
    let page = |count| {
        let grpc = "grpc_server_handling_seconds";
        let server = "etcd_server_request_duration_seconds";
        let method = |name: &str| format!("grpc_type=\"unary\",grpc_method=\"{name}\",");
        let kind = |name: &str| format!("type=\"{name}\",success=\"true\",");
        [
            histogram(grpc, &method("Range"), [count; 4]),
            histogram(grpc, &method("Put"), [2 * count; 4]),
            histogram(grpc, &method("Txn"), [3 * count; 4]),
            histogram(grpc, &method("Status"), [50 * count; 4]),
            histogram(server, &kind("Put"), [7 * count; 4]),
        ]
        .concat()
    };
    fed.page(0, &page(10));
    let latency = fed.page(5, &page(20)).latency;
    let count = |durations: Option<&Durations>| durations.map(|it| it.count);
    assert_eq!(count(latency.reads_by(GrpcHandling)), Some(10));
    assert_eq!(count(latency.writes_by(GrpcHandling)), Some(50));
    assert_eq!(count(latency.writes_by(ServerRequests)), Some(70));
    assert_eq!(count(latency.reads_by(ServerRequests)), Some(0));
    assert_eq!(count(latency.reads_by(OwnProbe)), None);
}

#[test]
fn faults_are_a_share_of_the_unary_requests_of_the_window() {
    let mut fed = Fed::default();
    let page = |fine: u32, faults: u32, streams: u32| {
        format!(
            "grpc_server_handled_total{{grpc_type=\"unary\",grpc_code=\"OK\"}} {fine}\n\
             grpc_server_handled_total{{grpc_type=\"unary\",grpc_code=\"Unavailable\"}} {faults}\n\
             grpc_server_handled_total{{grpc_type=\"bidi_stream\",grpc_code=\"Unavailable\"}} {streams}\n"
        )
    };
    fed.page(0, &page(100, 0, 0));
    let none = fed.page(5, &page(100, 0, 0)).requests;
    assert_eq!(none.server_fault_share, None, "nothing was asked");
    let some = fed.page(5, &page(175, 25, 1_000)).requests;
    assert_eq!(some.server_fault_share, Some(0.25));
    assert_eq!(some.window_per_second, Some(10.0));
}

#[test]
fn what_grew_lately_is_told_apart_from_what_grew_before() {
    let mut fed = Fed::default();
    let page = |count: u32| format!("etcd_server_heartbeat_send_failures_total {count}\n");
    for cycle in 0..40 {
        fed.page(5, &page(cycle.min(10)));
    }
    let recent = |fed: &Fed| fed.collector.recent_growth(Counter::HeartbeatFailures);
    let quiet = recent(&fed).unwrap();
    assert_eq!((quiet.amount, quiet.times), (0.0, 0));
    fed.page(5, &page(13));
    fed.page(20, &page(14));
    let grown = recent(&fed).unwrap();
    assert_eq!((grown.amount, grown.times), (4.0, 2));
    assert!(grown.seconds <= 60.0);
    fed.page(5, "");
    assert_eq!(recent(&fed), None, "not on the latest page");
}

#[test]
fn a_busy_member_costs_few_bytes() {
    let mut fed = Fed::default();
    let families = [
        "etcd_disk_wal_fsync_duration_seconds",
        "etcd_disk_backend_commit_duration_seconds",
    ];
    for cycle in 0_u64..70 {
        let mut text = String::new();
        for counter in ["process_cpu_seconds_total", "go_gc_duration_seconds_sum"] {
            writeln!(text, "{counter} {cycle}").unwrap();
        }
        for family in families {
            for bucket in 0_i32..15 {
                let bound = if bucket == 14 {
                    f64::INFINITY
                } else {
                    0.001 * 2_f64.powi(bucket)
                };
                let count = cycle * 10 * u64::try_from(bucket.min(6)).unwrap();
                let bound = if bound.is_infinite() {
                    "+Inf".to_owned()
                } else {
                    bound.to_string()
                };
                writeln!(text, "{family}_bucket{{le=\"{bound}\"}} {count}").unwrap();
            }
        }
        fed.page(5, &text);
    }
    let bytes = fed.collector.window.heap_bytes() + size_of::<MetricsCollector>();
    println!("{bytes} bytes");
    assert!(bytes < 16_384, "{bytes}");
}

#[test]
fn what_an_earlier_release_wrote_is_read_with_the_rest_unknown() {
    let read: MemberMetrics = serde_json::from_str(r#"{"requests": {"per_second": 3.0}}"#).unwrap();
    assert_eq!(read.requests.per_second, Some(3.0));
    assert_eq!(read.disk.wal_fsync, None);
    let measured = MeasuredLatency::new(LatencySource::Canary, Durations::default());
    let json = serde_json::to_value(measured).unwrap();
    assert_eq!(json["source"], "canary");
    assert_eq!(json["count"], 0);
    assert_eq!(
        serde_json::from_value::<MeasuredLatency>(json).unwrap(),
        measured
    );
}
