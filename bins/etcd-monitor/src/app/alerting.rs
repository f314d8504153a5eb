//! Alerting in the daemon: its store, its channels, and what people mute.

use std::sync::Arc;

use etcd_monitor_alerting::{
    Alerting, AlertingOptions, AlertsHandle, FileAlertStore, FollowedCluster, MuteFile,
    MuteFileError, MuteWatch, Mutes,
};
use jiff::Timestamp;
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

use super::tasks::Tasks;
use crate::config::AlertsConfig;
use crate::data_dir::DataDir;

/// The task that decides and delivers. It ends last, after everything that it may tell of.
pub(super) const TASK: &str = "alerting";

/// When alerting ends: what feeds it first, then itself.
pub(super) struct Stops<'a> {
    pub(super) first: &'a CancellationToken,
    pub(super) last: &'a CancellationToken,
}

/// Opens the store, and starts to alert and to follow what people mute.
pub(super) async fn start(
    config: &AlertsConfig,
    snapshots: Vec<FollowedCluster>,
    data_dir: &DataDir,
    tasks: &mut Tasks,
    stops: Stops<'_>,
) -> anyhow::Result<AlertsHandle> {
    let file = data_dir.alerts_file();
    let store = spawn_blocking(move || FileAlertStore::open(file)).await??;
    let mutes = data_dir.mutes();
    let mut options = AlertingOptions::new(config.policy.clone(), config.channels());
    options.snapshots = snapshots;
    options.store = Arc::new(store);
    options.mutes = read(mutes.clone()).await?;
    let (alerting, handle) = Alerting::new(options, stops.last.clone());
    tasks.spawn_fallible(TASK, alerting.run());
    let watch = MuteWatch::new(mutes, handle.clone());
    let stop = stops.first.clone();
    tasks.spawn("silences", async move {
        // It never ends by itself.
        stop.run_until_cancelled(watch.run()).await;
    });
    Ok(handle)
}

/// What is muted at the start. A file that was damaged costs the silences, not the start; a newer one is refused.
async fn read(file: MuteFile) -> anyhow::Result<Mutes> {
    match spawn_blocking(move || file.load(Timestamp::now())).await? {
        Err(error @ MuteFileError::Damaged { .. }) => {
            tracing::error!("{error}");
            Ok(Mutes::default())
        }
        read => Ok(read?),
    }
}
