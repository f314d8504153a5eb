//! What happened meanwhile, and what limited it, for people.

use std::fmt::Write as _;

use super::Report;
use super::table::line;
use crate::failover::{Event, EventKind, Outage};

/// Events that a table shows.
const EVENTS_SHOWN: usize = 20;

impl Report {
    /// Changes of the leader and of members, and times without service; nothing where there were none.
    pub(super) fn course(&self, text: &mut String) {
        let failover = &self.failover;
        if failover.events.is_empty() && failover.outages.is_empty() {
            return;
        }
        let _ = writeln!(text, "\nEVENTS");
        for event in failover.events.iter().take(EVENTS_SHOWN) {
            let _ = writeln!(text, "{:>8.1} s  {}", event.at_seconds, describe(event));
        }
        for outage in &failover.outages {
            let _ = writeln!(
                text,
                "{:>8.2} s  {}",
                outage.gap.from_seconds,
                without(outage)
            );
        }
    }

    /// What limited it, with the evidence.
    pub(super) fn limit(&self, text: &mut String) {
        let bottleneck = &self.bottleneck;
        line(text, "limit", bottleneck.limit.describe());
        for evidence in &bottleneck.evidence {
            line(text, "", &format!("- {evidence}"));
        }
        line(text, "advice", &bottleneck.action);
    }
}

pub(super) fn describe(event: &Event) -> String {
    let member = event.member.as_deref().unwrap_or("?");
    match event.kind {
        EventKind::LeaderLost => "no member that answers knows a leader".to_owned(),
        EventKind::LeaderChanged => format!(
            "{member} ({}) leads in term {}",
            event.leader.as_deref().unwrap_or("?"),
            event.term.map_or("?".to_owned(), |term| term.to_string())
        ),
        EventKind::MemberSilent => format!(
            "{member} does not answer: {}",
            event.reason.as_deref().unwrap_or("?")
        ),
        EventKind::MemberBack => format!("{member} answers again"),
    }
}

fn without(outage: &Outage) -> String {
    let gap = outage.gap;
    let end = if gap.is_open {
        "to the end".to_owned()
    } else {
        format!("until {:.2} s", gap.to_seconds)
    };
    let back = match (outage.recovered_after_seconds, outage.p99_before_seconds) {
        (Some(after), Some(level)) => format!(
            "p99 was back at its level of {:.1} ms {after:.1} s after it began",
            1e3 * level
        ),
        (None, Some(level)) => format!("p99 never came back to its level of {:.1} ms", 1e3 * level),
        _ => "there is no p99 of before".to_owned(),
    };
    let spent = outage.clients_spent_after_seconds;
    let spent = spent.map_or_else(String::new, |after| {
        format!("; {after:.2} s after it began every client waited, and nothing more was sent: more clients see more")
    });
    format!(
        "NO SERVICE {end}: nothing was answered for {:.2} s; {back}{spent}",
        gap.seconds()
    )
}
