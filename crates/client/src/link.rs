//! The connection to one member: made when first needed, shared by all calls, replaced when it is of no use.

mod connection;
mod dial;
mod scheme;
mod watched;
mod wire;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use backon::ExponentialBackoff;
use tokio::time::Instant;

use crate::endpoint::Endpoint;
use crate::error::{Cause, ErrorKind};
use crate::pause::pauses;
use crate::tls::TlsFiles;
pub(crate) use connection::Connection;
pub(crate) use dial::{connect, server_name};
pub(crate) use scheme::{other_scheme, why_closed};
pub(crate) use wire::Wire;

/// Pauses between attempts to connect: 100 ms, doubling to 500 ms, with up to as much jitter again. So a member that
/// returns is reached within a second, and one that is down costs at most a few refused dials per second.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// The connection to one member.
///
/// After a failed attempt further calls get the same failure at once until the pause is over; at most one attempt is
/// under way at any time.
#[derive(Debug)]
pub(crate) struct Link {
    endpoint: Endpoint,
    tls: Option<Arc<TlsFiles>>,
    /// Time that one attempt to connect may take.
    deadline: Duration,
    state: Mutex<State>,
    dialling: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct State {
    connection: Option<Arc<Connection>>,
    failure: Option<Failure>,
    pauses: ExponentialBackoff,
}

#[derive(Debug)]
struct Failure {
    until: Instant,
    cause: Cause,
}

impl Link {
    pub(crate) fn new(endpoint: Endpoint, tls: Option<Arc<TlsFiles>>, deadline: Duration) -> Self {
        let state = State {
            connection: None,
            failure: None,
            pauses: pauses(FIRST_PAUSE, LONGEST_PAUSE),
        };
        Self {
            endpoint,
            tls,
            deadline,
            state: Mutex::new(state),
            dialling: tokio::sync::Mutex::new(()),
        }
    }

    /// The connection, made if there is none. Cancel-safe: an abandoned attempt is made again by the next call.
    pub(crate) async fn connection(&self) -> Result<Arc<Connection>, Cause> {
        let tls = match &self.tls {
            Some(files) => Some((files.current().await?, files.server_name())),
            None => None,
        };
        let generation = tls.as_ref().map_or(0, |(loaded, _)| loaded.generation);
        if let Some(known) = self.known(generation) {
            return known;
        }
        let _only_one = self.dialling.lock().await;
        if let Some(known) = self.known(generation) {
            return known;
        }
        let dialled = dial::dial(&self.endpoint, tls, self.deadline).await;
        self.remember(dialled)
    }

    fn known(&self, generation: u64) -> Option<Result<Arc<Connection>, Cause>> {
        let mut state = self.lock();
        if let Some(connection) = &state.connection {
            if connection.is_usable(generation) {
                return Some(Ok(Arc::clone(connection)));
            }
            state.connection = None;
        }
        let failure = state
            .failure
            .as_ref()
            .filter(|failure| Instant::now() < failure.until)?;
        Some(Err(failure.cause.clone()))
    }

    fn remember(&self, dialled: Result<Connection, Cause>) -> Result<Arc<Connection>, Cause> {
        let mut state = self.lock();
        match dialled {
            Ok(connection) => {
                let connection = Arc::new(connection);
                state.failure = None;
                state.connection = Some(Arc::clone(&connection));
                Ok(connection)
            }
            Err(cause) => {
                state.pause(cause.clone());
                self.doubt_files(&cause);
                Err(cause)
            }
        }
    }

    fn doubt_files(&self, cause: &Cause) {
        if let Some(files) = &self.tls
            && cause.kind == ErrorKind::Tls
        {
            files.doubt();
        }
    }

    /// A call on this connection was answered.
    fn answered(&self, connection: &Connection) {
        if connection.answered() {
            self.lock().pauses = pauses(FIRST_PAUSE, LONGEST_PAUSE);
        }
    }

    /// A call failed because this connection broke. One that never gave an answer counts as a failed attempt to connect,
    /// so that a peer which accepts and then closes is not dialled without pause.
    fn broken(&self, connection: &Arc<Connection>, cause: &Cause) {
        let mut state = self.lock();
        if !state
            .connection
            .as_ref()
            .is_some_and(|now| Arc::ptr_eq(now, connection))
        {
            return;
        }
        state.connection = None;
        if !connection.has_answered() {
            state.pause(cause.clone());
            self.doubt_files(cause);
        }
    }

    /// A call that began at `began` met this deadline. A connection on which nothing was answered since is given up:
    /// its peer hangs or is cut off, and may come back under a new connection only.
    pub(crate) fn timed_out(&self, began: Instant, deadline: Duration) -> Cause {
        let mut state = self.lock();
        let waited = deadline.as_secs_f64();
        let Some(connection) = &state.connection else {
            let message = format!(
                "no connection within {waited} s; the host may be down or cut off, or the member hangs"
            );
            let cause = Cause::new(ErrorKind::TimedOut, message);
            if state
                .failure
                .as_ref()
                .is_none_or(|failure| failure.until < Instant::now())
            {
                state.pause(cause.clone());
            }
            return cause;
        };
        let message = if connection.last_answer() < began {
            state.connection = None;
            format!("no answer within {waited} s to anything; the member hangs or is cut off")
        } else {
            format!(
                "no answer within {waited} s, while the connection stands; the member may wait for a quorum or be overloaded"
            )
        };
        Cause::new(ErrorKind::TimedOut, message)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No code that holds the lock can leave the state half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn pause(&mut self, cause: Cause) {
        let pause = self.pauses.next().unwrap_or(LONGEST_PAUSE);
        self.failure = Some(Failure {
            until: Instant::now() + pause,
            cause,
        });
    }
}
