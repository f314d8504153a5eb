//! One contender: wants, holds, releases, and wants again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use etcd_monitor_client::{ClientError, LeadershipAnswer, LockAnswer, MemberClient};

use super::desk::Desk;
use super::{ContentionLoad, ContentionStyle};
use crate::engine::pause_after;
use crate::keys::end_of_prefix;
use crate::recorder::Times;
use crate::request::{Answer, OperationKind};
use crate::streams::crew::Crew;
use crate::turns::Turn;

/// What all contenders count.
#[derive(Debug)]
pub(super) struct Counts {
    /// By contender: how often it owned.
    pub(super) owned: Vec<AtomicU64>,
    pub(super) phantoms: AtomicU64,
    pub(super) unverified: AtomicU64,
    pub(super) given_up: AtomicU64,
    /// Revisions that waits which failed or were given up may have made, beyond those that the recorder counts.
    pub(super) unknown: AtomicU64,
}

impl Counts {
    pub(super) fn of(contenders: u32) -> Self {
        Self {
            owned: (0..contenders).map(|_| AtomicU64::new(0)).collect(),
            phantoms: AtomicU64::new(0),
            unverified: AtomicU64::new(0),
            given_up: AtomicU64::new(0),
            unknown: AtomicU64::new(0),
        }
    }
}

/// What an owner has.
enum Held {
    Lock(LockAnswer),
    Leadership(LeadershipAnswer),
}

impl Held {
    fn key(&self) -> &[u8] {
        match self {
            Self::Lock(lock) => &lock.key,
            Self::Leadership(leadership) => &leadership.key,
        }
    }
}

/// One contender.
pub(super) struct Contender {
    pub(super) number: u32,
    pub(super) lease: i64,
    pub(super) load: ContentionLoad,
    pub(super) connection: Arc<MemberClient>,
    pub(super) desk: Arc<Desk>,
    pub(super) crew: Arc<Crew>,
    pub(super) counts: Arc<Counts>,
}

impl Contender {
    /// Takes its turns until they end.
    pub(super) async fn work(self) {
        while let Some(turn) = self.crew.turns.next().await {
            let wanted = Instant::now();
            let got = tokio::select! {
                got = self.get() => got,
                () = self.over() => {
                    // A key was made, and is deleted by the member since nobody waits any more.
                    self.counts.unknown.fetch_add(2, Ordering::Relaxed);
                    self.counts.given_up.fetch_add(1, Ordering::Relaxed);
                    self.crew.finished();
                    return;
                }
            };
            let times = self.crew.times(turn, wanted);
            let answer = got.as_ref().map(|_| Answer {
                changed: true,
                ..Answer::default()
            });
            let (kind, _) = self.kinds();
            self.crew.record(self.number, kind, (turn, times), answer);
            match got {
                Ok(held) => self.own(turn, times, &held).await,
                Err(error) => {
                    self.counts.unknown.fetch_add(1, Ordering::Relaxed);
                    pause_after(&error).await;
                }
            }
            self.crew.finished();
        }
    }

    fn kinds(&self) -> (OperationKind, OperationKind) {
        match self.load.style {
            ContentionStyle::Lock => (OperationKind::Lock, OperationKind::Unlock),
            ContentionStyle::Election(_) => (OperationKind::Campaign, OperationKind::Resign),
        }
    }

    async fn get(&self) -> Result<Held, ClientError> {
        let (name, lease, wait) = (&self.desk.name, self.lease, self.load.wait);
        match self.load.style {
            ContentionStyle::Lock => {
                let lock = self.connection.lock(name, lease, wait).await?;
                Ok(Held::Lock(lock))
            }
            ContentionStyle::Election(_) => {
                let value = self.number.to_string();
                let campaign = self
                    .connection
                    .campaign(name, value.as_bytes(), lease, wait);
                Ok(Held::Leadership(campaign.await?))
            }
        }
    }

    /// Until the load is over: nobody begins to own then.
    async fn over(&self) {
        let stopped = self.crew.stop.cancelled();
        match self.crew.turns.measured_to() {
            Some(end) => tokio::select! {
                () = stopped => {}
                () = tokio::time::sleep_until(end.into()) => {}
            },
            None => stopped.await,
        }
    }

    async fn own(&self, turn: Turn, times: Times, held: &Held) {
        self.count(turn, times, held);
        let owned_at = self.verified(held).await;
        let claim = self.desk.claims(match held {
            Held::Lock(lock) => Some(lock.revision),
            Held::Leadership(_) => owned_at,
        });
        let until = times.done + self.load.hold;
        if !self.load.hold.is_zero() {
            tokio::select! {
                () = tokio::time::sleep_until(until.into()) => {}
                () = self.crew.stop.cancelled() => {}
            }
        }
        self.desk.releases(self.number);
        let sent = Instant::now();
        let released = match held {
            Held::Lock(lock) => self.connection.unlock(&lock.key).await,
            Held::Leadership(leadership) => self.connection.resign(leadership).await,
        };
        self.desk.released(claim, released.as_ref().ok().copied());
        let answer = released.as_ref().map(|revision| Answer {
            revision: *revision,
            changed: true,
            ..Answer::default()
        });
        let times = Times {
            intended: sent,
            sent,
            done: Instant::now(),
        };
        let (_, kind) = self.kinds();
        self.crew.record(self.number, kind, (turn, times), answer);
    }

    /// Counts that it owns, and how long that took since the one before began to release.
    fn count(&self, turn: Turn, times: Times, held: &Held) {
        let began = self.desk.owns(self.number, times.sent);
        if let Some(owned) = self.counts.owned.get(self.number as usize) {
            owned.fetch_add(1, Ordering::Relaxed);
        }
        if let Some(began) = began
            && turn.measured
        {
            let times = Times {
                intended: began,
                sent: began,
                done: times.done,
            };
            self.crew
                .recorder(self.number)
                .observed(OperationKind::HandOver, times);
        }
        if let Held::Leadership(leadership) = held {
            let awaited = began.unwrap_or(times.sent);
            self.desk.leads(leadership.create_revision, awaited);
        }
    }

    /// Looks up whether its key is the oldest of those who want the same; at which revision it was so.
    async fn verified(&self, held: &Held) -> Option<i64> {
        if !self.load.verify {
            return None;
        }
        let mut below = self.desk.name.clone();
        below.push(b'/');
        let end = end_of_prefix(&below);
        let Ok(oldest) = self.connection.oldest_key(&below, &end).await else {
            self.counts.unverified.fetch_add(1, Ordering::Relaxed);
            return None;
        };
        let is_it = oldest.key.as_deref() == Some(held.key());
        self.counts
            .phantoms
            .fetch_add(u64::from(!is_it), Ordering::Relaxed);
        Some(oldest.revision)
    }
}
