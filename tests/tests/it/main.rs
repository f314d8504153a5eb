//! The daemon on real clusters, from outside: what its user, its browser, its scraper and its webhook see.

#![expect(
    clippy::unwrap_used,
    reason = "the configuration allows it in test functions; the helpers of tests are tests too"
)]

mod access;
mod access_tls;
mod alerting;
mod bench_comparisons;
mod bench_merges;
mod bench_pages;
mod bench_searches;
mod benchmark_jobs;
mod benchmarks;
mod black_box;
mod certificates;
mod check;
mod deaths;
mod documents;
mod doubts;
mod examples;
mod history;
mod http;
mod identity;
mod incidents;
mod links;
mod metrics;
mod muting;
mod openapi;
mod pages;
mod quota;
mod refusals;
mod reload;
mod restarts;
mod secrets;
mod several;
mod shared;
mod silence;
mod stack;
mod steering;
mod stops;
mod two_daemons;
mod usage;
mod versions;

use std::time::Duration;

use etcd_monitor_testkit::{Cluster, ClusterBuilder};
use etcd_monitor_tests::harness::Daemon;
use serde_json::Value;

/// For what takes the daemon a few cycles and an alert's hold of 9 s, on a machine that does other things too.
const SOON: Duration = Duration::from_secs(40);

const FINDINGS: &str = "/api/v1/findings";
const ALERTS: &str = "/api/v1/alerts";
const HISTORY: &str = "/api/v1/alerts/history";
const STATUS: &str = "/api/v1/cluster/status";
const MEMBERS: &str = "/api/v1/cluster/members";
const SNAPSHOT: &str = "/api/v1/cluster/snapshot";

/// The rule by which the monitor says that it was late itself.
const LATE: &str = "MonitorLate";

async fn started(cluster: ClusterBuilder) -> Cluster {
    cluster
        .start()
        .await
        .unwrap_or_else(|error| panic!("{error}"))
}

/// A cluster of three on the newest version.
async fn three() -> Cluster {
    started(Cluster::builder()).await
}

/// A cluster of one, which is cheap.
async fn one() -> Cluster {
    started(Cluster::builder().members(1)).await
}

/// A daemon that was given the first member alone, with cycles of a second.
async fn watch(cluster: &Cluster) -> Daemon {
    watch_with(cluster, &[]).await
}

/// The same with further arguments.
async fn watch_with(cluster: &Cluster, arguments: &[&str]) -> Daemon {
    let endpoint = cluster.member(0).client_url();
    let arguments = [&["--endpoints", endpoint, "--interval", "1s"], arguments].concat();
    Daemon::start(arguments).await
}

/// The items of a document's list.
fn items<'a>(document: &'a Value, list: &str) -> &'a [Value] {
    let items = document[list].as_array();
    items.unwrap_or_else(|| panic!("no list {list:?} in {document:#}"))
}

/// The first finding of a rule that is true.
fn true_finding<'a>(document: &'a Value, rule: &str) -> Option<&'a Value> {
    let is = |finding: &&Value| finding["rule"] == rule && finding["status"] == "true";
    items(document, "findings").iter().find(is)
}

/// The first alert of a rule in a state.
fn alert<'a>(document: &'a Value, rule: &str, state: &str) -> Option<&'a Value> {
    let is = |alert: &&Value| alert["rule"] == rule && alert["state"] == state;
    items(document, "alerts").iter().find(is)
}

/// Waits for a finding of a rule to be true, and returns it.
async fn finding_of(daemon: &Daemon, rule: &str) -> Value {
    let what = format!("{rule} is found");
    daemon
        .until(SOON, FINDINGS, &what, |found| {
            true_finding(found, rule).cloned()
        })
        .await
}

/// Waits for an alert of a rule to fire, and returns it.
async fn firing(daemon: &Daemon, rule: &str) -> Value {
    let what = format!("{rule} fires");
    daemon
        .until(SOON, ALERTS, &what, |alerts| {
            alert(alerts, rule, "firing").cloned()
        })
        .await
}

/// Waits until an alert of a rule is in the history as resolved, and returns it.
async fn resolved(daemon: &Daemon, rule: &str) -> Value {
    let is = |event: &&Value| event["kind"] == "resolved" && event["alert"]["rule"] == rule;
    let find = |history: &Value| items(history, "history").iter().find(is).cloned();
    daemon
        .until(SOON, HISTORY, &format!("{rule} is resolved"), find)
        .await
}

/// Waits until the cluster is healthy with this many members, all of them healthy.
async fn healthy(daemon: &Daemon, members: usize) {
    let all = |snapshot: &Value| {
        let listed = items(snapshot, "members");
        let well = snapshot["status"]["healthy"] == true
            && listed.len() == members
            && listed.iter().all(|member| member["healthy"] == true);
        well.then_some(())
    };
    daemon
        .until(
            SOON,
            SNAPSHOT,
            &format!("{members} members are healthy"),
            all,
        )
        .await;
}

/// The rules with an event in the alert history. What the monitor says of itself is left out: where tests run, the
/// machine may be overloaded.
async fn rules_of_history(daemon: &Daemon) -> Vec<String> {
    let history = daemon.json(HISTORY).await;
    let rules = items(&history, "history")
        .iter()
        .map(|event| text(&event["alert"], "rule"));
    rules
        .filter(|rule| *rule != LATE)
        .map(str::to_owned)
        .collect()
}

/// Kinds of reasons for not knowing that a healthy cluster with the defaults has.
const NOT_AWAITED: [&str; 4] = [
    "not_enough_data",
    "not_configured",
    "metric_absent",
    // How long writes take, before 3.7.
    "metrics_basic",
];

/// Waits for a snapshot in which nothing above information is true, and nothing unknown but what takes time, is off, or
/// is not in this version; returns it. Latency is left out: where tests run, the machine may really be that slow.
async fn nothing_wrong(daemon: &Daemon) -> Value {
    let calm = |finding: &Value| match text(finding, "status") {
        "true" => finding["severity"] == "info" || finding["alert_type"] == "latency",
        "unknown" => NOT_AWAITED.contains(&text(finding, "unknown_class")),
        _ => true,
    };
    let all_calm = |snapshot: &Value| {
        let mut findings = items(snapshot, "findings").iter();
        findings.all(calm).then(|| snapshot.clone())
    };
    let what = "no finding is true above information, or unknown without need";
    daemon.until(SOON, SNAPSHOT, what, all_calm).await
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field]
        .as_str()
        .unwrap_or_else(|| panic!("no text {field:?} in {value:#}"))
}

fn number(value: &Value, field: &str) -> f64 {
    value[field]
        .as_f64()
        .unwrap_or_else(|| panic!("no number {field:?} in {value:#}"))
}
