//! Endpoints that lead to another cluster.

use std::time::Duration;

use futures_util::FutureExt;
use serde_json::json;

use super::{Scenario, Setting, defaults};
use crate::harness::CountingProxy;
use crate::truth::stage::{Stage, name_of};

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![Scenario::new(
        "member of another cluster behind one endpoint",
        Setting::Two(3),
        |stage| led_astray(stage).boxed_local(),
    )]
}

/// The endpoint of one member leads to a member of another cluster for a while, as a wrong address record does.
async fn led_astray(stage: &mut Stage) -> anyhow::Result<()> {
    let [cluster, other] = &stage.clusters[..] else {
        anyhow::bail!("the scenario needs two clusters");
    };
    let (own, foreign) = (host_of(cluster.member(1)), host_of(other.member(0)));
    let way = CountingProxy::start(&own).await;
    let endpoints = [cluster.member(0).client_url(), way.address()];
    let watched = json!({"name": name_of(0), "endpoints": endpoints});
    stage.watch_as(vec![watched], &defaults()).await?;
    stage.healthy().await?;
    stage.injected();
    way.redirect(&foreign);
    stage
        .told("ClusterIdMismatch", name_of(0), Duration::from_secs(10))
        .await?;
    way.redirect(&own);
    stage.over().await
}

/// Host and port of a member's client URL.
fn host_of(member: &etcd_monitor_testkit::Member) -> String {
    let url = member.client_url();
    url.trim_start_matches("http://").to_owned()
}
