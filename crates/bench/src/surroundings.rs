//! What lies around a load, whoever makes it: the cluster before and after, the keys below a prefix, the members that are
//! watched meanwhile, and the report of it all.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use etcd_monitor_client::{ClientError, ClientOptions, Endpoint};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::engine::Outcome;
use crate::environment::{self, Asked, ClientMachine, ClusterNow, Environment};
use crate::error::BenchError;
use crate::failover::{Failover, events};
use crate::fsync_probe::FsyncProbe;
use crate::load::{Load, Until};
use crate::prefix::Prefix;
use crate::pulse::{Pulse, Silence};
use crate::report::{Accounting, Parts, Plan, Report};
use crate::self_load::SelfLoad;
use crate::series::{Second, SecondsBoard};
use crate::server::{Observer, Watched};

/// Where a load is to run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    /// How the members are reached.
    pub(crate) client: &'a ClientOptions,
    /// The members that are asked.
    pub(crate) endpoints: &'a [Endpoint],
    /// What all keys begin with.
    pub(crate) prefix: &'a str,
}

/// A cluster that was found fit for a load.
#[derive(Debug)]
pub(crate) struct Surroundings<'a> {
    place: Place<'a>,
    stop: CancellationToken,
    prefix: Arc<Prefix>,
    before: ClusterNow,
    pulse: Pulse,
}

/// What goes on beside a load that is about to begin.
#[derive(Debug)]
pub(crate) struct Beside {
    began_at: Timestamp,
    machine: ClientMachine,
    first_revision: i64,
    observer: Observer,
    own: SelfLoad,
    board: Arc<SecondsBoard>,
}

impl<'a> Surroundings<'a> {
    /// Looks at the members and at the prefix. An endpoint of `needed` that does not answer ends it here, and not once more later.
    pub(crate) async fn look(
        place: Place<'a>,
        needed: &[Endpoint],
        may_use_existing_prefix: bool,
        stop: &CancellationToken,
    ) -> Result<Self, BenchError> {
        let prefix = Arc::new(Prefix::new(place.client, place.endpoints, place.prefix)?);
        let asked = environment::ask(place.client, place.endpoints).await?;
        let before = fit(asked, needed)?;
        let first = before
            .members
            .iter()
            .position(|member| member.error.is_none());
        prefix.answers(first.unwrap_or(0));
        if !may_use_existing_prefix {
            prefix.refuse_foreign_keys().await?;
        }
        Ok(Self {
            pulse: Pulse::after(stop, &prefix, place.client, place.endpoints),
            stop: stop.clone(),
            place,
            prefix,
            before,
        })
    }

    /// Begins to watch, right before the load does.
    pub(crate) async fn begin(
        &self,
        board: &Arc<SecondsBoard>,
        wants_metrics: bool,
    ) -> Result<Beside, BenchError> {
        let (began_at, machine) = (Timestamp::now(), ClientMachine::now());
        let first_revision = self.prefix.revision().await?;
        let Place {
            client, endpoints, ..
        } = self.place;
        let observer =
            Observer::begin(client, endpoints, &self.answering(), board, wants_metrics).await?;
        Ok(Beside {
            began_at,
            machine,
            first_revision,
            observer,
            own: SelfLoad::begin(),
            board: Arc::clone(board),
        })
    }

    /// The report of a load that is over.
    pub(crate) async fn end(
        &self,
        beside: Beside,
        outcome: Outcome,
        plan: impl FnOnce(Timestamp) -> Plan,
        fsync_probe: Option<FsyncProbe>,
    ) -> Report {
        let own = beside.own.end(&outcome.recording.scheduling);
        let (seen, last, after) = self.after(beside.observer).await;
        let (plan, board) = (plan(beside.began_at), beside.board);
        let seconds = board.seconds();
        Report::new(Parts {
            accounting: Accounting::of(&outcome.recording, beside.first_revision, last),
            failover: failover(&board, &seen, &seconds, outcome.window_seconds, &plan.load),
            outcome: note_stop(&plan.load, outcome, &self.stop),
            plan,
            seconds,
            own,
            environment: Environment::new(beside.machine, self.before.clone(), after),
            server: seen.into_iter().map(|watched| watched.member).collect(),
            fsync_probe,
        })
    }

