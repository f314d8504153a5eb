//! What the members said of themselves, for people.

use std::fmt::Write as _;

use super::Report;
use crate::server::{Durations, MemberFigures, ServerMember};

impl Report {
    /// One line for each member whose metrics were read, and why for the others.
    pub(super) fn server_table(&self, text: &mut String) {
        if self.server.iter().any(|member| member.figures.is_some()) {
            let _ = writeln!(
                text,
                "\n{:<26}{:>9}{:>7}{:>11}{:>9}{:>7}{:>11}{:>9}{:>9}{:>9}",
                "SERVER",
                "role",
                "cores",
                "fsync mean",
                "p99 ms",
                "busy",
                "commit p99",
                "rtt p50",
                "pending",
                "db MiB"
            );
        }
        for member in &self.server {
            match (&member.figures, &member.unreadable) {
                (Some(figures), _) => row(text, member, figures),
                (None, Some(why)) => {
                    let _ = writeln!(
                        text,
                        "\nserver metrics of {} unknown: {why}",
                        member.endpoint
                    );
                }
                (None, None) => {}
            }
        }
    }
}

fn row(text: &mut String, member: &ServerMember, figures: &MemberFigures) {
    let role = match member.leads {
        Some(true) => "leader",
        Some(false) => "follower",
        None => "?",
    };
    let fsync = figures.wal_fsync.as_ref();
    let commit = figures.backend_commit.as_ref();
    let fastest = figures.peers.iter();
    let fastest = fastest.filter_map(|peer| peer.round_trip.p50_seconds);
    let fastest = fastest.reduce(f64::min);
    let _ = writeln!(
        text,
        "{:<26}{role:>9}{:>7}{:>11}{:>9}{:>7}{:>11}{:>9}{:>9}{:>9}",
        member.endpoint,
        shown(figures.cpu_cores, 2),
        shown(
            fsync
                .and_then(|fsync| fsync.mean_seconds)
                .map(|mean| 1e3 * mean),
            2
        ),
        p99(fsync),
        percent(fsync.and_then(|fsync| fsync.busy_share)),
        p99(commit),
        shown(fastest.map(|seconds| 1e3 * seconds), 2),
        shown(figures.pending_most, 0),
        shown(
            figures
                .database_bytes
                .map(|bytes| bytes / f64::from(1 << 20)),
            0
        ),
    );
}

/// In milliseconds; below the first bucket of the member nothing more is known.
fn p99(durations: Option<&Durations>) -> String {
    let Some(durations) = durations else {
        return "?".to_owned();
    };
    let first = durations.first_bound_seconds.unwrap_or(0.0);
    match durations.p99_seconds {
        Some(p99) if p99 < first => format!("<{:.0}", 1e3 * first),
        p99 => shown(p99.map(|p99| 1e3 * p99), 2),
    }
}

fn percent(share: Option<f64>) -> String {
    share.map_or("?".to_owned(), |share| format!("{:.0} %", 100.0 * share))
}

fn shown(value: Option<f64>, digits: usize) -> String {
    value.map_or("?".to_owned(), |value| format!("{value:.digits$}"))
}
