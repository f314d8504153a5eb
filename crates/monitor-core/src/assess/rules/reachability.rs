//! Who can be reached: by the monitor, and by its peers.

use std::collections::BTreeSet;

use etcd_monitor_model::{
    AlertType, EndpointOrigin, FailureKind, Finding, MemberRole, MemberSnapshot, Severity, Subject,
    UnknownClass, rule,
};

use super::{Context, Verdict, evidence, status_evidence};
use crate::assess::view::Row;

/// No member answers.
pub(super) fn cluster_unreachable(context: &Context<'_>) -> Finding {
    let view = context.view;
    let asked = asked(context);
    let verdict = if asked.is_empty() {
        Verdict::unknown_because(UnknownClass::NotAsked, "no endpoint was probed")
    } else if view.any_answer() || asked.iter().any(|row| row.http_answered()) {
        Verdict::False
    } else if view.late {
        Verdict::late()
    } else {
        let silent = asked.iter().all(|row| row.silent());
        Verdict::when(silent, || describe_silence(context))
    };
    context.cluster_finding(
        rule::CLUSTER_UNREACHABLE,
        AlertType::Quorum,
        Severity::Critical,
        verdict,
    )
}

/// An address that may not be contacted says nothing.
fn asked<'a>(context: &'a Context<'_>) -> Vec<&'a Row<'a>> {
    let rows = context.view.rows.iter();
    rows.filter(|row| !row.unasked()).collect()
}

fn describe_silence(context: &Context<'_>) -> (String, Vec<super::Evidence>, String) {
    let rows = asked(context);
    let count = rows.len();
    let endpoints = if count == 1 {
        "the endpoint".to_owned()
    } else {
        format!("all {count} endpoints")
    };
    let kinds: Vec<FailureKind> = rows.iter().filter_map(|row| row.failure_kind()).collect();
    let all = |kind: FailureKind| kinds.iter().all(|seen| *seen == kind);
    let (what, action) = if all(FailureKind::Refused) {
        (
            "refused the connection: no etcd listens there",
            "start etcd, or correct --endpoints",
        )
    } else if all(FailureKind::TimedOut) {
        (
            "timed out: the monitor is cut off, or the hosts are down",
            "check the network between the monitor and the hosts, then the hosts",
        )
    } else if all(FailureKind::NameResolution) {
        (
            "could not be resolved to an address",
            "correct the host names in --endpoints, or the resolver of the monitor's host",
        )
    } else {
        (
            "gave no answer (some refused, some timed out)",
            "check the hosts, then the network between the monitor and them",
        )
    };
    let cause = format!(
        "Cluster {} cannot be reached: {endpoints} {what}",
        context.snapshot.cluster
    );
    (
        cause,
        rows.into_iter().flat_map(status_evidence).collect(),
        action.to_owned(),
    )
}

/// The rules about whether one member can be reached. An endpoint behind which no member is known has a rule of its own,
/// [`endpoints_unreachable`], so that nobody is blamed.
pub(super) fn of_member(context: &Context<'_>, member: &MemberSnapshot) -> Vec<Finding> {
    let row = context.row_of(member);
    if member.id.is_none() {
        return Vec::new();
    }
    let heard_by = row.and_then(|row| heard_by(context, row));
    vec![
        member_down(context, member, row, heard_by.as_deref()),
        member_unreachable(context, member, row, heard_by.as_deref()),
        member_not_serving(context, member, row),
    ]
}

fn member_down(
    context: &Context<'_>,
    member: &MemberSnapshot,
    row: Option<&Row<'_>>,
    heard_by: Option<&str>,
) -> Finding {
    let tolerance = context.snapshot.quorum.and_then(|quorum| quorum.tolerance);
    let votes = member.role != MemberRole::Learner;
    let severity = if votes && tolerance == Some(0) {
        Severity::Critical
    } else {
        Severity::Warning
    };
    let verdict = match silence(context, member, row) {
        Err(verdict) => verdict,
        Ok(row) => Verdict::when(heard_by.is_none(), || {
            let cause = format!(
                "{} is down: {} ({}{})",
                member.name,
                silence_in_words(row),
                context.voters_answering(),
                tolerance_in_words(votes.then_some(tolerance).flatten()),
            );
            let action = format!(
                "On the host of {}: check the etcd process and the end of its log (`systemctl status etcd`, `journalctl -u etcd -n 50`)",
                member.name
            );
            (cause, status_evidence(row), action)
        }),
    };
    context.member_finding(
        rule::MEMBER_DOWN,
        AlertType::Member,
        severity,
        member,
        verdict,
    )
}

fn member_unreachable(
    context: &Context<'_>,
    member: &MemberSnapshot,
    row: Option<&Row<'_>>,
    heard_by: Option<&str>,
) -> Finding {
    let verdict = match silence(context, member, row) {
        Err(verdict) => verdict,
        Ok(row) => Verdict::when(heard_by.is_some(), || {
            let peers = heard_by.unwrap_or_default();
            let cause = format!(
                "{} cannot be reached from the monitor ({}), but its peers hear it: it is not down",
                member.name,
                silence_in_words(row)
            );
            let mut seen = status_evidence(row);
            seen.push(evidence(
                "etcd_network_peer_received_bytes_total",
                format!("grows between two cycles on {peers}"),
                context.now(),
            ));
            (
                cause,
                seen,
                format!("Check the path from the monitor to {}", row.seen.endpoint),
            )
        }),
    };
    context.member_finding(
        rule::MEMBER_UNREACHABLE,
        AlertType::Partition,
        Severity::Warning,
        member,
        verdict,
    )
}

