//! The history of the daemon: its stores, and the samples of every cycle.

use std::sync::Arc;

use etcd_monitor_core::{SnapshotReceiver, samples};
use etcd_monitor_history::{FileStore, FileStoreOptions, History};
use etcd_monitor_model::{HistoryStore, StoreFailure};
use tokio_util::sync::CancellationToken;

use super::tasks::Tasks;
use crate::config::HistoryConfig;
use crate::data_dir::DataDir;

/// The task that writes the file. It ends last, after everything that may still append.
pub(super) const WRITER: &str = "history file";

/// Opens the memory ring, and the file where it is on; its writer runs until `stop`.
pub(super) async fn open(
    config: &HistoryConfig,
    data_dir: &DataDir,
    tasks: &mut Tasks,
    stop: &CancellationToken,
) -> anyhow::Result<History> {
    let history = History::in_memory();
    let Some(wanted) = config.file else {
        return Ok(history);
    };
    let options = FileStoreOptions::new(data_dir.history_file())
        .retention(wanted.retention)
        .flush_interval(wanted.flush_interval);
    let opened = tokio::task::spawn_blocking(move || FileStore::open(options)).await?;
    let (file, writer) = opened?;
    tasks.spawn(WRITER, writer.run(stop.clone()));
    Ok(history.with_file(file))
}

/// Since when nothing is stored in the file, and why; `None` while it is, or where there is none.
pub(super) fn failure(history: &History) -> Option<StoreFailure> {
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
