//! Faults between members, and between members and clients.

use super::Cluster;
use crate::link::{Fabric, Link, Node};

impl Cluster {
    /// The direction from member `from` to member `to`.
    ///
    /// # Panics
    /// If the cluster was built without links, or has no such members.
    pub fn link(&self, from: usize, to: usize) -> Link {
        assert!(
            from.max(to) < self.members.len(),
            "no link from m{from} to m{to}"
        );
        self.fabric().link(Node::Member(from), Node::Member(to))
    }

    /// Cuts a member off from all other members, both ways. Clients still reach it.
    ///
    /// # Panics
    /// If the cluster was built without links, or has no such member.
    pub fn isolate(&self, index: usize) {
        for other in (0..self.members.len()).filter(|other| *other != index) {
            self.link(index, other).cut();
            self.link(other, index).cut();
        }
    }

    /// Cuts a member off from all clients, both ways. Members still reach it.
    ///
    /// # Panics
    /// If the cluster was built without links.
    pub fn isolate_from_clients(&self, index: usize) {
        self.fabric().link(Node::Clients, Node::Member(index)).cut();
        self.fabric().link(Node::Member(index), Node::Clients).cut();
    }

    /// Restores every link, those to clients too.
    ///
    /// # Panics
    /// If the cluster was built without links.
    pub fn heal(&self) {
        self.fabric().heal();
    }

    fn fabric(&self) -> &Fabric {
        let network = self.network.as_ref();
        network
            .expect("the cluster was built with links(false)")
            .fabric()
    }
}
