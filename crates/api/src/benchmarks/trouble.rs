//! What is wrong with a cluster that forbids to put a load on it.

use etcd_monitor_model::{FindingStatus, MemberSnapshot, Severity, Snapshot, rule};

use super::job::JobReason;

/// The share of its quota that no member's database may be above.
pub(super) const QUOTA_SHARE_MAX: f64 = 0.8;

/// The findings that say whether an alarm is raised.
const ALARMS: [&str; 2] = [rule::ALARM_NO_SPACE, rule::ALARM_CORRUPT];

/// Why a cluster may not be put under a load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: &'static str,
    pub(crate) detail: String,
}

impl Refusal {
    fn new(code: &'static str, detail: String) -> Self {
        Self { code, detail }
    }

    pub(super) fn into_reason(self) -> JobReason {
        JobReason::new(self.code, self.detail)
    }
}

/// Why no benchmark may begin that writes so many bytes; `None`: it may. What has to be known and is not forbids it, too.
pub(crate) fn before(snapshot: &Snapshot, written_bytes: u64) -> Option<Refusal> {
    during(snapshot)
        .or_else(|| alarms_unknown(snapshot))
        .or_else(|| {
            let mut members = snapshot.members.iter();
            members.find_map(|member| room(member, written_bytes))
        })
}

/// Why one that is under way has to end: what has become known. A member that does not tell for a moment ends nothing.
pub(super) fn during(snapshot: &Snapshot) -> Option<Refusal> {
    alarm(snapshot).or_else(|| critical(snapshot)).or_else(|| {
        let mut members = snapshot.members.iter();
        members.find_map(full)
    })
}

fn alarm(snapshot: &Snapshot) -> Option<Refusal> {
    let mut findings = snapshot.findings.iter();
    let is_alarm = |name: &str| ALARMS.contains(&name) || name == rule::ALARM_NOT_DISARMED;
    let raised = findings.find(|finding| finding.status.is_true() && is_alarm(&finding.rule))?;
    let detail = format!("An alarm is raised: {}", raised.cause);
    Some(Refusal::new("alarm_raised", detail))
}

fn critical(snapshot: &Snapshot) -> Option<Refusal> {
    let mut findings = snapshot.findings.iter();
    let critical = findings
        .find(|finding| finding.status.is_true() && finding.severity == Severity::Critical)?;
    let detail = format!(
        "{} is critical ({}): {}",
        critical.rule,
        critical.subject.key(),
        critical.cause
    );
    Some(Refusal::new("cluster_critical", detail))
}

fn alarms_unknown(snapshot: &Snapshot) -> Option<Refusal> {
    let mut findings = snapshot.findings.iter();
    findings.find_map(|finding| match &finding.status {
        FindingStatus::Unknown { unknown_reason, .. }
            if ALARMS.contains(&finding.rule.as_str()) =>
        {
            let detail = format!("Whether an alarm is raised is not known: {unknown_reason}");
            Some(Refusal::new("alarms_unknown", detail))
        }
        _ => None,
    })
}

/// A member's database is above its share.
fn full(member: &MemberSnapshot) -> Option<Refusal> {
    let database = member.database?;
    let quota = database.quota_bytes?;
    above(member, database.allocated_bytes, quota, 0)
}

/// Why it is not known that a member has room for what is to be written, or that it has none.
fn room(member: &MemberSnapshot, written_bytes: u64) -> Option<Refusal> {
    let unknown = |why: &str| {
        let detail = format!(
            "How much of its quota the database of {} takes is not known: {why}",
            member.name
        );
        Some(Refusal::new("quota_unknown", detail))
    };
    match member.database {
        None => unknown("the member did not tell its size"),
        Some(database) if database.quota_disabled => None,
        Some(database) => match database.quota_bytes {
            None => unknown(
                "the member does not tell its quota; before etcd 3.6 only its /metrics has it",
            ),
            Some(quota) => above(member, database.allocated_bytes, quota, written_bytes),
        },
    }
}

