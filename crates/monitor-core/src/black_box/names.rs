//! Names of files: a cluster's name is the operator's, but still only text.

use std::fmt::Write;

use etcd_monitor_model::ClusterName;
use jiff::tz::TimeZone;

use super::record::Incident;

const RECORDING: &str = "recording";

/// Extension of a recording that is not whole yet.
pub(super) const UNFINISHED: &str = "unfinished";

/// Longest part of a name that a text becomes.
const PART_BYTES_MAX: usize = 48;

/// A text as part of a file name: ASCII letters, digits and `-` alone. A text that has others, or is long, gets a
/// checksum behind it, so that two that differ stay apart.
pub(super) fn part(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let mut part: String = text
        .chars()
        .map(|c| if plain(c) { c } else { '_' })
        .take(PART_BYTES_MAX)
        .collect();
    if part != text {
        // Writing to a String cannot fail.
        let _ = write!(part, "_{:08x}", crc32fast::hash(text.as_bytes()));
    }
    part
}

/// The name of a frozen recording: when, whose, why.
pub(super) fn recording(
    cluster: &ClusterName,
    incident: &Incident,
    taken: impl Fn(&str) -> bool,
) -> String {
    let at = incident.at.to_zoned(TimeZone::UTC);
    let when = at.strftime("%Y%m%dT%H%M%SZ");
    let stem = format!(
        "{when}-{}-{}",
        part(cluster.as_str()),
        part(&incident.finding.rule)
    );
    let first = format!("{stem}.{RECORDING}");
    let mut others = (2_u64..).map(|count| format!("{stem}-{count}.{RECORDING}"));
    if !taken(&first) {
        return first;
    }
    others.find(|name| !taken(name)).unwrap_or(first)
}

pub(super) fn is_recording(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let extension = name.rsplit_once('.').map(|(_, extension)| extension);
    extension == Some(RECORDING) && !name.starts_with('.') && name.chars().all(plain)
}

pub(super) fn is_unfinished(name: &str) -> bool {
    name.rsplit_once('.')
        .is_some_and(|(_, extension)| extension == UNFINISHED)
}

#[cfg(test)]
mod tests {
    use etcd_monitor_model::FindingKey;
    use jiff::Timestamp;

    use super::*;

    fn incident(rule: &str) -> Incident {
        Incident {
            finding: FindingKey {
                rule: rule.to_owned(),
                subject: "cluster:x".to_owned(),
            },
            cause: String::new(),
            at: Timestamp::from_second(1_700_000_000).unwrap(),
        }
    }

    #[test]
    fn a_name_says_when_whose_and_why() {
        let cluster = ClusterName::new("production");
        let name = recording(&cluster, &incident("QuorumLost"), |_| false);
        assert_eq!(name, "20231114T221320Z-production-QuorumLost.recording");
        let second = recording(&cluster, &incident("QuorumLost"), |taken| taken == name);
        assert_eq!(second, "20231114T221320Z-production-QuorumLost-2.recording");
    }

    #[test]
    fn no_text_leaves_the_folder_or_meets_another() {
        let hostile = [
            "../../etc/passwd",
            ".._.._etc_passwd",
            "a b",
            "a_b",
            "/",
            "",
            "ä",
            "ö",
        ];
        let parts: std::collections::BTreeSet<String> = hostile.map(part).into();
        assert_eq!(parts.len(), hostile.len());
        for text in hostile {
            let name = recording(&ClusterName::new(text), &incident(text), |_| false);
            assert!(is_recording(&name), "{name}");
            assert!(!name.contains(".."), "{name}");
        }
        assert!(part(&"x".repeat(1000)).len() < 64);
        assert_ne!(part(&"x".repeat(1000)), part(&"x".repeat(1001)));
    }
}
