//! Many leases that end together: how late their ends come, and what puts feel of it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use etcd_monitor_client::{
    ClientError, LeaseAnswer, MemberClient, WatchEvent, WatchFeed, WatchNews, WatchQuery,
};
use tokio::task::JoinSet;

use super::{GRANTED_AT_ONCE, LeaseLoad, granted};
use crate::engine::Outcome;
use crate::error::BenchError;
use crate::histogram::Latencies;
use crate::keys::{KeyShape, Values, end_of_prefix};
use crate::load::{Load, Until};
use crate::recorder::{Failure, Times};
use crate::report::{Details, LatencyFigures, LeaseFigures};
use crate::request::OperationKind;
use crate::streams::Stage;
use crate::streams::crew::Crew;
use crate::streams::puts::{Acknowledged, Puts};

/// How long after the last end that is due it is waited: etcd looks twice a second...
const PATIENCE: Duration = Duration::from_secs(10);

/// ...and ends 500 leases at each look at most, so that this is half of what it can.
const EXPIRED_PER_SECOND: u32 = 500;

/// Keys that are put meanwhile.
const PUT_KEYS: u64 = 1_000;

/// How long after they are due so many leases may take to end.
pub(super) fn patience(leases: u32) -> Duration {
    PATIENCE + Duration::from_secs(1) * (leases / EXPIRED_PER_SECOND)
}

/// Keys with leases, and those that are put meanwhile.
pub(super) fn keys(
    load: &LeaseLoad,
    prefix: &str,
    leases: u32,
) -> Result<(KeyShape, KeyShape), BenchError> {
    let own = KeyShape::new(&format!("{prefix}lease/"), load.key_size, leases.into())?;
    let others = KeyShape::new(&format!("{prefix}put/"), load.key_size, PUT_KEYS)?;
    Ok((own, others))
}

/// A lease whose end is waited for.
#[derive(Debug, Clone, Copy)]
struct Ending {
    lease: i64,
    /// It may not end before.
    not_before: Instant,
    /// It should have ended by then.
    due: Instant,
}

/// What was seen of the ends.
#[derive(Debug, Default)]
struct Ends {
    expired: u64,
    early: u64,
    last: Option<Instant>,
}

pub(super) async fn run(
    load: &LeaseLoad,
    stage: &Arc<Stage>,
    count: u32,
) -> Result<Outcome, BenchError> {
    let (own_keys, put_keys) = keys(load, &stage.prefix, count)?;
    let connections = stage.connect(stage.load.connections).await?;
    let leases = granted(stage, &connections, count, load.ttl).await?;
    bind(&connections, &leases, &own_keys, load.value_size).await?;
    let feed = watch(&connections, &own_keys).await?;
    let endings = renew_all(&connections, &leases, &own_keys).await?;
    let gone = u64::from(count) - endings.len() as u64;
    let first_due = endings.values().map(|ending| ending.due).min();
    let first_due = first_due.unwrap_or_else(Instant::now);
    let last_due = endings.values().map(|ending| ending.due).max();
    let deadline = last_due.unwrap_or(first_due) + patience(count);

    let mut pace = stage.load.clone();
    let left = deadline.saturating_duration_since(Instant::now());
    pace.until = Until::Seconds(left.as_secs_f64().max(0.001));
    let crew = Arc::new(Crew::begin(stage, &pace)?);
    let felt = Arc::new(Mutex::new(Felt::default()));
    let mut clients =
        putting(&crew, put_keys, load, &pace, &felt, first_due).start(&pace, &connections);
    let ends = tokio::select! {
        ends = until_ended(stage, &crew, feed, endings, deadline) => ends,
        // They end where etcd refuses puts for good, or where it is stopped.
        () = crew.until_all_end(&mut clients) => Ends::default(),
    };
    crew.stop.cancel();
    crew.until_all_end(&mut clients).await;
    let mut outcome = crew.finish().await;
    outcome.recording.acknowledged_changes += u64::from(count) + ends.expired;
    // Those whose end was not seen may have ended all the same.
    outcome.recording.unknown_changes += u64::from(count).saturating_sub(ends.expired);
    let felt = felt.lock().unwrap_or_else(PoisonError::into_inner);
    let storm = ends
        .last
        .map(|last| last.saturating_duration_since(first_due).as_secs_f64());
    let figures = LeaseFigures {
        granted: count.into(),
        streams: 0,
        ttl_seconds: leases.first().map(|lease| lease.ttl.as_secs_f64()),
        gone,
        expired: ends.expired,
        not_expired: u64::from(count).saturating_sub(ends.expired + gone),
        expired_early: ends.early,
        storm_seconds: storm,
        puts_before: LatencyFigures::of(&felt.before),
        puts_meanwhile: LatencyFigures::of(&felt.meanwhile),
    };
    outcome.details = Some(Details::Lease(Box::new(figures)));
    Ok(outcome)
}

/// How puts fared.
#[derive(Debug, Default)]
struct Felt {
    before: Latencies,
    meanwhile: Latencies,
}

fn putting(
    crew: &Arc<Crew>,
    keys: KeyShape,
    load: &LeaseLoad,
    pace: &Load,
    felt: &Arc<Mutex<Felt>>,
    first_due: Instant,
) -> Puts {
    let felt = Arc::clone(felt);
    Puts {
        crew: Arc::clone(crew),
        keys,
        space: PUT_KEYS,
        values: Values::new(load.value_size, pace.seed),
        heard: Arc::new(move |put: Acknowledged| {
            let mut felt = felt.lock().unwrap_or_else(PoisonError::into_inner);
            let latency = put.times.done.duration_since(put.times.intended);
            if put.times.done < first_due {
                felt.before.record(latency);
            } else {
                felt.meanwhile.record(latency);
            }
        }),
    }
}

