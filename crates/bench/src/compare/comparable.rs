//! Whether runs can be compared at all, and what makes a comparison doubtful.

use super::{NotComparable, RUNS_LEAST, RUNS_MAX};
use crate::report::{AccountingVerdict, Report};

/// Failed requests of a run above this share make its latencies those of the lucky.
const FAILED_SHARE: f64 = 0.001;

/// What makes the comparison doubtful; an error where it must not be made.
pub(super) fn check(
    a: &[Report],
    b: &[Report],
    anyway: bool,
) -> Result<Vec<String>, NotComparable> {
    let never = never(a, b);
    if !never.is_empty() {
        return Err(NotComparable {
            reasons: never,
            can_be_overruled: false,
        });
    }
    let mut reasons = Vec::new();
    if let Some(first) = a.first() {
        for report in a.iter().chain(b).skip(1) {
            differences(first, report, &mut reasons);
        }
    }
    for (side, reports) in [("A", a), ("B", b)] {
        for (index, report) in reports.iter().enumerate() {
            let name = format!("run {} of {side}", index + 1);
            not_a_result(&name, report, &mut reasons);
        }
    }
    let mut seen = Vec::new();
    reasons.retain(|reason| {
        let is_new = !seen.contains(reason);
        seen.push(reason.clone());
        is_new
    });
    if !reasons.is_empty() && !anyway {
        return Err(NotComparable {
            reasons,
            can_be_overruled: true,
        });
    }
    let mut doubts: Vec<String> = reasons
        .into_iter()
        .map(|reason| format!("NOT COMPARABLE: {reason}"))
        .collect();
    doubt(a, b, &mut doubts);
    Ok(doubts)
}

/// What no flag overrules.
fn never(a: &[Report], b: &[Report]) -> Vec<String> {
    let mut reasons = Vec::new();
    for (side, reports) in [("A", a), ("B", b)] {
        if reports.is_empty() || reports.len() > RUNS_MAX {
            reasons.push(format!(
                "{side} has {} runs, not 1 to {RUNS_MAX}",
                reports.len()
            ));
        }
    }
    let all: Vec<&Report> = a.iter().chain(b).collect();
    for (index, report) in all.iter().enumerate() {
        let is_known = all.iter().take(index).any(|other| is_same(other, report));
        if is_known {
            reasons.push(format!(
                "the run that began at {} is there twice: it says nothing that it did not say once",
                report.plan.began_at
            ));
        }
    }
    reasons
}

fn is_same(one: &Report, other: &Report) -> bool {
    one.plan == other.plan && one.accounting == other.accounting && one.seconds == other.seconds
}

fn differences(first: &Report, report: &Report, reasons: &mut Vec<String>) {
    let (one, other) = (&first.plan, &report.plan);
    let mut differ = |what: &str, one: String, other: String| {
        if one != other {
            reasons.push(format!("{what} differs: {one} and {other}"));
        }
    };
    differ("workload", one.workload.clone(), other.workload.clone());
    let rate = |report: &Report| {
        report.plan.load.rate.map_or("none".to_owned(), |rate| {
            format!("{} requests/s, {:?}", rate.per_second, rate.arrivals)
        })
    };
    differ("rate", rate(first), rate(report));
    let (load, its) = (&one.load, &other.load);
    differ("clients", load.clients.to_string(), its.clients.to_string());
    differ(
        "connections",
        load.connections.to_string(),
        its.connections.to_string(),
    );
    differ(
        "overload",
        format!("{:?}", load.overload),
        format!("{:?}", its.overload),
    );
    for name in one.parameters.keys().chain(other.parameters.keys()) {
        let value = |plan: &crate::report::Plan| {
            let known = plan.parameters.get(name).cloned();
            known.unwrap_or_else(|| "unknown".to_owned())
        };
        differ(name, value(one), value(other));
    }
}

fn not_a_result(name: &str, report: &Report, reasons: &mut Vec<String>) {
    if !report.valid {
        let why = report.doubts.first().map_or("", String::as_str);
        reasons.push(format!("{name} is invalid: {why}"));
    }
    if let Some(why) = &report.ended_early {
        reasons.push(format!("{name} ended early: {why}"));
    }
    if report.accounting.verdict == AccountingVerdict::Lost {
        reasons.push(format!("{name} lost acknowledged writes"));
    }
}

fn doubt(a: &[Report], b: &[Report], doubts: &mut Vec<String>) {
    let all = || a.iter().chain(b);
    let mut several = |what: &str, values: Vec<String>| {
        let values = super::distinct(values.into_iter());
        if values.len() > 1 {
            doubts.push(format!(
                "{what} differs between runs: {}",
                values.join(" and ")
            ));
        }
    };
    several(
        "the machine of the generator",
        all()
            .map(|report| report.environment.client.identity())
            .collect(),
    );
    several(
        "the version of the generator",
        all()
            .map(|report| report.environment.generator_version.clone())
            .collect(),
    );
    several(
        "the length of the load",
        all()
            .map(|report| {
                format!(
                    "{:?}, warm-up {} s",
                    report.plan.load.until, report.plan.load.warmup_seconds
                )
            })
            .collect(),
    );
    if all().all(|report| report.plan.parameters.is_empty()) {
        doubts.push(
            "the reports do not say the sizes of their loads: whether they are equal is not known"
                .to_owned(),
        );
    }
    for (side, reports) in [("A", a), ("B", b)] {
        let changed = count(reports, |report| {
            report.environment.leader_changed == Some(true)
        });
        if changed > 0 {
            doubts.push(format!("the leader changed in {changed} runs of {side}"));
        }
        let failed = count(reports, |report| {
            report.failed as f64 > FAILED_SHARE * (report.succeeded + report.failed) as f64
        });
        if failed > 0 {
            doubts.push(format!(
                "more than 0.1 % of the requests failed in {failed} runs of {side}: latencies are those of the others"
            ));
        }
    }
    order(a, b, doubts);
}

fn count(reports: &[Report], has: impl Fn(&&Report) -> bool) -> usize {
    reports.iter().filter(has).count()
}

/// One side after the other looks the same as a machine that changed meanwhile.
fn order(a: &[Report], b: &[Report], doubts: &mut Vec<String>) {
    let span = |reports: &[Report]| {
        let began = reports.iter().map(|report| report.plan.began_at);
        Some((began.clone().min()?, began.max()?))
    };
    let (Some(a_span), Some(b_span)) = (span(a), span(b)) else {
        return;
    };
    let is_apart = a_span.1 < b_span.0 || b_span.1 < a_span.0;
    if is_apart && a.len().max(b.len()) >= RUNS_LEAST {
        doubts.push(
            "all runs of one side came before those of the other: a machine that changed meanwhile would look the same. `etcd-bench ab` takes turns"
                .to_owned(),
        );
    }
}
