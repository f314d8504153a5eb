//! The loop that takes connections.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::net::{TcpListener, TcpStream};

use crate::admission::{Admission, Refused};
use crate::connection::Server;

/// After an error that is the process's, such as too many open files: trying at once would only fail at once.
const PAUSE: Duration = Duration::from_millis(500);

/// Between two lines of the log about the same trouble.
const SAYING: Duration = Duration::from_mins(1);

/// Takes connections until the stop, then waits for those that are under way.
pub(crate) async fn run(listener: TcpListener, server: Arc<Server>, admission: Arc<Admission>) {
    let mut accepting = Accepting {
        server: Arc::clone(&server),
        admission,
        errors: Said::default(),
        refusals: Said::default(),
    };
    server
        .stop
        .run_until_cancelled(accepting.forever(&listener))
        .await;
    drop(listener);
    if !server.tasks.drain(server.limits.drain).await {
        let seconds = server.limits.drain.as_secs_f64();
        tracing::warn!(seconds, "Requests that were still under way were cut off");
    }
}

struct Accepting {
    server: Arc<Server>,
    admission: Arc<Admission>,
    errors: Said,
    refusals: Said,
}

impl Accepting {
    async fn forever(&mut self, listener: &TcpListener) {
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => self.take(stream, peer),
                Err(error) if is_of_the_client(&error) => {}
                Err(error) => {
                    if self.errors.is_due() {
                        tracing::error!(%error, "Connections cannot be taken");
                    }
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    fn take(&mut self, stream: TcpStream, peer: SocketAddr) {
        let seat = match self.admission.admit(Some(peer.ip())) {
            Ok(seat) => seat,
            // Closed at once: a word of why would take what there is too little of.
            Err(refused) => return self.say_refused(refused, peer),
        };
        let server = Arc::clone(&self.server);
        self.server.tasks.spawn(async move {
            let _held = seat;
            if let Err(error) = server.serve(stream, peer).await {
                tracing::debug!(%peer, %error, "A connection ended");
            }
        });
    }

    fn say_refused(&mut self, refused: Refused, peer: SocketAddr) {
        if !self.refusals.is_due() {
            return;
        }
        let limits = &self.server.limits;
        let (open_to, most) = match refused {
            Refused::Total => ("all", limits.connections),
            Refused::Address => ("one address", limits.connections_per_address),
        };
        tracing::warn!(%peer, most, "Connections are refused: there are as many as {open_to} may have");
    }
}

/// The client has gone before it was taken.
fn is_of_the_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted
    )
}

/// When something was said last.
#[derive(Default)]
struct Said(Option<Instant>);

impl Said {
    fn is_due(&mut self) -> bool {
        let due = self.0.is_none_or(|at| at.elapsed() >= SAYING);
        if due {
            self.0 = Some(Instant::now());
        }
        due
    }
}
