//! Alerts for the tests of this crate.

use etcd_monitor_model::{AlertType, ClusterName, Finding, MemberId, Severity, Subject};
use jiff::Timestamp;

use crate::alert::{Alert, Fingerprint};
use crate::matcher::Matcher;

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
