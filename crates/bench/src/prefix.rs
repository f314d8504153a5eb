//! The keys of a benchmark: all below one prefix, where nothing else may be.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use etcd_monitor_client::{
    ClientError, ClientOptions, ClusterClient, Endpoint, ErrorKind, MemberClient, RangeAnswer,
    RangeQuery,
};

use crate::at_once::first_answer;
use crate::error::BenchError;
use crate::keys::end_of_prefix;

/// Keys that are deleted at once: one deletion of a million would hold up the member for seconds.
const DELETED_AT_ONCE: i64 = 10_000;

/// The part of a deadline for which one member alone is asked.
const PATIENCE_PART: u32 = 4;

/// The keys below one prefix.
#[derive(Debug)]
pub(crate) struct Prefix {
    text: String,
    end: Vec<u8>,
    members: Vec<MemberClient>,
    /// The place of the member that answered last.
    answers: AtomicUsize,
    /// How long it alone is asked.
    patience: Duration,
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
            answers: AtomicUsize::new(0),
            patience: client.deadline / PATIENCE_PART,
        })
    }

    /// Asks the member at this place of the endpoints first, from now on: it has just answered.
    pub(crate) fn answers(&self, place: usize) {
        self.answers.store(place, Ordering::Relaxed);
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
        let compacted = self.ask(|member| member.compact(revision)).await;
        match compacted {
            Err(error) if error.kind() == ErrorKind::Compacted => Ok(()),
            ended => ended,
        }
    }

    async fn range(&self, query: &RangeQuery<'_>) -> Result<RangeAnswer, ClientError> {
        self.ask(|member| member.range(query)).await
    }

    /// Deletes the keys from the prefix to before `end`. Two members may be asked to, and one that was slow
    /// may do so later: what is below the prefix by then is deleted too, which is what the end is for.
    async fn delete(&self, end: &[u8]) -> Result<(), ClientError> {
        let begin = self.text.as_bytes();
        let deleted = self.ask(|member| member.delete(begin, end)).await;
        deleted.map(drop)
    }

    /// Asks the member that answered last; where it fails, or is silent for a part of its time, all others as well. The first
    /// answer is taken; where there is none, the error of the member that was asked first is told.
    async fn ask<'a, T, F>(&'a self, call: impl Fn(&'a MemberClient) -> F) -> Result<T, ClientError>
    where
        F: Future<Output = Result<T, ClientError>>,
    {
        let count = self.members.len();
        let first = self.answers.load(Ordering::Relaxed);
        let order = (0..count).map(|turn| (first + turn) % count.max(1));
        let asked = order.filter_map(|place| {
            let asked = call(self.members.get(place)?);
            Some(async move { asked.await.map(|answer| (place, answer)) })
        });
        let Some(answered) = first_answer(asked, self.patience).await else {
            unreachable!("it is made with endpoints");
        };
        let (place, answer) = answered?;
        self.answers.store(place, Ordering::Relaxed);
        Ok(answer)
    }
}
