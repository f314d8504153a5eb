//! One group of alerts on one channel: who belongs to it, and what was told of each.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use etcd_monitor_model::{ClusterName, Severity};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::DEDUP_WINDOW;
use super::clock::EngineClock;
use super::open::OpenGroups;
use crate::alert::Fingerprint;
use crate::route::ResolvedTiming;

/// What a group is found by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(super) struct GroupKey {
    pub(super) channel: Arc<str>,
    /// The group's fingerprint.
    pub(super) id: Fingerprint,
}

/// How an alert came into a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Placement {
    pub(super) timing: ResolvedTiming,
    /// The maintenance windows during which nothing goes this way.
    pub(super) mute_during: Vec<String>,
}

/// What a channel was told last of an alert. Times are the engine's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Told {
    /// That it fires, with this severity at worst. Its end is held until `end_held`, when it was told to be over
    /// shortly before.
    Firing {
        worst: Severity,
        end_held: Option<Duration>,
    },
    /// That it is over. Until `window_end` a re-fire is the same incident.
    Over { window_end: Duration },
}

/// An alert in a group.
#[derive(Debug, Clone)]
pub(super) struct Member {
    pub(super) cluster: ClusterName,
    /// `None`: it does not fire, or goes another way by now.
    pub(super) placement: Option<Placement>,
    pub(super) told: Option<Told>,
}

/// What was told of a group as a whole. Times are the engine's own, but for the one that is shown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Log {
    /// When the incident began, by the wall clock; `None` until something was told.
    pub(super) incident_at: Option<Timestamp>,
    /// Messages of the incident so far.
    pub(super) sequence: u64,
    /// The worst severity that was told in it.
    pub(super) worst: Option<Severity>,
    /// The group's last message.
    pub(super) last_message: Option<Duration>,
    /// When everything was told to be over, plus the dedup window.
    pub(super) window_end: Option<Duration>,
    /// Since when a first message waits.
    pub(super) waiting_since: Option<Duration>,
    /// Whether it was told that somebody takes care.
    pub(super) acknowledged: bool,
}

/// A group of alerts on one channel.
#[derive(Debug, Default)]
pub(super) struct GroupState {
    pub(super) labels: BTreeMap<String, String>,
    pub(super) members: BTreeMap<Fingerprint, Member>,
    pub(super) log: Log,
    /// Whether it must be looked at whatever the time is.
    pub(super) is_stirred: bool,
    /// Whether something else was told of its alerts since that was kept.
    is_changed: bool,
    /// When it is to be looked at next.
    pub(super) deadline: Option<Duration>,
}

/// What a restart must not lose of a group.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct KeptGroup {
    pub(super) key: GroupKey,
    labels: BTreeMap<String, String>,
    log: Log,
    told: BTreeMap<Fingerprint, (ClusterName, Told)>,
}

impl Told {
    /// The severity in which it was told to fire.
    pub(super) fn firing(self) -> Option<Severity> {
        match self {
            Self::Firing { worst, .. } => Some(worst),
            Self::Over { .. } => None,
        }
    }
}

impl Member {
    /// Whether a maintenance window holds up what goes this way.
    pub(super) fn is_held_up(&self, open_windows: &BTreeSet<String>) -> bool {
        let placement = self.placement.as_ref();
        placement.is_some_and(|it| {
            it.mute_during
                .iter()
                .any(|name| open_windows.contains(name))
        })
    }

    /// The severity in which it was told to fire, if that was the last that was told.
    pub(super) fn told_firing(&self) -> Option<Severity> {
        self.told.and_then(Told::firing)
    }
}

impl Log {
    /// Whether what is told now belongs to the incident that was told to be over.
    pub(super) fn window_is_open(&self, clock: &EngineClock) -> bool {
        self.window_end.is_some_and(|end| !clock.has_reached(end))
    }

    /// Notes a message, and gives its number within the incident.
    pub(super) fn note_message(&mut self, worst: Option<Severity>, clock: &EngineClock) -> u64 {
        self.incident_at.get_or_insert(clock.now());
        self.last_message = Some(clock.elapsed());
        self.waiting_since = None;
        self.worst = self.worst.max(worst);
        let number = self.sequence;
        self.sequence += 1;
        number
    }
}

impl GroupState {
    /// The group as it was kept.
    pub(super) fn restored(kept: KeptGroup) -> (GroupKey, Self) {
        let member = |(cluster, told)| Member {
            cluster,
            placement: None,
            told: Some(told),
        };
        let told = kept.told.into_iter();
        let group = Self {
            labels: kept.labels,
            members: told.map(|(id, kept)| (id, member(kept))).collect(),
            log: kept.log,
            is_stirred: true,
            is_changed: false,
            deadline: None,
        };
        (kept.key, group)
    }

