//! Members that count what they send each other, as etcd does, in steps of a cycle of 5 s.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use etcd_monitor_model::{FailureKind, ListedMember, MemberId, Snapshot};

use crate::assess::tests::scene::{Scene, Watch, id};

/// Bytes of an empty heartbeat of 3.7 times 1.2 per second.
const BEATS: f64 = 2.4;

/// Raft bytes per second between the leader and a follower.
const RAFT: f64 = 500.0;

/// What one member counts of one peer.
#[derive(Debug, Clone, Default)]
struct Counted {
    sent: f64,
    received: f64,
    looks: f64,
    looks_sum: f64,
    smoothed: f64,
}

/// A cluster whose network can be cut.
pub(super) struct Network {
    pub(super) watch: Watch,
    pub(super) leader: usize,
    pub(super) version: &'static str,
    /// True while a member is listed that has never started.
    pub(super) unstarted: bool,
    /// What `n1` counts of failed snapshots to `n2`.
    pub(super) snapshot_failures: Option<u64>,
    /// A pair between which the probers look every 5 s.
    pub(super) hurried: Option<(usize, usize)>,
    members: usize,
    cuts: BTreeSet<(usize, usize)>,
    delays: Vec<(usize, usize, f64)>,
    dead: Option<(usize, FailureKind)>,
    counted: Vec<Vec<Counted>>,
    beats: Vec<f64>,
    started: Vec<i64>,
    cycle: u64,
}

impl Network {
    pub(super) fn of(members: usize) -> Self {
        Self {
            watch: Watch::default(),
            leader: 1,
            version: "3.7.3",
            unstarted: false,
            snapshot_failures: None,
            hurried: None,
            members,
            cuts: BTreeSet::new(),
            delays: Vec::new(),
            dead: None,
            counted: vec![vec![Counted::default(); members + 1]; members + 1],
            beats: vec![0.0; members + 1],
            started: vec![1; members + 1],
            cycle: 0,
        }
    }

    pub(super) fn settled(members: usize) -> Self {
        let mut network = Self::of(members);
        network.run(8);
        network
    }

    pub(super) fn cut(&mut self, from: usize, to: usize) {
        self.cuts.insert((from, to));
    }

    pub(super) fn isolate(&mut self, member: usize) {
        for other in (1..=self.members).filter(|other| *other != member) {
            self.cut(member, other);
            self.cut(other, member);
        }
    }

    pub(super) fn heal(&mut self) {
        self.cuts.clear();
    }

    pub(super) fn kill(&mut self, member: usize, kind: FailureKind) {
        self.dead = Some((member, kind));
    }

    pub(super) fn revive(&mut self, member: usize) {
        self.dead = None;
        self.restart(member);
    }

    pub(super) fn restart(&mut self, member: usize) {
        self.started[member] += 100;
        self.counted[member] = vec![Counted::default(); self.members + 1];
        self.beats[member] = 0.0;
    }

    /// Seconds that a round trip between two members takes longer.
    pub(super) fn delay(&mut self, one: usize, other: usize, seconds: f64) {
        self.delays.retain(|(a, b, _)| (*a, *b) != (one, other));
        self.delays.push((one, other, seconds));
    }

    /// So many cycles; what the monitor says after the last.
    pub(super) fn run(&mut self, cycles: usize) -> Snapshot {
        let mut last = None;
        for _ in 0..cycles {
            self.step();
            let scene = self.scene();
            last = Some(self.watch.see(scene));
        }
        last.unwrap()
    }

    fn pairs(&self) -> Vec<(usize, usize)> {
        let all = 1..=self.members;
        all.clone()
            .flat_map(|from| all.clone().map(move |to| (from, to)))
            .filter(|(from, to)| from != to)
            .collect()
    }

    fn is_dead(&self, member: usize) -> bool {
        self.dead.is_some_and(|(dead, _)| dead == member)
    }

