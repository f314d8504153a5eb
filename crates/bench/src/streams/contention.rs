//! Locks and elections by etcd's own services: how long a hand-over takes, whether all get their turn, and whether there is
//! never more than one owner.

mod desk;
mod observe;
mod want;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use etcd_monitor_client::{LeaseAnswer, MemberClient};
use tokio::task::JoinSet;

use self::desk::Desk;
use self::observe::Observers;
use self::want::{Contender, Counts};
use super::crew::Crew;
use super::leases::{Keeper, granted};
use super::{Stage, StreamLoad, bad, named, within};
use crate::engine::Outcome;
use crate::error::BenchError;
use crate::load::Load;
use crate::report::{ContentionFigures, Details};

/// Contenders that one run may have: each has a lease and waits on a call.
const CONTENDERS_MAX: u32 = 100_000;

/// Observers of one election at most.
const OBSERVERS_MAX: u32 = 10_000;

/// What is contended for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ContentionStyle {
    /// Locks (`v3lock`).
    Lock,
    /// Elections (`v3election`), each with so many observers.
    Election(u32),
}

/// Clients that want the same: the clients of the load, each with a lease of its own that is kept alive. A request is one turn:
/// a wait, the hold, and the release.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ContentionLoad {
    /// What is contended for.
    pub style: ContentionStyle,
    /// Locks or elections, over which the contenders are spread.
    pub names: u32,
    /// How long an owner holds it.
    pub hold: Duration,
    /// How long a lease lasts, in whole seconds.
    pub ttl: Duration,
    /// How long a contender waits at most.
    pub wait: Duration,
    /// Looks up, as soon as one owns, whether its key is the oldest: one read for each turn, within the hold.
    pub verify: bool,
}

impl ContentionLoad {
    /// One name, held for no time, with leases of ten seconds and waits of a minute at most; each turn is verified.
    pub fn new(style: ContentionStyle) -> Self {
        Self {
            style,
            names: 1,
            hold: Duration::ZERO,
            ttl: Duration::from_secs(10),
            wait: Duration::from_mins(1),
            verify: true,
        }
    }

    fn observers(&self) -> u32 {
        match self.style {
            ContentionStyle::Lock => 0,
            ContentionStyle::Election(observers) => observers,
        }
    }

    /// None lies in another: etcd makes keys below `NAME/`.
    fn name_of(&self, stage: &Stage, number: u32) -> Vec<u8> {
        format!("{}{}/{number}", stage.prefix, self.name()).into_bytes()
    }
}

#[async_trait]
impl StreamLoad for ContentionLoad {
    fn name(&self) -> &'static str {
        match self.style {
            ContentionStyle::Lock => "lock",
            ContentionStyle::Election(_) => "election",
        }
    }

    fn parameters(&self) -> BTreeMap<String, String> {
        named([
            ("names", self.names.to_string()),
            ("hold_seconds", self.hold.as_secs_f64().to_string()),
            ("ttl_seconds", self.ttl.as_secs().to_string()),
            ("wait_seconds", self.wait.as_secs_f64().to_string()),
            ("observers", self.observers().to_string()),
            ("verify", self.verify.to_string()),
        ])
    }

    fn check(&self, load: &Load, _prefix: &str) -> Result<(), BenchError> {
        within("contenders", load.clients, CONTENDERS_MAX)?;
        within("names", self.names, load.clients)?;
        if self.observers() > OBSERVERS_MAX {
            let reason = format!("{} are more than {OBSERVERS_MAX}", self.observers());
            return Err(bad("observers", reason));
        }
        if self.ttl < Duration::from_secs(1) {
            return Err(bad("ttl", "it must be at least a second"));
        }
        Ok(())
    }

    async fn run(&self, stage: &Arc<Stage>) -> Result<Outcome, BenchError> {
        let connections = stage.connect(stage.load.connections).await?;
        let leases = granted(stage, &connections, stage.load.clients, self.ttl).await?;
        let _kept = keep(&connections, &leases);
        let desks = (0..self.names).map(|number| Arc::new(Desk::new(self.name_of(stage, number))));
        let desks: Vec<Arc<Desk>> = desks.collect();
        let observers = Observers::start(self.observers(), &connections, &desks);
        let crew = Arc::new(Crew::begin(stage, &stage.load)?);
        let counts = Arc::new(Counts::of(stage.load.clients));
        let mut contenders = JoinSet::new();
        let places = (0..).zip(&leases).zip(connections.iter().cycle());
        for (((number, lease), connection), desk) in places.zip(desks.iter().cycle()) {
            let contender = Contender {
                number,
                lease: lease.id,
                load: self.clone(),
                connection: Arc::clone(connection),
                desk: Arc::clone(desk),
                crew: Arc::clone(&crew),
                counts: Arc::clone(&counts),
            };
            contenders.spawn(contender.work());
        }
        crew.until_all_end(&mut contenders).await;
        let (leaders_seen, leaders_missed) = observers.end(&crew, &desks).await;
        let mut outcome = crew.finish().await;
        outcome.recording.unknown_changes += counts.unknown.load(Ordering::Relaxed);
        let mut figures = self.figures(stage, &counts, &desks);
        figures.leaders_seen = leaders_seen;
        figures.leaders_missed = leaders_missed;
        outcome.details = Some(match self.style {
            ContentionStyle::Lock => Details::Lock(figures),
            ContentionStyle::Election(_) => Details::Election(figures),
        });
        Ok(outcome)
    }
}

