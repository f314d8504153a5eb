//! Slow disks, too many writes, slow watchers.

use std::time::Duration;

use etcd_monitor_testkit::SlowDisk;
use futures_util::FutureExt;
use serde_json::json;

use super::{Scenario, defaults, member};
use crate::truth::pressure::{DeafWatchers, Writers, Writes, write_counted};
use crate::truth::stage::Stage;

/// A sync takes so much longer: far above the 10 ms that etcd asks for, far below an election, and more than 100 of
/// them fit into the shortest window.
const DELAY: Duration = Duration::from_millis(80);

/// The window of 5 min.
const AT_ONCE: Duration = Duration::from_mins(6);

/// The window of 5 min and the hold of 10.
const HELD: Duration = Duration::from_mins(16);

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario::shared("slow WAL disk on the leader", |stage| {
            slow_disk(stage, true).boxed_local()
        }),
        Scenario::shared("slow disk on one follower", |stage| {
            slow_disk(stage, false).boxed_local()
        }),
        Scenario::shared("slow disks of all members", |stage| {
            slow_disks(stage).boxed_local()
        })
        .lasting(60),
        Scenario::own(
            "overloaded by writes",
            |cluster| cluster,
            |stage| overloaded(stage).boxed_local(),
        )
        // What is short is the CPU.
        .tolerating(&["HeartbeatsLate"])
        .alone(),
        Scenario::own(
            "slow watchers",
            |cluster| cluster.members(1),
            |stage| slow_watchers(stage).boxed_local(),
        )
        .lasting(35),
    ]
}

/// Members answer past the proxies.
fn urls(stage: &Stage) -> Vec<String> {
    let members = stage.cluster().members().iter();
    members
        .map(|member| member.direct_client_url().to_owned())
        .collect()
}

/// Enough syncs in any window of the fast profile, also on a disk that is slow.
async fn write_steadily(stage: &Stage) -> anyhow::Result<Writers> {
    let writes = Writes {
        writers: 6,
        pause: Duration::from_millis(100),
        counts: 0,
        value_bytes: 64,
        count_max: u64::MAX,
    };
    Writers::start(&urls(stage), "truth/steady/", &writes).await
}

/// Makes these members' disks slow; `None`, with the reason noted, where this machine does not let itself be traced.
async fn slow_down(stage: &mut Stage, members: &[usize]) -> Option<Vec<SlowDisk>> {
    let mut disks = Vec::new();
    for index in members {
        match stage.cluster().member(*index).slow_disk(DELAY).await {
            Ok(disk) => disks.push(disk),
            Err(reason) => {
                stage.outcome.skipped = Some(reason.to_string());
                return None;
            }
        }
    }
    Some(disks)
}

async fn fast_again(disks: Vec<SlowDisk>) -> anyhow::Result<()> {
    for disk in disks {
        disk.stop().await?;
    }
    Ok(())
}

async fn slow_disk(stage: &mut Stage, leads: bool) -> anyhow::Result<()> {
    stage.watch(defaults()).await?;
    let (leader, follower) = stage.roles().await?;
    let victim = if leads { leader } else { follower };
    let _writers = write_steadily(stage).await?;
    stage.injected();
    let Some(disks) = slow_down(stage, &[victim]).await else {
        return Ok(());
    };
    stage
        .told("MemberDiskSlow", &member(victim), AT_ONCE)
        .await?;
    fast_again(disks).await?;
    stage.over().await
}

/// No member is slower than the others: it is told once it has held.
async fn slow_disks(stage: &mut Stage) -> anyhow::Result<()> {
    stage.watch(defaults()).await?;
    let _writers = write_steadily(stage).await?;
    stage.injected();
    let Some(disks) = slow_down(stage, &[0, 1, 2]).await else {
        return Ok(());
    };
    for index in 0..3 {
        stage.told("WalFsyncSlow", &member(index), HELD).await?;
    }
    fast_again(disks).await?;
    stage.over().await
}

/// Transactions that cost etcd much and the writers little: more of them than it can apply.
async fn overloaded(stage: &mut Stage) -> anyhow::Result<()> {
    stage.watch(defaults()).await?;
    let writes = Writes {
        writers: 150,
        pause: Duration::ZERO,
        counts: 50,
        value_bytes: 64,
        count_max: 100_000,
    };
    write_counted(&urls(stage)[0]).await?;
    stage.injected();
    let flood = Writers::start(&urls(stage), "truth/flood/", &writes).await?;
    stage.told("WriteOverload", "default", HELD).await?;
    drop(flood);
    stage.over().await
}

/// Nobody reads the events: first the windows of the streams are full, then etcd's channels.
async fn slow_watchers(stage: &mut Stage) -> anyhow::Result<()> {
    // Each stream holds 128 events.
    let few = json!({"metrics": {"slow_watchers_pending_events": 1_000}});
    stage.watch(few).await?;
    let url = urls(stage).remove(0);
    let watchers = DeafWatchers::open(&url, "truth/watched/", 20, 50).await?;
    stage.injected();
    let writes = Writes {
        writers: 1,
        pause: Duration::from_millis(100),
        counts: 0,
        value_bytes: 32 << 10,
        count_max: 600,
    };
    let flood = Writers::start(&[url], "truth/watched/", &writes).await?;
    stage.told("SlowWatchers", "m0", HELD).await?;
    drop((watchers, flood));
    stage.over().await
}
