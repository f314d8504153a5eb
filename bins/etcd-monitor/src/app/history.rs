//! The history of the daemon: its stores, and the samples of every cycle.

use std::sync::Arc;
use std::time::Duration;

use etcd_monitor_core::{SnapshotReceiver, samples};
use etcd_monitor_history::{
    FileStore, FileStoreOptions, History, PrometheusQuery, RemoteHistory, RemoteWrite,
};
use etcd_monitor_model::{HistoryStore, PartFailure, StatSource};
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

use super::tasks::Tasks;
use crate::config::{Config, HistoryFileConfig, RemoteWriteConfig};
use crate::data_dir::DataDir;

/// The task that writes the file. It ends last, after everything that may still append.
pub(super) const FILE: &str = "history file";

/// The task that sends samples, likewise.
pub(super) const REMOTE: &str = "remote write";

/// How long the stop may wait for the remote store, and once more for the disk: within the deadline of the whole stop.
const REMOTE_STOP_TIMEOUT: Duration = Duration::from_millis(1_500);

/// The stores as one, and what each part tells about itself.
pub(super) struct Opened {
    pub(super) store: Arc<History>,
    pub(super) stats: Vec<Arc<dyn StatSource>>,
}

/// Opens the memory ring, and the file and the remote store where they are on; their tasks run until `stop`.
pub(super) async fn open(
    config: &Config,
    data_dir: &DataDir,
    tasks: &mut Tasks,
    stop: &CancellationToken,
) -> anyhow::Result<Opened> {
    let mut history = History::in_memory();
    if let Some(wanted) = config.history.file {
        history = history.with_file(file(wanted, data_dir, tasks, stop).await?);
    }
    let mut stats: Vec<Arc<dyn StatSource>> = Vec::new();
    if let Some(wanted) = &config.remote_write {
        let write = remote_write(wanted, data_dir, tasks, stop).await?;
        stats.push(Arc::clone(&write) as _);
        let read = wanted.query_options().map(PrometheusQuery::new);
        let remote = RemoteHistory::new(write, read.transpose()?);
        history = history.with_remote(Arc::new(remote));
    }
    let store = Arc::new(history);
    stats.push(Arc::clone(&store) as _);
    Ok(Opened { store, stats })
}

async fn file(
    wanted: HistoryFileConfig,
    data_dir: &DataDir,
    tasks: &mut Tasks,
    stop: &CancellationToken,
) -> anyhow::Result<FileStore> {
    let options = FileStoreOptions::new(data_dir.history_file())
        .retention(wanted.retention)
        .flush_interval(wanted.flush_interval);
    let opened = spawn_blocking(move || FileStore::open(options)).await?;
    let (file, writer) = opened?;
    tasks.spawn(FILE, writer.run(stop.clone()));
    Ok(file)
}

async fn remote_write(
    wanted: &RemoteWriteConfig,
    data_dir: &DataDir,
    tasks: &mut Tasks,
    stop: &CancellationToken,
) -> anyhow::Result<Arc<RemoteWrite>> {
    let mut options = wanted.write_options(data_dir.remote_write_queue());
    options.stop_timeout = REMOTE_STOP_TIMEOUT;
    let opened = spawn_blocking(move || RemoteWrite::open(options)).await?;
    let write = Arc::new(opened?);
    let (running, stop) = (Arc::clone(&write), stop.clone());
    tasks.spawn(REMOTE, async move { running.run(stop).await });
    Ok(write)
}

/// Since when nothing is stored in the file, and why; `None` while it is, or where there is none.
pub(super) fn failure(history: &History) -> Option<PartFailure> {
    history.file()?.status().failing
}

/// Hands the samples of each snapshot of one cluster to the store, until its monitor has ended.
///
/// Of the monitor's own snapshots, before the fleet doubts them: a doubt changes verdicts, not what was measured.
pub(super) async fn record(mut assessed: SnapshotReceiver, store: Arc<dyn HistoryStore>) {
    while assessed.changed().await.is_ok() {
        let snapshot = assessed.borrow_and_update().clone();
        let batches = snapshot.iter().flat_map(|snapshot| samples(snapshot));
        batches.for_each(|batch| store.append(&batch));
    }
}
