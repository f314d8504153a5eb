//! The answer for people. What members said is made plain before it is shown.

use etcd_monitor_core::{Episode, Incident, Recording, RecordingDamage, plain_text};
use jiff::{SignedDuration, Timestamp, Unit};

use super::Replay;
use crate::output::table;

/// What is recorded, then one line per finding in the order in which they began.
pub(super) fn lines(replay: &Replay) -> String {
    let mut lines = heading(replay);
    lines.extend(replay.timeline.iter().map(|episode| row(episode).join(" ")));
    lines.join("\n") + "\n"
}

/// The same with columns.
pub(super) fn tables(replay: &Replay) -> String {
    let rows: Vec<_> = replay.timeline.iter().map(row).collect();
    let header = ["BEGAN", "LASTED", "SEVERITY", "RULE", "SUBJECT", "CAUSE"];
    let findings = table(header, &rows);
    let findings = findings.unwrap_or_else(|| "No finding is true in any cycle".to_owned());
    format!("{}\n\n{findings}\n", heading(replay).join("\n"))
}

/// The pages that were kept, each under a comment that says whose it is.
pub(super) fn pages(recording: &Recording) -> String {
    let page = |page: &etcd_monitor_core::RawPage| {
        let endpoint = plain_text(&page.endpoint);
        let text: String = page
            .text
            .lines()
            .map(|line| plain_line(line) + "\n")
            .collect();
        format!("# {endpoint} at {}\n{text}", page.at)
    };
    recording.pages().map(page).collect()
}

/// A line of a page is shown whole, however long.
fn plain_line(line: &str) -> String {
    line.chars()
        .map(|c| {
            if etcd_monitor_core::is_unprintable(c) {
                ' '
            } else {
                c
            }
        })
        .collect()
}

fn heading(replay: &Replay) -> Vec<String> {
    let cluster = replay
        .cluster
        .as_ref()
        .map_or("unknown", |name| name.as_str());
    let by = replay
        .recorded_by
        .as_deref()
        .unwrap_or("of an unknown version");
    let mut heading = vec![format!(
        "Cluster {}: {} cycles {}, recorded by etcd-monitor {}, {} pages kept",
        plain_text(cluster),
        replay.cycles,
        span(replay.first_at, replay.last_at),
        plain_text(by),
        replay.pages,
    )];
    heading.extend(replay.incidents.iter().map(incident));
    heading.extend(damage(replay.damage));
    heading
}

fn span(first: Option<Timestamp>, last: Option<Timestamp>) -> String {
    match first.zip(last) {
        Some((first, last)) => format!("from {} to {}", time(first), time(last)),
        None => "at no time".to_owned(),
    }
}

fn incident(incident: &Incident) -> String {
    format!(
        "Frozen at {} by {} ({}): {}",
        time(incident.at),
        plain_text(&incident.finding.rule),
        plain_text(&incident.finding.subject),
        plain_text(&incident.cause)
    )
}

/// What is missing, if anything is.
fn damage(damage: RecordingDamage) -> Option<String> {
    let mut missing = Vec::new();
    if damage.blocks > 0 {
        missing.push(format!("{} damaged blocks", damage.blocks));
    }
    if damage.records > 0 {
        missing.push(format!(
            "{} records that this version cannot read",
            damage.records
        ));
    }
    if damage.torn {
        missing.push("the end, which was cut off".to_owned());
    }
    (!missing.is_empty()).then(|| format!("Missing: {}", missing.join(", ")))
}

fn row(episode: &Episode) -> [String; 6] {
    let subject = format!(
        "{} {}",
        episode.subject.kind.as_str(),
        plain_text(&episode.subject.name)
    );
    let cause = plain_text(&episode.cause);
    let cause = match &episode.caused_by {
        Some(root) => format!("{cause} (explained by {})", plain_text(&root.rule)),
        None => cause,
    };
    [
        time(episode.began_at),
        lasted(episode),
        episode.severity.to_string(),
        episode.rule.clone(),
        subject,
        cause,
    ]
}

fn lasted(episode: &Episode) -> String {
    episode.ended_at.map_or_else(
        || "to the end".to_owned(),
        |ended_at| {
            let lasted = ended_at.duration_since(episode.began_at);
            let rounded = lasted.round(Unit::Second).unwrap_or(SignedDuration::ZERO);
            format!("{rounded:#}")
        },
    )
}

/// To the second: a cycle is not finer.
fn time(at: Timestamp) -> String {
    at.round(Unit::Second).unwrap_or(at).to_string()
}

#[cfg(test)]
mod tests {
    use etcd_monitor_core::{ClusterName, FindingKey, Severity, Subject, is_unprintable};

    use super::*;

    const HOSTILE: &str = "m1\x1b[2J\u{202e}\nNo finding";

    fn hostile() -> Replay {
        let at: Timestamp = "2026-01-02T03:04:05.6Z".parse().unwrap();
        let finding = FindingKey {
            rule: HOSTILE.to_owned(),
            subject: HOSTILE.to_owned(),
        };
        let refused = serde_json::json!({"at": at, "took_seconds": 0.0,
            "result": {"Err": {"kind": "refused", "message": HOSTILE}}});
        let seen = serde_json::json!({
            "cluster": HOSTILE, "cycle": 1, "started_at": at, "ended_at": at, "interval_seconds": 5.0,
            "monitor": {"timer_lag_seconds": 0.0, "deadline_seconds": 2.0}, "members": [{"endpoint": "http://x:2379", "origin": "configured", "status": refused}],
        });
        let head = etcd_monitor_core::RecordingHead::new(
            ClusterName::new(HOSTILE),
            etcd_monitor_core::Parameters::default(),
        );
        let mut replay = Replay::of(&Recording::of(
            head,
            [serde_json::from_value(seen).unwrap()],
        ));
        replay.incidents = vec![Incident {
            finding: finding.clone(),
            cause: HOSTILE.to_owned(),
            at,
        }];
        for episode in &mut replay.timeline {
            HOSTILE.clone_into(&mut episode.cause);
            episode.subject = Subject::member(HOSTILE, None);
            episode.caused_by = Some(finding.clone());
            episode.severity = Severity::Critical;
        }
        replay
    }

    #[test]
    fn what_was_recorded_cannot_steer_the_terminal() {
        let replay = hostile();
        assert!(
            !replay.timeline.is_empty(),
            "a cluster that refuses is not reachable"
        );
        for shown in [tables(&replay), lines(&replay)] {
            assert!(
                !shown.lines().any(|line| line.starts_with("No finding")),
                "{shown}"
            );
            let shows = |c: char| c == '\n' || !is_unprintable(c);
            assert!(shown.chars().all(shows), "{shown:?}");
            assert!(shown.contains("to the end"), "{shown}");
            assert!(
                shown.contains("1 cycles from 2026-01-02T03:04:06Z to "),
                "{shown}"
            );
        }
    }

    #[test]
    fn what_is_missing_is_said() {
        assert_eq!(damage(RecordingDamage::default()), None);
        let mut some = RecordingDamage::default();
        some.blocks = 2;
        some.torn = true;
        let said = damage(some).unwrap();
        assert_eq!(
            said,
            "Missing: 2 damaged blocks, the end, which was cut off"
        );
    }

    #[test]
    fn a_finding_that_ended_says_how_long_it_was_true() {
        let mut replay = hostile();
        let episode = &mut replay.timeline[0];
        episode.ended_at = Some(episode.began_at + SignedDuration::from_millis(65_400));
        assert_eq!(lasted(episode), "1m 5s");
    }
}
