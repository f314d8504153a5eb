//! TLS from files that may be rotated while we run.

mod load;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustls::ClientConfig;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::CertificateDer;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::error::Cause;
use crate::options::TlsOptions;

pub(crate) use load::no_tls;

/// How often the files are looked at. A rotation is seen within this time; reading three small files costs nothing.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// TLS as the files say now.
#[derive(Debug)]
pub(crate) struct LoadedTls {
    /// For gRPC connections.
    pub(crate) grpc: Arc<ClientConfig>,
    /// For member HTTP.
    pub(crate) http: ClientConfig,
    /// What judges members' certificates.
    pub(crate) verifier: Arc<dyn ServerCertVerifier>,
    /// Our own certificate with its chain, leaf first; empty when we show none.
    pub(crate) identity: Vec<CertificateDer<'static>>,
    /// Changes when the files do: connections of another generation are replaced.
    pub(crate) generation: u64,
}

/// The TLS files of one cluster, read again when they change.
#[derive(Debug)]
pub(crate) struct TlsFiles {
    options: TlsOptions,
    state: Mutex<Option<State>>,
    doubted: AtomicBool,
}

#[derive(Debug)]
struct State {
    looked_at: Instant,
    fingerprint: u64,
    loaded: Result<Arc<LoadedTls>, Cause>,
}

impl TlsFiles {
    pub(crate) fn new(options: TlsOptions) -> Self {
        Self {
            options,
            state: Mutex::new(None),
            doubted: AtomicBool::new(false),
        }
    }

    /// A connection failed for a reason of TLS: the files are looked at again at the next attempt.
    pub(crate) fn doubt(&self) {
        self.doubted.store(true, Ordering::Relaxed);
    }

    /// The name that members' certificates must carry, if it is not the host.
    pub(crate) fn server_name(&self) -> Option<&str> {
        self.options.server_name.as_deref()
    }

    /// TLS as the files say, at most five seconds old. Files that cannot be used while a rotation is under way leave the
    /// last usable state in force.
    pub(crate) async fn current(&self) -> Result<Arc<LoadedTls>, Cause> {
        let mut state = self.state.lock().await;
        let doubted = self.doubted.swap(false, Ordering::Relaxed);
        if let Some(state) = &*state
            && state.looked_at.elapsed() < LOOK_AGAIN
            && !doubted
        {
            return state.loaded.clone();
        }
        let next = self.look(state.as_ref()).await;
        let loaded = next.loaded.clone();
        *state = Some(next);
        loaded
    }

    async fn look(&self, old: Option<&State>) -> State {
        let looked_at = Instant::now();
        let files = match load::read(&self.options).await {
            Ok(files) => files,
            Err(cause) => {
                return State {
                    looked_at,
                    fingerprint: 0,
                    loaded: keep_usable(old, cause),
                };
            }
        };
        let fingerprint = files.fingerprint();
        let loaded = match old {
            Some(old) if old.fingerprint == fingerprint => old.loaded.clone(),
            old => {
                let built = load::build(&self.options, files, fingerprint).await;
                built.map(Arc::new).or_else(|cause| keep_usable(old, cause))
            }
        };
        State {
            looked_at,
            fingerprint,
            loaded,
        }
    }
}

fn keep_usable(old: Option<&State>, cause: Cause) -> Result<Arc<LoadedTls>, Cause> {
    match old.and_then(|old| old.loaded.as_ref().ok()) {
        Some(usable) => {
            tracing::warn!(%cause, "the TLS files cannot be used now; the last usable ones stay in force");
            Ok(Arc::clone(usable))
        }
        None => Err(cause),
    }
}
