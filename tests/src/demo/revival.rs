//! A member that the user killed comes back, so that the user sees the alert resolve.

use std::time::Duration;

use etcd_monitor_testkit::{Cluster, Member};

use super::say;

/// How long a killed member stays away: the alert is told within 20 s.
const AWAY: Duration = Duration::from_secs(30);

/// How often the members' processes are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Starts members again whose process has ended. Only ends when that fails.
pub(super) async fn keep_alive(cluster: &Cluster) -> anyhow::Result<()> {
    let watched = cluster.members().iter().map(revive_whenever_it_ends);
    futures_util::future::try_join_all(watched).await.map(drop)
}

async fn revive_whenever_it_ends(member: &Member) -> anyhow::Result<()> {
    let mut looks = tokio::time::interval(LOOK);
    loop {
        looks.tick().await;
        if member.pid().is_none_or(|pid| !runs(pid)) {
            say(&format!(
                "{} has ended; it is started again in {} s",
                member.name(),
                AWAY.as_secs()
            ));
            tokio::time::sleep(AWAY).await;
            member.kill().await?;
            member.start()?;
            say(&format!("{} is started again", member.name()));
        }
    }
}

/// False for a process that has ended, also when nobody has asked for its exit code yet (a zombie).
fn runs(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The state follows the program's name, which stands in parentheses and may hold any character.
    let state = stat
        .rsplit(") ")
        .next()
        .and_then(|rest| rest.chars().next());
    state.is_some_and(|state| state != 'Z' && state != 'X')
}
