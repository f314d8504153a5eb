//! From an observation of three healthy members to a snapshot, and from a page's text to its numbers.

use criterion::{Criterion, criterion_group, criterion_main};
use etcd_monitor_core::{AssessState, Observation, Parameters, assess, read_metrics_page};
use jiff::ToSpan;

/// Three members as a cycle saw them, with the bucket counts of a busy server.
fn observation() -> Observation {
    let members: Vec<serde_json::Value> = (1..=3).map(member).collect();
    let observation = serde_json::json!({
        "cluster": "bench", "cycle": 1, "interval_seconds": 5.0,
        "started_at": "2026-01-01T00:00:00Z", "ended_at": "2026-01-01T00:00:00.02Z",
        "monitor": {"timer_lag_seconds": 0.0, "deadline_seconds": 2.0},
        "members": members,
    });
    serde_json::from_value(observation).expect("the observation is written as the model reads it")
}

fn member(number: u64) -> serde_json::Value {
    let list = || answered(&serde_json::json!({"cluster_id": "c1", "members": listed()}));
    serde_json::json!({
        "endpoint": format!("http://n{number}:2379"), "origin": "discovered",
        "expected_member": format!("a{number}"),
        "status": answered(&status(number)),
        "members_serializable": list(), "members_linearizable": list(),
        "alarms": answered(&serde_json::json!([])),
        "read_linearizable": answered(&serde_json::json!({"revision": 7})), "read_serializable": null,
        "metrics": answered(&serde_json::to_value(read_metrics_page(page().as_bytes())).expect("a page is plain data")),
    })
}

fn answered(answer: &serde_json::Value) -> serde_json::Value {
    serde_json::json!({"at": "2026-01-01T00:00:00Z", "took_seconds": 0.002, "result": {"Ok": answer}})
}

fn listed() -> Vec<serde_json::Value> {
    let listed = |number| {
        serde_json::json!({"id": format!("a{number}"), "name": format!("n{number}"), "is_learner": false,
            "client_urls": [format!("http://n{number}:2379")], "peer_urls": [format!("http://n{number}:2380")]})
    };
    (1..=3).map(listed).collect()
}

fn status(number: u64) -> serde_json::Value {
    serde_json::json!({"cluster_id": "c1", "member_id": format!("a{number}"), "leader": "a1", "revision": 7,
        "raft_term": 2, "raft_index": 20, "raft_applied_index": 20, "is_learner": false, "version": "3.7.3",
        "db_size_bytes": 20_971_520, "db_size_in_use_bytes": 10_485_760, "db_quota_bytes": 2_147_483_648_u64, "errors": []})
}

/// A histogram of 14 bounds.
fn histogram(family: &str, labels: &str) -> Vec<String> {
    let bucket = |power: i32| {
        let bound = 0.001 * 2_f64.powi(power);
        format!(
            "{family}_bucket{{{labels}le=\"{bound}\"}} {}",
            1_000 + power
        )
    };
    let mut lines: Vec<String> = (0..14).map(bucket).collect();
    lines.push(format!("{family}_bucket{{{labels}le=\"+Inf\"}} 1014"));
    lines
}

fn page() -> String {
    let mut lines = histogram("etcd_disk_wal_fsync_duration_seconds", "");
    lines.extend(histogram("etcd_disk_backend_commit_duration_seconds", ""));
    let request = "etcd_server_request_duration_seconds";
    lines.extend(histogram(request, "type=\"Put\",success=\"true\","));
    lines.extend(histogram(request, "type=\"Range\",success=\"true\","));
    let handling = "grpc_server_handling_seconds";
    lines.extend(histogram(
        handling,
        "grpc_type=\"unary\",grpc_method=\"Put\",",
    ));
    lines.extend(histogram(
        handling,
        "grpc_type=\"unary\",grpc_method=\"Range\",",
    ));
    lines.push("process_cpu_seconds_total 12.5".to_owned());
    lines.push("process_resident_memory_bytes 5e7".to_owned());
    lines.push("grpc_server_handled_total{grpc_type=\"unary\"} 99".to_owned());
    lines.push("grpc_server_started_total 100\n".to_owned());
    lines.join("\n")
}

fn three_healthy_members(bench: &mut Criterion) {
    let mut observation = observation();
    let mut state = AssessState::default();
    let parameters = Parameters::default();
    bench.bench_function("assess 3 healthy members", |bencher| {
        bencher.iter(|| {
            // As in life: the next cycle comes five seconds later, and everything has been counted on.
            observation.started_at += 5.seconds();
            observation.ended_at += 5.seconds();
            count_on(&mut observation);
            assess(&mut state, &observation, &parameters)
        });
    });
}

/// Lets some buckets of each histogram grow.
fn count_on(observation: &mut Observation) {
    let members = observation.members.iter_mut();
    let probes = members.filter_map(|member| member.metrics.as_mut());
    for page in probes.filter_map(|probe| probe.result.as_mut().ok()) {
        let (disk, requests) = (&mut page.disk, &mut page.requests);
        let histograms = [
            &mut disk.wal_fsync,
            &mut disk.backend_commit,
            &mut requests.reads,
            &mut requests.writes,
            &mut requests.grpc_reads,
            &mut requests.grpc_writes,
        ];
        for reading in histograms.into_iter().flatten() {
            for (place, (_, count)) in reading.buckets.iter_mut().enumerate() {
                *count += place.min(5) as f64;
            }
        }
        for counter in [&mut requests.unary_handled, &mut page.process.cpu_seconds] {
            *counter = counter.map(|counter| counter + 7.0);
        }
    }
}

criterion_group!(benches, three_healthy_members);
criterion_main!(benches);
