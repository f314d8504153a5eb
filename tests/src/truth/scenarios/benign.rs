//! What operators do every day: nothing above information may fire.

use std::time::Duration;

use etcd_client::CompactionOptions;
use futures_util::FutureExt;

use super::space::client;
use super::{Scenario, defaults};
use crate::truth::stage::Stage;

/// Long enough for the holds of the fast profile, and for links to be judged by their bytes of 15 s.
const AFTERWARDS: Duration = Duration::from_secs(20);

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario::shared("benign: rolling restart", |stage| {
            rolling_restart(stage).boxed_local()
        })
        .on_all_versions(),
        Scenario::shared("benign: move-leader", |stage| {
            move_leader(stage).boxed_local()
        }),
        Scenario::shared("benign: defragmentation of each member", |stage| {
            defragment(stage).boxed_local()
        }),
        Scenario::shared("benign: compaction and snapshot save", |stage| {
            compact_and_save(stage).boxed_local()
        }),
        Scenario::own(
            "benign: learner added and promoted",
            |cluster| cluster,
            |stage| promote(stage).boxed_local(),
        ),
        Scenario::own(
            "benign: steady load",
            |cluster| cluster,
            |stage| steady(stage).boxed_local(),
        )
        .lasting(125),
    ]
}

async fn rolling_restart(stage: &mut Stage) -> anyhow::Result<()> {
    stage.watch(defaults()).await?;
    for index in 0..3 {
        stage.cluster().member(index).restart().await?;
        stage.cluster().wait_ready(Duration::from_mins(1)).await?;
    }
    afterwards(stage).await
}

async fn afterwards(stage: &mut Stage) -> anyhow::Result<()> {
    stage.stay(AFTERWARDS).await?;
    stage.over().await
}

async fn move_leader(stage: &mut Stage) -> anyhow::Result<()> {
    stage.watch(defaults()).await?;
    let (_, follower) = stage.roles().await?;
    stage.cluster().move_leader(follower).await?;
    afterwards(stage).await
}

async fn defragment(stage: &mut Stage) -> anyhow::Result<()> {
    stage.watch(defaults()).await?;
    for index in 0..3 {
        stage.cluster().defragment(index).await?;
    }
    afterwards(stage).await
}

async fn compact_and_save(stage: &mut Stage) -> anyhow::Result<()> {
    stage.watch(defaults()).await?;
    let mut client = client(stage).await?;
    let revision = client
        .get("demo/1", None)
        .await?
        .header()
        .map_or(0, etcd_client::ResponseHeader::revision);
    client
        .compact(revision, Some(CompactionOptions::new().with_physical()))
        .await?;
    let mut snapshot = client.snapshot().await?;
    while snapshot.message().await?.is_some() {}
    afterwards(stage).await
}

async fn promote(stage: &mut Stage) -> anyhow::Result<()> {
    stage.watch(defaults()).await?;
    let learner = stage.clusters[0].add_learner().await?;
    stage.cluster().promote(learner).await?;
    afterwards(stage).await
}

async fn steady(stage: &mut Stage) -> anyhow::Result<()> {
    stage.watch(defaults()).await?;
    stage.stay(stage.profile.benign()).await?;
    stage.over().await
}
