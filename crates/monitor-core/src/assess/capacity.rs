//! How much room each member has left, and what is remembered to say so.

mod compaction;
mod memory;
mod parameters;
mod ring;

pub(super) use compaction::{CompactionMemory, Uncompacted, latest_revision};
pub(super) use memory::CapacityMemory;
pub use parameters::CapacityParameters;

use etcd_monitor_model::{HistogramReading, Snapshot};

use super::state::AssessState;
use super::view::View;

/// Entries that may be committed ahead of what is applied: beyond it a member rejects proposals with "etcdserver: too
/// many requests" (`maxGapBetweenApplyAndCommitIndex` in etcd's `server/etcdserver/v3_server.go`, 3.4 to 3.7). With the
/// feature gate `PriorityRequest` of 3.7, revoking a lease alone is let through up to twice as many.
pub(super) const APPLY_LAG_LIMIT: u64 = 5_000;

/// Takes this cycle's numbers into the memory, and says in the snapshot how much room each member has.
pub(super) fn update(
    state: &mut AssessState,
    view: &View<'_>,
    snapshot: &mut Snapshot,
    parameters: &CapacityParameters,
) {
    let now = snapshot.at;
    for member in &mut snapshot.members {
        let Some((id, row)) = member.id.and_then(|id| Some((id, view.row(id)?))) else {
            continue;
        };
        let memory = &mut state.members.entry(id).or_default().capacity;
        memory.observe(member, now, parameters);
        member.capacity = memory.capacity(member, row.page(), parameters);
    }
    state.compaction.observe(view, now);
}

/// Mean of a member's own defragmentations since its start in seconds, and their number; `None` without any.
pub(super) fn defrag_stall(reading: Option<&HistogramReading>) -> Option<(f64, f64)> {
    let reading = reading?;
    let (_, count) = *reading.buckets.last()?;
    let mean = reading.sum? / count;
    (count >= 1.0 && mean.is_finite() && mean >= 0.0).then_some((mean, count))
}
