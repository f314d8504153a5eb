//! Coverage: what the monitor cannot judge, and why.
//!
//! A rule that cannot be evaluated is not a rule that found nothing. This is the list of what is not looked at.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Finding, FindingStatus, Subject};

/// Why something is not known. A variant is something else for the operator to do, or to wait for.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum UnknownClass {
    /// The monitor's own timers were late: what failed says nothing about etcd.
    MonitorLate,
    /// The member does not answer.
    MemberUnreachable,
    /// Nobody asked: the member is not probed, or not in this cycle.
    NotAsked,
    /// The monitor's user may not make the call, or is not let in at all.
    PermissionDenied,
    /// The TLS handshake fails.
    Tls,
    /// The member's `/metrics` page was not read in this cycle.
    MetricsUnread,
    /// The member's version does not have the metric.
    MetricAbsent,
    /// Only a member started with `--metrics=extensive` has the metric; etcd's default is `basic`.
    MetricsBasic,
    /// A learner does not serve the call, or the version does not know it.
    NotServed,
    /// Not enough was seen yet: the monitor or the member has just started, or too little happened.
    NotEnoughData,
    /// The check is off until it is configured.
    NotConfigured,
    /// What came back is not what the protocol allows, or no number that can be.
    BadAnswer,
    /// Anything else; the text beside it says what.
    #[default]
    Other,
}

impl UnknownClass {
    /// The class in lower case, as in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MonitorLate => "monitor_late",
            Self::MemberUnreachable => "member_unreachable",
            Self::NotAsked => "not_asked",
            Self::PermissionDenied => "permission_denied",
            Self::Tls => "tls",
            Self::MetricsUnread => "metrics_unread",
            Self::MetricAbsent => "metric_absent",
            Self::MetricsBasic => "metrics_basic",
            Self::NotServed => "not_served",
            Self::NotEnoughData => "not_enough_data",
            Self::NotConfigured => "not_configured",
            Self::BadAnswer => "bad_answer",
            Self::Other => "other",
        }
    }

    /// True for what stays until somebody changes the configuration of the monitor or of etcd, and blinds a rule that
    /// should be seeing.
    pub fn is_lasting(self) -> bool {
        matches!(self, Self::PermissionDenied | Self::Tls)
    }
}

/// What could not be judged in one cycle.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
#[non_exhaustive]
pub struct Coverage {
    /// Pairs of rule and subject that were evaluated, as true or false.
    pub evaluated: u32,
    /// Pairs of rule and subject that were not, in the order of the findings.
    pub rules: Vec<RuleGap>,
    /// Calls and metrics that a member did not give, whether or not a rule needed them.
    pub signals: Vec<SignalGap>,
}

/// A rule that could not be evaluated for a subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RuleGap {
    /// The rule's stable name.
    pub rule: String,
    /// What it could not be evaluated for.
    pub subject: Subject,
    /// The kind of reason.
    pub class: UnknownClass,
    /// The reason in words. May quote a member's answer: treat it as untrusted text.
    pub reason: String,
    /// Since when it has not been evaluable.
    pub since: Timestamp,
}

/// A call or a metric that a member did not give.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SignalGap {
    /// The call or the metric family: `Alarm`, `grpc_server_handling_seconds`, …
    pub signal: String,
    /// The member.
    pub subject: Subject,
    /// The kind of reason.
    pub class: UnknownClass,
    /// The reason in words, and what is not known for want of it. Untrusted text.
    pub reason: String,
}

impl Coverage {
    /// The coverage that findings and what the members did not give amount to.
    pub fn of(findings: &[Finding], signals: Vec<SignalGap>) -> Self {
        let rules: Vec<RuleGap> = findings.iter().filter_map(gap).collect();
        let evaluated = findings.len().saturating_sub(rules.len());
        Self {
            evaluated: u32::try_from(evaluated).unwrap_or(u32::MAX),
            rules,
            signals,
        }
    }
}

fn gap(finding: &Finding) -> Option<RuleGap> {
    let FindingStatus::Unknown {
        unknown_reason,
        unknown_class,
    } = &finding.status
    else {
        return None;
    };
    Some(RuleGap {
        rule: finding.rule.clone(),
        subject: finding.subject.clone(),
        class: *unknown_class,
        reason: unknown_reason.clone(),
        since: finding.since,
    })
}
