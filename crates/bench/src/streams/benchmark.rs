//! One whole benchmark of a load on streams: as [`Benchmark`](crate::Benchmark), with leases that are revoked in the end.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use etcd_monitor_client::{ClientError, ClientOptions, ClusterClient, Endpoint, ErrorKind};
use jiff::Timestamp;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{Stage, StreamLoad};
use crate::benchmark::{Phase, Watcher};
use crate::error::BenchError;
use crate::load::Load;
use crate::report::{Plan, Report};
use crate::self_load::Threads;
use crate::series::SecondsBoard;
use crate::surroundings::{Place, Surroundings, probe};

/// Revocations in flight at most.
const REVOKED_AT_ONCE: usize = 64;

/// What a benchmark on streams does beside its load.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct StreamOptions {
    /// All keys begin with it.
    pub prefix: String,
    /// Begins though there are keys below the prefix.
    pub use_existing_prefix: bool,
    /// Leaves the keys there; leases are revoked all the same, and take theirs with them.
    pub keep_keys: bool,
    /// Reads the members' `/metrics` each second meanwhile. True by default.
    pub server_metrics: bool,
    /// Probes the disk of this directory before it measures.
    pub fsync_probe: Option<PathBuf>,
}

impl StreamOptions {
    /// Keys below this prefix, where nothing may be yet and nothing stays.
    pub fn new(prefix: impl Into<String>) -> Self {
        Self {
            prefix: prefix.into(),
            use_existing_prefix: false,
            keep_keys: false,
            server_metrics: true,
            fsync_probe: None,
        }
    }
}

/// One benchmark of a load on streams.
#[derive(Debug)]
pub struct StreamBenchmark {
    /// How the members are reached.
    pub client: ClientOptions,
    /// The members that are asked.
    pub endpoints: Vec<Endpoint>,
    /// How much, by how many, how fast.
    pub load: Load,
    /// What is done.
    pub work: Arc<dyn StreamLoad>,
    /// What it does beside.
    pub options: StreamOptions,
}

impl StreamBenchmark {
    /// Runs it, on threads of its own. Where `stop` is cancelled, the report is about what was measured until then; leases and keys
    /// are taken away all the same.
    ///
    /// Fails where it cannot begin, or where nothing was measured.
    pub async fn run(
        &self,
        watcher: &dyn Watcher,
        stop: &CancellationToken,
    ) -> Result<Report, BenchError> {
        self.load.check()?;
        self.work.check(&self.load, &self.options.prefix)?;
        watcher.begins(Phase::Checking, &Arc::default());
        let place = Place {
            client: &self.client,
            endpoints: &self.endpoints,
            prefix: &self.options.prefix,
        };
        let may_use = self.options.use_existing_prefix;
        // Futures of this size belong on the heap, not into that of every caller.
        let around = Box::pin(Surroundings::look(place, &self.endpoints, may_use, stop)).await?;
        let stage = Arc::new(self.stage(stop));
        let measured = Box::pin(self.measure(&stage, &around, watcher)).await;
        watcher.begins(Phase::CleaningUp, &Arc::default());
        let owed = stage.take_owed();
        let mut left = around.unless_silent(self.revoke(owed)).await.err();
        if !self.options.keep_keys {
            left = left.or(Box::pin(around.clean_up()).await.err());
        }
        if let (Err(_), Some(why)) = (&measured, &left) {
            watcher.keys_left(&self.options.prefix, why);
        }
        let mut report = measured?;
        report.keys_left = left;
        Ok(report)
    }

    fn stage(&self, stop: &CancellationToken) -> Stage {
        Stage {
            client: self.client.clone(),
            endpoints: self.endpoints.clone(),
            load: self.work.paced(&self.load),
            prefix: self.options.prefix.clone(),
            board: Arc::new(SecondsBoard::default()),
            stop: stop.clone(),
            leases: std::sync::Mutex::default(),
            threads: Threads::default(),
        }
    }

