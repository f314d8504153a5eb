//! Loads that are no single calls: watches, leases, locks and elections. They live on streams and on calls that wait for
//! others, so that no [`Engine`](crate::Engine) can make them.

mod benchmark;
mod contention;
mod crew;
mod leases;
mod puts;
mod watch;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Debug};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use etcd_monitor_client::{
    ClientError, ClientOptions, ClusterClient, Endpoint, LeaseAnswer, MemberClient,
};
use rand::RngExt;
use tokio_util::sync::CancellationToken;

use crate::engine::Outcome;
use crate::error::BenchError;
use crate::load::Load;
use crate::recorder::Failure;
use crate::self_load::Threads;
use crate::series::SecondsBoard;

pub use benchmark::{StreamBenchmark, StreamOptions};
pub use contention::{ContentionLoad, ContentionStyle};
pub use leases::{LeaseLoad, LeaseStyle};
pub use watch::WatchLoad;

/// Leases that one run may make: each is remembered until it is revoked.
pub const LEASES_MAX: u32 = 1_000_000;

/// Leases of which it is not known whether they were made, that are remembered.
const ASKED_MAX: usize = 100_000;

/// A load on streams.
#[async_trait]
pub trait StreamLoad: Debug + Send + Sync {
    /// Its name in reports.
    fn name(&self) -> &'static str;

    /// What makes it what it is: runs whose parameters differ are not the same.
    fn parameters(&self) -> BTreeMap<String, String> {
        BTreeMap::new()
    }

    /// The load as this work takes it, where it is over by itself.
    fn paced(&self, load: &Load) -> Load {
        load.clone()
    }

    /// Refuses what cannot be, before anything is asked.
    fn check(&self, load: &Load, prefix: &str) -> Result<(), BenchError>;

    /// Runs it on the threads of the runtime that it is called in. Fails only where it cannot begin.
    async fn run(&self, stage: &Arc<Stage>) -> Result<Outcome, BenchError>;
}

/// Where a load on streams runs.
#[non_exhaustive]
pub struct Stage {
    /// How the members are reached.
    pub client: ClientOptions,
    /// The members that are asked.
    pub endpoints: Vec<Endpoint>,
    /// How much, by how many, how fast.
    pub load: Load,
    /// What all keys begin with.
    pub prefix: String,
    /// Where seconds that have passed are told.
    pub board: Arc<SecondsBoard>,
    /// Ends the load early: nothing more is asked, what is in flight is still awaited.
    pub stop: CancellationToken,
    leases: Mutex<Leases>,
    /// Those of the runtime that the load runs on.
    threads: Threads,
}

impl Debug for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stage")
            .field("load", &self.load)
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

impl Stage {
    /// So many connections, spread over the endpoints in turn, each of which has answered once.
    pub async fn connect(&self, count: u32) -> Result<Vec<Arc<MemberClient>>, ClientError> {
        let cluster = ClusterClient::new(self.client.clone())?;
        let mut connections = Vec::new();
        for endpoint in self.endpoints.iter().cycle().take(count as usize) {
            let connection = cluster.connection(endpoint);
            connection.status().await?;
            connections.push(Arc::new(connection));
        }
        Ok(connections)
    }

    /// Makes a lease that is revoked in the end, whatever happens. Its id is chosen here, so that one whose answer never came is
    /// revoked too: a member that dies may have passed the request on to the leader.
    pub async fn lease(
        &self,
        connection: &MemberClient,
        ttl: Duration,
    ) -> Result<LeaseAnswer, ClientError> {
        let id = rand::rng().random_range(1..=i64::MAX);
        self.leases().ask(id);
        let lease = connection.lease(id, ttl).await;
        match &lease {
            Ok(_) => self.owes_revocation(id),
            Err(error) if Failure::of(error).may_be_done => {}
            Err(_) => self.has_ended(id),
        }
        lease
    }

    /// Notes a lease that is to be revoked in the end.
    pub fn owes_revocation(&self, lease: i64) {
        let mut leases = self.leases();
        leases.asked.remove(&lease);
        leases.made.insert(lease);
    }

