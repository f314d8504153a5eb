//! Members that do not hear each other, seen as a whole: split voters, and single members that hear nobody.

use std::collections::BTreeSet;

use etcd_monitor_model::{
    AlertType, Evidence, Finding, FindingKey, LinkSnapshot, LinkState, MemberId, MemberSnapshot,
    Severity, rule,
};

use super::{Context, Verdict, links};

/// Findings that follow from a partition: raft cannot confirm, elect or settle over links that are cut.
const FOLLOW: [&str; 8] = [
    rule::LINK_FAILING,
    rule::NO_LEADER,
    rule::LINEARIZABLE_READ_FAILING,
    rule::FREQUENT_ELECTIONS,
    rule::HEARTBEATS_LATE,
    rule::WRITE_OVERLOAD,
    rule::REQUESTS_FAILING,
    rule::REQUESTS_SLOW,
];

/// The voters that take part: those that the monitor reaches, and that have started. A dead member is no partition.
struct Voters<'a> {
    ids: Vec<MemberId>,
    links: Vec<&'a LinkSnapshot>,
    total: usize,
}

impl<'a> Voters<'a> {
    fn of(context: &Context<'a>) -> Self {
        let listed = context.state.members().unwrap_or_default();
        let voters = listed.iter().filter(|listed| !listed.is_learner);
        let ids: Vec<MemberId> = voters
            .clone()
            .filter(|listed| !listed.name.is_empty() && is_reached(context, listed.id))
            .map(|listed| listed.id)
            .collect();
        let links = context.snapshot.links.iter();
        Self {
            links: links
                .filter(|link| ids.contains(&link.from) && ids.contains(&link.to))
                .collect(),
            total: voters.count(),
            ids,
        }
    }

    /// A pair needs both directions: raft waits for answers.
    fn is_cut(&self, one: MemberId, other: MemberId) -> bool {
        self.links.iter().any(|link| {
            link.state.is_failing() && {
                let ends = (link.from, link.to);
                ends == (one, other) || ends == (other, one)
            }
        })
    }

    /// The voters in groups that are connected, be it over others; where nothing is known, they count as connected.
    fn groups(&self) -> Vec<BTreeSet<MemberId>> {
        let mut groups: Vec<BTreeSet<MemberId>> = Vec::new();
        for voter in &self.ids {
            let mut joined = BTreeSet::from([*voter]);
            groups.retain(|group| {
                let connected = group.iter().any(|other| !self.is_cut(*voter, *other));
                if connected {
                    joined.extend(group);
                }
                !connected
            });
            groups.push(joined);
        }
        groups
    }

    /// The cut links of the leader, and those between groups.
    fn cut_links(&self, leader: Option<MemberId>) -> Vec<&'a LinkSnapshot> {
        let groups = self.groups();
        let together = |link: &LinkSnapshot| {
            let both =
                |group: &BTreeSet<MemberId>| group.contains(&link.from) && group.contains(&link.to);
            groups.iter().any(both)
        };
        let of_leader = |link: &LinkSnapshot| leader == Some(link.from) || leader == Some(link.to);
        let failing = self.links.iter().filter(|link| link.state.is_failing());
        failing
            .filter(|link| of_leader(link) || !together(link))
            .copied()
            .collect()
    }
}

fn is_reached(context: &Context<'_>, id: MemberId) -> bool {
    let row = context.view.row(id);
    row.is_some_and(|row| row.answered || row.http_answered())
}

/// Voters are split into groups, or one is cut from the leader.
pub(super) fn network_partition(context: &Context<'_>) -> Finding {
    let voters = Voters::of(context);
    let leader = context.snapshot.leader.as_ref().map(|leader| leader.id);
    let cut = voters.cut_links(leader);
    let unknown = voters
        .links
        .iter()
        .find(|link| link.state == LinkState::Unknown);
    let verdict = if !cut.is_empty() {
        Verdict::when(true, || describe(context, &voters, &cut, leader))
    } else if voters.total < 2 {
        one_voter(context, &voters)
    } else if let Some(link) = unknown {
        Verdict::unknown(format!("{}: {}", link.name(), link.reason))
    } else if voters.links.is_empty() {
        Verdict::unknown("fewer than two voters answer, or there are too many members to compare")
    } else {
        Verdict::False
    };
    context.cluster_finding(
        rule::NETWORK_PARTITION,
        AlertType::Partition,
        Severity::Critical,
        verdict,
    )
}

fn one_voter(context: &Context<'_>, voters: &Voters<'_>) -> Verdict {
    if context.state.members().is_none() || voters.total == 0 {
        return Verdict::unknown("the member list is not known");
    }
    Verdict::False
}

fn describe(
    context: &Context<'_>,
    voters: &Voters<'_>,
    cut: &[&LinkSnapshot],
    leader: Option<MemberId>,
) -> (String, Vec<Evidence>, String) {
    let who: Vec<String> = cut
        .iter()
        .filter_map(|link| who(context, link, leader))
        .collect();
    let cause = format!(
        "Members do not hear each other: {}{}",
        who.join(", "),
        consequence(context, voters)
    );
    let seen = cut
        .iter()
        .flat_map(|link| links::evidence_of(context, link))
        .collect();
    let action = "Restore the network between these members; remove or add none meanwhile. See who follows whom: `etcdctl endpoint status --cluster -w table`";
    (cause, seen, action.to_owned())
}

