//! Keeps leases alive beside a load, as programs do: all of a connection on one stream, at a third of their time.

use std::sync::Arc;
use std::time::Duration;

use etcd_monitor_client::{ClientError, MemberClient};
use tokio::task::JoinSet;

/// Pause before a stream that broke is opened again.
const PAUSE: Duration = Duration::from_millis(200);

/// Keeps leases alive until it is dropped.
#[derive(Debug, Default)]
pub(in crate::streams) struct Keeper(JoinSet<()>);

impl Keeper {
    /// Keeps these too, by a stream of this connection. All last as long.
    pub(in crate::streams) fn keep(
        &mut self,
        connection: Arc<MemberClient>,
        leases: Vec<i64>,
        ttl: Duration,
    ) {
        self.0.spawn(async move {
            loop {
                // What it fails of shows where the leases are used.
                let _ = keep(&connection, &leases, ttl).await;
                tokio::time::sleep(PAUSE).await;
            }
        });
    }
}

/// Renews all again and again on one stream; ends with its error.
async fn keep(connection: &MemberClient, leases: &[i64], ttl: Duration) -> Result<(), ClientError> {
    let Some((first, others)) = leases.split_first() else {
        return Ok(());
    };
    let (sender, mut answers) = connection.renewals(*first).await?;
    let reading = async {
        loop {
            answers.next().await?;
        }
    };
    let asking = async {
        for lease in others {
            sender.ask(*lease).await?;
        }
        let mut ticks = tokio::time::interval(ttl / 3);
        ticks.tick().await;
        loop {
            ticks.tick().await;
            for lease in leases {
                sender.ask(*lease).await?;
            }
        }
    };
    tokio::select! {
        ended = reading => ended,
        ended = asking => ended,
    }
}
