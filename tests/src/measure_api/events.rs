//! Many clients of the live events.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::task::JoinSet;
use tokio::time::sleep;

use super::client::Connection;
use super::resident::{cpu_seconds, resident_mebibytes};
use super::{Plan, one_after_another};

const CLIENTS: usize = 1_000;

/// Connects a thousand clients, lets them follow, and tells what the daemon takes meanwhile.
pub(super) async fn run(plan: &Plan) -> anyhow::Result<Vec<String>> {
    let before = resident_mebibytes(plan.pid)?;
    let bytes = Arc::new(AtomicU64::new(0));
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let mut connection = Connection::open(plan.address).await?;
        connection
            .ask(&format!("/api/v1/events?cluster={}", plan.cluster))
            .await?;
        connection.head().await?;
        clients.spawn(follow(connection, Arc::clone(&bytes)));
    }
    let (spent, seen) = (cpu_seconds(plan.pid)?, bytes.load(Ordering::Relaxed));
    sleep(plan.span).await;
    let spent = (cpu_seconds(plan.pid)? - spent) / plan.span.as_secs_f64();
    let seen = bytes.load(Ordering::Relaxed) - seen;
    let after = resident_mebibytes(plan.pid)?;
    let each = seen as f64 / CLIENTS as f64 / 1024.0;
    let status = format!("/api/v1/cluster/status?cluster={}", plan.cluster);
    let asked = one_after_another(plan, "status meanwhile", &status).await?;
    Ok(vec![
        format!(
            "{CLIENTS} clients of live events: resident {before:.1} -> {after:.1} MiB, {:.1} % of a core, {each:.0} KiB to each in {} s, {} still connected",
            100.0 * spent,
            plan.span.as_secs(),
            clients.len(),
        ),
        asked,
    ])
}

async fn follow(mut connection: Connection, bytes: Arc<AtomicU64>) -> anyhow::Result<()> {
    let mut buffer = vec![0; 4096];
    loop {
        match connection.read(&mut buffer).await? {
            0 => return Ok(()),
            read => bytes.fetch_add(read as u64, Ordering::Relaxed),
        };
    }
}
