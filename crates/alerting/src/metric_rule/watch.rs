//! Rules over numbers, held against every snapshot.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use etcd_monitor_model::{
    ClusterName, Evidence, Finding, FindingStatus, LinkSnapshot, MemberId, Metric, MetricScope,
    Sample, SampleBatch, Snapshot, Subject, UnknownClass, metric_catalogue, plain_text, samples,
};
use jiff::Timestamp;

use super::series::{Aggregated, Series};
use super::{Aggregate, MetricRule, in_words, quantity};
use crate::matcher::Matcher;

/// Pairs of rule and subject that are followed: twenty rules over 150 members and a few more. With windows of an hour
/// at the default interval they take 170 MB; with those of 5 min, 15 MB.
const FOLLOWED_MAX: usize = 10_000;

/// Turns snapshots into findings, by rules over numbers.
///
/// Keeps the samples of the metrics that its rules use, as far as their windows reach, and nothing else.
#[derive(Debug, Default)]
pub struct MetricRules {
    rules: Vec<MetricRule>,
    clusters: BTreeMap<ClusterName, Followed>,
}

/// What is followed of one cluster.
#[derive(Debug, Default)]
struct Followed {
    /// Cycle and end of the snapshot that was seen last.
    latest: Option<(u64, Timestamp)>,
    /// By the names of the rules.
    by_rule: BTreeMap<String, BTreeMap<SubjectKey, Watched>>,
    /// What there is no room for, by the same names.
    refused: Vec<(String, Subject)>,
}

/// What a subject is found by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum SubjectKey {
    Cluster,
    Member(MemberId),
    /// From, to.
    Link(MemberId, MemberId),
}

/// One number of one subject, as one rule sees it.
#[derive(Debug)]
struct Watched {
    subject: Subject,
    series: Series,
    /// The status in one word, and since when it is that.
    status: Option<(&'static str, Timestamp)>,
}

impl MetricRules {
    /// Rules that have seen nothing yet. Of several with one name the first counts.
    pub fn new(rules: &[MetricRule]) -> Self {
        let mut names = BTreeSet::new();
        let first = rules.iter().filter(|rule| names.insert(rule.name()));
        Self {
            rules: first.cloned().collect(),
            clusters: BTreeMap::new(),
        }
    }

    /// Puts other rules in the place of these. What those that stay have seen is kept.
    pub fn set_rules(&mut self, rules: &[MetricRule]) {
        let next = Self::new(rules).rules;
        let before = std::mem::replace(&mut self.rules, next);
        let stays = |name: &str| {
            before
                .iter()
                .any(|it| it.name() == name && self.rules.contains(it))
        };
        for followed in self.clusters.values_mut() {
            followed.by_rule.retain(|name, _| stays(name));
        }
    }

    /// Forgets a cluster.
    pub fn remove_cluster(&mut self, cluster: &ClusterName) {
        self.clusters.remove(cluster);
    }

    /// One finding for each rule and subject: a cluster, member or link that has the metric.
    ///
    /// It is unknown while the window is not half filled, when the samples have stopped, and while the number was never
    /// seen. A subject that left the agreed member list has none any more. A snapshot that was seen before changes
    /// nothing, and one from before the first cycle (`cycle` 0) says nothing.
    pub fn observe(&mut self, snapshot: &Snapshot) -> Vec<Finding> {
        self.observe_samples(snapshot, || samples(snapshot))
    }

    /// The same, with samples that stand for those of the snapshot.
    pub(crate) fn observe_samples(
        &mut self,
        snapshot: &Snapshot,
        samples: impl FnOnce() -> Vec<SampleBatch>,
    ) -> Vec<Finding> {
        if self.rules.is_empty() || snapshot.cycle == 0 {
            return Vec::new();
        }
        let all: usize = self.clusters.values().map(Followed::len).sum();
        let followed = self.clusters.entry(snapshot.cluster.clone()).or_default();
        let room = FOLLOWED_MAX.saturating_sub(all - followed.len());
        let latest = (snapshot.cycle, snapshot.at);
        if followed.latest.replace(latest) != Some(latest) {
            followed.settle(&self.rules, snapshot, room);
            followed.take(&self.rules, snapshot.at, samples());
        }
        let of_rule = |rule| followed.findings(rule, snapshot);
        self.rules.iter().flat_map(of_rule).collect()
    }
}

impl Followed {
    fn len(&self) -> usize {
        self.by_rule.values().map(BTreeMap::len).sum()
    }

    /// Follows the subjects that there are, and no others. While the members are not known, those from before stay.
    fn settle(&mut self, rules: &[MetricRule], snapshot: &Snapshot, room: usize) {
        self.refused.clear();
        for rule in rules {
            let there = subjects(rule, snapshot);
            if snapshot.member_count.is_some() {
                let watched = self.by_rule.entry(rule.name().to_owned()).or_default();
                let known: BTreeSet<_> = there.iter().map(|(key, _)| *key).collect();
                watched.retain(|key, _| known.contains(key));
            }
            for (key, subject) in there {
                self.follow(rule, key, subject, room);
            }
        }
    }

