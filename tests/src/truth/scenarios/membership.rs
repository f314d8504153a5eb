//! Members that are added: learners, and one that never starts; and versions that differ.

use std::time::Duration;

use anyhow::bail;
use etcd_client::{Client, MemberAddOptions, MemberAddResponse};
use futures_util::FutureExt;
use tokio::time::interval;

use super::space::client;
use super::{Scenario, Setting, defaults, member, older};
use crate::truth::stage::Stage;

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario::own(
            "learner that never catches up",
            |cluster| cluster,
            |stage| stuck(stage).boxed_local(),
        )
        .tolerating(&["LinkSlow", "LinkFailing", "SnapshotSendFailing"]),
        Scenario::own(
            "learner caught up, nobody promotes",
            |cluster| cluster,
            |stage| not_promoted(stage).boxed_local(),
        ),
        Scenario::own(
            "member added, never started",
            |cluster| cluster,
            |stage| not_started(stage).boxed_local(),
        )
        // A member that is not there lowers what may still fail, and its peers look for it in vain.
        .tolerating(&["LinkFailing"]),
        Scenario::new("mixed versions", Setting::Older, |stage| {
            mixed(stage).boxed_local()
        }),
    ]
}

/// The way from the leader to the learner lets through next to nothing.
async fn stuck(stage: &mut Stage) -> anyhow::Result<()> {
    let learner = stage.clusters[0].add_learner().await?;
    stage.watch(defaults()).await?;
    let (leader, _) = stage.roles().await?;
    stage.injected();
    stage.cluster().link(leader, learner).throttle(20);
    let mut client = client(stage).await?;
    for number in 0..400 {
        client
            .put(format!("truth/{}", number % 10), vec![b'x'; 1 << 10], None)
            .await?;
    }
    let told = stage
        .told("LearnerStuck", &member(learner), Duration::from_mins(6))
        .await;
    stage.cluster().heal();
    told?;
    stage.cluster().promote(learner).await?;
    stage.over().await
}

async fn not_promoted(stage: &mut Stage) -> anyhow::Result<()> {
    let learner = stage.clusters[0].add_learner().await?;
    stage.watch(defaults()).await?;
    stage.injected();
    stage
        .told(
            "LearnerNotPromoted",
            &member(learner),
            Duration::from_mins(32),
        )
        .await?;
    stage.cluster().promote(learner).await?;
    stage.calm_within(Duration::from_mins(2)).await
}

/// etcd refuses changes in the first seconds after its members connected.
async fn add(
    client: &mut Client,
    url: &str,
    options: &MemberAddOptions,
) -> anyhow::Result<MemberAddResponse> {
    let mut attempts = interval(Duration::from_secs(2));
    for _ in 0..30 {
        attempts.tick().await;
        match client.member_add([url], Some(options.clone())).await {
            Err(error) if error.to_string().contains("unhealthy cluster") => {}
            answer => return Ok(answer?),
        }
    }
    bail!("etcd calls the cluster unhealthy for a minute")
}

async fn not_started(stage: &mut Stage) -> anyhow::Result<()> {
    stage.watch(defaults()).await?;
    stage.injected();
    // A learner: a voter that never starts would cost the cluster its tolerance, which is another finding.
    let options = MemberAddOptions::new().with_is_learner();
    let url = "http://127.0.0.1:9";
    let mut client = client(stage).await?;
    let added = add(&mut client, url, &options).await?;
    let id = added.member().map_or(0, etcd_client::Member::id);
    let subject = stage
        .subject_of("MemberNotStarted", Duration::from_mins(6))
        .await?;
    stage
        .told("MemberNotStarted", &subject, Duration::from_mins(6))
        .await?;
    client.member_remove(id).await?;
    stage.over().await
}

/// An upgrade that stays where it is after the first member, for a while.
async fn mixed(stage: &mut Stage) -> anyhow::Result<()> {
    let version = stage.profile.version.clone();
    if older(&version).is_none() {
        stage.outcome.skipped = Some(format!("no version before {version} is tested"));
        return Ok(());
    }
    stage.watch(defaults()).await?;
    stage.injected();
    stage.clusters[0].change_version(0, &version).await?;
    // An alert is told of it a day later.
    stage
        .found("MixedVersions", "default", Duration::from_secs(20))
        .await?;
    for index in 1..3 {
        stage.clusters[0].change_version(index, &version).await?;
    }
    stage.not_found("MixedVersions").await?;
    stage.over().await
}