    fn step(&mut self) {
        self.cycle += 1;
        for (from, to) in self.pairs() {
            if self.is_dead(from) {
                continue;
            }
            let raft = if from == self.leader || to == self.leader {
                RAFT
            } else {
                0.0
            };
            // Whoever does not hear the leader asks for votes.
            let candidate = self.cuts.contains(&(self.leader, from));
            let raft = if raft == 0.0 && candidate { 20.0 } else { raft };
            self.counted[from][to].sent += 5.0 * (BEATS + raft);
            if !self.cuts.contains(&(from, to)) && !self.is_dead(to) {
                self.counted[to][from].received += 5.0 * raft;
                self.beats[to] += 5.0 * BEATS;
            }
            self.probe(from, to);
        }
    }

    fn probe(&mut self, from: usize, to: usize) {
        let lost =
            self.cuts.contains(&(from, to)) || self.cuts.contains(&(to, from)) || self.is_dead(to);
        let pair = |(one, other)| [(from, to), (to, from)].contains(&(one, other));
        let delay = self
            .delays
            .iter()
            .find(|(one, other, _)| pair((*one, *other)));
        let hurried = self.hurried.is_some_and(pair);
        let counted = &mut self.counted[from][to];
        if !lost {
            let jitter = (self.cycle % 7) as f64 * 1e-5;
            let seconds = 0.01 + jitter + delay.map_or(0.0, |(_, _, seconds)| *seconds);
            counted.smoothed = if counted.smoothed == 0.0 {
                seconds
            } else {
                counted.smoothed * 0.875 + seconds * 0.125
            };
        }
        if self.cycle.is_multiple_of(6) || hurried {
            counted.looks += 2.0;
            counted.looks_sum += 2.0 * counted.smoothed;
        }
    }

    fn scene(&self) -> Scene {
        let mut scene = Scene::of(self.members);
        for member in 1..=self.members {
            scene = match self.dead {
                Some((dead, kind)) if dead == member => scene.fails(member, kind),
                _ => scene.page(member, &self.page(member)),
            };
            scene = scene.status(member, |status| {
                status.version = self.version.to_owned();
                status.storage_version = Some(self.version.to_owned());
            });
        }
        let scene = scene.led_by(Some(self.leader), 2 + self.leader as u64);
        if self.unstarted {
            with_unstarted(scene)
        } else {
            scene
        }
    }

    fn page(&self, member: usize) -> String {
        let mut page = format!(
            "process_start_time_seconds {}\netcd_network_peer_received_bytes_total{{From=\"0\"}} {}\n\
             etcd_network_peer_received_bytes_total{{From=\"dead\"}} 7\n",
            self.started[member], self.beats[member]
        );
        for peer in (1..=self.members).filter(|peer| *peer != member) {
            let counted = &self.counted[member][peer];
            let peer = id(peer);
            let rtt = "etcd_network_peer_round_trip_time_seconds";
            write!(
                page,
                "etcd_network_peer_sent_bytes_total{{To=\"{peer}\"}} {}\n\
                 etcd_network_peer_received_bytes_total{{From=\"{peer}\"}} {}\n\
                 {rtt}_bucket{{To=\"{peer}\",le=\"+Inf\"}} {}\n{rtt}_sum{{To=\"{peer}\"}} {}\n",
                counted.sent, counted.received, counted.looks, counted.looks_sum
            )
            .unwrap();
            let failures = self.snapshot_failures;
            if let Some(failures) = failures.filter(|_| member == 1 && peer == id(2)) {
                let family = "etcd_network_snapshot_send_failures";
                writeln!(page, "{family}{{To=\"{peer}\"}} {failures}").unwrap();
            }
        }
        page
    }
}

/// The scene with a member in every list that has no name and no client URL yet.
fn with_unstarted(scene: Scene) -> Scene {
    let unstarted = ListedMember {
        id: MemberId(0xff),
        name: String::new(),
        client_urls: Vec::new(),
        peer_urls: vec!["http://n9:2380".to_owned()],
        is_learner: false,
    };
    scene.each(|seen| {
        for list in [
            &mut seen.members_linearizable,
            &mut seen.members_serializable,
        ] {
            if let Some(Ok(list)) = list.as_mut().map(|probe| probe.result.as_mut()) {
                list.members.push(unstarted.clone());
            }
        }
    })
}
