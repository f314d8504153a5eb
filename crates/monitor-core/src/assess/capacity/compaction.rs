//! How long the cluster has not been compacted. Compaction goes through raft, so all members have the same.

use etcd_monitor_model::{MetricsPage, StoreMetrics};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::assess::view::View;

/// What is remembered of the cluster's compactions.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::assess) struct CompactionMemory {
    /// The compacted revision, and since when it has been seen to be that.
    seen: Option<(i64, Timestamp)>,
    /// What this cycle says; `None` when no member's page had it.
    #[serde(skip)]
    now: Option<Uncompacted>,
}

/// Revisions that wait for a compaction, in this cycle.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::assess) struct Uncompacted {
    /// The latest revision that members report.
    pub(in crate::assess) revision: i64,
    /// The compacted revision; `None` when there never was a compaction.
    pub(in crate::assess) compacted: Option<i64>,
    /// Revisions since then.
    pub(in crate::assess) revisions: u64,
    /// Keys that are stored, where a page says so.
    pub(in crate::assess) keys: Option<f64>,
    /// When the last compaction was, by a member's own clock; `None` when none was since the members' start.
    pub(in crate::assess) last_at: Option<Timestamp>,
    /// Since when the monitor has seen no other compacted revision.
    pub(in crate::assess) watched_since: Timestamp,
}

impl CompactionMemory {
    /// What this cycle says; `None` when no member's page had it.
    pub(in crate::assess) fn now(&self) -> Option<&Uncompacted> {
        self.now.as_ref()
    }

    /// Takes this cycle's pages and statuses.
    pub(super) fn observe(&mut self, view: &View<'_>, now: Timestamp) {
        self.now = None;
        // -1 until the first compaction (seen on 3.5, 3.6 and 3.7), 0 while the store is not yet restored.
        let compacted = newest(view, |store| store.compact_revision).map(revision);
        let Some((compacted, revision)) = compacted.zip(latest_revision(view)) else {
            return;
        };
        let compacted = compacted.max(0);
        let watched_since = match self.seen {
            Some((before, since)) if before == compacted => since.min(now),
            _ => now,
        };
        self.seen = Some((compacted, watched_since));
        self.now = Some(Uncompacted {
            revision,
            compacted: (compacted > 0).then_some(compacted),
            revisions: revision.saturating_sub(compacted).max(0).unsigned_abs(),
            keys: newest(view, |store| store.keys),
            last_at: newest(view, |store| store.last_compaction_seconds).and_then(unix_time),
            watched_since,
        });
    }
}

/// The largest value that any member's page has.
fn newest(view: &View<'_>, of: impl Fn(&StoreMetrics) -> Option<f64>) -> Option<f64> {
    let value = |page: &MetricsPage| of(&page.store).filter(|value| value.is_finite());
    view.pages()
        .filter_map(|(_, page)| value(page))
        .reduce(f64::max)
}

/// The latest revision that members report.
pub(in crate::assess) fn latest_revision(view: &View<'_>) -> Option<i64> {
    view.statuses().map(|status| status.revision).max()
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a float cast saturates, and a revision is far below 2^53"
)]
fn revision(value: f64) -> i64 {
    value as i64
}

/// 0 means: none since the member's start.
fn unix_time(seconds: f64) -> Option<Timestamp> {
    let since_epoch = std::time::Duration::try_from_secs_f64(seconds).ok()?;
    let at = Timestamp::UNIX_EPOCH.checked_add(since_epoch).ok()?;
    (seconds > 0.0).then_some(at)
}
