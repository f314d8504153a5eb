//! A small cluster made by hand, and a monitor that watches it.

use std::fmt::Write as _;

use etcd_monitor_model::{
    CanaryReading, Certificate, ClockReading, ClusterId, ClusterName, EndpointOrigin, FailureKind,
    Finding, HashRound, ListedMember, MemberId, MemberObservation, MemberStatus, MembershipView,
    MetricsPage, MonitorCondition, Observation, PortKind, PortTrust, Probe, ProbeFailure,
    ReadAnswer, Snapshot, TrustReport,
};
use jiff::{Timestamp, ToSpan};

use crate::assess::{AssessState, Parameters, assess};

pub(super) const CLUSTER: ClusterId = ClusterId(0xc1);
pub(super) const MIB: i64 = 1 << 20;

/// What one cycle sees. Members are numbered from 1, named `n1`, … and at `http://n1:2379`, …; `n1` leads in term 2.
#[derive(Debug, Clone)]
pub(super) struct Scene {
    pub(super) members: Vec<MemberObservation>,
    pub(super) lag_seconds: f64,
    pub(super) own_certificates: Option<Probe<Vec<Certificate>>>,
    pub(super) canary: Option<CanaryReading>,
    pub(super) hashes: Option<HashRound>,
}

pub(super) fn id(member: usize) -> MemberId {
    MemberId(0xa0 + member as u64)
}

pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "an observation holds each part as an option"
)]
pub(super) fn ok<T>(answer: T) -> Option<Probe<T>> {
    Some(Probe {
        at: at(0),
        took_seconds: 0.002,
        result: Ok(answer),
    })
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "an observation holds each part as an option"
)]
pub(super) fn failed<T>(kind: FailureKind) -> Option<Probe<T>> {
    Some(Probe {
        at: at(0),
        took_seconds: 0.1,
        result: Err(ProbeFailure {
            kind,
            message: format!("{kind:?}"),
        }),
    })
}

/// `n1` to `n{members}`, all voters.
pub(super) fn list(members: usize) -> MembershipView {
    let listed = |member| ListedMember {
        id: id(member),
        name: format!("n{member}"),
        client_urls: vec![format!("http://n{member}:2379")],
        peer_urls: vec![format!("http://n{member}:2380")],
        is_learner: false,
    };
    MembershipView {
        cluster_id: CLUSTER,
        members: (1..=members).map(listed).collect(),
    }
}

fn status(member: usize) -> MemberStatus {
    MemberStatus {
        cluster_id: CLUSTER,
        member_id: id(member),
        revision: 7,
        raft_term: 2,
        raft_index: 20,
        raft_applied_index: Some(20),
        leader: Some(id(1)),
        is_learner: false,
        version: "3.7.3".to_owned(),
        db_size_bytes: 20 * MIB,
        db_size_in_use_bytes: 10 * MIB,
        db_quota_bytes: Some(100 * MIB),
        storage_version: Some("3.7.0".to_owned()),
        downgrade_target: None,
        errors: Vec::new(),
    }
}

pub(super) fn page(text: &str) -> MetricsPage {
    crate::read_metrics_page(text.as_bytes())
}

/// A port without TLS, which shows no certificate.
fn plain_port(member: usize) -> PortTrust {
    PortTrust {
        kind: PortKind::Client,
        url: format!("http://n{member}:2379"),
        advertised: true,
        handshake: None,
    }
}

fn healthy(member: usize, members: usize) -> MemberObservation {
    MemberObservation {
        endpoint: format!("http://n{member}:2379"),
        origin: if member == 1 {
            EndpointOrigin::Configured
        } else {
            EndpointOrigin::Discovered
        },
        expected_member: Some(id(member)),
        status: ok(status(member)),
        members_serializable: ok(list(members)),
        members_linearizable: ok(list(members)),
        alarms: ok(Vec::new()),
        read_linearizable: ok(ReadAnswer { revision: Some(7) }),
        read_serializable: None,
        metrics: ok(page("etcd_server_quota_backend_bytes 104857600\n")),
        clock: Some(ClockReading {
            sent_at: at(0),
            answered_after_seconds: 0.002,
            date: at(0),
        }),
        trust: Some(TrustReport {
            ports: vec![plain_port(member)],
        }),
        metrics_url: Some(format!("http://n{member}:2379/metrics")),
    }
}

impl Scene {
    /// So many voters, all well.
    pub(super) fn of(members: usize) -> Self {
        Self {
            members: (1..=members)
                .map(|member| healthy(member, members))
                .collect(),
            lag_seconds: 0.0,
            own_certificates: ok(Vec::new()),
            canary: None,
            hashes: None,
        }
    }

    pub(super) fn edit(
        mut self,
        member: usize,
        change: impl FnOnce(&mut MemberObservation),
    ) -> Self {
        change(&mut self.members[member - 1]);
        self
    }

    pub(super) fn each(self, change: impl Fn(&mut MemberObservation)) -> Self {
        (1..=self.members.len()).fold(self, |scene, member| scene.edit(member, &change))
    }

    /// Changes the status of a member that answers one.
    pub(super) fn status(self, member: usize, change: impl FnOnce(&mut MemberStatus)) -> Self {
        self.edit(member, |seen| {
            if let Some(Ok(status)) = seen.status.as_mut().map(|probe| probe.result.as_mut()) {
                change(status);
            }
        })
    }

    /// Every call to the member fails in this way.
    pub(super) fn fails(self, member: usize, kind: FailureKind) -> Self {
        self.edit(member, |seen| {
            seen.status = failed(kind);
            seen.members_serializable = failed(kind);
            seen.members_linearizable = failed(kind);
            seen.alarms = failed(kind);
            seen.read_linearizable = failed(kind);
            seen.read_serializable = failed(kind);
            seen.metrics = failed(kind);
        })
    }

