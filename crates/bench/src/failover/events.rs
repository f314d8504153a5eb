//! Changes of the leader and of members, from what each member said.

use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::server::{Seen, Watched};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = BenchmarkEventKind))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EventKind {
    /// No member that answers knows a leader.
    LeaderLost,
    /// Another member leads, or the same in another term.
    LeaderChanged,
    /// A member does not answer.
    MemberSilent,
    /// A member answers again.
    MemberBack,
}

impl EventKind {
    /// The kind in lower case, as in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LeaderLost => "leader_lost",
            Self::LeaderChanged => "leader_changed",
            Self::MemberSilent => "member_silent",
            Self::MemberBack => "member_back",
        }
    }
}

/// Something that happened while it was measured. Members are asked five times in a second, so that its time is true to 0.2 s,
/// and to a second where a member hangs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = BenchmarkEvent))]
#[non_exhaustive]
pub struct Event {
    /// Seconds from the beginning of the measurement.
    pub at_seconds: f64,
    /// What.
    pub kind: EventKind,
    /// The member that fell silent or is back, by its endpoint; of a new leader its endpoint, where it is known.
    pub member: Option<String>,
    /// Id of the new leader in hex.
    pub leader: Option<String>,
    /// The new term.
    pub term: Option<u64>,
    /// Why a member is silent. Untrusted text without control characters.
    pub reason: Option<String>,
}

/// What is known of the cluster at one time.
#[derive(Default)]
struct Known {
    /// What each member last said.
    seen: Vec<Option<Seen>>,
    leader: Option<(u64, u64)>,
    is_lost: bool,
}

/// What happened from `from` to `to`, in the order of time.
pub(crate) fn events(watched: &[Watched], from: Instant, to: Instant) -> Vec<Event> {
    let numbered = watched.iter().enumerate();
    let mut changes: Vec<(Instant, usize, &Seen)> = numbered
        .flat_map(|(member, watched)| {
            let changes = watched.changes.iter();
            changes.map(move |change| (change.at, member, &change.seen))
        })
        .collect();
    changes.sort_by_key(|(at, ..)| *at);
    let mut known = Known {
        seen: vec![None; watched.len()],
        ..Known::default()
    };
    let mut events = Vec::new();
    for (at, member, seen) in changes {
        let news = known.take(member, seen, watched);
        // What was so before is no event.
        if at >= from && at <= to {
            let at_seconds = at.duration_since(from).as_secs_f64();
            events.extend(news.into_iter().map(|event| Event {
                at_seconds,
                ..event
            }));
        }
    }
    events
}

impl Known {
    fn take(&mut self, member: usize, seen: &Seen, watched: &[Watched]) -> Vec<Event> {
        let Some(slot) = self.seen.get_mut(member) else {
            return Vec::new();
        };
        let was_silent = matches!(slot, Some(Seen::Silent(_)));
        *slot = Some(seen.clone());
        let endpoint = watched.get(member).map(|it| it.member.endpoint.clone());
        let mut news = Vec::new();
        match seen {
            Seen::Silent(reason) => news.push(Event {
                member: endpoint,
                reason: Some(reason.clone()),
                ..event(EventKind::MemberSilent)
            }),
            Seen::Answers { .. } if was_silent => news.push(Event {
                member: endpoint,
                ..event(EventKind::MemberBack)
            }),
            Seen::Answers { .. } => {}
        }
        news.extend(self.leader_event(watched));
        news
    }

    /// The leader is whom the members with the highest term name.
    fn leader_event(&mut self, watched: &[Watched]) -> Option<Event> {
        let answers = self.seen.iter().flatten().filter_map(|seen| match seen {
            Seen::Answers { leader, term } => Some((*term, *leader)),
            Seen::Silent(_) => None,
        });
        let answers: Vec<(u64, Option<u64>)> = answers.collect();
        let named = answers
            .iter()
            .filter_map(|(term, leader)| Some((*term, (*leader)?)));
        let Some(newest) = named.max() else {
            let is_news = !answers.is_empty() && !self.is_lost && self.leader.is_some();
            self.is_lost |= is_news;
            return is_news.then(|| event(EventKind::LeaderLost));
        };
        let before = self.leader;
        // A member that is behind still names the old one.
        if before.is_some_and(|before| newest <= before) {
            return None;
        }
        self.leader = Some(newest);
        self.is_lost = false;
        before?;
        let (term, leader) = newest;
        let of_leader = watched.iter().find(|watched| watched.id == Some(leader));
        Some(Event {
            member: of_leader.map(|watched| watched.member.endpoint.clone()),
            leader: Some(format!("{leader:x}")),
            term: Some(term),
            ..event(EventKind::LeaderChanged)
        })
    }
}

fn event(kind: EventKind) -> Event {
    Event {
        at_seconds: 0.0,
        kind,
        member: None,
        leader: None,
        term: None,
        reason: None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::server::{SeenAt, ServerMember};

    fn leads(leader: u64, term: u64) -> Seen {
        Seen::Answers {
            leader: (leader != 0).then_some(leader),
            term,
        }
    }

    fn watched(from: Instant, id: u64, seen: &[(f64, Seen)]) -> Watched {
        Watched {
            id: Some(id),
            member: ServerMember {
                endpoint: format!("m{id}"),
                ..ServerMember::default()
            },
            changes: seen
                .iter()
                .map(|(seconds, seen)| SeenAt {
                    at: from + Duration::from_secs_f64(seconds + 1.0),
                    seen: seen.clone(),
                })
                .collect(),
        }
    }

    #[test]
    fn the_death_of_a_leader_is_three_events() {
        let from = Instant::now();
        let silent = Seen::Silent("refused".to_owned());
        let watched = [
            watched(
                from,
                1,
                &[(-0.5, leads(1, 2)), (2.0, silent), (8.0, leads(2, 3))],
            ),
            watched(
                from,
                2,
                &[(-0.4, leads(1, 2)), (2.9, leads(0, 3)), (3.3, leads(2, 3))],
            ),
            watched(
                from,
                3,
                &[(-0.3, leads(1, 2)), (2.7, leads(0, 2)), (3.4, leads(2, 3))],
            ),
        ];
        let begin = from + Duration::from_secs(1);
        let all = events(&watched, begin, begin + Duration::from_secs(10));
        let told: Vec<_> = all
            .iter()
            .map(|event| (event.kind, event.member.as_deref(), event.term))
            .collect();
        assert_eq!(
            told,
            [
                (EventKind::MemberSilent, Some("m1"), None),
                (EventKind::LeaderLost, None, None),
                (EventKind::LeaderChanged, Some("m2"), Some(3)),
                (EventKind::MemberBack, Some("m1"), None),
            ]
        );
        assert!((all[2].at_seconds - 3.3).abs() < 1e-6);
        assert_eq!(all[2].leader.as_deref(), Some("2"));
        // What happened after the end is none of it.
        assert_eq!(
            events(&watched, begin, begin + Duration::from_secs(3)).len(),
            2
        );
    }

    #[test]
    fn a_cluster_that_stays_as_it_is_has_no_events() {
        let from = Instant::now();
        let watched = [
            watched(from, 1, &[(-0.5, leads(2, 7))]),
            // Behind, it still names the leader of before.
            watched(from, 2, &[(0.5, leads(1, 6)), (0.7, leads(2, 7))]),
        ];
        assert_eq!(events(&watched, from, from + Duration::from_secs(9)), []);
    }
}