    fn follow(&mut self, rule: &MetricRule, key: SubjectKey, subject: Subject, room: usize) {
        let full = self.len() >= room;
        let watched = self.by_rule.entry(rule.name().to_owned()).or_default();
        if let Some(watched) = watched.get_mut(&key) {
            watched.subject = subject;
        } else if full {
            self.refused.push((rule.name().to_owned(), subject));
        } else {
            watched.insert(key, Watched::new(subject));
        }
    }

    /// Takes the samples of a snapshot, and lets those go that have left their windows.
    fn take(&mut self, rules: &[MetricRule], at: Timestamp, samples: Vec<SampleBatch>) {
        let values = values(rules, samples);
        for rule in rules {
            let Some(watched) = self.by_rule.get_mut(rule.name()) else {
                continue;
            };
            for (key, value) in values.get(rule.metric).into_iter().flatten() {
                if let Some(watched) = watched.get_mut(key) {
                    watched.push(rule, at, *value);
                }
            }
            for watched in watched.values_mut() {
                watched.series.trim(at, rule.window);
            }
        }
    }

    fn findings(&mut self, rule: &MetricRule, snapshot: &Snapshot) -> Vec<Finding> {
        let watched = self.by_rule.get_mut(rule.name()).into_iter().flatten();
        let watched = watched.map(|(_, watched)| watched.finding(rule, snapshot));
        let refused = self.refused.iter().filter(|(name, _)| *name == rule.name());
        let refused = refused.map(|(_, subject)| no_room(rule, subject, snapshot));
        watched.chain(refused).collect()
    }
}

impl Watched {
    fn new(subject: Subject) -> Self {
        Self {
            subject,
            series: Series::default(),
            status: None,
        }
    }

    fn push(&mut self, rule: &MetricRule, at: Timestamp, value: f64) {
        self.series.push(at, value, rule.window, rule.aggregate);
    }

    fn finding(&mut self, rule: &MetricRule, snapshot: &Snapshot) -> Finding {
        let interval = Duration::try_from_secs_f64(snapshot.interval_seconds).unwrap_or_default();
        let series = &self.series;
        let aggregated = series.aggregated(snapshot.at, interval, rule.window, rule.aggregate);
        let status = rule.status(aggregated.as_ref());
        let since = self.since(&status, snapshot.at);
        let mut finding = rule.finding(snapshot, self.subject.clone(), status, since);
        if let Ok(aggregated) = aggregated {
            finding.evidence = vec![rule.evidence(aggregated)];
            if finding.status.is_true() {
                finding.cause = rule.cause(&self.subject, aggregated);
                finding.action = rule.action(&self.subject);
            }
        }
        finding
    }

    fn since(&mut self, status: &FindingStatus, now: Timestamp) -> Timestamp {
        let word = status.as_str();
        let kept = self.status.filter(|(before, _)| *before == word);
        // A clock that was set back would be "since" a time to come.
        let since = kept.map_or(now, |(_, since)| since.min(now));
        self.status = Some((word, since));
        since
    }
}

/// What is said of a subject that is not followed.
fn no_room(rule: &MetricRule, subject: &Subject, snapshot: &Snapshot) -> Finding {
    let reason = format!(
        "rules over metrics follow {FOLLOWED_MAX} numbers at most, and this would be one more; let the rules say by matchers what they are about"
    );
    let status = FindingStatus::unknown(UnknownClass::NotConfigured, reason);
    rule.finding(snapshot, subject.clone(), status, snapshot.at)
}

impl MetricRule {
    fn finding(
        &self,
        snapshot: &Snapshot,
        subject: Subject,
        status: FindingStatus,
        since: Timestamp,
    ) -> Finding {
        let (name, cluster) = (self.name(), &snapshot.cluster);
        let mut finding = Finding::new(
            name,
            self.alert_type,
            self.severity,
            cluster,
            subject,
            since,
        );
        finding.status = status;
        finding
    }

    fn status(&self, aggregated: Result<&Aggregated, &String>) -> FindingStatus {
        match aggregated {
            Ok(it) if self.op.holds(it.value, self.value) => FindingStatus::True,
            Ok(_) => FindingStatus::False,
            Err(reason) => FindingStatus::unknown(
                UnknownClass::NotEnoughData,
                format!("{}: {reason}", self.metric),
            ),
        }
    }

