//! One request by etcd-client.

use etcd_monitor_client::{ClientError, Consistency, MemberClient, PutsQuery, RangeQuery};

use crate::request::{Answer, OperationKind, Request};

pub(super) type Answered = Result<Answer, CallError>;

/// Why a request has no answer.
pub(super) enum CallError {
    /// The call failed.
    Client(ClientError),
    /// What is asked is not one call, such as a renewal on a stream.
    NoCall(OperationKind),
}

impl From<ClientError> for CallError {
    fn from(error: ClientError) -> Self {
        Self::Client(error)
    }
}

pub(super) async fn call(connection: &MemberClient, request: &Request) -> Answered {
    match request.kind {
        OperationKind::Put => put(connection, request).await,
        OperationKind::Range => range(connection, request).await,
        OperationKind::Delete => delete(connection, request).await,
        OperationKind::Txn => txn(connection, request).await,
        kind => Err(CallError::NoCall(kind)),
    }
}

async fn put(connection: &MemberClient, request: &Request) -> Answered {
    let revision = connection.put(&request.key, &request.value).await?;
    Ok(Answer {
        revision,
        changed: true,
        ..Answer::default()
    })
}

async fn range(connection: &MemberClient, request: &Request) -> Answered {
    let shape = request.range;
    let query = RangeQuery {
        key: &request.key,
        end: &request.end,
        limit: shape.limit,
        keys_only: shape.keys_only,
        count_only: shape.count_only,
        consistency: if shape.serializable {
            Consistency::Serializable
        } else {
            Consistency::Linearizable
        },
    };
    let answer = connection.range(&query).await?;
    Ok(Answer {
        revision: answer.revision,
        keys: answer.pairs as u64,
        ..Answer::default()
    })
}

async fn delete(connection: &MemberClient, request: &Request) -> Answered {
    let answer = connection.delete(&request.key, &request.end).await?;
    Ok(Answer {
        revision: answer.revision,
        // What deletes nothing makes no revision.
        changed: answer.deleted > 0,
        keys: u64::try_from(answer.deleted).unwrap_or(0),
        ..Answer::default()
    })
}

async fn txn(connection: &MemberClient, request: &Request) -> Answered {
    let query = PutsQuery {
        puts: request.txn_puts(),
        if_first_modified_at: request.if_first_modified_at,
    };
    let answer = connection.puts(&query).await?;
    Ok(Answer {
        revision: answer.revision,
        changed: answer.succeeded,
        first_modified_at: answer.first_modified_at,
        ..Answer::default()
    })
}