fn member_not_serving(
    context: &Context<'_>,
    member: &MemberSnapshot,
    row: Option<&Row<'_>>,
) -> Finding {
    let verdict = match row {
        None => Verdict::unknown_because(UnknownClass::NotAsked, not_probed(member)),
        Some(row) if row.answered => Verdict::False,
        Some(_) if context.view.late => Verdict::late(),
        Some(row) => Verdict::when(half_silent(row), || {
            let cause = format!("{} answers HTTP but not gRPC: {}", member.name, why(row));
            let action = format!(
                "Check the load and the log of {}, and whether a proxy stands before it",
                member.name
            );
            (cause, status_evidence(row), action)
        }),
    };
    context.member_finding(
        rule::MEMBER_NOT_SERVING,
        AlertType::Member,
        Severity::Warning,
        member,
        verdict,
    )
}

/// gRPC is silent or garbled while HTTP answers, or gRPC is garbled.
fn half_silent(row: &Row<'_>) -> bool {
    let garbled = row.failure_kind() == Some(FailureKind::BadAnswer);
    let silent = row.failure_kind().is_some_and(FailureKind::is_silence);
    garbled || (silent && row.http_answered())
}

/// One finding for each configured endpoint. Where a member is known behind it, what is wrong is the member's.
pub(super) fn endpoints_unreachable(context: &Context<'_>) -> Vec<Finding> {
    let mut told = BTreeSet::new();
    let rows = context.view.rows.iter();
    rows.filter(|row| row.seen.origin == EndpointOrigin::Configured)
        .filter(|row| told.insert(row.seen.endpoint.as_str()))
        .map(|row| endpoint_unreachable(context, row))
        .collect()
}

fn endpoint_unreachable(context: &Context<'_>, row: &Row<'_>) -> Finding {
    let usable = row.answered || !(row.silent() || half_silent(row));
    let known = row.id.is_some_and(|id| !context.state.has_left(id));
    let verdict = if known || usable {
        Verdict::False
    } else if context.view.late {
        Verdict::late()
    } else {
        Verdict::when(true, || {
            let cause = format!(
                "The configured endpoint {} gives no usable answer: {}; no known member is behind it",
                row.seen.endpoint,
                why(row)
            );
            (
                cause,
                status_evidence(row),
                "Correct --endpoints, or start the member it stands for".to_owned(),
            )
        })
    };
    context.finding(
        rule::ENDPOINT_UNREACHABLE,
        AlertType::Configuration,
        context.blind_severity(),
        Subject::member(row.seen.endpoint.clone(), None),
        verdict,
    )
}

/// The row of a member that is silent, or the verdict that follows where it is not.
fn silence<'a, 'v>(
    context: &Context<'_>,
    member: &MemberSnapshot,
    row: Option<&'a Row<'v>>,
) -> Result<&'a Row<'v>, Verdict> {
    match row {
        None => Err(Verdict::unknown_because(
            UnknownClass::NotAsked,
            not_probed(member),
        )),
        Some(row) if row.answered || row.http_answered() => Err(Verdict::False),
        Some(_) if context.view.late => Err(Verdict::late()),
        Some(row) if row.silent() => Ok(row),
        Some(row) => Err(Verdict::unknown(row.failure().map_or_else(
            || "not asked in this cycle".to_owned(),
            |failure| failure.message.clone(),
        ))),
    }
}

fn not_probed(member: &MemberSnapshot) -> String {
    if member.client_urls.is_empty() {
        "the member advertises no client URL: it has not started yet".to_owned()
    } else {
        "the member is not probed at its advertised URL".to_owned()
    }
}

/// The peers that received bytes from a silent member since the previous cycle, in which it was silent already.
/// In the first silent cycle the bytes may be from before it fell silent.
fn heard_by(context: &Context<'_>, row: &Row<'_>) -> Option<String> {
    let id = row.id?;
    let memory = context
        .state
        .members
        .get(&id)
        .filter(|memory| memory.was_silent)?;
    let mut peers = Vec::new();
    for (peer, page) in context.view.pages() {
        let sender = page.network.peers.iter().find(|sender| sender.peer == id);
        let now = sender.and_then(|sender| sender.received_bytes);
        let before = memory.heard_bytes.get(&peer);
        if now.zip(before).is_some_and(|(now, before)| now > *before) {
            peers.push(
                context
                    .state
                    .name_of(peer)
                    .map_or_else(|| peer.to_string(), str::to_owned),
            );
        }
    }
    (!peers.is_empty()).then(|| peers.join(", "))
}

/// What came back from the Status call, as the client said it.
fn why(row: &Row<'_>) -> String {
    row.failure()
        .map(|failure| failure.message.clone())
        .unwrap_or_default()
}

fn silence_in_words(row: &Row<'_>) -> &'static str {
    match row.failure_kind() {
        Some(FailureKind::Refused) => "connection refused, no etcd listens there",
        Some(FailureKind::TimedOut) => "no answer within the deadline",
        Some(FailureKind::NameResolution) => "its host name does not resolve",
        _ => "no usable answer",
    }
}

fn tolerance_in_words(tolerance: Option<u32>) -> &'static str {
    match tolerance {
        Some(0) => "; no further failure is tolerated",
        _ => "",
    }
}
