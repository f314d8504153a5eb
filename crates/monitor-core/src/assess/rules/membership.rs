//! Whether the members agree on who they are and who leads, and whether every listed one has started.

use etcd_monitor_model::{
    AlertType, Finding, ListedMember, MemberId, MemberRole, MemberSnapshot, MembershipView, Probe,
    Severity, rule,
};

use super::{Context, Evidence, Verdict, evidence, status_evidence};
use crate::assess::consensus::lists::{Listing, leaders_of_one_term};
use crate::assess::view::Row;

/// Two members claim to lead one term: raft allows one.
pub(super) fn split_brain(context: &Context<'_>) -> Finding {
    let lists = &context.state.consensus.lists;
    let answering = context.view.statuses().count();
    let lasting = lists.two_leaders_cycles() >= context.parameters.consensus.disagreement_cycles;
    let verdict = match leaders_of_one_term(context.view) {
        Some(leaders) if lasting => Verdict::when(true, || describe_split(context, leaders)),
        Some(_) => Verdict::unknown(
            "two members claim to lead one term, which may be one stepping down just now",
        ),
        None if answering > 1 || context.snapshot.member_count == Some(1) => Verdict::False,
        None => Verdict::unknown("fewer than two members answered Status"),
    };
    context.cluster_finding(
        rule::SPLIT_BRAIN,
        AlertType::Partition,
        Severity::Critical,
        verdict,
    )
}

type Leaders<'a> = (
    &'a etcd_monitor_model::MemberStatus,
    &'a etcd_monitor_model::MemberStatus,
);

fn describe_split(context: &Context<'_>, leaders: Leaders<'_>) -> (String, Vec<Evidence>, String) {
    let (first, second) = leaders;
    let names = [
        context.name_of(first.member_id),
        context.name_of(second.member_id),
    ];
    let cause = format!(
        "Split brain: {} and {} both lead term {}; raft allows one, so two clusters run under one cluster id",
        names[0], names[1], first.raft_term
    );
    let seen = [first, second].into_iter().filter_map(|leader| {
        let row = context.view.row(leader.member_id)?;
        let at = row.seen.status.as_ref()?.at;
        let value = format!("leads term {} itself", leader.raft_term);
        Some(evidence(
            format!("Status at {}", row.seen.endpoint),
            value,
            at,
        ))
    });
    let action = "Stop all writers, save a snapshot of each side (`etcdctl snapshot save FILE --endpoints=ENDPOINT`), find out which one the clients use, and rebuild the other";
    (cause, seen.collect(), action.to_owned())
}

/// The rules about one member's place in the list.
pub(super) fn of_member(context: &Context<'_>, member: &MemberSnapshot) -> Vec<Finding> {
    let Some(id) = member.id else {
        return Vec::new();
    };
    let mut findings = vec![
        removed(context, member, id),
        not_started(context, member, id),
    ];
    // Learners answer no member list.
    if member.role != MemberRole::Learner {
        findings.push(mismatch(context, member));
    }
    findings
}

fn mismatch(context: &Context<'_>, member: &MemberSnapshot) -> Finding {
    let lists = &context.state.consensus.lists;
    let needed = context.parameters.consensus.disagreement_cycles;
    let row = context.row_of(member);
    let listing = row.map(|row| lists.listing_of(row));
    let verdict = match (listing, row) {
        (Some(Listing::Same), _) => Verdict::False,
        (
            Some(Listing::Different {
                cycles,
                extra,
                lacking,
            }),
            Some(row),
        ) if cycles >= needed => Verdict::when(true, || {
            describe_mismatch(context, member, row, &extra, &lacking)
        }),
        (Some(Listing::Different { cycles, .. }), _) => Verdict::unknown(format!(
            "its list differs for {cycles} cycles in a row, which a change under way may cause"
        )),
        (Some(Listing::Unknown(reason)), _) => Verdict::unknown(reason),
        (None, _) => Verdict::unknown("not probed in this cycle"),
    };
    context.member_finding(
        rule::MEMBERSHIP_MISMATCH,
        AlertType::Corruption,
        Severity::Warning,
        member,
        verdict,
    )
}

fn describe_mismatch(
    context: &Context<'_>,
    member: &MemberSnapshot,
    row: &Row<'_>,
    extra: &[MemberId],
    lacking: &[MemberId],
) -> (String, Vec<Evidence>, String) {
    let mut differences = Vec::new();
    if !extra.is_empty() {
        differences.push(format!("still lists {}", listed_names(context, row, extra)));
    }
    if !lacking.is_empty() {
        differences.push(format!(
            "does not list {}",
            listed_names(context, row, lacking)
        ));
    }
    let cause = format!(
        "{} {}, other than the list that most members confirm with a quorum: its member store has diverged",
        member.name,
        differences.join(" and ")
    );
    let action = format!(
        "Compare `etcdctl member list -w table --endpoints={}` with the other members; replace {} if it stays so: `etcdctl member remove {}`, then add it with an empty data directory",
        row.seen.endpoint,
        member.name,
        member.id.map(|id| id.to_string()).unwrap_or_default()
    );
    (cause, list_evidence(context), action)
}

