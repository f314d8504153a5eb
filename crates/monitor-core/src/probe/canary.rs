//! The canary: writes one small key and sees when each member's watch tells of it. Off unless configured.
//!
//! There is no task behind it: watches are kept between rounds, and read only within one. A watch that broke is made anew
//! in the next round, so that the interval is the pause between attempts.

use std::collections::HashMap;
use std::pin::pin;
use std::time::Duration;

use etcd_monitor_client::{ClientError, ClusterClient, Endpoint, KeyWatch};
use etcd_monitor_model::{CanaryEvent, CanaryReading, FailureKind, MemberObservation, Probe};
use futures_util::future::{Either, join_all, select};
use jiff::Timestamp;
use tokio::time::Instant;

use super::member::probe;

/// Members that are watched at most: more voters than any cluster has.
const WATCHES_MAX: usize = 16;

/// The lease lasts so many rounds, and a minute at least: the key outlives a few failed rounds and not the monitor.
const LEASE_ROUNDS: u32 = 6;
const LEASE_LEAST: Duration = Duration::from_mins(1);

/// What the canary writes, and how often.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CanaryOptions {
    /// The key. Nothing else may write it.
    pub key: String,
    /// Time between two writes; each grows the revision by one. Default 10 s.
    pub interval: Duration,
}

impl CanaryOptions {
    /// A canary that writes this key every 10 s.
    pub fn new(key: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            interval: Duration::from_secs(10),
        }
    }
}

#[derive(Debug)]
pub(super) struct Canary {
    options: CanaryOptions,
    deadline: Duration,
    /// When it is to be written next; `None` before the first time.
    due: Option<Instant>,
    writer: Option<Endpoint>,
    voters: Vec<Endpoint>,
    lease: Option<Lease>,
    watches: HashMap<Endpoint, KeyWatch>,
    began_at: Timestamp,
    rounds: u64,
}

#[derive(Debug, Clone)]
struct Lease {
    id: i64,
    through: Endpoint,
    renew_at: Instant,
}

impl Canary {
    pub(super) fn new(options: CanaryOptions, deadline: Duration) -> Self {
        Self {
            options,
            deadline,
            due: None,
            writer: None,
            voters: Vec::new(),
            lease: None,
            watches: HashMap::new(),
            began_at: Timestamp::now(),
            rounds: 0,
        }
    }

    /// Notes who votes, and who leads: learners serve no watch, and the leader writes with the fewest hops.
    pub(super) fn learn(&mut self, seen: &[MemberObservation]) {
        let statuses = seen.iter().filter_map(|member| {
            let status = member.status.as_ref().and_then(Probe::ok)?;
            let endpoint = Endpoint::parse(&member.endpoint, false).ok()?;
            (!status.is_learner).then_some((endpoint, status))
        });
        let (mut voters, mut leader) = (Vec::new(), None);
        for (endpoint, status) in statuses.take(WATCHES_MAX) {
            if status.leader == Some(status.member_id) {
                leader = Some(endpoint.clone());
            }
            voters.push(endpoint);
        }
        // Where nobody answers any more, the one that did is asked on: that it fails is what the canary is for.
        if !voters.is_empty() {
            self.writer = leader.or_else(|| voters.first().cloned());
            self.watches.retain(|endpoint, _| voters.contains(endpoint));
            self.voters = voters;
        }
    }

    /// Writes and watches, if that is due. Ends within two deadlines.
    pub(super) async fn round(&mut self, client: &ClusterClient) -> Option<CanaryReading> {
        let writer = self.writer.clone()?;
        let now = Instant::now();
        if self.due.is_some_and(|due| now < due) {
            return None;
        }
        self.due = Some(now + self.options.interval);
        let began = Timestamp::now();
        let (lease, opened) = tokio::join!(self.leased(client, &writer), self.opened(client));
        let mut events = self.keep(opened);
        let put = match lease {
            Ok(lease) => {
                let (put, told) = self.write(client, &writer, lease.id).await;
                self.lease = Some(lease);
                events.extend(told);
                put
            }
            Err(error) => failed(began, now, &error),
        };
        self.drop_broken(&events);
        if put.result.is_err() {
            // The lease may be what the write failed by; it ends by itself.
            self.lease = None;
            events.clear();
        }
        Some(self.reading(&writer, put, events))
    }

