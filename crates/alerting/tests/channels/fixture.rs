//! Notifications to send.

use etcd_monitor_alerting::{Alert, Delivery, Fingerprint, MessageLinks, Notification, Receipt};
use etcd_monitor_model::{AlertType, ClusterName, MemberId, Severity, Subject};
use jiff::Timestamp;

/// Seconds after the beginning of 2026-01-02.
pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_767_312_000 + second).unwrap()
}

/// The group `MemberDown in prod` begins to fire, with these members.
pub(crate) fn fired(members: &[&str], severity: Severity) -> Notification {
    let mut told = Notification::trial("test", at(0));
    let trial = told.firing.remove(0);
    told.firing = members
        .iter()
        .map(|member| member_down(&trial, member, severity))
        .collect();
    told.firing_count = members.len();
    told.severity = severity;
    let labels = [("cluster", "prod"), ("rule", "MemberDown")];
    told.group.labels = labels
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    "c0ffee0123456789".clone_into(&mut told.dedup_key);
    "c0ffee0123456789-0".clone_into(&mut told.id);
    told
}

/// The same group, in its `sequence`th message.
pub(crate) fn next(told: &Notification, sequence: u64) -> Notification {
    let mut next = told.clone();
    next.sequence = sequence;
    next.id = format!("c0ffee0123456789-{sequence}");
    next
}

fn member_down(trial: &Alert, member: &str, severity: Severity) -> Alert {
    let mut alert = trial.clone();
    let id = member
        .bytes()
        .fold(0, |id, byte| (id << 8) | u64::from(byte));
    "MemberDown".clone_into(&mut alert.rule);
    alert.alert_type = AlertType::Member;
    alert.cluster = ClusterName::new("prod");
    alert.subject = Subject::member(member, Some(MemberId(id)));
    alert.id = Fingerprint::new(&alert.cluster, &alert.rule, &alert.subject);
    alert.severity = severity;
    alert.cause = format!("{member} refuses connections");
    alert.action = format!("start etcd on {member}");
    "Status".clone_into(&mut alert.evidence[0].source);
    "connection refused".clone_into(&mut alert.evidence[0].value);
    alert
}

/// An attempt after the channel returned this for an earlier message.
pub(crate) fn after(receipt: Option<Receipt>) -> Delivery {
    let mut delivery = Delivery::default();
    delivery.receipt = receipt;
    delivery
}

/// An attempt with what is on no disk.
pub(crate) fn not_durable() -> Delivery {
    let mut delivery = Delivery::default();
    delivery.durable = false;
    delivery
}

pub(crate) fn links() -> MessageLinks {
    MessageLinks::to("https://ops.example/etcd/".parse().unwrap())
}
