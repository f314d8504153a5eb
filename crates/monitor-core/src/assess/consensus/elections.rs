//! Why leaders changed: from what was seen of the old leader in the minutes before.

use std::collections::{BTreeMap, VecDeque};

use etcd_monitor_model::{
    Evidence, FailureKind, HistogramReading, LeaderChange, LeaderChangeCause, MemberId, MetricsPage,
};
use jiff::Timestamp;

use super::ConsensusParameters;
use super::restarts::is_restart;
use crate::assess::view::{Row, View};

/// Readings kept for each member: two minutes at an interval of half a second.
const READINGS_MAX: usize = 240;

/// What was seen of each member in the last minutes.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::assess) struct ElectionsMemory {
    readings: BTreeMap<MemberId, VecDeque<Reading>>,
}

/// What one cycle saw of one member. Counters are the member's own, since its start.
#[derive(Debug, Clone, Default, PartialEq)]
struct Reading {
    at: Timestamp,
    silence: Option<FailureKind>,
    term: Option<u64>,
    knows_leader: bool,
    start_seconds: Option<f64>,
    heartbeat_failures: Option<f64>,
    slow_fsyncs: Option<f64>,
    disconnects: Option<f64>,
    defragments: bool,
}

/// A cause with what it rests on.
type Case = (LeaderChangeCause, Vec<Evidence>);

impl ElectionsMemory {
    /// Takes in this cycle, then says why each leader lost its office that did so in this cycle, or shortly before
    /// where only this cycle tells.
    pub(super) fn update(
        &mut self,
        view: &View<'_>,
        history: &mut VecDeque<LeaderChange>,
        parameters: &ConsensusParameters,
    ) {
        self.note(view, parameters);
        for change in history.iter_mut().rev() {
            let age = view.ended_at.duration_since(change.at).as_secs_f64();
            if !(0.0..=parameters.election_window_seconds).contains(&age) {
                break;
            }
            let Some(readings) = change.from.and_then(|from| self.readings.get(&from)) else {
                continue;
            };
            if age == 0.0 {
                (change.cause, change.evidence) = case(readings, change, parameters);
            } else if is_open(change.cause)
                && let Some(evidence) = restarted(readings)
            {
                // It has come back as another process.
                (change.cause, change.evidence) =
                    (LeaderChangeCause::ProcessRestart, vec![evidence]);
            }
        }
    }

    fn note(&mut self, view: &View<'_>, parameters: &ConsensusParameters) {
        let now = view.ended_at;
        let recent = |at: Timestamp| {
            let age = now.duration_since(at).as_secs_f64();
            (0.0..=parameters.election_window_seconds).contains(&age)
        };
        for row in view.own() {
            let Some(id) = row.id else { continue };
            let readings = self.readings.entry(id).or_default();
            if readings.len() == READINGS_MAX {
                readings.pop_front();
            }
            readings.push_back(Reading::of(row, view, parameters));
        }
        self.readings.retain(|_, readings| {
            readings.retain(|reading| recent(reading.at));
            !readings.is_empty()
        });
    }
}

impl Reading {
    fn of(row: &Row<'_>, view: &View<'_>, parameters: &ConsensusParameters) -> Self {
        let silent = row.silent() && !view.late;
        let mut reading = Self {
            at: view.ended_at,
            silence: row.failure_kind().filter(|_| silent),
            term: row.status().map(|status| status.raft_term),
            knows_leader: row.status().is_some_and(|status| status.leader.is_some()),
            ..Self::default()
        };
        if let Some(page) = row.page() {
            reading.add(page, parameters.stall_seconds);
        }
        reading
    }

    fn add(&mut self, page: &MetricsPage, stall_seconds: f64) {
        let finite = |value: &f64| value.is_finite();
        self.start_seconds = page.process.start_time_seconds.filter(finite);
        self.heartbeat_failures = page.raft.heartbeat_send_failures.filter(finite);
        let slow = |reading| slower_than(reading, stall_seconds);
        self.slow_fsyncs = page.disk.wal_fsync.as_ref().and_then(slow);
        let disconnects = page
            .network
            .peers
            .iter()
            .filter_map(|peer| peer.disconnects);
        self.disconnects = Some(disconnects.sum()).filter(finite);
        self.defragments = page
            .disk
            .defrag_in_flight
            .is_some_and(|running| running > 0.0);
    }
}

/// Observations that took longer than so many seconds, up to the bound that is not below it.
fn slower_than(reading: &HistogramReading, seconds: f64) -> Option<f64> {
    let (_, all) = reading.buckets.last()?;
    let (_, quick) = reading
        .buckets
        .iter()
        .find(|(bound, _)| *bound >= seconds)?;
    Some(all - quick).filter(|slow| slow.is_finite() && *slow >= 0.0)
}