/// "n2 and the leader n1 hear neither" or "n2 does not hear n1", each pair once.
fn who(context: &Context<'_>, link: &LinkSnapshot, leader: Option<MemberId>) -> Option<String> {
    let title = |id: MemberId, name: &str| {
        let leads = leader == Some(id);
        format!("{}{name}", if leads { "the leader " } else { "" })
    };
    let (from, to) = (
        title(link.from, &link.from_name),
        title(link.to, &link.to_name),
    );
    let back = links::reverse(context, link).map(|back| back.state);
    match (link.state, back) {
        (LinkState::FailingEitherWay, Some(LinkState::FailingEitherWay)) => (link.from < link.to)
            .then(|| format!("{from} and {to} lose what they send, in one direction or in both")),
        (_, Some(back)) if back.is_failing() => {
            (link.from < link.to).then(|| format!("{from} and {to} hear nothing of each other"))
        }
        (_, Some(LinkState::Well)) => Some(format!(
            "{to} does not hear {from}, which hears it (one way)"
        )),
        _ => Some(format!("{to} does not hear {from}")),
    }
}

fn consequence(context: &Context<'_>, voters: &Voters<'_>) -> String {
    let groups = voters.groups();
    if groups.len() < 2 {
        return "; raft sends nothing around a cut link, so that a voter lags or calls elections until it is restored"
            .to_owned();
    }
    let needed = voters.total / 2 + 1;
    let whole = groups.iter().find(|group| group.len() >= needed);
    let names = |group: &BTreeSet<MemberId>| {
        let names: Vec<String> = group.iter().map(|id| context.name_of(*id)).collect();
        names.join("+")
    };
    let listed: Vec<String> = groups.iter().map(names).collect();
    let quorum = whole.map_or_else(
        || "none has a quorum, so writes stop".to_owned(),
        |group| format!("only {} has a quorum", names(group)),
    );
    format!("; the groups are {}, and {quorum}", listed.join(" and "))
}

/// A member that hears no peer and that no peer hears, while the monitor reaches it.
pub(super) fn member_isolated(context: &Context<'_>, member: &MemberSnapshot) -> Option<Finding> {
    let id = member.id?;
    let verdict = isolation(context, id, &member.name);
    let votes = member.role != etcd_monitor_model::MemberRole::Learner;
    let severity = if votes {
        Severity::Critical
    } else {
        Severity::Warning
    };
    Some(context.member_finding(
        rule::MEMBER_ISOLATED,
        AlertType::Partition,
        severity,
        member,
        verdict,
    ))
}

fn isolation(context: &Context<'_>, id: MemberId, name: &str) -> Verdict {
    if !is_reached(context, id) {
        return Verdict::unknown("member unreachable");
    }
    let ends = context.snapshot.links.iter();
    let own: Vec<&LinkSnapshot> = ends
        .filter(|link| {
            (link.from == id && is_reached(context, link.to))
                || (link.to == id && is_reached(context, link.from))
        })
        .collect();
    if context.snapshot.member_count == Some(1) {
        return Verdict::False;
    }
    if own.iter().any(|link| link.state == LinkState::Well) {
        return Verdict::False;
    }
    // With one peer it cannot be told which of the two is cut off.
    if own.len() < 4 {
        return Verdict::unknown("fewer than two of its peers answer the monitor");
    }
    if let Some(link) = own.iter().find(|link| !link.state.is_failing()) {
        return Verdict::unknown(format!("{}: {}", link.name(), link.reason));
    }
    Verdict::when(true, || {
        let cause = format!(
            "{name} is cut off from all its peers: it hears none of {}, and none hears it, while the monitor reaches it",
            own.len() / 2
        );
        let seen = own
            .iter()
            .flat_map(|link| links::evidence_of(context, link))
            .collect();
        let action = format!(
            "On the host of {name}: check the network and the firewall of the peer port (`ss -tn`, `iptables -L -n -v`)"
        );
        (cause, seen, action)
    })
}

/// A member that hears nobody explains the partition that it makes; a partition explains what follows from it.
pub(super) fn explain(context: &Context<'_>, findings: &mut [Finding]) {
    let Some(partition) = super::true_key(findings, rule::NETWORK_PARTITION) else {
        return;
    };
    let voters = Voters::of(context);
    let leader = context.snapshot.leader.as_ref().map(|leader| leader.id);
    let cut = voters.cut_links(leader);
    let isolated = lone_member(findings, &cut);
    let names: BTreeSet<String> = cut.iter().map(|link| link.name()).collect();
    for finding in findings
        .iter_mut()
        .filter(|finding| finding.status.is_true())
    {
        let follows = FOLLOW.contains(&finding.rule.as_str())
            && (finding.rule != rule::LINK_FAILING || names.contains(&finding.subject.name));
        if follows && finding.caused_by.is_none() {
            finding.caused_by = Some(partition.clone());
        } else if finding.rule == rule::NETWORK_PARTITION {
            finding.caused_by.clone_from(&isolated);
        }
    }
}

/// The one isolated member that is at an end of every cut link.
fn lone_member(findings: &[Finding], cut: &[&LinkSnapshot]) -> Option<FindingKey> {
    let isolated: Vec<&Finding> = findings
        .iter()
        .filter(|finding| finding.rule == rule::MEMBER_ISOLATED && finding.status.is_true())
        .collect();
    let covers = |finding: &&&Finding| {
        let id = finding.subject.id;
        cut.iter()
            .all(|link| id == Some(link.from) || id == Some(link.to))
    };
    isolated.iter().find(covers).map(|finding| finding.key())
}
