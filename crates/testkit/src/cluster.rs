//! A real etcd cluster as child processes of the test.

mod builder;
mod faults;
mod log;
mod member;
mod membership;
mod operations;
mod process;
mod slow_disk;
mod surgery;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::Instant;

use crate::access::Access;
use crate::address::PrivateAddress;
use crate::error::Error;
use crate::guard::Guard;
use crate::link::Network;
use crate::report;
use crate::storage::Storage;
use crate::tls::{CertificatePem, TestCa};

pub use builder::ClusterBuilder;
pub use member::Member;
pub use operations::AlarmKind;
pub use slow_disk::SlowDisk;

/// Enough for three members on a busy machine; a healthy start takes about two seconds.
const READY_WITHIN: Duration = Duration::from_mins(1);

/// A running etcd cluster. Dropping it kills every member and removes the data; when the drop comes
/// from a panic, the logs are printed and the data is kept.
///
/// Belongs to the tokio runtime that started it.
#[derive(Debug)]
pub struct Cluster {
    // In this order on drop: the processes are gone before their data and their address are given
    // back.
    members: Vec<Member>,
    network: Option<Network>,
    guard: Guard,
    storage: Storage,
    access: Arc<Access>,
    address: PrivateAddress,
    binaries: PathBuf,
    builder: ClusterBuilder,
}

impl Cluster {
    /// Describes a cluster; [`ClusterBuilder::start`] starts it.
    pub fn builder() -> ClusterBuilder {
        ClusterBuilder::default()
    }

    /// The client URLs that the members advertise, in the order of [`members`](Self::members),
    /// without removed members.
    pub fn endpoints(&self) -> Vec<String> {
        self.present()
            .map(|member| member.client_url().to_owned())
            .collect()
    }

    /// All members ever started, removed ones too, so that an index stays valid.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// The member with this index.
    ///
    /// # Panics
    /// If there are not so many members.
    pub fn member(&self, index: usize) -> &Member {
        &self.members[index]
    }

    /// The authority that signed all certificates, or `None` without TLS.
    pub fn ca_file(&self) -> Option<&Path> {
        self.access.tls.as_ref().map(|files| files.ca.as_path())
    }

    /// The authority itself, for further certificates that members and clients trust; `None` without TLS.
    pub fn authority(&self) -> Option<&TestCa> {
        self.access.tls.as_ref().map(|files| &*files.authority)
    }

    /// Gives all members another certificate for clients and peers. etcd shows it on every new connection.
    ///
    /// Does nothing without TLS.
    pub fn replace_server_certificate(&self, certificate: &CertificatePem) -> Result<(), Error> {
        let Some(folder) = self.ca_file().and_then(Path::parent) else {
            return Ok(());
        };
        certificate.write(folder, "server").map(drop)
    }

    /// A client certificate that [`TlsMode::Mutual`](crate::TlsMode::Mutual) accepts, or `None`
    /// without TLS.
    pub fn client_cert_file(&self) -> Option<&Path> {
        self.access
            .tls
            .as_ref()
            .map(|files| files.client.0.as_path())
    }

    /// The key of [`client_cert_file`](Self::client_cert_file).
    pub fn client_key_file(&self) -> Option<&Path> {
        self.access
            .tls
            .as_ref()
            .map(|files| files.client.1.as_path())
    }

    /// The user that may do everything, or `None` without authentication.
    pub fn user(&self) -> Option<&str> {
        self.access
            .credentials
            .get()
            .map(|credentials| credentials.user.as_str())
    }

    /// The password of [`user`](Self::user).
    pub fn password(&self) -> Option<&str> {
        self.access
            .credentials
            .get()
            .map(|credentials| credentials.password.as_str())
    }

    /// The folder with the data and the log of every member.
    pub fn data_dir(&self) -> &Path {
        self.storage.path()
    }

    /// Waits until every running member answers a linearizable read (a learner, which may not:
    /// knows a leader).
    ///
    /// # Errors
    /// [`Error::NotReady`] after `deadline`, with the reason and the log tail of each member that
    /// is not ready.
    pub async fn wait_ready(&self, deadline: Duration) -> Result<(), Error> {
        let started = Instant::now();
        let running = self.present().filter(|member| member.pid().is_some());
        let outcomes = join_all(running.map(|member| member.become_ready(deadline))).await;
        let late: Vec<String> = outcomes.into_iter().filter_map(Result::err).collect();
        if late.is_empty() {
            return Ok(());
        }
        Err(Error::NotReady {
            waited: started.elapsed(),
            members: late.join("\n"),
        })
    }

    fn present(&self) -> impl Iterator<Item = &Member> {
        self.members.iter().filter(|member| !member.is_removed())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.guard.kill_group();
        for member in &self.members {
            member.wait_for_death();
        }
        if !thread::panicking() {
            return;
        }
        for member in &self.members {
            report::say(format_args!(
                "log of {}:\n{}",
                member.name(),
                log::tail(member.log_path())
            ));
        }
        self.storage.keep();
        report::say(format_args!(
            "data and logs are kept in {}",
            self.storage.path().display()
        ));
    }
}
