//! The snapshots of what is written for a test.

use std::collections::BTreeMap;

use etcd_monitor_model::{
    ClusterName, Finding, FindingKey, FindingStatus, LinkSnapshot, MemberId, MemberSnapshot,
    MonitorCondition, Sample, SampleBatch, SampledMember, Snapshot, Subject, UnknownClass,
};
use jiff::Timestamp;

use super::notation::TestStatus;
use super::{WrittenFinding, WrittenInput, WrittenSubject};

/// What is written, by its clusters.
pub(super) struct World<'a> {
    input: &'a WrittenInput,
    /// The members of each cluster, by their names. Every name that is written is one.
    clusters: BTreeMap<&'a ClusterName, BTreeMap<&'a str, MemberId>>,
}

/// What one cycle of one cluster sees.
pub(super) struct Seen {
    pub(super) snapshot: Snapshot,
    pub(super) samples: Vec<SampleBatch>,
}

impl<'a> World<'a> {
    pub(super) fn of(input: &'a WrittenInput) -> Self {
        let series = input.series.iter().map(|it| (&it.cluster, &it.subject));
        let findings = input.findings.iter().map(|it| (&it.cluster, &it.subject));
        let mut clusters: BTreeMap<&ClusterName, BTreeMap<&str, MemberId>> = BTreeMap::new();
        for (cluster, subject) in series.chain(findings) {
            let members = clusters.entry(cluster).or_default();
            for name in names(subject) {
                let next = MemberId(members.len() as u64 + 1);
                members.entry(name).or_insert(next);
            }
        }
        Self { input, clusters }
    }

    /// What each cluster sees in a cycle, counted from 0.
    pub(super) fn cycle(&self, cycle: usize, at: Timestamp) -> Vec<Seen> {
        let see = |cluster: &&ClusterName| Seen {
            snapshot: self.snapshot(cluster, cycle, at),
            samples: self.samples(cluster, cycle, at),
        };
        self.clusters.keys().map(see).collect()
    }

    fn snapshot(&self, cluster: &ClusterName, cycle: usize, at: Timestamp) -> Snapshot {
        let interval = self.input.interval.as_secs_f64();
        let monitor = MonitorCondition {
            timer_lag_seconds: 0.0,
            deadline_seconds: interval,
        };
        let mut snapshot = Snapshot::empty(cluster.clone(), at, monitor);
        snapshot.cycle = cycle as u64 + 1;
        snapshot.interval_seconds = interval;
        snapshot.last_answer_at = Some(at);
        snapshot.members = self.members(cluster, at);
        snapshot.member_count = u32::try_from(snapshot.members.len()).ok();
        snapshot.links = self.links(cluster);
        snapshot.findings = self.findings(cluster, cycle);
        snapshot
    }

    fn members(&self, cluster: &ClusterName, at: Timestamp) -> Vec<MemberSnapshot> {
        let members = self.clusters[cluster].iter();
        let member = |(name, id): (&&str, &MemberId)| {
            let mut member = MemberSnapshot::unknown(*name, "");
            member.id = Some(*id);
            member.last_answer_at = Some(at);
            member
        };
        members.map(member).collect()
    }

    fn links(&self, cluster: &ClusterName) -> Vec<LinkSnapshot> {
        let members = &self.clusters[cluster];
        let series = self.input.series.iter().filter(|it| it.cluster == *cluster);
        let mut ends: Vec<(&str, &str)> = series
            .filter_map(|it| match &it.subject {
                WrittenSubject::Link(from, to) => Some((from.as_str(), to.as_str())),
                _ => None,
            })
            .collect();
        ends.sort_unstable();
        ends.dedup();
        let link = |(from, to): (&str, &str)| {
            let mut link = LinkSnapshot::unknown(members[from], members[to], "a test");
            (link.from_name, link.to_name) = (from.to_owned(), to.to_owned());
            link
        };
        ends.into_iter().map(link).collect()
    }

