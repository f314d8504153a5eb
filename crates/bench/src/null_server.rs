//! A server that does nothing: it answers every call at once, so that what a load generator takes can be seen alone.

mod answers;
mod peer;

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::poller::Poller;
use peer::Peer;

/// How often it looks whether it is to stop.
const TICK: Duration = Duration::from_millis(100);

/// Connections at a time.
const PEERS_MAX: usize = 4_096;

/// The number by which the poller tells of the listener.
const LISTENER: usize = usize::MAX;

/// Bytes that are read at once.
const READ_BYTES: usize = 128 << 10;

/// Speaks gRPC in plain text and answers each unary call at once: changes with one more revision, reads with no key, the
/// status with version `null`, anything else with a header alone. Keeps nothing. Linux only.
pub struct NullServer {
    listener: TcpListener,
    revision: AtomicI64,
}

impl fmt::Debug for NullServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NullServer")
            .field("listener", &self.listener)
            .finish_non_exhaustive()
    }
}

impl NullServer {
    /// Listens there; port 0 takes a free one.
    pub fn bind(address: impl ToSocketAddrs) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        Ok(Self {
            listener,
            revision: AtomicI64::new(1),
        })
    }

    /// Where it listens.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until it is stopped. Blocks: it wants a thread of its own, or several that all call this.
    pub fn serve(&self, stop: &CancellationToken) -> io::Result<()> {
        let mut poller = Poller::new()?;
        poller.add(&self.listener, LISTENER)?;
        let mut peers: Vec<Option<Peer>> = Vec::new();
        let (mut ready, mut buffer) = (Vec::new(), vec![0; READ_BYTES]);
        while !stop.is_cancelled() {
            poller.wait(TICK, &mut ready)?;
            for &number in &ready {
                if number == LISTENER {
                    self.accept(&poller, &mut peers)?;
                } else if let Some(place) = peers.get_mut(number)
                    && let Some(peer) = place
                    && peer
                        .serve(&mut buffer, &self.revision, &poller, number)
                        .is_err()
                {
                    // It left, or broke the protocol: either way that is all.
                    *place = None;
                }
            }
        }
        Ok(())
    }

    fn accept(&self, poller: &Poller, peers: &mut Vec<Option<Peer>>) -> io::Result<()> {
        loop {
            let stream = match self.listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                // One that left before it was accepted, or no file handle for it.
                Err(_) => return Ok(()),
            };
            let place = peers
                .iter()
                .position(Option::is_none)
                .unwrap_or(peers.len());
            if place >= PEERS_MAX {
                continue;
            }
            stream.set_nonblocking(true)?;
            stream.set_nodelay(true)?;
            poller.add(&stream, place)?;
            let peer = Some(Peer::new(stream));
            match peers.get_mut(place) {
                Some(free) => *free = peer,
                None => peers.push(peer),
            }
        }
    }
}
