//! TLS as it is now: the files are read again when they change.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::client::identity;
use super::files::Files;
use super::{ClientAuth, TlsError, TlsSettings};
use crate::connection::{ClientCertificate, ConnectionError};

/// The TLS of a server that runs. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct LiveTls(Arc<State>);

#[derive(Debug)]
struct State {
    settings: TlsSettings,
    http2: bool,
    current: RwLock<Arc<ServerConfig>>,
    /// What was read last, whether it could be used or not.
    last: Mutex<Option<Files>>,
    failing: AtomicBool,
    failed_handshakes: AtomicU64,
}

impl LiveTls {
    /// Reads the files; what is wrong with them is an error.
    pub(crate) fn load(settings: &TlsSettings, http2: bool) -> Result<Self, TlsError> {
        let files = Files::read(settings)?;
        let config = settings.server_config(&files, http2)?;
        Ok(Self(Arc::new(State {
            settings: settings.clone(),
            http2,
            current: RwLock::new(Arc::new(config)),
            last: Mutex::new(Some(files)),
            failing: AtomicBool::new(false),
            failed_handshakes: AtomicU64::new(0),
        })))
    }

    /// Looks at the files each `pause`, for as long as it is polled.
    pub(crate) async fn follow_files(&self, pause: Duration) {
        loop {
            tokio::time::sleep(pause).await;
            let tls = self.clone();
            // A file on a slow disk delays no answer.
            let reloaded = tokio::task::spawn_blocking(move || tls.reload()).await;
            if let Err(error) = reloaded {
                tracing::error!(%error, "The files of TLS could not be looked at");
            }
        }
    }

    /// Takes the files in where they changed. What cannot be used leaves what was, and is told once.
    fn reload(&self) {
        let state = &self.0;
        let mut last = state.last.lock().unwrap_or_else(PoisonError::into_inner);
        let outcome = match Files::read(&state.settings) {
            Ok(files) if last.as_ref() == Some(&files) => return,
            Ok(files) => {
                let config = state.settings.server_config(&files, state.http2);
                *last = Some(files);
                config
            }
            Err(error) if last.is_none() => return tracing::debug!(%error, "TLS still waits"),
            Err(error) => {
                *last = None;
                Err(error)
            }
        };
        state.failing.store(outcome.is_err(), Ordering::Relaxed);
        match outcome {
            Ok(config) => {
                let mut current = state
                    .current
                    .write()
                    .unwrap_or_else(PoisonError::into_inner);
                *current = Arc::new(config);
                tracing::info!("The files of TLS were read again and are used");
            }
            Err(error) => tracing::error!(
                "The files of TLS changed and cannot be used, those before go on: {error}"
            ),
        }
    }

    /// Shakes hands with a client.
    pub(crate) async fn accept<S>(
        &self,
        stream: S,
        limit: Duration,
    ) -> Result<TlsStream<S>, ConnectionError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let accepted = tokio::time::timeout(limit, self.acceptor().accept(stream)).await;
        let outcome = match accepted {
            Ok(stream) => stream.map_err(ConnectionError::Handshake),
            Err(_) => Err(ConnectionError::HandshakeTime),
        };
        if outcome.is_err() {
            self.0.failed_handshakes.fetch_add(1, Ordering::Relaxed);
        }
        outcome
    }

    fn acceptor(&self) -> TlsAcceptor {
        let current = self.0.current.read();
        Arc::clone(&current.unwrap_or_else(PoisonError::into_inner)).into()
    }

    /// Who the client says it is, where its signer was checked.
    pub(crate) fn client_certificate(
        &self,
        session: &ServerConnection,
    ) -> Option<ClientCertificate> {
        let checked = [ClientAuth::VerifyIfGiven, ClientAuth::RequireAndVerify];
        if !checked.contains(&self.0.settings.client_auth) {
            return None;
        }
        identity(session.peer_certificates()?.first()?)
    }

    /// Whether files changed that cannot be used.
    pub(crate) fn is_reload_failing(&self) -> bool {
        self.0.failing.load(Ordering::Relaxed)
    }

    /// Handshakes that failed or took too long, since the start.
    pub(crate) fn failed_handshakes(&self) -> u64 {
        self.0.failed_handshakes.load(Ordering::Relaxed)
    }
}
