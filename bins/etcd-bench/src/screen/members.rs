//! Asks the members for their status while a benchmark runs.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use etcd_monitor_client::{ClientOptions, ClusterClient, Endpoint};

use super::draw::{MemberView, View};
use super::lock;

/// One small call to each member.
const INTERVAL: Duration = Duration::from_secs(1);

/// Asks without end.
pub(super) async fn ask(client: ClientOptions, endpoints: Vec<Endpoint>, view: Arc<Mutex<View>>) {
    let Ok(cluster) = ClusterClient::new(client) else {
        return;
    };
    let mut ticks = tokio::time::interval(INTERVAL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let mut members = Vec::new();
        for endpoint in &endpoints {
            let status = cluster.member(endpoint).status().await;
            members.push(MemberView {
                endpoint: endpoint.to_string(),
                told: match status {
                    Ok(status) => {
                        let role = if status.leader == Some(status.member_id) {
                            "leader"
                        } else if status.is_learner {
                            "learner"
                        } else {
                            "follower"
                        };
                        let megabytes = status.db_size_bytes >> 20;
                        format!(
                            "{role}, term {}, revision {}, database {megabytes} MiB",
                            status.raft_term, status.revision
                        )
                    }
                    Err(error) => error.kind().as_str().replace('_', " "),
                },
            });
        }
        lock(&view).members = members;
    }
}
