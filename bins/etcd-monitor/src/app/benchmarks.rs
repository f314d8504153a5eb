//! Benchmarks that the API asks for: how the clusters of the configuration are reached, and the task that runs them.

use std::sync::{Arc, PoisonError, RwLock};

use etcd_monitor_api::{BenchmarkTargets, Benchmarks};
use etcd_monitor_bench::{BenchError, Benchmark, Load, Standard};
use etcd_monitor_model::ClusterName;
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

use super::tasks::Tasks;
use crate::benchmark;
use crate::config::ClusterConfig;
use crate::data_dir::DataDir;

/// The clusters as they are configured now. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(super) struct Targets(Arc<RwLock<Vec<ClusterConfig>>>);

impl Targets {
    /// These are the clusters from now on.
    pub(super) fn set(&self, clusters: &[ClusterConfig]) {
        // Replaced as a whole, so that a panic of another holder does no harm.
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = clusters.to_vec();
    }
}

impl BenchmarkTargets for Targets {
    fn benchmark(
        &self,
        cluster: &ClusterName,
        load: Load,
        standard: &Standard,
    ) -> Option<Result<Benchmark, BenchError>> {
        let clusters = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let named = clusters.iter().find(|known| known.name == *cluster)?;
        Some(benchmark::of_cluster(named, load, standard))
    }
}

/// Opens the file of those that are kept, and starts to run what is asked for.
pub(super) async fn start(
    targets: Targets,
    data_dir: &DataDir,
    tasks: &mut Tasks,
    stop: &CancellationToken,
) -> anyhow::Result<Benchmarks> {
    let file = data_dir.benchmarks_file();
    let opened = spawn_blocking(move || Benchmarks::open(file, Arc::new(targets))).await;
    let (benchmarks, runner) = opened??;
    tasks.spawn("benchmarks", runner.run(stop.clone()));
    Ok(benchmarks)
}
