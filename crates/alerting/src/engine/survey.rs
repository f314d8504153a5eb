//! What was told of a group, held against what is true.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use etcd_monitor_model::Severity;

use super::DEDUP_WINDOW;
use super::clock::EngineClock;
use super::group::{GroupState, Log, Member, Told};
use super::incident::Incident;
use super::muting::Muting;
use crate::alert::{Alert, Fingerprint};
use crate::policy::ChannelPace;
use crate::route::ResolvedTiming;

/// What a group is held against.
#[derive(Debug, Clone, Copy)]
pub(super) struct Truth<'a> {
    incidents: &'a BTreeMap<Fingerprint, Incident>,
    pub(super) clock: &'a EngineClock,
    pub(super) pace: ChannelPace,
    /// The names of the maintenance windows that are open.
    open_windows: &'a BTreeSet<String>,
}

/// The alerts of a group by what is to be told of them.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// Fire, and were not told to.
    pub(super) additions: Vec<Fingerprint>,
    /// Were told to fire, and are worse by now.
    pub(super) rises: Vec<Fingerprint>,
    /// Were told to fire, and do; those that are worse by now included.
    pub(super) standing: Vec<Fingerprint>,
    /// Were told to fire and do not, which is not to be told yet.
    pub(super) held: Vec<Fingerprint>,
    /// Were told to fire and do not, which is to be told.
    pub(super) ends: Vec<Fingerprint>,
    /// The worst of the additions and rises.
    pub(super) worst_news: Option<Severity>,
    /// The fastest pace of those that fire.
    pub(super) timing: Option<ResolvedTiming>,
    /// Whether anything that was told to fire is to be told again after some time.
    pub(super) is_repeated: bool,
    /// Whether somebody takes care of everything that was told to fire.
    pub(super) is_acknowledged: bool,
    /// When an end that is held is to be told, or an end is forgotten.
    pub(super) next: Option<Duration>,
}

impl<'a> Truth<'a> {
    /// What there is to be told to a channel of this pace.
    pub(super) fn of(
        incidents: &'a BTreeMap<Fingerprint, Incident>,
        clock: &'a EngineClock,
        muting: &'a Muting,
        pace: ChannelPace,
    ) -> Self {
        Self {
            incidents,
            clock,
            pace,
            open_windows: muting.open_windows(),
        }
    }

    /// Looks at every alert of a group.
    pub(super) fn survey(&self, group: &GroupState) -> Survey {
        let mut survey = Survey {
            is_acknowledged: true,
            ..Survey::default()
        };
        for (id, member) in &group.members {
            let incident = self.incidents.get(id);
            match incident.and_then(Incident::firing) {
                Some(alert) => self.survey_firing(*id, alert, member, &mut survey),
                None => self.survey_over(*id, member, &group.log, &mut survey),
            }
        }
        survey.is_acknowledged &= !survey.standing.is_empty();
        survey
    }

    /// The alert to show for one that was told to fire and whose end is held: as it was.
    pub(super) fn as_held(&self, id: Fingerprint) -> Option<Alert> {
        self.ended(id).map(|ended| Alert {
            state: crate::alert::AlertState::Firing,
            resolved_at: None,
            resolve_reason: None,
            ..ended.clone()
        })
    }

    /// The alert while it fires.
    pub(super) fn firing(&self, id: Fingerprint) -> Option<&'a Alert> {
        self.incidents.get(&id).and_then(Incident::firing)
    }

    /// The alert as it ended.
    pub(super) fn ended(&self, id: Fingerprint) -> Option<&'a Alert> {
        self.incidents.get(&id).and_then(Incident::ended)
    }

    fn survey_firing(&self, id: Fingerprint, alert: &Alert, member: &Member, into: &mut Survey) {
        let is_quiet = self.is_quiet(id, member);
        if let (Some(placement), false) = (&member.placement, is_quiet) {
            into.hurry(placement.timing);
        }
        let Some(told) = member.told_firing() else {
            if member.placement.is_some() && !is_quiet {
                into.additions.push(id);
                into.worst_news = into.worst_news.max(Some(alert.severity));
            }
            return;
        };
        into.standing.push(id);
        into.is_acknowledged &= alert.acknowledged.is_some();
        if member.placement.is_none() || is_quiet {
            return;
        }
        into.is_repeated = true;
        if alert.severity > told {
            into.rises.push(id);
            into.worst_news = into.worst_news.max(Some(alert.severity));
        }
    }

    fn survey_over(&self, id: Fingerprint, member: &Member, log: &Log, into: &mut Survey) {
        match member.told {
            Some(Told::Firing { end_held, .. }) => {
                let held = self.held_until(id, end_held, log);
                match held.filter(|until| !self.clock.has_reached(*until)) {
                    Some(until) => {
                        into.held.push(id);
                        into.wake_at(until);
                    }
                    None => into.ends.push(id),
                }
            }
            Some(Told::Over { window_end }) => into.wake_at(window_end),
            None => {}
        }
    }

    /// Until when the end of an alert is not told.
    fn held_until(
        &self,
        id: Fingerprint,
        end_held: Option<Duration>,
        log: &Log,
    ) -> Option<Duration> {
        let incident = self.incidents.get(&id);
        let restless = incident.and_then(Incident::restless_until);
        // Where no end is told, a fire that comes again so soon would look like the same message twice.
        let silent = log.last_message.filter(|_| !self.pace.sends_resolved);
        let silent = silent.map(|last| last.saturating_add(DEDUP_WINDOW));
        restless.max(end_held).max(silent)
    }

    fn is_quiet(&self, id: Fingerprint, member: &Member) -> bool {
        let incident = self.incidents.get(&id);
        incident.is_none_or(Incident::is_quiet) || member.is_held_up(self.open_windows)
    }
}

impl Survey {
    /// Whether there is anything that is worse than was told.
    pub(super) fn has_news(&self) -> bool {
        self.worst_news.is_some()
    }

    /// Whether nothing fires any more once this is told.
    pub(super) fn is_end_of_all(&self) -> bool {
        self.additions.is_empty() && self.standing.is_empty() && self.held.is_empty()
    }

    fn wake_at(&mut self, at: Duration) {
        self.next = Some(self.next.map_or(at, |next| next.min(at)));
    }

    fn hurry(&mut self, timing: ResolvedTiming) {
        let fastest = self.timing.get_or_insert(timing);
        fastest.group_wait = fastest.group_wait.min(timing.group_wait);
        fastest.group_interval = fastest.group_interval.min(timing.group_interval);
        fastest.repeat_interval = fastest.repeat_interval.min(timing.repeat_interval);
    }
}
