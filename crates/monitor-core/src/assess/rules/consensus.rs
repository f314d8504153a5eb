//! Whether the cluster can agree, and on whom.

use std::collections::BTreeMap;

use etcd_monitor_model::{
    AlertType, Finding, LeaderChange, LeaderChangeCause, Probe, Severity, UnknownClass, rule,
};

use super::restarts::elections_apart;
use super::{Context, Evidence, Verdict, evidence, status_evidence};
use crate::assess::leader::most_know_none;
use crate::assess::view::Row;

/// Too few voters are left: proven by silent voters, and by no linearizable read succeeding.
pub(super) fn quorum_lost(context: &Context<'_>) -> Finding {
    let verdict = match context.snapshot.quorum {
        _ if context.view.any_linearizable_read() => Verdict::False,
        None => Verdict::unknown("the member list is not known"),
        Some(_) if context.view.late => Verdict::late(),
        Some(quorum) => match quorum.available {
            None => Verdict::unknown("not every voter could be asked"),
            Some(available) => Verdict::when(available < quorum.needed, || describe_loss(context)),
        },
    };
    context.cluster_finding(
        rule::QUORUM_LOST,
        AlertType::Quorum,
        Severity::Critical,
        verdict,
    )
}

fn describe_loss(context: &Context<'_>) -> (String, Vec<Evidence>, String) {
    let silent = silent_voters(context);
    let names: Vec<String> = silent.iter().map(|row| name(context, row)).collect();
    let verb = if names.len() == 1 { "does" } else { "do" };
    let cause = format!(
        "Quorum lost: {} {verb} not answer ({}, {} needed); writes and linearizable reads stop",
        names.join(" and "),
        context.voters_answering(),
        context.snapshot.quorum.map_or(0, |quorum| quorum.needed),
    );
    let action = format!(
        "Start {} again; do not remove members while quorum is lost. If their data is gone for good: restore a snapshot: `etcdutl snapshot restore --help`",
        names.join(" and ")
    );
    let mut seen: Vec<Evidence> = silent.into_iter().flat_map(status_evidence).collect();
    seen.extend(read_failures(context));
    (cause, seen, action)
}

fn silent_voters<'a>(context: &'a Context<'_>) -> Vec<&'a Row<'a>> {
    let listed = context.state.members().unwrap_or_default();
    let voters = listed.iter().filter(|listed| !listed.is_learner);
    voters
        .filter_map(|voter| context.view.row(voter.id))
        .filter(|row| row.silent())
        .collect()
}

fn name(context: &Context<'_>, row: &Row<'_>) -> String {
    let listed = row.id.and_then(|id| context.state.name_of(id));
    listed.map_or_else(|| row.seen.endpoint.clone(), str::to_owned)
}

fn read_failures(context: &Context<'_>) -> Vec<Evidence> {
    let failed = |row: &Row<'_>| {
        let probe = row
            .seen
            .read_linearizable
            .as_ref()
            .filter(|_| row.answered)?;
        let failure = probe.failure()?;
        let source = format!("linearizable read at {}", row.seen.endpoint);
        Some(evidence(source, failure.message.clone(), probe.at))
    };
    context.view.own().filter_map(failed).collect()
}

/// Members answer, but none of them can serve a linearizable read.
pub(super) fn linearizable_read_failing(context: &Context<'_>) -> Finding {
    let view = context.view;
    let asked = view
        .own()
        .filter(|row| row.answered && row.linearizable().is_some())
        .count();
    let verdict = if view.any_linearizable_read() {
        Verdict::False
    } else if asked == 0 {
        Verdict::unknown("no member answered a linearizable read with yes or no")
    } else if view.late {
        Verdict::late()
    } else {
        Verdict::when(true, || {
            let cause = format!(
                "No linearizable read succeeds through any of the {asked} members that answer: the cluster cannot confirm a quorum"
            );
            let action = "Check the leader and the network between the members: `etcdctl endpoint status --cluster -w table`";
            (cause, read_failures(context), action.to_owned())
        })
    };
    context.cluster_finding(
        rule::LINEARIZABLE_READ_FAILING,
        AlertType::Quorum,
        Severity::Critical,
        verdict,
    )
}

