//! What a fake member answers.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper::body::Bytes;
use tokio::sync::watch;
use tokio::time::sleep;

use crate::cluster::AlarmKind;

/// What the answers of a member can be about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FakeRoute {
    /// gRPC Status.
    Status,
    /// gRPC `MemberList`.
    MemberList,
    /// gRPC Alarm.
    Alarm,
    /// gRPC Range.
    Range,
    /// Page `/metrics`.
    Metrics,
    /// Page `/health`.
    Health,
    /// Page `/version`.
    Version,
    /// Anything else, answered as not implemented or not found.
    Other,
}

const ROUTES: usize = FakeRoute::Other as usize + 1;

/// The answer to Status; see etcd's `StatusResponse`. Sizes in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(
    missing_docs,
    reason = "the fields are those of etcd's message, by its names"
)]
pub struct FakeStatus {
    pub version: String,
    pub storage_version: String,
    pub db_size: i64,
    pub db_size_in_use: i64,
    pub db_size_quota: i64,
    /// A member id; zero when no leader is known.
    pub leader: u64,
    pub raft_index: u64,
    pub raft_applied_index: u64,
    pub raft_term: u64,
    pub errors: Vec<String>,
    pub is_learner: bool,
}

impl Default for FakeStatus {
    fn default() -> Self {
        Self {
            version: "3.7.3".to_owned(),
            storage_version: "3.7.0".to_owned(),
            db_size: 20_480,
            db_size_in_use: 16_384,
            db_size_quota: 2 << 30,
            leader: 1,
            raft_index: 10,
            raft_applied_index: 10,
            raft_term: 2,
            errors: Vec::new(),
            is_learner: false,
        }
    }
}

/// One entry of the member list.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(
    missing_docs,
    reason = "the fields are those of etcd's message, by its names"
)]
pub struct FakePeer {
    pub id: u64,
    /// Empty for a member that has not started.
    pub name: String,
    pub peer_urls: Vec<String>,
    pub client_urls: Vec<String>,
    pub is_learner: bool,
}

impl FakePeer {
    /// A started voting member with one client URL; its peer URL is the same.
    pub fn new(id: u64, name: impl Into<String>, url: impl Into<String>) -> Self {
        let url = url.into();
        Self {
            id,
            name: name.into(),
            peer_urls: vec![url.clone()],
            client_urls: vec![url],
            is_learner: false,
        }
    }
}

/// An HTTP answer: a status code and a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    pub(super) code: u16,
    pub(super) content: Bytes,
    /// How long the body gets by repeating the content.
    pub(super) length: u64,
}

impl Page {
    /// 200 with this text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::with_code(200, text)
    }

    /// This status code with this text.
    pub fn with_code(code: u16, text: impl Into<String>) -> Self {
        let content = Bytes::from(text.into());
        Self {
            code,
            length: content.len() as u64,
            content,
        }
    }

    /// 200 with these bytes, which need not be text.
    pub fn bytes(bytes: impl Into<Vec<u8>>) -> Self {
        let content = Bytes::from(bytes.into());
        Self {
            code: 200,
            length: content.len() as u64,
            content,
        }
    }

    /// 200 with `line` over and over, up to `length` bytes, without a length in the header. Takes
    /// no memory.
    ///
    /// # Panics
    /// If the line is empty.
    pub fn endless(line: impl Into<String>, length: u64) -> Self {
        let line: String = line.into();
        assert!(!line.is_empty(), "nothing repeated stays nothing");
        // Some kilobytes at a time; a line alone would be a system call each.
        let repeated = line.repeat((16 << 10) / line.len() + 1);
        Self {
            code: 200,
            content: Bytes::from(repeated),
            length,
        }
    }
}

/// When a fake member answers.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Pace {
    pub(super) hang: bool,
    pub(super) delay: Duration,
}

/// What a fake member answers.
#[derive(Debug)]
pub(super) struct Answers {
    pub(super) status: FakeStatus,
    pub(super) members: Vec<FakePeer>,
    pub(super) alarms: Vec<(u64, AlarmKind)>,
    pub(super) revision: i64,
    pub(super) metrics: Page,
    pub(super) health: Page,
    pub(super) version: Page,
    /// gRPC code and message by route.
    pub(super) refusals: HashMap<FakeRoute, (i32, String)>,
}

/// Everything about one fake member; shared by its handle and its connections.
#[derive(Debug)]
pub(super) struct Script {
    pub(super) cluster_id: u64,
    pub(super) member_id: u64,
    pub(super) pace: watch::Sender<Pace>,
    answers: Mutex<Answers>,
    requests: [AtomicU64; ROUTES],
}

impl Script {
    /// A healthy member that leads a cluster.
    pub(super) fn new(cluster_id: u64, member_id: u64) -> Self {
        let answers = Answers {
            status: FakeStatus {
                leader: member_id,
                ..FakeStatus::default()
            },
            members: Vec::new(),
            alarms: Vec::new(),
            revision: 1,
            metrics: Page::text("# TYPE etcd_server_has_leader gauge\netcd_server_has_leader 1\n"),
            health: Page::text(r#"{"health":"true","reason":""}"#),
            version: Page::text(
                r#"{"etcdserver":"3.7.3","etcdcluster":"3.7.0","storage":"3.7.0"}"#,
            ),
            refusals: HashMap::new(),
        };
        Self {
            cluster_id,
            member_id,
            pace: watch::Sender::default(),
            answers: Mutex::new(answers),
            requests: Default::default(),
        }
    }

    pub(super) fn answers(&self) -> MutexGuard<'_, Answers> {
        // Valid after every statement, so a panic of another holder does no harm.
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn requests(&self, route: FakeRoute) -> u64 {
        self.requests[route as usize].load(Ordering::Relaxed)
    }

    /// Counts a request and returns when it may be answered.
    pub(super) async fn arrive(&self, route: FakeRoute) {
        self.requests[route as usize].fetch_add(1, Ordering::Relaxed);
        let delay = self.pace.borrow().delay;
        if !delay.is_zero() {
            sleep(delay).await;
        }
        // The sender lives in `self`, so waiting cannot fail.
        let _ = self.pace.subscribe().wait_for(|pace| !pace.hang).await;
    }
}
