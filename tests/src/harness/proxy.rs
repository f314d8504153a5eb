//! A TCP proxy that counts connections, and may lead elsewhere.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};

/// Carries connections to one address, and counts them. It ends with the value.
#[derive(Debug)]
pub struct CountingProxy {
    address: String,
    accepted: Arc<AtomicU32>,
    target: watch::Sender<String>,
    server: AbortHandle,
}

impl CountingProxy {
    /// Listens on a free port of loopback, for `target` as `host:port`.
    pub async fn start(target: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .expect("loopback has free ports");
        let address = listener.local_addr().expect("it listens").to_string();
        let accepted = Arc::new(AtomicU32::new(0));
        let (target, follow) = watch::channel(target.to_owned());
        let serving = serve(listener, follow, Arc::clone(&accepted));
        Self {
            target,
            address,
            accepted,
            server: tokio::spawn(serving).abort_handle(),
        }
    }

    /// Where it listens, as `host:port`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Closes every connection, and carries further ones to another address.
    pub fn redirect(&self, target: &str) {
        self.target.send_replace(target.to_owned());
    }

    /// Connections accepted so far.
    pub fn accepted(&self) -> u32 {
        self.accepted.load(Ordering::Acquire)
    }
}

impl Drop for CountingProxy {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(listener: TcpListener, target: watch::Receiver<String>, accepted: Arc<AtomicU32>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        accepted.fetch_add(1, Ordering::AcqRel);
        connections.spawn(carry(stream, target.clone()));
        while connections.try_join_next().is_some() {}
    }
}

async fn carry(mut near: TcpStream, mut target: watch::Receiver<String>) {
    let address = target.borrow_and_update().clone();
    if let Ok(mut far) = TcpStream::connect(address).await {
        // An error is the end of the connection, which both ends see.
        tokio::select! {
            _ = copy_bidirectional(&mut near, &mut far) => {}
            _ = target.changed() => {}
        }
    }
}
