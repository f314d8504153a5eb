//! Reports that tests make up.

use serde_json::json;

use super::Report;

/// A closed loop of writes: so many answers in each second, and a p99 of so many milliseconds.
pub(crate) fn report(began_second: u32, per_second: &[u64], p99_milliseconds: f64) -> Report {
    let seconds = per_second.iter().enumerate().map(|(second, succeeded)| {
        json!({"second": second, "succeeded": succeeded, "failed": 0, "p50_seconds": 1e-3, "p99_seconds": 2e-3, "max_seconds": 3e-3})
    });
    let succeeded: u64 = per_second.iter().sum();
    let rate = succeeded as f64 / per_second.len() as f64;
    let p99 = p99_milliseconds / 1e3;
    let latencies = json!({
        "count": succeeded, "min_seconds": p99 / 8.0, "mean_seconds": p99 / 3.0, "stdev_seconds": p99 / 4.0,
        "p50_seconds": p99 / 4.0, "p95_seconds": p99 / 2.0, "p99_seconds": p99,
        "p99_9_seconds": (succeeded >= 1_000).then_some(p99 * 2.0), "max_seconds": p99 * 3.0
    });
    let none = json!({"count": 0});
    let document = json!({
        "format": 1,
        "plan": {
            "workload": "write", "engine": "tonic", "endpoints": ["http://127.0.0.1:2379"], "prefix": "/etcd-bench/",
            "parameters": {"key_size_bytes": "32", "value_size_bytes": "256"},
            "load": {
                "connections": 10, "clients": 10, "until": {"seconds": per_second.len() as f64}, "rate": null,
                "warmup_seconds": 0.0, "seed": 1
            },
            "began_at": format!("2026-11-29T10:{:02}:{:02}Z", began_second / 60, began_second % 60)
        },
        "window_seconds": per_second.len() as f64,
        "succeeded": succeeded, "failed": 0, "per_second": rate,
        "operations": [{
            "kind": "put", "succeeded": succeeded, "failed": 0, "per_second": rate, "response": latencies,
            "service": latencies, "failures": none, "keys": 0,
            "histogram": [{"below_seconds": 0.001, "count": succeeded}, {"below_seconds": null, "count": 0}]
        }],
        "errors": {}, "lateness": none, "unsent": 0, "ended_early": null, "doubts": [], "valid": true,
        "accounting": {
            "revision_before": 1, "revision_after": 1 + succeeded, "acknowledged": succeeded, "unknown": 0,
            "verdict": "nothing_lost"
        },
        "own": {},
        "environment": {
            "generator_version": "0.1.0",
            "before": {"id": "cdf8", "leader": "8e9e", "term": 2, "members": [{
                "endpoint": "http://127.0.0.1:2379", "id": "8e9e", "version": "3.7.3", "leads": true, "term": 2,
                "revision": 1, "database_bytes": 20480, "error": null
            }]},
            "after": null, "leader_changed": false, "client": {"platform": "linux x86_64"}
        },
        "seconds": seconds.collect::<Vec<_>>(),
        "keys_left": null
    });
    serde_json::from_value(document).unwrap()
}
