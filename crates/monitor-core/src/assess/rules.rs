//! What is wrong. Each rule answers true, false or unknown for each of its subjects, from the first cycle on.

mod alarms;
mod authenticity;
mod capacity;
mod consensus;
mod monitor;
mod reachability;

use etcd_monitor_model::{
    AlertType, Evidence, Finding, FindingKey, FindingStatus, MemberSnapshot, Severity, Snapshot,
    Subject, rule,
};
use jiff::Timestamp;

use super::parameters::Parameters;
use super::state::AssessState;
use super::view::{Row, View};

/// What a rule may look at.
pub(super) struct Context<'a> {
    pub(super) state: &'a AssessState,
    pub(super) view: &'a View<'a>,
    pub(super) snapshot: &'a Snapshot,
    pub(super) parameters: &'a Parameters,
}

/// What a rule says of one subject.
enum Verdict {
    False,
    True {
        cause: String,
        evidence: Vec<Evidence>,
        action: String,
    },
    Unknown(String),
}

/// Evaluates every rule, then says which finding explains which.
pub(super) fn evaluate(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = vec![
        reachability::cluster_unreachable(context),
        consensus::quorum_lost(context),
        consensus::linearizable_read_failing(context),
        consensus::no_leader(context),
        consensus::frequent_elections(context),
        authenticity::authentication_failed(context),
        authenticity::cluster_id_mismatch(context),
        authenticity::cluster_replaced(context),
        monitor::late(context),
    ];
    findings.extend(alarms::of_cluster(context));
    findings.extend(reachability::endpoints_unreachable(context));
    for member in &context.snapshot.members {
        findings.extend(reachability::of_member(context, member));
        findings.extend(authenticity::tls_failed(context, member));
        findings.extend(capacity::of_member(context, member));
    }
    explain(&mut findings);
    findings
}

/// Sets `caused_by`. Roots first: a cluster that cannot be reached explains everything, a lost quorum explains what
/// follows from it.
fn explain(findings: &mut [Finding]) {
    let follows: [(&str, &[&str]); 3] = [
        (rule::CLUSTER_UNREACHABLE, &rule::ALL),
        (
            rule::QUORUM_LOST,
            &[
                rule::MEMBER_DOWN,
                rule::NO_LEADER,
                rule::LINEARIZABLE_READ_FAILING,
                rule::FREQUENT_ELECTIONS,
            ],
        ),
        (
            rule::NO_LEADER,
            &[rule::LINEARIZABLE_READ_FAILING, rule::FREQUENT_ELECTIONS],
        ),
    ];
    for (root, explained) in follows {
        let Some(key) = true_key(findings, root) else {
            continue;
        };
        for finding in findings
            .iter_mut()
            .filter(|finding| finding.status.is_true())
        {
            if finding.caused_by.is_none()
                && finding.rule != root
                && explained.contains(&finding.rule.as_str())
            {
                finding.caused_by = Some(key.clone());
            }
        }
    }
}

fn true_key(findings: &[Finding], rule: &str) -> Option<FindingKey> {
    findings
        .iter()
        .find(|finding| finding.rule == rule && finding.status.is_true())
        .map(Finding::key)
}

impl Context<'_> {
    fn now(&self) -> Timestamp {
        self.snapshot.at
    }

    fn cluster_finding(
        &self,
        rule: &str,
        alert_type: AlertType,
        severity: Severity,
        verdict: Verdict,
    ) -> Finding {
        self.finding(
            rule,
            alert_type,
            severity,
            Subject::cluster(&self.snapshot.cluster),
            verdict,
        )
    }

    fn member_finding(
        &self,
        rule: &str,
        alert_type: AlertType,
        severity: Severity,
        member: &MemberSnapshot,
        verdict: Verdict,
    ) -> Finding {
        self.finding(
            rule,
            alert_type,
            severity,
            Subject::member(member.name.clone(), member.id),
            verdict,
        )
    }

    fn finding(
        &self,
        rule: &str,
        alert_type: AlertType,
        severity: Severity,
        subject: Subject,
        verdict: Verdict,
    ) -> Finding {
        let mut finding = Finding::new(
            rule,
            alert_type,
            severity,
            &self.snapshot.cluster,
            subject,
            self.now(),
        );
        match verdict {
            Verdict::False => {}
            Verdict::Unknown(unknown_reason) => {
                finding.status = FindingStatus::Unknown { unknown_reason }
            }
            Verdict::True {
                cause,
                evidence,
                action,
            } => {
                finding.status = FindingStatus::True;
                finding.cause = cause;
                finding.evidence = evidence;
                finding.action = action;
            }
        }
        finding
    }

    /// Severity of what keeps the monitor from a member: critical while no member lets it in, since it is blind then.
    fn blind_severity(&self) -> Severity {
        if self.view.any_answer() {
            Severity::Warning
        } else {
            Severity::Critical
        }
    }

    /// The row through which a member of the snapshot was probed.
    fn row_of(&self, member: &MemberSnapshot) -> Option<&Row<'_>> {
        match member.id {
            Some(id) => self.view.row(id),
            None => self
                .view
                .rows
                .iter()
                .find(|row| row.seen.endpoint == member.endpoint),
        }
    }

    /// "2 of 3 voters answer", or what is not known of it.
    fn voters_answering(&self) -> String {
        match self.snapshot.quorum {
            None => "the member list is not known".to_owned(),
            Some(quorum) => match quorum.available {
                Some(available) => format!("{available} of {} voters answer", quorum.voters),
                None => format!("how many of {} voters answer is not known", quorum.voters),
            },
        }
    }
}

impl Verdict {
    fn unknown(reason: impl Into<String>) -> Self {
        Self::Unknown(reason.into())
    }

    /// Unknown because the monitor was late: what it missed says nothing about etcd.
    fn late() -> Self {
        Self::unknown("monitor late: its own timers fired too late to judge this cycle's failures")
    }

    /// True when `condition` holds, with what `describe` says; else false.
    fn when(condition: bool, describe: impl FnOnce() -> (String, Vec<Evidence>, String)) -> Self {
        if !condition {
            return Self::False;
        }
        let (cause, evidence, action) = describe();
        Self::True {
            cause,
            evidence,
            action,
        }
    }
}

fn evidence(source: impl Into<String>, value: impl Into<String>, at: Timestamp) -> Evidence {
    Evidence {
        source: source.into(),
        value: value.into(),
        at,
    }
}

/// What the Status call through a row came to, as evidence.
fn status_evidence(row: &Row<'_>) -> Vec<Evidence> {
    let Some(probe) = &row.seen.status else {
        return Vec::new();
    };
    let value = match &probe.result {
        Ok(status) => format!(
            "answered as member {} of cluster {}",
            status.member_id, status.cluster_id
        ),
        Err(failure) => failure.message.clone(),
    };
    vec![evidence(
        format!("Status at {}", row.seen.endpoint),
        value,
        probe.at,
    )]
}
