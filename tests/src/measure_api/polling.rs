//! Clients that ask at a rate, however long the answers take.

use std::fmt;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::Plan;
use super::client::Connection;

const CLIENTS: u32 = 100;

/// Between two requests of a client.
const PACE: Duration = Duration::from_millis(100);

/// How long answers took.
#[derive(Debug, Default)]
pub(super) struct Latencies(Vec<Duration>);

impl Latencies {
    pub(super) fn add(&mut self, latency: Duration) {
        self.0.push(latency);
    }
}

fn quantile(sorted: &[Duration], share: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an index"
    )]
    let index = (share * last as f64).round() as usize;
    sorted
        .get(index)
        .map_or(f64::NAN, |latency| latency.as_secs_f64() * 1e3)
}

impl fmt::Display for Latencies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let [p50, p99, most] = [0.5, 0.99, 1.0].map(|share| quantile(&sorted, share));
        let count = sorted.len();
        write!(
            f,
            "{count} answers, p50 {p50:.2} ms, p99 {p99:.2} ms, maximum {most:.2} ms"
        )
    }
}

/// A hundred clients, ten requests a second each. Latency counts from when a request was due, so that one slow answer
/// hides none of those behind it.
pub(super) async fn run(plan: &Plan, path: &str) -> anyhow::Result<Latencies> {
    let begin = Instant::now() + PACE;
    let mut clients = JoinSet::new();
    for number in 0..CLIENTS {
        let connection = Connection::open(plan.address).await?;
        let due = begin + PACE * number / CLIENTS;
        let end = due + plan.span;
        clients.spawn(poll(connection, path.to_owned(), due, end));
    }
    let mut all = Latencies::default();
    while let Some(client) = clients.join_next().await {
        all.0.extend(client??.0);
    }
    Ok(all)
}

async fn poll(
    mut connection: Connection,
    path: String,
    mut due: Instant,
    end: Instant,
) -> anyhow::Result<Latencies> {
    let mut latencies = Latencies::default();
    while due < end {
        sleep_until(due).await;
        connection.get(&path).await?;
        latencies.add(due.elapsed());
        due += PACE;
    }
    Ok(latencies)
}