    /// Notes that a lease has ended by itself.
    pub fn has_ended(&self, lease: i64) {
        let mut leases = self.leases();
        leases.asked.remove(&lease);
        leases.made.remove(&lease);
    }

    /// Leases that were made and have not ended.
    fn made(&self) -> usize {
        self.leases().made.len()
    }

    fn leases(&self) -> MutexGuard<'_, Leases> {
        self.leases.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_owed(&self) -> BTreeSet<i64> {
        let Leases {
            mut made,
            mut asked,
        } = std::mem::take(&mut *self.leases());
        made.append(&mut asked);
        made
    }
}

/// Leases that are to be revoked in the end.
#[derive(Debug, Default)]
struct Leases {
    made: BTreeSet<i64>,
    /// Those that are being asked for, and those whose answer never came. Where nobody listens there are more and more of these,
    /// and next to none was made: no more than so many are remembered, and the others end with their time.
    asked: BTreeSet<i64>,
}

impl Leases {
    fn ask(&mut self, id: i64) {
        self.asked.insert(id);
        if self.asked.len() > ASKED_MAX {
            self.asked.pop_first();
        }
    }
}

/// Names and values of parameters.
fn named<const N: usize>(of: [(&str, String); N]) -> BTreeMap<String, String> {
    let of = of.into_iter();
    of.map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Refuses a number that is not between 1 and the most.
fn within(name: &'static str, value: u32, most: u32) -> Result<(), BenchError> {
    if (1..=most).contains(&value) {
        return Ok(());
    }
    Err(bad(name, format!("{value} is not between 1 and {most}")))
}

fn bad(name: &'static str, reason: impl Into<String>) -> BenchError {
    BenchError::BadPlan {
        name,
        reason: reason.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each of these changes makes other parameters than `load` has, and than each other change makes.
    fn differ<L: StreamLoad + Clone>(load: &L, changes: &[&dyn Fn(&mut L)]) {
        let mut known = vec![load.parameters()];
        for (number, change) in changes.iter().enumerate() {
            let mut other = load.clone();
            change(&mut other);
            let parameters = other.parameters();
            assert!(!known.contains(&parameters), "change {number} of {load:?}");
            known.push(parameters);
        }
    }

    #[test]
    fn whatever_makes_a_load_another_stands_in_its_parameters() {
        let long = Duration::from_millis(12_345);
        let watch = WatchLoad {
            slow_streams: 1,
            ..WatchLoad::default()
        };
        differ(
            &watch,
            &[
                &|load| load.watchers += 1,
                &|load| load.streams += 1,
                &|load| load.keys += 1,
                &|load| load.key_size += 1,
                &|load| load.value_size += 1,
                &|load| load.previous = true,
                &|load| load.slow_streams += 1,
                &|load| load.slow_pause = long,
                &|load| load.patience = long,
            ],
        );
        differ(
            &LeaseLoad::new(LeaseStyle::Expire(10)),
            &[
                &|load| load.style = LeaseStyle::Expire(11),
                &|load| load.ttl = long,
                &|load| load.key_size += 1,
                &|load| load.value_size += 1,
            ],
        );
        differ(
            &ContentionLoad::new(ContentionStyle::Election(1)),
            &[
                &|load| load.style = ContentionStyle::Election(2),
                &|load| load.names += 1,
                &|load| load.hold = long,
                &|load| load.ttl = long,
                &|load| load.wait = long,
                &|load| load.verify = false,
            ],
        );
    }

    #[test]
    fn what_does_not_matter_to_a_load_is_no_parameter_of_it() {
        let watch = WatchLoad::default();
        let mut other = watch.clone();
        other.slow_pause *= 2;
        assert_eq!(watch.parameters(), other.parameters());
        let grants = LeaseLoad::new(LeaseStyle::Grant);
        let mut other = grants.clone();
        other.key_size *= 2;
        assert_eq!(grants.parameters(), other.parameters());
    }
}