/// More than half of the members that answer know no leader, and no linearizable read, which needs one, succeeds.
pub(super) fn no_leader(context: &Context<'_>) -> Finding {
    let answering = context.view.statuses().count();
    let leaderless = context
        .view
        .statuses()
        .filter(|status| status.leader.is_none())
        .count();
    let verdict = if answering == 0 {
        Verdict::unknown("no member answered Status")
    } else if context.view.any_linearizable_read() {
        Verdict::False
    } else {
        Verdict::when(most_know_none(context.view), || {
            let cause = format!(
                "No leader: {leaderless} of {answering} members that answer know none ({})",
                context.voters_answering()
            );
            let action = "Check the links between the members and their logs for failed elections: `etcdctl endpoint status --cluster -w table`";
            (cause, leader_evidence(context), action.to_owned())
        })
    };
    context.cluster_finding(
        rule::NO_LEADER,
        AlertType::Leader,
        Severity::Critical,
        verdict,
    )
}

fn leader_evidence(context: &Context<'_>) -> Vec<Evidence> {
    let said = |row: &Row<'_>| {
        let probe = row.seen.status.as_ref()?;
        let status = Probe::ok(probe)?;
        let leader = status
            .leader
            .map_or_else(|| "none".to_owned(), |leader| leader.to_string());
        let source = format!("Status at {}", row.seen.endpoint);
        Some(evidence(
            source,
            format!("leader {leader}, term {}", status.raft_term),
            probe.at,
        ))
    };
    context.view.own().filter_map(said).collect()
}

/// More elections in the last hour than is normal. Those of a rolling restart count only while it goes on, and are
/// explained by it.
pub(super) fn frequent_elections(context: &Context<'_>) -> Finding {
    let rolling = context.state.consensus.restarts.rolling().is_some();
    let elections = if rolling {
        context.state.elections_last_hour(context.now(), |_| true) as u64
    } else {
        elections_apart(context)
    };
    let limit = context.parameters.elections_per_hour;
    let verdict = if context.snapshot.leader_changes.is_none() {
        Verdict::unknown_because(UnknownClass::NotEnoughData, "no leader was seen yet")
    } else {
        Verdict::when(elections > limit, || {
            let cause = format!(
                "{elections} elections within an hour; more than {limit} is not normal{}",
                causes_in_words(context)
            );
            let mut seen = vec![evidence(
                "raft term in Status",
                format!("rose {elections} times in an hour"),
                context.now(),
            )];
            seen.extend(recent_changes(context).flat_map(|change| {
                let why = change.evidence.iter().cloned();
                std::iter::once(change_seen(context, change)).chain(why)
            }));
            let action = "Look for a slow WAL disk on the leader and for unstable links between the members: `etcdctl endpoint status --cluster -w table`";
            (cause, seen, action.to_owned())
        })
    };
    context.cluster_finding(
        rule::FREQUENT_ELECTIONS,
        AlertType::Leader,
        Severity::Warning,
        verdict,
    )
}

/// The latest leader changes of the last hour; as many as one finding should list.
fn recent_changes<'a>(context: &'a Context<'_>) -> impl Iterator<Item = &'a LeaderChange> {
    let in_hour = |change: &&LeaderChange| {
        let age = context.now().duration_since(change.at).as_secs_f64();
        (0.0..=3600.0).contains(&age)
    };
    let latest = context.snapshot.leader_history.iter().rev();
    latest.filter(in_hour).take(CHANGES_LISTED_MAX)
}

/// "n1 to n2 in term 7, which rose by 2; without a leader for 15 s at most".
fn change_seen(context: &Context<'_>, change: &LeaderChange) -> Evidence {
    let from = change
        .from
        .map_or_else(|| "nobody".to_owned(), |from| context.name_of(from));
    let rise = change
        .term_rise
        .map_or_else(String::new, |rise| format!(", which rose by {rise}"));
    let gap = change
        .leaderless_max_seconds
        .map_or_else(String::new, |seconds| {
            format!("; without a leader for {seconds:.0} s at most")
        });
    evidence(
        "change of leader",
        format!(
            "{from} to {} in term {}{rise}{gap}",
            context.name_of(change.to),
            change.term
        ),
        change.at,
    )
}

/// Leader changes listed in one finding.
const CHANGES_LISTED_MAX: usize = 20;

/// ": 2 by process restart, 1 by network between members", where leader changes were seen.
fn causes_in_words(context: &Context<'_>) -> String {
    let mut counts: BTreeMap<LeaderChangeCause, usize> = BTreeMap::new();
    for change in recent_changes(context) {
        *counts.entry(change.cause).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let words = counts
        .iter()
        .map(|(cause, count)| format!("{count} by {}", cause.as_words()));
    let words: Vec<String> = words.collect();
    if words.is_empty() {
        return String::new();
    }
    format!("; changes of leader: {}", words.join(", "))
}
