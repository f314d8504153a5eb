//! Requests of clients: that fail, and that take long.

use etcd_monitor_model::{
    AlertType, Durations, Evidence, Finding, LatencySource, MemberRole, MemberSnapshot, Severity,
    UnknownClass, rule,
};

use super::{Context, Part, Verdict, durations_seen, evidence, not_derived, too_few, worst};
use crate::assess::view::Row;

const HANDLED: &str = "grpc_server_handled_total";
const SERVER_REQUESTS: &str = "etcd_server_request_duration_seconds";
const GRPC_HANDLING: &str = "grpc_server_handling_seconds";

/// Fewest of our own requests for a verdict: one of them behind a 95th percentile.
const OWN_MIN: u64 = 20;

/// Too many unary requests end with a code that blames the server. Streams end with such codes whenever a client leaves.
pub(super) fn failing(context: &Context<'_>, member: &MemberSnapshot) -> Finding {
    let parameters = &context.parameters.metrics;
    let requests = &member.metrics.requests;
    let verdict = match (requests.window_per_second, requests.server_fault_share) {
        _ if member.role == MemberRole::Learner => Verdict::unknown_because(
            UnknownClass::NotServed,
            "a learner refuses what only voters serve",
        ),
        (None, _) => not_derived(context, member, HANDLED, |page| {
            page.requests.unary_handled.is_some()
        }),
        // With little traffic one failure is a large share.
        (Some(rate), _) if rate <= parameters.failing_requests_per_second => Verdict::False,
        (Some(_), None) => not_derived(context, member, HANDLED, |page| {
            page.requests.unary_server_faults.is_some()
        }),
        (Some(rate), Some(share)) => {
            Verdict::when(share > parameters.failing_requests_share, || {
                describe_failing(context, member, rate, share)
            })
        }
    };
    context.member_finding(
        rule::REQUESTS_FAILING,
        AlertType::Member,
        Severity::Warning,
        member,
        verdict,
    )
}

fn describe_failing(
    context: &Context<'_>,
    member: &MemberSnapshot,
    rate: f64,
    share: f64,
) -> (String, Vec<Evidence>, String) {
    let cause = format!(
        "{:.0} % of the requests to {} fail on the server's side, of {rate:.1} per second",
        share * 100.0,
        member.name
    );
    let seen = vec![evidence(
        HANDLED,
        format!(
            "unary, by code: {:.1} % within {:.0} s",
            share * 100.0,
            context.parameters.metrics.window_seconds
        ),
        context.now(),
    )];
    let action = format!(
        "See which method fails with which code: `curl -s {}/metrics | grep grpc_server_handled_total | grep -v -e '\"OK\"' -e ' 0$'`, and what etcd's log says of it",
        member.endpoint
    );
    (cause, seen, action)
}

/// Writes take long by the best source there is, or our own reads of one key do. Reads of clients say little: how long
/// one takes is first of all a matter of how much it reads.
pub(super) fn slow(context: &Context<'_>, member: &MemberSnapshot) -> Finding {
    let parts = vec![own_reads(context, member), writes(context, member)];
    let action = || {
        format!(
            "Look on {} for a slow disk (`iostat -x 1`), a busy CPU and large requests (etcd's log: \"apply request took too long\"): `etcdctl endpoint status --endpoints {} -w table`",
            member.name, member.endpoint
        )
    };
    let verdict = worst(parts, action);
    context.member_finding(
        rule::REQUESTS_SLOW,
        AlertType::Latency,
        Severity::Warning,
        member,
        verdict,
    )
}

