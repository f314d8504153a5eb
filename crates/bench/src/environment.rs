//! Where a benchmark ran: the cluster before and after, and the machine of the client.

#[cfg(target_os = "linux")]
mod limits;
mod machine;

use etcd_monitor_client::{ClientError, ClientOptions, ClusterClient, Endpoint, StatusAnswer};
use serde::{Deserialize, Serialize};

use crate::at_once::all_at_once;

pub use machine::ClientMachine;

/// What a member said of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct MemberNow {
    /// Where it was asked.
    pub endpoint: String,
    /// Its id, in hex; `None` where it did not answer.
    pub id: Option<String>,
    /// Its version. Untrusted text.
    pub version: Option<String>,
    /// True if it says that it leads.
    pub leads: Option<bool>,
    /// Raft term.
    pub term: Option<u64>,
    /// Key-value revision.
    pub revision: Option<i64>,
    /// Allocated size of its database in bytes.
    pub database_bytes: Option<i64>,
    /// Why it did not answer.
    pub error: Option<String>,
}

/// The members that are asked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct ClusterNow {
    /// Id of the cluster, in hex.
    pub id: Option<String>,
    /// Id of the leader, in hex, as the first that answered says.
    pub leader: Option<String>,
    /// Raft term, likewise.
    pub term: Option<u64>,
    /// The members, in the order of the endpoints.
    pub members: Vec<MemberNow>,
}

/// Where a benchmark ran.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = BenchmarkEnvironment))]
#[non_exhaustive]
pub struct Environment {
    /// Version of the load generator.
    pub generator_version: String,
    /// The cluster before.
    pub before: ClusterNow,
    /// The cluster after; `None` where nobody answered.
    pub after: Option<ClusterNow>,
    /// True if another member led in the end, or the same in another term; `None` where that is not known.
    pub leader_changed: Option<bool>,
    /// The machine that the load came from.
    pub client: ClientMachine,
}

impl Environment {
    pub(crate) fn new(
        client: ClientMachine,
        before: ClusterNow,
        after: Result<ClusterNow, ClientError>,
    ) -> Self {
        let after = after.ok();
        let changed = after.as_ref().and_then(|after| {
            let before = (before.leader.as_ref()?, before.term?);
            Some(before != (after.leader.as_ref()?, after.term?))
        });
        Self {
            generator_version: env!("CARGO_PKG_VERSION").to_owned(),
            before,
            after,
            leader_changed: changed,
            client,
        }
    }
}

/// Asks every endpoint for its status. Fails with the first error where none answers.
pub(crate) async fn of_cluster(
    client: &ClientOptions,
    endpoints: &[Endpoint],
) -> Result<ClusterNow, ClientError> {
    let Asked { now, mut failed } = ask(client, endpoints).await?;
    if now.id.is_none() && !failed.is_empty() {
        return Err(failed.swap_remove(0));
    }
    Ok(now)
}

/// What the endpoints answered, and why some did not.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) now: ClusterNow,
    /// In the order of the endpoints.
    pub(crate) failed: Vec<ClientError>,
}

/// Asks every endpoint for its status, at the same time.
pub(crate) async fn ask(
    client: &ClientOptions,
    endpoints: &[Endpoint],
) -> Result<Asked, ClientError> {
    let cluster = ClusterClient::new(client.clone())?;
    let asked = endpoints.iter().map(|endpoint| {
        let member = cluster.connection(endpoint);
        async move { Ok::<_, ClientError>((member.endpoint().clone(), member.status().await)) }
    });
    let mut now = ClusterNow::default();
    let mut failed = Vec::new();
    for (endpoint, status) in all_at_once(asked.collect::<Vec<_>>()).await? {
        if let Ok(status) = &status
            && now.id.is_none()
        {
            now.id = Some(format!("{:x}", status.cluster_id));
            now.leader = status.leader.map(|id| format!("{id:x}"));
            now.term = Some(status.raft_term);
        }
        now.members.push(MemberNow::of(&endpoint, &status));
        failed.extend(status.err());
    }
    Ok(Asked { now, failed })
}

impl MemberNow {
    fn of(endpoint: &Endpoint, status: &Result<StatusAnswer, ClientError>) -> Self {
        let known = status.as_ref().ok();
        Self {
            endpoint: endpoint.to_string(),
            id: known.map(|status| format!("{:x}", status.member_id)),
            version: known.map(|status| status.version.clone()),
            leads: known.map(|status| status.leader == Some(status.member_id)),
            term: known.map(|status| status.raft_term),
            revision: known.map(|status| status.revision),
            database_bytes: known.map(|status| status.db_size_bytes),
            error: status.as_ref().err().map(ToString::to_string),
        }
    }
}
