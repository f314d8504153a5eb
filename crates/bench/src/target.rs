//! Which members the load goes to.

use std::convert::Infallible;
use std::sync::Arc;

use etcd_monitor_client::discovery::{Discovery, DiscoveryPolicy};
use etcd_monitor_client::{
    ClientOptions, ClusterClient, Consistency, Endpoint, MemberClient, MemberListAnswer,
    StatusAnswer,
};
use tokio::task::JoinSet;

use crate::at_once::all_at_once;
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
        let told = self.told(&cluster, endpoints).await;
        let mut wanted: Vec<Endpoint> = Vec::new();
        let mut others = Vec::new();
        for (endpoint, _) in found(client, endpoints, &told) {
            match told.iter().find(|told| told.endpoint == endpoint) {
                Some(told) if self.wants(&told.status) => wanted.push(endpoint),
                // Who has just not answered has said nothing of itself.
                None if !endpoints.contains(&endpoint) => others.push(status(&cluster, &endpoint)),
                _ => {}
            }
        }
        if self != Self::Leader || wanted.is_empty() {
            let others = all_at_once(others).await.unwrap_or_default();
            let others = others.into_iter().flatten();
            let others = others.filter(|(_, status)| self.wants(status));
            wanted.extend(others.map(|(endpoint, _)| endpoint));
        }
        if wanted.is_empty() {
            return Err(BenchError::NoTarget {
                wanted: self.as_str(),
            });
        }
        Ok(wanted)
    }

    fn wants(self, status: &StatusAnswer) -> bool {
        let leads = status.leader == Some(status.member_id);
        // Learners answer neither linearizable reads nor writes.
        !status.is_learner && (self == Self::Each || leads == (self == Self::Leader))
    }

    /// What the endpoints say, in their order. Who looks for the leader does not wait for others once it has answered.
    async fn told(self, cluster: &ClusterClient, endpoints: &[Endpoint]) -> Vec<Told> {
        let mut asked = JoinSet::new();
        for (place, endpoint) in endpoints.iter().enumerate() {
            let told = tell(cluster.member(endpoint));
            asked.spawn(async move { (place, told.await) });
        }
        let mut all = Vec::new();
        while let Some(ended) = asked.join_next().await {
            let Ok((place, Some(told))) = ended else {
                continue;
            };
            if self == Self::Leader && self.wants(&told.status) {
                return vec![told];
            }
            all.push((place, told));
        }
        all.sort_by_key(|(place, _)| *place);
        all.into_iter().map(|(_, told)| told).collect()
    }
}

/// The status of a member, where it answers.
fn status(
    cluster: &ClusterClient,
    endpoint: &Endpoint,
) -> impl Future<Output = Result<Option<(Endpoint, StatusAnswer)>, Infallible>> + use<> {
    let member = cluster.member(endpoint);
    async move {
        let status = member.status().await.ok();
        Ok(status.map(|status| (member.endpoint().clone(), status)))
    }
}

/// The members: those of the endpoints, and others that the member list tells, with their ids where they are known. Only those
/// of `asked` are asked for it.
pub(crate) async fn members(
    cluster: &ClusterClient,
    client: &ClientOptions,
    endpoints: &[Endpoint],
    asked: &[Endpoint],
) -> Vec<(Endpoint, Option<u64>)> {
    let asked = asked.iter().map(|endpoint| {
        let told = tell(cluster.member(endpoint));
        async move { Ok::<_, Infallible>(told.await) }
    });
    let told = all_at_once(asked.collect::<Vec<_>>()).await;
    let told: Vec<Told> = told.unwrap_or_default().into_iter().flatten().collect();
    found(client, endpoints, &told)
}

/// What an endpoint says of itself and of the members.
struct Told {
    endpoint: Endpoint,
    status: StatusAnswer,
    list: Option<MemberListAnswer>,
}

async fn tell(member: Arc<MemberClient>) -> Option<Told> {
    let status = member.status().await.ok()?;
    let list = member.member_list(Consistency::Serializable).await.ok();
    Some(Told {
        endpoint: member.endpoint().clone(),
        status,
        list,
    })
}

fn found(
    client: &ClientOptions,
    endpoints: &[Endpoint],
    told: &[Told],
) -> Vec<(Endpoint, Option<u64>)> {
    let policy = DiscoveryPolicy {
        enabled: true,
        has_credentials: client.credentials.is_some(),
        verified_tls: client.tls.is_some(),
    };
    let mut discovery = Discovery::new(endpoints.to_vec(), policy);
    for told in told {
        discovery.matched(&told.endpoint, told.status.member_id);
        if let Some(list) = &told.list {
            discovery.listed(&list.members);
        }
    }
    let targets = discovery.targets().into_iter();
    targets
        .filter_map(|target| Some((target.endpoint?, target.member_id)))
        .collect()
}
