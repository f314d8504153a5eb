//! What an operator does to a cluster, for tests: writes, alarms, maintenance, leadership.

use std::time::Duration;

use etcd_client::{AlarmAction, AlarmOptions, AlarmType, Client, StatusResponse};
use futures_util::future::join_all;

use super::{Cluster, Member};
use crate::error::Error;

/// For one call to one member. Longer than etcd's own limit of 7 s for a proposal.
const CALL_LIMIT: Duration = Duration::from_secs(10);

/// For a status, which a healthy member answers without asking anybody.
const STATUS_LIMIT: Duration = Duration::from_secs(2);

/// Near the largest request etcd takes (1.5 MiB).
const FILLER_BYTES: usize = 1 << 20;

/// More than one client can write in etcd's commit interval of 100 ms.
const WRITES_BETWEEN_COMMITS: u64 = 200;

/// Filling a larger quota would take gigabytes of memory and minutes.
const LARGEST_FILLED_QUOTA: u64 = 256 << 20;

/// etcd's refusal of a write over the quota.
const NO_SPACE: &str = "database space exceeded";

/// The alarms that etcd knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AlarmKind {
    /// The database has reached its quota.
    NoSpace,
    /// A member's data differs from the others'.
    Corrupt,
}

impl Cluster {
    /// Writes one key through the first member that takes it.
    pub async fn put(&self, key: &str, value: impl Into<Vec<u8>>) -> Result<(), Error> {
        let value = value.into();
        let operation = format!("put of {key}");
        self.call_any(&operation, async |client| {
            client.put(key, value.clone(), None).await.map(drop)
        })
        .await
    }

    /// The index of the leader, or `None` while there is none. Of two members that both claim to
    /// lead, the one with the higher term does.
    pub async fn leader_index(&self) -> Option<usize> {
        let statuses = join_all(self.members.iter().map(Member::status)).await;
        let claims = statuses.iter().enumerate().filter_map(|(index, status)| {
            let status = status.as_ref().ok()?;
            let own = status.header()?.member_id();
            (status.leader() == own).then_some((status.raft_term(), index))
        });
        claims.max().map(|(_, index)| index)
    }
}

impl Cluster {
    /// Fills the database until etcd raises NOSPACE.
    ///
    /// # Errors
    /// [`Error::Usage`] unless the quota was set to at most 256 MiB.
    pub async fn fill_quota(&self) -> Result<(), Error> {
        let quota = self
            .builder
            .quota_backend_bytes
            .filter(|quota| *quota <= LARGEST_FILLED_QUOTA);
        let Some(quota) = quota else {
            let advice = "fill_quota needs quota_backend_bytes of at most 256 MiB";
            return Err(Error::Usage(advice.to_owned()));
        };
        // Each write takes at least its own size; etcd notices at the next commit, 100 ms later.
        for number in 0..quota.div_ceil(FILLER_BYTES as u64) + WRITES_BETWEEN_COMMITS {
            let written = self
                .put(&format!("filler/{number}"), vec![0; FILLER_BYTES])
                .await;
            match written {
                Err(error) if error.to_string().contains(NO_SPACE) => return Ok(()),
                outcome => outcome?,
            }
        }
        Err(Error::operation(
            "filling the quota",
            "etcd took more than its quota",
        ))
    }

    /// Raises an alarm on the first member, as etcd does when it finds the condition.
    pub async fn raise_alarm(&self, kind: AlarmKind) -> Result<(), Error> {
        let id = self.members.first().map_or(0, Member::id);
        self.call_any("raising an alarm", async |client| {
            let mut options = AlarmOptions::new();
            options.with_member(id);
            client
                .alarm(AlarmAction::Activate, kind.into(), Some(options))
                .await
                .map(drop)
        })
        .await
    }

    /// Disarms every alarm. etcd raises NOSPACE again with the next write when the database is
    /// still full.
    pub async fn disarm_alarms(&self) -> Result<(), Error> {
        self.call_any("disarming alarms", async |client| {
            let listed = client
                .alarm(AlarmAction::Get, AlarmType::None, None)
                .await?;
            for alarm in listed.alarms() {
                let mut options = AlarmOptions::new();
                options.with_member(alarm.member_id());
                client
                    .alarm(AlarmAction::Deactivate, alarm.alarm(), Some(options))
                    .await?;
            }
            Ok(())
        })
        .await
    }

    /// Defragments one member's database; the member answers nothing meanwhile.
    pub async fn defragment(&self, index: usize) -> Result<(), Error> {
        self.member(index)
            .call("defragment", async |client| {
                client.defragment().await.map(drop)
            })
            .await
    }

    /// Hands the leadership to the member with index `to`.
    pub async fn move_leader(&self, to: usize) -> Result<(), Error> {
        let target = self.member(to).id();
        let Some(leader) = self.leader_index().await else {
            return Err(Error::operation("moving the leader", "there is none"));
        };
        let member = self.member(leader);
        member
            .call("move leader", async |client| {
                client.move_leader(target).await.map(drop)
            })
            .await
    }
}

impl From<AlarmKind> for AlarmType {
    fn from(kind: AlarmKind) -> Self {
        match kind {
            AlarmKind::NoSpace => Self::Nospace,
            AlarmKind::Corrupt => Self::Corrupt,
        }
    }
}

impl Member {
    /// The member's own view, past any proxy.
    async fn status(&self) -> Result<StatusResponse, String> {
        if self.pid().is_none() {
            return Err(format!("{} does not run", self.name));
        }
        self.access
            .call(&self.urls.direct_client, STATUS_LIMIT, async |client| {
                client.status().await
            })
            .await
    }

    /// Runs one call on this member, past any proxy.
    pub(super) async fn call<T>(
        &self,
        operation: &str,
        call: impl AsyncFnOnce(&mut Client) -> Result<T, etcd_client::Error>,
    ) -> Result<T, Error> {
        let answer = self
            .access
            .call(&self.urls.direct_client, CALL_LIMIT, call)
            .await;
        answer.map_err(|reason| Error::operation(format!("{operation} on {}", self.name), reason))
    }
}

impl Cluster {
    /// Runs one call on the members, one after the other, until one succeeds. Returns the last
    /// refusal otherwise.
    pub(super) async fn call_any<T>(
        &self,
        operation: &str,
        mut call: impl AsyncFnMut(&mut Client) -> Result<T, etcd_client::Error>,
    ) -> Result<T, Error> {
        let mut refusal = Error::operation(operation, "no member runs");
        for member in self.present().filter(|member| member.pid().is_some()) {
            match member.call(operation, &mut call).await {
                Ok(value) => return Ok(value),
                Err(error) => refusal = error,
            }
        }
        Err(refusal)
    }
}
