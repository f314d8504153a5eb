//! A slow disk under a real etcd. Passes with a printed reason where strace may not trace.

use std::time::{Duration, Instant};

use etcd_monitor_testkit::{Cluster, Error};

/// Far above a write on memory, even on a busy machine.
const DELAY: Duration = Duration::from_millis(800);

#[tokio::test]
async fn a_disk_becomes_slow_and_fast_again_without_a_restart() -> Result<(), Error> {
    let cluster = Cluster::builder().members(1).start().await?;
    let pid = cluster.member(0).pid();
    let disk = match cluster.member(0).slow_disk(DELAY).await {
        Ok(disk) => disk,
        Err(reason) => {
            eprintln!("skipped: {reason}");
            return Ok(());
        }
    };
    assert!(put_takes(&cluster).await? >= DELAY);
    disk.stop().await?;
    // The first write may still wait for a sync that was delayed.
    put_takes(&cluster).await?;
    assert!(put_takes(&cluster).await? < DELAY);
    assert_eq!(cluster.member(0).pid(), pid);
    Ok(())
}

#[tokio::test]
async fn a_member_starts_with_a_slow_disk() -> Result<(), Error> {
    let delay = Duration::from_millis(100);
    let cluster = match Cluster::builder()
        .members(1)
        .slow_disk(0, delay)
        .start()
        .await
    {
        Err(Error::Unavailable(reason)) => {
            eprintln!("skipped: {reason}");
            return Ok(());
        }
        started => started?,
    };
    assert!(put_takes(&cluster).await? >= delay);
    cluster.member(0).restart().await?;
    assert!(put_takes(&cluster).await? >= delay, "over a restart too");
    cluster.member(0).kill().await?;
    assert_eq!(cluster.member(0).pid(), None);
    Ok(())
}

async fn put_takes(cluster: &Cluster) -> Result<Duration, Error> {
    let started = Instant::now();
    cluster.put("key", "value").await?;
    Ok(started.elapsed())
}
