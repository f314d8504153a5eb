//! Members that answer what a script says, for what real etcd cannot be made to do.

mod script;
mod server;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::AbortHandle;

use crate::cluster::AlarmKind;
use crate::error::Error;
use script::Script;
pub use script::{FakePeer, FakeRoute, FakeStatus, Page};

/// A member made of answers: the gRPC calls Status, `MemberList`, Alarm (listing) and Range, and
/// the pages `/metrics`, `/health` and `/version`, on one plain-text port like a real member.
///
/// Every answer can be changed at any time. One listener and no thread each, so that 150 of them
/// fit into one process. Belongs to the tokio runtime that started it; nobody listens after the
/// drop.
#[derive(Debug)]
pub struct FakeMember {
    address: SocketAddr,
    script: Arc<Script>,
    server: AbortHandle,
}

/// Who a [`FakeMember`] says it is: member 1, named `fake`, of cluster 1, if nothing is set.
#[derive(Debug, Clone)]
pub struct FakeMemberBuilder {
    cluster_id: u64,
    member_id: u64,
    name: String,
}

impl Default for FakeMemberBuilder {
    fn default() -> Self {
        Self {
            cluster_id: 1,
            member_id: 1,
            name: "fake".to_owned(),
        }
    }
}

impl FakeMemberBuilder {
    /// The cluster id in every response header.
    #[must_use]
    pub fn cluster_id(mut self, id: u64) -> Self {
        self.cluster_id = id;
        self
    }

    /// The member id in every response header.
    #[must_use]
    pub fn member_id(mut self, id: u64) -> Self {
        self.member_id = id;
        self
    }

    /// The name in the member list.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Starts to answer, as a healthy cluster of one.
    pub async fn start(self) -> Result<FakeMember, Error> {
        let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = bound.map_err(Error::io("listen on 127.0.0.1"))?;
        let address = listener
            .local_addr()
            .map_err(Error::io("ask for the port"))?;
        let script = Arc::new(Script::new(self.cluster_id, self.member_id));
        let server = tokio::spawn(server::run(listener, Arc::clone(&script))).abort_handle();
        let member = FakeMember {
            address,
            script,
            server,
        };
        member.set_members(vec![FakePeer::new(self.member_id, self.name, member.url())]);
        Ok(member)
    }
}

impl FakeMember {
    /// Describes a member; [`FakeMemberBuilder::start`] starts it.
    pub fn builder() -> FakeMemberBuilder {
        FakeMemberBuilder::default()
    }

    /// The URL of gRPC and pages.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The member id in its headers.
    pub fn id(&self) -> u64 {
        self.script.member_id
    }

    /// What Status answers now.
    pub fn status(&self) -> FakeStatus {
        self.script.answers().status.clone()
    }

    /// Sets what Status answers.
    pub fn set_status(&self, status: FakeStatus) {
        self.script.answers().status = status;
    }

    /// Sets what `MemberList` answers.
    pub fn set_members(&self, members: Vec<FakePeer>) {
        self.script.answers().members = members;
    }

    /// Sets what an Alarm listing answers: member ids with their alarms.
    pub fn set_alarms(&self, alarms: Vec<(u64, AlarmKind)>) {
        self.script.answers().alarms = alarms;
    }

    /// Sets the revision in every response header; Range answers with it and no keys.
    pub fn set_revision(&self, revision: i64) {
        self.script.answers().revision = revision;
    }

    /// Sets the page `/metrics`.
    pub fn set_metrics(&self, page: Page) {
        self.script.answers().metrics = page;
    }

    /// Sets the page `/health`.
    pub fn set_health(&self, page: Page) {
        self.script.answers().health = page;
    }

    /// Sets the page `/version`.
    pub fn set_version(&self, page: Page) {
        self.script.answers().version = page;
    }

    /// Lets a gRPC call fail with a code of the gRPC specification (14 is unavailable, 16
    /// unauthenticated).
    pub fn refuse(&self, route: FakeRoute, code: i32, message: impl Into<String>) {
        self.script
            .answers()
            .refusals
            .insert(route, (code, message.into()));
    }

    /// Lets a gRPC call succeed again.
    pub fn accept(&self, route: FakeRoute) {
        self.script.answers().refusals.remove(&route);
    }

    /// Takes connections and requests, and answers none until [`resume`](Self::resume).
    pub fn hang(&self) {
        self.script.pace.send_modify(|pace| pace.hang = true);
    }

    /// Answers again, what came meanwhile too.
    pub fn resume(&self) {
        self.script.pace.send_modify(|pace| pace.hang = false);
    }

    /// Lets every answer take this much longer.
    pub fn set_delay(&self, delay: Duration) {
        self.script.pace.send_modify(|pace| pace.delay = delay);
    }

    /// How many requests came on a route since the start.
    pub fn requests(&self, route: FakeRoute) -> u64 {
        self.script.requests(route)
    }

    /// Ends every connection and refuses new ones from now on, like a dead member.
    pub fn close(&self) {
        self.server.abort();
    }
}

impl Drop for FakeMember {
    fn drop(&mut self) {
        self.close();
    }
}

/// Fake members that agree with each other: one cluster id, one member list, the first one leads.
#[derive(Debug)]
pub struct FakeCluster {
    members: Vec<FakeMember>,
}

impl FakeCluster {
    /// Starts this many members, with ids from 1 and names from `fake0`.
    pub async fn start(members: usize) -> Result<Self, Error> {
        let mut cluster = Self {
            members: Vec::with_capacity(members),
        };
        for (index, id) in (0..members).zip(1..) {
            let builder = FakeMember::builder()
                .member_id(id)
                .name(format!("fake{index}"));
            cluster.members.push(builder.start().await?);
        }
        let peers: Vec<FakePeer> = cluster.members.iter().enumerate().map(peer).collect();
        cluster
            .members
            .iter()
            .for_each(|member| member.set_members(peers.clone()));
        cluster.set_leader(Some(0));
        Ok(cluster)
    }

    /// All members.
    pub fn members(&self) -> &[FakeMember] {
        &self.members
    }

    /// The member with this index.
    ///
    /// # Panics
    /// If there are not so many members.
    pub fn member(&self, index: usize) -> &FakeMember {
        &self.members[index]
    }

    /// The URLs of all members.
    pub fn endpoints(&self) -> Vec<String> {
        self.members.iter().map(FakeMember::url).collect()
    }

    /// Lets all members name this one as the leader, in the next term; `None`: they know no leader.
    pub fn set_leader(&self, index: Option<usize>) {
        let leader = index
            .and_then(|index| self.members.get(index))
            .map_or(0, FakeMember::id);
        for member in &self.members {
            let mut status = member.status();
            status.leader = leader;
            status.raft_term += 1;
            member.set_status(status);
        }
    }
}

fn peer((index, member): (usize, &FakeMember)) -> FakePeer {
    FakePeer::new(member.id(), format!("fake{index}"), member.url())
}
