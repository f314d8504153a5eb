//! Fake clusters whose numbers move as those of busy real ones do.

use std::convert::Infallible;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use etcd_monitor_testkit::{FakeCluster, FakeMember, Page};
use serde_json::json;

/// Between two changes of a member's numbers: the interval at which the daemon asks, so that no two pages are the same.
const PACE: Duration = Duration::from_secs(10);

/// By how much the counters of a page grow with each change.
const GROWTH: f64 = 0.002;

/// How many clusters of how many members.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// Clusters.
    pub clusters: u16,
    /// Members of each.
    pub members: u16,
}

/// Starts the clusters, writes the configuration, and lets their numbers move until the process ends.
pub async fn run(shape: Shape, page: &Path, config: &Path) -> anyhow::Result<Infallible> {
    let page = std::fs::read_to_string(page).with_context(|| page.display().to_string())?;
    let ids = peer_ids(&page);
    let mut clusters = Vec::new();
    for _ in 0..shape.clusters {
        clusters.push(FakeCluster::start(usize::from(shape.members)).await?);
    }
    move_numbers(&clusters, &page, &ids, 1);
    std::fs::write(config, configuration(&clusters).to_string())?;
    let mut rounds = tokio::time::interval(PACE);
    for round in 2.. {
        rounds.tick().await;
        move_numbers(&clusters, &page, &ids, round);
    }
    unreachable!("rounds do not end")
}

fn configuration(clusters: &[FakeCluster]) -> serde_json::Value {
    let clusters = clusters.iter().enumerate().map(|(number, cluster)| {
        json!({"name": format!("fleet-{number}"), "endpoints": cluster.endpoints()})
    });
    json!({"interval": "10s", "clusters": clusters.collect::<Vec<_>>()})
}

fn move_numbers(clusters: &[FakeCluster], page: &str, ids: &[String], round: u64) {
    for member in clusters.iter().flat_map(FakeCluster::members) {
        let mut status = member.status();
        status.raft_index += 50;
        status.raft_applied_index = status.raft_index;
        member.set_revision(status.raft_index.cast_signed());
        member.set_status(status);
        member.set_metrics(Page::text(page_of(member, page, ids, round)));
    }
}

/// The page of one member after so many changes: its counters grown, its peers those of its own cluster.
fn page_of(member: &FakeMember, page: &str, ids: &[String], round: u64) -> String {
    let mut moved = String::with_capacity(page.len() + 1024);
    for line in page.lines() {
        moved.push_str(&grown(line, round).unwrap_or_else(|| line.to_owned()));
        moved.push('\n');
    }
    let others = (1..).filter(|id| *id != member.id());
    for (theirs, ours) in ids.iter().zip(others) {
        moved = moved.replace(theirs.as_str(), &format!("\"{ours:x}\""));
    }
    moved
}

/// A line of a counter or histogram with a larger value; `None` for any other line.
fn grown(line: &str, round: u64) -> Option<String> {
    let (series, value) = line.rsplit_once(' ')?;
    let name = series.split('{').next()?;
    let counts = ["_total", "_bucket", "_count", "_sum"];
    if line.starts_with('#') || !counts.iter().any(|ending| name.ends_with(ending)) {
        return None;
    }
    let value: f64 = value.parse().ok()?;
    let grown = value * (1.0 + GROWTH * round as f64);
    let grown = if name.ends_with("_sum") {
        grown
    } else {
        grown.floor()
    };
    Some(format!("{series} {grown}"))
}

/// The quoted ids of peers in a page, each once.
fn peer_ids(page: &str) -> Vec<String> {
    let sent = page.lines().filter_map(|line| {
        let rest = line.strip_prefix("etcd_network_peer_sent_bytes_total{To=")?;
        Some(rest.split_once('}')?.0.to_owned())
    });
    sent.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_grow_and_gauges_do_not() {
        assert_eq!(grown("a_total 1000", 5).as_deref(), Some("a_total 1010"));
        assert_eq!(
            grown("b_bucket{le=\"0.5\"} 500", 1).as_deref(),
            Some("b_bucket{le=\"0.5\"} 501")
        );
        assert_eq!(grown("c_bytes 5", 1), None);
        assert_eq!(grown("# TYPE a_total counter", 1), None);
    }

    #[test]
    fn peers_are_found_once() {
        let page = "etcd_network_peer_sent_bytes_total{To=\"ab12\"} 5\n";
        assert_eq!(peer_ids(page), ["\"ab12\""]);
    }
}
