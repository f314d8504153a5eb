//! A cluster whose members apply one log as etcd does, with every lag, restart and snapshot that etcd has.

use std::fmt::Write as _;

use etcd_monitor_model::MemberStatus;
use proptest::prelude::*;

use crate::assess::tests::scene::{Scene, id};

/// Entries of the log before the first one that a test writes.
const FIRST: usize = 10;

/// Something that happens between any two looks at any member.
#[derive(Debug, Clone, Copy)]
pub(super) enum Event {
    /// The cluster commits an entry that makes so many revisions.
    Write { revisions: i64 },
    /// The member learns of what is committed.
    Learn(usize),
    /// The member applies the next entry to its key space; its applied index follows with the next event of this kind.
    Apply(usize),
    /// It is killed and started: of what it wrote last, some is gone, and it replays its log.
    Restart { member: usize, lost: usize },
    /// It takes a snapshot from the leader.
    Snapshot(usize),
}

pub(super) fn event(members: usize) -> impl Strategy<Value = Event> {
    let member = || 0..members;
    prop_oneof![
        8 => (0i64..3).prop_map(|revisions| Event::Write { revisions }),
        8 => member().prop_map(Event::Learn),
        16 => member().prop_map(Event::Apply),
        1 => (member(), 0usize..4).prop_map(|(member, lost)| Event::Restart { member, lost }),
        1 => member().prop_map(Event::Snapshot),
    ]
}

#[derive(Debug, Clone)]
struct Member {
    /// Entries in the key space.
    stored: usize,
    applied: usize,
    committed: usize,
    starts: u32,
    snapshots: u32,
    /// True between storing an entry and raising the applied index.
    storing: bool,
    /// True from a snapshot to the next entry.
    stands_still: bool,
    /// Revisions that no entry of the log made.
    surplus: i64,
}

#[derive(Debug, Clone)]
pub(super) struct TestCluster {
    /// The revision after each entry.
    revisions: Vec<i64>,
    members: Vec<Member>,
    learners: usize,
}

impl TestCluster {
    pub(super) fn new(members: usize, learners: usize) -> Self {
        let member = Member {
            stored: FIRST,
            applied: FIRST,
            committed: FIRST,
            starts: 1,
            snapshots: 0,
            storing: false,
            stands_still: false,
            surplus: 0,
        };
        Self {
            revisions: vec![1; FIRST + 1],
            members: vec![member; members],
            learners,
        }
    }

    fn last(&self) -> usize {
        self.revisions.len() - 1
    }

    pub(super) fn happen(&mut self, event: Event) {
        let last = self.last();
        match event {
            Event::Write { revisions } => self.revisions.push(self.revisions[last] + revisions),
            Event::Learn(member) => self.members[member].committed = last,
            Event::Apply(member) => self.members[member].apply(),
            Event::Restart { member, lost } => {
                let member = &mut self.members[member];
                member.starts += 1;
                member.stored = member.stored.saturating_sub(lost).max(FIRST);
                // The log is replayed from the latest snapshot on, over what the key space already holds.
                member.applied = FIRST;
                member.committed = FIRST;
                (member.storing, member.stands_still) = (false, false);
            }
            Event::Snapshot(member) => {
                let member = &mut self.members[member];
                if member.stored < last {
                    member.snapshots += 1;
                    member.stored = last;
                    member.committed = last;
                    (member.storing, member.stands_still) = (false, true);
                }
            }
        }
        // The leader knows first; without the first member there would be none.
        self.members[0].committed = self.last();
    }

    /// All have applied everything.
    pub(super) fn settle(&mut self) {
        let last = self.last();
        for member in &mut self.members {
            (member.stored, member.applied, member.committed) = (last, last, last);
            (member.storing, member.stands_still) = (false, false);
        }
    }

    pub(super) fn corrupt(&mut self, member: usize, surplus: i64) {
        self.members[member].surplus = surplus;
    }

    /// One cycle, during which these events happen: a few before each part of each answer.
    pub(super) fn observe(&mut self, events: &[Event]) -> Scene {
        let mut events = events.iter();
        let mut happen = |cluster: &mut Self| {
            if let Some(event) = events.next() {
                cluster.happen(*event);
            }
        };
        let mut scene = Scene::of(self.members.len());
        if self.learners > 0 {
            scene = scene.last_is_learner();
        }
        for member in 0..self.members.len() {
            happen(self);
            let revision = self.revision(member);
            happen(self);
            let committed = self.members[member].committed;
            let applied = self.members[member].applied;
            scene = scene.status(member + 1, |status: &mut MemberStatus| {
                status.revision = revision;
                status.raft_index = committed as u64;
                status.raft_applied_index = Some(applied as u64);
            });
            happen(self);
            scene = scene.page(member + 1, &self.page(member));
        }
        scene
    }

    fn revision(&self, member: usize) -> i64 {
        let member = &self.members[member];
        self.revisions[member.stored] + member.surplus
    }

    fn page(&self, member: usize) -> String {
        let member = &self.members[member];
        let mut page = format!("process_start_time_seconds {}\n", 1_000 * member.starts);
        if member.snapshots > 0 {
            writeln!(
                page,
                "etcd_network_snapshot_receive_success{{From=\"{}\"}} {}",
                id(1),
                member.snapshots
            )
            .unwrap();
        }
        page
    }
}

impl Member {
    fn apply(&mut self) {
        if self.storing {
            self.storing = false;
            self.stands_still = false;
            self.applied = self.stored;
        } else if self.applied < self.stored && !self.stands_still {
            // It replays what its key space already holds.
            self.applied += 1;
        } else if self.stored < self.committed {
            self.stored += 1;
            self.storing = true;
        }
    }
}
