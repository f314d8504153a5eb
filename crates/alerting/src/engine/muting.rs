//! What mutes alerts, and who takes care of them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::alert::{Acknowledgement, Alert, Fingerprint, MutedBy};
use crate::inhibition::Inhibition;
use crate::maintenance::MaintenanceWindow;
use crate::matcher::all_match;
use crate::policy::AlertPolicy;
use crate::silence::Mutes;

/// Silences, maintenance windows and inhibitions, and until when what they said stays true.
#[derive(Debug, Default)]
pub(super) struct Muting {
    mutes: Mutes,
    maintenance: Vec<MaintenanceWindow>,
    inhibitions: Vec<Inhibition>,
    /// The names of the windows that are open.
    open_windows: BTreeSet<String>,
    /// When this was looked at, and when it changes by itself.
    valid: Option<(Timestamp, Option<Timestamp>)>,
}

/// The alerts that fire and may mute others, by inhibition and by the values of its labels that must be equal.
#[derive(Debug, Default)]
pub(super) struct Sources<'a> {
    by_labels: Vec<BTreeMap<Vec<String>, Vec<&'a Alert>>>,
}

impl Muting {
    /// Takes what the configuration says.
    pub(super) fn set_policy(&mut self, policy: &AlertPolicy) {
        self.maintenance.clone_from(&policy.maintenance);
        self.inhibitions.clone_from(&policy.inhibitions);
        self.valid = None;
    }

    /// Takes what people say.
    pub(super) fn set_mutes(&mut self, mutes: Mutes) {
        self.mutes = mutes;
        self.valid = None;
    }

    /// What people say.
    pub(super) fn mutes(&self) -> &Mutes {
        &self.mutes
    }

    /// Looks at the clock. True when every alert must be looked at again.
    pub(super) fn renew(&mut self, now: Timestamp) -> bool {
        if self.is_valid(now) {
            return false;
        }
        let open = self.maintenance.iter().filter(|it| it.is_open_at(now));
        self.open_windows = open.map(|window| window.name.clone()).collect();
        self.valid = Some((now, self.next_change_after(now)));
        true
    }

    /// When something opens, closes, begins or ends next.
    pub(super) fn next_change(&self) -> Option<Timestamp> {
        self.valid.and_then(|(_, until)| until)
    }

    /// The names of the windows that are open.
    pub(super) fn open_windows(&self) -> &BTreeSet<String> {
        &self.open_windows
    }

    /// Whether alerts mute each other.
    pub(super) fn has_inhibitions(&self) -> bool {
        !self.inhibitions.is_empty()
    }

    /// Those of the alerts that can mute others.
    pub(super) fn sources<'a>(&self, firing: impl Iterator<Item = &'a Alert>) -> Sources<'a> {
        let mut by_labels = vec![BTreeMap::new(); self.inhibitions.len()];
        for alert in firing {
            for (inhibition, sources) in self.inhibitions.iter().zip(&mut by_labels) {
                if inhibition.is_source(alert) {
                    let sources: &mut Vec<_> = sources.entry(equal(inhibition, alert)).or_default();
                    sources.push(alert);
                }
            }
        }
        Sources { by_labels }
    }

    /// What mutes an alert that fires.
    pub(super) fn of(
        &self,
        alert: &Alert,
        sources: &Sources<'_>,
        now: Timestamp,
    ) -> Option<MutedBy> {
        let silence = || {
            Some(MutedBy::Silence(
                self.mutes.silence_of(alert, now)?.id.clone(),
            ))
        };
        let inhibition = || Some(MutedBy::Inhibition(self.inhibitor(alert, sources)?));
        silence()
            .or_else(|| self.maintenance_of(alert))
            .or_else(inhibition)
    }

    /// Who says that they take care of an alert.
    pub(super) fn acknowledgement(&self, id: Fingerprint) -> Option<&Acknowledgement> {
        self.mutes.acknowledgements.get(&id)
    }

    fn maintenance_of(&self, alert: &Alert) -> Option<MutedBy> {
        let mut open = self
            .maintenance
            .iter()
            .filter(|window| self.open_windows.contains(&window.name));
        let window = open.find(|window| {
            let named = window.matchers.as_deref();
            named.is_some_and(|matchers| all_match(matchers, alert))
        })?;
        Some(MutedBy::Maintenance(window.name.clone()))
    }

    fn inhibitor(&self, alert: &Alert, sources: &Sources<'_>) -> Option<Fingerprint> {
        let mut each = self.inhibitions.iter().zip(&sources.by_labels);
        each.find_map(|(inhibition, sources)| {
            let alike = sources.get(&equal(inhibition, alert))?;
            let source = alike.iter().find(|it| inhibition.mutes(it, alert))?;
            Some(source.id)
        })
    }

    /// Whether what was seen last still holds. A clock that was set back makes it doubtful.
    fn is_valid(&self, now: Timestamp) -> bool {
        self.valid
            .is_some_and(|(from, until)| from <= now && until.is_none_or(|until| now < until))
    }

    fn next_change_after(&self, now: Timestamp) -> Option<Timestamp> {
        let windows = self.maintenance.iter();
        windows
            .filter_map(|window| window.next_change_after(now))
            .chain(self.mutes.next_change_after(now))
            .min()
    }
}

/// The values of the labels in which a source and its targets are alike.
fn equal(inhibition: &Inhibition, alert: &Alert) -> Vec<String> {
    let value = |label: &String| alert.label(label).unwrap_or_default().into_owned();
    inhibition.equal.iter().map(value).collect()
}