fn above(member: &MemberSnapshot, allocated: u64, quota: u64, more: u64) -> Option<Refusal> {
    let share = (allocated + more) as f64 / quota as f64;
    if share <= QUOTA_SHARE_MAX {
        return None;
    }
    let takes = match more {
        0 => "takes".to_owned(),
        more => format!("would take, with {more} bytes that this benchmark may write,"),
    };
    let detail = format!(
        "The database of {} {takes} {:.0} % of its quota of {quota} bytes: it allocates {allocated}, and {:.0} % is the limit",
        member.name,
        share * 100.0,
        QUOTA_SHARE_MAX * 100.0
    );
    Some(Refusal::new("quota_nearly_reached", detail))
}

#[cfg(test)]
mod tests {
    use super::*;
    use etcd_monitor_model::{
        AlertType, ClusterName, DatabaseSize, Finding, MonitorCondition, Subject, UnknownClass,
    };
    use jiff::Timestamp;

    fn scene(quota_bytes: Option<u64>, quota_disabled: bool) -> Snapshot {
        let condition = MonitorCondition {
            timer_lag_seconds: 0.0,
            deadline_seconds: 2.0,
        };
        let mut snapshot = Snapshot::empty(ClusterName::new("c"), Timestamp::UNIX_EPOCH, condition);
        let mut member = MemberSnapshot::unknown("m1", "http://m1:2379");
        member.database = Some(DatabaseSize {
            allocated_bytes: 700,
            in_use_bytes: 10,
            quota_bytes,
            quota_disabled,
        });
        snapshot.members = vec![member];
        snapshot
    }

    fn with(rule: &str, severity: Severity, status: FindingStatus) -> Snapshot {
        let mut snapshot = scene(Some(1_000), false);
        let cluster = snapshot.cluster.clone();
        let mut finding = Finding::new(
            rule,
            AlertType::Member,
            severity,
            &cluster,
            Subject::cluster(&cluster),
            Timestamp::UNIX_EPOCH,
        );
        finding.status = status;
        snapshot.findings = vec![finding];
        snapshot
    }

    fn code(reason: Option<Refusal>) -> &'static str {
        reason.map_or("", |reason| reason.code)
    }

    #[test]
    fn a_cluster_without_trouble_may_be_loaded() {
        assert_eq!(before(&scene(Some(1_000), false), 100), None);
        assert_eq!(before(&scene(None, true), u64::MAX / 2), None);
    }

    #[test]
    fn what_a_benchmark_writes_counts_before_it_alone() {
        let scene = scene(Some(1_000), false);
        let refused = before(&scene, 101).unwrap();
        assert_eq!(refused.code, "quota_nearly_reached");
        assert!(
            refused.detail.contains("80 % of its quota of 1000"),
            "{refused:?}"
        );
        assert_eq!(during(&scene), None);
    }

    #[test]
    fn what_is_not_known_lets_none_begin_and_ends_none() {
        let unknown = scene(None, false);
        assert_eq!(code(before(&unknown, 1)), "quota_unknown");
        assert_eq!(during(&unknown), None);
        let mut silent = scene(Some(1_000), false);
        silent.members[0].database = None;
        assert_eq!(code(before(&silent, 1)), "quota_unknown");
        assert_eq!(during(&silent), None);
        let late = FindingStatus::unknown(UnknownClass::default(), "monitor late");
        let late = with(rule::ALARM_CORRUPT, Severity::Critical, late);
        assert_eq!(code(before(&late, 1)), "alarms_unknown");
        assert_eq!(during(&late), None);
    }

    #[test]
    fn what_is_wrong_lets_none_begin_and_ends_those_that_run() {
        for (rule, severity, expected) in [
            (rule::ALARM_NOT_DISARMED, Severity::Warning, "alarm_raised"),
            (rule::MEMBER_DOWN, Severity::Critical, "cluster_critical"),
            (rule::MEMBER_DOWN, Severity::Warning, ""),
        ] {
            let snapshot = with(rule, severity, FindingStatus::True);
            assert_eq!(code(before(&snapshot, 1)), expected, "{rule}");
            assert_eq!(code(during(&snapshot)), expected, "{rule}");
        }
        let full = scene(Some(800), false);
        assert_eq!(code(during(&full)), "quota_nearly_reached");
    }
}
