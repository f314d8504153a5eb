//! The directions between members: cut, slow, or losing snapshots.

use etcd_monitor_model::{
    AlertType, Confidence, Evidence, Finding, FindingKey, LinkSnapshot, LinkState, Severity,
    Subject, rule,
};

use super::{Context, Verdict, evidence};
use crate::assess::parameters::LinkParameters;

/// Times the median of the other links that a link must take at least to be called slow.
const TIMES_OTHERS_AT_LEAST: f64 = 2.0;

/// The rules about each direction between two members.
pub(super) fn of_cluster(context: &Context<'_>) -> Vec<Finding> {
    let links = context.snapshot.links.iter();
    links
        .flat_map(|link| {
            [
                failing(context, link),
                slow(context, link),
                snapshot_send_failing(context, link),
            ]
        })
        .collect()
}

fn failing(context: &Context<'_>, link: &LinkSnapshot) -> Finding {
    let verdict = match link.state {
        LinkState::Well => Verdict::False,
        LinkState::Failing | LinkState::FailingEitherWay => describe_failing(context, link),
        _ => Verdict::unknown(link.reason.clone()),
    };
    let mut finding = finding(
        context,
        rule::LINK_FAILING,
        AlertType::Partition,
        link,
        verdict,
    );
    if link.state == LinkState::FailingEitherWay {
        finding.confidence = Confidence::Medium;
    }
    finding
}

fn describe_failing(context: &Context<'_>, link: &LinkSnapshot) -> Verdict {
    let (from, to) = (&link.from_name, &link.to_name);
    let back = reverse(context, link).map(|back| back.state);
    let direction = match (link.state, back) {
        (LinkState::FailingEitherWay, _) => ", or what it answers is lost: which is not known",
        (_, Some(LinkState::Failing)) => "; nor does anything come back",
        (_, Some(LinkState::Well)) => "; the other direction works",
        _ => "",
    };
    let cause = format!(
        "What {from} sends does not reach {to}{direction}: {}",
        link.reason
    );
    let action = format!(
        "Check the network and the firewalls from {from} to {to}{}, for packets that are dropped",
        peer_url(context, link)
    );
    Verdict::True {
        cause,
        evidence: evidence_of(context, link),
        action,
    }
}

/// Where the receiver says its peers reach it.
fn peer_url(context: &Context<'_>, link: &LinkSnapshot) -> String {
    let mut listed = context.state.members().unwrap_or_default().iter();
    let receiver = listed.find(|listed| listed.id == link.to);
    let url = receiver.and_then(|receiver| receiver.peer_urls.first());
    url.map_or_else(String::new, |url| {
        format!(
            " (on the host of {}: `curl -m 3 {url}/version`)",
            link.from_name
        )
    })
}

/// What both ends count of a direction.
pub(super) fn evidence_of(context: &Context<'_>, link: &LinkSnapshot) -> Vec<Evidence> {
    let (from, to) = (&link.from_name, &link.to_name);
    let per_second = |rate: f64| format!("{rate:.1} per second");
    let counted = [
        (
            format!("etcd_network_peer_sent_bytes_total at {from}, To {to}"),
            link.sent_bytes_per_second.map(per_second),
        ),
        (
            format!("etcd_network_peer_received_bytes_total at {to}, From {from}"),
            link.received_bytes_per_second.map(per_second),
        ),
        (
            format!("failures and disconnects at {from}, To {to}"),
            link.failures_per_second.map(per_second),
        ),
        (
            format!("etcd_network_peer_round_trip_time_seconds at {from}, To {to}"),
            link.round_trip.map(|round_trip| {
                let stale = if round_trip.stale { ", repeated" } else { "" };
                format!("{:.4} s{stale}", round_trip.seconds)
            }),
        ),
    ];
    let known = counted
        .into_iter()
        .filter_map(|(source, value)| Some(evidence(source, value?, context.now())));
    known.collect()
}

pub(super) fn reverse<'a>(context: &Context<'a>, link: &LinkSnapshot) -> Option<&'a LinkSnapshot> {
    let mut links = context.snapshot.links.iter();
    links.find(|other| (other.from, other.to) == (link.to, link.from))
}

/// The round trip is long. A single slow probe is not enough: it must be long with etcd's smoothing taken out as well.
fn slow(context: &Context<'_>, link: &LinkSnapshot) -> Finding {
    let limits = &context.parameters.links;
    let measured = link.round_trip.filter(|measured| !measured.stale);
    let recent = measured.and_then(|measured| Some((measured, measured.recent_seconds?)));
    let verdict = match recent {
        _ if link.state.is_failing() => Verdict::unknown("the link carries nothing to measure"),
        None => Verdict::unknown(why_not_measured(link)),
        Some((measured, recent)) => {
            let seconds = measured.seconds.min(recent);
            let others = median_of_others(context, link);
            let limit = slow_limit(limits, others);
            Verdict::when(seconds > limit, || {
                describe_slow(context, link, measured.seconds, others)
            })
        }
    };
    finding(context, rule::LINK_SLOW, AlertType::Latency, link, verdict)
}

/// Where all links are as slow, the distance or the load of the machines is it, and no link stands out.
fn slow_limit(limits: &LinkParameters, others: Option<f64>) -> f64 {
    let Some(others) = others else {
        return limits.slow_seconds;
    };
    let long = (others * TIMES_OTHERS_AT_LEAST).max(limits.slow_seconds);
    let conspicuous = (others * limits.slow_times_others).max(limits.slow_floor_seconds);
    long.min(conspicuous)
}

