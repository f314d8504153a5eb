//! The answer for people. What members said is made plain before it is shown.

use std::collections::BTreeMap;

use etcd_monitor_core::{Finding, MemberSnapshot, RuleGap, Snapshot, UnknownClass, plain_text};

use super::verdict::Verdict;
use crate::output::table;

/// The verdict, then one line per finding that is true, worst first.
pub(super) fn lines(snapshot: &Snapshot, verdict: Verdict) -> String {
    let mut lines = vec![headline(snapshot, verdict)];
    lines.extend(found(snapshot).map(|finding| {
        let subject = subject(finding);
        format!(
            "{} {} {subject}: {}",
            finding.severity,
            finding.rule,
            cause(finding)
        )
    }));
    lines.join("\n") + "\n"
}

/// Findings with what to do, members, and what could not be judged.
pub(super) fn tables(snapshot: &Snapshot, verdict: Verdict) -> String {
    let mut blocks = vec![headline(snapshot, verdict)];
    let findings: Vec<_> = found(snapshot).map(finding_row).collect();
    blocks.extend(table(["SEVERITY", "RULE", "SUBJECT", "CAUSE"], &findings));
    blocks.extend(actions(snapshot));
    let members: Vec<_> = snapshot.members.iter().map(member_row).collect();
    blocks.extend(table(
        ["MEMBER", "ROLE", "HEALTHY", "VERSION", "ENDPOINT"],
        &members,
    ));
    blocks.extend(not_evaluable(snapshot));
    blocks.join("\n\n") + "\n"
}

fn headline(snapshot: &Snapshot, verdict: Verdict) -> String {
    let cluster = plain_text(snapshot.cluster.as_str());
    let sentence = plain_text(&snapshot.health.sentence);
    let verdict = match verdict {
        Verdict::Ok => "OK",
        Verdict::Warning => "WARNING",
        Verdict::Critical => "CRITICAL",
        Verdict::NoAnswer => "UNKNOWN, no member gave an answer",
        Verdict::Late => "UNKNOWN, this program was late itself",
    };
    format!("Cluster {cluster}: {verdict}. {sentence}")
}

fn found(snapshot: &Snapshot) -> impl Iterator<Item = &Finding> {
    let findings = snapshot.findings.iter();
    findings.filter(|finding| finding.status.is_true())
}

fn finding_row(finding: &Finding) -> [String; 4] {
    [
        finding.severity.to_string(),
        finding.rule.clone(),
        subject(finding),
        cause(finding),
    ]
}

fn subject(finding: &Finding) -> String {
    let kind = finding.subject.kind.as_str();
    format!("{kind} {}", plain_text(&finding.subject.name))
}

fn cause(finding: &Finding) -> String {
    let cause = plain_text(&finding.cause);
    match &finding.caused_by {
        Some(root) => format!("{cause} (explained by {})", root.rule),
        None => cause,
    }
}

/// What to do about what nothing else explains, each once.
fn actions(snapshot: &Snapshot) -> Option<String> {
    let roots = found(snapshot).filter(|finding| finding.is_root() && !finding.action.is_empty());
    let mut lines: Vec<String> = Vec::new();
    for finding in roots {
        let line = format!("  {}: {}", finding.rule, plain_text(&finding.action));
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    (!lines.is_empty()).then(|| format!("What to do:\n{}", lines.join("\n")))
}

fn member_row(member: &MemberSnapshot) -> [String; 5] {
    let healthy = match member.healthy {
        Some(true) => "yes",
        Some(false) => "no",
        None => "-",
    };
    [
        plain_text(&member.name),
        member.role.as_str().to_owned(),
        healthy.to_owned(),
        plain_text(member.version.as_deref().unwrap_or("-")),
        plain_text(&member.endpoint),
    ]
}

/// The rules that could not be evaluated, with how many subjects and why.
fn not_evaluable(snapshot: &Snapshot) -> Option<String> {
    let mut gaps: BTreeMap<(&str, UnknownClass), Vec<&RuleGap>> = BTreeMap::new();
    for gap in &snapshot.coverage.rules {
        let alike = gaps.entry((gap.rule.as_str(), gap.class)).or_default();
        alike.push(gap);
    }
    let rows: Vec<_> = gaps
        .into_iter()
        .map(|((rule, _), alike)| [rule.to_owned(), subjects(&alike), why(&alike)])
        .collect();
    let shown = table(["RULE", "SUBJECT", "WHY"], &rows)?;
    Some(format!(
        "Not evaluable, which changes no exit code:\n{shown}"
    ))
}

fn subjects(alike: &[&RuleGap]) -> String {
    match alike {
        [only] => plain_text(&only.subject.name),
        several => format!("{} subjects", several.len()),
    }
}

fn why(alike: &[&RuleGap]) -> String {
    alike
        .first()
        .map_or_else(String::new, |gap| plain_text(&gap.reason))
}

#[cfg(test)]
mod tests {
    use etcd_monitor_core::{
        AlertType, ClusterName, FindingKey, FindingStatus, MonitorCondition, Severity, Subject,
        is_unprintable,
    };
    use jiff::Timestamp;

    use super::*;

    const HOSTILE: &str = "m1\x1b[2J\u{202e}\nOK";

    fn hostile() -> Snapshot {
        let cluster = ClusterName::new("c");
        let now = Timestamp::now();
        let punctual = MonitorCondition {
            timer_lag_seconds: 0.0,
            deadline_seconds: 1.0,
        };
        let mut snapshot = Snapshot::empty(cluster.clone(), now, punctual);
        let subject = Subject::member(HOSTILE, None);
        let mut down = Finding::new(
            "MemberDown",
            AlertType::Member,
            Severity::Warning,
            &cluster,
            subject,
            now,
        );
        down.cause = HOSTILE.to_owned();
        down.action = HOSTILE.to_owned();
        down.status = FindingStatus::True;
        let mut unknown = down.clone();
        unknown.status = FindingStatus::unknown(UnknownClass::NotAsked, HOSTILE);
        snapshot.findings = vec![down, unknown];
        snapshot.coverage = etcd_monitor_core::Coverage::of(&snapshot.findings, Vec::new());
        HOSTILE.clone_into(&mut snapshot.health.sentence);
        snapshot.members = vec![MemberSnapshot::unknown(HOSTILE, HOSTILE)];
        snapshot
    }

    #[test]
    fn what_members_say_cannot_steer_the_terminal() {
        let snapshot = hostile();
        for shown in [
            tables(&snapshot, Verdict::Warning),
            lines(&snapshot, Verdict::Warning),
        ] {
            assert!(shown.contains("MemberDown"), "{shown}");
            assert!(!shown.lines().any(|line| line.starts_with("OK")), "{shown}");
            let shows = |c: char| c == '\n' || !is_unprintable(c);
            assert!(shown.chars().all(shows), "{shown:?}");
        }
    }

    #[test]
    fn a_finding_says_what_explains_it() {
        let mut snapshot = hostile();
        snapshot.findings[0].caused_by = Some(FindingKey {
            rule: "QuorumLost".to_owned(),
            subject: "cluster:c".to_owned(),
        });
        let shown = tables(&snapshot, Verdict::Warning);
        assert!(shown.contains("(explained by QuorumLost)"), "{shown}");
        assert!(!shown.contains("What to do"), "{shown}");
    }
}
