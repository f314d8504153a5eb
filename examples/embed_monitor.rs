//! Watches a cluster from within a program of your own: endpoints in, snapshots out.
//!
//! `cargo run -p etcd-monitor-examples --bin embed_monitor -- 127.0.0.1:2379`
#![expect(clippy::print_stdout, reason = "an example shows what it sees")]

use std::error::Error;

use etcd_monitor_core::{Endpoint, EtcdProbe, Monitor, MonitorOptions, ProbeOptions};
use tokio_util::sync::CancellationToken;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    // Once per process, before the first connection; an error means that it was done already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let arguments = std::env::args().skip(1);
    let endpoints: Vec<Endpoint> = arguments
        .map(|argument| Endpoint::parse(&argument, false))
        .collect::<Result<_, _>>()?;
    let probe = EtcdProbe::new(ProbeOptions::new("my-cluster", endpoints))?;
    let monitor = Monitor::new(probe, MonitorOptions::default());
    let mut snapshots = monitor.subscribe();
    let stop = CancellationToken::new();
    let running = tokio::spawn(monitor.run(stop.clone()));
    while let Some(Ok(())) = stop_or(snapshots.changed()).await {
        if let Some(snapshot) = snapshots.borrow_and_update().as_deref() {
            println!("cycle {}: {}", snapshot.cycle, snapshot.health.sentence);
        }
    }
    stop.cancel();
    running.await?;
    Ok(())
}

/// What comes, or `None` at Ctrl-C.
async fn stop_or<T>(next: impl Future<Output = T>) -> Option<T> {
    tokio::select! { _ = tokio::signal::ctrl_c() => None, next = next => Some(next) }
}
