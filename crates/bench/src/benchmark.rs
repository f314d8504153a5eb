//! One whole benchmark: looks at the cluster, keeps to its prefix, fills in what is to be read, measures, accounts for what
//! was written, cleans up, and reports.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use etcd_monitor_client::{ClientError, ClientOptions, Endpoint};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::engine::{Assignment, Engine, Outcome};
use crate::environment::{self, Asked, ClientMachine, ClusterNow, Environment};
use crate::error::BenchError;
use crate::failover::{Failover, events};
use crate::fsync_probe::FsyncProbe;
use crate::keys::{KeyOrder, KeyPicker, KeyShape, Values};
use crate::load::{Load, Overload, Rate, Until};
use crate::prefix::Prefix;
use crate::pulse::{Pulse, Silence};
use crate::report::{Accounting, Parts, Plan, Report};
use crate::self_load::SelfLoad;
use crate::series::{Second, SecondsBoard};
use crate::server::{Observer, Watched};
use crate::workload::{Workload, Writes};

/// Requests in flight while the keys are filled in: enough for any cluster, whatever the load itself has.
const POPULATE_CLIENTS: u32 = 64;

/// What a benchmark does beside its load.
#[derive(Debug, Clone)]
#[non_exhaustive]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a wish of its own, and all go together"
)]
pub struct Options {
    /// All keys begin with it.
    pub prefix: String,
    /// How keys look, for those that are filled in.
    pub keys: KeyShape,
    /// Bytes of the values that are filled in.
    pub value_size: usize,
    /// Begins though there are keys below the prefix.
    pub use_existing_prefix: bool,
    /// Leaves the keys there.
    pub keep_keys: bool,
    /// Compacts in the end, so that the next run meets no more revisions than this one did. For the whole cluster: watches of
    /// others that are behind are cancelled, and reads of older revisions fail.
    pub compact: bool,
    /// What else makes the load what it is, by name (sizes, shares): stands in the report, and runs are only compared where it
    /// is equal.
    pub parameters: BTreeMap<String, String>,
    /// Reads the members' `/metrics` each second meanwhile. True by default.
    pub server_metrics: bool,
    /// Probes the disk of this directory before it measures.
    pub fsync_probe: Option<PathBuf>,
    /// How fast the keys are filled in; `None`: as fast as the cluster takes them.
    pub populate_rate: Option<Rate>,
}

impl Options {
    /// Keys of this shape with values of this size below this prefix, where nothing may be yet and nothing stays.
    pub fn new(prefix: impl Into<String>, keys: KeyShape, value_size: usize) -> Self {
        Self {
            prefix: prefix.into(),
            keys,
            value_size,
            use_existing_prefix: false,
            keep_keys: false,
            compact: false,
            parameters: BTreeMap::new(),
            server_metrics: true,
            fsync_probe: None,
            populate_rate: None,
        }
    }
}

/// What a benchmark is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// Looks at the cluster and at the prefix.
    Checking,
    /// Writes so many keys that are to be read or deleted.
    Populating(u64),
    /// Measures.
    Measuring,
    /// Deletes its keys.
    CleaningUp,
}

/// Hears what a benchmark is doing.
pub trait Watcher: Send + Sync {
    /// A phase begins; what it brings is told on the board.
    fn begins(&self, phase: Phase, board: &Arc<SecondsBoard>);

    /// It has no report that could say it: keys may be left below this prefix, for this reason.
    fn keys_left(&self, _prefix: &str, _why: &str) {}
}

/// Nobody watches.
impl Watcher for () {
    fn begins(&self, _phase: Phase, _board: &Arc<SecondsBoard>) {}
}

/// One benchmark.
pub struct Benchmark {
    /// How the members are reached.
    pub client: ClientOptions,
    /// The members that are asked.
    pub endpoints: Vec<Endpoint>,
    /// What sends the requests.
    pub engine: Box<dyn Engine>,
    /// How much, by how many, how fast.
    pub load: Load,
    /// What is asked.
    pub workload: Arc<dyn Workload>,
    /// What it does beside.
    pub options: Options,
}

