//! TLS as it is now: other settings are taken in while the server runs, and files are read again when they change.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;

use super::client::identity;
use super::files::Files;
use super::{ClientAuth, TlsError, TlsSettings};
use crate::connection::{ClientCertificate, ConnectionError};

/// The TLS of a server. Cheap to clone; all clones follow [`LiveTls::install`].
#[derive(Debug, Clone)]
pub struct LiveTls(Arc<State>);

#[derive(Debug)]
struct State {
    wanted: Mutex<Wanted>,
    /// Replaced as a whole.
    current: RwLock<Arc<Current>>,
    failing: AtomicBool,
    failed_handshakes: AtomicU64,
}

/// What TLS is to be.
#[derive(Debug)]
struct Wanted {
    settings: TlsSettings,
    http2: bool,
    /// What was read last, whether it could be used or not.
    last: Option<Files>,
}

/// What connections are taken with.
#[derive(Debug)]
struct Current {
    config: Arc<ServerConfig>,
    trust: Trust,
    /// Cancelled when other clients are trusted than these.
    distrusted: CancellationToken,
}

/// Which certificates of clients are believed.
#[derive(Debug, PartialEq, Eq)]
struct Trust {
    auth: ClientAuth,
    allowed_names: Vec<String>,
    signers: Option<Vec<u8>>,
}

/// TLS that was read and can be used.
#[derive(Debug)]
pub struct PreparedTls {
    wanted: Wanted,
    config: ServerConfig,
    trust: Trust,
}

/// A connection after its handshake.
pub(crate) struct Accepted<S> {
    pub(crate) stream: TlsStream<S>,
    /// Who the client says it is, where its signer was checked, and what is cancelled when that counts no more.
    pub(crate) client: Option<(ClientCertificate, CancellationToken)>,
}

impl PreparedTls {
    /// Reads what the settings name. `http2` says whether HTTP/2 is spoken with clients that ask for it.
    ///
    /// # Errors
    /// What cannot be read or used.
    pub fn new(settings: &TlsSettings, http2: bool) -> Result<Self, TlsError> {
        let files = Files::read(settings)?;
        Ok(Self {
            config: settings.server_config(&files, http2)?,
            trust: Trust::of(settings, &files),
            wanted: Wanted {
                settings: settings.clone(),
                http2,
                last: Some(files),
            },
        })
    }
}

impl Trust {
    fn of(settings: &TlsSettings, files: &Files) -> Self {
        Self {
            auth: settings.client_auth,
            allowed_names: settings.client_allowed_sans.clone(),
            signers: files.client_ca().map(<[u8]>::to_vec),
        }
    }

    /// Whether a certificate that came through the handshake says who its client is.
    fn checks_signers(&self) -> bool {
        [ClientAuth::VerifyIfGiven, ClientAuth::RequireAndVerify].contains(&self.auth)
    }
}

impl Current {
    fn new(config: ServerConfig, trust: Trust) -> Self {
        Self {
            config: Arc::new(config),
            trust,
            distrusted: CancellationToken::new(),
        }
    }

    fn client(&self, session: &ServerConnection) -> Option<(ClientCertificate, CancellationToken)> {
        if !self.trust.checks_signers() {
            return None;
        }
        let certificate = identity(session.peer_certificates()?.first()?)?;
        Some((certificate, self.distrusted.clone()))
    }
}

impl LiveTls {
    /// The TLS of a server that begins.
    pub fn new(prepared: PreparedTls) -> Self {
        Self(Arc::new(State {
            wanted: Mutex::new(prepared.wanted),
            current: RwLock::new(Arc::new(Current::new(prepared.config, prepared.trust))),
            failing: AtomicBool::new(false),
            failed_handshakes: AtomicU64::new(0),
        }))
    }

    /// Takes new connections with this from now on. Those that are open go on, but for those whose client showed a
    /// certificate, where other certificates are trusted than before.
    pub fn install(&self, prepared: PreparedTls) {
        let mut wanted = self.wanted();
        *wanted = prepared.wanted;
        self.0.failing.store(false, Ordering::Relaxed);
        self.replace(prepared.config, prepared.trust);
    }

    fn replace(&self, config: ServerConfig, trust: Trust) {
        let mut next = Current::new(config, trust);
        let current = self.0.current.write();
        let mut current = current.unwrap_or_else(PoisonError::into_inner);
        if current.trust == next.trust {
            next.distrusted = current.distrusted.clone();
        } else {
            current.distrusted.cancel();
        }
        *current = Arc::new(next);
    }

    fn wanted(&self) -> MutexGuard<'_, Wanted> {
        self.0.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn current(&self) -> Arc<Current> {
        let current = self.0.current.read();
        Arc::clone(&current.unwrap_or_else(PoisonError::into_inner))
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
        let mut wanted = self.wanted();
        let outcome = match Files::read(&wanted.settings) {
            Ok(files) if wanted.last.as_ref() == Some(&files) => return,
            Ok(files) => {
                let config = wanted.settings.server_config(&files, wanted.http2);
                let trust = Trust::of(&wanted.settings, &files);
                wanted.last = Some(files);
                config.map(|config| (config, trust))
            }
            Err(error) if wanted.last.is_none() => {
                return tracing::debug!(%error, "TLS still waits");
            }
            Err(error) => {
                wanted.last = None;
                Err(error)
            }
        };
        self.0.failing.store(outcome.is_err(), Ordering::Relaxed);
        match outcome {
            Ok((config, trust)) => {
                self.replace(config, trust);
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
    ) -> Result<Accepted<S>, ConnectionError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let current = self.current();
        let acceptor = TlsAcceptor::from(Arc::clone(&current.config));
        let accepted = tokio::time::timeout(limit, acceptor.accept(stream)).await;
        let outcome = match accepted {
            Ok(stream) => stream.map_err(ConnectionError::Handshake),
            Err(_) => Err(ConnectionError::HandshakeTime),
        };
        match outcome {
            Ok(stream) => Ok(Accepted {
                client: current.client(stream.get_ref().1),
                stream,
            }),
            Err(error) => {
                self.0.failed_handshakes.fetch_add(1, Ordering::Relaxed);
                Err(error)
            }
        }
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
