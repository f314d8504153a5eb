//! Runs an engine as the driver does: a snapshot every 5 s, and a tick at each deadline in between.

#![allow(
    dead_code,
    reason = "each test binary that includes the module uses a part of it"
)]

use std::collections::BTreeMap;
use std::time::Duration;

use etcd_monitor_alerting::{AlertEngine, AlertPolicy, Notification};
use etcd_monitor_model::{
    AlertType, ClusterName, Evidence, Finding, FindingKey, FindingStatus, MemberId, MemberSnapshot,
    MonitorCondition, Severity, Snapshot, Subject,
};
use jiff::Timestamp;

/// Planned time between two snapshots, in seconds.
pub(crate) const INTERVAL: u64 = 5;

/// What a finding about a member says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Says {
    True(Severity),
    False,
    Unknown,
    Explained,
    /// The member is not in the list any more, and neither is the finding.
    Gone,
    /// The finding is missing although the member is listed.
    Missing,
}

/// An engine, the world that it watches, and the clock on the wall.
pub(crate) struct World {
    pub(crate) engine: AlertEngine,
    /// Seconds that have really passed.
    pub(crate) second: u64,
    /// What the wall clock shows more (or less) than that, in seconds.
    pub(crate) clock_error: i64,
    /// What each member's `MemberDown` says.
    pub(crate) members: BTreeMap<String, Says>,
    /// False while the monitor makes no snapshots.
    pub(crate) probing: bool,
    /// False while the whole process stands still.
    pub(crate) running: bool,
    pub(crate) told: Vec<(u64, Notification)>,
    cycle: u64,
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            engine: AlertEngine::new(AlertPolicy::to_channels(["test"])),
            second: 0,
            clock_error: 0,
            members: BTreeMap::new(),
            probing: true,
            running: true,
            told: Vec::new(),
            cycle: 0,
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        let second = i64::try_from(self.second).unwrap();
        start() + Duration::from_hours(24) + signed(second + self.clock_error)
    }

    /// Lets one second pass.
    pub(crate) fn step(&mut self) {
        if self.running {
            if self.probing && self.second.is_multiple_of(INTERVAL) {
                self.cycle += 1;
                let snapshot = self.snapshot();
                let told = self.engine.observe(&snapshot, self.now());
                self.keep(told);
            }
            if self
                .engine
                .next_deadline()
                .is_some_and(|at| at <= self.now())
            {
                let told = self.engine.tick(self.now());
                self.keep(told);
            }
        }
        self.second += 1;
    }

    pub(crate) fn run_until(&mut self, second: u64) {
        while self.second < second {
            self.step();
        }
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        let mut snapshot = empty_snapshot(self.cycle, self.now());
        let listed = self.members.iter().filter(|(_, says)| **says != Says::Gone);
        for (name, says) in listed {
            let mut member = MemberSnapshot::unknown(name.as_str(), "http://127.0.0.1:2379");
            member.id = Some(member_id(name));
            snapshot.members.push(member);
            snapshot.findings.extend(finding(name, *says, self.now()));
        }
        snapshot.member_count = Some(u32::try_from(snapshot.members.len()).unwrap());
        snapshot
    }

    fn keep(&mut self, told: Vec<Notification>) {
        let second = self.second;
        self.told.extend(told.into_iter().map(|n| (second, n)));
    }

    /// What was told, one line each.
    pub(crate) fn told_lines(&self) -> String {
        let line = |(second, told): &(u64, Notification)| {
            let alert = told.worst().unwrap();
            let end = match alert.resolve_reason {
                Some(reason) => reason.as_str(),
                None => alert.severity.as_str(),
            };
            format!(
                "{second} {} {} {end}\n",
                alert.subject.name,
                told.kind.as_str()
            )
        };
        self.told.iter().map(line).collect()
    }
}

pub(crate) fn start() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

pub(crate) fn cluster() -> ClusterName {
    ClusterName::new("prod")
}

pub(crate) fn empty_snapshot(cycle: u64, at: Timestamp) -> Snapshot {
    let monitor = MonitorCondition {
        timer_lag_seconds: 0.0,
        deadline_seconds: 2.0,
    };
    let mut snapshot = Snapshot::empty(cluster(), at, monitor);
    snapshot.cycle = cycle;
    snapshot.interval_seconds = 5.0;
    snapshot
}

pub(crate) fn member_id(name: &str) -> MemberId {
    MemberId(name.bytes().fold(0, |id, byte| (id << 8) | u64::from(byte)))
}

pub(crate) fn finding(name: &str, says: Says, at: Timestamp) -> Option<Finding> {
    let severity = match says {
        Says::True(severity) => severity,
        // What explains it usually makes it worse too.
        Says::Explained => Severity::Critical,
        _ => Severity::Warning,
    };
    let subject = Subject::member(name, Some(member_id(name)));
    let rule = "MemberDown";
    let mut finding = Finding::new(rule, AlertType::Member, severity, &cluster(), subject, at);
    finding.cause = format!("{name} refuses connections");
    finding.action = format!("start etcd on {name}");
    finding.evidence = vec![Evidence {
        source: "Status".to_owned(),
        value: "connection refused".to_owned(),
        at,
    }];
    finding.status = match says {
        Says::True(_) | Says::Explained => FindingStatus::True,
        Says::False => FindingStatus::False,
        Says::Unknown => FindingStatus::Unknown {
            unknown_reason: "monitor late".to_owned(),
            unknown_class: etcd_monitor_model::UnknownClass::MonitorLate,
        },
        Says::Gone | Says::Missing => return None,
    };
    if says == Says::Explained {
        finding.caused_by = Some(FindingKey {
            rule: "ClusterUnreachable".to_owned(),
            subject: "cluster:prod".to_owned(),
        });
    }
    Some(finding)
}

fn signed(seconds: i64) -> jiff::SignedDuration {
    jiff::SignedDuration::from_secs(seconds)
}
