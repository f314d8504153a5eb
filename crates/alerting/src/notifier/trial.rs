//! A message to try a channel with.

use std::collections::BTreeMap;

use etcd_monitor_model::{
    AlertType, ClusterName, Evidence, Finding, FindingStatus, Severity, Subject,
};
use jiff::Timestamp;

use crate::alert::{Alert, AlertState, Fingerprint, ResolveReason};
use crate::notification::{Group, Notification, NotificationKind};

/// The rule that a trial names; no rule of the model has this name.
const RULE: &str = "ChannelTrial";

impl Notification {
    /// A message that says that it is only a trial of a channel: severity info, about the monitor itself. To be
    /// followed by its [`over`](Self::over), lest a receiver keep an incident open.
    pub fn trial(channel: &str, at: Timestamp) -> Self {
        let alert = trial_alert(at);
        let labels = BTreeMap::from([
            ("cluster".to_owned(), alert.cluster.as_str().to_owned()),
            ("rule".to_owned(), RULE.to_owned()),
        ]);
        let group = Group {
            id: alert.id,
            labels,
        };
        Self {
            id: format!("trial-{}-{}-0", alert.id, at.as_nanosecond()),
            channel: channel.to_owned(),
            kind: NotificationKind::Fired,
            at,
            dedup_key: format!("trial-{}", group.id),
            group,
            incident_at: at,
            sequence: 0,
            severity: alert.severity,
            firing: vec![alert],
            resolved: Vec::new(),
            firing_count: 1,
            resolved_count: 0,
        }
    }

    /// The message that what this one says fires is over since `at`.
    #[must_use]
    pub fn over(&self, at: Timestamp) -> Self {
        let mut over = self.clone();
        over.id = format!("{}-over", self.id);
        over.kind = NotificationKind::Resolved;
        over.at = at;
        over.sequence += 1;
        over.resolved = std::mem::take(&mut over.firing);
        over.resolved_count = std::mem::take(&mut over.firing_count);
        for alert in &mut over.resolved {
            alert.state = AlertState::Resolved;
            alert.resolved_at = Some(at);
            alert.resolve_reason = Some(ResolveReason::Cleared);
        }
        over
    }
}

fn trial_alert(at: Timestamp) -> Alert {
    let cluster = ClusterName::new("trial");
    let subject = Subject::monitor();
    let id = Fingerprint::new(&cluster, RULE, &subject);
    let kind = AlertType::Configuration;
    let mut finding = Finding::new(RULE, kind, Severity::Info, &cluster, subject, at);
    finding.status = FindingStatus::True;
    "This is a trial of the channel; no cluster has a fault".clone_into(&mut finding.cause);
    "Nothing: that you read this is what was to be tried".clone_into(&mut finding.action);
    finding.evidence.push(Evidence {
        source: "etcd-monitor".to_owned(),
        value: "somebody asked for a trial".to_owned(),
        at,
    });
    let mut alert = Alert::pending(id, &finding, Severity::Info, at);
    alert.state = AlertState::Firing;
    alert.fired_at = Some(at);
    alert
}
