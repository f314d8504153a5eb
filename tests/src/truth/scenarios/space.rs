//! Room: the quota, fragmentation, compaction.

use std::time::Duration;

use etcd_client::{Client, CompactionOptions};
use futures_util::FutureExt;
use serde_json::json;

use super::{Scenario, defaults};
use crate::truth::stage::Stage;

const MIB: usize = 1 << 20;

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario::own(
            "quota exceeded (NOSPACE)",
            |cluster| cluster.quota_backend_bytes(32 << 20),
            |stage| no_space(stage).boxed_local(),
        )
        // The same fact, by what etcd compares with the quota, and of every other member that is full as well.
        .tolerating(&[
            "AlarmNoSpace",
            "DatabaseNearQuota",
            "AlarmNotDisarmed",
            "QuotaForecast",
        ]),
        Scenario::own(
            "deleted and compacted, not defragmented",
            |cluster| cluster.quota_backend_bytes(64 << 20),
            |stage| fragmented(stage).boxed_local(),
        )
        .lasting(95)
        .tolerating(&["DatabaseNearQuota"]),
        Scenario::own(
            "never compacted",
            |cluster| cluster,
            |stage| never_compacted(stage).boxed_local(),
        )
        .lasting(95),
    ]
}

pub(super) async fn client(stage: &Stage) -> anyhow::Result<Client> {
    Ok(Client::connect([stage.cluster().member(0).direct_client_url()], None).await?)
}

async fn no_space(stage: &mut Stage) -> anyhow::Result<()> {
    stage.watch(defaults()).await?;
    stage.injected();
    stage.cluster().fill_quota().await?;
    // Whichever member noticed first raises it, for the whole cluster.
    let soon = Duration::from_secs(10);
    let subject = stage.subject_of("AlarmNoSpace", soon).await?;
    stage.told("AlarmNoSpace", &subject, soon).await?;
    let mut client = client(stage).await?;
    let deleted = client
        .delete(
            "filler/",
            Some(etcd_client::DeleteOptions::new().with_prefix()),
        )
        .await?;
    compact(
        &mut client,
        deleted
            .header()
            .map_or(0, etcd_client::ResponseHeader::revision),
    )
    .await?;
    defragment_all(stage).await?;
    stage.cluster().disarm_alarms().await?;
    stage.over().await
}

async fn defragment_all(stage: &Stage) -> anyhow::Result<()> {
    for index in 0..stage.cluster().members().len() {
        stage.cluster().defragment(index).await?;
    }
    Ok(())
}

async fn compact(client: &mut Client, revision: i64) -> anyhow::Result<()> {
    client
        .compact(revision, Some(CompactionOptions::new().with_physical()))
        .await?;
    Ok(())
}

/// Half of the file's pages are free, and it fills more than half of its quota.
async fn fragmented(stage: &mut Stage) -> anyhow::Result<()> {
    let small = json!({"capacity": {"fragmented_free_bytes": 10 * MIB}});
    stage.watch(small).await?;
    let mut client = client(stage).await?;
    for number in 0..40 {
        client
            .put(format!("filler/{number}"), vec![0; MIB], None)
            .await?;
    }
    stage.injected();
    let deleted = client
        .delete(
            "filler/",
            Some(etcd_client::DeleteOptions::new().with_prefix()),
        )
        .await?;
    compact(
        &mut client,
        deleted
            .header()
            .map_or(0, etcd_client::ResponseHeader::revision),
    )
    .await?;
    stage
        .told("DatabaseFragmented", "m0", Duration::from_mins(31))
        .await?;
    defragment_all(stage).await?;
    stage.calm_within(Duration::from_mins(2)).await
}

async fn never_compacted(stage: &mut Stage) -> anyhow::Result<()> {
    let small =
        json!({"capacity": {"uncompacted_revisions": 500, "uncompacted_in_use_bytes": MIB}});
    stage.watch(small).await?;
    let mut client = client(stage).await?;
    stage.injected();
    for number in 0..600 {
        client
            .put("key", vec![b'x'; 4 << 10], None)
            .await
            .map_err(|error| anyhow::anyhow!("write {number}: {error}"))?;
    }
    // Never is told at once after its hold; "not for two hours" where there was one before.
    stage
        .told("NeverCompacted", "default", Duration::from_mins(31))
        .await?;
    let revision = client
        .get("key", None)
        .await?
        .header()
        .map_or(0, etcd_client::ResponseHeader::revision);
    compact(&mut client, revision).await?;
    stage.calm_within(Duration::from_mins(2)).await
}