    pub(super) fn all_fail(self, kind: FailureKind) -> Self {
        (1..=self.members.len()).fold(self, |scene, member| scene.fails(member, kind))
    }

    /// What needs a quorum times out on whoever answers.
    pub(super) fn without_quorum_reads(self) -> Self {
        self.each(|seen| {
            if seen
                .status
                .as_ref()
                .is_some_and(|probe| probe.ok().is_some())
            {
                seen.read_linearizable = failed(FailureKind::TimedOut);
                seen.read_serializable = ok(ReadAnswer { revision: Some(7) });
                seen.members_linearizable = failed(FailureKind::TimedOut);
            }
        })
    }

    pub(super) fn led_by(self, leader: Option<usize>, term: u64) -> Self {
        let follow = |scene: Self, member| {
            scene.status(member, |status| {
                status.leader = leader.map(id);
                status.raft_term = term;
            })
        };
        (1..=self.members.len()).fold(self, follow)
    }

    /// Makes the last member a learner, everywhere.
    pub(super) fn last_is_learner(self) -> Self {
        let last = self.members.len();
        let listed = move |list: &mut Option<Probe<MembershipView>>| {
            if let Some(Ok(list)) = list.as_mut().map(|probe| probe.result.as_mut()) {
                list.members[last - 1].is_learner = true;
            }
        };
        self.each(|seen| {
            listed(&mut seen.members_serializable);
            listed(&mut seen.members_linearizable);
        })
        .status(last, |status| status.is_learner = true)
        .edit(last, |seen| {
            seen.read_linearizable = failed(FailureKind::NotSupported);
            seen.read_serializable = ok(ReadAnswer { revision: Some(7) });
        })
    }

    /// The member's page holds this and nothing else.
    pub(super) fn page(self, member: usize, text: &str) -> Self {
        self.edit(member, |seen| seen.metrics = ok(page(text)))
    }

    pub(super) fn late(mut self) -> Self {
        self.lag_seconds = 30.0;
        self
    }
}

/// A monitor that looks every 5 s, unless told otherwise.
#[derive(Debug, Clone)]
pub(super) struct Watch {
    pub(super) state: AssessState,
    pub(super) second: i64,
    pub(super) interval: i64,
    cycle: u64,
}

impl Default for Watch {
    fn default() -> Self {
        Self {
            state: AssessState::default(),
            second: 0,
            interval: 5,
            cycle: 0,
        }
    }
}

impl Watch {
    pub(super) fn observation(&self, scene: Scene) -> Observation {
        Observation {
            cluster: ClusterName::new("test"),
            cycle: self.cycle,
            started_at: at(self.second) - 100.milliseconds(),
            ended_at: at(self.second),
            interval_seconds: self.interval as f64,
            monitor: MonitorCondition {
                timer_lag_seconds: scene.lag_seconds,
                deadline_seconds: 2.0,
            },
            members: scene.members,
            own_certificates: scene.own_certificates,
            canary: scene.canary,
            hashes: scene.hashes,
        }
    }

    pub(super) fn see(&mut self, scene: Scene) -> Snapshot {
        self.second += self.interval;
        self.cycle += 1;
        let observation = self.observation(scene);
        assess(&mut self.state, &observation, &Parameters::default())
    }

    /// A monitor that has seen a healthy cluster of this size for one cycle.
    pub(super) fn after_healthy(members: usize) -> Self {
        let mut watch = Self::default();
        watch.see(Scene::of(members));
        watch
    }
}

/// What the monitor says of a scene after it has seen the cluster healthy.
pub(super) fn after_healthy(scene: Scene) -> Snapshot {
    Watch::after_healthy(scene.members.len()).see(scene)
}

/// What the monitor says when this is the first thing it sees.
pub(super) fn at_first_sight(scene: Scene) -> Snapshot {
    Watch::default().see(scene)
}

/// `Rule subject`, one per line, of the findings that are true and unexplained, worst first.
pub(super) fn roots(snapshot: &Snapshot) -> String {
    named(snapshot, Finding::is_root)
}

/// The same of the findings that another one explains.
pub(super) fn explained(snapshot: &Snapshot) -> String {
    named(snapshot, |finding| {
        finding.status.is_true() && finding.caused_by.is_some()
    })
}

fn named(snapshot: &Snapshot, wanted: impl Fn(&Finding) -> bool) -> String {
    let mut names = String::new();
    for finding in snapshot.findings.iter().filter(|finding| wanted(finding)) {
        let separator = if names.is_empty() { "" } else { ", " };
        write!(
            names,
            "{separator}{} {}",
            finding.rule, finding.subject.name
        )
        .unwrap();
    }
    names
}

/// The only finding of a rule about a subject.
pub(super) fn finding<'a>(snapshot: &'a Snapshot, rule: &str, subject: &str) -> &'a Finding {
    let mut found = snapshot
        .findings
        .iter()
        .filter(|finding| finding.rule == rule && finding.subject.name == subject);
    let first = found.next();
    assert!(found.next().is_none(), "{rule} of {subject} stands twice");
    first.unwrap_or_else(|| panic!("{rule} of {subject} was not evaluated"))
}

/// The status of every finding of a rule, if they agree.
pub(super) fn status_of(snapshot: &Snapshot, rule: &str) -> &'static str {
    let mut words: Vec<&str> = snapshot
        .findings
        .iter()
        .filter(|finding| finding.rule == rule)
        .map(|finding| finding.status.as_str())
        .collect();
    words.dedup();
    match words.as_slice() {
        ["true"] => "true",
        ["false"] => "false",
        ["unknown"] => "unknown",
        other => panic!("{rule} is {other:?}"),
    }
}
