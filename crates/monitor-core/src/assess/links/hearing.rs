//! Who hears whom, from the bytes that both ends count.

use std::collections::{BTreeMap, BTreeSet};

use etcd_monitor_model::MemberId;
use jiff::Timestamp;

use super::Node;
use super::beats;
use super::reading::{Arrival, History, WINDOW_SECONDS};

/// Peers by which the number of heard ones may be off: edges of the window cut off a beat or two.
const SLACK_PEERS: f64 = 0.4;

/// Seconds for which beats must be missing before they say anything of a single peer: whoever is cut off from all at once
/// misses beats before the last raft bytes are old. Just below the default interval.
const LASTING_SECONDS: f64 = 4.5;

/// A sender whose stream carries more than this many times its beats sends raft messages, which its peer counts for it.
const RAFT_TIMES_BEATS: f64 = 2.0;

/// The same in bytes per second where the version's beat is not known: an idle leader sends several hundred.
const RAFT_BYTES_PER_SECOND: f64 = 100.0;

/// Whether a member hears a peer, and why.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Heard {
    Yes(String),
    No(String),
    Unknown(String),
}

/// Who hears whom.
#[derive(Debug)]
pub(super) struct Hearing {
    /// By sender and receiver.
    heard: BTreeMap<(MemberId, MemberId), Heard>,
    /// Members that miss beats of some peer in this cycle.
    missing: BTreeSet<MemberId>,
}

impl Hearing {
    pub(super) fn of<'a>(
        nodes: &[Node],
        now: Timestamp,
        history: impl Fn(MemberId) -> Option<&'a History>,
        missing_since: impl Fn(MemberId) -> Option<Timestamp>,
    ) -> Self {
        let mut heard = BTreeMap::new();
        let mut missing = BTreeSet::new();
        for to in nodes {
            let peers: Vec<&Node> = nodes.iter().filter(|peer| peer.id != to.id).collect();
            let listener = Listener {
                to,
                own: history(to.id).filter(|own| own.spans_window() && !to.unsettled),
                missing_seconds: missing_since(to.id)
                    .map_or(0.0, |since| now.duration_since(since).as_secs_f64()),
            };
            let first: Vec<Sign> = peers
                .iter()
                .map(|from| listener.sign(from, history(from.id)))
                .collect();
            if listener.misses_beats(peers.len()) {
                missing.insert(to.id);
            }
            let idle = listener.lasting(listener.idle(&peers, &first));
            let verdicts = listener.conclude(&peers, first, idle);
            for (from, verdict) in peers.iter().zip(verdicts) {
                heard.insert((from.id, to.id), verdict);
            }
        }
        Self { heard, missing }
    }

    /// True for a member that misses beats of some peer in this cycle.
    pub(super) fn misses_beats(&self, id: MemberId) -> bool {
        self.missing.contains(&id)
    }

    pub(super) fn between(&self, from: MemberId, to: MemberId) -> Heard {
        let known = self.heard.get(&(from, to)).cloned();
        known.unwrap_or_else(|| Heard::Unknown("not in the member list".to_owned()))
    }
}

/// One member, and what it counted; `None` while that does not span a window.
struct Listener<'a> {
    to: &'a Node,
    own: Option<&'a History>,
    /// How long it has been missing beats.
    missing_seconds: f64,
}

/// What the bytes counted for one sender say.
enum Sign {
    Arrives,
    /// Something arrived, but nothing lately.
    Fading,
    /// The sender sends raft messages, and none arrive.
    Lost(String),
    /// It sends nothing that is counted for it.
    Idle,
}

