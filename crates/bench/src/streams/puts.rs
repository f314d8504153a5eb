//! Puts beside what is measured, as a watch or a storm of expiries needs them.

use std::sync::Arc;
use std::time::Instant;

use etcd_monitor_client::MemberClient;
use rand::SeedableRng;
use rand::rngs::SmallRng;
use tokio::task::JoinSet;

use super::crew::Crew;
use crate::engine::pause_after;
use crate::keys::{KeyShape, Values};
use crate::load::Load;
use crate::recorder::Times;
use crate::request::{Answer, OperationKind};

/// A put that was acknowledged.
#[derive(Debug, Clone, Copy)]
pub(super) struct Acknowledged {
    /// Its revision.
    pub(super) revision: i64,
    /// Number of its key.
    pub(super) key: u64,
    /// When it was due, sent and answered.
    pub(super) times: Times,
    /// False in the warm-up.
    pub(super) measured: bool,
}

/// Hears of each put that was acknowledged.
pub(super) type Heard = Arc<dyn Fn(Acknowledged) + Send + Sync>;

/// Puts to keys one after the other, by the clients of a load.
#[derive(Clone)]
pub(super) struct Puts {
    pub(super) crew: Arc<Crew>,
    pub(super) keys: KeyShape,
    pub(super) space: u64,
    pub(super) values: Values,
    pub(super) heard: Heard,
}

impl Puts {
    /// Starts all clients of the load.
    pub(super) fn start(self, load: &Load, connections: &[Arc<MemberClient>]) -> JoinSet<()> {
        let mut clients = JoinSet::new();
        for (client, connection) in (0..load.clients).zip(connections.iter().cycle()) {
            let rng = SmallRng::seed_from_u64(load.seed.wrapping_add(client.into()));
            let connection = Arc::clone(connection);
            clients.spawn(self.clone().client(client, connection, rng));
        }
        clients
    }

    async fn client(self, client: u32, connection: Arc<MemberClient>, mut rng: SmallRng) {
        let (mut key, mut value) = (Vec::new(), Vec::new());
        while let Some(turn) = self.crew.turns.next().await {
            let number = turn.number % self.space.max(1);
            self.keys.write(number, &mut key);
            self.values.write(&mut rng, &mut value);
            let sent = Instant::now();
            let answer = connection.put(&key, &value).await;
            let times = self.crew.times(turn, sent);
            if let Ok(revision) = &answer {
                (self.heard)(Acknowledged {
                    revision: *revision,
                    key: number,
                    times,
                    measured: turn.measured,
                });
            }
            let failure = answer.as_ref().err();
            let answer = answer.as_ref().map(|revision| Answer {
                revision: *revision,
                changed: true,
                ..Answer::default()
            });
            self.crew
                .record(client, OperationKind::Put, (turn, times), answer);
            if let Some(error) = failure {
                pause_after(error).await;
            }
            self.crew.finished();
        }
    }
}
