//! The task that runs benchmarks, one after the other, and deletes what those left that were cut off.

use std::time::Duration;

use etcd_monitor_bench::Benchmark;
use etcd_monitor_core::SnapshotReceiver;
use etcd_monitor_model::ClusterName;
use tokio::sync::mpsc;
use tokio::time::{Interval, MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use super::job::{BenchmarkJob, JobReason, JobState};
use super::run::{Run, stopping};
use super::{Benchmarks, asked::AskedBenchmark};

/// Between two tries to delete what is left: a cluster that cannot be reached costs little.
const LEFT_PAUSE: Duration = Duration::from_secs(10);

/// How long one try may take.
const LEFT_WITHIN: Duration = Duration::from_secs(10);

/// Endpoints whose members are looked at each second meanwhile: with more, reports would be too long to be kept.
const OBSERVED_MAX: usize = 9;

/// A benchmark that is to be run.
#[derive(Debug)]
pub(super) struct Order {
    pub(super) id: String,
    /// What is known of its cluster.
    pub(super) snapshots: SnapshotReceiver,
}

/// Runs the benchmarks that are asked for.
#[derive(Debug)]
pub struct BenchmarkRunner {
    benchmarks: Benchmarks,
    orders: mpsc::Receiver<Order>,
    /// The last whose keys were tried to be deleted, so that each has its turn.
    tried: Option<String>,
}

impl BenchmarkRunner {
    pub(super) fn new(benchmarks: Benchmarks, orders: mpsc::Receiver<Order>) -> Self {
        Self {
            benchmarks,
            orders,
            tried: None,
        }
    }

    /// Runs them until `stop` is cancelled. Then it ends the one that is under way, deletes its keys, and says of those that
    /// wait that they were cancelled; that takes 3 s at most.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut looks = every(LEFT_PAUSE);
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                order = self.orders.recv() => match order {
                    Some(order) => Box::pin(self.carry_out(order, &stop)).await,
                    None => break,
                },
                _ = looks.tick() => {
                    let looked = Box::pin(self.delete_left());
                    stop.run_until_cancelled(looked).await;
                }
            }
        }
        self.orders.close();
        while let Ok(order) = self.orders.try_recv() {
            self.benchmarks.end(&order.id, |job| {
                job.end(JobState::Cancelled, Some(stopping()));
            });
        }
        self.benchmarks.save().await;
    }

    async fn carry_out(&self, order: Order, stop: &CancellationToken) {
        let benchmarks = &self.benchmarks;
        let Some((job, cancelled)) = benchmarks.begin(&order.id) else {
            benchmarks.save().await;
            return;
        };
        let refused = match self.ready(&job, &order.snapshots).await {
            Ok(benchmark) => {
                let run = Run {
                    benchmarks,
                    job: &job,
                    benchmark,
                    cancelled,
                    snapshots: order.snapshots,
                };
                // A future of this size belongs on the heap.
                Box::pin(run.until_its_end(stop)).await;
                None
            }
            Err((state, reason)) => Some((state, reason)),
        };
        if let Some((state, reason)) = refused {
            benchmarks.end(&job.id, |job| job.end(state, Some(reason)));
        }
        benchmarks.save().await;
    }

    /// The benchmark itself, where it may still begin, and the file names its prefix.
    async fn ready(
        &self,
        job: &BenchmarkJob,
        snapshots: &SnapshotReceiver,
    ) -> Result<Benchmark, (JobState, JobReason)> {
        let latest = snapshots.borrow().clone();
        let trouble = latest.and_then(|latest| job.asked.trouble(&latest));
        if let Some(trouble) = trouble {
            return Err((JobState::Aborted, trouble.into_reason()));
        }
        let benchmark = self.benchmarks.made(job);
        let benchmark = benchmark.map_err(|reason| (JobState::Failed, reason))?;
        if self.benchmarks.save().await {
            return Ok(benchmark);
        }
        let detail = "it did not begin, since the data directory does not take what would be needed to clean up after it; the log says why";
        Err((JobState::Failed, JobReason::new("not_kept", detail)))
    }

    /// Tries to delete the keys of the next that left some.
    async fn delete_left(&mut self) {
        let left = self.benchmarks.all();
        let left: Vec<_> = left
            .into_iter()
            .filter(|job| job.state.is_over() && job.keys_left.is_some())
            .collect();
        let tried = self.tried.take();
        let after = left.iter().position(|job| Some(&job.id) == tried.as_ref());
        let next = after.map_or(0, |place| place + 1);
        let Some(job) = left.get(next).or_else(|| left.first()) else {
            return;
        };
        self.tried = Some(job.id.clone());
        let failed = match self.benchmarks.made(job) {
            Ok(benchmark) => deleted(&benchmark, LEFT_WITHIN).await,
            Err(reason) => Some(reason.detail),
        };
        let news = failed != job.keys_left;
        self.benchmarks
            .change(&job.id, |job| job.keys_left = failed);
        if news {
            self.benchmarks.save().await;
        }
    }
}

impl Benchmarks {
    /// The benchmark that a job describes.
    fn made(&self, job: &BenchmarkJob) -> Result<Benchmark, JobReason> {
        let cluster = ClusterName::new(&job.cluster);
        let standard = job.asked.standard(&job.prefix);
        let made = self
            .0
            .targets
            .benchmark(&cluster, job.asked.load(), &standard);
        let Some(made) = made else {
            let detail = "no cluster of this name is configured any more";
            return Err(JobReason::new("cluster_unknown", detail));
        };
        let mut benchmark = made
            .map_err(|error| JobReason::new(AskedBenchmark::code_of(&error), error.to_string()))?;
        benchmark.options.populate_rate = Some(job.asked.rate());
        benchmark.options.server_metrics = benchmark.endpoints.len() <= OBSERVED_MAX;
        Ok(benchmark)
    }
}

/// Deletes the keys of a benchmark; why some may be left where it fails.
pub(super) async fn deleted(benchmark: &Benchmark, within: Duration) -> Option<String> {
    match timeout(within, benchmark.clean_up()).await {
        Ok(outcome) => outcome.err().map(|error| error.to_string()),
        Err(_) => Some(format!(
            "they were not deleted within {} s",
            within.as_secs_f64()
        )),
    }
}

fn every(period: Duration) -> Interval {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}
