//! Learners: whether they come along, and whether somebody promotes them.

use etcd_monitor_model::{
    AlertType, Confidence, Evidence, Finding, LearnerProgress, MemberRole, MemberSnapshot,
    Severity, rule,
};
use jiff::Timestamp;

use super::{Context, Verdict, evidence};
use crate::assess::consensus::learners::READY_SHARE;

/// The rules about a learner; of a voter they are false, so that what was said of it as a learner ends.
pub(super) fn of_member(context: &Context<'_>, member: &MemberSnapshot) -> Vec<Finding> {
    if member.id.is_none() {
        return Vec::new();
    }
    vec![stuck(context, member), not_promoted(context, member)]
}

/// What is known of a learner's progress, or the verdict that follows where it is none or nothing is known.
fn progress(member: &MemberSnapshot) -> Result<LearnerProgress, Verdict> {
    match (member.role, member.learner) {
        (MemberRole::Learner, Some(progress)) => Ok(progress),
        (MemberRole::Learner, None) => Err(Verdict::unknown(
            "its applied index or the leader's committed index is not known",
        )),
        (MemberRole::Unknown, _) => Err(Verdict::unknown("whether it is a learner is not known")),
        _ => Err(Verdict::False),
    }
}

fn stuck(context: &Context<'_>, member: &MemberSnapshot) -> Finding {
    let limits = &context.parameters.consensus;
    let verdict = match progress(member) {
        Err(verdict) => verdict,
        Ok(progress) if progress.ready_since.is_some() => Verdict::False,
        Ok(progress) => {
            let unmoved = seconds_since(context, progress.unmoved_since);
            let learning = seconds_since(context, progress.since);
            let behind = format!("{:.0} % of the leader's log", progress.share * 100.0);
            let how = if unmoved >= limits.learner_unmoved_seconds {
                Some(format!(
                    "has applied nothing for {unmoved:.0} s, at {behind}"
                ))
            } else {
                let minutes = learning / 60.0;
                (learning >= limits.learner_seconds).then(|| {
                    format!(
                        "is at {behind} after {minutes:.0} min{}",
                        forecast(progress)
                    )
                })
            };
            how.map_or(Verdict::False, |how| {
                Verdict::when(true, || describe(context, member, progress, &how))
            })
        }
    };
    context.member_finding(
        rule::LEARNER_STUCK,
        AlertType::Member,
        Severity::Warning,
        member,
        verdict,
    )
}

fn describe(
    context: &Context<'_>,
    member: &MemberSnapshot,
    progress: LearnerProgress,
    how: &str,
) -> (String, Vec<Evidence>, String) {
    let cause = format!(
        "Learner {} {how}: it does not catch up, and cannot be promoted",
        member.name
    );
    let action = format!(
        "Check the log of {} for failing snapshots, and its disk and link to the leader; or take it out: `etcdctl member remove {}`",
        member.name,
        hex(member)
    );
    (cause, seen(context, progress), action)
}

fn forecast(progress: LearnerProgress) -> String {
    match progress.ready_in_seconds {
        Some(seconds) => format!(" ({:.0} min more at this speed)", seconds / 60.0),
        None => " (it does not come nearer)".to_owned(),
    }
}

fn not_promoted(context: &Context<'_>, member: &MemberSnapshot) -> Finding {
    let limit = context.parameters.consensus.learner_ready_seconds;
    let mut severity = Severity::Info;
    let verdict = match progress(member) {
        Err(verdict) => verdict,
        Ok(progress) => match progress.ready_since {
            None => Verdict::False,
            Some(since) => {
                let waited = seconds_since(context, since);
                if waited >= limit {
                    severity = Severity::Warning;
                }
                Verdict::when(true, || {
                    let cause = format!(
                        "Learner {} has caught up ({:.0} % of the leader's log) and waits to be promoted for {:.0} min: etcd never does that by itself",
                        member.name,
                        progress.share * 100.0,
                        waited / 60.0
                    );
                    let action = format!("`etcdctl member promote {}`", hex(member));
                    (cause, seen(context, progress), action)
                })
            }
        },
    };
    let mut finding = context.member_finding(
        rule::LEARNER_NOT_PROMOTED,
        AlertType::Member,
        severity,
        member,
        verdict,
    );
    // The index that etcd itself compares is not exposed.
    finding.confidence = Confidence::Medium;
    finding
}

fn seen(context: &Context<'_>, progress: LearnerProgress) -> Vec<Evidence> {
    let share = format!(
        "{:.1} % of the leader's committed index; promotion needs {:.0} %",
        progress.share * 100.0,
        READY_SHARE * 100.0
    );
    let mut seen = vec![evidence("applied index in Status", share, context.now())];
    if let Some(speed) = progress.entries_per_second {
        let speed = format!("{speed:.1} entries per second");
        seen.push(evidence("speed of the applied index", speed, context.now()));
    }
    seen
}

fn seconds_since(context: &Context<'_>, since: Timestamp) -> f64 {
    context.now().duration_since(since).as_secs_f64()
}

fn hex(member: &MemberSnapshot) -> String {
    member.id.map(|id| id.to_string()).unwrap_or_default()
}
