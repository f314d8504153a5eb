//! REST, live events, Prometheus exporter and the embedded dashboard of etcd-monitor.
//!
//! Everything is answered from the latest [`Snapshot`](etcd_monitor_model::Snapshot)s and alerts; this crate talks to
//! no etcd and computes no verdict. [`serve`] runs the server until it is told to stop.
//!
//! What a request may see is decided by its `Host` header too ([`HostPolicy`]): a page of another site that points its
//! own name at this server is refused, which closes DNS rebinding.

mod access;
mod assets;
mod connection;
mod documents;
mod exporter;
mod host;
mod problem;
mod routes;
mod server;
mod source;
mod tls;

pub use access::{Access, Role};
pub use host::HostPolicy;
pub use server::{HttpOptions, ServeError, bind, router, serve};
pub use source::{BuildInfo, Source};
pub use tls::{ClientAuth, TlsSettings, TlsVersion};
