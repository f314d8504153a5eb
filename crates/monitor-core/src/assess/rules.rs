//! What is wrong. Each rule answers true, false or unknown for each of its subjects, from the first cycle on.

mod alarms;
mod authenticity;
mod canary;
mod capacity;
mod clock;
mod consensus;
mod coverage;
mod divergence;
mod learners;
mod links;
mod load;
mod membership;
mod monitor;
mod partition;
mod reachability;
mod restarts;
mod trust;
mod versions;

use etcd_monitor_model::{
    AlertType, Evidence, Finding, FindingKey, FindingStatus, MemberId, MemberSnapshot, Probe,
    Severity, Snapshot, Subject, SubjectKind, UnknownClass, rule,
};
use jiff::Timestamp;

use super::coverage::class_of;
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
    Unknown {
        class: UnknownClass,
        reason: String,
    },
}

pub(super) use trust::certificates;
pub(super) use versions::versions as versions_of;

/// Evaluates every rule, then says which finding explains which.
pub(super) fn evaluate(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = of_cluster(context);
    for member in &context.snapshot.members {
        findings.extend(of_member(context, member));
    }
    findings.push(coverage::blind_spot(context, &findings));
    links::explain(context, &mut findings);
    partition::explain(context, &mut findings);
    explain(&mut findings);
    trust::explain(context, &mut findings);
    capacity::explain(context, &mut findings);
    coverage::explain(&mut findings);
    restarts::explain(context, &mut findings);
    load::explain(context, &mut findings);
    findings
}

fn of_cluster(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = vec![
        reachability::cluster_unreachable(context),
        consensus::quorum_lost(context),
        consensus::linearizable_read_failing(context),
        consensus::no_leader(context),
        consensus::frequent_elections(context),
        restarts::rolling_restart(context),
        membership::split_brain(context),
        divergence::of_cluster(context),
        authenticity::authentication_failed(context),
        authenticity::cluster_id_mismatch(context),
        authenticity::cluster_replaced(context),
        monitor::late(context),
        partition::network_partition(context),
        versions::mixed(context),
        versions::cluster_version_behind(context),
        versions::corruption_checks_off(context),
    ];
    findings.extend(alarms::of_cluster(context));
    findings.extend(capacity::of_cluster(context));
    findings.extend(links::of_cluster(context));
    findings.extend(reachability::endpoints_unreachable(context));
    findings.push(trust::own_certificate(context));
    findings.push(trust::issuers_differ(context));
    findings.extend(clock::skew(context));
    findings.push(canary::write_failing(context));
    findings.push(load::of_cluster(context));
    findings
}

fn of_member(context: &Context<'_>, member: &MemberSnapshot) -> Vec<Finding> {
    let mut findings = reachability::of_member(context, member);
    findings.extend(authenticity::tls_failed(context, member));
    findings.extend(capacity::of_member(context, member));
    findings.extend(membership::of_member(context, member));
    findings.extend(learners::of_member(context, member));
    findings.extend(divergence::of_member(context, member));
    findings.extend(partition::member_isolated(context, member));
    findings.extend(versions::known_bad(context, member));
    findings.extend(trust::of_member(context, member));
    findings.extend(canary::watch_late(context, member));
    findings.extend(load::of_member(context, member));
    findings
}

