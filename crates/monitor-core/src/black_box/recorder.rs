//! Records the cycles of one cluster: encodes them where they are, and hands them over in compressed blocks.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use etcd_monitor_model::{ClusterName, Finding, FindingKey, Observation, Severity, Snapshot};
use jiff::Timestamp;

use super::frame;
use super::frozen::Freeze;
use super::queue::{Queue, Records};
use super::record::{self, Incident, RawPage, Record, RecordingHead};
use super::recording::BLOCK_BYTES;
use super::ring::Block;
use super::wishes::PageWishes;

/// Oldest record that may not be on disk yet: as for the samples and the state.
const BLOCK_SECONDS_MAX: f64 = 30.0;

/// Records what is seen of one cluster: given to a [`Monitor`](crate::Monitor), or used by whoever calls
/// [`assess`](crate::assess). Waits for nothing.
#[derive(Debug)]
pub struct Recorder {
    cluster: ClusterName,
    /// A frame that a file begins with.
    head: Arc<[u8]>,
    queue: Queue,
    block: Vec<u8>,
    records: u64,
    /// When the first cycle of the block ended, and the last one.
    span: Option<(Timestamp, Timestamp)>,
    /// Critical findings of the previous cycle that nothing explains; `None` before the first.
    critical: Option<BTreeSet<FindingKey>>,
    wishes: PageWishes,
    pub(super) opened_at: Timestamp,
}

impl Recorder {
    pub(super) fn new(head: &RecordingHead, queue: Queue) -> Self {
        let mut block = Vec::new();
        record::append(&mut block, &Record::Head(Cow::Borrowed(head)));
        Self {
            cluster: head.cluster.clone(),
            head: frame::encode(&block).into(),
            queue,
            block: Vec::new(),
            records: 0,
            span: None,
            critical: None,
            wishes: PageWishes::default(),
            opened_at: Timestamp::now(),
        }
    }

    #[cfg(test)]
    pub(super) fn cluster(&self) -> &ClusterName {
        &self.cluster
    }

    /// Records a cycle, and freezes the recording where a critical finding has become true in it. Returns the endpoints whose
    /// pages are to be kept in the next cycle.
    pub fn record(
        &mut self,
        observation: &Observation,
        pages: &[RawPage],
        snapshot: &Snapshot,
    ) -> Vec<String> {
        self.append(&Record::Observation(Cow::Borrowed(observation)));
        for page in pages {
            self.append(&Record::Page(Cow::Borrowed(page)));
        }
        let began_at = self
            .span
            .map_or(observation.ended_at, |(began_at, _)| began_at);
        self.span = Some((began_at, observation.ended_at));
        let incident = self.incident(snapshot);
        if incident.is_some() || self.is_due() {
            self.flush();
        }
        if let Some(incident) = incident {
            self.freeze(incident);
        }
        self.wishes.kept(pages);
        self.wishes.wanted(snapshot)
    }

    /// Hands over what is not handed over yet. Without it the last cycles before the end are not recorded.
    pub fn flush(&mut self) {
        let Some((began_at, ended_at)) = self.span.take() else {
            return;
        };
        let block = Block {
            head: self.head.clone(),
            frame: frame::encode(&self.block),
            began_at,
            ended_at,
        };
        // One block is like the next; what a page took is given back.
        self.block.clear();
        self.block.shrink_to(2 * BLOCK_BYTES);
        self.queue.block(Records {
            cluster: self.cluster.clone(),
            block,
            count: std::mem::take(&mut self.records),
        });
    }

    fn append(&mut self, record: &Record<'_>) {
        if record::append(&mut self.block, record) {
            self.records += 1;
        } else {
            self.queue.lost(1);
        }
    }

    fn is_due(&self) -> bool {
        let seconds = |(began_at, ended_at): (Timestamp, Timestamp)| {
            ended_at.duration_since(began_at).as_secs_f64()
        };
        let in_time = |seconds: f64| (0.0..BLOCK_SECONDS_MAX).contains(&seconds);
        self.block.len() >= BLOCK_BYTES || !self.span.map(seconds).is_none_or(in_time)
    }

    fn freeze(&self, incident: Incident) {
        tracing::info!(cluster = %self.cluster, rule = incident.finding.rule, "The last minutes are kept as a recording");
        self.queue.freeze(Freeze {
            cluster: self.cluster.clone(),
            head: self.head.clone(),
            incident,
        });
    }

    /// The first critical finding that was not true before. In the first cycle that is one that began since the black box
    /// was opened: older ones were frozen when they began.
    fn incident(&mut self, snapshot: &Snapshot) -> Option<Incident> {
        let critical = || {
            snapshot
                .findings
                .iter()
                .filter(|finding| is_critical(finding))
        };
        let new = critical().find(|finding| match &self.critical {
            Some(before) => !before.contains(&finding.key()),
            None => finding.since >= self.opened_at,
        });
        let incident = new.map(|finding| Incident {
            finding: finding.key(),
            cause: finding.cause.clone(),
            at: snapshot.at,
        });
        self.critical = Some(critical().map(Finding::key).collect());
        incident
    }
}

fn is_critical(finding: &Finding) -> bool {
    finding.is_root() && finding.severity == Severity::Critical
}