/// Why the old leader lost its office, the surest signs first.
fn case(
    readings: &VecDeque<Reading>,
    change: &LeaderChange,
    parameters: &ConsensusParameters,
) -> Case {
    use LeaderChangeCause::{Network, Overload, ProcessRestart};
    if let Some(evidence) = restarted(readings) {
        return (ProcessRestart, vec![evidence]);
    }
    let Some(last) = readings.back() else {
        return unknown(change);
    };
    let seen = |source: &str, value: String| vec![evidence(source, value, last.at)];
    if let Some(kind) = last.silence {
        return silent(kind, last);
    }
    if readings.iter().any(|reading| reading.defragments) {
        let value = "1 on the old leader within the window".to_owned();
        return (
            LeaderChangeCause::Defragmentation,
            seen("etcd_disk_defrag_inflight", value),
        );
    }
    if let Some(slow) = grown(readings, |reading| reading.slow_fsyncs) {
        let value = format!(
            "{slow:.0} syncs of the old leader took {} s or more",
            parameters.stall_seconds
        );
        return (
            LeaderChangeCause::DiskStall,
            seen("etcd_disk_wal_fsync_duration_seconds", value),
        );
    }
    if last
        .term
        .is_some_and(|term| term < change.term || !last.knows_leader)
    {
        let value = format!(
            "the old leader answers the monitor, but has not heard of the leader of term {}",
            change.term
        );
        return (Network, seen("Status", value));
    }
    if let Some(late) = grown(readings, |reading| reading.heartbeat_failures) {
        let value = format!("rose by {late:.0} on the old leader");
        return (
            Overload,
            seen("etcd_server_heartbeat_send_failures_total", value),
        );
    }
    if let Some(lost) = grown(readings, |reading| reading.disconnects) {
        let value = format!("rose by {lost:.0} on the old leader");
        return (
            Network,
            seen("etcd_network_disconnected_peers_total", value),
        );
    }
    handed_over(readings, change)
}

fn silent(kind: FailureKind, last: &Reading) -> Case {
    let (cause, value) = if kind == FailureKind::Refused {
        let value = "the old leader refuses connections: its process ended";
        (LeaderChangeCause::ProcessRestart, value)
    } else {
        let value = "the old leader answers neither the monitor nor its peers";
        (LeaderChangeCause::Unresponsive, value)
    };
    (cause, vec![evidence("Status", value.to_owned(), last.at)])
}

/// Nothing went wrong with the old leader, and the term rose by one: it handed over.
fn handed_over(readings: &VecDeque<Reading>, change: &LeaderChange) -> Case {
    let first = readings.iter().find_map(|reading| reading.term);
    let one_step = first.is_some_and(|term| term.checked_add(1) == Some(change.term));
    let known = |reading: &&Reading| {
        reading.start_seconds.is_some()
            && reading.heartbeat_failures.is_some()
            && reading.slow_fsyncs.is_some()
    };
    let compared = readings.iter().filter(known).count() > 1;
    let unbroken = readings.iter().all(|reading| reading.knows_leader);
    match readings.back() {
        Some(last) if one_step && compared && unbroken && change.from != Some(change.to) => {
            let value = "the old leader follows the new one; its process, disk, heartbeats and links show nothing";
            let evidence = evidence("Status and /metrics", value.to_owned(), last.at);
            (LeaderChangeCause::PlannedTransfer, vec![evidence])
        }
        _ => unknown(change),
    }
}

fn unknown(change: &LeaderChange) -> Case {
    let value = "nothing seen of the old leader in the minutes before tells why";
    let evidence = evidence("Status and /metrics", value.to_owned(), change.at);
    (LeaderChangeCause::Unknown, vec![evidence])
}

/// Evidence that the process of a member is another one than at the beginning.
fn restarted(readings: &VecDeque<Reading>) -> Option<Evidence> {
    let starts = || readings.iter().filter_map(|reading| reading.start_seconds);
    let (before, now) = (starts().next()?, starts().next_back()?);
    let at = readings.back()?.at;
    let value = format!("rose from {before:.0} to {now:.0} on the old leader");
    is_restart(before, now).then(|| evidence("process_start_time_seconds", value, at))
}

/// By how much a counter rose; `None` when it did not, or is not known.
fn grown(readings: &VecDeque<Reading>, counter: fn(&Reading) -> Option<f64>) -> Option<f64> {
    let values = || readings.iter().filter_map(counter);
    let grown = values().next_back()? - values().next()?;
    (grown >= 1.0).then_some(grown)
}

fn evidence(source: &str, value: String, at: Timestamp) -> Evidence {
    Evidence {
        source: source.to_owned(),
        value,
        at,
    }
}

/// A cause that a process start seen later replaces.
fn is_open(cause: LeaderChangeCause) -> bool {
    matches!(
        cause,
        LeaderChangeCause::Unknown | LeaderChangeCause::Unresponsive
    )
}