    async fn measure(
        &self,
        stage: &Arc<Stage>,
        around: &Surroundings<'_>,
        watcher: &dyn Watcher,
    ) -> Result<Report, BenchError> {
        let fsync_probe = probe(self.options.fsync_probe.clone()).await?;
        let wants_metrics = self.options.server_metrics;
        let beside = around.begin(&stage.board, wants_metrics).await?;
        watcher.begins(Phase::Measuring, &stage.board);
        let own_runtime = OwnRuntime::start(&stage.threads)?;
        let (work, of_work) = (Arc::clone(&self.work), Arc::clone(stage));
        let running = own_runtime.spawn(async move { work.run(&of_work).await });
        let measured = running.await;
        let outcome =
            measured.map_err(|_| BenchError::Worker("ended with a panic".to_owned()))??;
        drop(own_runtime);
        let plan = |began_at| self.plan(began_at);
        Ok(around.end(beside, outcome, plan, fsync_probe).await)
    }

    /// Ends the leases that have not ended by themselves.
    async fn revoke(&self, leases: BTreeSet<i64>) -> Result<(), ClientError> {
        let cluster = ClusterClient::new(self.client.clone())?;
        let members: Vec<_> = self.endpoints.iter().map(|to| cluster.member(to)).collect();
        let mut revocations = JoinSet::new();
        let mut last = Ok(());
        for (place, lease) in leases.into_iter().enumerate() {
            let members = members.clone();
            revocations.spawn(async move {
                let mut last = Ok(());
                for turn in 0..members.len() {
                    let Some(member) = members.get((place + turn) % members.len()) else {
                        continue;
                    };
                    last = member.revoke_lease(lease).await;
                    // What etcd answers of a lease that is not there any more is among the others.
                    if last
                        .as_ref()
                        .err()
                        .is_none_or(|error| error.kind() == ErrorKind::Other)
                    {
                        return Ok(());
                    }
                }
                last
            });
            if revocations.len() >= REVOKED_AT_ONCE {
                last = ended(revocations.join_next().await, last);
            }
        }
        while let Some(one) = revocations.join_next().await {
            last = ended(Some(one), last);
        }
        last
    }

    fn plan(&self, began_at: Timestamp) -> Plan {
        Plan {
            workload: self.work.name().to_owned(),
            engine: "streams".to_owned(),
            endpoints: self.endpoints.iter().map(ToString::to_string).collect(),
            prefix: self.options.prefix.clone(),
            parameters: self.work.parameters(),
            load: self.work.paced(&self.load),
            began_at,
        }
    }
}

type Joined<T> = Result<T, tokio::task::JoinError>;

fn ended(
    one: Option<Joined<Result<(), ClientError>>>,
    before: Result<(), ClientError>,
) -> Result<(), ClientError> {
    match one {
        Some(Ok(Err(error))) => Err(error),
        _ => before,
    }
}

/// Threads for one run: the caller's may have other work, or be only one.
struct OwnRuntime(Option<Runtime>);

impl OwnRuntime {
    fn start(threads: &Threads) -> Result<Self, BenchError> {
        let (enter, leave) = (threads.clone(), threads.clone());
        let runtime = Builder::new_multi_thread()
            .thread_name("load")
            .on_thread_start(move || enter.enter())
            .on_thread_stop(move || leave.leave())
            .enable_all()
            .build()
            .map_err(|error| BenchError::Worker(format!("could not be started: {error}")))?;
        Ok(Self(Some(runtime)))
    }

    fn spawn<F>(&self, work: F) -> tokio::task::JoinHandle<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        match &self.0 {
            Some(runtime) => runtime.spawn(work),
            None => unreachable!("it has a runtime until it is dropped"),
        }
    }
}

impl Drop for OwnRuntime {
    fn drop(&mut self) {
        // All that matters was awaited; a runtime may not be waited for within another.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
