//! Benchmarks of the clusters: asked for by the API, run one after the other, and kept.
//!
//! [`Benchmarks`] is what the routes ask, [`BenchmarkRunner`] is the one task that does what they ask for: two loads at the
//! same time would measure each other, and the monitor beside.

mod asked;
mod job;
mod kept_report;
mod run;
mod runner;
mod trouble;

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use etcd_monitor_bench::{BenchError, Benchmark, Load, Standard};
use etcd_monitor_core::{SnapshotReceiver, StateFile, StateFileError};
use etcd_monitor_model::ClusterName;
use rand::RngExt;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::problem::Problem;
pub(crate) use asked::{AskedBenchmark, BenchmarkLimits, NewBenchmark};
pub(crate) use job::{BenchmarkJob, JobReason, JobState};
pub use runner::BenchmarkRunner;
use runner::Order;
pub(crate) use trouble::Refusal;

/// Benchmarks that are kept, over all clusters: each takes some 10 KB, and some 30 KB more for each endpoint, whose figures of
/// each second are a part of the report; and the file is written as a whole.
const KEPT_MAX: usize = 100;

/// What the first line of the file says.
const FILE_FORMAT: &str = "etcd-monitor-benchmarks";
const FILE_VERSION: u32 = 1;

/// Letters of an id: 40 bits, with a short prefix of the keys.
const ID_LETTERS: usize = 8;

/// Without those that look alike.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// How the daemon reaches the clusters that it may put a load on.
pub trait BenchmarkTargets: Send + Sync {
    /// A benchmark of this cluster, with its endpoints and credentials; `None` where no cluster of this name is configured.
    fn benchmark(
        &self,
        cluster: &ClusterName,
        load: Load,
        standard: &Standard,
    ) -> Option<Result<Benchmark, BenchError>>;
}

/// The benchmarks that were asked for. Cheap to clone.
#[derive(Clone)]
pub struct Benchmarks(Arc<Shared>);

struct Shared {
    targets: Arc<dyn BenchmarkTargets>,
    file: StateFile<Vec<Arc<BenchmarkJob>>>,
    jobs: Mutex<Jobs>,
    orders: mpsc::Sender<Order>,
    /// Held while the file is written.
    writing: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Jobs {
    /// The newest first.
    kept: VecDeque<Kept>,
    /// How those ended that did since the start, by cluster.
    ended: BTreeMap<(String, JobState), u64>,
}

#[derive(Debug)]
struct Kept {
    job: watch::Sender<Arc<BenchmarkJob>>,
    cancelled: Cancelled,
}

/// Whether somebody does not want it any more, and who.
#[derive(Debug, Clone, Default)]
struct Cancelled {
    token: CancellationToken,
    by: Arc<Mutex<Option<String>>>,
}

impl fmt::Debug for Benchmarks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Benchmarks")
            .field("file", &self.0.file)
            .finish_non_exhaustive()
    }
}

impl Benchmarks {
    /// Reads what is kept in the file, and says of what was under way that it failed. Blocks.
    ///
    /// A damaged file is set aside, and costs the results alone; one of a newer version is refused.
    pub fn open(
        path: impl Into<PathBuf>,
        targets: Arc<dyn BenchmarkTargets>,
    ) -> Result<(Self, BenchmarkRunner), StateFileError> {
        let file = StateFile::of_format(path, FILE_FORMAT, FILE_VERSION);
        let mut jobs = kept_in(&file)?;
        for job in &mut jobs {
            Arc::make_mut(job).daemon_was_killed();
        }
        let (orders, received) = mpsc::channel(KEPT_MAX);
        let benchmarks = Self(Arc::new(Shared {
            targets,
            file,
            jobs: Mutex::new(Jobs {
                kept: jobs.into_iter().map(Kept::of).collect(),
                ended: BTreeMap::new(),
            }),
            orders,
            writing: tokio::sync::Mutex::default(),
        }));
        let runner = BenchmarkRunner::new(benchmarks.clone(), received);
        Ok((benchmarks, runner))
    }

