//! Alerts: where each stands, and what happened to it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use etcd_monitor_model::{
    AlertType, ClusterName, Evidence, Finding, FindingKey, Severity, Subject, SubjectKind,
    is_unprintable,
};
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

use crate::matcher::is_label_name;

/// What an alert is found by: a stable hash of cluster, rule and subject, printed as 16 lower-case hex digits.
///
/// The same alert has the same fingerprint after a restart, and in every daemon that watches the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(
    feature = "openapi",
    derive(utoipa::ToSchema),
    schema(value_type = String, pattern = "^[0-9a-f]{16}$", example = "00c7a3b5e1d2f498")
)]
pub struct Fingerprint(u64);

impl Fingerprint {
    /// The fingerprint of a rule's alert about a subject of a cluster.
    pub fn new(cluster: &ClusterName, rule: &str, subject: &Subject) -> Self {
        Self::of_parts([cluster.as_str(), rule, &subject.key()])
    }

    /// The fingerprint of a group of alerts, over the labels that they have in common.
    pub(crate) fn of_labels(labels: &BTreeMap<String, String>) -> Self {
        let parts = labels.iter().flat_map(|(name, value)| [name, value]);
        Self::of_parts(parts.map(String::as_str))
    }

    pub(crate) fn of_parts<'a>(parts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            // The length keeps ("ab", "c") apart from ("a", "bc").
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        let digest: [u8; 32] = hash.finalize().into();
        let head = digest.iter().take(8);
        Self(head.fold(0, |value, byte| (value << 8) | u64::from(*byte)))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl FromStr for Fingerprint {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // All of it: a part would be the id of another alert. What is no digit makes the error.
        let whole = if text.len() == 16 { text } else { "" };
        u64::from_str_radix(whole, 16).map(Self)
    }
}

impl<'de> Deserialize<'de> for Fingerprint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Where an alert stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AlertState {
    /// The condition holds, but not for long enough yet.
    Pending,
    /// The condition has held for the rule's time.
    Firing,
    /// It is over.
    Resolved,
}

impl AlertState {
    /// The state in lower case, as in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Firing => "firing",
            Self::Resolved => "resolved",
        }
    }
}

impl fmt::Display for AlertState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why an alert is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ResolveReason {
    /// The condition was evaluated and does not hold any more.
    Cleared,
    /// What it was about is no longer there: the member left the agreed list, or the cluster the configuration.
    Removed,
}

impl ResolveReason {
    /// The reason in lower case, as in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cleared => "cleared",
            Self::Removed => "removed",
        }
    }
}

/// One alert: a finding that a rule selected, and where it stands.
///
/// `subject`, `cause`, `action` and `evidence` may quote what a member answered: treat them as untrusted text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct Alert {
    /// What it is found by.
    pub id: Fingerprint,
    /// The rule's name; the default rules have that of the finding they select.
    pub rule: String,
    /// The area it belongs to.
    pub alert_type: AlertType,
    /// How severe it is now.
    pub severity: Severity,
    /// Where it stands.
    pub state: AlertState,
    /// The cluster it belongs to.
    pub cluster: ClusterName,
    /// What it is about.
    pub subject: Subject,
    /// One sentence that says what is wrong and why, as last seen while the condition held.
    pub cause: String,
    /// What to do, with the exact command where there is one.
    pub action: String,
    /// The values it rests on, as last seen while the condition held.
    pub evidence: Vec<Evidence>,
    /// Labels that the rule adds.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Since when the condition has been true.
    pub since: Timestamp,
    /// When it fired; `None` while pending.
    pub fired_at: Option<Timestamp>,
    /// When it was over; `None` while active.
    pub resolved_at: Option<Timestamp>,
    /// Why it is over; `None` while active.
    pub resolve_reason: Option<ResolveReason>,
    /// Since when its condition could not be evaluated; `None` while it can.
    pub unknown_since: Option<Timestamp>,
    /// The finding that explains it since it fired; nothing is sent about an explained alert until it is over.
    pub explained_by: Option<FindingKey>,
    /// Why nothing new is told about it; `None` when it is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub muted_by: Option<MutedBy>,
    /// Who takes care of it; `None` when nobody said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub acknowledged: Option<Acknowledgement>,
    /// Whether it fired so often of late that its resolve waits until it has been quiet.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub flapping: bool,
}

/// Why nothing new is told about an alert that fires. What was told as firing is told as over in any case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "by", content = "name", rename_all = "snake_case")]
#[non_exhaustive]
pub enum MutedBy {
    /// A silence, by its id.
    Silence(String),
    /// A maintenance window, by its name.
    Maintenance(String),
    /// Another alert, by an inhibition of the configuration.
    Inhibition(Fingerprint),
}

/// Somebody takes care of an alert: it is told no more until it is over or becomes more severe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Acknowledgement {
    /// Who said so.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// What they said, possibly nothing.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub comment: String,
}

/// Labels that alerts have by themselves; the labels of a rule have other names. `member` is there only where the
/// subject is a member.
pub const ALERT_LABELS: [&str; 7] = [
    "cluster",
    "rule",
    "severity",
    "alert_type",
    "subject",
    "subject_kind",
    "member",
];

/// Labels that a rule may add.
const RULE_LABELS_MAX: usize = 32;

/// Characters of the value of such a label.
const LABEL_CHARS_MAX: usize = 256;

