//! Runs an engine as the driver does: a snapshot every 5 s, and a tick at each deadline in between.

#![allow(
    dead_code,
    reason = "each test binary that includes the module uses a part of it"
)]

use std::collections::BTreeMap;
use std::time::Duration;

use etcd_monitor_alerting::{
    Acknowledgement, Alert, AlertEngine, AlertPolicy, Fingerprint, Matcher, Mutes, Notification,
    ResolveReason, Silence, StateRow,
};
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
    pub(crate) policy: AlertPolicy,
    pub(crate) mutes: Mutes,
    /// What a store would hold.
    pub(crate) rows: BTreeMap<String, Vec<u8>>,
    /// Seconds that have really passed.
    pub(crate) second: u64,
    /// What the wall clock shows more (or less) than that, in seconds.
    pub(crate) clock_error: i64,
    /// What the findings say, by rule and member.
    says: BTreeMap<(String, String), (Says, Timestamp)>,
    /// False while the monitor makes no snapshots.
    pub(crate) probing: bool,
    /// False while the whole process stands still.
    pub(crate) running: bool,
    pub(crate) told: Vec<(u64, Notification)>,
    latest: Option<Snapshot>,
    cycle: u64,
}

impl World {
    /// A world with the default rules, whose alerts all go to one channel.
    pub(crate) fn new() -> Self {
        Self::with(AlertPolicy::to_channels(["pager"]))
    }

