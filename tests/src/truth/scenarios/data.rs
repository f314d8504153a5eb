//! Data that differs between members.

use std::time::Duration;

use futures_util::FutureExt;

use super::space::client;
use super::{Scenario, defaults, member};
use crate::truth::stage::Stage;

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario::own(
            "corrupted member: a key changed in its file",
            |cluster| cluster,
            |stage| changed_key(stage).boxed_local(),
        ),
        Scenario::own(
            "corrupted member: a value changed in its file",
            |cluster| cluster,
            |stage| changed_value(stage).boxed_local(),
        ),
    ]
}

/// The key under which etcd stores a revision: the revision, `_`, and the number of the change in it.
fn stored(revision: i64) -> Vec<u8> {
    let mut key = revision.to_be_bytes().to_vec();
    key.push(b'_');
    key.extend(0_i64.to_be_bytes());
    key
}

/// Changes bytes in the file of a member while it is down, and lets the load go on.
async fn tamper(stage: &mut Stage, victim: usize, from: &[u8], to: &[u8]) -> anyhow::Result<()> {
    let cluster = stage.cluster();
    // It answers a linearizable read once it has applied the write.
    cluster
        .member(victim)
        .wait_ready(Duration::from_mins(2))
        .await?;
    cluster.member(victim).terminate().await?;
    cluster.tamper(victim, from, to)?;
    cluster.member(victim).restart().await?;
    stage.busy();
    stage.injected();
    Ok(())
}

/// While a follower is down, a value in its file becomes another one: all revisions agree, and only hashes tell.
async fn changed_value(stage: &mut Stage) -> anyhow::Result<()> {
    stage.watch(defaults()).await?;
    let (_, victim) = stage.roles().await?;
    stage.quiet();
    let mut client = client(stage).await?;
    client
        .put("truth/changed", "what was written", None)
        .await?;
    tamper(stage, victim, b"what was written", b"what nobody knew").await?;
    // Ten minutes after the latest restart, hashes are compared.
    stage
        .told("DataDivergence", &member(victim), Duration::from_mins(11))
        .await?;
    stage.cluster().wipe_and_replace(victim).await?;
    stage.over().await
}

/// While a follower is down, the latest revision in its file becomes another one.
async fn changed_key(stage: &mut Stage) -> anyhow::Result<()> {
    stage.watch(defaults()).await?;
    let (_, victim) = stage.roles().await?;
    stage.quiet();
    let mut client = client(stage).await?;
    let put = client.put("truth/changed", "value", None).await?;
    let revision = put
        .header()
        .map_or(0, etcd_client::ResponseHeader::revision);
    tamper(stage, victim, &stored(revision), &stored(revision + 1_000)).await?;
    stage
        .told("DataDivergence", &member(victim), Duration::from_secs(30))
        .await?;
    stage.cluster().wipe_and_replace(victim).await?;
    stage.over().await
}