    /// Takes one in, where none of this cluster is under way.
    pub(crate) async fn add(
        &self,
        cluster: &ClusterName,
        snapshots: SnapshotReceiver,
        asked: AskedBenchmark,
        by: Option<String>,
    ) -> Result<Arc<BenchmarkJob>, Problem> {
        // Nothing waits between the entry and the order: one without the other would stand in the way of all that follow.
        let job = {
            let mut jobs = self.locked();
            jobs.refuse_second(cluster)?;
            let job = BenchmarkJob::new(jobs.new_id(), cluster, asked, by);
            let order = Order {
                id: job.id.clone(),
                snapshots,
            };
            let sent = self.0.orders.try_send(order);
            sent.map_err(|_| Problem::benchmarks_stopping())?;
            jobs.insert(job)
        };
        self.save().await;
        Ok(job)
    }

    /// Ends one before its end. What ran is kept, and its keys are deleted.
    pub(crate) fn cancel(&self, id: &str, by: Option<String>) -> Result<(), Problem> {
        let mut jobs = self.locked();
        let kept = jobs
            .find(id)
            .ok_or_else(|| Problem::benchmark_unknown(id))?;
        let state = kept.job.borrow().state;
        match state {
            JobState::Queued => {
                let reason = job::cancelled_by(by.as_deref());
                kept.end(JobState::Cancelled, Some(reason));
                jobs.count(id);
            }
            JobState::Running => kept.cancelled.by(by),
            _ => return Err(Problem::benchmark_over(id)),
        }
        Ok(())
    }

    /// One of those that are kept, as it is and as it will be.
    pub(crate) fn follow(&self, id: &str) -> Result<watch::Receiver<Arc<BenchmarkJob>>, Problem> {
        let mut jobs = self.locked();
        let kept = jobs.find(id);
        let kept = kept.ok_or_else(|| Problem::benchmark_unknown(id))?;
        Ok(kept.job.subscribe())
    }

    /// All that are kept, the newest first.
    pub(crate) fn all(&self) -> Vec<Arc<BenchmarkJob>> {
        let jobs = self.locked();
        let kept = jobs.kept.iter();
        kept.map(|kept| Arc::clone(&kept.job.borrow())).collect()
    }

    /// How many ended in a state, of one cluster, since the start.
    pub(crate) fn ended(&self, cluster: &str, state: JobState) -> u64 {
        let jobs = self.locked();
        let count = jobs.ended.get(&(cluster.to_owned(), state));
        count.copied().unwrap_or(0)
    }

    /// Changes one; nothing where it is not kept any more.
    fn change(&self, id: &str, change: impl FnOnce(&mut BenchmarkJob)) {
        if let Some(kept) = self.locked().find(id) {
            kept.change(change);
        }
    }

    /// The same; whoever follows it hears of it only where the change says that it is news.
    fn change_if(&self, id: &str, change: impl FnOnce(&mut BenchmarkJob) -> bool) {
        if let Some(kept) = self.locked().find(id) {
            kept.job.send_if_modified(|job| change(Arc::make_mut(job)));
        }
    }

    /// One is over.
    fn end(&self, id: &str, change: impl FnOnce(&mut BenchmarkJob)) {
        let mut jobs = self.locked();
        if let Some(kept) = jobs.find(id) {
            kept.change(change);
            jobs.count(id);
        }
    }

    /// One that waited begins; `None` where it was cancelled meanwhile.
    fn begin(&self, id: &str) -> Option<(Arc<BenchmarkJob>, Cancelled)> {
        let mut jobs = self.locked();
        let kept = jobs.find(id)?;
        let job = Arc::clone(&kept.job.borrow());
        (job.state == JobState::Queued).then(|| {
            kept.change(BenchmarkJob::begin);
            (job, kept.cancelled.clone())
        })
    }