/// Of a few dozen reads the 99th percentile is the slowest one; the 95th needs several.
fn own_reads(context: &Context<'_>, member: &MemberSnapshot) -> Part {
    let limit = context.parameters.metrics.slow_request_seconds;
    let latency = &member.metrics.latency;
    let Some(reads) = latency.reads_by(LatencySource::OwnProbe) else {
        return match member.role {
            // It serves no linearizable read.
            MemberRole::Learner => Part::Well,
            _ => Part::Unknown(no_own_read(context, member)),
        };
    };
    let p95 = reads.p95_seconds.filter(|p95| *p95 >= limit);
    match p95.filter(|_| reads.count >= OWN_MIN) {
        None => Part::Well,
        Some(_) if context.view.late => Part::Unknown(Verdict::late()),
        Some(p95) => {
            let cause = format!(
                "Reads through {} are slow: one in twenty of the monitor's own, of a single key, takes {} or more",
                member.name,
                reads.in_words(p95)
            );
            let source = "own linearizable reads".to_owned();
            let mut seen = vec![durations_seen(context, source, reads)];
            // Where these are quick, the time is lost between the monitor and the member.
            let server = latency.reads_by(LatencySource::ServerRequests);
            let server = server.filter(|reads| reads.count > 0);
            seen.extend(server.map(|reads| {
                let source = format!("{SERVER_REQUESTS} of reads");
                durations_seen(context, source, reads)
            }));
            Part::Wrong(cause, seen)
        }
    }
}

fn no_own_read(context: &Context<'_>, member: &MemberSnapshot) -> Verdict {
    let row = context.row_of(member);
    let probe = row.and_then(|row| row.seen.read_linearizable.as_ref());
    match probe.and_then(etcd_monitor_model::Probe::failure) {
        Some(failure) if !row.is_some_and(Row::silent) => Verdict::unknown_because(
            crate::assess::coverage::class_of(failure.kind),
            format!("no linearizable read in this cycle: {}", failure.message),
        ),
        _ => context.no_status(member),
    }
}

fn writes(context: &Context<'_>, member: &MemberSnapshot) -> Part {
    let parameters = &context.parameters.metrics;
    let latency = &member.metrics.latency;
    let sources = [
        (LatencySource::ServerRequests, parameters.observations_min),
        (LatencySource::GrpcHandling, parameters.observations_min),
        (LatencySource::Canary, OWN_MIN),
    ];
    let enough = sources.into_iter().find_map(|(source, needed)| {
        let writes = latency.writes_by(source)?;
        let p99 = writes.p99_seconds.filter(|_| writes.count >= needed)?;
        Some((source, writes, p99))
    });
    let Some((source, writes, p99)) = enough else {
        return Part::Unknown(no_writes(context, member));
    };
    if p99 < parameters.slow_request_seconds {
        return Part::Well;
    }
    let cause = format!(
        "Writes through {} are slow: one in a hundred takes {} or more",
        member.name,
        writes.in_words(p99)
    );
    let seen = durations_seen(context, named(source).to_owned(), writes);
    Part::Wrong(cause, vec![seen])
}

fn named(source: LatencySource) -> &'static str {
    match source {
        LatencySource::ServerRequests => SERVER_REQUESTS,
        LatencySource::GrpcHandling => GRPC_HANDLING,
        other => other.as_str(),
    }
}

/// Why it is not known how long writes take.
fn no_writes(context: &Context<'_>, member: &MemberSnapshot) -> Verdict {
    let latency = &member.metrics.latency;
    let known: Option<&Durations> = latency
        .writes
        .iter()
        .map(|measured| &measured.durations)
        .max_by_key(|durations| durations.count);
    if let Some(durations) = known {
        return too_few(context, durations, "writes");
    }
    let page = context.row_of(member).and_then(Row::page);
    match page.map(|page| &page.requests) {
        None => context.no_metric(member, SERVER_REQUESTS),
        Some(requests) if requests.writes.is_some() || requests.grpc_writes.is_some() => {
            not_derived(context, member, SERVER_REQUESTS, |_| true)
        }
        Some(_) => Verdict::unknown_because(
            UnknownClass::MetricsBasic,
            "how long writes take is not known: etcd before 3.7 tells it only with --metrics=extensive; a canary would",
        ),
    }
}
