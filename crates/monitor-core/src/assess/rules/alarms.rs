//! Alarms, by the Alarm RPC: the gauge in `/metrics` is lost at a restart and counts duplicates.

mod gauge;

use std::collections::BTreeSet;

use etcd_monitor_model::{
    Alarm, AlarmKind, AlertType, Finding, MemberId, Probe, Severity, Subject, UnknownClass, rule,
};
use jiff::Timestamp;

use super::{Context, Evidence, Verdict, class_of, evidence};

/// Alarms looked at per answer: etcd knows two kinds for each member, so more is an attack.
const ALARMS_MAX: usize = 1_000;

struct AlarmRule {
    kind: AlarmKind,
    name: &'static str,
    alert_type: AlertType,
}

const RULES: [AlarmRule; 2] = [
    AlarmRule {
        kind: AlarmKind::NoSpace,
        name: rule::ALARM_NO_SPACE,
        alert_type: AlertType::Capacity,
    },
    AlarmRule {
        kind: AlarmKind::Corrupt,
        name: rule::ALARM_CORRUPT,
        alert_type: AlertType::Corruption,
    },
];

/// One finding for each active alarm; where an alarm kind is not active, one for the cluster that says so.
pub(super) fn of_cluster(context: &Context<'_>) -> Vec<Finding> {
    let answered = answers(context);
    RULES
        .iter()
        .flat_map(|rule| of_rule(context, rule, answered.as_ref()))
        .collect()
}

/// Every alarm that any member answered, with when it was asked; `None` when nobody answered.
pub(super) fn answers(context: &Context<'_>) -> Option<(BTreeSet<Alarm>, Timestamp)> {
    let probes = context
        .view
        .own()
        .filter_map(|row| row.seen.alarms.as_ref());
    let mut answered = None;
    for probe in probes {
        if let Some(alarms) = probe.ok() {
            let (all, _) = answered.get_or_insert_with(|| (BTreeSet::new(), probe.at));
            all.extend(alarms.iter().take(ALARMS_MAX).cloned());
        }
    }
    answered
}

/// Why no alarm is known: by how the first Alarm call failed.
pub(super) fn unanswered(context: &Context<'_>) -> Verdict {
    let calls = || {
        context
            .view
            .own()
            .filter_map(|row| row.seen.alarms.as_ref())
    };
    let class = match calls().find_map(Probe::failure) {
        Some(failure) => class_of(failure.kind),
        None => UnknownClass::NotAsked,
    };
    Verdict::unknown_because(class, "no member answered the Alarm call")
}

fn of_rule(
    context: &Context<'_>,
    rule: &AlarmRule,
    answered: Option<&(BTreeSet<Alarm>, Timestamp)>,
) -> Vec<Finding> {
    let Some((alarms, at)) = answered else {
        let unknown = unanswered(context);
        return vec![context.cluster_finding(
            rule.name,
            rule.alert_type,
            Severity::Critical,
            unknown,
        )];
    };
    let active: Vec<&Alarm> = alarms
        .iter()
        .filter(|alarm| alarm.kind == rule.kind)
        .collect();
    if active.is_empty() {
        let verdict = Verdict::False;
        let none = context.cluster_finding(rule.name, rule.alert_type, Severity::Critical, verdict);
        return with_gauges(context, rule, vec![none], alarms);
    }
    let raised = active
        .into_iter()
        .map(|alarm| raised(context, rule, alarm, *at));
    with_gauges(context, rule, raised.collect(), alarms)
}

/// Where a gauge says otherwise, the first finding of the rule tells: whoever compares the two wonders.
fn with_gauges(
    context: &Context<'_>,
    rule: &AlarmRule,
    mut findings: Vec<Finding>,
    alarms: &BTreeSet<Alarm>,
) -> Vec<Finding> {
    if let Some(first) = findings.first_mut() {
        first
            .evidence
            .extend(gauge::differing(context, rule.kind, alarms));
    }
    findings
}

fn raised(context: &Context<'_>, rule: &AlarmRule, alarm: &Alarm, at: Timestamp) -> Finding {
    let subject = match alarm.member {
        Some(id) => Subject::member(name(context, id), Some(id)),
        None => Subject::cluster(&context.snapshot.cluster),
    };
    let (cause, action) = match rule.kind {
        AlarmKind::NoSpace => no_space(context, alarm.member, &subject.name),
        _ => corrupt(&subject.name),
    };
    let mut seen = vec![evidence(
        "Alarm (GET)",
        format!("{} raised by {}", rule.name, subject.name),
        at,
    )];
    seen.extend(alarm.member.and_then(|id| size(context, id, at)));
    let verdict = Verdict::True {
        cause,
        evidence: seen,
        action,
    };
    context.finding(
        rule.name,
        rule.alert_type,
        Severity::Critical,
        subject,
        verdict,
    )
}

fn name(context: &Context<'_>, id: MemberId) -> String {
    context
        .state
        .name_of(id)
        .map_or_else(|| id.to_string(), str::to_owned)
}

fn no_space(context: &Context<'_>, member: Option<MemberId>, name: &str) -> (String, String) {
    let size = member.and_then(|id| size(context, id, context.now()));
    let size = size
        .map(|size| format!(" ({})", size.value))
        .unwrap_or_default();
    let cause = format!("The cluster refuses writes: {name} raised the NOSPACE alarm{size}");
    let revision = context
        .snapshot
        .members
        .iter()
        .filter_map(|member| Some(member.raft?.revision))
        .min();
    let compact = revision.map_or_else(String::new, |revision| {
        format!("compact (`etcdctl compact {revision}`), ")
    });
    let action = format!(
        "Delete what is not needed, {compact}defragment one member after the other (`etcdctl defrag --cluster`), then disarm: `etcdctl alarm disarm`"
    );
    (cause, action)
}

fn corrupt(name: &str) -> (String, String) {
    let cause = format!("Data differs between members: etcd raised the CORRUPT alarm for {name}");
    let action = "Do not disarm. Find the bad member (`etcdctl endpoint hashkv --cluster -w table`) and replace it: remove the member, wipe its data, add it again";
    (cause, action.to_owned())
}

fn size(context: &Context<'_>, id: MemberId, at: Timestamp) -> Option<Evidence> {
    let member = context
        .snapshot
        .members
        .iter()
        .find(|member| member.id == Some(id))?;
    let database = member.database?;
    let quota = database
        .quota_bytes
        .map_or_else(|| "unknown".to_owned(), |quota| quota.to_string());
    let value = format!(
        "{} of {quota} bytes of quota allocated",
        database.allocated_bytes
    );
    Some(evidence("Status dbSize", value, at))
}
