//! Many leases, renewed on one stream as programs do it.

use std::time::Duration;

use etcd_client::LeaseGrantOptions;
use tokio::sync::mpsc;
use tonic::{Status, Streaming};

use super::{MemberClient, bad, into_status};
use crate::endpoint::Endpoint;
use crate::error::{Cause, ClientError, Operation, classify_status};
use crate::rpc::{self, KeepAliveRequest, KeepAliveResponse};

/// Renewals of one stream that wait to be sent; whoever asks for more waits.
const WAITING_MAX: usize = 1_024;

/// A lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct LeaseAnswer {
    /// Its id.
    pub id: i64,
    /// How long it lasts without a renewal: etcd may give more than was asked for.
    pub ttl: Duration,
}

/// What came of a renewal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RenewalAnswer {
    /// The lease.
    pub id: i64,
    /// How long it lasts from when the leader renewed it; `None` where it is not there any more.
    pub ttl: Option<Duration>,
}

/// Asks for renewals.
#[derive(Debug, Clone)]
pub struct RenewalSender {
    requests: mpsc::Sender<KeepAliveRequest>,
    endpoint: Endpoint,
}

/// What came of the renewals, in the order in which they were asked for.
#[derive(Debug)]
pub struct RenewalAnswers {
    stream: Streaming<KeepAliveResponse>,
    endpoint: Endpoint,
}

impl MemberClient {
    /// Makes a lease that ends by itself after this time, in whole seconds.
    ///
    /// The member chooses an id where `id` is 0. Whoever chooses it can revoke the lease though no answer came: the member may
    /// have made it all the same. An id that another lease has is refused.
    pub async fn lease(&self, id: i64, ttl: Duration) -> Result<LeaseAnswer, ClientError> {
        let seconds = i64::try_from(ttl.as_secs()).unwrap_or(i64::MAX);
        let answer = self.call(Operation::Lease, || async {
            let mut client = self.etcd().await?.lease_client();
            let options = LeaseGrantOptions::new().with_id(id);
            let granted = client.grant(seconds, Some(options)).await;
            granted.map_err(into_status)
        });
        let answer = answer.await?;
        let ttl = u64::try_from(answer.ttl()).map(Duration::from_secs);
        self.checked(
            Operation::Lease,
            ttl.map(|ttl| LeaseAnswer {
                id: answer.id(),
                ttl,
            })
            .map_err(|_| bad("the lease has a time below 0")),
        )
    }

    /// Opens a stream for renewals with a first one: the member says nothing before it is asked.
    pub async fn renewals(
        &self,
        first: i64,
    ) -> Result<(RenewalSender, RenewalAnswers), ClientError> {
        let open = || async {
            let (requests, sent) = mpsc::channel(WAITING_MAX);
            let first = requests.send(KeepAliveRequest { id: first }).await;
            first.map_err(|_| Status::internal("the stream takes no request"))?;
            let stream = rpc::keep_alive(self.wire.clone(), sent).await?;
            Ok((requests, stream))
        };
        let (requests, stream) = self.call(Operation::Lease, open).await?;
        let endpoint = self.endpoint().clone();
        let answers = RenewalAnswers {
            stream,
            endpoint: endpoint.clone(),
        };
        Ok((RenewalSender { requests, endpoint }, answers))
    }
}

impl RenewalSender {
    /// Asks for one renewal. Fails where the stream has ended.
    pub async fn ask(&self, lease: i64) -> Result<(), ClientError> {
        let asked = self.requests.send(KeepAliveRequest { id: lease }).await;
        asked.map_err(|_| failed(&self.endpoint, bad("the stream of renewals has ended")))
    }
}

impl RenewalAnswers {
    /// The next answer, however long it takes. Cancel-safe. After an error the stream is of no use.
    pub async fn next(&mut self) -> Result<RenewalAnswer, ClientError> {
        let answer = self.stream.message().await;
        let answer = answer.map_err(|status| failed(&self.endpoint, classify_status(&status)))?;
        let answer = answer.ok_or_else(|| {
            let cause = bad("the stream of renewals was ended by the member");
            failed(&self.endpoint, cause)
        })?;
        let seconds = u64::try_from(answer.ttl).ok();
        Ok(RenewalAnswer {
            id: answer.id,
            ttl: seconds
                .filter(|seconds| *seconds > 0)
                .map(Duration::from_secs),
        })
    }
}

fn failed(endpoint: &Endpoint, cause: Cause) -> ClientError {
    ClientError::new(Operation::Lease, Some(endpoint), cause)
}
