//! How the benchmarks of the API ended.

use std::fmt;

use prometheus_client::encoding::DescriptorEncoder;

use super::collector::{Snapshots, counter};
use crate::benchmarks::JobState;

/// Writes its metric; none where there are no benchmarks.
pub(super) fn encode(snapshots: &Snapshots, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let Some(benchmarks) = snapshots.source.benchmarks() else {
        return Ok(());
    };
    let clusters = snapshots.source.cluster_names();
    let ended = clusters.iter().flat_map(|cluster| {
        JobState::ENDS.map(|state| {
            let labels = vec![("cluster", cluster.as_str()), ("outcome", state.as_str())];
            (labels, benchmarks.ended(cluster, state) as f64)
        })
    });
    let help = "Benchmarks of the API that ended since the monitor started, by how: finished, failed, cancelled by somebody, aborted \
                since something was wrong with the cluster";
    counter(encoder, "etcd_monitor_benchmarks", help, ended)
}
