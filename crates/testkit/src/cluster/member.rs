//! One member: its addresses, its process, its faults.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use rustix::process::Signal;

use super::log;
use super::process::{Launch, Process};
use crate::access::{Access, linearizable_read};
use crate::error::Error;
use crate::link::{Door, Fabric};
use crate::wait;

/// One look at a member that is starting. Shorter than etcd's own 7 s, so that a look during an
/// election is repeated.
const LOOK_LIMIT: Duration = Duration::from_secs(3);

/// etcd's answer to a linearizable read of a learner.
const LEARNER_REFUSAL: &str = "not supported for learner";

/// The URLs of one member.
#[derive(Debug, Clone)]
pub(super) struct Urls {
    pub(super) client: String,
    pub(super) direct_client: String,
    pub(super) peer: String,
    pub(super) direct_peer: String,
    pub(super) metrics: String,
}

/// The proxies in front of a member, and who is told when its process changes.
#[derive(Debug)]
pub(super) struct Doors {
    pub(super) fabric: Arc<Fabric>,
    pub(super) client: Door,
    pub(super) peer: Door,
}

/// A member of a [`Cluster`](super::Cluster). Its URLs, folders and name stay the same over
/// restarts and replacements; its id changes when it is replaced.
#[derive(Debug)]
pub struct Member {
    pub(super) index: usize,
    pub(super) name: String,
    pub(super) urls: Urls,
    /// `None` without links.
    pub(super) doors: Option<Doors>,
    pub(super) data_dir: PathBuf,
    pub(super) launch: Launch,
    /// The flags that stay the same over the life of the member.
    pub(super) flags: Vec<String>,
    /// `--initial-cluster` and its state; set anew when the member is replaced.
    pub(super) bootstrap: std::sync::Mutex<Vec<String>>,
    pub(super) access: Arc<Access>,
    pub(super) process: Process,
    pub(super) id: AtomicU64,
    pub(super) removed: AtomicBool,
    pub(super) ready_within: Duration,
}

impl Member {
    /// The name, `m0` for the first member.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The member id as etcd gave it; zero before the member was ready for the first time.
    pub fn id(&self) -> u64 {
        self.id.load(Ordering::Acquire)
    }

    /// The advertised client URL; through a proxy when links are on.
    pub fn client_url(&self) -> &str {
        &self.urls.client
    }

    /// etcd's own client listener, past any proxy.
    pub fn direct_client_url(&self) -> &str {
        &self.urls.direct_client
    }

    /// The advertised peer URL; through a proxy when links are on.
    pub fn peer_url(&self) -> &str {
        &self.urls.peer
    }

    /// The URL (without path) whose `/metrics` has this member's metrics: a port of its own with
    /// [`listen_metrics`](super::ClusterBuilder::listen_metrics), else the client URL.
    pub fn metrics_url(&self) -> &str {
        &self.urls.metrics
    }

    /// The process id, or `None` while no process runs.
    pub fn pid(&self) -> Option<u32> {
        self.process.pid()
    }

    /// The data folder of etcd.
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// The log of all processes that this member had, one after the other.
    pub fn log_path(&self) -> &Path {
        &self.launch.log
    }

    /// Whether the member was taken out of the cluster.
    pub fn is_removed(&self) -> bool {
        self.removed.load(Ordering::Acquire)
    }

    /// Kills the process (SIGKILL) and returns when it is gone. Nothing happens when none runs.
    pub async fn kill(&self) -> Result<(), Error> {
        self.process.kill().await?;
        self.close_doors().await;
        Ok(())
    }

    /// Ends the process in an orderly way (SIGTERM) and returns when it is gone.
    pub async fn terminate(&self) -> Result<(), Error> {
        self.process.terminate().await?;
        self.close_doors().await;
        Ok(())
    }

    /// Freezes the process (SIGSTOP): it keeps its connections and answers nothing.
    ///
    /// # Errors
    /// [`Error::Usage`] when no process runs.
    pub fn stop(&self) -> Result<(), Error> {
        self.signal(Signal::STOP)
    }

