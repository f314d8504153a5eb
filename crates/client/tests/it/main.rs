//! The client on real etcd, and on servers that no etcd would be.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod auth;
mod clusters;
mod faults;
mod hashes;
mod kv;
mod local;
mod pages;
mod tls;

use std::time::Duration;

use etcd_monitor_client::{ClientError, ClientOptions, ClusterClient, Endpoint, MemberClient};
use etcd_monitor_testkit::Member;

/// Short, so that tests of what never answers are quick; long enough for a loaded machine.
const DEADLINE: Duration = Duration::from_secs(1);

fn options() -> ClientOptions {
    ClientOptions::new().with_deadline(DEADLINE)
}

fn endpoint(url: &str) -> Endpoint {
    Endpoint::parse(url, false).unwrap()
}

/// A client of one endpoint alone.
fn client(url: &str, options: ClientOptions) -> std::sync::Arc<MemberClient> {
    ClusterClient::new(options).unwrap().member(&endpoint(url))
}

fn client_of(member: &Member) -> std::sync::Arc<MemberClient> {
    client(member.client_url(), options())
}

/// Calls until it succeeds; fails with the last error after `limit`.
async fn eventually<T>(
    limit: Duration,
    mut call: impl AsyncFnMut() -> Result<T, ClientError>,
) -> T {
    let mut ticks = tokio::time::interval(Duration::from_millis(50));
    let deadline = tokio::time::Instant::now() + limit;
    loop {
        ticks.tick().await;
        match call().await {
            Ok(answer) => return answer,
            Err(error) if tokio::time::Instant::now() > deadline => {
                panic!("after {limit:?}: {error}")
            }
            Err(_) => {}
        }
    }
}
