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
pub(super) struct Sources {
    by_labels: Vec<BTreeMap<Vec<String>, Alike>>,
}

/// Sources of an inhibition that are alike: one of each sort says all.
#[derive(Debug)]
struct Alike {
    /// Mutes what is no source itself.
    first: Fingerprint,
    /// Is no target itself, and so mutes those that are both as well.
    above: Option<Fingerprint>,
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
    pub(super) fn sources<'a>(&self, firing: impl Iterator<Item = &'a Alert>) -> Sources {
        let mut by_labels: Vec<_> = self.inhibitions.iter().map(|_| BTreeMap::new()).collect();
        for alert in firing {
            for (inhibition, sources) in self.inhibitions.iter().zip(&mut by_labels) {
                if inhibition.is_source(alert) {
                    note_source(inhibition, alert, sources);
                }
            }
        }
        Sources { by_labels }
    }

    /// What mutes an alert that fires.
    pub(super) fn of(&self, alert: &Alert, sources: &Sources, now: Timestamp) -> Option<MutedBy> {
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

    /// What mutes an alert by [`Inhibition::mutes`]; no alert mutes itself.
    fn inhibitor(&self, alert: &Alert, sources: &Sources) -> Option<Fingerprint> {
        let mut each = self.inhibitions.iter().zip(&sources.by_labels);
        each.find_map(|(inhibition, sources)| {
            if sources.is_empty() || !inhibition.is_target(alert) {
                return None;
            }
            let alike = sources.get(&equal(inhibition, alert))?;
            if inhibition.is_source(alert) {
                alike.above
            } else {
                Some(alike.first)
            }
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

fn note_source(inhibition: &Inhibition, alert: &Alert, sources: &mut BTreeMap<Vec<String>, Alike>) {
    let alike = sources.entry(equal(inhibition, alert)).or_insert(Alike {
        first: alert.id,
        above: None,
    });
    if alike.above.is_none() && !inhibition.is_target(alert) {
        alike.above = Some(alert.id);
    }
}

/// The values of the labels in which a source and its targets are alike.
fn equal(inhibition: &Inhibition, alert: &Alert) -> Vec<String> {
    let value = |label: &String| alert.label(label).unwrap_or_default().into_owned();
    inhibition.equal.iter().map(value).collect()
}

#[cfg(test)]
mod tests {
    use etcd_monitor_model::Severity::{Critical, Warning};

    use super::*;
    use crate::fixtures::{alert, matchers};

    #[test]
    fn an_alert_is_inhibited_where_any_source_mutes_it() {
        let (pages, any) = (
            matchers(&["severity=critical"]),
            matchers(&["rule=~\".+\""]),
        );
        let of_a = matchers(&["rule=~\"A|B\""]);
        let equal = || vec!["cluster".to_owned()];
        let inhibitions = [
            Inhibition::new(pages.clone(), any.clone(), equal()).unwrap(),
            Inhibition::new(any, of_a.clone(), equal()).unwrap(),
            Inhibition::new(of_a, pages, Vec::new()).unwrap(),
        ];
        let severities = [Warning, Critical];
        let alerts = ["A", "B", "C"].into_iter().flat_map(|rule| {
            let each = severities.into_iter();
            each.flat_map(move |severity| ["x", "y"].map(|cluster| alert(cluster, rule, severity)))
        });
        let all: Vec<Alert> = alerts.collect();
        for inhibition in inhibitions {
            let muting = Muting {
                inhibitions: vec![inhibition.clone()],
                ..Muting::default()
            };
            // Every set of alerts that may fire at the same time.
            for set in 0..1_usize << all.len() {
                let firing: Vec<&Alert> = (0..all.len())
                    .filter(|index| set & (1 << index) != 0)
                    .map(|index| &all[index])
                    .collect();
                let sources = muting.sources(firing.iter().copied());
                for target in &firing {
                    let is_muted = firing.iter().any(|it| inhibition.mutes(it, target));
                    let by = muting.inhibitor(target, &sources);
                    assert_eq!(by.is_some(), is_muted, "{target:?} of {firing:?}");
                }
            }
        }
    }
}
