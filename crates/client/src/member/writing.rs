//! Writing one key under a lease, and watching it: what the canary does.

use std::time::Duration;

use etcd_client::{PutOptions, WatchResponse, WatchStream};
use tokio::time::timeout;

use super::{MemberClient, bad, into_status};
use crate::endpoint::Endpoint;
use crate::error::{Cause, ClientError, ErrorKind, Operation, classify_status};

impl MemberClient {
    /// Writes a key that goes with a lease, and returns the revision of the write.
    pub async fn put_with_lease(
        &self,
        key: &[u8],
        value: &[u8],
        lease: i64,
    ) -> Result<i64, ClientError> {
        let options = PutOptions::new().with_lease(lease);
        self.put_with(key, value, Some(options)).await
    }

    /// Makes a lease that ends by itself after this time, in whole seconds, and returns its id.
    pub async fn grant_lease(&self, ttl: Duration) -> Result<i64, ClientError> {
        let seconds = i64::try_from(ttl.as_secs()).unwrap_or(i64::MAX);
        let answer = self.call(Operation::Lease, || async {
            let mut client = self.etcd().await?.lease_client();
            client.grant(seconds, None).await.map_err(into_status)
        });
        answer.await.map(|answer| answer.id())
    }

    /// Ends a lease, and removes the keys that go with it.
    pub async fn revoke_lease(&self, lease: i64) -> Result<(), ClientError> {
        let answer = self.call(Operation::Lease, || async {
            let mut client = self.etcd().await?.lease_client();
            client.revoke(lease).await.map_err(into_status)
        });
        answer.await.map(drop)
    }

    /// Watches one key from now on. Learners do not serve this. Dropping the watch ends it.
    pub async fn watch(&self, key: &[u8]) -> Result<KeyWatch, ClientError> {
        let stream = self.call(Operation::Watch, || async {
            let mut client = self.etcd().await?.watch_client();
            client.watch(key, None).await.map_err(into_status)
        });
        Ok(KeyWatch {
            stream: stream.await?,
            endpoint: self.endpoint().clone(),
        })
    }
}

/// A watch of one key through one member.
pub struct KeyWatch {
    stream: WatchStream,
    endpoint: Endpoint,
}

impl KeyWatch {
    /// Waits until the key gets this value, as long as `limit` at most; what comes before is passed over.
    ///
    /// After [`ErrorKind::TimedOut`] the watch goes on; after any other failure it is of no use. Cancel-safe.
    pub async fn value(&mut self, value: &[u8], limit: Duration) -> Result<(), ClientError> {
        let seen = timeout(limit, self.until(value)).await;
        let seen = seen.unwrap_or_else(|_| {
            let message = format!("no event within {} s", limit.as_secs_f64());
            Err(Cause::new(ErrorKind::TimedOut, message))
        });
        seen.map_err(|cause| ClientError::new(Operation::Watch, Some(&self.endpoint), cause))
    }

    async fn until(&mut self, value: &[u8]) -> Result<(), Cause> {
        loop {
            let answer = self.stream.message().await.map_err(into_status);
            match answer.map_err(|status| classify_status(&status))? {
                None => return Err(bad("the watch was ended by the member")),
                Some(answer) if answer.canceled() => {
                    return Err(bad("the watch was cancelled by the member"));
                }
                Some(answer) if shows(&answer, value) => return Ok(()),
                Some(_) => {}
            }
        }
    }
}

fn shows(answer: &WatchResponse, value: &[u8]) -> bool {
    let mut events = answer.events().iter();
    events.any(|event| event.kv().is_some_and(|pair| pair.value() == value))
}

/// etcd's own stream has no `Debug`.
impl std::fmt::Debug for KeyWatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeyWatch({})", self.endpoint)
    }
}
