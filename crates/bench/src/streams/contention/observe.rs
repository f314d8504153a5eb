//! Observers of elections: when they hear of a new leader.

use std::sync::Arc;
use std::time::{Duration, Instant};

use etcd_monitor_client::MemberClient;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::desk::Desk;
use crate::recorder::{Failure, Times};
use crate::request::OperationKind;
use crate::streams::crew::Crew;

/// How long an observer may take to hear of the last leader.
const PATIENCE: Duration = Duration::from_secs(1);

/// An observer waits so long for a first leader: the load may be slow to begin.
const FIRST_LEADER: Duration = Duration::from_hours(1);

/// What one observer remembers at most.
const HEARD_MAX: usize = 1 << 20;

/// The observers of all elections of a run.
pub(super) struct Observers {
    observing: JoinSet<Heard>,
    of_each: u32,
    over: watch::Sender<bool>,
}

/// What one observer heard.
struct Heard {
    election: usize,
    /// The revision at which the leader's key was made, and when that was heard.
    leaders: Vec<(i64, Instant)>,
    failure: Option<Failure>,
}

impl Observers {
    pub(super) fn start(
        observers: u32,
        connections: &[Arc<MemberClient>],
        desks: &[Arc<Desk>],
    ) -> Self {
        let (over, is_over) = watch::channel(false);
        let mut observing = JoinSet::new();
        let elections = desks.iter().enumerate();
        let places = elections.flat_map(|of| (0..observers).map(move |_| of));
        for ((election, desk), connection) in places.zip(connections.iter().cycle()) {
            let (connection, desk) = (Arc::clone(connection), Arc::clone(desk));
            let is_over = is_over.clone();
            observing.spawn(async move {
                let mut heard = Heard {
                    election,
                    leaders: Vec::new(),
                    failure: None,
                };
                heard.observe(&connection, &desk, is_over).await;
                heard
            });
        }
        Self {
            observing,
            of_each: observers,
            over,
        }
    }

    /// Ends them when they have heard of the last leader; how many they heard of, and of how many not.
    pub(super) async fn end(mut self, crew: &Crew, desks: &[Arc<Desk>]) -> (u64, u64) {
        let _ = self.over.send(true);
        let leaders: Vec<_> = desks.iter().map(|desk| desk.leaders()).collect();
        let all: usize = leaders.iter().map(std::collections::BTreeMap::len).sum();
        let all = all as u64 * u64::from(self.of_each);
        let mut seen = 0;
        let mut number = 0;
        while let Some(heard) = self.observing.join_next().await {
            let Ok(heard) = heard else { continue };
            number += 1;
            if let Some(failure) = heard.failure {
                crew.broke(number, OperationKind::LeaderSeen, failure);
            }
            let Some(leaders) = leaders.get(heard.election) else {
                continue;
            };
            for (revision, at) in heard.leaders {
                let Some(awaited) = leaders.get(&revision) else {
                    continue;
                };
                seen += 1;
                let times = Times {
                    intended: *awaited,
                    sent: *awaited,
                    done: at,
                };
                crew.recorder(number)
                    .observed(OperationKind::LeaderSeen, times);
            }
        }
        (seen, all.saturating_sub(seen))
    }
}

impl Heard {
    async fn observe(
        &mut self,
        connection: &MemberClient,
        desk: &Desk,
        mut is_over: watch::Receiver<bool>,
    ) {
        let feed = tokio::select! {
            feed = connection.observe(&desk.name, FIRST_LEADER) => feed,
            () = until_over(&mut is_over) => return,
        };
        let mut feed = match feed {
            Ok(feed) => feed,
            Err(error) => {
                self.failure = Some(Failure::of(&error));
                return;
            }
        };
        let mut last = None;
        loop {
            let heard = tokio::select! {
                heard = feed.next() => heard,
                () = until_heard(&mut is_over, desk, last) => return,
            };
            match heard {
                Ok(revision) => {
                    last = Some(revision);
                    if self.leaders.len() < HEARD_MAX {
                        self.leaders.push((revision, Instant::now()));
                    }
                }
                Err(error) => {
                    self.failure = Some(Failure::of(&error));
                    return;
                }
            }
        }
    }
}

async fn until_over(is_over: &mut watch::Receiver<bool>) {
    // An error means that who tells it has gone.
    let _ = is_over.wait_for(|is_over| *is_over).await;
}

/// Until the load is over and this observer has heard of the last leader, or has had its time for that.
async fn until_heard(is_over: &mut watch::Receiver<bool>, desk: &Desk, last: Option<i64>) {
    until_over(is_over).await;
    if desk
        .leaders()
        .last_key_value()
        .map(|(revision, _)| *revision)
        != last
    {
        tokio::time::sleep(PATIENCE).await;
    }
}
