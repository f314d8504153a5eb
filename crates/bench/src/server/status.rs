//! Who led, and who answered, while it was measured.

use std::time::{Duration, Instant};

use etcd_monitor_client::{ClientError, MemberClient};
use tokio::time::MissedTickBehavior;

/// How often a member is asked for its status: an election takes a second or more, and a status costs a member no more
/// than 0.1 ms.
const EVERY: Duration = Duration::from_millis(200);

/// A member that has not answered after this time is silent.
const SILENT_AFTER: Duration = Duration::from_secs(1);

/// Changes of one member that are kept; a run with more has told its story.
const CHANGES_MAX: usize = 1_000;

/// What a member said, or that it said nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Seen {
    /// It answered.
    Answers {
        /// The leader that it knows.
        leader: Option<u64>,
        /// Its term.
        term: u64,
    },
    /// It did not.
    Silent(String),
}

/// What was seen from a time on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SeenAt {
    /// Since when.
    pub(crate) at: Instant,
    /// What.
    pub(crate) seen: Seen,
}

/// Asks a member again and again, for ever, and notes what changed.
pub(super) async fn watch(member: &MemberClient, changes: &mut Vec<SeenAt>) {
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let at = Instant::now();
        let seen = ask(member).await;
        let is_same = changes
            .last()
            .is_some_and(|last| is_same(&last.seen, &seen));
        if !is_same && changes.len() < CHANGES_MAX {
            changes.push(SeenAt { at, seen });
        }
    }
}

async fn ask(member: &MemberClient) -> Seen {
    let silent = |error: ClientError| Seen::Silent(error.to_string());
    match tokio::time::timeout(SILENT_AFTER, member.status()).await {
        Ok(Ok(status)) => Seen::Answers {
            leader: status.leader,
            term: status.raft_term,
        },
        Ok(Err(error)) => silent(error),
        Err(_) => Seen::Silent(format!("no status within {} s", SILENT_AFTER.as_secs_f64())),
    }
}

/// One silence is one, whatever its reason.
fn is_same(one: &Seen, other: &Seen) -> bool {
    matches!((one, other), (Seen::Silent(_), Seen::Silent(_))) || one == other
}
