//! What can go wrong when a member is asked, as decisions a caller can take.

mod classify;

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;

use tonic::{Code, Status};

use crate::endpoint::Endpoint;
use crate::message::clean;

pub(crate) use classify::{Cause, classify_chain, classify_status};

/// Why a call gave no answer. A variant is a decision the caller can take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The connection was refused, reset or closed, or there is no route: etcd does not listen there.
    Refused,
    /// No answer within the deadline.
    TimedOut,
    /// The host name does not resolve.
    NameResolution,
    /// No TLS connection: a certificate that is not trusted, expired or of another name, a refused client certificate,
    /// files that cannot be used, or one side that does not speak TLS.
    Tls,
    /// User or password is wrong or missing, or the token was refused twice.
    Unauthenticated,
    /// Authenticated, but the user may not make this call.
    PermissionDenied,
    /// The member answered that the cluster has no leader.
    NoLeader,
    /// The member is a learner, or its version does not know the call.
    NotSupported,
    /// The answer was not what the protocol allows: garbage, over a size limit, an unexpected HTTP status.
    BadAnswer,
    /// The address may not be contacted: link-local or unspecified.
    NotAllowed,
    /// The backend quota is exceeded.
    NoSpace,
    /// The request is larger than the member takes (`--max-request-bytes`).
    TooLarge,
    /// The member refuses requests because it is overloaded.
    TooManyRequests,
    /// The member has compacted the revision that was asked for.
    Compacted,
    /// The member has not reached the revision that was asked for.
    FutureRevision,
    /// Anything else that the member answered as an error.
    Other,
}

impl ErrorKind {
    /// The kind in lower case, as reports count errors by.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::TimedOut => "timed_out",
            Self::NameResolution => "name_resolution",
            Self::Tls => "tls",
            Self::Unauthenticated => "unauthenticated",
            Self::PermissionDenied => "permission_denied",
            Self::NoLeader => "no_leader",
            Self::NotSupported => "not_supported",
            Self::BadAnswer => "bad_answer",
            Self::NotAllowed => "not_allowed",
            Self::NoSpace => "no_space",
            Self::TooLarge => "too_large",
            Self::TooManyRequests => "too_many_requests",
            Self::Compacted => "compacted",
            Self::FutureRevision => "future_revision",
            Self::Other => "other",
        }
    }
}

/// What was asked of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// Making a client from its options.
    Configure,
    /// Making a connection on which nothing is asked yet.
    Connect,
    /// `Auth.Authenticate`.
    Authenticate,
    /// `Maintenance.Status`.
    Status,
    /// `Cluster.MemberList`.
    MemberList,
    /// `Maintenance.Alarm(GET)`.
    Alarms,
    /// `KV.Range` of one key.
    Read,
    /// `GET /metrics`.
    MetricsPage,
    /// `GET /health`.
    Health,
    /// `GET /version`.
    Version,
    /// A TLS handshake without a call.
    Handshake,
    /// `KV.Put`.
    Put,
    /// `KV.Range`, of many keys or for their number.
    Range,
    /// `KV.DeleteRange`.
    Delete,
    /// `KV.Txn`.
    Txn,
    /// `KV.Compact`.
    Compact,
    /// `Lease.LeaseGrant`, `Lease.LeaseRevoke` or `Lease.LeaseKeepAlive`.
    Lease,
    /// `Watch.Watch`.
    Watch,
    /// `Maintenance.HashKV`.
    HashKv,
    /// `Lock.Lock` or `Lock.Unlock`.
    Lock,
    /// A call of the `Election` service.
    Election,
}

impl Operation {
    /// The operation as it stands in messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Configure => "client configuration",
            Self::Connect => "connection",
            Self::Authenticate => "authentication",
            Self::Status => "status",
            Self::MemberList => "member list",
            Self::Alarms => "alarm list",
            Self::Read => "read",
            Self::MetricsPage => "/metrics",
            Self::Health => "/health",
            Self::Version => "/version",
            Self::Handshake => "TLS handshake",
            Self::Put => "write",
            Self::Range => "range",
            Self::Delete => "deletion",
            Self::Compact => "compaction",
            Self::Txn => "transaction",
            Self::Lease => "lease",
            Self::Watch => "watch",
            Self::HashKv => "HashKV",
            Self::Lock => "lock",
            Self::Election => "election",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A call that gave no answer: what was tried, on what, what came back, and what to do.
///
/// The message is one line of bounded length without control characters, and holds no secret. `source` gives the error
/// beneath, whose type is no part of this crate's promises.
#[derive(Debug, Clone)]
pub struct ClientError {
    kind: ErrorKind,
    endpoint: Option<Endpoint>,
    operation: Operation,
    message: String,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

impl ClientError {
    pub(crate) fn new(
        operation: Operation,
        endpoint: Option<&Endpoint>,
        cause: impl Into<Cause>,
    ) -> Self {
        let cause = cause.into();
        Self {
            kind: cause.kind,
            endpoint: endpoint.cloned(),
            operation,
            message: clean(&cause.message),
            source: cause.source,
        }
    }

    /// What a gRPC status says, for whoever speaks the protocol itself: `code` as in `grpc-status`, `message` as the member
    /// wrote it.
    pub fn of_status(operation: Operation, endpoint: &Endpoint, code: i32, message: &str) -> Self {
        let status = Status::new(Code::from_i32(code), message);
        Self::new(operation, Some(endpoint), classify_status(&status))
    }

    /// What became of a connection, for whoever reads and writes it; an error of TLS stands inside the `io::Error`.
    pub fn of_io(operation: Operation, endpoint: &Endpoint, error: io::Error) -> Self {
        let known = classify_chain(&error);
        let cause = known.unwrap_or_else(|| Cause::new(ErrorKind::Other, error.to_string()));
        Self::new(operation, Some(endpoint), cause.with_source(error))
    }

    /// A failure that the caller has judged itself. `message` is one of its own: what came back and what to do.
    pub fn of_kind(
        operation: Operation,
        endpoint: &Endpoint,
        kind: ErrorKind,
        message: &str,
    ) -> Self {
        Self::new(operation, Some(endpoint), Cause::new(kind, message))
    }

    /// The class of the failure.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The endpoint that was asked; `None` when the client could not be made.
    pub fn endpoint(&self) -> Option<&Endpoint> {
        self.endpoint.as_ref()
    }

    /// What was asked.
    pub fn operation(&self) -> Operation {
        self.operation
    }

    /// What came back and what to do, without what was tried: for a reader who sees operation and endpoint beside it.
    pub fn reason(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.operation)?;
        if let Some(endpoint) = &self.endpoint {
            write!(f, " of {endpoint}")?;
        }
        write!(f, " failed: {}", self.message)
    }
}

impl Error for ClientError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source
            .as_deref()
            .map(|source| source as &(dyn Error + 'static))
    }
}
