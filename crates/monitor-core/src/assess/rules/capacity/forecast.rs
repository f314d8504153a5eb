//! When the bytes in use reach the quota.

use etcd_monitor_model::{
    AlertType, DatabaseSize, Evidence, Finding, MemberSnapshot, Severity, UnknownClass, rule,
};

use super::{Context, Verdict, bytes, duration, evidence, no_quota, no_sizes};
use crate::assess::capacity::CapacityMemory;
use crate::trend::Forecast;

/// The bytes in use reach the quota soon, if they go on growing as in the last hours. The allocated file is no measure:
/// it stands still while freed pages refill, and falls at each defragmentation.
pub(super) fn quota_forecast(context: &Context<'_>, member: &MemberSnapshot) -> Finding {
    let (verdict, seconds) = match member.database {
        None => (no_sizes(context, member), None),
        Some(database) if database.quota_disabled => (Verdict::False, None),
        Some(database) => by_trend(context, member, &database),
    };
    let critical = context.parameters.capacity.forecast_critical_seconds;
    let severity = if seconds.is_some_and(|seconds| seconds < critical) {
        Severity::Critical
    } else {
        Severity::Warning
    };
    context.member_finding(
        rule::QUOTA_FORECAST,
        AlertType::Capacity,
        severity,
        member,
        verdict,
    )
}

fn by_trend(
    context: &Context<'_>,
    member: &MemberSnapshot,
    database: &DatabaseSize,
) -> (Verdict, Option<f64>) {
    let parameters = &context.parameters.capacity;
    let memory = member.id.and_then(|id| context.state.members.get(&id));
    let memory = memory.map(|memory| &memory.capacity);
    let forecast = memory.and_then(|memory| memory.forecast(database, parameters));
    match forecast {
        None => (no_quota(context, member), None),
        Some(Forecast::Unknown(reason)) => {
            let reason = format!("no forecast of the bytes in use: {reason}");
            let unknown = Verdict::unknown_because(UnknownClass::NotEnoughData, reason);
            (unknown, None)
        }
        Some(Forecast::NotWithinHorizon) => (Verdict::False, None),
        Some(Forecast::Reached) => {
            let reached = Verdict::when(true, || describe(context, member, database, None));
            (reached, Some(0.0))
        }
        Some(Forecast::In { seconds, .. }) => {
            let soon = seconds < parameters.forecast_warning_seconds;
            let verdict = Verdict::when(soon, || describe(context, member, database, forecast));
            (verdict, Some(seconds))
        }
    }
}

fn describe(
    context: &Context<'_>,
    member: &MemberSnapshot,
    database: &DatabaseSize,
    forecast: Option<Forecast>,
) -> (String, Vec<Evidence>, String) {
    let name = &member.name;
    let quota = bytes(database.quota_bytes.unwrap_or(0));
    let cause = match forecast {
        Some(Forecast::In {
            seconds,
            soonest_seconds,
            latest_seconds,
        }) => format!(
            "The data of {name} reach the quota of {quota} in about {} if they go on growing as they do (between {} and {})",
            duration(seconds),
            duration(soonest_seconds),
            duration(latest_seconds)
        ),
        _ => format!("The data of {name} have reached the quota of {quota}"),
    };
    let memory = member.id.and_then(|id| context.state.members.get(&id));
    let growth = memory.and_then(|memory| growth(context, &memory.capacity));
    let mut seen = vec![evidence(
        "Status dbSizeInUse (bytes)",
        database.in_use_bytes.to_string(),
        context.now(),
    )];
    seen.extend(growth);
    let action = "Find who writes so much (`etcdctl watch / --prefix | head`), compact and delete what is not needed, or raise --quota-backend-bytes (8 GiB at most) in time; defragmenting does not help against growth in use";
    (cause, seen, action.to_owned())
}

fn growth(context: &Context<'_>, memory: &CapacityMemory) -> Option<Evidence> {
    let growth = memory.growth(&context.parameters.capacity)?;
    let value = format!(
        "{:.0} bytes per hour (95 %: {:.0} to {:.0}), {} samples over {}",
        growth.per_second * 3_600.0,
        growth.low * 3_600.0,
        growth.high * 3_600.0,
        growth.samples,
        duration(growth.span_seconds)
    );
    Some(evidence("bytes in use, robust slope", value, context.now()))
}
