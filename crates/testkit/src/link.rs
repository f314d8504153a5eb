//! Links: one direction between two members, with the faults of a network.

mod dialer;
mod lane;
mod proxy;

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::num::NonZeroU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use std::{io, thread};

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

use dialer::Roster;
use lane::Lane;
pub(crate) use proxy::Door;

/// One direction between two members: the bytes that `from` sends to `to`, on whichever connection.
///
/// That is the server-to-client half of the connections that `to` dialled and the client-to-server
/// half of those that `from` dialled: raft streams are dialled by the reader and fall back to
/// requests dialled by the sender. No fault closes a connection; what is held back while the link
/// is cut arrives when it is restored, as with TCP.
#[derive(Debug, Clone)]
pub struct Link {
    lane: Arc<Lane>,
}

impl Link {
    /// Lets nothing through any more.
    pub fn cut(&self) {
        self.lane.change(|policy| policy.cut = true);
    }

    /// Lets everything arrive this much later.
    pub fn delay(&self, delay: Duration) {
        self.lane.change(|policy| policy.delay = delay);
    }

    /// Lets this many bytes per second through, over all connections together.
    ///
    /// # Panics
    /// If the rate is zero; that is [`cut`](Self::cut).
    pub fn throttle(&self, bytes_per_second: u64) {
        let rate = NonZeroU64::new(bytes_per_second).expect("a rate of zero is a cut");
        self.lane.change(|policy| policy.rate = Some(rate));
    }

    /// Takes every fault back; what was held back arrives.
    pub fn restore(&self) {
        self.lane.change(|policy| *policy = lane::Policy::default());
    }
}

/// An end of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Node {
    /// The member with this index.
    Member(usize),
    /// Everybody who is no member: tests, daemons, etcdctl.
    Clients,
}

/// All links of a cluster, and who is behind which process.
#[derive(Debug, Default)]
pub(crate) struct Fabric {
    lanes: Mutex<HashMap<(Node, Node), Arc<Lane>>>,
    roster: Roster,
}

impl Fabric {
    pub(crate) fn link(&self, from: Node, to: Node) -> Link {
        Link {
            lane: self.lane(from, to),
        }
    }

    /// Restores every link.
    pub(crate) fn heal(&self) {
        for lane in self.lanes().values() {
            Link {
                lane: Arc::clone(lane),
            }
            .restore();
        }
    }

    /// Who runs as which process and under which id, to tell who dialled.
    pub(crate) fn roster(&self) -> &Roster {
        &self.roster
    }

    fn lane(&self, from: Node, to: Node) -> Arc<Lane> {
        Arc::clone(self.lanes().entry((from, to)).or_default())
    }

    fn lanes(&self) -> MutexGuard<'_, HashMap<(Node, Node), Arc<Lane>>> {
        // The map is valid after every statement, so a panic of another holder does no harm.
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The proxies of a cluster, on a thread of their own: a test that blocks or is busy must not cut
/// its cluster.
#[derive(Debug)]
pub(crate) struct Network {
    fabric: Arc<Fabric>,
    runtime: Handle,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Network {
    pub(crate) fn start() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel();
        let body = move || {
            // Ends when the sender says so or is gone; dropping the runtime then drops every proxy.
            let _ = runtime.block_on(stopped);
        };
        let thread = thread::Builder::new()
            .name("testkit-links".to_owned())
            .spawn(body)?;
        let fabric = Arc::default();
        Ok(Self {
            fabric,
            runtime: handle,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    pub(crate) fn fabric(&self) -> &Arc<Fabric> {
        &self.fabric
    }

    /// Opens a proxy on a port that the system chooses, for the member whose own listener is
    /// `target`.
    pub(crate) fn open(
        &self,
        member: usize,
        ip: Ipv4Addr,
        target: SocketAddrV4,
    ) -> io::Result<Door> {
        Door::open(Arc::clone(&self.fabric), member, ip, target, &self.runtime)
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic there has been printed; there is nothing left to do about it.
            let _ = thread.join();
        }
    }
}