    /// What was seen of the members, the revision, and the cluster, after the load. All are asked at once.
    async fn after(
        &self,
        observer: Observer,
    ) -> (
        Vec<Watched>,
        Result<i64, ClientError>,
        Result<ClusterNow, ClientError>,
    ) {
        if let Some(Silence { error, after }) = self.pulse.silence().await {
            return (observer.give_up().await, Err(error), after);
        }
        let after = environment::of_cluster(self.place.client, self.place.endpoints);
        tokio::join!(observer.end(), self.prefix.revision(), after)
    }

    /// Deletes all keys, or says why some are left.
    pub(crate) async fn clean_up(&self) -> Result<(), String> {
        self.unless_silent(self.prefix.delete_all()).await
    }

    /// Compacts up to now, or says why not.
    pub(crate) async fn compact(&self) -> Result<(), String> {
        self.unless_silent(self.prefix.compact()).await
    }

    /// Asks for what is to be done in the end, unless nobody has answered since the run was stopped.
    pub(crate) async fn unless_silent(
        &self,
        asked: impl Future<Output = Result<(), ClientError>>,
    ) -> Result<(), String> {
        if let Some(Silence { error, .. }) = self.pulse.silence().await {
            return Err(format!("nothing was answered after the stop ({error})"));
        }
        asked.await.map_err(|error| error.to_string())
    }

    /// The endpoints that answered before.
    fn answering(&self) -> Vec<Endpoint> {
        let both = self.place.endpoints.iter().zip(&self.before.members);
        both.filter(|(_, member)| member.error.is_none())
            .map(|(endpoint, _)| endpoint.clone())
            .collect()
    }
}

/// What the members said, if enough of them did: one of all, and each that is needed.
fn fit(asked: Asked, needed: &[Endpoint]) -> Result<ClusterNow, ClientError> {
    let Asked { now, failed } = asked;
    let is_needed = |error: &ClientError| {
        now.id.is_none() || error.endpoint().is_some_and(|at| needed.contains(at))
    };
    match failed.into_iter().find(is_needed) {
        Some(error) => Err(error),
        None => Ok(now),
    }
}

/// Says where a run was stopped before it was whole.
fn note_stop(load: &Load, mut outcome: Outcome, stop: &CancellationToken) -> Outcome {
    let is_stopped = stop.is_cancelled() && outcome.ended_early.is_none();
    let is_whole = match load.until {
        Until::Operations(total) => {
            let recording = &outcome.recording;
            recording.succeeded() + recording.failed_requests() + outcome.dropped >= total
        }
        Until::Seconds(seconds) => outcome.window_seconds >= seconds,
    };
    if is_stopped && !is_whole {
        outcome.ended_early = Some("stopped".to_owned());
    }
    outcome
}

/// Probes the disk of a directory, where one is named.
pub(crate) async fn probe(directory: Option<PathBuf>) -> Result<Option<FsyncProbe>, BenchError> {
    let Some(directory) = directory else {
        return Ok(None);
    };
    let probe = tokio::task::spawn_blocking(move || FsyncProbe::run(&directory)).await;
    let probe = probe.map_err(|error| BenchError::Worker(format!("failed: {error}")))?;
    probe.map(Some)
}

fn failover(
    board: &SecondsBoard,
    watched: &[Watched],
    seconds: &[Second],
    window_seconds: f64,
    load: &Load,
) -> Failover {
    let span = Duration::try_from_secs_f64(window_seconds).unwrap_or_default();
    let events = board
        .window()
        .map(|window| events(watched, window.from, window.from + span));
    let gaps = board.gaps(window_seconds);
    Failover::new(
        events.unwrap_or_default(),
        &gaps,
        seconds,
        window_seconds,
        load,
    )
}
