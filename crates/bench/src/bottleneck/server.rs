//! Limits on the side of the members, by their own metrics.

use super::{
    Bottleneck, CPU_SHARE, Limit, SURE_WAIT_SECONDS, WAIT_SHARE, milliseconds, percent,
    service_mean_seconds,
};
use crate::report::Report;
use crate::server::{Durations, MemberFigures, ServerMember};

pub(crate) type Member<'a> = (&'a ServerMember, &'a MemberFigures);

/// Something that a request waits for.
struct Wait {
    bottleneck: Bottleneck,
    /// Share of the time, above [`WAIT_SHARE`].
    share: f64,
    /// How long one takes.
    mean_seconds: f64,
}

fn members(report: &Report) -> impl Iterator<Item = Member<'_>> {
    let known = |member| Some((member, ServerMember::figures(member)?));
    report.server.iter().filter_map(known)
}

/// The member that led at the last reading.
pub(crate) fn leader(report: &Report) -> Option<Member<'_>> {
    members(report).find(|(member, _)| member.leads == Some(true))
}

/// Whether enough is known to say of something that it is not there: the disks of a quorum, the leader among them, and how much
/// of its cores the leader used. One that used less than a core's share used less than that of several.
pub(super) fn is_quorum_known(report: &Report) -> bool {
    let disks = members(report).filter(|(_, figures)| figures.wal_fsync.is_some());
    let is_cpu_known = |(_, figures): Member<'_>| {
        let is_little = figures.cpu_cores.is_some_and(|cores| cores < CPU_SHARE);
        figures.wal_fsync.is_some() && (figures.cpu_share.is_some() || is_little)
    };
    disks.count() > report.server.len() / 2 && leader(report).is_some_and(is_cpu_known)
}

/// A wait so long that nothing but a disk or a network explains it.
pub(super) fn sure_wait(report: &Report) -> Option<Bottleneck> {
    let waits = waits(report).into_iter();
    longest(waits.filter(|wait| wait.mean_seconds >= SURE_WAIT_SECONDS))
}

/// Any wait that takes most of the time.
pub(super) fn wait(report: &Report) -> Option<Bottleneck> {
    longest(waits(report).into_iter())
}

fn longest(waits: impl Iterator<Item = Wait>) -> Option<Bottleneck> {
    let longest = waits.max_by(|one, other| one.share.total_cmp(&other.share));
    longest.map(|wait| wait.bottleneck)
}

fn waits(report: &Report) -> Vec<Wait> {
    let Some(leader) = leader(report) else {
        return Vec::new();
    };
    let waits = [
        fsync(report, leader, "the leader"),
        quorum_follower(report, leader)
            .and_then(|follower| fsync(report, follower, "the follower that a quorum needs")),
        backend_commit(leader),
        peer_network(report, leader),
    ];
    waits.into_iter().flatten().collect()
}

fn busy(durations: Option<&Durations>) -> Option<(f64, f64)> {
    let durations = durations?;
    Some((durations.busy_share?, durations.mean_seconds?))
}

fn fsync(report: &Report, (member, figures): Member<'_>, role: &str) -> Option<Wait> {
    let fsync = figures.wal_fsync.as_ref()?;
    let (share, mean) = busy(Some(fsync)).filter(|(share, _)| *share >= WAIT_SHARE)?;
    let mut evidence = vec![format!(
        "{role}, {}, synced its write-ahead log {} of the time: {} syncs of {} on average, p99 {}",
        member.endpoint,
        percent(share.min(1.0)),
        fsync.count,
        milliseconds(mean),
        fsync.p99_seconds.map_or("?".to_owned(), milliseconds),
    )];
    if let Some(service) = service_mean_seconds(report) {
        evidence.push(format!(
            "a request took {} on average, of which a sync is {}",
            milliseconds(service),
            percent((mean / service).min(1.0))
        ));
    }
    if let Some(each) = figures.committed_per_fsync {
        evidence.push(format!("{each:.1} changes shared a sync"));
    }
    evidence.extend(probe(report));
    Some(Wait {
        bottleneck: Bottleneck::new(
            Limit::WalFsync,
            evidence,
            "give the members a faster disk of their own (etcd asks for a p99 of the syncs below 10 ms); more clients share each sync",
        ),
        share,
        mean_seconds: mean,
    })
}

fn probe(report: &Report) -> Option<String> {
    let probe = report.fsync_probe.as_ref()?;
    Some(format!(
        "the probe of {} took {} at the median, {} at p99",
        probe.directory,
        milliseconds(probe.syncs.p50_seconds?),
        milliseconds(probe.syncs.p99_seconds?)
    ))
}

/// Of the followers the slowest whose sync a commit still waits for; `None` where one of them is not known.
fn quorum_follower<'a>(report: &'a Report, leader: Member<'a>) -> Option<Member<'a>> {
    let others = report.server.iter();
    let others = others.filter(|member| !std::ptr::eq(*member, leader.0));
    let followers: Option<Vec<Member<'_>>> = others
        .map(|member| Some((member, member.figures()?)))
        .collect();
    let mut followers = followers?;
    let mean = |(_, figures): &Member<'_>| {
        let fsync = figures.wal_fsync.as_ref();
        fsync.and_then(|fsync| fsync.mean_seconds).unwrap_or(0.0)
    };
    followers.sort_by(|one, other| mean(one).total_cmp(&mean(other)));
    // With the leader, so many of them are a quorum.
    let needed = report.server.len() / 2;
    followers.into_iter().nth(needed.checked_sub(1)?)
}

