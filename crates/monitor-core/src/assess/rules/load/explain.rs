//! Which finding about latency and load follows from which.

use etcd_monitor_model::{Finding, FindingKey, MemberId, MemberRole, Severity, rule};

use super::Context;

/// What may explain others, the deepest cause first: a finding is explained by the first that fits.
const ROOTS: [&str; 9] = [
    rule::MEMBER_ISOLATED,
    rule::MEMBER_DOWN,
    rule::ROLLING_RESTART,
    rule::MEMBER_DISK_SLOW,
    rule::WAL_FSYNC_SLOW,
    rule::BACKEND_COMMIT_SLOW,
    rule::APPLY_LAG_NEAR_LIMIT,
    rule::WRITE_OVERLOAD,
    rule::FREQUENT_ELECTIONS,
];

/// A true finding that may explain others.
struct Root {
    key: FindingKey,
    severity: Severity,
    member: Option<MemberId>,
    /// True where its member leads.
    leads: bool,
    /// True while its begin lies within the window that shares and quantiles are taken over.
    is_recent: bool,
}

/// Sets `caused_by` among the rules about latency and load.
pub(in crate::assess::rules) fn explain(context: &Context<'_>, findings: &mut [Finding]) {
    let roots: Vec<Root> = ROOTS
        .into_iter()
        .flat_map(|rule| {
            let found = findings.iter();
            found.filter(move |finding| finding.rule == rule && finding.status.is_true())
        })
        .map(|finding| Root::of(context, finding))
        .collect();
    for finding in findings.iter_mut().filter(|finding| finding.is_root()) {
        let root = roots.iter().find(|root| root.explains(finding));
        finding.caused_by = root.map(|root| root.key.clone());
    }
}

impl Root {
    fn of(context: &Context<'_>, finding: &Finding) -> Self {
        let key = finding.key();
        let since = context.state.true_since(&key).unwrap_or(context.now());
        let age = context.now().duration_since(since).as_secs_f64();
        let member = finding.subject.id;
        let mut members = context.snapshot.members.iter();
        Self {
            severity: finding.severity,
            leads: member.is_some()
                && members.any(|known| known.id == member && known.role == MemberRole::Leader),
            member,
            is_recent: age <= context.parameters.metrics.window_seconds,
            key,
        }
    }

    fn explains(&self, finding: &Finding) -> bool {
        let same = self.member == finding.subject.id;
        let follows = |rules: &[&str]| rules.contains(&finding.rule.as_str());
        let of_requests = [rule::REQUESTS_SLOW, rule::REQUESTS_FAILING];
        let of_stalls = [rule::HEARTBEATS_LATE, rule::WRITE_OVERLOAD];
        let of_disk = [rule::WAL_FSYNC_SLOW, rule::BACKEND_COMMIT_SLOW];
        let slow = same || self.leads;
        match self.key.rule.as_str() {
            rule::MEMBER_ISOLATED => same && follows(&of_requests),
            // What a window still holds of it; a member that is away for days makes nobody slow.
            rule::MEMBER_DOWN | rule::FREQUENT_ELECTIONS => {
                self.is_recent && (follows(&of_requests) || follows(&of_stalls))
            }
            rule::ROLLING_RESTART => follows(&of_requests) || follows(&of_stalls),
            rule::MEMBER_DISK_SLOW => {
                (same && follows(&of_disk))
                    || (slow && follows(&[rule::REQUESTS_SLOW]))
                    || (self.leads && (follows(&of_stalls) || follows(&[rule::FREQUENT_ELECTIONS])))
            }
            rule::WAL_FSYNC_SLOW => {
                let as_bad = self.severity >= finding.severity;
                (same && as_bad && follows(&[rule::BACKEND_COMMIT_SLOW]))
                    || (slow && follows(&[rule::REQUESTS_SLOW]))
                    || (self.leads && self.severity == Severity::Critical && follows(&of_stalls))
            }
            rule::BACKEND_COMMIT_SLOW => slow && follows(&[rule::REQUESTS_SLOW]),
            rule::APPLY_LAG_NEAR_LIMIT => slow && follows(&of_requests),
            rule::WRITE_OVERLOAD => follows(&of_requests),
            _ => false,
        }
    }
}
