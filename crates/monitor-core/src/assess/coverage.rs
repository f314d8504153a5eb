//! What could not be judged in this cycle, and since when where that lasts.

use std::collections::BTreeMap;

use etcd_monitor_model::{
    Coverage, FailureKind, Finding, FindingKey, FindingStatus, MemberSnapshot, MetricsPage, Probe,
    ProbeFailure, SignalGap, Snapshot, Subject, UnknownClass,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::view::{Row, View};

/// Thresholds of what is said about coverage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct CoverageParameters {
    /// Seconds after which a rule that cannot be evaluated for a lasting reason is a blind spot.
    pub blind_spot_seconds: f64,
}

impl Default for CoverageParameters {
    fn default() -> Self {
        Self {
            blind_spot_seconds: 600.0,
        }
    }
}

impl CoverageParameters {
    /// Refuses what is no time: the message names the key and its range.
    pub fn check(&self) -> Result<(), String> {
        let seconds = self.blind_spot_seconds;
        if seconds.is_finite() && seconds >= 0.0 {
            return Ok(());
        }
        Err(format!(
            "coverage.blind_spot_seconds: {seconds} is not a number of seconds from 0"
        ))
    }
}

/// Rules that could not be evaluated for lasting reasons, and since when, as a list: JSON has no structured map keys.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct CoverageMemory(Vec<(FindingKey, Timestamp)>);

impl CoverageMemory {
    /// Since when a rule has not been evaluable for a lasting reason, as of the previous cycle.
    pub(super) fn blind_since(&self, key: &FindingKey) -> Option<Timestamp> {
        let (_, since) = self.0.iter().find(|(blind, _)| blind == key)?;
        Some(*since)
    }

    /// Keeps what the next cycle compares with.
    pub(super) fn remember(&mut self, findings: &[Finding], now: Timestamp) {
        let before: BTreeMap<FindingKey, Timestamp> =
            std::mem::take(&mut self.0).into_iter().collect();
        let blind = findings.iter().filter(|finding| lasting(finding).is_some());
        self.0 = blind
            .map(|finding| {
                let key = finding.key();
                let since = before.get(&key).map_or(now, |since| (*since).min(now));
                (key, since)
            })
            .collect();
    }
}

/// The class of a finding that is unknown for a lasting reason.
pub(super) fn lasting(finding: &Finding) -> Option<UnknownClass> {
    match finding.status {
        FindingStatus::Unknown { unknown_class, .. } if unknown_class.is_lasting() => {
            Some(unknown_class)
        }
        _ => None,
    }
}

/// The kind of reason that a failed call is for not knowing.
pub(super) fn class_of(kind: FailureKind) -> UnknownClass {
    match kind {
        FailureKind::Refused | FailureKind::TimedOut | FailureKind::NameResolution => {
            UnknownClass::MemberUnreachable
        }
        FailureKind::Tls => UnknownClass::Tls,
        FailureKind::Unauthenticated | FailureKind::PermissionDenied => {
            UnknownClass::PermissionDenied
        }
        FailureKind::NotSupported => UnknownClass::NotServed,
        FailureKind::BadAnswer => UnknownClass::BadAnswer,
        FailureKind::NotAllowed => UnknownClass::NotAsked,
        _ => UnknownClass::Other,
    }
}

/// What could not be judged in this cycle.
pub(super) fn of(view: &View<'_>, snapshot: &Snapshot, findings: &[Finding]) -> Coverage {
    let rows = snapshot.members.iter().filter_map(|member| {
        let row = match member.id {
            Some(id) => view.row(id),
            None => None,
        };
        Some((member, row?))
    });
    let signals = rows
        .flat_map(|(member, row)| signals_of(member, row, view.late))
        .chain(hash_gaps(snapshot))
        .collect();
    Coverage::of(findings, signals)
}

/// What a member did not give: one line for a silent one, else one for each call and metric family.
fn signals_of(member: &MemberSnapshot, row: &Row<'_>, late: bool) -> Vec<SignalGap> {
    let subject = || Subject::member(member.name.clone(), member.id);
    let gap = |signal: &str, class, reason: String| SignalGap {
        signal: signal.to_owned(),
        subject: subject(),
        class: if late && class == UnknownClass::MemberUnreachable {
            UnknownClass::MonitorLate
        } else {
            class
        },
        reason,
    };
    if row.silent() {
        let why = row
            .failure()
            .map_or_else(String::new, |failure| failure.message.clone());
        return vec![gap("every call", UnknownClass::MemberUnreachable, why)];
    }
    let failed = failed_calls(row)
        .map(|(call, failure)| gap(call, class_of(failure.kind), failure.message.clone()));
    let absent = row.page().into_iter().flat_map(absent_families);
    let absent = absent.map(|family| gap(family.name, family.class, family.unknown.to_owned()));
    let mut gaps: Vec<SignalGap> = failed.chain(absent).collect();
    if hides_its_key(row) {
        let reason = "the user may not read the probe's key; that etcd asked a quorum before it refused is what counts";
        gaps.push(gap(READ, UnknownClass::PermissionDenied, reason.to_owned()));
    }
    gaps
}

