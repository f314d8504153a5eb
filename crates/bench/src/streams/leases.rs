//! Leases: how many are granted or renewed a second, and what happens when many end together.

mod grant;
mod keeper;
mod renew;
mod storm;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use etcd_monitor_client::{ClientError, LeaseAnswer, MemberClient};
use tokio::task::JoinSet;

use super::{LEASES_MAX, Stage, StreamLoad, bad, named, within};
use crate::engine::Outcome;
use crate::error::BenchError;
use crate::load::{Load, Until};

pub(super) use keeper::Keeper;

/// Grants in flight while leases are made that are to be renewed, or to end.
const GRANTED_AT_ONCE: usize = 64;

/// A lease may last so many seconds at most: etcd takes no more.
const TTL_SECONDS_MAX: u64 = 9_000_000_000;

/// What is done with leases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LeaseStyle {
    /// Grants them: each request is a grant.
    Grant,
    /// Grants so many first, and renews them, each connection by one stream that stays: each request is a renewal.
    KeepAlive(u32),
    /// Grants so many first, each with a key, renews all at once and lets them end together, while it puts other keys: each
    /// request is a put. It is over when all have ended.
    Expire(u32),
}

/// A load on leases.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct LeaseLoad {
    /// What is done.
    pub style: LeaseStyle,
    /// How long a lease lasts, in whole seconds; etcd gives at least one and a half times its election timeout.
    pub ttl: Duration,
    /// Bytes of a key, the prefix included.
    pub key_size: usize,
    /// Bytes of a value.
    pub value_size: usize,
}

impl LeaseLoad {
    /// Leases of a minute, keys of 32 and values of 256 bytes.
    pub fn new(style: LeaseStyle) -> Self {
        Self {
            style,
            ttl: Duration::from_mins(1),
            key_size: 32,
            value_size: 256,
        }
    }
}

#[async_trait]
impl StreamLoad for LeaseLoad {
    fn name(&self) -> &'static str {
        match self.style {
            LeaseStyle::Grant => "lease",
            LeaseStyle::KeepAlive(_) => "lease_keep_alive",
            LeaseStyle::Expire(_) => "lease_expire",
        }
    }

    fn parameters(&self) -> BTreeMap<String, String> {
        let leases = match self.style {
            LeaseStyle::Grant => None,
            LeaseStyle::KeepAlive(leases) | LeaseStyle::Expire(leases) => Some(leases),
        };
        let mut parameters = named([("ttl_seconds", self.ttl.as_secs().to_string())]);
        if let Some(leases) = leases {
            parameters.extend(named([("leases", leases.to_string())]));
        }
        // The others write no keys.
        if matches!(self.style, LeaseStyle::Expire(_)) {
            parameters.extend(named([
                ("key_size_bytes", self.key_size.to_string()),
                ("value_size_bytes", self.value_size.to_string()),
            ]));
        }
        parameters
    }

    fn paced(&self, load: &Load) -> Load {
        let mut load = load.clone();
        if let LeaseStyle::Expire(leases) = self.style {
            // At most: it is over when all have ended.
            load.until = Until::Seconds((self.ttl + storm::patience(leases)).as_secs_f64());
            load.warmup_seconds = 0.0;
        }
        load
    }

    fn check(&self, load: &Load, prefix: &str) -> Result<(), BenchError> {
        if !(1..=TTL_SECONDS_MAX).contains(&self.ttl.as_secs()) {
            return Err(bad("ttl", "it must be between a second and 9,000,000,000"));
        }
        match (self.style, load.until) {
            (LeaseStyle::Grant, Until::Operations(total)) if total > LEASES_MAX.into() => {
                let reason = format!("{total} leases are more than {LEASES_MAX}");
                Err(bad("total", reason))
            }
            (LeaseStyle::Grant, _) => Ok(()),
            (LeaseStyle::KeepAlive(leases), _) => {
                within("leases", leases, LEASES_MAX)?;
                if leases < load.clients {
                    let reason = "there must be one for each client at least";
                    return Err(bad("leases", reason));
                }
                Ok(())
            }
            (LeaseStyle::Expire(leases), _) => {
                within("leases", leases, LEASES_MAX)?;
                storm::keys(self, prefix, leases).map(drop)
            }
        }
    }

    async fn run(&self, stage: &Arc<Stage>) -> Result<Outcome, BenchError> {
        match self.style {
            LeaseStyle::Grant => grant::run(self, stage).await,
            LeaseStyle::KeepAlive(leases) => renew::run(self, stage, leases).await,
            LeaseStyle::Expire(leases) => storm::run(self, stage, leases).await,
        }
    }
}

/// Makes so many leases before anything is measured.
pub(super) async fn granted(
    stage: &Arc<Stage>,
    connections: &[Arc<MemberClient>],
    count: u32,
    ttl: Duration,
) -> Result<Vec<LeaseAnswer>, BenchError> {
    let mut leases = Vec::new();
    let mut granting = JoinSet::new();
    for (_, connection) in (0..count).zip(connections.iter().cycle()) {
        if stage.stop.is_cancelled() {
            return Err(BenchError::Stopped);
        }
        let (stage, connection) = (Arc::clone(stage), Arc::clone(connection));
        granting.spawn(async move { stage.lease(&connection, ttl).await });
        if granting.len() >= GRANTED_AT_ONCE {
            take(granting.join_next().await, &mut leases)?;
        }
    }
    while let Some(lease) = granting.join_next().await {
        take(Some(lease), &mut leases)?;
    }
    Ok(leases)
}

type Granted = Result<Result<LeaseAnswer, ClientError>, tokio::task::JoinError>;

fn take(lease: Option<Granted>, leases: &mut Vec<LeaseAnswer>) -> Result<(), BenchError> {
    if let Some(lease) = lease {
        leases.push(lease.map_err(|error| BenchError::Worker(error.to_string()))??);
    }
    Ok(())
}