    /// What a restart must not lose.
    pub(super) fn kept(&self, key: &GroupKey) -> KeptGroup {
        let told = |(id, member): (&Fingerprint, &Member)| {
            Some((*id, (member.cluster.clone(), member.told?)))
        };
        KeptGroup {
            key: key.clone(),
            labels: self.labels.clone(),
            log: self.log.clone(),
            told: self.members.iter().filter_map(told).collect(),
        }
    }

    /// Whether a restart would lose anything.
    pub(super) fn is_worth_keeping(&self) -> bool {
        self.log != Log::default() || self.members.values().any(|it| it.told.is_some())
    }

    /// Whether it is to be looked at now. One whose first message waits is, since others may have closed.
    pub(super) fn is_due(&self, clock: &EngineClock) -> bool {
        self.is_stirred
            || self.log.waiting_since.is_some()
            || self.deadline.is_some_and(|due| clock.has_reached(due))
    }

    /// Takes an alert in, or says how it comes in now.
    pub(super) fn place(&mut self, id: Fingerprint, cluster: &ClusterName, placement: Placement) {
        let member = self.members.entry(id).or_insert_with(|| Member {
            cluster: cluster.clone(),
            placement: None,
            told: None,
        });
        member.placement = Some(placement);
        self.is_stirred = true;
    }

    /// Lets an alert go. What was told of it stays, until it is told to be over. True when nothing was.
    pub(super) fn displace(&mut self, id: Fingerprint) -> bool {
        self.is_stirred = true;
        let Some(member) = self.members.get_mut(&id) else {
            return true;
        };
        member.placement = None;
        let is_unknown = member.told.is_none();
        if is_unknown {
            self.members.remove(&id);
        }
        is_unknown
    }

    /// Whether anything was told to fire, and not to be over.
    pub(super) fn is_open(&self) -> bool {
        self.members.values().any(|it| it.told_firing().is_some())
    }

    /// Notes that an alert was told to fire.
    pub(super) fn note_firing(
        &mut self,
        key: &GroupKey,
        id: Fingerprint,
        severity: Severity,
        open: &mut OpenGroups,
        clock: &EngineClock,
    ) {
        let Some(member) = self.members.get_mut(&id) else {
            return;
        };
        let (worst, end_held) = match member.told {
            Some(Told::Firing { worst, end_held }) => (worst.max(severity), end_held),
            Some(Told::Over { window_end }) => (severity, Some(window_end)),
            None => (severity, None),
        };
        let end_held = end_held.filter(|end| !clock.has_reached(*end));
        open.replace(key, &member.cluster, member.told_firing(), Some(worst));
        let told = Some(Told::Firing { worst, end_held });
        self.is_changed |= member.told != told;
        member.told = told;
    }

    /// Notes that an alert was told to be over.
    pub(super) fn note_over(
        &mut self,
        key: &GroupKey,
        id: Fingerprint,
        open: &mut OpenGroups,
        clock: &EngineClock,
    ) {
        if let Some(member) = self.members.get_mut(&id) {
            open.replace(key, &member.cluster, member.told_firing(), None);
            let window_end = clock.after(DEDUP_WINDOW);
            member.told = Some(Told::Over { window_end });
            self.is_changed = true;
        }
    }

    /// Whether something else was told of its alerts since the last call.
    pub(super) fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.is_changed)
    }

    /// Has it looked at, whatever the time is.
    pub(super) fn stir(&mut self) {
        self.is_stirred = true;
    }

    /// Forgets what does not matter any more. Gives the alerts that it does not know from now on; `None` when nothing
    /// changed that is kept.
    pub(super) fn forget(&mut self, clock: &EngineClock) -> Option<Vec<Fingerprint>> {
        let is_past = |told: Option<Told>| match told {
            Some(Told::Over { window_end }) => clock.has_reached(window_end),
            Some(Told::Firing { .. }) => false,
            None => true,
        };
        let gone = |_: &Fingerprint, it: &mut Member| it.placement.is_none() && is_past(it.told);
        let gone: Vec<Fingerprint> = self
            .members
            .extract_if(.., gone)
            .map(|(id, _)| id)
            .collect();
        let is_past = !self.is_open() && !self.log.window_is_open(clock);
        let is_closed = is_past && self.log.incident_at.is_some();
        if is_closed {
            self.log = Log {
                waiting_since: self.log.waiting_since,
                ..Log::default()
            };
        }
        (is_closed || !gone.is_empty()).then_some(gone)
    }
}
