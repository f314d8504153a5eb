//! Members that die, hang, or lose their data.

use std::time::Duration;

use futures_util::FutureExt;

use super::{Scenario, defaults, member};
use crate::truth::stage::Stage;

/// Two cycles and the hold of 9 s.
const TOLD: Duration = Duration::from_secs(20);

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario::shared("follower killed", |stage| {
            killed(stage, false).boxed_local()
        })
        .on_all_versions(),
        Scenario::shared("leader killed", |stage| killed(stage, true).boxed_local())
            .on_all_versions(),
        Scenario::shared("two of three killed", |stage| {
            two_killed(stage).boxed_local()
        })
        .on_all_versions(),
        Scenario::shared("follower stopped (SIGSTOP)", |stage| {
            frozen(stage, false).boxed_local()
        }),
        Scenario::shared("leader stopped (SIGSTOP)", |stage| {
            frozen(stage, true).boxed_local()
        }),
        Scenario::own(
            "two of five killed",
            |cluster| cluster.members(5),
            |stage| two_of_five(stage).boxed_local(),
        ),
        Scenario::own(
            "data directory wiped",
            |cluster| cluster,
            |stage| wiped(stage).boxed_local(),
        ),
    ]
}

async fn chosen(stage: &Stage, leads: bool) -> anyhow::Result<usize> {
    let (leader, follower) = stage.roles().await?;
    Ok(if leads { leader } else { follower })
}

async fn killed(stage: &mut Stage, leads: bool) -> anyhow::Result<()> {
    stage.watch(defaults()).await?;
    let victim = chosen(stage, leads).await?;
    stage.injected();
    stage.cluster().member(victim).kill().await?;
    stage.told("MemberDown", &member(victim), TOLD).await?;
    stage.cluster().member(victim).restart().await?;
    stage.over().await
}

async fn two_killed(stage: &mut Stage) -> anyhow::Result<()> {
    stage.watch(defaults()).await?;
    let (leader, follower) = stage.roles().await?;
    stage.injected();
    let members = [leader, follower].map(|index| stage.cluster().member(index));
    let (first, second) = tokio::join!(members[0].kill(), members[1].kill());
    first.and(second)?;
    stage.told("QuorumLost", "default", TOLD).await?;
    let members = [leader, follower].map(|index| stage.cluster().member(index));
    // Neither is ready before the other has started.
    let (first, second) = tokio::join!(members[0].restart(), members[1].restart());
    first.and(second)?;
    stage.over().await
}

/// The cluster goes on, but nothing more may fail.
async fn two_of_five(stage: &mut Stage) -> anyhow::Result<()> {
    stage.watch(defaults()).await?;
    let (_, first) = stage.roles().await?;
    let dead = [first, (first + 1) % 5];
    stage.injected();
    for index in dead {
        stage.cluster().member(index).kill().await?;
    }
    for index in dead {
        stage.told("MemberDown", &member(index), TOLD).await?;
    }
    for index in dead {
        stage.cluster().member(index).restart().await?;
    }
    stage.over().await
}

async fn frozen(stage: &mut Stage, leads: bool) -> anyhow::Result<()> {
    stage.watch(defaults()).await?;
    let victim = chosen(stage, leads).await?;
    stage.injected();
    stage.cluster().member(victim).stop()?;
    let told = stage.told("MemberDown", &member(victim), TOLD).await;
    stage.cluster().member(victim).cont()?;
    told?;
    stage.over().await
}

/// A member that starts on an empty directory under its old identity cannot come up: etcd ends it.
async fn wiped(stage: &mut Stage) -> anyhow::Result<()> {
    stage.watch(defaults()).await?;
    let victim = chosen(stage, false).await?;
    stage.injected();
    let wiped = stage.cluster().member(victim);
    wiped.kill().await?;
    std::fs::remove_dir_all(wiped.data_dir())?;
    wiped.start()?;
    stage.told("MemberDown", &member(victim), TOLD).await?;
    stage.cluster().wipe_and_replace(victim).await?;
    stage.over().await
}