/// Puts a key with each lease.
async fn bind(
    connections: &[Arc<MemberClient>],
    leases: &[LeaseAnswer],
    keys: &KeyShape,
    value_size: usize,
) -> Result<(), BenchError> {
    let value: Arc<[u8]> = vec![b'x'; value_size].into();
    let mut binding = JoinSet::new();
    let mut all = Vec::new();
    for ((number, lease), connection) in (0..).zip(leases).zip(connections.iter().cycle()) {
        let mut key = Vec::new();
        keys.write(number, &mut key);
        let (connection, lease, value) = (Arc::clone(connection), lease.id, Arc::clone(&value));
        binding.spawn(async move { connection.put_with_lease(&key, &value, lease).await });
        if binding.len() >= GRANTED_AT_ONCE {
            all.extend(binding.join_next().await);
        }
    }
    while let Some(put) = binding.join_next().await {
        all.push(put);
    }
    for put in all {
        put.map_err(|error| BenchError::Worker(error.to_string()))??;
    }
    Ok(())
}

async fn watch(
    connections: &[Arc<MemberClient>],
    keys: &KeyShape,
) -> Result<WatchFeed, BenchError> {
    let Some(connection) = connections.first() else {
        return Err(BenchError::Worker("has no connection".to_owned()));
    };
    let query = WatchQuery {
        key: keys.prefix(),
        end: &end_of_prefix(keys.prefix()),
        start_revision: 0,
        id: 1,
        previous: false,
    };
    let mut feed = connection.watch_feed(&query).await?;
    while !matches!(feed.next().await?, WatchNews::Created { .. }) {}
    Ok(feed)
}

/// Renews all at once, so that they are due together; by key, those that were still there.
async fn renew_all(
    connections: &[Arc<MemberClient>],
    leases: &[LeaseAnswer],
    keys: &KeyShape,
) -> Result<HashMap<Vec<u8>, Ending>, BenchError> {
    let mut renewing = JoinSet::new();
    let streams = connections.len().min(leases.len()).max(1);
    for (number, connection) in connections.iter().take(streams).enumerate() {
        let own = leases.iter().skip(number).step_by(streams);
        let own: Vec<i64> = own.map(|lease| lease.id).collect();
        renewing.spawn(renew(Arc::clone(connection), own));
    }
    let mut by_lease = HashMap::new();
    while let Some(some) = renewing.join_next().await {
        let some = some.map_err(|error| BenchError::Worker(error.to_string()))??;
        by_lease.extend(some.into_iter().map(|ending| (ending.lease, ending)));
    }
    let mut endings = HashMap::new();
    for (number, lease) in (0..).zip(leases) {
        if let Some(ending) = by_lease.get(&lease.id) {
            let mut key = Vec::new();
            keys.write(number, &mut key);
            endings.insert(key, *ending);
        }
    }
    Ok(endings)
}

async fn renew(connection: Arc<MemberClient>, own: Vec<i64>) -> Result<Vec<Ending>, ClientError> {
    let Some((first, others)) = own.split_first() else {
        return Ok(Vec::new());
    };
    let asked = Instant::now();
    let (sender, mut answers) = connection.renewals(*first).await?;
    let asking = async {
        for lease in others {
            sender.ask(*lease).await?;
        }
        Ok::<_, ClientError>(())
    };
    let reading = async {
        let mut endings = Vec::new();
        for _ in &own {
            let answer = answers.next().await?;
            if let Some(ttl) = answer.ttl {
                endings.push(Ending {
                    lease: answer.id,
                    // The leader counts from when it renewed it: after it was asked, and before it answered.
                    not_before: asked + ttl,
                    due: Instant::now() + ttl,
                });
            }
        }
        Ok(endings)
    };
    let ((), endings) = tokio::try_join!(asking, reading)?;
    Ok(endings)
}

/// Watches the keys go, until all have or the time is over.
async fn until_ended(
    stage: &Stage,
    crew: &Crew,
    mut feed: WatchFeed,
    mut endings: HashMap<Vec<u8>, Ending>,
    deadline: Instant,
) -> Ends {
    let mut ends = Ends::default();
    while !endings.is_empty() {
        let news = tokio::select! {
            news = feed.next() => news,
            () = tokio::time::sleep_until(deadline.into()) => return ends,
            () = crew.stop.cancelled() => return ends,
        };
        match news {
            Ok(WatchNews::Events { events, .. }) => {
                let arrived = Instant::now();
                for event in events.iter().filter(|event| event.deleted) {
                    ends.take(stage, crew, event, arrived, &mut endings);
                }
            }
            Ok(_) => {}
            Err(error) => {
                crew.broke(0, OperationKind::Expiry, Failure::of(&error));
                return ends;
            }
        }
    }
    ends
}

impl Ends {
    fn take(
        &mut self,
        stage: &Stage,
        crew: &Crew,
        event: &WatchEvent,
        arrived: Instant,
        endings: &mut HashMap<Vec<u8>, Ending>,
    ) {
        let Some(ending) = endings.remove(&event.key) else {
            return;
        };
        stage.has_ended(ending.lease);
        self.expired += 1;
        self.early += u64::from(arrived < ending.not_before);
        self.last = Some(arrived);
        let times = Times {
            intended: ending.due,
            sent: ending.due,
            done: arrived.max(ending.due),
        };
        crew.recorder(0).observed(OperationKind::Expiry, times);
    }
}