    pub(crate) fn with(policy: AlertPolicy) -> Self {
        Self {
            engine: AlertEngine::new(policy.clone()),
            policy,
            mutes: Mutes::default(),
            rows: BTreeMap::new(),
            second: 0,
            clock_error: 0,
            says: BTreeMap::new(),
            probing: true,
            running: true,
            told: Vec::new(),
            latest: None,
            cycle: 0,
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        let second = i64::try_from(self.second).unwrap();
        start() + Duration::from_hours(24) + signed(second + self.clock_error)
    }

    /// Says something of a member by the finding `rule`.
    pub(crate) fn say(&mut self, rule: &str, member: &str, says: Says) {
        let now = self.now();
        let key = (rule.to_owned(), member.to_owned());
        let is_true = |says| matches!(says, Says::True(_) | Says::Explained);
        let before = self.says.get(&key);
        let since = match before {
            Some((before, since)) if is_true(*before) && is_true(says) => *since,
            _ => now,
        };
        self.says.insert(key, (says, since));
    }

    pub(crate) fn says(&self, rule: &str, member: &str) -> Says {
        self.says[&(rule.to_owned(), member.to_owned())].0
    }

    /// Lets one second pass.
    pub(crate) fn step(&mut self) {
        if self.running {
            if self.probing && self.second.is_multiple_of(INTERVAL) {
                self.cycle += 1;
                let snapshot = self.snapshot();
                let told = self.engine.observe(&snapshot, self.now());
                self.latest = Some(snapshot);
                self.keep(told);
            }
            self.tick_if_due();
        }
        self.second += 1;
    }

    fn tick_if_due(&mut self) {
        let due = self.engine.next_deadline();
        if due.is_some_and(|at| at <= self.now()) {
            self.tick();
            let next = self.engine.next_deadline();
            assert!(next.is_none_or(|at| at > self.now()), "what is due is done");
        }
    }

    /// Asks the engine what is due, as on any occasion.
    pub(crate) fn tick(&mut self) {
        let told = self.engine.tick(self.now());
        self.keep(told);
    }

    pub(crate) fn run_until(&mut self, second: u64) {
        while self.second < second {
            self.step();
        }
    }

    /// Ends the process and starts another one at once, on what was kept.
    pub(crate) fn restart(&mut self) {
        self.tick();
        self.engine = AlertEngine::restore(self.policy.clone(), self.kept(), self.now()).unwrap();
        let told = match &self.latest {
            Some(latest) => self.engine.observe(latest, self.now()),
            None => self.engine.tick(self.now()),
        };
        self.keep(told);
    }

    /// What the store holds.
    pub(crate) fn kept(&self) -> Vec<StateRow> {
        let row = |(key, value): (&String, &Vec<u8>)| StateRow {
            key: key.clone(),
            value: Some(value.clone()),
        };
        self.rows.iter().map(row).collect()
    }

    pub(crate) fn set_policy(&mut self, policy: AlertPolicy) {
        self.policy = policy.clone();
        let told = self.engine.set_policy(policy, self.now());
        self.keep(told);
    }

    /// Silences what these matchers fit for some seconds from now on.
    pub(crate) fn silence(&mut self, matchers: &[&str], seconds: u64) {
        let parse = |text: &&str| Matcher::parse(text).unwrap();
        let matchers = matchers.iter().map(parse).collect();
        let ends_at = self.now() + Duration::from_secs(seconds);
        let mut silence = Silence::new(matchers, self.now(), ends_at, "eve", "upgrade").unwrap();
        silence.id = format!("{:016x}", self.mutes.silences.len());
        self.mutes.silences.push(silence);
        self.apply_mutes();
    }

    pub(crate) fn acknowledge(&mut self, rule: &str, member: &str) {
        let said = Acknowledgement {
            by: "eve".to_owned(),
            at: self.now(),
            comment: String::new(),
        };
        let id = fingerprint(rule, member);
        self.mutes.acknowledgements.insert(id, said);
        self.apply_mutes();
    }

    pub(crate) fn apply_mutes(&mut self) {
        let told = self.engine.set_mutes(self.mutes.clone(), self.now());
        self.keep(told);
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        let mut snapshot = empty_snapshot(self.cycle, self.now());
        for ((rule, name), (says, since)) in &self.says {
            let is_listed = snapshot.members.iter().any(|it| it.name == *name);
            if *says != Says::Gone && !is_listed {
                let mut member = MemberSnapshot::unknown(name.as_str(), "http://127.0.0.1:2379");
                member.id = Some(member_id(name));
                snapshot.members.push(member);
            }
            let finding = finding_of(rule, name, *says, self.now());
            let finding = finding.map(|mut it| {
                it.since = *since;
                it
            });
            snapshot.findings.extend(finding);
        }
        snapshot.member_count = Some(u32::try_from(snapshot.members.len()).unwrap());
        snapshot
    }

    pub(crate) fn keep(&mut self, told: Vec<Notification>) {
        let second = self.second;
        self.told.extend(told.into_iter().map(|n| (second, n)));
        for row in self.engine.take_changes() {
            match row.value {
                Some(value) => self.rows.insert(row.key, value),
                None => self.rows.remove(&row.key),
            };
        }
    }

    /// What was told, one line each: `SECOND [CHANNEL] KIND SEVERITY`, what fires, and what is over after a `-`.
    pub(crate) fn told_lines(&self) -> String {
        let line = |(second, told): &(u64, Notification)| {
            let mut words = vec![second.to_string()];
            if told.channel != "pager" {
                words.push(told.channel.clone());
            }
            words.push(told.kind.as_str().to_owned());
            words.push(told.severity.as_str().to_owned());
            words.extend(told.firing.iter().map(name));
            words.extend(
                told.resolved
                    .iter()
                    .map(|alert| format!("-{}", name(alert))),
            );
            words.join(" ") + "\n"
        };
        self.told.iter().map(line).collect()
    }
}

/// The alert's subject, with the rule where it is not the usual one, and the reason where it is not the usual one.
fn name(alert: &Alert) -> String {
    let rule = match alert.rule.as_str() {
        "MemberDown" => String::new(),
        other => format!("{other}/"),
    };
    let reason = match alert.resolve_reason {
        Some(ResolveReason::Removed) => ":removed",
        _ => "",
    };
    format!("{rule}{}{reason}", alert.subject.name)
}

pub(crate) fn start() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

pub(crate) fn cluster() -> ClusterName {
    ClusterName::new("prod")
}

pub(crate) fn fingerprint(rule: &str, member: &str) -> Fingerprint {
    Fingerprint::new(&cluster(), rule, &subject(member))
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

fn subject(member: &str) -> Subject {
    Subject::member(member, Some(member_id(member)))
}

/// What `MemberDown` says of a member.
pub(crate) fn finding(name: &str, says: Says, at: Timestamp) -> Option<Finding> {
    finding_of("MemberDown", name, says, at)
}

pub(crate) fn finding_of(rule: &str, name: &str, says: Says, at: Timestamp) -> Option<Finding> {
    let severity = match says {
        Says::True(severity) => severity,
        // What explains it usually makes it worse too.
        Says::Explained => Severity::Critical,
        _ => Severity::Warning,
    };
    let cluster = cluster();
    let mut finding = Finding::new(
        rule,
        AlertType::Member,
        severity,
        &cluster,
        subject(name),
        at,
    );
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