    /// Lets a frozen process go on (SIGCONT).
    ///
    /// # Errors
    /// [`Error::Usage`] when no process runs.
    pub fn cont(&self) -> Result<(), Error> {
        self.signal(Signal::CONT)
    }

    /// Starts the process and does not wait for anything; [`wait_ready`](Self::wait_ready) does.
    ///
    /// # Errors
    /// [`Error::Usage`] when one already runs.
    pub fn start(&self) -> Result<(), Error> {
        let mut arguments = self.flags.clone();
        arguments.extend(self.bootstrap().iter().cloned());
        let pid = self.process.start(&self.launch, &arguments)?;
        if let Some(doors) = &self.doors {
            doors.fabric.roster().set_pid(self.index, pid);
            doors.client.reopen();
            doors.peer.reopen();
        }
        Ok(())
    }

    /// Ends the process if one runs, starts it on the same data and waits until it is ready.
    ///
    /// # Errors
    /// [`Error::NotReady`], for instance without quorum.
    pub async fn restart(&self) -> Result<(), Error> {
        self.terminate().await?;
        self.start()?;
        self.wait_ready(self.ready_within).await
    }

    /// Waits until this member answers a linearizable read (a learner, which may not: knows a
    /// leader).
    ///
    /// # Errors
    /// [`Error::NotReady`] after `deadline`, or at once when the process has ended.
    pub async fn wait_ready(&self, deadline: Duration) -> Result<(), Error> {
        let ready = self.become_ready(deadline).await;
        ready.map_err(|members| Error::NotReady {
            waited: deadline,
            members,
        })
    }

    /// As [`wait_ready`](Self::wait_ready); the error is the paragraph about this member.
    pub(super) async fn become_ready(&self, deadline: Duration) -> Result<(), String> {
        let outcome = wait::until(deadline, async || match self.pid() {
            Some(_) => self.look().await.map(Ok),
            None => Ok(Err("its process has ended".to_owned())),
        });
        let reason = match outcome.await {
            Ok(Ok(id)) => {
                self.set_id(id);
                return Ok(());
            }
            Ok(Err(reason)) | Err(reason) => reason,
        };
        Err(format!(
            "{} ({}): {reason}\n{}",
            self.name,
            self.urls.direct_client,
            log::tail(self.log_path())
        ))
    }

    pub(super) fn wait_for_death(&self) {
        self.process.wait_for_death();
    }

    /// Sets what the next start says about the cluster that the member joins.
    pub(super) fn set_bootstrap(&self, flags: Vec<String>) {
        *self.bootstrap() = flags;
    }

    fn set_id(&self, id: u64) {
        self.id.store(id, Ordering::Release);
        if let Some(doors) = &self.doors {
            doors.fabric.roster().set_id(self.index, id);
        }
    }

    async fn close_doors(&self) {
        if let Some(doors) = &self.doors {
            doors.client.close().await;
            doors.peer.close().await;
        }
    }

    /// The id, if the member answers now.
    async fn look(&self) -> Result<u64, String> {
        let url = &self.urls.direct_client;
        match self.access.call(url, LOOK_LIMIT, linearizable_read).await {
            Err(refusal) if refusal.contains(LEARNER_REFUSAL) => self.look_at_learner().await,
            answer => answer,
        }
    }

    async fn look_at_learner(&self) -> Result<u64, String> {
        let url = &self.urls.direct_client;
        let status = self
            .access
            .call(url, LOOK_LIMIT, async |client| client.status().await)
            .await?;
        match (status.leader(), status.header()) {
            (0, _) | (_, None) => Err("the learner knows no leader".to_owned()),
            (_, Some(header)) => Ok(header.member_id()),
        }
    }

    fn signal(&self, signal: Signal) -> Result<(), Error> {
        let sent = self.process.signal(signal);
        sent.then_some(())
            .ok_or_else(|| Error::Usage(format!("{} does not run", self.name)))
    }

    fn bootstrap(&self) -> std::sync::MutexGuard<'_, Vec<String>> {
        self.bootstrap
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
