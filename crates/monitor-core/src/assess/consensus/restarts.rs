//! Which members restarted, and whether that is a rolling restart.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use etcd_monitor_model::MemberId;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::ConsensusParameters;
use crate::assess::view::View;

/// By how much a process start time must rise to be another process, in seconds: it is computed from the host's boot
/// time, which moves a little when its clock is set.
const START_MOVED_SECONDS: f64 = 2.0;

/// Restarts remembered; a crash loop makes more, and is no roll anyway.
const RESTARTS_MAX: usize = 64;

/// What is remembered of restarts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::assess) struct RestartsMemory {
    /// Start time of each member's process as last seen, in unix seconds.
    starts: BTreeMap<MemberId, f64>,
    restarts: VecDeque<Restart>,
    /// Since when a member has been silent.
    away: BTreeMap<MemberId, Timestamp>,
    /// When two members were last away, or came back, at the same time.
    overlapped_at: Option<Timestamp>,
    /// The latest rolling restart.
    roll: Option<Roll>,
    /// True while it goes on.
    rolling: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Restart {
    member: MemberId,
    at: Timestamp,
    away_since: Timestamp,
}

/// Members that restart one at a time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::assess) struct Roll {
    pub(in crate::assess) from: Timestamp,
    pub(in crate::assess) to: Timestamp,
    /// Those that restarted and came back.
    pub(in crate::assess) done: BTreeSet<MemberId>,
    /// The one that is away.
    pub(in crate::assess) away: Option<MemberId>,
}

impl RestartsMemory {
    pub(super) fn update(&mut self, view: &View<'_>, parameters: &ConsensusParameters) {
        let now = view.ended_at;
        let returned = self.note_starts(view);
        if !view.late {
            self.note_away(view);
        }
        if returned > 1 || self.away.len() > 1 {
            self.overlapped_at = Some(now);
        }
        let window = parameters.roll_window_seconds;
        self.restarts
            .retain(|restart| within(restart.at, now, window));
        self.overlapped_at = self.overlapped_at.filter(|at| within(*at, now, window));
        let current = self.recognise(now, parameters);
        self.rolling = current.is_some();
        self.roll = current.or_else(|| self.roll.take());
    }

    /// Notes which processes are others than before; says how many.
    fn note_starts(&mut self, view: &View<'_>) -> usize {
        let mut returned = BTreeSet::new();
        for (member, page) in view.pages() {
            let start = page.process.start_time_seconds;
            let Some(start) = start.filter(|start| start.is_finite() && *start > 0.0) else {
                continue;
            };
            let before = self.starts.insert(member, start);
            if before.is_some_and(|before| is_restart(before, start)) && returned.insert(member) {
                if self.restarts.len() == RESTARTS_MAX {
                    self.restarts.pop_front();
                }
                let at = view.ended_at;
                let away_since = self.away.get(&member).copied().unwrap_or(at);
                self.restarts.push_back(Restart {
                    member,
                    at,
                    away_since,
                });
            }
        }
        returned.len()
    }

    /// Who restarted within the window of a rolling restart, and when that was seen.
    pub(super) fn all(&self) -> impl Iterator<Item = (MemberId, Timestamp)> {
        let restarts = self.restarts.iter();
        restarts.map(|restart| (restart.member, restart.at))
    }

    /// True when nobody restarted within so many seconds, and nobody is away in a rolling restart.
    pub(super) fn are_over(&self, now: Timestamp, quiet_seconds: f64) -> bool {
        let mut restarts = self.restarts.iter();
        !self.rolling && restarts.all(|restart| !within(restart.at, now, quiet_seconds))
    }

    fn note_away(&mut self, view: &View<'_>) {
        let silent = view
            .own()
            .filter(|row| row.silent())
            .filter_map(|row| row.id);
        let answering: BTreeSet<MemberId> = view
            .own()
            .filter(|row| row.answered)
            .filter_map(|row| row.id)
            .collect();
        let since = |member: MemberId| {
            let known = self.away.get(&member).copied();
            (
                member,
                known.map_or(view.ended_at, |since| since.min(view.ended_at)),
            )
        };
        let away = silent.filter(|member| !answering.contains(member));
        self.away = away.map(since).collect();
        // Whom nobody probes any more has left the cluster.
        let probed: BTreeSet<MemberId> = view.own().filter_map(|row| row.id).collect();
        self.starts.retain(|member, _| probed.contains(member));
    }

    /// Members that restart one at a time, each coming back before the next goes, and no pause long enough to end it.
    fn recognise(&self, now: Timestamp, parameters: &ConsensusParameters) -> Option<Roll> {
        let after_overlap = |restart: &&Restart| {
            self.overlapped_at
                .is_none_or(|overlap| restart.away_since > overlap)
        };
        let gap = parameters.roll_gap_seconds;
        let mut roll: Option<Roll> = None;
        for restart in self.restarts.iter().filter(after_overlap) {
            let goes_on = roll
                .take()
                .filter(|roll| within(roll.to, restart.away_since, gap));
            roll = Some(match goes_on {
                Some(mut roll) => {
                    // Whoever restarts again and again does not roll.
                    let again = !roll.done.insert(restart.member);
                    if again {
                        return None;
                    }
                    roll.to = restart.at;
                    roll
                }
                None => Roll::of(*restart),
            });
        }
        let mut roll = roll?;
        match self.away.iter().next() {
            Some((member, since)) => {
                let short = within(*since, now, parameters.roll_member_seconds);
                let next = within(roll.to, *since, gap);
                if self.away.len() > 1 || !short || !next || roll.done.contains(member) {
                    return None;
                }
                roll.away = Some(*member);
                roll.to = now;
            }
            None if roll.done.len() < 2 || !within(roll.to, now, gap) => return None,
            None => {}
        }
        Some(roll)
    }

    /// The rolling restart that goes on.
    pub(in crate::assess) fn rolling(&self) -> Option<&Roll> {
        self.roll.as_ref().filter(|_| self.rolling)
    }

    /// The latest rolling restart, be it over.
    pub(in crate::assess) fn latest_roll(&self) -> Option<&Roll> {
        self.roll.as_ref()
    }

    /// True when the start time of any process is known.
    pub(in crate::assess) fn knows_starts(&self) -> bool {
        !self.starts.is_empty()
    }
}

impl Roll {
    fn of(restart: Restart) -> Self {
        Self {
            from: restart.away_since,
            to: restart.at,
            done: BTreeSet::from([restart.member]),
            away: None,
        }
    }

    /// True for a time in the roll, or so close to it that it belongs to it.
    pub(in crate::assess) fn covers(&self, at: Timestamp, margin_seconds: f64) -> bool {
        let margin = SignedDuration::try_from_secs_f64(margin_seconds).unwrap_or_default();
        at.duration_since(self.from) >= -margin && at.duration_since(self.to) <= margin
    }
}

/// True when a process with the one start time is not the one with the other.
pub(in crate::assess) fn is_restart(before: f64, now: f64) -> bool {
    now > before + START_MOVED_SECONDS
}

/// True when `then` lies at most so many seconds before `now`, and not after it.
fn within(then: Timestamp, now: Timestamp, seconds: f64) -> bool {
    (0.0..=seconds).contains(&now.duration_since(then).as_secs_f64())
}
