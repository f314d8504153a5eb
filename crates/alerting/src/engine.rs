//! The state machine: findings in, notifications out. Pure and deterministic, the time is passed in.
//!
//! What is true and what was told are kept apart. [`incident::Incident`] is where an alert stands; a
//! [`group::GroupState`] is what one channel was told of a group of alerts. Every step first moves the alerts, then
//! holds each group against them and says the difference, as soon as it may. That is what keeps the last message equal
//! to the truth: nothing is ever told "because an event happened".

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use etcd_monitor_model::{ClusterName, Snapshot};
use jiff::Timestamp;

use crate::alert::{Alert, AlertEvent, Fingerprint, ResolveReason};
use crate::metric_rule::MetricRules;
use crate::notification::Notification;
use crate::policy::AlertPolicy;
use crate::silence::Mutes;
use clock::{ClockReading, EngineClock};
use freshness::Freshness;
use group::{GroupKey, GroupState};
use incident::{Incident, Step};
use journal::Journal;
use message::order;
use muting::Muting;
use open::OpenGroups;
pub(crate) use rows::active_alerts;
pub use rows::{RestoreError, StateRow};
use rulebook::Rulebook;

mod change;
mod clock;
mod evaluation;
mod flapping;
mod freshness;
mod group;
mod incident;
mod journal;
mod keeping;
mod message;
mod muting;
mod open;
mod resending;
mod routing;
mod rows;
mod rulebook;
mod survey;
mod telling;

/// How long after a told resolve the same alerts count as the same incident, and how long their next resolve is held:
/// a flapping alert sends at most one pair of messages per window.
pub const DEDUP_WINDOW: Duration = Duration::from_mins(5);

/// Events that the history keeps; the oldest go first.
pub const HISTORY_LIMIT: usize = 1_000;

/// Alerts that are followed at a time, those that are over and only remembered included: far above what 150 members can
/// have. What comes beyond is counted as refused.
pub const MAX_ALERTS: usize = 20_000;

/// The alert state machine over the snapshots of any number of clusters.
///
/// Feed it every snapshot ([`observe`](Self::observe)) and call [`tick`](Self::tick) at
/// [`next_deadline`](Self::next_deadline): `for`, the pace of groups and the dedup window run on time, not on cycles.
/// After each call keep what [`take_changes`](Self::take_changes) gives, if the state is to outlive the process.
///
/// `now` is wall-clock time. It may jump: time that passes backwards counts as none, and a forward jump counts as
/// at most 30 s, so it neither fires an alert early nor loses one. Silences and maintenance windows alone go by the
/// wall clock as it is.
#[derive(Debug)]
pub struct AlertEngine {
    policy: AlertPolicy,
    rulebook: Rulebook,
    metrics: MetricRules,
    muting: Muting,
    clock: EngineClock,
    clusters: BTreeMap<ClusterName, ClusterAlerts>,
    incidents: BTreeMap<Fingerprint, Incident>,
    groups: BTreeMap<GroupKey, GroupState>,
    open: OpenGroups,
    journal: Journal,
    refused: u64,
    /// The alerts that changed in this step.
    stirred: BTreeSet<Fingerprint>,
    /// The clusters whose alerts were looked at in this step.
    touched: BTreeSet<ClusterName>,
    unkept: Unkept,
    /// The clocks as they were kept last.
    kept_clock: Option<ClockReading>,
    /// Whether time may have brought something about that was not looked at yet.
    is_unsettled: bool,
}

/// What changed since it was kept.
#[derive(Debug, Default)]
struct Unkept {
    alerts: BTreeSet<Fingerprint>,
    groups: BTreeSet<GroupKey>,
    mutes: bool,
}

/// What is known of one cluster.
#[derive(Debug, Default)]
struct ClusterAlerts {
    /// How recent its latest snapshot is; `None` until there is one, and after the cluster was removed.
    freshness: Option<Freshness>,
    ids: BTreeSet<Fingerprint>,
    /// When one of its alerts changes by itself.
    deadline: Option<Duration>,
}

impl AlertEngine {
    /// An engine without alerts. Of several rules with the same name the last one counts.
    pub fn new(policy: AlertPolicy) -> Self {
        let mut muting = Muting::default();
        muting.set_policy(&policy);
        Self {
            rulebook: Rulebook::of(&policy),
            metrics: MetricRules::new(&policy.metric_rules),
            policy,
            muting,
            clock: EngineClock::default(),
            clusters: BTreeMap::new(),
            incidents: BTreeMap::new(),
            groups: BTreeMap::new(),
            open: OpenGroups::default(),
            journal: Journal::default(),
            refused: 0,
            stirred: BTreeSet::new(),
            touched: BTreeSet::new(),
            unkept: Unkept::default(),
            kept_clock: None,
            is_unsettled: false,
        }
    }

    /// Takes over what a snapshot says, and returns what is to be told now, worst first.
    ///
    /// A snapshot that was seen before changes nothing, and neither does one from before the first cycle
    /// (`cycle` 0), which claims nothing.
    pub fn observe(&mut self, snapshot: &Snapshot, now: Timestamp) -> Vec<Notification> {
        self.clock.advance(now);
        if snapshot.cycle > 0 && self.renew(snapshot) {
            self.take_over(snapshot);
        }
        self.conclude()
    }

