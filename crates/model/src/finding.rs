//! Findings: what the monitor claims, with its evidence.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{ClusterName, MemberId, UnknownClass};

/// How bad something is. Ordered: `Info < Warning < Critical`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing; nobody needs to act now.
    Info,
    /// Somebody should act in working hours.
    Warning,
    /// Somebody must act now.
    Critical,
}

impl Severity {
    /// All of them, the least first.
    pub const ALL: [Self; 3] = [Self::Info, Self::Warning, Self::Critical];

    /// The severity in lower case, as in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The eight areas that an alert can belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AlertType {
    /// Leader and elections.
    Leader,
    /// Quorum and the cluster as a whole.
    Quorum,
    /// The network between members.
    Partition,
    /// One member.
    Member,
    /// Latency.
    Latency,
    /// Space, quota and growth.
    Capacity,
    /// Data that differs or is damaged.
    Corruption,
    /// Configuration, certificates, credentials, versions, and the monitor itself.
    Configuration,
}

impl AlertType {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Leader,
        Self::Quorum,
        Self::Partition,
        Self::Member,
        Self::Latency,
        Self::Capacity,
        Self::Corruption,
        Self::Configuration,
    ];

    /// The type in lower case, as in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Leader => "leader",
            Self::Quorum => "quorum",
            Self::Partition => "partition",
            Self::Member => "member",
            Self::Latency => "latency",
            Self::Capacity => "capacity",
            Self::Corruption => "corruption",
            Self::Configuration => "configuration",
        }
    }
}

impl fmt::Display for AlertType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What kind of thing a finding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum SubjectKind {
    /// The cluster as a whole.
    Cluster,
    /// One member.
    Member,
    /// A directed link between two members.
    Link,
    /// The monitor itself.
    Monitor,
}

impl SubjectKind {
    /// The kind in lower case, as in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cluster => "cluster",
            Self::Member => "member",
            Self::Link => "link",
            Self::Monitor => "monitor",
        }
    }
}

/// What a finding is about.
///
/// `name` is for people and may come from a member's answer: treat it as untrusted text. `id` is set for members and
/// keeps the subject stable when a member is renamed or its name is not known yet.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Subject {
    /// The kind of thing.
    pub kind: SubjectKind,
    /// Its name: the cluster's, the member's (or its endpoint while the name is unknown), `n1 -> n2` for a
    /// link, or `monitor`.
    pub name: String,
    /// The member's id, for a member that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub id: Option<MemberId>,
}

impl Subject {
    /// The cluster as a whole.
    pub fn cluster(name: &ClusterName) -> Self {
        Self {
            kind: SubjectKind::Cluster,
            name: name.as_str().to_owned(),
            id: None,
        }
    }

    /// A member; `name` is its name, or its endpoint while the name is unknown.
    pub fn member(name: impl Into<String>, id: Option<MemberId>) -> Self {
        Self {
            kind: SubjectKind::Member,
            name: name.into(),
            id,
        }
    }

    /// One direction between two members, named `n1 -> n2`.
    pub fn link(name: impl Into<String>) -> Self {
        Self {
            kind: SubjectKind::Link,
            name: name.into(),
            id: None,
        }
    }

    /// The monitor itself.
    pub fn monitor() -> Self {
        Self {
            kind: SubjectKind::Monitor,
            name: "monitor".to_owned(),
            id: None,
        }
    }

    /// A text that names the subject and does not change while it exists: kind, and id where there is one.
    pub fn key(&self) -> String {
        match self.id {
            Some(id) => format!("{}:{id}", self.kind.as_str()),
            None => format!("{}:{}", self.kind.as_str(), self.name),
        }
    }
}

/// What a finding is found by: its rule and its subject's [`Subject::key`]. Unique within a cluster.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FindingKey {
    /// The rule's stable name, such as `MemberDown`.
    pub rule: String,
    /// [`Subject::key`] of the subject.
    pub subject: String,
}

/// Whether the condition of a finding holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum FindingStatus {
    /// The condition holds now.
    True,
    /// The condition was evaluated and does not hold.
    False,
    /// The condition could not be evaluated.
    Unknown {
        /// Why, in words: "monitor late", "member unreachable", "permission denied", …
        unknown_reason: String,
        /// The kind of reason.
        #[serde(default)]
        unknown_class: UnknownClass,
    },
}

impl FindingStatus {
    /// Not evaluable, for this kind of reason and in these words.
    pub fn unknown(class: UnknownClass, reason: impl Into<String>) -> Self {
        Self::Unknown {
            unknown_reason: reason.into(),
            unknown_class: class,
        }
    }

    /// The status as one word: `true`, `false` or `unknown`.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::True => "true",
            Self::False => "false",
            Self::Unknown { .. } => "unknown",
        }
    }

    /// True when the condition holds.
    pub fn is_true(&self) -> bool {
        matches!(self, Self::True)
    }
}

/// How sure the monitor is of a finding that is true.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// A sign that has other explanations.
    Low,
    /// The likeliest explanation of what was seen.
    Medium,
    /// Seen directly, or said by etcd itself.
    High,
}

/// One value that a finding rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Evidence {
    /// What was looked at: `Status`, `MemberList (linearizable)`, `etcd_server_quota_backend_bytes`, …
    pub source: String,
    /// What was seen, with its unit. May quote a member's answer: treat it as untrusted text.
    pub value: String,
    /// When it was seen.
    pub at: Timestamp,
}

/// One claim about a cluster, a member, a link or the monitor.
///
/// A finding exists from the first cycle in which its rule was evaluated, with status true, false or unknown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct Finding {
    /// The rule's stable name, such as `MemberDown`.
    pub rule: String,
    /// The area it belongs to.
    pub alert_type: AlertType,
    /// Default severity; an alert rule may choose another for the alert.
    pub severity: Severity,
    /// Whether the condition holds, and why not known where it is not.
    #[serde(flatten)]
    pub status: FindingStatus,
    /// The cluster it belongs to.
    pub cluster: ClusterName,
    /// What it is about.
    pub subject: Subject,
    /// One sentence that says what is wrong and why; empty while the condition is false.
    pub cause: String,
    /// The finding that explains this one; alerting stays silent about explained findings.
    pub caused_by: Option<FindingKey>,
    /// The values it rests on.
    pub evidence: Vec<Evidence>,
    /// How sure the monitor is.
    pub confidence: Confidence,
    /// Since when the status has been what it is.
    pub since: Timestamp,
    /// What to do, with the exact command where there is one; empty while the condition is false.
    pub action: String,
}

impl Finding {
    /// A finding whose condition does not hold, from `since` on. Build on it with the `with` methods.
    pub fn new(
        rule: &str,
        alert_type: AlertType,
        severity: Severity,
        cluster: &ClusterName,
        subject: Subject,
        since: Timestamp,
    ) -> Self {
        Self {
            rule: rule.to_owned(),
            alert_type,
            severity,
            status: FindingStatus::False,
            cluster: cluster.clone(),
            subject,
            cause: String::new(),
            caused_by: None,
            evidence: Vec::new(),
            confidence: Confidence::High,
            since,
            action: String::new(),
        }
    }

    /// What this finding is found by.
    pub fn key(&self) -> FindingKey {
        FindingKey {
            rule: self.rule.clone(),
            subject: self.subject.key(),
        }
    }

    /// True when the condition holds and no other finding explains it.
    pub fn is_root(&self) -> bool {
        self.status.is_true() && self.caused_by.is_none()
    }
}
