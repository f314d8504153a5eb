//! One whole benchmark: looks at the cluster, keeps to its prefix, fills in what is to be read, measures, accounts for what
//! was written, cleans up, and reports.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use etcd_monitor_client::{ClientOptions, Endpoint};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::engine::{Assignment, Engine};
use crate::error::BenchError;
use crate::keys::{KeyOrder, KeyPicker, KeyShape, Values};
use crate::load::{Load, Overload, Rate, Until};
use crate::prefix::Prefix;
use crate::report::{Plan, Report};
use crate::series::SecondsBoard;
use crate::surroundings::{Place, Surroundings, probe};
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
        let (needed, may_use) = (self.engine.endpoints(), self.options.use_existing_prefix);
        // Futures of this size belong on the heap, not into that of every caller.
        let around = Box::pin(Surroundings::look(self.place(), needed, may_use, stop)).await?;
        let measured = Box::pin(self.measure(&around, watcher, stop)).await;
        // Also after a failure: what was written is known by its prefix.
        let left = if self.options.keep_keys {
            None
        } else {
            watcher.begins(Phase::CleaningUp, &Arc::default());
            Box::pin(around.clean_up()).await.err()
        };
        if let (Err(_), Some(why)) = (&measured, &left) {
            watcher.keys_left(&self.options.prefix, why);
        }
        let mut report = measured?;
        report.keys_left = left;
        if self.options.compact
            && let Err(why) = Box::pin(around.compact()).await
        {
            report.doubts.push(format!("not compacted: {why}"));
        }
        Ok(report)
    }

    fn place(&self) -> Place<'_> {
        Place {
            client: &self.client,
            endpoints: &self.endpoints,
            prefix: &self.options.prefix,
        }
    }

    /// Deletes all keys below its prefix: those that a run left which was cut off.
    pub async fn clean_up(&self) -> Result<(), BenchError> {
        let prefix = Prefix::new(&self.client, &self.endpoints, &self.options.prefix)?;
        Ok(prefix.delete_all().await?)
    }

    async fn measure(
        &self,
        around: &Surroundings<'_>,
        watcher: &dyn Watcher,
        stop: &CancellationToken,
    ) -> Result<Report, BenchError> {
        let fsync_probe = probe(self.options.fsync_probe.clone()).await?;
        self.populate(watcher, stop).await?;
        let assignment = assignment(self.load.clone(), Arc::clone(&self.workload), stop);
        let board = Arc::clone(&assignment.board);
        let beside = around.begin(&board, self.options.server_metrics).await?;
        watcher.begins(Phase::Measuring, &board);
        let outcome = self.engine.run(assignment).await?;
        let plan = |began_at| self.plan(began_at);
        Ok(around.end(beside, outcome, plan, fsync_probe).await)
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

fn assignment(load: Load, workload: Arc<dyn Workload>, stop: &CancellationToken) -> Assignment {
    Assignment {
        stop: stop.clone(),
        ..Assignment::new(load, workload)
    }
}