    /// Lets time pass, and returns what is to be told now, worst first.
    pub fn tick(&mut self, now: Timestamp) -> Vec<Notification> {
        self.clock.advance(now);
        self.conclude()
    }

    /// Takes another policy. Alerts whose rule is gone resolve with reason `removed`; what a channel was told to fire
    /// that is not sent there any more is told to be over when it is. Nothing more is told to a channel that the policy
    /// does not name.
    pub fn set_policy(&mut self, policy: AlertPolicy, now: Timestamp) -> Vec<Notification> {
        self.clock.advance(now);
        self.metrics.set_rules(&policy.metric_rules);
        self.rulebook = Rulebook::of(&policy);
        self.muting.set_policy(&policy);
        self.policy = policy;
        self.apply_policy();
        self.conclude()
    }

    /// Takes what people silenced and acknowledged, in place of what they had before.
    pub fn set_mutes(&mut self, mutes: Mutes, now: Timestamp) -> Vec<Notification> {
        self.clock.advance(now);
        self.take_mutes(mutes);
        self.conclude()
    }

    /// After [`restore`](Self::restore): what is muted (`None`: as before) and which clusters are left are taken in before
    /// anything is told.
    pub(crate) fn go_on(
        &mut self,
        mutes: Option<Mutes>,
        kept: &[&ClusterName],
        now: Timestamp,
    ) -> Vec<Notification> {
        self.clock.advance(now);
        if let Some(mutes) = mutes {
            self.take_mutes(mutes);
        }
        self.end_all_but(kept);
        self.conclude()
    }

    fn take_mutes(&mut self, mutes: Mutes) {
        if mutes != *self.muting.mutes() {
            self.muting.set_mutes(mutes);
            self.unkept.mutes = true;
        }
    }

    /// When [`tick`](Self::tick) is to be called next; `None` when nothing depends on time.
    ///
    /// Never more than 30 s after the latest `now`, so that a clock that is set forward cannot hide in a long wait.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        if self.is_unsettled {
            return Some(self.clock.now());
        }
        let clusters = self.clusters.values().filter_map(|it| it.deadline);
        let groups = self.groups.values().filter_map(|it| it.deadline);
        let next = clusters.chain(groups).min().map(|due| self.clock.at(due));
        let has_firing = self.incidents.values().any(|it| it.firing().is_some());
        let mutes = self.muting.next_change().filter(|_| has_firing);
        let mutes = mutes.map(|at| at.min(self.clock.at(Duration::MAX)));
        next.into_iter().chain(mutes).min()
    }

    /// The active alerts (pending and firing), worst first.
    pub fn alerts(&self) -> Vec<Alert> {
        let mut active: Vec<&Alert> = self
            .incidents
            .values()
            .filter_map(Incident::active)
            .collect();
        active.sort_by(|a, b| order(a).cmp(&order(b)));
        active.into_iter().cloned().collect()
    }

    /// What happened to alerts, the latest [`HISTORY_LIMIT`] events, newest last.
    pub fn history(&self) -> impl ExactSizeIterator<Item = &AlertEvent> {
        self.journal.events()
    }

    /// Events recorded since the engine began, those that left the history included.
    pub fn events_recorded(&self) -> u64 {
        self.journal.recorded()
    }

    /// How many times a finding made no alert because [`MAX_ALERTS`] were followed already.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// Forgets a cluster that is no longer watched: its alerts resolve with reason `removed`.
    pub fn remove_cluster(&mut self, cluster: &ClusterName, now: Timestamp) -> Vec<Notification> {
        self.clock.advance(now);
        self.end_cluster(cluster);
        self.conclude()
    }

    /// Forgets every cluster but these, as [`remove_cluster`](Self::remove_cluster) does.
    pub fn keep_clusters(&mut self, kept: &[&ClusterName], now: Timestamp) -> Vec<Notification> {
        self.clock.advance(now);
        self.end_all_but(kept);
        self.conclude()
    }

    fn end_all_but(&mut self, kept: &[&ClusterName]) {
        let known = self.clusters.keys();
        let gone: Vec<ClusterName> = known.filter(|name| !kept.contains(name)).cloned().collect();
        for cluster in &gone {
            self.end_cluster(cluster);
        }
    }

    fn end_cluster(&mut self, name: &ClusterName) {
        let Some(cluster) = self.clusters.get_mut(name) else {
            return;
        };
        cluster.freshness = None;
        self.touched.insert(name.clone());
        for id in cluster.ids.clone() {
            self.change(id, |incident, step| {
                incident.end(ResolveReason::Removed, step);
            });
        }
        self.metrics.remove_cluster(name);
    }
}

impl ClusterAlerts {
    /// Whether its latest snapshot still says what is.
    fn is_fresh(&self, clock: &EngineClock) -> bool {
        self.freshness.is_some_and(|latest| latest.is_fresh(clock))
    }

    /// Whether its snapshots have stopped. Not so before the first one, since who just began knows nothing yet.
    fn is_stale(&self, clock: &EngineClock) -> bool {
        self.freshness.is_some_and(|latest| !latest.is_fresh(clock))
    }
}