fn listed_names(context: &Context<'_>, row: &Row<'_>, ids: &[MemberId]) -> String {
    let own = row.seen.members_serializable.as_ref().and_then(Probe::ok);
    let named = |id: &MemberId| {
        let entry = own?.members.iter().find(|member| member.id == *id)?;
        (!entry.name.is_empty()).then(|| format!("{} ({id})", entry.name))
    };
    let name = |id: &MemberId| named(id).unwrap_or_else(|| context.name_of(*id));
    ids.iter()
        .take(NAMED_MAX)
        .map(name)
        .collect::<Vec<_>>()
        .join(", ")
}

/// Members named in one sentence; a hostile list may have thousands.
const NAMED_MAX: usize = 16;

/// Which member lists what.
fn list_evidence(context: &Context<'_>) -> Vec<Evidence> {
    let listed = |row: &Row<'_>, kind: &str, probe: &Option<Probe<MembershipView>>| {
        let probe = probe.as_ref()?;
        let members = probe.ok()?.members.iter().take(NAMED_MAX).map(entry);
        let value = members.collect::<Vec<_>>().join(", ");
        let source = format!("MemberList ({kind}) at {}", row.seen.endpoint);
        Some(evidence(source, value, probe.at))
    };
    let rows = context.view.own();
    rows.flat_map(|row| {
        [
            listed(row, "linearizable", &row.seen.members_linearizable),
            listed(row, "serializable", &row.seen.members_serializable),
        ]
    })
    .flatten()
    .collect()
}

fn entry(member: &ListedMember) -> String {
    if member.name.is_empty() {
        member.id.to_string()
    } else {
        format!("{} ({})", member.name, member.id)
    }
}

/// It answers as a member of the cluster, but the cluster no longer lists it.
fn removed(context: &Context<'_>, member: &MemberSnapshot, id: MemberId) -> Finding {
    let lists = &context.state.consensus.lists;
    let needed = context.parameters.consensus.disagreement_cycles;
    let row = context.row_of(member).filter(|row| row.status().is_some());
    let verdict = match (lists.lists(id), row) {
        (None, _) => Verdict::unknown("no member answered a linearizable member list"),
        (Some(true), _) | (Some(false), None) => Verdict::False,
        (Some(false), Some(row)) => Verdict::when(lists.unlisted_cycles(id) >= needed, || {
            let cause = format!(
                "{} (member {id}) runs and answers, but the cluster no longer lists it: it was removed, and what it serves grows old",
                member.name
            );
            let mut seen = status_evidence(row);
            seen.extend(list_evidence(context));
            let action = format!(
                "Stop etcd behind {} and take it out of the clients' endpoints; to use the host again: `etcdctl member add NAME --peer-urls=URL`, with an empty data directory",
                row.seen.endpoint
            );
            (cause, seen, action)
        }),
    };
    context.member_finding(
        rule::MEMBER_REMOVED,
        AlertType::Member,
        Severity::Warning,
        member,
        verdict,
    )
}

/// It was added and never started. A voter that never started counts against the quorum like one that is down.
fn not_started(context: &Context<'_>, member: &MemberSnapshot, id: MemberId) -> Finding {
    let since = context.state.consensus.lists.not_started_since(id);
    let limit = context.parameters.consensus.not_started_seconds;
    let waited = since.map(|since| context.now().duration_since(since).as_secs_f64());
    let verdict = if context.state.members().is_none() {
        Verdict::unknown("the member list is not known")
    } else {
        Verdict::when(waited.is_some_and(|waited| waited >= limit), || {
            let votes = if member.role == MemberRole::Learner {
                "it is a learner, which counts for no quorum"
            } else {
                "it counts for the quorum like a member that is down"
            };
            let peers = peer_urls(context, id);
            let cause = format!(
                "Member {id} (peer URLs {peers}) was added but has not started within {:.0} min; {votes}",
                waited.unwrap_or_default() / 60.0
            );
            let seen = since.map(|since| {
                let value = format!("member {id} has no name and no client URL");
                evidence("MemberList", value, since)
            });
            let action = format!(
                "Start it with `--initial-cluster-state existing` and the peer URLs it was added with, or take it out again: `etcdctl member remove {id}`"
            );
            (cause, seen.into_iter().collect(), action)
        })
    };
    context.member_finding(
        rule::MEMBER_NOT_STARTED,
        AlertType::Member,
        Severity::Warning,
        member,
        verdict,
    )
}

fn peer_urls(context: &Context<'_>, id: MemberId) -> String {
    let listed = context.state.members().unwrap_or_default();
    let member = listed.iter().find(|member| member.id == id);
    member.map_or_else(String::new, |member| member.peer_urls.join(", "))
}