fn why_not_measured(link: &LinkSnapshot) -> String {
    match link.round_trip {
        Some(measured) if measured.stale => format!(
            "no probe of {} to {} was answered since the last measurement",
            link.from_name, link.to_name
        ),
        _ => "etcd's probers have not measured it three times yet; they do every 30 s".to_owned(),
    }
}

fn describe_slow(
    context: &Context<'_>,
    link: &LinkSnapshot,
    seconds: f64,
    others: Option<f64>,
) -> (String, Vec<Evidence>, String) {
    let (from, to) = (&link.from_name, &link.to_name);
    let compared = others.map_or_else(String::new, |others| {
        format!(", the median of the other links is {:.0} ms", others * 1e3)
    });
    let cause = format!(
        "The link between {from} and {to} is slow: a round trip takes {:.0} ms{compared}",
        seconds * 1e3
    );
    let action = format!(
        "Check the path between the hosts of {from} and {to} (`mtr -n`), and their load; a cluster over long distances needs a longer --heartbeat-interval and --election-timeout"
    );
    (cause, evidence_of(context, link), action)
}

/// The median of the round trips between the other pairs of members.
fn median_of_others(context: &Context<'_>, link: &LinkSnapshot) -> Option<f64> {
    let of_pair = |other: &&LinkSnapshot| {
        let ends = [other.from, other.to];
        ends.contains(&link.from) && ends.contains(&link.to)
    };
    let others = context.snapshot.links.iter();
    let mut seconds: Vec<f64> = others
        .filter(|other| !of_pair(other))
        .filter_map(|other| other.round_trip.filter(|measured| !measured.stale))
        .map(|measured| measured.seconds)
        .collect();
    seconds.sort_by(f64::total_cmp);
    // The lower one: where one member is far, half of the other links are far as well.
    seconds.get(seconds.len().checked_sub(1)? / 2).copied()
}

/// Snapshots fail while the link carries what is small: large packets are lost, or the receiver cannot store it.
fn snapshot_send_failing(context: &Context<'_>, link: &LinkSnapshot) -> Finding {
    let limits = &context.parameters.links;
    let verdict = match link.snapshot_send_failures {
        _ if link.state.is_failing() => Verdict::unknown("the link carries nothing at all"),
        None => Verdict::unknown(format!(
            "the /metrics page of {} says nothing of {}",
            link.from_name, link.to_name
        )),
        Some(failed) => Verdict::when(failed >= limits.snapshot_send_failures, || {
            let cause = format!(
                "Snapshots from {} to {} fail ({failed} times within {:.0} min) although the link carries small messages: large packets are lost on the way (MTU), or {} cannot store them",
                link.from_name,
                link.to_name,
                limits.snapshot_window_seconds / 60.0,
                link.to_name
            );
            let action = format!(
                "From the host of {}: `ping -M do -s 1472 HOST_OF_{}` shows an MTU fault; on {} check free disk space and the log",
                link.from_name, link.to_name, link.to_name
            );
            let seen = vec![evidence(
                format!(
                    "etcd_network_snapshot_send_failures at {}, To {}",
                    link.from_name, link.to_name
                ),
                format!("rose in {failed} cycles"),
                context.now(),
            )];
            (cause, seen, action)
        }),
    };
    let kind = AlertType::Partition;
    finding(context, rule::SNAPSHOT_SEND_FAILING, kind, link, verdict)
}

fn finding(
    context: &Context<'_>,
    rule: &str,
    alert_type: AlertType,
    link: &LinkSnapshot,
    verdict: Verdict,
) -> Finding {
    let subject = Subject::link(link.name());
    context.finding(rule, alert_type, Severity::Warning, subject, verdict)
}

/// A member that is down or cut off explains that nothing comes from it, and nothing arrives there.
pub(super) fn explain(context: &Context<'_>, findings: &mut [Finding]) {
    for link in &context.snapshot.links {
        let roots = [link.from, link.to].map(|end| root_of(context, findings, end));
        let Some(root) = roots.into_iter().flatten().next() else {
            continue;
        };
        let key = Subject::link(link.name()).key();
        for finding in findings.iter_mut().filter(|finding| {
            finding.status.is_true() && is_of_links(finding) && finding.subject.key() == key
        }) {
            finding.caused_by.get_or_insert_with(|| root.clone());
        }
    }
}

fn is_of_links(finding: &Finding) -> bool {
    let rules = [
        rule::LINK_FAILING,
        rule::LINK_SLOW,
        rule::SNAPSHOT_SEND_FAILING,
    ];
    rules.contains(&finding.rule.as_str())
}

/// The finding that says that a member is down, or hears nobody.
fn root_of(
    context: &Context<'_>,
    findings: &[Finding],
    member: etcd_monitor_model::MemberId,
) -> Option<FindingKey> {
    let mut members = context.snapshot.members.iter();
    let known = members.find(|known| known.id == Some(member))?;
    let key = Subject::member(known.name.clone(), known.id).key();
    let explains = [rule::MEMBER_DOWN, rule::MEMBER_ISOLATED];
    let mut findings = findings.iter();
    findings
        .find(|finding| {
            finding.status.is_true()
                && explains.contains(&finding.rule.as_str())
                && finding.subject.key() == key
        })
        .map(Finding::key)
}
