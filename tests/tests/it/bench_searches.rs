//! `etcd-bench slo` and `capacity`, as their users run them.

use etcd_monitor_tests::harness::{bench_binary, run_program_to_end};
use serde_json::Value;

use crate::{items, one, text};

#[tokio::test]
async fn a_rate_is_found_and_verified_or_what_is_known_is_told() {
    let cluster = one().await;
    let endpoint = cluster.member(0).client_url();
    // So modest a rate and so long a time that every machine holds it, but with all steps.
    let probes = ["--probe", "1s", "--settle", "0s", "--samples", "0"];
    let rates = ["--from", "40", "--most", "50", "--verify", "2"];
    let load = ["write", "-w", "json", "--endpoints", endpoint];
    let slo = ["slo", "--p99", "4s"];
    let bound = ["--max-time", "20s"];
    let flags = [&slo[..], &probes, &rates, &bound, &load].concat();
    let ended = run_program_to_end(bench_binary(), flags).await;
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    let found = items(&report, "probes");
    assert_eq!(text(&found[0], "purpose"), "ramp");
    assert_eq!(
        ended.stderr.lines().count(),
        found.len(),
        "{}",
        ended.stderr
    );
    let is_verified = report["is_verified"] == true;
    assert_eq!(ended.code, Some(i32::from(!is_verified)), "{report:#}");
    // A machine that is busy with other things may hold less; what is said of it must be true all the same.
    let rate = report["rate_per_second"].as_f64().unwrap();
    assert!((1.0..=50.0).contains(&rate), "{report:#}");
    let verifying: Vec<&Value> = found
        .iter()
        .filter(|probe| probe["purpose"] == "verify" && probe["rate_per_second"] == rate)
        .collect();
    if is_verified {
        assert_eq!(verifying.len(), 2, "{report:#}");
        assert!(verifying.iter().all(|probe| probe["verdict"] == "held"));
    }
    if is_verified && rate >= 50.0 {
        assert_eq!(text(&report, "limit"), "most_asked");
    }

    // A time in which only the first probe has room.
    let short = ["--max-time", "1s"];
    let load = ["write", "--endpoints", endpoint];
    let flags = [&slo[..], &probes, &rates, &short, &load].concat();
    let ended = run_program_to_end(bench_binary(), flags).await;
    assert_eq!(ended.code, Some(1), "{}", ended.stdout);
    for part in [
        "ended early  the next probe would end after the 1 s",
        "result ",
    ] {
        assert!(ended.stdout.contains(part), "{}", ended.stdout);
    }
}

#[tokio::test]
async fn a_curve_has_a_point_for_each_rate() {
    let cluster = one().await;
    let endpoint = cluster.member(0).client_url();
    let rates = ["--from", "20", "--to", "40", "--steps", "2"];
    let probes = ["--probe", "1s", "--settle", "0s"];
    let load = ["write", "-w", "csv", "--endpoints", endpoint];
    let flags = [&["capacity"][..], &rates, &probes, &load].concat();
    let ended = run_program_to_end(bench_binary(), flags).await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let lines: Vec<&str> = ended.stdout.lines().collect();
    assert_eq!(lines.len(), 3, "{}", ended.stdout);
    assert!(lines[0].starts_with("rate_per_second,"));
    let fields: Vec<&str> = lines[2].split(',').collect();
    assert_eq!((fields.len(), fields[0]), (13, "40"));
    // A median, and no p99.9 of 40 requests.
    assert!(fields[2].parse::<f64>().is_ok_and(|p50| p50 > 0.0));
    assert_eq!(fields[8], "");
}

#[tokio::test]
async fn what_cannot_be_looked_for_is_2() {
    for wrong in [
        &["slo", "write"][..],
        &["slo", "--p99", "10ms", "--p50", "1ms", "write"],
        &["slo", "--p99", "0s", "write"],
        &["slo", "--p99", "10ms", "--verify", "0", "write"],
        &["slo", "--p99", "10ms", "write", "-w", "csv"],
        &["capacity", "write"],
        &["capacity", "--rates", "0", "write"],
        &["capacity", "--from", "5", "write"],
    ] {
        let ended = run_program_to_end(bench_binary(), wrong).await;
        assert!(!ended.stderr.is_empty() && ended.stdout.is_empty());
        assert_eq!(ended.code, Some(2), "{wrong:?}: {}", ended.stderr);
    }
}
