//! A member's `/metrics` page, reduced to what says where the time goes.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use etcd_monitor_client::exposition::{Sample, scan};
use etcd_monitor_client::histogram::Buckets;

pub(super) const WAL_FSYNC: &str = "etcd_disk_wal_fsync_duration_seconds";
pub(super) const BACKEND_COMMIT: &str = "etcd_disk_backend_commit_duration_seconds";
/// By kind of operation, 3.4 and later.
pub(super) const APPLY: &str = "etcd_server_apply_duration_seconds";
/// By type of request, 3.7 and later.
pub(super) const REQUEST: &str = "etcd_server_request_duration_seconds";
const ROUND_TRIP: &str = "etcd_network_peer_round_trip_time_seconds";

pub(super) const CPU: &str = "process_cpu_seconds_total";
pub(super) const GC_PAUSE: &str = "go_gc_duration_seconds_sum";
pub(super) const COMMITTED: &str = "etcd_server_proposals_committed_total";
pub(super) const APPLIED: &str = "etcd_server_proposals_applied_total";
pub(super) const FAILED: &str = "etcd_server_proposals_failed_total";
pub(super) const SLOW_APPLY: &str = "etcd_server_slow_apply_total";
pub(super) const SLOW_READ_INDEX: &str = "etcd_server_slow_read_indexes_total";
pub(super) const READ_INDEX_FAILED: &str = "etcd_server_read_indexes_failed_total";
pub(super) const HEARTBEAT_FAILED: &str = "etcd_server_heartbeat_send_failures_total";
pub(super) const LEADER_CHANGES: &str = "etcd_server_leader_changes_seen_total";

pub(super) const PENDING: &str = "etcd_server_proposals_pending";
pub(super) const IS_LEADER: &str = "etcd_server_is_leader";
pub(super) const DATABASE: &str = "etcd_mvcc_db_total_size_in_bytes";
pub(super) const DATABASE_IN_USE: &str = "etcd_mvcc_db_total_size_in_use_in_bytes";
pub(super) const RESIDENT: &str = "process_resident_memory_bytes";
/// Cores that the Go runtime uses at once, where its collector tells it.
pub(super) const CORES: &str = "go_sched_gomaxprocs_threads";
const STARTED: &str = "process_start_time_seconds";

const HISTOGRAMS: [&str; 4] = [WAL_FSYNC, BACKEND_COMMIT, APPLY, REQUEST];

pub(super) const COUNTERS: [&str; 10] = [
    CPU,
    GC_PAUSE,
    COMMITTED,
    APPLIED,
    FAILED,
    SLOW_APPLY,
    SLOW_READ_INDEX,
    READ_INDEX_FAILED,
    HEARTBEAT_FAILED,
    LEADER_CHANGES,
];

const GAUGES: [&str; 7] = [
    PENDING,
    IS_LEADER,
    DATABASE,
    DATABASE_IN_USE,
    RESIDENT,
    CORES,
    STARTED,
];

/// Sorted, as [`scan`] wants them.
static FAMILIES: LazyLock<Vec<&str>> = LazyLock::new(|| {
    let parts = [&HISTOGRAMS[..], &COUNTERS[..], &GAUGES[..], &[ROUND_TRIP]];
    let mut families = parts.concat();
    families.sort_unstable();
    families
});

/// Buckets of one histogram, and peers of one member, that are kept at most; beyond that a page is hostile.
const BUCKETS_MAX: usize = 64;
const PEERS_MAX: usize = 64;
const PEER_NAME_BYTES_MAX: usize = 32;

/// One histogram, its series added up.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Timings {
    buckets: Vec<(f64, f64)>,
    pub(super) sum: f64,
}

/// What a page said.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Page {
    pub(super) histograms: BTreeMap<&'static str, Timings>,
    /// Round trips by the id of the peer.
    pub(super) peers: BTreeMap<String, Timings>,
    pub(super) values: BTreeMap<&'static str, f64>,
}

impl Page {
    /// Reads a page in the Prometheus text format; what is not there stays away, what cannot be read is passed over.
    pub(super) fn read(text: &[u8]) -> Self {
        let mut page = Self::default();
        for sample in scan(text, &FAMILIES) {
            page.take(&sample);
        }
        page
    }