impl Listener<'_> {
    fn sign(&self, from: &Node, sender: Option<&History>) -> Sign {
        let arrival = self.own.and_then(|own| own.arrival(from.id));
        match arrival {
            Some(Arrival::Steady) => Sign::Arrives,
            Some(Arrival::Fading) => Sign::Fading,
            Some(Arrival::Nothing) => self.lost(from, sender).map_or(Sign::Idle, Sign::Lost),
            None => Sign::Idle,
        }
    }

    fn lost(&self, from: &Node, sender: Option<&History>) -> Option<String> {
        let sent = sender?.earlier_sent_rate(self.to.id)?;
        let beats = beats::bytes_per_second(from.version.as_deref());
        let limit = beats.map_or(RAFT_BYTES_PER_SECOND, |beats| beats * RAFT_TIMES_BEATS);
        (sent > limit).then(|| {
            format!(
                "{} sends {sent:.0} bytes per second to {}, which has received none for {WINDOW_SECONDS} s",
                from.name, self.to.name
            )
        })
    }

    /// Adds what the number of beats says of those who send nothing else.
    fn conclude(&self, peers: &[&Node], signs: Vec<Sign>, idle: Idle) -> Vec<Heard> {
        let told = peers.iter().zip(signs);
        told.map(|(from, sign)| match sign {
            Sign::Arrives => Heard::Yes(format!(
                "{} receives bytes from {}",
                self.to.name, from.name
            )),
            _ if !from.started => Heard::Unknown(format!("{} has not started yet", from.name)),
            _ if from.unsettled && !from.silent => Heard::Unknown(format!(
                "{} started, or came back, less than {} s ago",
                from.name,
                super::SETTLE_SECONDS
            )),
            Sign::Lost(reason) => Heard::No(reason),
            // Whoever no longer leads has nothing to send but beats.
            Sign::Fading if matches!(idle, Idle::AllHeard) => self.hears_beats(from),
            Sign::Fading => Heard::Unknown(format!(
                "{} has received nothing from {} for some seconds",
                self.to.name, from.name
            )),
            Sign::Idle => match idle {
                Idle::NoneHeard => self.hears_no_beats(from),
                Idle::SilentMissing if from.silent => self.hears_no_beats(from),
                Idle::AllHeard | Idle::SilentMissing => self.hears_beats(from),
                Idle::Unknown => Heard::Unknown(self.why_unknown(from)),
            },
        })
        .collect()
    }

    /// Whoever is cut off from several peers at once misses beats before the last raft bytes are old.
    fn lasting(&self, idle: Idle) -> Idle {
        let missing = matches!(idle, Idle::NoneHeard | Idle::SilentMissing);
        if missing && self.missing_seconds < LASTING_SECONDS {
            Idle::Unknown
        } else {
            idle
        }
    }

    /// Peers whose beats arrive, to a fraction: those that went away lately count for a part of the window.
    fn beating(&self) -> Option<f64> {
        let beat = beats::bytes_per_second(self.to.version.as_deref())?;
        Some(self.own?.beat_rate()? / beat)
    }

    fn misses_beats(&self, peers: usize) -> bool {
        self.beating()
            .is_some_and(|beating| beating < peers as f64 - SLACK_PEERS)
    }

    /// What the beats say of the senders that are idle.
    fn idle(&self, peers: &[&Node], signs: &[Sign]) -> Idle {
        let Some(beating) = self.beating() else {
            return Idle::Unknown;
        };
        let count = |wanted: &dyn Fn(&Node, &Sign) -> bool| {
            let both = peers.iter().zip(signs);
            both.filter(|(from, sign)| wanted(from, sign)).count() as f64
        };
        let arriving = count(&|_, sign| matches!(sign, Sign::Arrives));
        let fading = count(&|_, sign| matches!(sign, Sign::Fading));
        let idle = count(&|_, sign| matches!(sign, Sign::Idle));
        let absent = count(&|from, sign| matches!(sign, Sign::Idle) && from.is_absent());
        let heard = beating - arriving;
        if heard >= idle + fading - SLACK_PEERS {
            Idle::AllHeard
        } else if fading > 0.0 {
            Idle::Unknown
        } else if heard <= SLACK_PEERS {
            Idle::NoneHeard
        } else if heard >= idle - absent - SLACK_PEERS {
            Idle::SilentMissing
        } else {
            Idle::Unknown
        }
    }

    fn hears_beats(&self, from: &Node) -> Heard {
        Heard::Yes(format!(
            "{} receives the beats of {}'s streams",
            self.to.name, from.name
        ))
    }

    fn hears_no_beats(&self, from: &Node) -> Heard {
        Heard::No(format!(
            "{} receives no beats of {}'s streams, which come every 1.7 s on a link that is well",
            self.to.name, from.name
        ))
    }

    fn why_unknown(&self, from: &Node) -> String {
        let to = &self.to.name;
        if self.to.silent {
            format!("{to} does not answer the monitor")
        } else if self.own.is_none() {
            format!("the /metrics page of {to} has not been read for {WINDOW_SECONDS} s yet")
        } else if self.beating().is_none() {
            format!(
                "{} sends no raft messages, and what {to} says of beats cannot be used",
                from.name
            )
        } else {
            format!(
                "{to} misses the beats of some peer, which may be {}",
                from.name
            )
        }
    }
}

impl Node {
    /// True for a member that cannot be heard, or not yet.
    fn is_absent(&self) -> bool {
        self.silent || self.unsettled || !self.started
    }
}

/// What the number of beats says of the peers that send nothing else.
#[derive(Clone, Copy)]
enum Idle {
    AllHeard,
    NoneHeard,
    /// Only those are missing that are silent anyway.
    SilentMissing,
    Unknown,
}