/// What the latest round of HashKV did not give.
fn hash_gaps(snapshot: &Snapshot) -> Vec<SignalGap> {
    let Some(round) = &snapshot.consistency.latest else {
        return Vec::new();
    };
    let gap = |subject, class, reason: String| SignalGap {
        signal: "HashKV".to_owned(),
        subject,
        class,
        reason: format!("{reason}; asked at {:.0}", round.began_at),
    };
    let failed = round.answers.iter().filter_map(|answer| {
        let failure = answer.hash.failure()?;
        let mut members = snapshot.members.iter();
        let member = members.find(|member| member.id == Some(answer.member))?;
        let subject = Subject::member(member.name.clone(), member.id);
        Some(gap(
            subject,
            class_of(failure.kind),
            failure.message.clone(),
        ))
    });
    let moved = round.compaction_moved.then(|| {
        let reason =
            "compaction went on while members were asked, so that their hashes do not compare";
        let subject = Subject::cluster(&snapshot.cluster);
        gap(subject, UnknownClass::NotEnoughData, reason.to_owned())
    });
    failed.chain(moved).collect()
}

const READ: &str = "linearizable read";

fn failed_calls<'a>(row: &Row<'a>) -> impl Iterator<Item = (&'static str, &'a ProbeFailure)> {
    fn failure<T>(probe: Option<&Probe<T>>) -> Option<&ProbeFailure> {
        probe.and_then(Probe::failure)
    }
    let seen = row.seen;
    [
        ("Status", failure(seen.status.as_ref())),
        (
            "MemberList (serializable)",
            failure(seen.members_serializable.as_ref()),
        ),
        (
            "MemberList (linearizable)",
            failure(seen.members_linearizable.as_ref()),
        ),
        ("Alarm", failure(seen.alarms.as_ref())),
        (READ, failure(seen.read_linearizable.as_ref())),
        (
            "serializable read",
            failure(seen.read_serializable.as_ref()),
        ),
        ("/metrics", failure(seen.metrics.as_ref())),
    ]
    .into_iter()
    .filter_map(|(call, failure)| Some((call, failure?)))
}

fn hides_its_key(row: &Row<'_>) -> bool {
    let read = row.seen.read_linearizable.as_ref().and_then(Probe::ok);
    read.is_some_and(|read| read.revision.is_none())
}

/// A metric family that not every member has.
struct Family {
    name: &'static str,
    class: UnknownClass,
    /// What is not known without it, and who has it.
    unknown: &'static str,
    is_there: fn(&MetricsPage) -> bool,
}

const FAMILIES: [Family; 5] = [
    Family {
        name: "grpc_server_handling_seconds",
        class: UnknownClass::MetricsBasic,
        unknown: "latency of requests by method; only with --metrics=extensive",
        is_there: |page| page.requests.unary_handling.is_some(),
    },
    Family {
        name: "etcd_server_request_duration_seconds",
        class: UnknownClass::MetricAbsent,
        unknown: "latency of clients' writes and reads; etcd 3.7 and later",
        is_there: |page| page.requests.writes.is_some() || page.requests.reads.is_some(),
    },
    Family {
        name: "etcd_server_feature_enabled",
        class: UnknownClass::MetricAbsent,
        unknown: "which feature gates are on; etcd 3.6 and later",
        is_there: |page| page.features.is_some(),
    },
    Family {
        name: "etcd_network_known_peers",
        class: UnknownClass::MetricAbsent,
        unknown: "which peers the member itself knows; etcd 3.6 and later",
        is_there: |page| {
            let peers = &page.network.peers;
            peers.is_empty() || peers.iter().any(|peer| peer.known.is_some())
        },
    },
    Family {
        name: "etcd_debugging_mvcc_compact_revision",
        class: UnknownClass::MetricAbsent,
        unknown: "whether old revisions are compacted",
        is_there: |page| page.store.compact_revision.is_some(),
    },
];

fn absent_families(page: &MetricsPage) -> impl Iterator<Item = &'static Family> {
    FAMILIES.iter().filter(|family| !(family.is_there)(page))
}
