//! Key-value calls as programs make them: ranges, deletions, transactions. Only who measures or operates makes them.

use etcd_client::{
    Compare, CompareOp, DeleteOptions, DeleteResponse, GetOptions, GetResponse, PutOptions,
    PutResponse, Txn, TxnOp, TxnOpResponse, TxnResponse,
};

use super::{Consistency, MemberClient, bad, into_status};
use crate::error::{Cause, ClientError, Operation};

/// The largest answer of a range that is read, in bytes. etcd's own clients know no limit.
const RANGE_ANSWER_MAX_BYTES: usize = 256 << 20;

/// Which keys a range is about, and what of them is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RangeQuery<'a> {
    /// The first key.
    pub key: &'a [u8],
    /// The key behind the last one; empty for `key` alone.
    pub end: &'a [u8],
    /// How many pairs at most; 0 for all.
    pub limit: i64,
    /// Leaves out the values.
    pub keys_only: bool,
    /// Wants nothing but how many there are.
    pub count_only: bool,
    /// Whether a quorum confirms the answer.
    pub consistency: Consistency,
}

impl<'a> RangeQuery<'a> {
    /// One key with its value, confirmed by a quorum.
    pub fn key(key: &'a [u8]) -> Self {
        Self {
            key,
            end: &[],
            limit: 0,
            keys_only: false,
            count_only: false,
            consistency: Consistency::Linearizable,
        }
    }

    fn options(&self) -> GetOptions {
        let mut options = GetOptions::new().with_limit(self.limit);
        if !self.end.is_empty() {
            options = options.with_range(self.end);
        }
        if self.keys_only {
            options = options.with_keys_only();
        }
        if self.count_only {
            options = options.with_count_only();
        }
        if self.consistency == Consistency::Serializable {
            options = options.with_serializable();
        }
        options
    }
}

/// The answer of `KV.Range`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RangeAnswer {
    /// Revision of the member when it answered.
    pub revision: i64,
    /// Keys of the whole range, those beyond the limit included.
    pub count: i64,
    /// Keys that were sent.
    pub pairs: usize,
    /// Bytes of the keys and values that were sent.
    pub bytes: usize,
    /// The last key that was sent; empty where none was.
    pub last_key: Vec<u8>,
}

/// The answer of `KV.DeleteRange`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeleteAnswer {
    /// Revision after the deletion.
    pub revision: i64,
    /// Keys that were deleted.
    pub deleted: i64,
}

/// Puts that are made together, or not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PutsQuery<'a> {
    /// Keys and values.
    pub puts: &'a [(Vec<u8>, Vec<u8>)],
    /// Only while the first key was last changed at this revision (0: while it is not there); `None` for in any case.
    pub if_first_modified_at: Option<i64>,
}

/// The answer of `KV.Txn` to puts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct PutsAnswer {
    /// Revision after the transaction.
    pub revision: i64,
    /// True if the puts were made.
    pub succeeded: bool,
    /// Where they were not: the revision at which the first key was last changed, 0 where it is not there.
    pub first_modified_at: Option<i64>,
}

impl MemberClient {
    /// Writes a key, and returns the revision of the write.
    pub async fn put(&self, key: &[u8], value: &[u8]) -> Result<i64, ClientError> {
        self.put_with(key, value, None).await
    }

    /// Reads the keys of a range. Answers of more than 256 MiB are errors.
    pub async fn range(&self, query: &RangeQuery<'_>) -> Result<RangeAnswer, ClientError> {
        let answer = self.call(Operation::Range, || async {
            let client = self.etcd().await?.kv_client();
            let mut client = client.max_decoding_message_size(RANGE_ANSWER_MAX_BYTES);
            let got = client.get(query.key, Some(query.options())).await;
            got.map_err(into_status)
        });
        let answer = answer.await?;
        self.checked(Operation::Range, range_answer(&answer))
    }

