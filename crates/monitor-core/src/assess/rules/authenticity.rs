//! Whether the monitor talks to whom it should, and is let in.

use std::collections::BTreeMap;

use etcd_monitor_model::{
    AlertType, ClusterId, FailureKind, Finding, MemberSnapshot, Severity, UnknownClass, rule,
};

use super::{Context, Evidence, Verdict, evidence, status_evidence};
use crate::assess::view::Row;

/// How long a replaced cluster is reported, in seconds: long enough to be seen, not for ever.
const REPLACED_REPORTED_SECONDS: f64 = 3_600.0;

/// The TLS handshake fails. Critical while the monitor is blind, since no member lets it in.
pub(super) fn tls_failed(context: &Context<'_>, member: &MemberSnapshot) -> Option<Finding> {
    let row = context.row_of(member)?;
    let failed = row.failure_kind() == Some(FailureKind::Tls);
    let verdict = if failed && context.view.late {
        Verdict::late()
    } else if row.unasked() {
        Verdict::unknown_because(UnknownClass::NotAsked, "not asked in this cycle")
    } else if row.silent() {
        Verdict::unknown("member unreachable")
    } else {
        Verdict::when(failed, || {
            let message = row
                .failure()
                .map(|failure| failure.message.clone())
                .unwrap_or_default();
            let cause = format!("The TLS handshake with {} fails: {message}", member.name);
            let action = format!(
                "Check --cacert, --cert and --key, and what the member serves: `openssl s_client -connect {} -showcerts`",
                row.seen
                    .endpoint
                    .trim_start_matches("https://")
                    .trim_start_matches("http://")
            );
            (cause, status_evidence(row), action)
        })
    };
    let severity = context.blind_severity();
    Some(context.member_finding(
        rule::TLS_FAILED,
        AlertType::Configuration,
        severity,
        member,
        verdict,
    ))
}

/// etcd refuses the monitor's credentials.
pub(super) fn authentication_failed(context: &Context<'_>) -> Finding {
    let rows = context.view.rows.iter();
    let refused: Vec<Evidence> = rows.filter_map(refusal).collect();
    let verdict = if !refused.is_empty() {
        Verdict::when(true, || {
            let cause = format!(
                "etcd refuses the monitor's credentials on {} of {} endpoints: user or password is wrong, or missing",
                refused.len(),
                context.view.rows.len()
            );
            let action = "Correct --user and the password in --password-file; `etcdctl user list` shows which users there are";
            (cause, refused, action.to_owned())
        })
    } else if context.view.any_answer() {
        Verdict::False
    } else {
        Verdict::unknown("no member answered")
    };
    let severity = context.blind_severity();
    context.cluster_finding(
        rule::AUTHENTICATION_FAILED,
        AlertType::Configuration,
        severity,
        verdict,
    )
}

fn refusal(row: &Row<'_>) -> Option<Evidence> {
    let refusal = row.unauthenticated()?;
    Some(evidence(
        format!("{} at {}", refusal.call, row.seen.endpoint),
        refusal.failure.message.clone(),
        refusal.at,
    ))
}

/// Endpoints of two clusters stand under one name.
pub(super) fn cluster_id_mismatch(context: &Context<'_>) -> Finding {
    let mut named: BTreeMap<ClusterId, Vec<&Row<'_>>> = BTreeMap::new();
    for row in &context.view.rows {
        if let Some(id) = row.cluster_id {
            named.entry(id).or_default().push(row);
        }
    }
    // The known cluster counts even while none of its own members answers.
    if let (Some(known), false) = (context.view.cluster_id, named.is_empty()) {
        named.entry(known).or_default();
    }
    let verdict = if named.is_empty() {
        Verdict::unknown("no member answered")
    } else {
        Verdict::when(named.len() > 1, || describe_mismatch(context, &named))
    };
    context.cluster_finding(
        rule::CLUSTER_ID_MISMATCH,
        AlertType::Configuration,
        Severity::Critical,
        verdict,
    )
}

fn describe_mismatch(
    context: &Context<'_>,
    named: &BTreeMap<ClusterId, Vec<&Row<'_>>>,
) -> (String, Vec<Evidence>, String) {
    let ids: Vec<String> = named.keys().map(ToString::to_string).collect();
    let cause = format!(
        "The endpoints of {} belong to {} different clusters: cluster ids {}",
        context.snapshot.cluster,
        named.len(),
        ids.join(" and ")
    );
    let seen = named
        .iter()
        .flat_map(|(id, rows)| rows.iter().map(move |row| (id, row)))
        .map(|(id, row)| {
            evidence(
                format!("Status at {}", row.seen.endpoint),
                format!("cluster id {id}"),
                context.now(),
            )
        })
        .collect();
    let action =
        "Give each cluster a name of its own; name only endpoints of one cluster in --endpoints";
    (cause, seen, action.to_owned())
}

/// Every endpoint answers as another cluster than before: it was rebuilt or restored.
pub(super) fn cluster_replaced(context: &Context<'_>) -> Finding {
    let recent = context.state.replaced.filter(|(_, at)| {
        context.now().duration_since(*at).as_secs_f64() < REPLACED_REPORTED_SECONDS
    });
    let verdict = match (recent, context.snapshot.cluster_id) {
        (_, None) => {
            Verdict::unknown_because(UnknownClass::NotEnoughData, "no member answered yet")
        }
        (None, Some(_)) => Verdict::False,
        (Some((before, at)), Some(now)) => Verdict::when(true, || {
            let cause = format!(
                "Cluster id changed from {before} to {now}: the cluster was rebuilt or restored"
            );
            let seen = vec![evidence("Status", format!("cluster id {now}"), at)];
            (
                cause,
                seen,
                "If nobody rebuilt the cluster, check where the endpoints lead".to_owned(),
            )
        }),
    };
    context.cluster_finding(
        rule::CLUSTER_REPLACED,
        AlertType::Configuration,
        Severity::Info,
        verdict,
    )
}
