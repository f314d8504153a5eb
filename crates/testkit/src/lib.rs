//! Real etcd clusters for tests, with the faults that real clusters have.
//!
//! ```no_run
//! # async fn example() -> Result<(), etcd_monitor_testkit::Error> {
//! use etcd_monitor_testkit::Cluster;
//!
//! let cluster = Cluster::builder().members(3).start().await?;
//! cluster.member(0).kill().await?;
//! cluster.put("key", "value").await?;
//! # Ok(())
//! # }
//! ```
//!
//! * [`Cluster`] runs etcd processes of any version: kill, stop, restart, replace, learners,
//!   alarms, slow disks.
//! * [`Link`] cuts, delays or throttles one direction between two members, TLS or not.
//! * [`FakeMember`] answers like a member with what a script says, for what real etcd cannot be
//!   made to do.
//!
//! Everything is gone when the value is dropped, when a test panics (its data is kept then, and the
//! path printed) and when the test runner is killed. Linux only: it needs `/proc` and the whole
//! 127.0.0.0/8 network. Depends on no other crate of the workspace, so every one of them can use it
//! in its tests.

mod access;
mod address;
mod binaries;
mod cluster;
mod error;
mod fake;
mod guard;
mod link;
mod report;
mod storage;
mod tls;
mod wait;

pub use binaries::etcd_binaries;
pub use cluster::{AlarmKind, Cluster, ClusterBuilder, Member, SlowDisk};
pub use error::{Error, Unavailable};
pub use fake::{FakeCluster, FakeMember, FakeMemberBuilder, FakePeer, FakeRoute, FakeStatus, Page};
pub use link::Link;
pub use tls::{CertificatePem, TestCa, TlsMode};