/// Sees that the labels of a rule can be added to its alerts.
///
/// # Errors
///
/// In words: a name that is none or one of [`ALERT_LABELS`], a value of more than 256 characters or with characters that
/// cannot be shown, or more than 32 labels.
pub fn check_labels(labels: &BTreeMap<String, String>) -> Result<(), String> {
    if labels.len() > RULE_LABELS_MAX {
        return Err(format!("a rule has at most {RULE_LABELS_MAX} labels"));
    }
    let mut checked = labels.iter().map(|(name, value)| check_label(name, value));
    checked.find(Result::is_err).unwrap_or(Ok(()))
}

fn check_label(name: &str, value: &str) -> Result<(), String> {
    if !is_label_name(name) {
        Err(format!(
            "{name:?} is no name of a label; names have letters, digits and _, and begin with no digit"
        ))
    } else if ALERT_LABELS.contains(&name) {
        Err(format!(
            "{name} is a label that every alert has by itself; choose another name"
        ))
    } else if value.chars().count() > LABEL_CHARS_MAX || value.chars().any(is_unprintable) {
        Err(format!(
            "the value of {name} has more than {LABEL_CHARS_MAX} characters, or some that cannot be shown"
        ))
    } else {
        Ok(())
    }
}

impl Alert {
    /// The value of a label: one of [`ALERT_LABELS`], or one that its rule adds. `None` where it has no such label.
    /// May quote a member's answer: treat it as untrusted text.
    pub fn label(&self, name: &str) -> Option<Cow<'_, str>> {
        let of_itself = match name {
            "cluster" => self.cluster.as_str(),
            "rule" => &self.rule,
            "severity" => self.severity.as_str(),
            "alert_type" => self.alert_type.as_str(),
            "subject" => &self.subject.name,
            "subject_kind" => self.subject.kind.as_str(),
            "member" if self.subject.kind == SubjectKind::Member => &self.subject.name,
            "member" => return None,
            other => self.labels.get(other)?,
        };
        Some(Cow::Borrowed(of_itself))
    }

    /// A pending alert about a finding that is true, with a severity from its rule.
    pub(crate) fn pending(
        id: Fingerprint,
        finding: &Finding,
        severity: Severity,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            rule: finding.rule.clone(),
            alert_type: finding.alert_type,
            severity,
            state: AlertState::Pending,
            cluster: finding.cluster.clone(),
            subject: finding.subject.clone(),
            cause: finding.cause.clone(),
            action: finding.action.clone(),
            evidence: finding.evidence.clone(),
            // A finding from before the clock was set back would be "since" a time to come.
            since: finding.since.min(now),
            fired_at: None,
            resolved_at: None,
            resolve_reason: None,
            unknown_since: None,
            explained_by: None,
            labels: BTreeMap::new(),
            muted_by: None,
            acknowledged: None,
            flapping: false,
        }
    }

    /// Takes over what a finding that is still true says now, but for its severity.
    pub(crate) fn refresh(&mut self, finding: &Finding) {
        self.subject.clone_from(&finding.subject);
        self.cause.clone_from(&finding.cause);
        self.action.clone_from(&finding.action);
        self.evidence.clone_from(&finding.evidence);
        self.unknown_since = None;
        self.explained_by.clone_from(&finding.caused_by);
    }
}

/// One change of an alert, for the history.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct AlertEvent {
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub kind: AlertEventKind,
    /// The alert as it was right after.
    #[cfg_attr(feature = "openapi", schema(value_type = Alert))]
    pub alert: Arc<Alert>,
}

/// What happened to an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AlertEventKind {
    /// It began to fire.
    Fired,
    /// Its severity rose while it was firing.
    SeverityRaised,
    /// Another finding explains it from now on; nothing more is sent until it is over.
    Explained,
    /// Somebody takes care of it.
    Acknowledged,
    /// A silence, a maintenance window or an inhibition holds for it from now on.
    Muted,
    /// Nothing mutes it any more.
    Unmuted,
    /// It is over.
    Resolved,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::member_alert;

    #[test]
    fn the_fingerprint_is_stable_and_tells_its_parts_apart() {
        let of = |cluster: &str, rule: &str| {
            let cluster = ClusterName::new(cluster);
            Fingerprint::new(&cluster, rule, &Subject::monitor()).to_string()
        };
        assert_eq!(of("prod", "MemberDown").len(), 16);
        assert_eq!(of("prod", "MemberDown"), of("prod", "MemberDown"));
        assert_ne!(of("prodM", "emberDown"), of("prod", "MemberDown"));
    }

    #[test]
    fn the_labels_are_its_own_and_those_of_its_rule() {
        let mut alert = member_alert("prod", "MemberDown", "m1");
        alert.labels.insert("team".into(), "storage".into());
        let values = ALERT_LABELS.map(|name| alert.label(name).unwrap_or_default());
        let expected = [
            "prod",
            "MemberDown",
            "warning",
            "member",
            "m1",
            "member",
            "m1",
        ];
        assert_eq!(values, expected);
        assert_eq!(alert.label("team").as_deref(), Some("storage"));
        assert_eq!(alert.label("owner"), None);
    }

    #[test]
    fn only_an_alert_about_a_member_has_the_label_of_one() {
        let alert = crate::fixtures::alert("prod", "QuorumLost", Severity::Critical);
        assert_eq!(alert.label("member"), None);
        assert_eq!(alert.label("subject_kind").as_deref(), Some("cluster"));
    }

    #[test]
    fn the_labels_of_a_rule_have_names_of_their_own_and_can_be_shown() {
        let check = |name: &str, value: &str| {
            check_labels(&BTreeMap::from([(name.to_owned(), value.to_owned())]))
        };
        assert_eq!(check("team", "storage"), Ok(()));
        for wrong in [("cluster", "x"), ("a b", "x"), ("team", "\u{1b}[2J")] {
            assert!(check(wrong.0, wrong.1).is_err(), "{wrong:?}");
        }
    }
}
