//! Plain clusters on real etcd: start, stop, restart, what is left behind.

use std::time::Duration;

use etcd_monitor_testkit::{AlarmKind, Cluster, Error, Member, TlsMode};

#[tokio::test]
async fn a_cluster_starts_answers_and_leaves_nothing() -> Result<(), Error> {
    let cluster = Cluster::builder().links(false).start().await?;
    cluster.put("key", "value").await?;
    let leader = cluster
        .leader_index()
        .await
        .expect("a ready cluster has a leader");
    assert_ne!(cluster.member(leader).id(), 0);
    assert!(
        cluster.member(1).client_url().ends_with(":22379"),
        "the ports that users know"
    );
    let folder = cluster.data_dir().to_owned();
    let pids: Vec<u32> = cluster.members().iter().filter_map(Member::pid).collect();
    assert_eq!(pids.len(), 3);

    drop(cluster);
    assert!(!folder.exists());
    Ok(())
}

#[tokio::test]
async fn a_killed_member_comes_back_with_its_identity() -> Result<(), Error> {
    let cluster = Cluster::builder().links(false).start().await?;
    let member = cluster.member(1);
    let (id, pid) = (member.id(), member.pid());
    member.kill().await?;
    assert_eq!(member.pid(), None);
    cluster.put("key", "value").await?;
    member.restart().await?;
    assert_eq!(member.id(), id);
    assert_ne!(member.pid(), pid);
    cluster.wait_ready(Duration::from_secs(30)).await
}

#[tokio::test]
async fn a_stopped_member_answers_nothing_until_it_goes_on() -> Result<(), Error> {
    let cluster = Cluster::builder().start().await?;
    let member = cluster.member(2);
    member.stop()?;
    let late = member
        .wait_ready(Duration::from_millis(500))
        .await
        .expect_err("it is stopped");
    assert!(late.to_string().contains("m2"), "{late}");
    member.cont()?;
    member.wait_ready(Duration::from_secs(30)).await?;

    member.terminate().await?;
    let refusal = member.stop().expect_err("nothing runs").to_string();
    assert!(refusal.contains("m2 does not run"), "{refusal}");
    member.start()?;
    member.wait_ready(Duration::from_secs(30)).await
}

#[tokio::test]
async fn members_can_be_added_promoted_removed_and_replaced() -> Result<(), Error> {
    let mut cluster = Cluster::builder().links(false).members(2).start().await?;
    let learner = cluster.add_learner().await?;
    assert_eq!(learner, 2);
    cluster.promote(learner).await?;
    cluster
        .member(learner)
        .wait_ready(Duration::from_secs(30))
        .await?;

    let old = cluster.member(learner).id();
    cluster.wipe_and_replace(learner).await?;
    assert_ne!(cluster.member(learner).id(), old);

    cluster.remove(learner).await?;
    assert_eq!(cluster.endpoints().len(), 2);
    cluster.wait_ready(Duration::from_secs(30)).await
}

#[tokio::test]
async fn a_full_quota_refuses_writes_until_it_is_disarmed() -> Result<(), Error> {
    let builder = Cluster::builder()
        .links(false)
        .members(1)
        .quota_backend_bytes(4 << 20);
    let cluster = builder.start().await?;
    cluster.fill_quota().await?;
    let refusal = cluster
        .put("key", "value")
        .await
        .expect_err("the quota is full");
    assert!(refusal.to_string().contains("space exceeded"), "{refusal}");
    cluster.defragment(0).await?;
    cluster.disarm_alarms().await
}

#[tokio::test]
async fn a_raised_alarm_acts_until_it_is_disarmed() -> Result<(), Error> {
    let cluster = Cluster::builder().links(false).members(1).start().await?;
    cluster.raise_alarm(AlarmKind::Corrupt).await?;
    let refusal = cluster
        .put("key", "value")
        .await
        .expect_err("a corrupt cluster takes nothing");
    assert!(refusal.to_string().contains("corrupt"), "{refusal}");
    cluster.disarm_alarms().await?;
    cluster.put("key", "value").await
}

#[tokio::test]
async fn every_supported_version_starts_with_tls_and_authentication() -> Result<(), Error> {
    for version in ["3.5.35", "3.6.16", "3.7.3"] {
        let builder = Cluster::builder()
            .version(version)
            .members(2)
            .tls(TlsMode::Mutual);
        let cluster = builder.auth(true).listen_metrics(true).start().await?;
        cluster.put("key", "value").await?;
        assert!(
            cluster
                .endpoints()
                .iter()
                .all(|url| url.starts_with("https://127."))
        );
        assert!(cluster.user().is_some() && cluster.ca_file().is_some());
    }
    Ok(())
}

#[tokio::test]
async fn leadership_moves_to_the_member_asked_for() -> Result<(), Error> {
    let cluster = Cluster::builder().links(false).start().await?;
    let leader = cluster.leader_index().await.expect("a leader");
    let next = (leader + 1) % 3;
    cluster.move_leader(next).await?;
    assert_eq!(cluster.leader_index().await, Some(next));
    Ok(())
}

#[tokio::test]
async fn a_cluster_that_cannot_start_shows_its_log() {
    let builder = Cluster::builder()
        .links(false)
        .members(1)
        .extra_args(["--no-such-flag"]);
    let error = builder
        .start()
        .await
        .expect_err("etcd refuses the flag")
        .to_string();
    assert!(error.contains("its process has ended"), "{error}");
    assert!(error.contains("no-such-flag"), "{error}");
}
