//! Endpoints that lead to another cluster.

use std::time::Duration;

use futures_util::FutureExt;
use serde_json::json;

use super::{Scenario, Setting, defaults};
use crate::truth::stage::{Stage, name_of};

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![Scenario::new(
        "member of another cluster behind one endpoint",
        Setting::Two,
        |stage| mixed_up(stage).boxed_local(),
    )]
}

async fn mixed_up(stage: &mut Stage) -> anyhow::Result<()> {
    let endpoints: Vec<&str> = stage
        .clusters
        .iter()
        .map(|cluster| cluster.member(0).client_url())
        .collect();
    let mixed = json!({"name": name_of(0), "endpoints": endpoints});
    stage.injected();
    stage.watch_as(vec![mixed], &defaults()).await?;
    stage
        .told("ClusterIdMismatch", name_of(0), Duration::from_secs(10))
        .await
}