fn backend_commit((member, figures): Member<'_>) -> Option<Wait> {
    let commit = figures.backend_commit.as_ref();
    let (share, mean) = busy(commit).filter(|(share, _)| *share >= WAIT_SHARE)?;
    Some(Wait {
        bottleneck: Bottleneck::new(
            Limit::BackendCommit,
            vec![format!(
                "the leader, {}, committed its backend {} of the time, {} on average: nothing is applied meanwhile",
                member.endpoint,
                percent(share.min(1.0)),
                milliseconds(mean)
            )],
            "give the members a faster disk; a lower --backend-batch-limit of the members makes shorter commits",
        ),
        share,
        mean_seconds: mean,
    })
}

/// A quorum is reached when half of the peers have answered: the round trip to the slowest of the nearer half counts.
fn peer_network(report: &Report, (member, figures): Member<'_>) -> Option<Wait> {
    let service = service_mean_seconds(report)?;
    let mut peers: Vec<(f64, bool)> = figures
        .peers
        .iter()
        .filter_map(|peer| Some((peer.round_trip.mean_seconds?, peer.since_start)))
        .collect();
    peers.sort_by(|one, other| one.0.total_cmp(&other.0));
    let needed = peers.len().div_ceil(2);
    let (mean, since_start) = *peers.get(needed.checked_sub(1)?)?;
    let share = mean / service;
    // Requests that are answered sooner do not wait for it: they are reads of the member alone.
    if !(WAIT_SHARE..=1.25).contains(&share) {
        return None;
    }
    let when = if since_start {
        ", measured since the leader started"
    } else {
        ""
    };
    Some(Wait {
        bottleneck: Bottleneck::new(
            Limit::PeerNetwork,
            vec![format!(
                "a round trip from the leader, {}, to the peers of a quorum took {} on average{when}; a request took {}",
                member.endpoint,
                milliseconds(mean),
                milliseconds(service)
            )],
            "bring the members of a quorum nearer together; more clients share the round trips",
        ),
        share,
        mean_seconds: mean,
    })
}

/// A member used its cores.
pub(super) fn cpu(report: &Report) -> Option<Bottleneck> {
    let shares = members(report).filter_map(|member| Some((member.1.cpu_share?, member)));
    let (share, (member, figures)) = shares
        .filter(|(share, _)| *share >= CPU_SHARE)
        .max_by(|one, other| one.0.total_cmp(&other.0))?;
    let role = if member.leads == Some(true) {
        "the leader"
    } else {
        "a follower"
    };
    let of = |cores: Option<f64>| cores.map_or("?".to_owned(), |cores| format!("{cores:.1}"));
    Some(Bottleneck::new(
        Limit::ServerCpu,
        vec![format!(
            "{role}, {}, used {} of its {} cores ({})",
            member.endpoint,
            of(figures.cpu_cores),
            of(figures.cpu_cores_allowed),
            percent(share)
        )],
        "give the members more or faster cores; spread reads over all members",
    ))
}

/// From a request's arrival to its answer, over all members that tell it.
pub(crate) fn request_mean_seconds(report: &Report) -> Option<f64> {
    let requests = members(report).filter_map(|(_, figures)| {
        let request = figures.request.as_ref()?;
        Some((request.mean_seconds? * request.count as f64, request.count))
    });
    let (sum, count) = requests.fold((0.0, 0), |all, one| (all.0 + one.0, all.1 + one.1));
    // What others ask is in it as well; where that is most, it says nothing of this load.
    let is_ours = count > 0 && count as f64 <= 1.2 * report.succeeded as f64 + 100.0;
    is_ours.then(|| sum / count as f64)
}

/// How far the members were from their limits.
pub(super) fn busiest(report: &Report) -> Option<String> {
    let (member, figures) = leader(report)?;
    let share = |durations: Option<&Durations>| {
        let share = busy(durations).map(|(share, _)| percent(share));
        share.unwrap_or_else(|| "an unknown part".to_owned())
    };
    let cores = figures
        .cpu_cores
        .map_or("?".to_owned(), |cores| format!("{cores:.2}"));
    Some(format!(
        "the leader, {}, synced its log {} and committed its backend {} of the time, and used {cores} cores",
        member.endpoint,
        share(figures.wal_fsync.as_ref()),
        share(figures.backend_commit.as_ref())
    ))
}

/// The cores that members on the machine of the load generator used; `None` where there are none, or nobody knows.
pub(super) fn on_this_machine(report: &Report) -> Option<f64> {
    let is_here = |member: &ServerMember| {
        let (_, address) = member.endpoint.split_once("//").unwrap_or_default();
        ["127.", "localhost", "[::1]"]
            .iter()
            .any(|local| address.starts_with(local))
    };
    let here = members(report).filter(|(member, _)| is_here(member));
    let cores = here.filter_map(|(_, figures)| figures.cpu_cores);
    cores.reduce(|sum, cores| sum + cores)
}
