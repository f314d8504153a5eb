//! The door to etcd: endpoints, TLS, authentication, one connection per member, member HTTP, and the parser of the
//! members' metrics pages.
//!
//! This crate asks one member one question at a time and says truthfully what came back. It knows nothing of health,
//! rules or alerts; what an answer means is decided by whoever asked.
//!
//! # What it promises
//! * **One connection per member.** A call on a [`MemberClient`] reaches that member or fails; nothing is balanced.
//! * **A deadline on every call**, connecting and authenticating included ([`ClientOptions::deadline`]).
//! * **Errors that a caller can act on.** [`ErrorKind`] tells a refused connection from a timeout, a TLS problem, a wrong
//!   password, a missing permission or a missing leader; the message says what was tried, on what, what came back and
//!   what to do.
//! * **No storms.** Connecting backs off with jitter (at most one attempt per second and member), and a refused password
//!   is not offered again before a pause.
//! * **Everything is bounded**: messages, answers, pages, connections. Members' answers are treated as hostile.
//! * **No type of etcd-client, tonic, hyper or reqwest** in the public API.
//!
//! # Building
//! Building this crate needs `protoc` and its well-known types (`google/protobuf/*.proto`), since etcd-client compiles
//! etcd's protocol definitions. On Debian: `apt-get install protobuf-compiler libprotobuf-dev`.
//!
//! # The TLS provider
//! The process must install a rustls provider before it makes a client:
//! `rustls::crypto::ring::default_provider().install_default()`.
//!
//! # Example
//! ```no_run
//! use etcd_monitor_client::{ClientOptions, ClusterClient, Endpoint};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let client = ClusterClient::new(ClientOptions::default())?;
//! let member = client.member(&Endpoint::parse("127.0.0.1:2379", false)?);
//! let status = member.status().await?;
//! println!("revision {} of cluster {:x}", status.revision, status.cluster_id);
//! # Ok(())
//! # }
//! ```

mod address;
mod answer;
mod auth;
mod certificate;
mod cluster;
pub mod discovery;
mod endpoint;
mod error;
pub mod exposition;
mod handshake;
pub mod histogram;
mod http_page;
mod link;
mod member;
mod message;
mod metrics_url;
mod options;
mod pause;
mod raw_connection;
mod rpc;
mod tls;

pub use answer::{
    AlarmAnswer, AlarmKind, DateAnswer, HashKvAnswer, HealthAnswer, MemberEntry, MemberListAnswer,
    PageAnswer, ReadAnswer, StatusAnswer, VersionAnswer,
};
pub use certificate::{CertificateAnswer, ShownCertificates};
pub use cluster::ClusterClient;
pub use endpoint::{Endpoint, EndpointError};
pub use error::{ClientError, ErrorKind, Operation};
pub use member::{
    Consistency, DeleteAnswer, KeyWatch, LeaderFeed, LeadershipAnswer, LeaseAnswer, LockAnswer,
    MemberClient, OldestKeyAnswer, PutsAnswer, PutsQuery, RangeAnswer, RangeQuery, RenewalAnswer,
    RenewalAnswers, RenewalSender, WatchEvent, WatchFeed, WatchNews, WatchQuery,
};
pub use metrics_url::MetricsUrl;
pub use options::{ClientOptions, Credentials, Password, TlsOptions};
pub use raw_connection::{RawConnection, RawTls};