    fn reading(
        &self,
        writer: &Endpoint,
        put: Probe<()>,
        events: Vec<CanaryEvent>,
    ) -> CanaryReading {
        CanaryReading {
            key: self.options.key.clone(),
            through: writer.to_string(),
            interval_seconds: self.options.interval.as_secs_f64(),
            put,
            events,
        }
    }

    /// Keeps the watches that could be opened, and tells of those that could not.
    fn keep(&mut self, opened: Vec<(Endpoint, Probe<KeyWatch>)>) -> Vec<CanaryEvent> {
        let mut failures = Vec::new();
        for (endpoint, watch) in opened {
            match watch.result {
                Ok(watch) => drop(self.watches.insert(endpoint, watch)),
                Err(failure) => failures.push(CanaryEvent {
                    endpoint: endpoint.to_string(),
                    event: Probe {
                        at: watch.at,
                        took_seconds: watch.took_seconds,
                        result: Err(failure),
                    },
                }),
            }
        }
        failures
    }

    async fn leased(
        &self,
        client: &ClusterClient,
        writer: &Endpoint,
    ) -> Result<Lease, ClientError> {
        let held = self.lease.as_ref();
        if let Some(lease) = held.filter(|lease| Instant::now() < lease.renew_at) {
            return Ok(lease.clone());
        }
        let ttl = (self.options.interval * LEASE_ROUNDS).max(LEASE_LEAST);
        let id = client.member(writer).grant_lease(ttl).await?;
        Ok(Lease {
            id,
            through: writer.clone(),
            renew_at: Instant::now() + ttl / 2,
        })
    }

    /// The watches that are missing.
    async fn opened(&self, client: &ClusterClient) -> Vec<(Endpoint, Probe<KeyWatch>)> {
        let missing = self.voters.iter();
        let missing = missing.filter(|endpoint| !self.watches.contains_key(*endpoint));
        let open = missing.map(|endpoint| async {
            let member = client.member(endpoint);
            let watch = probe(member.watch(self.options.key.as_bytes()), |watch| watch);
            (endpoint.clone(), watch.await)
        });
        join_all(open).await
    }

    async fn write(
        &mut self,
        client: &ClusterClient,
        writer: &Endpoint,
        lease: i64,
    ) -> (Probe<()>, Vec<CanaryEvent>) {
        self.rounds = self.rounds.saturating_add(1);
        // No other monitor and no earlier run writes this value.
        let value = format!("etcd-monitor {} {}", self.began_at, self.rounds);
        let member = client.member(writer);
        let put = member.put_with_lease(self.options.key.as_bytes(), value.as_bytes(), lease);
        let put = pin!(probe(put, |_| ()));
        let (limit, value) = (self.deadline, value.as_bytes());
        let told = self.watches.iter_mut().map(|(endpoint, watch)| async move {
            CanaryEvent {
                endpoint: endpoint.to_string(),
                event: probe(watch.value(value, limit), |()| ()).await,
            }
        });
        let told = pin!(join_all(told));
        match select(put, told).await {
            Either::Left((put, told)) if put.result.is_ok() => (put, told.await),
            Either::Left((put, _)) => (put, Vec::new()),
            Either::Right((events, put)) => (put.await, events),
        }
    }

    /// A watch that was only late goes on; one that failed otherwise is made anew.
    fn drop_broken(&mut self, events: &[CanaryEvent]) {
        let broken = events.iter().filter(|event| {
            let failure = event.event.failure();
            failure.is_some_and(|failure| failure.kind != FailureKind::TimedOut)
        });
        for event in broken {
            self.watches
                .retain(|endpoint, _| endpoint.as_str() != event.endpoint);
        }
    }

    /// Ends the watches and removes the key.
    pub(super) async fn close(&mut self, client: &ClusterClient) {
        self.watches.clear();
        let Some(lease) = self.lease.take() else {
            return;
        };
        let revoked = client.member(&lease.through).revoke_lease(lease.id).await;
        if let Err(error) = revoked {
            tracing::debug!(%error, "the canary's key could not be removed; its lease ends by itself");
        }
    }
}

fn failed(at: Timestamp, began: Instant, error: &ClientError) -> Probe<()> {
    Probe {
        at,
        took_seconds: began.elapsed().as_secs_f64(),
        result: Err(super::answers::failure(error)),
    }
}

#[cfg(test)]
mod tests;
