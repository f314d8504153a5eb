//! Which members the load goes to.

use etcd_monitor_client::discovery::{Discovery, DiscoveryPolicy};
use etcd_monitor_client::{ClientOptions, ClusterClient, Consistency, Endpoint};

use crate::error::BenchError;

/// Which members the load goes to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Target {
    /// Those of the endpoints.
    #[default]
    All,
    /// The leader alone: no request makes the way from a follower to it.
    Leader,
    /// The followers alone.
    Followers,
    /// All members, for whoever measures one after the other.
    Each,
}

impl Target {
    /// Its name, as the flag has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Leader => "leader",
            Self::Followers => "follower",
            Self::Each => "each",
        }
    }

    /// The endpoints of these members: of those that are given, and of others that the member list tells. Who leads is asked now;
    /// it may change while the load runs, which the report tells.
    ///
    /// Fails where there is no such member, or none that may be contacted.
    pub async fn endpoints(
        self,
        client: &ClientOptions,
        endpoints: &[Endpoint],
    ) -> Result<Vec<Endpoint>, BenchError> {
        if self == Self::All {
            return Ok(endpoints.to_vec());
        }
        let cluster = ClusterClient::new(client.clone())?;
        let mut wanted = Vec::new();
        for (endpoint, _) in members(&cluster, client, endpoints).await {
            let Ok(status) = cluster.member(&endpoint).status().await else {
                continue;
            };
            let leads = status.leader == Some(status.member_id);
            // Learners answer neither linearizable reads nor writes.
            let is_wanted = self == Self::Each || leads == (self == Self::Leader);
            if is_wanted && !status.is_learner {
                wanted.push(endpoint);
            }
        }
        if wanted.is_empty() {
            return Err(BenchError::NoTarget {
                wanted: self.as_str(),
            });
        }
        Ok(wanted)
    }
}

/// The members: those of the endpoints, and others that the member list tells, with their ids where they are known.
pub(crate) async fn members(
    cluster: &ClusterClient,
    client: &ClientOptions,
    endpoints: &[Endpoint],
) -> Vec<(Endpoint, Option<u64>)> {
    let policy = DiscoveryPolicy {
        enabled: true,
        has_credentials: client.credentials.is_some(),
        verified_tls: client.tls.is_some(),
    };
    let mut discovery = Discovery::new(endpoints.to_vec(), policy);
    for endpoint in endpoints {
        let member = cluster.member(endpoint);
        if let Ok(status) = member.status().await {
            discovery.matched(endpoint, status.member_id);
            if let Ok(list) = member.member_list(Consistency::Serializable).await {
                discovery.listed(&list.members);
            }
        }
    }
    let targets = discovery.targets().into_iter();
    targets
        .filter_map(|target| Some((target.endpoint?, target.member_id)))
        .collect()
}
