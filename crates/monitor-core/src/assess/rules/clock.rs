//! Clocks that differ.
//!
//! Raft and leases do not use the wall clock, so that a skew harms no data: it makes logs of members hard to compare, and
//! makes a certificate end too early or begin too late. Hence information, and a warning only where a certificate's
//! validity begins or ends within the skew.

use etcd_monitor_model::{AlertType, ClockReading, Finding, Severity, Subject, rule};

use super::{Context, Evidence, Verdict, evidence};
use crate::assess::trust::clock::Offset;

/// One finding for each member, and one for the monitor: where at least two members agree with each other and not with
/// the monitor, it is the monitor's clock that is wrong.
pub(super) fn skew(context: &Context<'_>) -> Vec<Finding> {
    let ours = monitor_offset(context);
    let members = context.snapshot.members.iter();
    let of_members = members.filter(|member| member.id.is_some()).map(|member| {
        let reading = context
            .row_of(member)
            .and_then(|row| row.seen.clock.as_ref());
        let (severity, verdict) =
            match reading.and_then(|reading| Some((reading, Offset::of(reading)?))) {
                None => (
                    Severity::Info,
                    Verdict::unknown("no answer of its /metrics with a Date"),
                ),
                Some(_) if ours.is_some() => (Severity::Info, Verdict::False),
                Some((reading, offset)) => of_member(context, &member.name, reading, offset),
            };
        context.member_finding(
            rule::CLOCK_SKEW,
            AlertType::Configuration,
            severity,
            member,
            verdict,
        )
    });
    let mut findings: Vec<Finding> = of_members.collect();
    findings.push(of_monitor(context, ours));
    findings
}

fn readings<'a>(context: &'a Context<'_>) -> impl Iterator<Item = (&'a str, &'a ClockReading)> {
    let rows = context.view.own().filter(|row| row.id.is_some());
    rows.filter_map(|row| Some((row.seen.endpoint.as_str(), row.seen.clock.as_ref()?)))
}

/// By how much all members' clocks are off in common, if at least two were read and that is more than the limit.
fn monitor_offset(context: &Context<'_>) -> Option<f64> {
    let mut offsets = readings(context).filter_map(|(_, reading)| Offset::of(reading));
    let first = offsets.next()?;
    let second = offsets.next()?;
    let rest = offsets.try_fold(first.and(second)?, Offset::and)?;
    let off = rest.at_least();
    (off.abs() > context.parameters.trust.clock_skew_seconds).then_some(off)
}

fn of_member(
    context: &Context<'_>,
    name: &str,
    reading: &ClockReading,
    offset: Offset,
) -> (Severity, Verdict) {
    let limit = context.parameters.trust.clock_skew_seconds;
    let off = offset.at_least();
    if off.abs() <= limit {
        let coarse = offset.is_coarse(limit);
        let verdict = if coarse {
            Verdict::unknown("the answer took too long to tell how its clock goes")
        } else {
            Verdict::False
        };
        return (Severity::Info, verdict);
    }
    let verdict = Verdict::when(true, || {
        let cause = format!(
            "The clock of {name} is at least {:.1} s {} the monitor's",
            off.abs(),
            direction(off)
        );
        let action = format!(
            "Check the time service on the host of {name}: `timedatectl timesync-status` or `chronyc tracking`"
        );
        (cause, vec![read_as(name, reading)], action)
    });
    (severity(context, off), verdict)
}

fn of_monitor(context: &Context<'_>, ours: Option<f64>) -> Finding {
    let read = readings(context).count();
    let verdict = match ours {
        Some(off) => Verdict::when(true, || {
            let cause = format!(
                "The monitor's clock is at least {:.1} s {} those of all {read} members, which agree with each other",
                off.abs(),
                direction(-off)
            );
            let seen = readings(context).map(|(endpoint, reading)| read_as(endpoint, reading));
            let action = "Check the time service on the monitor's host: `timedatectl timesync-status` or `chronyc tracking`";
            (cause, seen.collect(), action.to_owned())
        }),
        None if read < 2 => Verdict::unknown(
            "fewer than two members' clocks were read, so that none can be called right",
        ),
        None => Verdict::False,
    };
    let severity = ours.map_or(Severity::Info, |off| severity(context, off));
    context.finding(
        rule::CLOCK_SKEW,
        AlertType::Configuration,
        severity,
        Subject::monitor(),
        verdict,
    )
}

fn direction(off: f64) -> &'static str {
    if off > 0.0 { "ahead of" } else { "behind" }
}

/// A certificate is valid by one of the two clocks and not by the other.
fn severity(context: &Context<'_>, off: f64) -> Severity {
    let now = context.now();
    let within = |edge: jiff::Timestamp| {
        let ahead = edge.duration_since(now).as_secs_f64();
        (off.min(0.0)..=off.max(0.0)).contains(&ahead)
    };
    let mut certificates = context.state.trust.certificates();
    if certificates
        .any(|certificate| within(certificate.not_before) || within(certificate.not_after))
    {
        Severity::Warning
    } else {
        Severity::Info
    }
}

fn read_as(name: &str, reading: &ClockReading) -> Evidence {
    evidence(
        format!("Date of /metrics of {name}"),
        format!(
            "{}, answered within {:.3} s",
            reading.date, reading.answered_after_seconds
        ),
        reading.sent_at,
    )
}
