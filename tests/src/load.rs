//! A little load, so that the page has something to show.

use std::time::Duration;

use etcd_client::{Client, ConnectOptions};
use tokio::task::JoinHandle;

/// Time between two writes: ten a second, nothing that a laptop feels.
const PAUSE: Duration = Duration::from_millis(100);

/// Keys that are written in turn; the database stays small.
const KEYS: u64 = 1_000;

/// The load, ended on drop.
#[derive(Debug)]
pub(crate) struct Load(JoinHandle<()>);

impl Load {
    pub(crate) fn start(endpoints: Vec<String>) -> Self {
        Self(tokio::spawn(write_a_little(endpoints)))
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Writes small values through whichever member answers, until it is aborted. What fails is tried at the next one.
async fn write_a_little(endpoints: Vec<String>) {
    let options = ConnectOptions::new()
        .with_connect_timeout(Duration::from_secs(1))
        .with_timeout(Duration::from_secs(2));
    let mut pace = tokio::time::interval(PAUSE);
    let mut number: u64 = 0;
    for endpoint in endpoints.iter().cycle() {
        pace.tick().await;
        let Ok(mut client) = Client::connect([endpoint], Some(options.clone())).await else {
            continue;
        };
        loop {
            pace.tick().await;
            number += 1;
            let key = format!("demo/{}", number % KEYS);
            if client
                .put(key, format!("value {number}"), None)
                .await
                .is_err()
            {
                break;
            }
        }
    }
}
