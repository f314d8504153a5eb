//! Links that are cut, one way or both, and slow ones; and the monitor's own way.

use std::time::Duration;

use anyhow::Context;
use futures_util::FutureExt;

use super::{Scenario, Setting, defaults, member};
use crate::truth::stage::Stage;

/// The bytes of 15 s and the longest hold of these rules, neither of which the fast profile divides.
const CUT: Duration = Duration::from_mins(10);

/// Three probes of etcd's own, 30 s apart, which no profile shortens, and the hold.
const SLOW: Duration = Duration::from_mins(5);

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario::shared("one member cut from all", |stage| {
            isolated(stage).boxed_local()
        }),
        Scenario::shared("one-way cut of one link", |stage| {
            one_way(stage).boxed_local()
        }),
        Scenario::shared("follower cut from the leader only", |stage| {
            from_leader(stage).boxed_local()
        }),
        Scenario::own(
            "slow link",
            |cluster| cluster,
            |stage| slow(stage).boxed_local(),
        )
        .lasting(130),
        Scenario::new(
            "the monitor cut off from everything",
            Setting::Two(1),
            |stage| cut_off(stage).boxed_local(),
        ),
    ]
}

async fn isolated(stage: &mut Stage) -> anyhow::Result<()> {
    stage.watch(defaults()).await?;
    stage.links_known().await?;
    let (_, victim) = stage.roles().await?;
    stage.injected();
    stage.cluster().isolate(victim);
    let told = stage.told("MemberIsolated", &member(victim), CUT).await;
    heal(stage, told).await
}

async fn one_way(stage: &mut Stage) -> anyhow::Result<()> {
    stage.watch(defaults()).await?;
    stage.links_known().await?;
    let (_, follower) = stage.roles().await?;
    let other = (follower + 1) % 3;
    stage.injected();
    stage.cluster().link(follower, other).cut();
    let told = stage
        .told("LinkFailing", &format!("m{follower} -> m{other}"), CUT)
        .await;
    heal(stage, told).await
}

async fn from_leader(stage: &mut Stage) -> anyhow::Result<()> {
    stage.watch(defaults()).await?;
    stage.links_known().await?;
    let (leader, follower) = stage.roles().await?;
    stage.injected();
    stage.cluster().link(leader, follower).cut();
    stage.cluster().link(follower, leader).cut();
    let told = stage.told("NetworkPartition", "default", CUT).await;
    heal(stage, told).await
}

/// Every link is restored before a failure is reported, since the cluster is used again.
async fn heal(stage: &mut Stage, told: anyhow::Result<()>) -> anyhow::Result<()> {
    stage.cluster().heal();
    told?;
    stage.over().await
}

async fn slow(stage: &mut Stage) -> anyhow::Result<()> {
    stage.watch(defaults()).await?;
    let (leader, follower) = stage.roles().await?;
    let other = 3 - leader - follower;
    stage.injected();
    for (from, to) in [(follower, other), (other, follower)] {
        stage
            .cluster()
            .link(from, to)
            .delay(Duration::from_millis(400));
    }
    let (one, two) = (follower.min(other), follower.max(other));
    // Both directions of a pair are measured as one round trip.
    let limit = SLOW * if stage.profile.full { 1 } else { 20 };
    stage
        .told("LinkSlow", &format!("m{one} -> m{two}"), limit)
        .await?;
    stage
        .told("LinkSlow", &format!("m{two} -> m{one}"), limit)
        .await?;
    stage.cluster().heal();
    // The round trip is smoothed over several probes of 30 s.
    stage.calm_within(Duration::from_mins(6)).await
}

/// Two clusters fall silent at once: it is the monitor that is cut off.
async fn cut_off(stage: &mut Stage) -> anyhow::Result<()> {
    stage.watch(defaults()).await?;
    stage.injected();
    for cluster in &stage.clusters {
        cluster.isolate_from_clients(0);
    }
    let told = stage.told("MonitorCutOff", "monitor", CUT).await;
    for cluster in &stage.clusters {
        cluster.heal();
    }
    told.context("both clusters are cut off from the monitor")?;
    stage.over().await
}
