//! Measuring what the API costs its clients and the daemon.

mod client;
mod events;
mod history;
mod polling;
mod resident;

use std::net::SocketAddr;
use std::time::Duration;

pub use history::seed;

use client::Connection;

/// What is asked, and whom.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Where the daemon listens.
    pub address: SocketAddr,
    /// Its process.
    pub pid: u32,
    /// One of its clusters.
    pub cluster: String,
    /// How long each load goes on.
    pub span: Duration,
}

/// Measures, and tells each figure in a line.
pub async fn run(plan: &Plan) -> anyhow::Result<Vec<String>> {
    let cluster = &plan.cluster;
    let status = format!("/api/v1/cluster/status?cluster={cluster}");
    let current = format!("/api/v1/metrics/current?cluster={cluster}");
    let day = history::path_of_a_day(cluster);
    let day_of_member = format!("{day}&member=1");
    let mut lines = Vec::new();
    lines.push(one_after_another(plan, "/metrics", "/metrics").await?);
    lines.push(one_after_another(plan, "one day of history", &day).await?);
    let before = resident::cpu_seconds(plan.pid)?;
    let polled = [
        ("status", &status),
        ("metrics/current", &current),
        ("one day of history of a member", &day_of_member),
    ];
    for (name, path) in polled {
        let latencies = polling::run(plan, path).await?;
        lines.push(format!("100 clients at 10 requests/s, {name}: {latencies}"));
    }
    let loads = tokio::join!(
        polling::run(plan, &status),
        one_after_another(plan, "one day of history meanwhile", &day)
    );
    lines.push(format!(
        "100 clients at 10 requests/s, status again: {}",
        loads.0?
    ));
    lines.push(loads.1?);
    let share = (resident::cpu_seconds(plan.pid)? - before) / (4.0 * plan.span.as_secs_f64());
    lines.push(format!(
        "the daemon took {:.0} % of a core at 1,000 requests/s",
        100.0 * share
    ));
    lines.extend(follow(plan).await?);
    Ok(lines)
}

/// Measures what the clients of the live events cost alone.
pub async fn follow(plan: &Plan) -> anyhow::Result<Vec<String>> {
    events::run(plan).await
}

/// Requests on one connection, each when the one before is answered.
async fn one_after_another(plan: &Plan, name: &str, path: &str) -> anyhow::Result<String> {
    let mut connection = Connection::open(plan.address).await?;
    let mut latencies = polling::Latencies::default();
    let mut bytes = 0;
    for _ in 0..200 {
        let begin = tokio::time::Instant::now();
        bytes = connection.get(path).await?;
        latencies.add(begin.elapsed());
        // Room for those who ask meanwhile, as between two clients that look at a chart.
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(format!("{name}, {bytes} bytes: {latencies}"))
}
