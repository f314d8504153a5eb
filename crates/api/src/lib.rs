//! REST, live events, Prometheus exporter and the embedded dashboard of etcd-monitor.
//!
//! Everything is answered from the latest [`Snapshot`](etcd_monitor_model::Snapshot)s and alerts; this crate talks to
//! no etcd and computes no verdict, but where a benchmark is asked for: [`BenchmarkTargets`] says how the clusters are
//! reached. [`serve`] runs the server until it is told to stop.
//!
//! What a request may see is decided by its `Host` header too ([`HostPolicy`]): a page of another site that points its
//! own name at this server is refused, which closes DNS rebinding.

mod accept;
mod access;
mod admission;
mod assets;
mod benchmarks;
mod body;
mod connection;
mod control;
mod cors;
mod documents;
mod etag;
mod exchange;
mod exporter;
mod frames;
mod host;
mod http2;
mod limits;
mod mute_desk;
mod openapi;
mod page;
mod parameters;
mod problem;
mod request_id;
mod request_log;
mod requests;
mod routes;
mod server;
mod server_stats;
mod source;
mod tasks;
mod timed_heads;
mod timed_stream;
mod tls;
mod trials;
mod web_config;
mod yaml;

pub use access::{Access, Audit, AuditWriter, NewToken, Reach, Role, hash_password};
pub use benchmarks::{BenchmarkRunner, BenchmarkTargets, Benchmarks};
pub use control::{ConfigurationStatus, Control, Reload, ReloadError};
pub use cors::check_origin;
pub use host::HostPolicy;
pub use limits::HttpLimits;
pub use server::{HttpOptions, ServeError, bind, router, serve};
pub use source::{BuildInfo, Source};
pub use tls::{
    ClientAuth, InlinePem, LiveTls, Pem, PreparedTls, TlsError, TlsSettings, TlsVersion,
};
pub use web_config::{WebConfig, WebConfigError};
pub use yaml::{YamlError, parse_yaml};