impl ContentionLoad {
    fn figures(&self, stage: &Stage, counts: &Counts, desks: &[Arc<Desk>]) -> ContentionFigures {
        let found: Vec<desk::Found> = desks.iter().map(|desk| desk.end()).collect();
        let sum = |of: fn(&desk::Found) -> u64| found.iter().map(of).sum();
        let owned: Vec<u64> = counts
            .owned
            .iter()
            .map(|owned| owned.load(Ordering::Relaxed))
            .collect();
        ContentionFigures {
            contenders: stage.load.clients,
            names: self.names,
            hold_seconds: self.hold.as_secs_f64(),
            owned: owned.iter().sum(),
            overlaps_seen: sum(|found| found.overlaps_seen),
            overlaps_by_revision: sum(|found| found.overlaps_by_revision),
            phantoms: counts.phantoms.load(Ordering::Relaxed),
            unverified: sum(|found| found.unverified) + counts.unverified.load(Ordering::Relaxed),
            given_up: counts.given_up.load(Ordering::Relaxed),
            fewest: owned.iter().copied().min().unwrap_or(0),
            most: owned.iter().copied().max().unwrap_or(0),
            fairness: fairness(&owned),
            leaders_seen: 0,
            leaders_missed: 0,
        }
    }
}

/// Keeps the leases alive, each by the connection of its contender.
fn keep(connections: &[Arc<MemberClient>], leases: &[LeaseAnswer]) -> Keeper {
    let mut keeper = Keeper::default();
    for (number, connection) in connections.iter().enumerate() {
        let own = leases.iter().skip(number).step_by(connections.len());
        let ttl = own.clone().map(|lease| lease.ttl).min();
        let own: Vec<i64> = own.map(|lease| lease.id).collect();
        if let Some(ttl) = ttl {
            keeper.keep(Arc::clone(connection), own, ttl);
        }
    }
    keeper
}

/// Jain's index: the square of the sum over n times the sum of the squares.
fn fairness(owned: &[u64]) -> Option<f64> {
    let sum: f64 = owned.iter().map(|owned| *owned as f64).sum();
    let squares: f64 = owned.iter().map(|owned| (*owned as f64).powi(2)).sum();
    (squares > 0.0).then(|| sum * sum / (owned.len() as f64 * squares))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fairness_is_1_for_equals_and_1_of_n_for_one_that_has_all() {
        let near = |owned: &[u64], wanted: f64| {
            let found = fairness(owned).unwrap();
            assert!((found - wanted).abs() < 1e-9, "{found}");
        };
        near(&[5, 5, 5, 5], 1.0);
        near(&[0, 0, 0, 9], 0.25);
        assert_eq!(fairness(&[0, 0]), None);
    }
}