    fn take(&mut self, sample: &Sample<'_>) {
        if !sample.value.is_finite() {
            return;
        }
        if let Some(name) = one_of(sample.name, &COUNTERS).or_else(|| one_of(sample.name, &GAUGES))
        {
            // Series that differ in their labels count together.
            *self.values.entry(name).or_default() += sample.value;
            return;
        }
        let Some((family, _)) = sample.name.rsplit_once('_') else {
            return;
        };
        if family == ROUND_TRIP {
            if let Some(peer) = self.peer(sample) {
                peer.take(sample);
            }
        } else if let Some(name) = one_of(family, &HISTOGRAMS) {
            self.histograms.entry(name).or_default().take(sample);
        }
    }

    fn peer(&mut self, sample: &Sample<'_>) -> Option<&mut Timings> {
        let id = sample.labels.get("To")?;
        let is_id = id.len() <= PEER_NAME_BYTES_MAX && id.bytes().all(|b| b.is_ascii_hexdigit());
        let is_room = self.peers.len() < PEERS_MAX || self.peers.contains_key(&*id);
        (is_id && is_room).then(|| self.peers.entry(id.into_owned()).or_default())
    }

    pub(super) fn value(&self, name: &str) -> Option<f64> {
        self.values.get(name).copied()
    }

    /// True if the process is another one than on the older page.
    pub(super) fn is_of_another_process(&self, older: &Self) -> bool {
        self.value(STARTED) != older.value(STARTED)
    }
}

impl Timings {
    fn take(&mut self, sample: &Sample<'_>) {
        if sample.name.ends_with("_sum") {
            self.sum += sample.value;
        } else if sample.name.ends_with("_bucket") {
            let bound = sample.labels.get("le").and_then(|le| le.parse().ok());
            if let Some(bound) = bound.filter(|bound: &f64| !bound.is_nan()) {
                self.add(bound, sample.value);
            }
        }
    }

    fn add(&mut self, bound: f64, count: f64) {
        let mut known = self.buckets.iter_mut();
        if let Some((_, total)) = known.find(|(known, _)| known.total_cmp(&bound).is_eq()) {
            *total += count;
        } else if self.buckets.len() < BUCKETS_MAX {
            self.buckets.push((bound, count));
        }
    }

    /// Counts what another one counted.
    pub(super) fn add_all(&mut self, other: &Self) {
        self.sum += other.sum;
        for (bound, count) in &other.buckets {
            self.add(*bound, *count);
        }
    }

    /// What came since the older reading; `None` where it began anew.
    pub(super) fn since(&self, older: &Self) -> Option<Self> {
        let difference = self.buckets()?.difference(&older.buckets()?)?;
        Some(Self {
            buckets: difference.as_slice().to_vec(),
            sum: (self.sum - older.sum).max(0.0),
        })
    }

    /// The buckets in order; `None` where they are no histogram.
    pub(super) fn buckets(&self) -> Option<Buckets> {
        Buckets::new(self.buckets.clone())
    }
}

fn one_of(name: &str, names: &[&'static str]) -> Option<&'static str> {
    names.iter().copied().find(|known| *known == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wanted_is_taken_and_series_are_added_up() {
        let page = Page::read(
            b"etcd_server_apply_duration_seconds_bucket{op=\"Put\",le=\"1\"} 2
etcd_server_apply_duration_seconds_bucket{op=\"Put\",le=\"+Inf\"} 3
etcd_server_apply_duration_seconds_sum{op=\"Put\"} 4
etcd_server_apply_duration_seconds_bucket{op=\"Txn\",le=\"1\"} 1
etcd_server_apply_duration_seconds_bucket{op=\"Txn\",le=\"+Inf\"} 1
etcd_server_apply_duration_seconds_sum{op=\"Txn\"} 0.5
etcd_network_peer_round_trip_time_seconds_bucket{To=\"ab\",le=\"+Inf\"} 7
etcd_network_peer_round_trip_time_seconds_bucket{To=\"no id\",le=\"+Inf\"} 7
process_cpu_seconds_total 1.5
etcd_server_proposals_pending NaN
go_gc_duration_seconds_sum 0.25
garbage {
other_metric 3
",
        );
        let apply = &page.histograms[APPLY];
        assert_eq!(
            apply.buckets().unwrap().as_slice(),
            [(1.0, 3.0), (f64::INFINITY, 4.0)]
        );
        assert!((apply.sum - 4.5).abs() < 1e-9);
        assert_eq!(page.peers.keys().collect::<Vec<_>>(), ["ab"]);
        assert_eq!(page.value(CPU), Some(1.5));
        assert_eq!(page.value(GC_PAUSE), Some(0.25));
        assert_eq!((page.value(PENDING), page.values.len()), (None, 2));
    }
}