impl Benchmark {
    /// Runs it. Where `stop` is cancelled, the report is about what was measured until then; the keys are deleted all the same.
    ///
    /// Fails where it cannot begin, or where nothing was measured.
    pub async fn run(
        &self,
        watcher: &dyn Watcher,
        stop: &CancellationToken,
    ) -> Result<Report, BenchError> {
        self.load.check()?;
        watcher.begins(Phase::Checking, &Arc::default());
        let prefix = self.prefix()?;
        let asked = environment::ask(&self.client, &self.endpoints).await?;
        let before = self.begin_with(asked, &prefix)?;
        if !self.options.use_existing_prefix {
            prefix.refuse_foreign_keys().await?;
        }
        let pulse = Pulse::after(stop, &prefix, &self.client, &self.endpoints);
        // A future of this size belongs on the heap, not into that of every caller.
        let measured = Box::pin(self.measure(&prefix, before, (watcher, stop), &pulse)).await;
        // Also after a failure: what was written is known by its prefix.
        let left = if self.options.keep_keys {
            None
        } else {
            watcher.begins(Phase::CleaningUp, &Arc::default());
            clean_up(&prefix, &pulse).await.err()
        };
        if let (Err(_), Some(why)) = (&measured, &left) {
            watcher.keys_left(&self.options.prefix, why);
        }
        let mut report = measured?;
        report.keys_left = left;
        if self.options.compact
            && let Err(why) = compact(&prefix, &pulse).await
        {
            report.doubts.push(format!("not compacted: {why}"));
        }
        Ok(report)
    }

    fn prefix(&self) -> Result<Arc<Prefix>, BenchError> {
        let prefix = Prefix::new(&self.client, &self.endpoints, &self.options.prefix)?;
        Ok(Arc::new(prefix))
    }

    /// Looks at who answered. An endpoint that the load needs and that does not answer ends it here, and not once more later;
    /// without an engine that says what it needs, one that answers is enough to go on.
    fn begin_with(&self, asked: Asked, prefix: &Prefix) -> Result<ClusterNow, BenchError> {
        let Asked { now, failed } = asked;
        let needed = self.engine.endpoints();
        let is_needed = |error: &ClientError| {
            now.id.is_none() || error.endpoint().is_some_and(|at| needed.contains(at))
        };
        if let Some(error) = failed.into_iter().find(is_needed) {
            return Err(error.into());
        }
        let mut members = now.members.iter();
        prefix.answers(
            members
                .position(|member| member.error.is_none())
                .unwrap_or(0),
        );
        Ok(now)
    }

    /// Deletes all keys below its prefix: those that a run left which was cut off.
    pub async fn clean_up(&self) -> Result<(), BenchError> {
        Ok(self.prefix()?.delete_all().await?)
    }

    async fn measure(
        &self,
        prefix: &Prefix,
        before: ClusterNow,
        (watcher, stop): (&dyn Watcher, &CancellationToken),
        pulse: &Pulse,
    ) -> Result<Report, BenchError> {
        let fsync_probe = probe(self.options.fsync_probe.clone()).await?;
        self.populate(watcher, stop).await?;
        let (began_at, machine) = (Timestamp::now(), ClientMachine::now());
        let first = prefix.revision().await?;
        let assignment = assignment(self.load.clone(), Arc::clone(&self.workload), stop);
        let board = Arc::clone(&assignment.board);
        let wants_metrics = self.options.server_metrics;
        let (endpoints, answering) = (&self.endpoints, self.answering(&before));
        let observer =
            Observer::begin_among(&self.client, endpoints, &answering, &board, wants_metrics);
        let observer = observer.await?;
        let own = SelfLoad::begin();
        watcher.begins(Phase::Measuring, &board);
        let outcome = self.engine.run(assignment).await?;
        let own = own.end(&outcome.recording.scheduling);
        let (seen, last, after) = self.after(observer, prefix, pulse).await;
        let seconds = board.seconds();
        Ok(Report::new(Parts {
            accounting: Accounting::of(&outcome.recording, first, last),
            failover: failover(&board, &seen, &seconds, outcome.window_seconds, &self.load),
            plan: self.plan(began_at),
            outcome: note_stop(&self.load, outcome, stop),
            seconds,
            own,
            environment: Environment::new(machine, before, after),
            server: seen.into_iter().map(|watched| watched.member).collect(),
            fsync_probe,
        }))
    }

