//! Who hears whom: every direction between two members, from what both of them count.
//!
//! A member counts the bytes it sends to each peer and those it receives from each, so a direction that lost what was
//! sent shows as the difference. Streams that carry no raft messages still carry beats ([`beats`]), which the receiver
//! counts for nobody: how many peers it hears follows from their number. What etcd says of connections (`active_peers`,
//! failures) does not move while a network drops packets silently.

mod beats;
mod hearing;
mod reading;
mod ticks;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use etcd_monitor_model::{
    LinkSnapshot, LinkState, ListedMember, MemberId, MetricsPage, PeerMetrics, Snapshot,
};
use jiff::Timestamp;

use super::parameters::LinkParameters;
use super::state::AssessState;
use super::view::View;
use hearing::{Heard, Hearing};
use reading::{History, amount};
use ticks::Ticks;

/// Members between which links are judged: far more than etcd advises (7); the number of links grows with the square.
const MEMBERS_MAX: usize = 16;

/// After a member started or was silent, seconds in which its links are not judged: what its peers count in this time is
/// from before. Above the window in which bytes are counted ([`reading::WINDOW_SECONDS`]) by two ticks of a beat.
const SETTLE_SECONDS: f64 = 20.0;

/// Failed snapshots remembered for each link.
const SNAPSHOTS_MAX: usize = 16;

/// What is remembered of links between cycles. Not kept over a restart: a window of it is a quarter of a minute.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct LinkMemory {
    members: BTreeMap<MemberId, MemberReadings>,
    links: BTreeMap<(MemberId, MemberId), LinkReadings>,
}

/// What is remembered of one member.
#[derive(Debug, Clone, Default, PartialEq)]
struct MemberReadings {
    history: History,
    process_started: Option<f64>,
    /// When it last was silent, or was first seen after a start.
    unsettled_at: Option<Timestamp>,
    /// Since when it has missed beats of some peer.
    missing_since: Option<Timestamp>,
}

/// What is remembered of one direction, as its sender counts it.
#[derive(Debug, Clone, Default, PartialEq)]
struct LinkReadings {
    ticks: Ticks,
    snapshot_failures: Option<f64>,
    snapshots_failed_at: VecDeque<Timestamp>,
}

/// A member as the links see it.
pub(super) struct Node {
    pub(super) id: MemberId,
    /// Its name, or its id where that is missing or not its alone.
    pub(super) name: String,
    /// False until it has started for the first time.
    pub(super) started: bool,
    /// True when it gave the monitor no answer in this cycle.
    pub(super) silent: bool,
    /// True when it started, or came back, so lately that its peers' numbers are from before.
    pub(super) unsettled: bool,
    pub(super) version: Option<String>,
}

/// Takes in this cycle's pages, and says what is known of each direction.
pub(super) fn update(
    state: &mut AssessState,
    view: &View<'_>,
    snapshot: &Snapshot,
    parameters: &LinkParameters,
) -> Vec<LinkSnapshot> {
    let listed = state.members().unwrap_or_default();
    if !(2..=MEMBERS_MAX).contains(&listed.len()) {
        state.links = LinkMemory::default();
        return Vec::new();
    }
    let mut nodes = nodes(listed, view, snapshot);
    let ids: BTreeSet<MemberId> = nodes.iter().map(|node| node.id).collect();
    let memory = &mut state.links;
    memory.keep(&ids);
    for node in &mut nodes {
        memory.take_in(node, &ids, view, parameters);
    }
    memory.forget_ticks_of_unsettled(&nodes);
    let hearing = memory.hear(&nodes, view.ended_at);
    pairs(&nodes)
        .map(|(from, to)| memory.describe(from, to, &hearing))
        .collect()
}

fn pairs(nodes: &[Node]) -> impl Iterator<Item = (&Node, &Node)> {
    let others = |from: &Node, to: &Node| from.id != to.id;
    nodes.iter().flat_map(move |from| {
        let others = nodes.iter().filter(move |to| others(from, to));
        others.map(move |to| (from, to))
    })
}

fn nodes(listed: &[ListedMember], view: &View<'_>, snapshot: &Snapshot) -> Vec<Node> {
    let version = |id: MemberId| {
        let mut members = snapshot.members.iter();
        let member = members.find(|member| member.id == Some(id))?;
        member.version.clone()
    };
    let node = |member: &ListedMember| Node {
        id: member.id,
        name: label(listed, member),
        started: !member.name.is_empty(),
        silent: view
            .row(member.id)
            .is_none_or(|row| !row.answered && !row.http_answered()),
        unsettled: false,
        version: version(member.id),
    };
    listed.iter().map(node).collect()
}

/// The name of a listed member where it is its alone; else its id.
fn label(listed: &[ListedMember], member: &ListedMember) -> String {
    let same = listed.iter().filter(|other| other.name == member.name);
    if member.name.is_empty() || same.count() > 1 {
        member.id.to_string()
    } else {
        member.name.clone()
    }
}

impl LinkMemory {
    fn keep(&mut self, listed: &BTreeSet<MemberId>) {
        self.members.retain(|id, _| listed.contains(id));
        self.links
            .retain(|(from, to), _| listed.contains(from) && listed.contains(to));
    }

    fn hear(&mut self, nodes: &[Node], now: Timestamp) -> Hearing {
        let missing_since = |id: MemberId| self.members.get(&id)?.missing_since;
        let hearing = Hearing::of(nodes, now, |id| self.history(id), missing_since);
        for (id, member) in &mut self.members {
            let since = member.missing_since.unwrap_or(now).min(now);
            member.missing_since = hearing.misses_beats(*id).then_some(since);
        }
        hearing
    }