    /// Writes the file, and says in the log where that fails: what is kept in memory goes on.
    async fn save(&self) -> bool {
        let _turn = self.0.writing.lock().await;
        let (file, jobs) = (self.0.file.clone(), self.all());
        let saved = tokio::task::spawn_blocking(move || file.save_blocking(&jobs)).await;
        let failed = match saved {
            Ok(Ok(())) => return true,
            Ok(Err(error)) => error.to_string(),
            Err(error) => error.to_string(),
        };
        tracing::error!("The benchmarks cannot be kept: {failed}");
        false
    }

    fn locked(&self) -> MutexGuard<'_, Jobs> {
        // Each change is whole before the next.
        self.0.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is kept in the file; nothing where there is none yet, or where it is damaged, which the log says.
fn kept_in(
    file: &StateFile<Vec<Arc<BenchmarkJob>>>,
) -> Result<Vec<Arc<BenchmarkJob>>, StateFileError> {
    match file.load_blocking() {
        Ok(jobs) => Ok(jobs.unwrap_or_default()),
        Err(error @ StateFileError::Corrupt { .. }) => {
            tracing::warn!("{error}: no benchmark is kept of the time before");
            Ok(Vec::new())
        }
        Err(error) => Err(error),
    }
}

impl Jobs {
    fn find(&mut self, id: &str) -> Option<&mut Kept> {
        let mut kept = self.kept.iter_mut();
        kept.find(|kept| kept.job.borrow().id == id)
    }

    fn refuse_second(&self, cluster: &ClusterName) -> Result<(), Problem> {
        let mut kept = self.kept.iter().map(|kept| kept.job.borrow());
        let other = kept.find(|job| job.cluster == cluster.as_str() && !job.state.is_over());
        match other {
            Some(other) => Err(Problem::benchmark_under_way(cluster, &other.url)),
            None => Ok(()),
        }
    }

    fn new_id(&self) -> String {
        loop {
            let id = random_id();
            if self.kept.iter().all(|kept| kept.job.borrow().id != id) {
                return id;
            }
        }
    }

    fn insert(&mut self, job: BenchmarkJob) -> Arc<BenchmarkJob> {
        let kept = Kept::of(Arc::new(job));
        let job = Arc::clone(&kept.job.borrow());
        self.kept.push_front(kept);
        while self.kept.len() > KEPT_MAX {
            let Some(place) = self.oldest() else { break };
            self.kept.remove(place);
        }
        job
    }

    /// The oldest that is over; one whose keys may still be there only where there is no other.
    fn oldest(&self) -> Option<usize> {
        let over = |kept: &Kept| kept.job.borrow().state.is_over();
        let clean = |kept: &Kept| over(kept) && kept.job.borrow().keys_left.is_none();
        let last = self.kept.iter().rposition(clean);
        last.or_else(|| self.kept.iter().rposition(over))
    }

    fn count(&mut self, id: &str) {
        let Some(kept) = self.find(id) else { return };
        let job = Arc::clone(&kept.job.borrow());
        *self
            .ended
            .entry((job.cluster.clone(), job.state))
            .or_default() += 1;
    }
}

impl Kept {
    fn of(job: Arc<BenchmarkJob>) -> Self {
        Self {
            job: watch::Sender::new(job),
            cancelled: Cancelled::default(),
        }
    }

    fn change(&self, change: impl FnOnce(&mut BenchmarkJob)) {
        self.job.send_modify(|job| change(Arc::make_mut(job)));
    }

    fn end(&self, state: JobState, reason: Option<JobReason>) {
        self.change(|job| job.end(state, reason));
    }
}

impl Cancelled {
    fn by(&self, name: Option<String>) {
        *self.by.lock().unwrap_or_else(PoisonError::into_inner) = name;
        self.token.cancel();
    }

    fn reason(&self) -> JobReason {
        let by = self.by.lock().unwrap_or_else(PoisonError::into_inner);
        job::cancelled_by(by.as_deref())
    }
}

fn random_id() -> String {
    let mut rng = rand::rng();
    let letter = |_| char::from(ALPHABET[rng.random_range(0..ALPHABET.len())]);
    (0..ID_LETTERS).map(letter).collect()
}
