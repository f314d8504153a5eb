//! The unattended check: what the demo promises, seen to happen.

use std::time::Duration;

use anyhow::{Context, bail, ensure};
use etcd_monitor_testkit::Cluster;
use serde_json::Value;
use tokio::time::Instant;

use super::daemon::Daemon;
use super::say;
use crate::harness::WebhookReceiver;

/// From the kill to the delivered webhook, at all defaults.
const TOLD_WITHIN: Duration = Duration::from_secs(20);

/// From the start of the member to the delivered resolution: it starts, a cycle sees it.
const RESOLVED_WITHIN: Duration = Duration::from_secs(30);

/// Routes that answer JSON, and a key that each has.
const JSON_ROUTES: [(&str, &str); 13] = [
    ("health", "clusters"),
    ("ready", "clusters"),
    ("api/v1/clusters", "clusters"),
    ("api/v1/cluster/status", "quorum"),
    ("api/v1/cluster/leader", "leader"),
    ("api/v1/cluster/members", "members"),
    ("api/v1/cluster/snapshot", "findings"),
    ("api/v1/metrics/current", "members"),
    ("api/v1/metrics/latency", "members"),
    ("api/v1/findings", "findings"),
    ("api/v1/alerts", "alerts"),
    ("api/v1/alerts/history", "history"),
    ("api/v1/cluster/status?cluster=default", "leader"),
];

/// Sees a healthy cluster, an alert and its resolution at the webhook, and every endpoint answer.
pub(super) async fn run(
    cluster: &Cluster,
    daemon: &Daemon,
    webhook: &WebhookReceiver,
) -> anyhow::Result<()> {
    healthy(daemon).await?;
    let follower = follower(cluster).await?;
    kill_and_return(cluster, follower, webhook).await?;
    endpoints(daemon).await?;
    Ok(())
}

async fn healthy(daemon: &Daemon) -> anyhow::Result<()> {
    let status = daemon.json("api/v1/cluster/status").await?;
    let members = daemon.json("api/v1/cluster/members").await?;
    let members = members["members"]
        .as_array()
        .context("members is no list")?;
    ensure!(
        status["healthy"] == true,
        "the cluster is not healthy: {}",
        status["sentence"]
    );
    ensure!(
        members.len() == 3,
        "{} members were found, not 3",
        members.len()
    );
    for member in members {
        let size = member["database"]["allocated_bytes"].as_u64();
        ensure!(
            size.is_some_and(|bytes| bytes > 0),
            "the database size of {} is not known",
            member["name"]
        );
    }
    say(&format!(
        "seen: healthy, 3 members, leader {}, quorum {} of {}",
        status["leader"]["name"], status["quorum"]["available"], status["quorum"]["voters"]
    ));
    Ok(())
}

async fn follower(cluster: &Cluster) -> anyhow::Result<usize> {
    let leader = cluster
        .leader_index()
        .await
        .context("the cluster has no leader")?;
    Ok((leader + 1) % cluster.members().len())
}

async fn kill_and_return(
    cluster: &Cluster,
    index: usize,
    webhook: &WebhookReceiver,
) -> anyhow::Result<()> {
    let member = cluster.member(index);
    member.kill().await?;
    say(&format!("killed {}", member.name()));
    let took = delivered(webhook, "firing", member.name(), TOLD_WITHIN).await?;
    say(&format!(
        "seen: the alert arrived at the webhook {:.1} s after the kill",
        took.as_secs_f64()
    ));
    let started = Instant::now();
    member.restart().await?;
    say(&format!("started {} again", member.name()));
    delivered(webhook, "resolved", member.name(), RESOLVED_WITHIN).await?;
    say(&format!(
        "seen: the resolution arrived {:.1} s after the start",
        started.elapsed().as_secs_f64()
    ));
    Ok(())
}

/// Waits for the `MemberDown` notification, which must be about this member.
async fn delivered(
    webhook: &WebhookReceiver,
    status: &str,
    name: &str,
    limit: Duration,
) -> anyhow::Result<Duration> {
    let began = Instant::now();
    let received = webhook.received(status, "MemberDown", limit).await;
    let received = received.with_context(|| {
        format!(
            "no {status} MemberDown arrived within {} s",
            limit.as_secs()
        )
    })?;
    let subject = &received.body["alert"]["subject"]["name"];
    ensure!(
        subject == name,
        "the {status} MemberDown is about {subject}, not about {name}"
    );
    Ok(began.elapsed())
}

async fn endpoints(daemon: &Daemon) -> anyhow::Result<()> {
    for (path, key) in JSON_ROUTES {
        let body = daemon.json(path).await?;
        ensure!(!body[key].is_null(), "/{path} has no {key}: {body}");
    }
    let (status, content_type, page) = daemon.get("").await?;
    ensure!(
        status == 200 && content_type.starts_with("text/html"),
        "/ answers {status} {content_type}"
    );
    ensure!(page.contains("app.js"), "the page does not load its script");
    for file in ["app.js", "app.css"] {
        let (status, _, body) = daemon.get(file).await?;
        ensure!(
            status == 200 && !body.is_empty(),
            "/{file} answers {status}"
        );
    }
    let (status, _, metrics) = daemon.get("metrics").await?;
    let sample = "etcd_cluster_member_count{cluster=\"default\"} 3";
    ensure!(
        status == 200 && metrics.contains(sample),
        "/metrics has no {sample}"
    );
    let event = daemon.first_event().await?;
    ensure!(
        event.contains("event: "),
        "the live events begin with {event:?}"
    );
    let history = daemon.json("api/v1/alerts/history").await?;
    let kinds: Vec<&Value> = history["history"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|event| &event["kind"])
        .collect();
    if !(kinds.iter().any(|kind| *kind == "fired") && kinds.iter().any(|kind| *kind == "resolved"))
    {
        bail!("the alert history lacks the alert: {kinds:?}");
    }
    say(&format!(
        "seen: page, {} JSON routes, live events and metrics answer",
        JSON_ROUTES.len()
    ));
    Ok(())
}
