//! Grants, as many as can be.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use etcd_monitor_client::MemberClient;
use tokio::task::JoinSet;

use super::LeaseLoad;
use crate::engine::Outcome;
use crate::engine::pause_after;
use crate::error::BenchError;
use crate::report::{Details, LeaseFigures};
use crate::request::{Answer, OperationKind};
use crate::streams::crew::Crew;
use crate::streams::{LEASES_MAX, Stage};

/// What the clients of a run of grants share.
struct Grants {
    crew: Arc<Crew>,
    load: LeaseLoad,
    granted: AtomicU64,
    ttl_seconds: AtomicU64,
    stage: Arc<Stage>,
}

pub(super) async fn run(load: &LeaseLoad, stage: &Arc<Stage>) -> Result<Outcome, BenchError> {
    let connections = stage.connect(stage.load.connections).await?;
    let crew = Arc::new(Crew::begin(stage, &stage.load)?);
    let grants = Arc::new(Grants {
        crew: Arc::clone(&crew),
        load: load.clone(),
        granted: AtomicU64::new(0),
        ttl_seconds: AtomicU64::new(0),
        stage: Arc::clone(stage),
    });
    let mut clients = JoinSet::new();
    for (client, connection) in (0..stage.load.clients).zip(connections.iter().cycle()) {
        clients.spawn(Arc::clone(&grants).client(client, Arc::clone(connection)));
    }
    crew.until_all_end(&mut clients).await;
    let ttl_seconds = grants.ttl_seconds.load(Ordering::Relaxed) as f64;
    let figures = LeaseFigures {
        granted: grants.granted.load(Ordering::Relaxed),
        ttl_seconds: Some(ttl_seconds).filter(|seconds| *seconds > 0.0),
        ..LeaseFigures::default()
    };
    drop(grants);
    let mut outcome = crew.finish().await;
    outcome.details = Some(Details::Lease(Box::new(figures)));
    Ok(outcome)
}

impl Grants {
    async fn client(self: Arc<Self>, client: u32, connection: Arc<MemberClient>) {
        while let Some(turn) = self.crew.turns.next().await {
            if self.stage.made() >= LEASES_MAX as usize {
                let why = format!("{LEASES_MAX} leases were made: no more are remembered");
                self.crew.give_up(why);
                return self.crew.finished();
            }
            let sent = Instant::now();
            let lease = self.stage.lease(&connection, self.load.ttl).await;
            let times = self.crew.times(turn, sent);
            if let Ok(lease) = &lease {
                self.ttl_seconds
                    .store(lease.ttl.as_secs(), Ordering::Relaxed);
                self.granted.fetch_add(1, Ordering::Relaxed);
            }
            let answer = lease.as_ref().map(|_| Answer::default());
            self.crew
                .record(client, OperationKind::Grant, (turn, times), answer);
            if let Err(error) = &lease {
                pause_after(error).await;
            }
            self.crew.finished();
        }
    }
}