    fn findings(&self, cluster: &ClusterName, cycle: usize) -> Vec<Finding> {
        let written = self.input.findings.iter();
        let here: Vec<_> = written.filter(|it| it.cluster == *cluster).collect();
        let true_now = |rule: &str| here.iter().find(|it| it.rule == rule && it.is_true(cycle));
        let finding = |written: &&WrittenFinding| {
            let mut finding = self.finding(written, cycle)?;
            let cause = written.caused_by.and_then(true_now);
            finding.caused_by = cause.map(|cause| FindingKey {
                rule: cause.rule.to_owned(),
                subject: self.subject(cluster, &cause.subject).key(),
            });
            Some(finding)
        };
        here.iter().filter_map(finding).collect()
    }

    /// `None` where it is not there.
    fn finding(&self, written: &WrittenFinding, cycle: usize) -> Option<Finding> {
        let status = match written.status(cycle) {
            TestStatus::True => FindingStatus::True,
            TestStatus::False => FindingStatus::False,
            TestStatus::Unknown => FindingStatus::unknown(UnknownClass::Other, "a test says so"),
            TestStatus::Missing => return None,
        };
        let since = self.input.interval * u32::try_from(written.since(cycle)).ok()?;
        let mut finding = Finding::new(
            written.rule,
            written.alert_type,
            written.severity,
            &written.cluster,
            self.subject(&written.cluster, &written.subject),
            self.input.start.checked_add(since).ok()?,
        );
        if status.is_true() {
            "A test says so".clone_into(&mut finding.cause);
        }
        finding.status = status;
        Some(finding)
    }

    fn subject(&self, cluster: &ClusterName, subject: &WrittenSubject) -> Subject {
        match subject {
            WrittenSubject::Cluster => Subject::cluster(cluster),
            WrittenSubject::Monitor => Subject::monitor(),
            WrittenSubject::Member(name) => {
                let id = self.clusters[cluster].get(name.as_str()).copied();
                Subject::member(name, id)
            }
            WrittenSubject::Link(from, to) => Subject::link(format!("{from} -> {to}")),
        }
    }

    /// The samples of a cycle, one batch for each series.
    fn samples(&self, cluster: &ClusterName, cycle: usize, at: Timestamp) -> Vec<SampleBatch> {
        let members = &self.clusters[cluster];
        let series = self.input.series.iter().filter(|it| it.cluster == *cluster);
        let batch = |written: &super::WrittenSeries| {
            let value = (*written.values.get(cycle)?)?;
            let (member, peer) = match &written.subject {
                WrittenSubject::Member(name) => (Some(name), None),
                WrittenSubject::Link(from, to) => {
                    // Who says it is the one with which the sample stands.
                    let ends = written.metric.link_ends(members[&**from], members[&**to]);
                    let swapped = ends.0 != members[&**from];
                    let (by, other) = if swapped { (to, from) } else { (from, to) };
                    (Some(by), Some(members[&**other]))
                }
                WrittenSubject::Cluster | WrittenSubject::Monitor => (None, None),
            };
            Some(SampleBatch {
                cluster: cluster.clone(),
                member: member.map(|name| SampledMember {
                    id: members[&**name],
                    name: name.clone(),
                }),
                at,
                samples: vec![Sample {
                    metric: written.metric.name.into(),
                    peer,
                    value,
                }],
            })
        };
        series.filter_map(batch).collect()
    }
}

/// The members that a subject names.
fn names(subject: &WrittenSubject) -> Vec<&str> {
    match subject {
        WrittenSubject::Member(name) => vec![name],
        WrittenSubject::Link(from, to) => vec![from, to],
        WrittenSubject::Cluster | WrittenSubject::Monitor => Vec::new(),
    }
}

impl WrittenFinding {
    /// The status in a cycle: the last one goes on.
    fn status(&self, cycle: usize) -> TestStatus {
        let status = self.statuses.get(cycle).or(self.statuses.last());
        status.copied().unwrap_or(TestStatus::Missing)
    }

    fn is_true(&self, cycle: usize) -> bool {
        self.status(cycle) == TestStatus::True
    }

    /// The cycle since which the status has been what it is in this one.
    fn since(&self, cycle: usize) -> usize {
        let last = cycle.min(self.statuses.len().saturating_sub(1));
        let status = self.status(last);
        let before = self.statuses[..last].iter();
        let changed = before.rev().position(|earlier| *earlier != status);
        changed.map_or(0, |back| last - back)
    }
}
