//! Alerts for the tests of this crate.

use std::collections::BTreeMap;

use etcd_monitor_model::{AlertType, ClusterName, Finding, MemberId, Severity, Subject};
use jiff::Timestamp;

use crate::alert::{Alert, Fingerprint};
use crate::matcher::Matcher;
use crate::notification::{Group, Notification, NotificationKind};

/// A pending alert of a rule about the cluster as a whole.
pub(crate) fn alert(cluster: &str, rule: &str, severity: Severity) -> Alert {
    let cluster = ClusterName::new(cluster);
    about(&cluster, rule, severity, Subject::cluster(&cluster))
}

/// A pending alert of a rule about a member, whose id is 1.
pub(crate) fn member_alert(cluster: &str, rule: &str, member: &str) -> Alert {
    let subject = Subject::member(member, Some(MemberId(1)));
    about(&ClusterName::new(cluster), rule, Severity::Warning, subject)
}

fn about(cluster: &ClusterName, rule: &str, severity: Severity, subject: Subject) -> Alert {
    let id = Fingerprint::new(cluster, rule, &subject);
    let at = Timestamp::UNIX_EPOCH;
    let finding = Finding::new(rule, AlertType::Member, severity, cluster, subject, at);
    Alert::pending(id, &finding, severity, at)
}

pub(crate) fn matchers(texts: &[&str]) -> Vec<Matcher> {
    let parse = |text: &&str| Matcher::parse(text).unwrap();
    texts.iter().map(parse).collect()
}

/// A notification that an alert fires, as the message of that number about its group.
pub(crate) fn notification(channel: &str, group: &str, sequence: u64) -> Notification {
    let alert = alert("prod", group, Severity::Warning);
    Notification {
        id: format!("{group}-{sequence}"),
        channel: channel.to_owned(),
        kind: NotificationKind::Fired,
        at: Timestamp::UNIX_EPOCH,
        group: Group {
            id: alert.id,
            labels: BTreeMap::new(),
        },
        dedup_key: group.to_owned(),
        incident_at: Timestamp::UNIX_EPOCH,
        sequence,
        severity: Severity::Warning,
        firing: vec![alert],
        resolved: Vec::new(),
        firing_count: 1,
        resolved_count: 0,
    }
}