    /// Deletes the keys from `key` to before `end`; `key` alone where `end` is empty.
    pub async fn delete(&self, key: &[u8], end: &[u8]) -> Result<DeleteAnswer, ClientError> {
        let answer = self.call(Operation::Delete, || async {
            let range = (!end.is_empty()).then(|| DeleteOptions::new().with_range(end));
            let mut client = self.etcd().await?.kv_client();
            client.delete(key, range).await.map_err(into_status)
        });
        let answer = answer.await?;
        self.checked(Operation::Delete, delete_answer(&answer))
    }

    /// Forgets what was before this revision, for everybody: reads and watches of older revisions fail from then on.
    pub async fn compact(&self, revision: i64) -> Result<(), ClientError> {
        let answer = self.call(Operation::Compact, || async {
            let mut client = self.etcd().await?.kv_client();
            client.compact(revision, None).await.map_err(into_status)
        });
        answer.await.map(drop)
    }

    /// Makes several puts in one transaction.
    pub async fn puts(&self, query: &PutsQuery<'_>) -> Result<PutsAnswer, ClientError> {
        let answer = self.call(Operation::Txn, || async {
            let mut client = self.etcd().await?.kv_client();
            client.txn(transaction(query)).await.map_err(into_status)
        });
        let answer = answer.await?;
        self.checked(Operation::Txn, puts_answer(&answer))
    }

    pub(super) async fn put_with(
        &self,
        key: &[u8],
        value: &[u8],
        options: Option<PutOptions>,
    ) -> Result<i64, ClientError> {
        let answer = self.call(Operation::Put, || async {
            let mut client = self.etcd().await?.kv_client();
            let put = client.put(key, value, options.clone()).await;
            put.map_err(into_status)
        });
        let answer = answer.await?;
        self.checked(Operation::Put, put_answer(&answer))
    }
}

fn transaction(query: &PutsQuery<'_>) -> Txn {
    let puts = query.puts.iter();
    let puts = puts.map(|(key, value)| TxnOp::put(key.as_slice(), value.as_slice(), None));
    let puts: Vec<TxnOp> = puts.collect();
    let (Some(revision), Some((first, _))) = (query.if_first_modified_at, query.puts.first())
    else {
        return Txn::new().and_then(puts);
    };
    let is_as_it_was = Compare::mod_revision(first.as_slice(), CompareOp::Equal, revision);
    let look = TxnOp::get(first.as_slice(), Some(GetOptions::new().with_keys_only()));
    // etcd-client takes the parts in this order only.
    Txn::new()
        .when([is_as_it_was])
        .and_then(puts)
        .or_else([look])
}

fn no_header() -> Cause {
    bad("the answer has no header")
}

fn put_answer(answer: &PutResponse) -> Result<i64, Cause> {
    let header = answer.header().ok_or_else(no_header)?;
    Ok(header.revision())
}

fn range_answer(answer: &GetResponse) -> Result<RangeAnswer, Cause> {
    let header = answer.header().ok_or_else(no_header)?;
    let pairs = answer.kvs();
    let bytes = pairs
        .iter()
        .map(|pair| pair.key().len() + pair.value().len());
    Ok(RangeAnswer {
        revision: header.revision(),
        count: answer.count(),
        pairs: pairs.len(),
        bytes: bytes.sum(),
        last_key: pairs
            .last()
            .map_or_else(Vec::new, |pair| pair.key().to_vec()),
    })
}

fn delete_answer(answer: &DeleteResponse) -> Result<DeleteAnswer, Cause> {
    let header = answer.header().ok_or_else(no_header)?;
    Ok(DeleteAnswer {
        revision: header.revision(),
        deleted: answer.deleted(),
    })
}

fn puts_answer(answer: &TxnResponse) -> Result<PutsAnswer, Cause> {
    let header = answer.header().ok_or_else(no_header)?;
    let found = answer
        .op_responses()
        .into_iter()
        .find_map(|part| match part {
            TxnOpResponse::Get(got) => {
                let first = got.kvs().first();
                Some(first.map_or(0, etcd_client::KeyValue::mod_revision))
            }
            _ => None,
        });
    Ok(PutsAnswer {
        revision: header.revision(),
        succeeded: answer.succeeded(),
        first_modified_at: found.filter(|_| !answer.succeeded()),
    })
}
