//! The keys of a benchmark: all below one prefix, where nothing else may be.

use etcd_monitor_client::{
    ClientError, ClientOptions, ClusterClient, Endpoint, ErrorKind, MemberClient, RangeAnswer,
    RangeQuery,
};

use crate::error::BenchError;
use crate::keys::end_of_prefix;

/// Keys that are deleted at once: one deletion of a million would hold up the member for seconds.
const DELETED_AT_ONCE: i64 = 10_000;

/// The keys below one prefix.
#[derive(Debug)]
pub(crate) struct Prefix {
    text: String,
    end: Vec<u8>,
    members: Vec<MemberClient>,
}

impl Prefix {
    /// Fails for the empty prefix, which is every key of the cluster.
    pub(crate) fn new(
        client: &ClientOptions,
        endpoints: &[Endpoint],
        prefix: &str,
    ) -> Result<Self, BenchError> {
        if endpoints.is_empty() {
            return Err(BenchError::BadPlan {
                name: "endpoints",
                reason: "there is none to ask".to_owned(),
            });
        }
        if prefix.is_empty() {
            return Err(BenchError::BadPlan {
                name: "prefix",
                reason: "without one, every key of the cluster would be deleted in the end"
                    .to_owned(),
            });
        }
        let cluster = ClusterClient::new(client.clone())?;
        let members = endpoints
            .iter()
            .map(|endpoint| cluster.connection(endpoint));
        Ok(Self {
            text: prefix.to_owned(),
            end: end_of_prefix(prefix.as_bytes()),
            members: members.collect(),
        })
    }

    fn all(&self) -> RangeQuery<'_> {
        RangeQuery {
            end: &self.end,
            ..RangeQuery::key(self.text.as_bytes())
        }
    }

    /// Refuses to go on where there are keys already.
    pub(crate) async fn refuse_foreign_keys(&self) -> Result<(), BenchError> {
        let query = RangeQuery {
            count_only: true,
            ..self.all()
        };
        let count = self.range(&query).await?.count;
        if count == 0 {
            return Ok(());
        }
        Err(BenchError::PrefixInUse {
            prefix: self.text.clone(),
            count,
        })
    }

    /// The revision of the cluster, as confirmed by a quorum.
    pub(crate) async fn revision(&self) -> Result<i64, ClientError> {
        let query = RangeQuery {
            count_only: true,
            end: &[],
            ..self.all()
        };
        let answer = self.range(&query).await?;
        Ok(answer.revision)
    }

    /// Deletes all keys, some at a time.
    pub(crate) async fn delete_all(&self) -> Result<(), ClientError> {
        let query = RangeQuery {
            keys_only: true,
            limit: DELETED_AT_ONCE,
            ..self.all()
        };
        loop {
            let some = self.range(&query).await?;
            if some.pairs == 0 {
                return Ok(());
            }
            let mut end = some.last_key;
            end.push(0);
            self.delete(&end).await?;
        }
    }

    /// Has etcd forget what was before now. That somebody else had it do so already is no error.
    pub(crate) async fn compact(&self) -> Result<(), ClientError> {
        let revision = self.revision().await?;
        let (last, others) = self.members();
        for member in others {
            if member.compact(revision).await.is_ok() {
                return Ok(());
            }
        }
        match last.compact(revision).await {
            Err(error) if error.kind() == ErrorKind::Compacted => Ok(()),
            ended => ended,
        }
    }

    /// Asks one member after the other until one answers; the last error where none does.
    async fn range(&self, query: &RangeQuery<'_>) -> Result<RangeAnswer, ClientError> {
        let (last, others) = self.members();
        for member in others {
            if let Ok(answer) = member.range(query).await {
                return Ok(answer);
            }
        }
        last.range(query).await
    }

    /// Deletes the keys from the prefix to before `end`, by the first member that does.
    async fn delete(&self, end: &[u8]) -> Result<(), ClientError> {
        let (last, others) = self.members();
        for member in others {
            if member.delete(self.text.as_bytes(), end).await.is_ok() {
                return Ok(());
            }
        }
        last.delete(self.text.as_bytes(), end).await.map(drop)
    }

    fn members(&self) -> (&MemberClient, &[MemberClient]) {
        let Some(split) = self.members.split_last() else {
            unreachable!("it is made with endpoints");
        };
        split
    }
}
