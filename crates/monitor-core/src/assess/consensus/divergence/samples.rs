//! What one member's answers bound of the revisions that the log gives, and when its answers may be used for that.

use std::collections::VecDeque;

use etcd_monitor_model::MetricsPage;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::assess::view::Row;

/// Samples kept of a member: in a cluster that writes without a pause, one of these was taken at an index that every
/// other member had reached a cycle ago.
const SAMPLES_MAX: usize = 3;

/// One answer of Status. etcd reads its parts in this order: revision, committed, applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::assess) struct Sample {
    pub(in crate::assess) at: Timestamp,
    pub(in crate::assess) revision: i64,
    committed: u64,
    pub(in crate::assess) applied: u64,
}

impl Sample {
    /// `None` for a member that has no such answer, or is too old to report what it applied.
    pub(super) fn of(row: &Row<'_>) -> Option<Self> {
        let status = row.status()?;
        Some(Self {
            at: row.seen.status.as_ref()?.at,
            revision: status.revision,
            committed: status.raft_index,
            applied: status.raft_applied_index?,
        })
    }

    /// The entry up to which the log gives at least this revision. One more than the applied index, since an entry is in
    /// the key space before that index is raised; but none beyond what was committed after the revision was read.
    pub(in crate::assess) fn at_most_index(&self) -> u64 {
        self.applied
            .saturating_add(u64::from(self.committed > self.applied))
    }

    fn is_before(&self, other: &Self) -> bool {
        self.revision < other.revision
            || self.applied < other.applied
            || self.committed < other.committed
    }
}

/// Two answers of one process: the later one's revision is at least what the log gives at the earlier one's applied index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::assess) struct Span {
    pub(in crate::assess) from: Sample,
    pub(in crate::assess) to: Sample,
}

/// What tells one run of a member from the next: a restart, or a snapshot from a peer that took the place of its data.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Signs {
    started: f64,
    snapshots: f64,
}

/// Whether a member's applied index says what is in its key space.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Trust {
    /// It may not: the index reads low after a start, and stands still after a snapshot, until later entries are applied.
    #[default]
    Doubted,
    /// It will when it reaches what the cluster had committed after the doubt began.
    From(u64),
    Trusted,
}

/// What is remembered of one member's answers.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Record {
    signs: Option<Signs>,
    trust: Trust,
    samples: VecDeque<Sample>,
    /// True when a sample was taken in this cycle.
    pub(super) fresh: bool,
}

impl Record {
    /// Takes in an answer and the page that was read after it. `committed`: what the cluster has committed by now.
    pub(super) fn note(&mut self, sample: Sample, page: &MetricsPage, committed: Option<u64>) {
        let Some(signs) = Signs::of(page) else {
            return;
        };
        let goes_on = self.signs == Some(signs) && !takes_snapshot(page);
        let goes_back = self
            .samples
            .back()
            .is_some_and(|before| sample.is_before(before));
        self.signs = Some(signs);
        if goes_on && !goes_back {
            self.take(sample, committed);
        } else {
            self.trust = Trust::Doubted;
            self.samples.clear();
        }
    }

    fn take(&mut self, sample: Sample, committed: Option<u64>) {
        if let (Trust::Doubted, Some(index)) = (self.trust, committed) {
            self.trust = Trust::From(index);
        }
        if matches!(self.trust, Trust::From(index) if sample.applied >= index) {
            self.trust = Trust::Trusted;
        }
        if self.trust == Trust::Trusted {
            if self.samples.len() == SAMPLES_MAX {
                self.samples.pop_front();
            }
            self.samples.push_back(sample);
            self.fresh = true;
        }
    }

    /// The latest answer with the highest revision that the log gives by this entry.
    pub(super) fn highest_until(&self, index: u64) -> Option<&Sample> {
        let until = |sample: &&Sample| sample.at_most_index() <= index;
        self.samples
            .iter()
            .filter(until)
            .max_by_key(|sample| sample.revision)
    }

    /// Its two latest answers.
    pub(super) fn span(&self) -> Option<Span> {
        let last = self.samples.len().checked_sub(1)?;
        Some(Span {
            from: *self.samples.get(last.checked_sub(1)?)?,
            to: *self.samples.get(last)?,
        })
    }
}

impl Signs {
    fn of(page: &MetricsPage) -> Option<Self> {
        let received = page
            .network
            .peers
            .iter()
            .filter_map(|peer| peer.snapshots_received);
        Some(Self {
            started: page.process.start_time_seconds?,
            snapshots: received.sum(),
        })
    }
}

fn takes_snapshot(page: &MetricsPage) -> bool {
    let peers = page.network.peers.iter();
    let mut receives = peers.filter_map(|peer| peer.snapshot_receives_in_flight);
    let applies = page.raft.snapshot_apply_in_progress;
    applies.is_some_and(|count| count > 0.0) || receives.any(|count| count > 0.0)
}
