//! The proxy in front of one listener of one member.

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::lane::Lane;
use super::{Fabric, Node};
use crate::report;

/// One read; raft messages and client requests are mostly smaller.
const CHUNK_BYTES: usize = 16 << 10;

/// Chunks in flight in one direction of one connection (1 MiB): a delayed link holds this much,
/// then pushes back.
const CHUNKS: usize = 64;

/// After a failed accept.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A proxy listener. Closed while its member does not run, so that a dead member refuses
/// connections as a real one does.
#[derive(Debug)]
pub(crate) struct Door {
    address: SocketAddrV4,
    wanted: watch::Sender<bool>,
    is_open: watch::Receiver<bool>,
}

impl Door {
    /// Opens a proxy on `ip`, on a port that the system chooses, and runs it on `runtime`.
    pub(super) fn open(
        fabric: Arc<Fabric>,
        member: usize,
        ip: Ipv4Addr,
        target: SocketAddrV4,
        runtime: &Handle,
    ) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind(SocketAddrV4::new(ip, 0))?;
        listener.set_nonblocking(true)?;
        let address = SocketAddrV4::new(ip, listener.local_addr()?.port());
        let (wanted, wishes) = watch::channel(true);
        let (state, is_open) = watch::channel(true);
        let route = Route {
            fabric,
            member,
            target,
        };
        runtime.spawn(async move {
            if let Err(error) = serve(listener, address, route, wishes, state).await {
                report::say(format_args!("the proxy on {address} ended: {error}"));
            }
        });
        Ok(Self {
            address,
            wanted,
            is_open,
        })
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// Lets the proxy listen again; it does within milliseconds.
    pub(crate) fn reopen(&self) {
        self.wanted.send_replace(true);
    }

    /// Stops listening; connections are refused when this returns.
    pub(crate) async fn close(&self) {
        self.wanted.send_replace(false);
        // An error means that the proxy has ended: nobody listens then either.
        let _ = self.is_open.clone().wait_for(|open| !open).await;
    }
}

/// Where the connections of a door go.
#[derive(Debug, Clone)]
struct Route {
    fabric: Arc<Fabric>,
    member: usize,
    target: SocketAddrV4,
}

/// Runs until the door is dropped; connections that live then are dropped with it.
async fn serve(
    listener: std::net::TcpListener,
    address: SocketAddrV4,
    route: Route,
    mut wishes: watch::Receiver<bool>,
    state: watch::Sender<bool>,
) -> io::Result<()> {
    let mut listener = Some(TcpListener::from_std(listener)?);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = accept(listener.as_ref()) => {
                match accepted {
                    Ok(stream) => drop(connections.spawn(carry(stream, route.clone()))),
                    // Out of descriptors, most likely: at once it would fail again.
                    Err(_) => sleep(ACCEPT_PAUSE).await,
                }
            }
            changed = wishes.changed() => {
                if changed.is_err() {
                    return Ok(());
                }
                let open = *wishes.borrow_and_update();
                match open {
                    true if listener.is_some() => {}
                    true => listener = Some(TcpListener::bind(address).await?),
                    false => listener = None,
                }
                state.send_replace(listener.is_some());
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn accept(listener: Option<&TcpListener>) -> io::Result<TcpStream> {
    match listener {
        Some(listener) => listener.accept().await.map(|(stream, _)| stream),
        None => std::future::pending().await,
    }
}

/// Carries one connection from its dialler to the member.
async fn carry(mut dialled: TcpStream, route: Route) {
    let from = route.fabric.roster().dialer(&dialled).await;
    let to = Node::Member(route.member);
    let (forth, back) = (route.fabric.lane(from, to), route.fabric.lane(to, from));
    let mut early = Vec::new();
    let connected = tokio::select! {
        connected = dial(&forth, route.target) => connected,
        () = read_until_closed(&mut dialled, &mut early) => return,
    };
    if let Ok(mut target) = connected {
        join(&mut dialled, &mut target, early, &forth, &back).await;
    } else {
        // Nobody listens there. The refusal travels back, and a cut link holds it.
        back.uncut().await;
        // A reset, not an orderly end. Where it cannot be set, the dialler sees the end of the
        // connection.
        let _ = dialled.set_zero_linger();
    }
}

/// Dials the member, once the link lets a first packet through.
async fn dial(forth: &Lane, target: SocketAddrV4) -> io::Result<TcpStream> {
    forth.uncut().await;
    TcpStream::connect(target).await
}

/// Reads what the dialler sends before the member is reached; returns when it hangs up. A cut link
/// would otherwise collect the connections of every retry.
async fn read_until_closed(dialled: &mut TcpStream, early: &mut Vec<u8>) {
    while early.len() < CHUNK_BYTES {
        // Cancel-safe: either nothing or everything of one read is in `early`.
        match dialled.read_buf(early).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
    }
    std::future::pending::<()>().await;
}

/// Copies both ways until both are done. Where both ends have hung up and a cut link still holds
/// bytes, nobody waits for these any more.
async fn join(
    dialled: &mut TcpStream,
    target: &mut TcpStream,
    early: Vec<u8>,
    forth: &Lane,
    back: &Lane,
) {
    // Small messages must not wait for an acknowledgement; without this option they are merely
    // slower.
    let _ = (dialled.set_nodelay(true), target.set_nodelay(true));
    let (dialled_read, dialled_write) = dialled.split();
    let (target_read, target_write) = target.split();
    let (forth_sender, forth_receiver) = mpsc::channel(CHUNKS);
    let (back_sender, back_receiver) = mpsc::channel(CHUNKS);
    if !early.is_empty() {
        // The channel is empty, so there is room.
        let _ = forth_sender.try_send(Chunk {
            arrived: Instant::now(),
            bytes: early,
        });
    }
    let writers = async {
        tokio::join!(
            write(target_write, forth_receiver, forth),
            write(dialled_write, back_receiver, back),
        )
    };
    let abandoned = async {
        tokio::join!(
            read(dialled_read, forth_sender),
            read(target_read, back_sender)
        );
        tokio::select! {
            () = forth.is_cut() => {}
            () = back.is_cut() => {}
        }
    };
    tokio::select! {
        _ = writers => {}
        () = abandoned => {}
    }
}

/// Bytes on their way.
#[derive(Debug)]
struct Chunk {
    arrived: Instant,
    bytes: Vec<u8>,
}

/// Reads until the end; a reset is an end too.
async fn read(mut source: ReadHalf<'_>, sender: mpsc::Sender<Chunk>) {
    loop {
        let mut bytes = Vec::with_capacity(CHUNK_BYTES);
        match source.read_buf(&mut bytes).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        if sender
            .send(Chunk {
                arrived: Instant::now(),
                bytes,
            })
            .await
            .is_err()
        {
            return;
        }
    }
}

/// Writes what the lane lets through. When the other end is gone this ends without closing
/// anything: the news of that travels on the other lane, which may be cut.
async fn write(mut sink: WriteHalf<'_>, mut receiver: mpsc::Receiver<Chunk>, lane: &Lane) {
    while let Some(chunk) = receiver.recv().await {
        lane.pass(chunk.bytes.len(), chunk.arrived).await;
        if sink.write_all(&chunk.bytes).await.is_err() {
            return;
        }
    }
    lane.pass(0, Instant::now()).await;
    // Fails only when the other end is gone, which is what it would tell.
    let _ = sink.shutdown().await;
}
