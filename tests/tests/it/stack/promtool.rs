//! What Prometheus' own tool says of the files, and of the page.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use etcd_monitor_tests::dashboards::folder;
use etcd_monitor_tests::harness::find_program;

/// The promised names that break Prometheus' rules for names, and how. Everything else must be without fault.
const PROMISED: [&str; 8] = [
    "etcd_request_read_latency_p50_milliseconds use base unit \"seconds\" instead of \"milliseconds\"",
    "etcd_request_read_latency_p95_milliseconds use base unit \"seconds\" instead of \"milliseconds\"",
    "etcd_request_read_latency_p99_milliseconds use base unit \"seconds\" instead of \"milliseconds\"",
    "etcd_request_write_latency_p50_milliseconds use base unit \"seconds\" instead of \"milliseconds\"",
    "etcd_request_write_latency_p95_milliseconds use base unit \"seconds\" instead of \"milliseconds\"",
    "etcd_request_write_latency_p99_milliseconds use base unit \"seconds\" instead of \"milliseconds\"",
    "etcd_disk_wal_fsync_duration_p95_milliseconds use base unit \"seconds\" instead of \"milliseconds\"",
    "etcd_disk_backend_commit_duration_p95_milliseconds use base unit \"seconds\" instead of \"milliseconds\"",
];

/// The `_count` of a gauge that counts members.
const COUNT: &str = "etcd_cluster_member_count non-histogram and non-summary metrics should not have \"_count\" suffix";

fn promtool() -> Option<PathBuf> {
    find_program(&["promtool"], "promtool")
}

fn said(output: &Output) -> String {
    let parts = [&output.stdout, &output.stderr];
    parts.map(|part| String::from_utf8_lossy(part)).concat()
}

/// `promtool check metrics` complains of the promised names alone.
pub(super) fn page_has_no_faults(page: &str) {
    let program = promtool().expect("it comes with Prometheus");
    let mut command = Command::new(program);
    command.args(["check", "metrics"]).stdin(Stdio::piped());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(page.as_bytes()).unwrap();
    drop(input);
    let said = said(&child.wait_with_output().unwrap());
    let allowed = |line: &&str| PROMISED.contains(line) || *line == COUNT;
    let faults: Vec<&str> = said.lines().filter(|line| !allowed(line)).collect();
    assert_eq!(faults, [""; 0]);
    // The list names nothing that is no fault any more.
    for fault in PROMISED.iter().chain([&COUNT]) {
        assert!(said.contains(fault), "{fault}\n{said}");
    }
}

fn files_in(place: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(place).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = paths.filter(|path| path.is_file()).collect();
    files.sort();
    assert!(!files.is_empty(), "{}", place.display());
    files
}

fn passes(arguments: &[&str], files: &[PathBuf]) {
    let Some(program) = promtool() else { return };
    let output = Command::new(program).args(arguments).args(files).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{}", said(&output));
}

#[test]
fn the_configuration_is_valid() {
    passes(
        &["check", "config"],
        &[folder("prometheus").join("prometheus.yml")],
    );
}

#[test]
fn the_rules_fire_and_resolve() {
    let rules = folder("prometheus/rules");
    passes(&["check", "rules"], &files_in(&rules));
    passes(&["test", "rules"], &files_in(&rules.join("tests")));
}

/// Each alert of each severity is expected to fire in a test, and each test ends with nothing that fires.
#[test]
fn every_alert_has_a_test() {
    let rules = folder("prometheus/rules");
    let text = |files: Vec<PathBuf>| {
        let texts = files
            .into_iter()
            .map(|file| std::fs::read_to_string(file).unwrap());
        texts.collect::<Vec<_>>().join("\n")
    };
    let tests = text(files_in(&rules.join("tests")));
    let rules = text(files_in(&rules));
    let mut alert = "";
    for line in rules.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix("- alert: ") {
            alert = name;
            let tested = tests.matches(&format!("alertname: {name}\n")).count();
            assert!(tested >= 2, "{name} fires and resolves in no test");
        }
        if let Some(severity) = line.strip_prefix("labels: {severity: ") {
            let severity = severity.trim_end_matches('}');
            let label = format!("# {alert} {severity}\n");
            assert!(tests.contains(&label), "no test {label}");
        }
    }
}