    fn history(&self, id: MemberId) -> Option<&History> {
        self.members.get(&id).map(|member| &member.history)
    }

    fn take_in(
        &mut self,
        node: &mut Node,
        listed: &BTreeSet<MemberId>,
        view: &View<'_>,
        parameters: &LinkParameters,
    ) {
        let now = view.ended_at;
        let member = self.members.entry(node.id).or_default();
        let page = view.row(node.id).and_then(super::view::Row::page);
        member.take_in(node, page, now);
        let Some(page) = page else { return };
        let peers = page.network.peers.iter();
        for peer in peers.filter(|peer| listed.contains(&peer.peer) && peer.peer != node.id) {
            let link = self.links.entry((node.id, peer.peer)).or_default();
            link.take_in(peer, now, parameters);
        }
    }

    /// While a member is silent, and until it has settled, its peers' probers tell of nothing else.
    fn forget_ticks_of_unsettled(&mut self, nodes: &[Node]) {
        let unsettled = |id: MemberId| {
            let mut nodes = nodes.iter();
            nodes.any(|node| node.id == id && (node.unsettled || node.silent))
        };
        for ((from, to), link) in &mut self.links {
            if unsettled(*from) || unsettled(*to) {
                link.ticks = Ticks::default();
            }
        }
    }

    fn describe(&self, from: &Node, to: &Node, hearing: &Hearing) -> LinkSnapshot {
        let mut link = LinkSnapshot::unknown(from.id, to.id, "");
        link.from_name.clone_from(&from.name);
        link.to_name.clone_from(&to.name);
        let sender = self.history(from.id);
        let receiver = self.history(to.id);
        link.sent_bytes_per_second = sender.and_then(|history| history.sent_rate(to.id));
        link.received_bytes_per_second =
            receiver.and_then(|history| history.received_rate(from.id));
        link.failures_per_second = sender.and_then(|history| history.failure_rate(to.id));
        if let Some(readings) = self.links.get(&(from.id, to.id)) {
            link.round_trip = readings.ticks.round_trip();
            link.probe_ticks_per_second = readings.ticks.per_second();
            link.snapshot_send_failures = readings
                .snapshot_failures
                .map(|_| readings.snapshots_failed_at.len() as u64);
        }
        (link.state, link.reason) = self.judge(from, to, hearing, &link);
        link
    }

    /// What the bytes say; where they do not tell, what the probers say of the pair.
    fn judge(
        &self,
        from: &Node,
        to: &Node,
        hearing: &Hearing,
        link: &LinkSnapshot,
    ) -> (LinkState, String) {
        match hearing.between(from.id, to.id) {
            Heard::Yes(reason) => (LinkState::Well, reason),
            Heard::No(reason) => (LinkState::Failing, reason),
            Heard::Unknown(reason) => {
                let quiet = from.silent || to.silent || from.unsettled || to.unsettled;
                let back = hearing.between(to.id, from.id);
                let sign = self.sign_of_loss(from, to, link);
                match sign.filter(|_| !quiet && !matches!(back, Heard::No(_))) {
                    Some(sign) => (LinkState::FailingEitherWay, sign),
                    None => (LinkState::Unknown, reason),
                }
            }
        }
    }

    fn sign_of_loss(&self, from: &Node, to: &Node, link: &LinkSnapshot) -> Option<String> {
        let probed = |prober: &Node, peer: &Node| {
            let readings = self.links.get(&(prober.id, peer.id))?;
            let unanswered = readings.ticks.unanswered()?;
            Some(format!(
                "the probes of {} to {} are not answered: {unanswered}",
                prober.name, peer.name
            ))
        };
        let refused = link.failures_per_second.filter(|rate| *rate > 0.0);
        let refused = refused.map(|rate| {
            format!(
                "{} counts {rate:.1} failures per second towards {}",
                from.name, to.name
            )
        });
        probed(from, to).or_else(|| probed(to, from)).or(refused)
    }
}

impl MemberReadings {
    fn take_in(&mut self, node: &mut Node, page: Option<&MetricsPage>, now: Timestamp) {
        let started = page.and_then(|page| amount(page.process.start_time_seconds));
        let restarted = started
            .zip(self.process_started)
            .is_some_and(|(now, before)| (now - before).abs() > 1.0);
        if started.is_some() {
            self.process_started = started;
        }
        if node.silent || restarted {
            self.unsettled_at = Some(now);
        }
        node.unsettled = self.unsettled_at.is_some_and(|at| {
            (0.0..SETTLE_SECONDS).contains(&now.duration_since(at).as_secs_f64())
        });
        match page {
            Some(page) if !restarted => self.history.push(now, page),
            Some(page) => self.history = History::starting(now, page),
            // What it counted meanwhile would be spread over the time it was away.
            None => self.history = History::default(),
        }
    }
}

impl LinkReadings {
    fn take_in(&mut self, peer: &PeerMetrics, now: Timestamp, parameters: &LinkParameters) {
        self.ticks.take_in(peer.round_trip.as_ref(), now);
        // etcd shows the series only from the first failure on.
        let none_yet = peer.sent_bytes.map(|_| 0.0);
        let failures = amount(peer.snapshot_send_failures).or(none_yet);
        let before = std::mem::replace(&mut self.snapshot_failures, failures);
        if failures
            .zip(before)
            .is_some_and(|(now, before)| now > before)
        {
            if self.snapshots_failed_at.len() == SNAPSHOTS_MAX {
                self.snapshots_failed_at.pop_front();
            }
            self.snapshots_failed_at.push_back(now);
        }
        self.snapshots_failed_at.retain(|at| {
            let age = now.duration_since(*at).as_secs_f64();
            (0.0..=parameters.snapshot_window_seconds).contains(&age)
        });
    }
}
