//! A member's `/metrics` page, reduced to the families that are used.
//!
//! Each part has a file that names its families and takes their samples; a new family is a field in the model and a line
//! there.

mod disk;
mod histogram;
mod network;
mod process;
mod raft;
mod requests;
mod store;

#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use etcd_monitor_client::exposition::{Sample, scan};
use etcd_monitor_model::{AlarmCount, AlarmKind, MemberId, MetricsPage};

/// Feature gates kept per page: etcd has about a dozen.
const FEATURES_MAX: usize = 64;

/// Counts of alarms kept per page: among 16 members there are two kinds of each.
const ALARMS_MAX: usize = 64;

/// Longest name of a feature gate or version that is kept, in bytes.
const NAME_BYTES_MAX: usize = 64;

/// Every family that is read, sorted as [`scan`] wants them.
pub(crate) static FAMILIES: LazyLock<Vec<&str>> = LazyLock::new(|| {
    let parts = [
        process::FAMILIES,
        raft::FAMILIES,
        disk::FAMILIES,
        store::FAMILIES,
        network::FAMILIES,
        requests::FAMILIES,
        &[
            "etcd_server_feature_enabled",
            "etcd_cluster_version",
            "etcd_debugging_server_alarms",
        ],
    ];
    let mut families = parts.concat();
    families.sort_unstable();
    families
});

/// Reads the families that `assess` uses from a page in the Prometheus text format; an absent family stays `None`.
///
/// Never fails: lines that are not in the format are skipped and counted.
pub fn read_metrics_page(page: &[u8]) -> MetricsPage {
    let mut read = MetricsPage::default();
    read.page_bytes = page.len() as u64;
    let mut samples = scan(page, &FAMILIES).without_zeros_of("grpc_server_");
    for sample in samples.by_ref() {
        take(&mut read, &sample);
    }
    read.skipped_lines = samples.skipped();
    disk::finish(&mut read.disk);
    store::finish(&mut read.store);
    network::finish(&mut read.network);
    requests::finish(&mut read.requests);
    read
}

/// Hands a sample to the part that its name belongs to, the families with the most samples first.
fn take(read: &mut MetricsPage, sample: &Sample<'_>) {
    let name = sample.name;
    if name.starts_with("grpc_server_") {
        requests::take(&mut read.requests, sample);
    } else if name.starts_with("etcd_network_") {
        network::take(&mut read.network, sample);
    } else if name.starts_with("etcd_disk_") {
        disk::take(&mut read.disk, sample);
    } else if name == "etcd_server_feature_enabled" {
        take_feature(read, sample);
    } else if name == "etcd_debugging_server_alarms" {
        let count = alarm(sample).filter(|_| read.alarms.len() < ALARMS_MAX);
        read.alarms.extend(count);
    } else if name == "etcd_cluster_version" {
        read.cluster_version = label(sample, "cluster_version").or(read.cluster_version.take());
    } else {
        take_scalar(read, sample);
    }
}

fn take_scalar(read: &mut MetricsPage, sample: &Sample<'_>) {
    disk::take(&mut read.disk, sample);
    store::take(&mut read.store, sample);
    requests::take_durations(&mut read.requests, sample);
    let slot = process::slot(&mut read.process, sample.name)
        .or_else(|| raft::slot(&mut read.raft, sample.name))
        .or_else(|| store::slot(&mut read.store, sample.name));
    if let Some(slot) = slot {
        // Series of one family that differ in their labels (such as the reason of a failure) count together.
        *slot = Some(slot.unwrap_or(0.0) + sample.value);
    }
}

fn take_feature(read: &mut MetricsPage, sample: &Sample<'_>) {
    let features = read.features.get_or_insert_default();
    if let Some(name) = label(sample, "name").filter(|_| features.len() < FEATURES_MAX) {
        features.push((name, sample.value > 0.5));
    }
}

fn alarm(sample: &Sample<'_>) -> Option<AlarmCount> {
    let kind = match &*label(sample, "alarm_type")? {
        "NOSPACE" => AlarmKind::NoSpace,
        "CORRUPT" => AlarmKind::Corrupt,
        _ => return None,
    };
    let member = u64::from_str_radix(&label(sample, "server_id")?, 16).ok()?;
    let count = Some(sample.value).filter(|count| count.is_finite())?;
    Some(AlarmCount {
        member: MemberId(member),
        kind,
        count,
    })
}

fn label(sample: &Sample<'_>, name: &str) -> Option<String> {
    let value = sample.labels.get(name)?;
    (value.len() <= NAME_BYTES_MAX).then(|| value.into_owned())
}
