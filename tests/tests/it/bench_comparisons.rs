//! `etcd-bench compare` and `ab`, as their users run them.

use std::path::{Path, PathBuf};

use etcd_monitor_tests::harness::{Ended, bench_binary, run_program_to_end};
use serde_json::Value;

use crate::{items, one, text};

async fn bench<A: AsRef<str>>(arguments: impl IntoIterator<Item = A>) -> Ended {
    run_program_to_end(bench_binary(), arguments).await
}

/// Writes reports to files of a folder, and says where.
fn written(folder: &Path, side: &str, reports: &[Value]) -> Vec<String> {
    let files: Vec<PathBuf> = (0..reports.len())
        .map(|index| folder.join(format!("{side}{index}.json")))
        .collect();
    for (file, report) in files.iter().zip(reports) {
        std::fs::write(file, report.to_string()).unwrap();
    }
    files
        .iter()
        .map(|file| file.to_str().unwrap().to_owned())
        .collect()
}

async fn compare(a: &[String], b: &[String], flags: &[&str]) -> Ended {
    let mut arguments = vec!["compare", "--a"];
    arguments.extend(a.iter().map(String::as_str));
    arguments.push("--b");
    arguments.extend(b.iter().map(String::as_str));
    arguments.extend(flags);
    bench(arguments).await
}

/// The same reports with this throughput.
fn with_throughput(reports: &[Value], per_second: impl Fn(usize) -> f64) -> Vec<Value> {
    let changed = reports.iter().enumerate().map(|(index, report)| {
        let mut report = report.clone();
        report["per_second"] = per_second(index).into();
        report
    });
    changed.collect()
}

#[tokio::test]
async fn runs_in_turns_are_kept_and_compare_as_their_files_do() {
    let cluster = one().await;
    let endpoint = cluster.member(0).client_url();
    // So wide that no machine is too noisy, and none of the test's failures is one of timing.
    let wide = ["--threshold", "9000%", "--metrics", "throughput"];
    let ab = [&["ab", "--rounds", "5"][..], &wide].concat();
    let load = [
        "write",
        "--total",
        "100",
        "-w",
        "json",
        "--endpoints",
        endpoint,
    ];
    let ended = bench([&ab[..], &load].concat()).await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stderr.contains("round 5 of 5, B"), "{}", ended.stderr);
    let document: Value = serde_json::from_str(&ended.stdout).unwrap();
    let runs = items(&document, "runs");
    let order: String = runs.iter().map(|run| text(run, "side")).collect();
    assert_eq!(order, "ABBAABBAAB");
    let of = |side: &str| -> Vec<Value> {
        let runs = runs.iter().filter(|run| run["side"] == side);
        runs.map(|run| run["report"].clone()).collect()
    };
    let (a, b) = (of("A"), of("B"));
    let folder = tempfile::tempdir().unwrap();
    let files_a = written(folder.path(), "a", &a);
    let files_b = written(folder.path(), "b", &b);
    let again = compare(&files_a, &files_b, &[&wide[..], &["-w", "json"]].concat()).await;
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    let again: Value = serde_json::from_str(&again.stdout).unwrap();
    let of_runs = &document["comparison"];
    // Numbers that are read lose their last digit.
    for name in ["workload", "method", "a", "b", "doubts", "outcome"] {
        assert_eq!(again[name], of_runs[name], "{name}");
    }
    assert_eq!(again["metrics"][0]["p"], of_runs["metrics"][0]["p"]);
    assert_eq!(items(&again, "metrics").len(), 1);
    codes_say_what_the_reports_say(folder.path(), &files_a, &b).await;
}

async fn codes_say_what_the_reports_say(folder: &Path, files_a: &[String], b: &[Value]) {
    let throughput = ["--metrics", "throughput"];
    let slow = with_throughput(b, |index| 1.0 + 0.01 * index as f64);
    let slow = compare(files_a, &written(folder, "slow", &slow), &throughput).await;
    assert_eq!(slow.code, Some(3), "{}", slow.stdout);
    assert!(slow.stdout.contains("REGRESSION"), "{}", slow.stdout);
    let fast = with_throughput(b, |index| 1e7 + index as f64);
    let fast = compare(files_a, &written(folder, "fast", &fast), &throughput).await;
    assert_eq!(fast.code, Some(0), "{}", fast.stdout);
    let noisy = with_throughput(b, |index| if index % 2 == 0 { 1.0 } else { 1e7 });
    let noisy = compare(files_a, &written(folder, "noisy", &noisy), &throughput).await;
    assert_eq!(noisy.code, Some(4), "{}", noisy.stdout);
    let mut other = b.to_vec();
    for report in &mut other {
        report["plan"]["parameters"]["value_size_bytes"] = "1024".into();
    }
    let files = written(folder, "other", &other);
    let other = compare(files_a, &files, &throughput).await;
    assert_eq!((other.code, other.stdout.as_str()), (Some(1), ""));
    for part in ["value_size_bytes differs: 256 and 1024", "--anyway"] {
        assert!(other.stderr.contains(part), "{}", other.stderr);
    }
    let anyway = compare(files_a, &files, &["--anyway", "--threshold", "9000%"]).await;
    assert_eq!(anyway.code, Some(0), "{}", anyway.stderr);
    assert!(
        anyway.stdout.contains("NOT COMPARABLE"),
        "{}",
        anyway.stdout
    );
}

#[tokio::test]
async fn what_cannot_be_compared_says_why() {
    for (wrong, code) in [
        (&["compare"][..], 2),
        (&["compare", "one.json"], 2),
        (&["compare", "--a", "one.json"], 2),
        (&["compare", "a.json", "b.json", "--threshold", "0"], 2),
        (&["ab", "--rounds", "0", "write"], 2),
        (&["ab", "--rounds", "2", "write", "-w", "csv"], 2),
        (&["ab"], 2),
        (&["compare", "not-there.json", "nor-this.json"], 1),
        (&["ab", "write", "--endpoints", "127.0.0.1:1"], 1),
    ] {
        let ended = bench(wrong).await;
        assert_eq!(ended.code, Some(code), "{wrong:?}: {}", ended.stderr);
        assert!(!ended.stderr.is_empty() && ended.stdout.is_empty());
    }
    let folder = tempfile::tempdir().unwrap();
    let foreign = written(folder.path(), "foreign", &[Value::Null, Value::Null]);
    let ended = bench(["compare", &foreign[0], &foreign[1]]).await;
    assert_eq!(ended.code, Some(1));
    assert!(
        ended.stderr.contains("is no report of etcd-bench"),
        "{}",
        ended.stderr
    );
}
