//! State that outlives the process: what changed is handed out as rows, and an engine goes on from them.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::group::GroupState;
use super::incident::{Incident, Kept};
use super::journal::Journal;
use super::rows::{self, KeptState, RestoreError, StateRow};
use super::{AlertEngine, EngineClock};
use crate::alert::Fingerprint;
use crate::policy::AlertPolicy;
use crate::rule::Rule;

impl AlertEngine {
    /// An engine that goes on where another left off, by the rows that it gave. The time in between counts in full.
    ///
    /// What is due by then is told with the next [`tick`](Self::tick), which
    /// [`next_deadline`](Self::next_deadline) asks for at once.
    ///
    /// # Errors
    ///
    /// When the rows are of a newer release, or not what a release of this format writes.
    pub fn restore(
        policy: AlertPolicy,
        rows: impl IntoIterator<Item = StateRow>,
        now: Timestamp,
    ) -> Result<Self, RestoreError> {
        let mut engine = Self::new(policy);
        if let Some(state) = KeptState::read(rows)? {
            engine.take_back(state, now);
        }
        Ok(engine)
    }

    fn take_back(&mut self, state: KeptState, now: Timestamp) {
        if let Some(reading) = state.clock {
            self.clock = EngineClock::resumed(reading, now);
        }
        self.kept_clock = state.clock;
        self.journal = Journal::restored(state.events);
        self.muting.set_mutes(state.mutes);
        for kept in state.groups {
            let (key, group) = GroupState::restored(kept);
            self.groups.insert(key, group);
        }
        for (id, kept) in state.alerts {
            self.take_back_alert(id, kept);
        }
        for (key, group) in &self.groups {
            for id in group.members.keys() {
                if let Some(incident) = self.incidents.get_mut(id) {
                    incident.groups.insert(key.clone());
                }
            }
        }
        self.apply_policy();
        self.is_unsettled = true;
    }

    fn take_back_alert(&mut self, id: Fingerprint, kept: Kept) {
        let alert = kept.alert();
        let cluster = self.clusters.entry(alert.cluster.clone()).or_default();
        cluster.ids.insert(id);
        let rule = self
            .rulebook
            .named(&alert.cluster, &alert.rule, kept.finding());
        // Without its rule it ends at once, and the one that stands in is never asked for anything.
        let none = || Arc::new(Rule::new(&alert.rule, Duration::ZERO));
        let rule = rule.cloned().unwrap_or_else(none);
        self.incidents.insert(id, Incident::restored(kept, rule));
    }

    /// What changed since the last call, to be kept for [`restore`](Self::restore). Empty while nothing changes but
    /// the evidence of alerts.
    pub fn take_changes(&mut self) -> Vec<StateRow> {
        let mut changes = self.changed_rows();
        let reading = self.clock.reading();
        let is_known = self.kept_clock.is_some_and(|kept| kept.leads_to(&reading));
        if self.kept_clock.is_none() && changes.is_empty() {
            return changes;
        }
        if self.kept_clock.is_none() {
            changes.extend(rows::row(rows::FORMAT_KEY.to_owned(), &rows::STATE_FORMAT));
        }
        if !is_known {
            changes.extend(rows::row(rows::CLOCK_KEY.to_owned(), &reading));
            self.kept_clock = Some(reading);
        }
        changes
    }

    /// Everything that [`restore`](Self::restore) needs, for a store that has nothing of it.
    pub fn rows(&mut self) -> Vec<StateRow> {
        self.unkept.alerts.extend(self.incidents.keys());
        self.unkept.groups.extend(self.groups.keys().cloned());
        self.unkept.mutes = true;
        self.journal.forget_taken();
        self.kept_clock = None;
        self.take_changes()
    }

    fn changed_rows(&mut self) -> Vec<StateRow> {
        let unkept = std::mem::take(&mut self.unkept);
        let alerts = unkept.alerts.into_iter().filter_map(|id| {
            let key = rows::alert_key(id);
            match self.incidents.get(&id) {
                Some(incident) => rows::row(key, incident.kept()),
                None => Some(rows::gone(key)),
            }
        });
        let groups = unkept.groups.into_iter().filter_map(|id| {
            let key = rows::group_key(&id);
            let group = self.groups.get(&id);
            match group.filter(|it| it.is_worth_keeping()) {
                Some(group) => rows::row(key, &group.kept(&id)),
                None => Some(rows::gone(key)),
            }
        });
        let mut changed: Vec<StateRow> = alerts.chain(groups).collect();
        if unkept.mutes {
            changed.extend(rows::row(rows::MUTES_KEY.to_owned(), self.muting.mutes()));
        }
        let (new, gone) = self.journal.take_changes();
        changed.extend(
            new.into_iter()
                .filter_map(|(number, event)| rows::row(rows::event_key(number), &event)),
        );
        changed.extend(gone.map(|number| rows::gone(rows::event_key(number))));
        changed
    }
}
