//! What the monitor is not allowed to see, or etcd does not show: named, and nothing above information fires.

use std::time::Duration;

use anyhow::ensure;
use etcd_client::{Client, ConnectOptions, PermissionType};
use futures_util::FutureExt;
use serde_json::{Value, json};

use super::{Scenario, defaults};
use crate::truth::stage::{Stage, described, items, text};

const COVERAGE: &str = "/api/v1/coverage";

/// For the signals to be asked, and for whatever would fire wrongly to do so.
const QUIET: Duration = Duration::from_secs(15);

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario::shared("--metrics=basic, etcd's default", |stage| {
            basic(stage).boxed_local()
        })
        .on_all_versions(),
        Scenario::own(
            "read-only credentials",
            |cluster| cluster.members(1).auth(true),
            |stage| read_only(stage).boxed_local(),
        ),
    ]
}

/// The kinds of reasons for which a signal of any member is missing.
fn classes(coverage: &Value, signal: &str) -> Vec<String> {
    let clusters = items(coverage, "clusters").iter();
    let signals = clusters.flat_map(|cluster| items(cluster, "signals"));
    let of_signal = signals.filter(|gap| text(gap, "signal") == signal);
    of_signal.map(|gap| text(gap, "class").to_owned()).collect()
}

/// What coverage says of a rule that could not be evaluated.
fn gap(coverage: &Value, rule: &str) -> Value {
    let clusters = items(coverage, "clusters").iter();
    let mut gaps = clusters.flat_map(|cluster| items(cluster, "rules"));
    let found = gaps.find(|gap| text(gap, "rule") == rule);
    found.cloned().unwrap_or_default()
}

async fn basic(stage: &mut Stage) -> anyhow::Result<()> {
    stage.watch(defaults()).await?;
    stage.stay(QUIET).await?;
    let coverage = stage.ask(COVERAGE).await?;
    let found = classes(&coverage, "grpc_server_handling_seconds");
    ensure!(found == ["metrics_basic"; 3], "coverage says {found:?}");
    // From 3.7 on another metric tells how long writes take.
    let slow = gap(&coverage, "RequestsSlow");
    let needs_more = !stage.profile.version.starts_with("3.7.");
    ensure!(
        needs_more == (text(&slow, "class") == "metrics_basic"),
        "coverage says {slow}"
    );
    stage.over().await
}

async fn read_only(stage: &mut Stage) -> anyhow::Result<()> {
    let cluster = stage.cluster();
    let user = cluster.user().unwrap_or_default();
    let login = ConnectOptions::new().with_user(user, cluster.password().unwrap_or_default());
    let mut root = Client::connect([cluster.member(0).direct_client_url()], Some(login)).await?;
    root.role_add("reader").await?;
    let read = etcd_client::Permission::new(PermissionType::Read, "etcd-monitor/probe");
    root.role_grant_permission("reader", read).await?;
    root.user_add("reader", "only-reads", None).await?;
    root.user_grant_role("reader", "reader").await?;
    let folder = tempfile::tempdir()?;
    let password = folder.path().join("password");
    std::fs::write(&password, "only-reads")?;
    let mut reader = described(0, cluster);
    reader["user"] = json!("reader");
    reader["password_file"] = json!(password);
    // All that is asked may be read; what may not be is written.
    reader["canary"] = json!({"key": "etcd-monitor/canary"});
    stage.watch_as(vec![reader], &defaults()).await?;
    stage.stay(QUIET).await?;
    let coverage = stage.ask(COVERAGE).await?;
    let named = text(&gap(&coverage, "CanaryWriteFailing"), "class").to_owned();
    ensure!(named == "permission_denied", "coverage says {named:?}");
    stage.over().await
}