/// Sets `caused_by`. Roots first: a cluster that cannot be reached explains everything, a lost quorum explains what
/// follows from it.
fn explain(findings: &mut [Finding]) {
    let follows: [(&str, &[&str]); 6] = [
        (rule::CLUSTER_UNREACHABLE, &rule::ALL),
        (
            rule::QUORUM_LOST,
            &[
                rule::MEMBER_DOWN,
                rule::NO_LEADER,
                rule::LINEARIZABLE_READ_FAILING,
                rule::FREQUENT_ELECTIONS,
                rule::CANARY_WRITE_FAILING,
                rule::HEARTBEATS_LATE,
                rule::WRITE_OVERLOAD,
                rule::REQUESTS_FAILING,
                rule::REQUESTS_SLOW,
            ],
        ),
        (
            rule::NO_LEADER,
            &[
                rule::LINEARIZABLE_READ_FAILING,
                rule::FREQUENT_ELECTIONS,
                rule::CANARY_WRITE_FAILING,
                rule::WRITE_OVERLOAD,
                rule::REQUESTS_FAILING,
                rule::REQUESTS_SLOW,
            ],
        ),
        (
            rule::LINEARIZABLE_READ_FAILING,
            &[
                rule::CANARY_WRITE_FAILING,
                rule::WRITE_OVERLOAD,
                rule::REQUESTS_FAILING,
                rule::REQUESTS_SLOW,
            ],
        ),
        (
            rule::ALARM_NO_SPACE,
            &[
                rule::CANARY_WRITE_FAILING,
                rule::WRITE_OVERLOAD,
                rule::REQUESTS_FAILING,
            ],
        ),
        (rule::DATA_DIVERGENCE, &[rule::ALARM_CORRUPT]),
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
            Verdict::Unknown { class, reason } => {
                let class = match class {
                    UnknownClass::Other => self.class_of_silence(&finding.subject),
                    said => said,
                };
                finding.status = FindingStatus::unknown(class, reason);
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

    /// The kind of reason for not knowing, by how the subject's Status call failed; where it did not, or the subject is
    /// no member, by the first that did. Where none failed, it is a matter of time.
    fn class_of_silence(&self, subject: &Subject) -> UnknownClass {
        let row = match (subject.kind, subject.id) {
            (SubjectKind::Member, Some(id)) => self.view.row(id),
            (SubjectKind::Member, None) => {
                let mut rows = self.view.rows.iter();
                rows.find(|row| row.seen.endpoint == subject.name)
            }
            _ => None,
        };
        let mut rows = self.view.rows.iter();
        let kind = row
            .and_then(Row::failure_kind)
            .or_else(|| rows.find_map(Row::failure_kind));
        kind.map_or(UnknownClass::NotEnoughData, class_of)
    }

    /// Why nothing is known that Status would have said of a member.
    fn no_status(&self, member: &MemberSnapshot) -> Verdict {
        let Some(row) = self.row_of(member) else {
            return Verdict::unknown_because(UnknownClass::NotAsked, "the member is not probed");
        };
        match row.failure() {
            Some(failure) if failure.kind.is_silence() && self.view.late => Verdict::late(),
            Some(failure) if row.silent() => {
                Verdict::unknown_because(class_of(failure.kind), "member unreachable")
            }
            Some(failure) => {
                Verdict::unknown_because(class_of(failure.kind), failure.message.clone())
            }
            None => Verdict::unknown_because(UnknownClass::NotAsked, "not asked in this cycle"),
        }
    }

    /// Why nothing is known that a family of a member's `/metrics` page would have said.
    fn no_metric(&self, member: &MemberSnapshot, family: &str) -> Verdict {
        let row = self.row_of(member);
        let probe = row.and_then(|row| row.seen.metrics.as_ref());
        match probe.map(Probe::failure) {
            None => Verdict::unknown_because(
                UnknownClass::NotAsked,
                "/metrics was not asked in this cycle",
            ),
            Some(Some(_)) if row.is_some_and(Row::silent) => self.no_status(member),
            Some(Some(failure)) => Verdict::unknown_because(
                UnknownClass::MetricsUnread,
                format!("/metrics was not read: {}", failure.message),
            ),
            Some(None) => Verdict::unknown_because(
                UnknownClass::MetricAbsent,
                format!("{family} is not on the member's page"),
            ),
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

    /// The name of a member in the agreed list, with its id where it has none.
    fn name_of(&self, id: MemberId) -> String {
        let listed = self.state.name_of(id);
        listed.map_or_else(|| format!("member {id}"), str::to_owned)
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
        Self::unknown_because(UnknownClass::Other, reason)
    }

    /// Unknown for a kind of reason that the rule itself can tell; else the kind is taken from how the subject's Status
    /// call failed.
    fn unknown_because(class: UnknownClass, reason: impl Into<String>) -> Self {
        Self::Unknown {
            class,
            reason: reason.into(),
        }
    }

    /// Unknown because the monitor was late: what it missed says nothing about etcd.
    fn late() -> Self {
        Self::unknown_because(
            UnknownClass::MonitorLate,
            "monitor late: its own timers fired too late to judge this cycle's failures",
        )
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