    fn evidence(&self, aggregated: Aggregated) -> Evidence {
        let value = quantity::show(aggregated.value, self.unit);
        let value = match self.aggregate {
            Aggregate::Last => value,
            by => format!(
                "{value} ({by} over {}, {} samples)",
                in_words(self.window),
                aggregated.samples
            ),
        };
        Evidence {
            source: self.metric.to_owned(),
            value,
            at: aggregated.newest_at,
        }
    }

    fn cause(&self, subject: &Subject, aggregated: Aggregated) -> String {
        format!(
            "The {} of {} is {}, {} {}",
            self.quantity(),
            named(subject),
            quantity::show(aggregated.value, self.unit),
            self.op.in_words(),
            self.threshold()
        )
    }

    fn action(&self, subject: &Subject) -> String {
        format!(
            "Look at {} of {} in the history; the rule {} is one of the configuration's own",
            self.metric,
            named(subject),
            self.name()
        )
    }
}

/// `member m1`, `link m1 -> m2`, `cluster prod`.
fn named(subject: &Subject) -> String {
    format!("{} {}", subject.kind.as_str(), plain_text(&subject.name))
}

/// What a metric is of; a name can be there for several things.
fn scopes(metric: &str) -> impl Iterator<Item = &'static Metric> {
    metric_catalogue()
        .iter()
        .filter(move |it| it.name == metric)
}

/// The subjects of a rule that a snapshot knows of.
fn subjects(rule: &MetricRule, snapshot: &Snapshot) -> Vec<(SubjectKey, Subject)> {
    scopes(rule.metric)
        .flat_map(|metric| match metric.scope {
            MetricScope::Member => members(&rule.matchers, snapshot),
            MetricScope::Link | MetricScope::ReceivingLink => links(&rule.matchers, snapshot),
            _ => cluster(&rule.matchers, snapshot),
        })
        .collect()
}

fn cluster(matchers: &[Matcher], snapshot: &Snapshot) -> Vec<(SubjectKey, Subject)> {
    let name = &snapshot.cluster;
    let fits = fit(matchers, &[("cluster", name.as_str())]);
    let subject = || (SubjectKey::Cluster, Subject::cluster(name));
    fits.then(subject).into_iter().collect()
}

fn members(matchers: &[Matcher], snapshot: &Snapshot) -> Vec<(SubjectKey, Subject)> {
    let cluster = ("cluster", snapshot.cluster.as_str());
    let members = snapshot.members.iter();
    members
        .filter(|member| fit(matchers, &[cluster, ("member", &member.name)]))
        .filter_map(|member| {
            let id = member.id?;
            Some((
                SubjectKey::Member(id),
                Subject::member(&member.name, Some(id)),
            ))
        })
        .collect()
}

fn links(matchers: &[Matcher], snapshot: &Snapshot) -> Vec<(SubjectKey, Subject)> {
    let cluster = ("cluster", snapshot.cluster.as_str());
    let fits = |link: &&LinkSnapshot| {
        let ends = [
            ("from", link.from_name.as_str()),
            ("to", link.to_name.as_str()),
        ];
        fit(matchers, &[cluster, ends[0], ends[1]])
    };
    let links = snapshot.links.iter().filter(fits);
    links
        .map(|link| {
            (
                SubjectKey::Link(link.from, link.to),
                Subject::link(link.name()),
            )
        })
        .collect()
}

/// Whether labels fulfil all conditions; one that is missing is the empty text.
fn fit(matchers: &[Matcher], labels: &[(&str, &str)]) -> bool {
    matchers.iter().all(|matcher| {
        let mut named = labels.iter().filter(|(name, _)| *name == matcher.label());
        matcher.matches_value(named.next().map_or("", |(_, value)| value))
    })
}

/// The values of each metric that rules use, with what they are of.
fn values(
    rules: &[MetricRule],
    samples: Vec<SampleBatch>,
) -> BTreeMap<&'static str, Vec<(SubjectKey, f64)>> {
    let used = rules.iter().map(|rule| (rule.metric, Vec::new()));
    let mut values: BTreeMap<&'static str, Vec<_>> = used.collect();
    for batch in samples {
        let member = batch.member.map(|member| member.id);
        for Sample {
            metric,
            peer,
            value,
        } in batch.samples
        {
            if let Some(of_metric) = values.get_mut(&*metric) {
                of_metric.push((key(&metric, member, peer), value));
            }
        }
    }
    values
}

fn key(metric: &str, member: Option<MemberId>, peer: Option<MemberId>) -> SubjectKey {
    match (member, peer) {
        (None, _) => SubjectKey::Cluster,
        (Some(member), None) => SubjectKey::Member(member),
        (Some(member), Some(peer)) => {
            let of_links = scopes(metric).next();
            let (from, to) = of_links.map_or((member, peer), |it| it.link_ends(member, peer));
            SubjectKey::Link(from, to)
        }
    }
}

#[cfg(test)]
mod tests;
