//! Whether a cluster still answers when a run was stopped: what needs its members in the end shares one deadline then.

use std::sync::Arc;

use etcd_monitor_client::{ClientError, ClientOptions, Endpoint, ErrorKind};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::environment::{self, ClusterNow};
use crate::prefix::Prefix;

/// That a deadline passed since the stop without an answer.
#[derive(Debug, Clone)]
pub(crate) struct Silence {
    /// What became of a read that a quorum has to confirm, as all that follows the load has.
    pub(crate) error: ClientError,
    /// What the members themselves said.
    pub(crate) after: Result<ClusterNow, ClientError>,
}

/// Asks the cluster once when a run is stopped, while the last requests of the load are still awaited. Dropped, it ends.
#[derive(Debug)]
pub(crate) struct Pulse {
    stop: CancellationToken,
    told: watch::Receiver<Option<Result<(), Silence>>>,
    _asking: AbortOnDropHandle<()>,
}

impl Pulse {
    pub(crate) fn after(
        stop: &CancellationToken,
        prefix: &Arc<Prefix>,
        client: &ClientOptions,
        endpoints: &[Endpoint],
    ) -> Self {
        let (tell, told) = watch::channel(None);
        let (stopped, prefix) = (stop.clone(), Arc::clone(prefix));
        let (client, endpoints) = (client.clone(), endpoints.to_vec());
        let asking = tokio::spawn(async move {
            stopped.cancelled().await;
            let now = environment::of_cluster(&client, &endpoints);
            let (revision, after) = tokio::join!(prefix.revision(), now);
            let heard = match revision {
                Err(error) if error.kind() == ErrorKind::TimedOut => Err(Silence { error, after }),
                // Who refuses, or has no leader just now, may do what it is asked for in a moment.
                _ => Ok(()),
            };
            // Whoever asked may be gone.
            let _ = tell.send(Some(heard));
        });
        Self {
            stop: stop.clone(),
            told,
            _asking: AbortOnDropHandle::new(asking),
        }
    }

    /// The silence of a cluster, where the run was stopped and nobody answered within a deadline from then on; else `None`.
    pub(crate) async fn silence(&self) -> Option<Silence> {
        if !self.stop.is_cancelled() {
            return None;
        }
        let mut told = self.told.clone();
        // Without an answer of its own it says nothing.
        let told = told.wait_for(Option::is_some).await.ok()?;
        told.clone()?.err()
    }
}
