//! etcd's own lock and election services.

use std::time::Duration;

use etcd_client::{GetOptions, LockOptions, ObserveStream, ResignOptions, SortOrder, SortTarget};

use super::{MemberClient, bad, into_status};
use crate::endpoint::Endpoint;
use crate::error::{Cause, ClientError, Operation, classify_status};

/// A lock that is held.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LockAnswer {
    /// The key that stands for it: whoever deletes it releases the lock.
    pub key: Vec<u8>,
    /// Revision of the member when it gave the lock.
    pub revision: i64,
}

/// The leadership of an election.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct LeadershipAnswer {
    /// The key that stands for it.
    pub key: Vec<u8>,
    /// Revision at which this key was made.
    pub create_revision: i64,
    leader: LeaderKey,
}

/// etcd-client's type is no part of what this crate promises.
#[derive(Debug, Clone)]
struct LeaderKey(etcd_client::LeaderKey);

impl PartialEq for LeaderKey {
    fn eq(&self, other: &Self) -> bool {
        (self.0.key(), self.0.rev()) == (other.0.key(), other.0.rev())
    }
}

/// A key by the revision at which it was made.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct OldestKeyAnswer {
    /// The key that was made first, of those that are there; `None` where none is.
    pub key: Option<Vec<u8>>,
    /// Revision at which it was made; 0 without one.
    pub create_revision: i64,
    /// Revision of the member when it answered.
    pub revision: i64,
}

impl MemberClient {
    /// Waits for a lock (`v3lock`), as long as `limit` at most, and holds it until it is unlocked or the lease ends.
    ///
    /// After [`ErrorKind::TimedOut`](crate::ErrorKind::TimedOut), and where the call is dropped, the member takes the wish back.
    pub async fn lock(
        &self,
        name: &[u8],
        lease: i64,
        limit: Duration,
    ) -> Result<LockAnswer, ClientError> {
        let answer = self.call_within(limit, Operation::Lock, || async {
            let mut client = self.etcd().await?.lock_client();
            let options = LockOptions::new().with_lease(lease);
            client.lock(name, Some(options)).await.map_err(into_status)
        });
        let answer = answer.await?;
        let header = answer.header().ok_or_else(|| bad("the lock has no header"));
        let locked = header.map(|header| LockAnswer {
            key: answer.key().to_vec(),
            revision: header.revision(),
        });
        self.checked(Operation::Lock, locked)
    }

    /// Releases a lock by its key, and returns the revision of that.
    pub async fn unlock(&self, key: &[u8]) -> Result<i64, ClientError> {
        let answer = self.call(Operation::Lock, || async {
            let mut client = self.etcd().await?.lock_client();
            client.unlock(key).await.map_err(into_status)
        });
        let answer = answer.await?;
        let header = answer
            .header()
            .ok_or_else(|| bad("the answer has no header"));
        self.checked(
            Operation::Lock,
            header.map(etcd_client::ResponseHeader::revision),
        )
    }

    /// Waits to be elected (`v3election`), as long as `limit` at most, and leads until it resigns or the lease ends.
    pub async fn campaign(
        &self,
        name: &[u8],
        value: &[u8],
        lease: i64,
        limit: Duration,
    ) -> Result<LeadershipAnswer, ClientError> {
        let answer = self.call_within(limit, Operation::Election, || async {
            let mut client = self.etcd().await?.election_client();
            let campaign = client.campaign(name, value, lease).await;
            campaign.map_err(into_status)
        });
        let mut answer = answer.await?;
        let leader = answer.take_leader();
        let leader = leader.ok_or_else(|| bad("who was elected has no key"));
        let elected = leader.map(|leader| LeadershipAnswer {
            key: leader.key().to_vec(),
            create_revision: leader.rev(),
            leader: LeaderKey(leader),
        });
        self.checked(Operation::Election, elected)
    }

    /// Gives the leadership up, and returns the revision of that.
    pub async fn resign(&self, leadership: &LeadershipAnswer) -> Result<i64, ClientError> {
        let answer = self.call(Operation::Election, || async {
            let mut client = self.etcd().await?.election_client();
            let options = ResignOptions::new().with_leader(leadership.leader.0.clone());
            client.resign(Some(options)).await.map_err(into_status)
        });
        let answer = answer.await?;
        let header = answer
            .header()
            .ok_or_else(|| bad("the answer has no header"));
        self.checked(
            Operation::Election,
            header.map(etcd_client::ResponseHeader::revision),
        )
    }

    /// Hears of each leader of an election. The member says nothing before there is one: `limit` is how long that may take.
    pub async fn observe(&self, name: &[u8], limit: Duration) -> Result<LeaderFeed, ClientError> {
        let stream = self.call_within(limit, Operation::Election, || async {
            let mut client = self.etcd().await?.election_client();
            client.observe(name).await.map_err(into_status)
        });
        Ok(LeaderFeed {
            stream: stream.await?,
            endpoint: self.endpoint().clone(),
        })
    }

    /// The key that was made first of those from `key` to before `end`: who holds a lock or leads, as a quorum confirms it.
    pub async fn oldest_key(&self, key: &[u8], end: &[u8]) -> Result<OldestKeyAnswer, ClientError> {
        let answer = self.call(Operation::Range, || async {
            let options = GetOptions::new()
                .with_range(end)
                .with_keys_only()
                .with_sort(SortTarget::Create, SortOrder::Ascend)
                .with_limit(1);
            let mut client = self.etcd().await?.kv_client();
            client.get(key, Some(options)).await.map_err(into_status)
        });
        let answer = answer.await?;
        let header = answer
            .header()
            .ok_or_else(|| bad("the answer has no header"));
        let first = answer.kvs().first();
        let oldest = header.map(|header| OldestKeyAnswer {
            key: first.map(|pair| pair.key().to_vec()),
            create_revision: first.map_or(0, etcd_client::KeyValue::create_revision),
            revision: header.revision(),
        });
        self.checked(Operation::Range, oldest)
    }
}

/// The leaders of one election, one after the other; those that lead for a moment alone may be left out.
pub struct LeaderFeed {
    stream: ObserveStream,
    endpoint: Endpoint,
}

impl LeaderFeed {
    /// The revision at which the key of the next leader was made, however long that takes. Cancel-safe. After an error the feed
    /// is of no use.
    pub async fn next(&mut self) -> Result<i64, ClientError> {
        loop {
            let answer = self.stream.message().await.map_err(into_status);
            let answer = answer.map_err(|status| self.failed(classify_status(&status)))?;
            let answer =
                answer.ok_or_else(|| self.failed(bad("the member ended the observation")))?;
            if let Some(pair) = answer.kv() {
                return Ok(pair.create_revision());
            }
        }
    }

    fn failed(&self, cause: Cause) -> ClientError {
        ClientError::new(Operation::Election, Some(&self.endpoint), cause)
    }
}

/// etcd's own stream has no `Debug`.
impl std::fmt::Debug for LeaderFeed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LeaderFeed({})", self.endpoint)
    }
}