    /// What was seen of the members, the revision, and the cluster, after the load. All are asked at once.
    async fn after(
        &self,
        observer: Observer,
        prefix: &Prefix,
        pulse: &Pulse,
    ) -> (
        Vec<Watched>,
        Result<i64, ClientError>,
        Result<ClusterNow, ClientError>,
    ) {
        if let Some(Silence { error, after }) = pulse.silence().await {
            return (observer.give_up().await, Err(error), after);
        }
        let after = environment::of_cluster(&self.client, &self.endpoints);
        tokio::join!(observer.end(), prefix.revision(), after)
    }

    /// The endpoints that answered before.
    fn answering(&self, before: &ClusterNow) -> Vec<Endpoint> {
        let both = self.endpoints.iter().zip(&before.members);
        both.filter(|(_, member)| member.error.is_none())
            .map(|(endpoint, _)| endpoint.clone())
            .collect()
    }

    async fn populate(
        &self,
        watcher: &dyn Watcher,
        stop: &CancellationToken,
    ) -> Result<(), BenchError> {
        let count = self.workload.populated();
        if count == 0 {
            return Ok(());
        }
        let writes = Writes {
            keys: self.options.keys.clone(),
            picker: KeyPicker::new(KeyOrder::Sequential, count)?,
            values: Values::new(self.options.value_size, self.load.seed),
        };
        let load = Load {
            clients: POPULATE_CLIENTS.max(self.load.connections),
            until: Until::Operations(count),
            rate: self.options.populate_rate,
            overload: Overload::Queue,
            warmup_seconds: 0.0,
            ..self.load.clone()
        };
        let assignment = assignment(load, Arc::new(writes), stop);
        watcher.begins(Phase::Populating(count), &assignment.board);
        let outcome = self.engine.run(assignment).await?;
        if stop.is_cancelled() {
            return Err(BenchError::Stopped);
        }
        match outcome.recording.errors.iter().next() {
            Some((kind, errors)) => Err(BenchError::Populate {
                failed: outcome.recording.failed(),
                count,
                kind: kind.clone(),
                example: errors.example.clone(),
            }),
            None => Ok(()),
        }
    }

    fn plan(&self, began_at: Timestamp) -> Plan {
        Plan {
            workload: self.workload.name().to_owned(),
            engine: self.engine.name().to_owned(),
            endpoints: self.endpoints.iter().map(ToString::to_string).collect(),
            prefix: self.options.prefix.clone(),
            parameters: self.options.parameters.clone(),
            load: self.load.clone(),
            began_at,
        }
    }
}

/// Deletes all keys, or says why some are left.
async fn clean_up(prefix: &Prefix, pulse: &Pulse) -> Result<(), String> {
    if let Some(silence) = pulse.silence().await {
        return Err(not_tried(&silence));
    }
    let deleted = prefix.delete_all().await;
    deleted.map_err(|error| error.to_string())
}

async fn compact(prefix: &Prefix, pulse: &Pulse) -> Result<(), String> {
    if let Some(silence) = pulse.silence().await {
        return Err(not_tried(&silence));
    }
    let compacted = prefix.compact().await;
    compacted.map_err(|error| error.to_string())
}

fn not_tried(silence: &Silence) -> String {
    format!("nothing was answered after the stop ({})", silence.error)
}

/// Says where a run was stopped before it was whole.
pub(crate) fn note_stop(load: &Load, mut outcome: Outcome, stop: &CancellationToken) -> Outcome {
    let is_stopped = stop.is_cancelled() && outcome.ended_early.is_none();
    let is_whole = match load.until {
        Until::Operations(total) => {
            let made = outcome.recording.succeeded() + outcome.recording.failed();
            made + outcome.dropped >= total
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

pub(crate) fn failover(
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

fn assignment(load: Load, workload: Arc<dyn Workload>, stop: &CancellationToken) -> Assignment {
    Assignment {
        stop: stop.clone(),
        ..Assignment::new(load, workload)
    }
}
