//! The answer as JSON. Names are promises: fields may be added, never renamed.

use std::fmt::Write;

use etcd_monitor_core::{
    Coverage, Finding, Leader, MemberSnapshot, Quorum, Severity, Snapshot, is_unprintable,
};
use jiff::Timestamp;
use serde::Serialize;

use super::verdict::Verdict;

#[derive(Serialize)]
struct Document<'a> {
    cluster: &'a str,
    verdict: &'static str,
    exit_code: u8,
    healthy: Option<bool>,
    worst: Option<Severity>,
    sentence: &'a str,
    at: Timestamp,
    leader: Option<&'a Leader>,
    quorum: Option<Quorum>,
    member_count: Option<u32>,
    members: &'a [MemberSnapshot],
    findings: &'a [Finding],
    coverage: &'a Coverage,
}

/// Everything that is known, with a line end.
pub(super) fn json(snapshot: &Snapshot, verdict: Verdict) -> String {
    let document = Document {
        cluster: snapshot.cluster.as_str(),
        verdict: verdict.as_str(),
        exit_code: verdict.exit_code(),
        healthy: snapshot.health.healthy,
        worst: snapshot.health.worst,
        sentence: &snapshot.health.sentence,
        at: snapshot.at,
        leader: snapshot.leader.as_ref(),
        quorum: snapshot.quorum,
        member_count: snapshot.member_count,
        members: &snapshot.members,
        findings: &snapshot.findings,
        coverage: &snapshot.coverage,
    };
    let text = serde_json::to_string_pretty(&document)
        .expect("the document has string keys and no type that can fail");
    escaped(&text) + "\n"
}

/// JSON may hold characters that steer a terminal; they stand in strings only, where an escape means the same.
fn escaped(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        if c == '\n' || !is_unprintable(c) {
            text.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            // Writing to a String cannot fail.
            let _ = write!(text, "\\u{unit:04x}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_steer_a_terminal_is_escaped_and_means_the_same() {
        let hostile = "m1\u{9b}2J\u{202e}\u{e0041}\x7f";
        let shown = escaped(&serde_json::to_string_pretty(&[hostile]).unwrap());
        assert!(
            !shown.chars().any(|c| c != '\n' && is_unprintable(c)),
            "{shown}"
        );
        let read: Vec<String> = serde_json::from_str(&shown).unwrap();
        assert_eq!(read, [hostile]);
    }
}
