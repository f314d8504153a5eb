//! Watches of many keys on one stream: what a load generator, or a mirror of keys, needs.

use etcd_client::{WatchOptions, WatchRequestSender, WatchResponse, WatchResponseStream};

use super::{MemberClient, bad, into_status};
use crate::endpoint::Endpoint;
use crate::error::{Cause, ClientError, Operation, classify_status};
use crate::message::clean;

/// The largest answer of a watch that is read, in bytes: what a watch catches up on may come at once.
const FEED_ANSWER_MAX_BYTES: usize = 64 << 20;

/// Which keys a watch is about, and from when on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WatchQuery<'a> {
    /// The first key.
    pub key: &'a [u8],
    /// The key behind the last one; empty for `key` alone.
    pub end: &'a [u8],
    /// Revision of the first change that is wanted; 0 for all from now on.
    pub start_revision: i64,
    /// Id of the watch, by which its events are told: above 0, and no other on the same stream has it.
    pub id: i64,
    /// Sends the pair before each change as well; what it costs the member is measured, the pair itself is not given back.
    pub previous: bool,
}

impl WatchQuery<'_> {
    fn options(&self) -> WatchOptions {
        let mut options = WatchOptions::new()
            .with_watch_id(self.id)
            .with_start_revision(self.start_revision);
        if !self.end.is_empty() {
            options = options.with_range(self.end);
        }
        if self.previous {
            options = options.with_prev_key();
        }
        options
    }
}

/// One change of one key.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct WatchEvent {
    /// The key.
    pub key: Vec<u8>,
    /// Its value; empty where it was deleted.
    pub value: Vec<u8>,
    /// Revision of the change.
    pub mod_revision: i64,
    /// Revision at which the key was made; 0 where it was deleted.
    pub create_revision: i64,
    /// True if it was deleted, by a request or with its lease.
    pub deleted: bool,
}

/// What a watch stream brought.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum WatchNews {
    /// The watch of this id is there.
    Created {
        /// The id of its query.
        id: i64,
        /// Revision of the member when it was made.
        revision: i64,
    },
    /// Changes, in the order of their revisions.
    Events {
        /// The id of the watch.
        id: i64,
        /// The changes.
        events: Vec<WatchEvent>,
    },
    /// The member ended the watch.
    Cancelled {
        /// The id of the watch.
        id: i64,
        /// Where the wanted changes were compacted: the oldest revision that is there.
        compact_revision: Option<i64>,
        /// What the member says. Untrusted text without control characters.
        reason: String,
    },
}

/// Many watches on one stream of one member.
pub struct WatchFeed {
    sender: WatchRequestSender,
    answers: WatchResponseStream,
    endpoint: Endpoint,
}

impl MemberClient {
    /// Opens a stream with a first watch. Learners do not serve this. Dropping the feed ends its watches.
    pub async fn watch_feed(&self, first: &WatchQuery<'_>) -> Result<WatchFeed, ClientError> {
        let stream = self.call(Operation::Watch, || async {
            let client = self.etcd().await?.watch_client();
            let mut client = client.max_decoding_message_size(FEED_ANSWER_MAX_BYTES);
            let watch = client.watch(first.key, Some(first.options())).await;
            watch.map_err(into_status)
        });
        let (sender, answers) = stream.await?.split();
        Ok(WatchFeed {
            sender,
            answers,
            endpoint: self.endpoint().clone(),
        })
    }
}

impl WatchFeed {
    /// Asks for one more watch; [`WatchNews::Created`] tells when it is there. At most 100 requests wait to be sent: read what
    /// comes between more than these.
    pub async fn add(&mut self, query: &WatchQuery<'_>) -> Result<(), ClientError> {
        let asked = self.sender.watch(query.key, Some(query.options())).await;
        asked.map_err(|error| self.failed(classify_status(&into_status(error))))
    }

    /// The next news, however long they take. Cancel-safe. After an error the feed is of no use.
    pub async fn next(&mut self) -> Result<WatchNews, ClientError> {
        loop {
            let answer = self.answers.message().await.map_err(into_status);
            let answer = answer.map_err(|status| self.failed(classify_status(&status)))?;
            let answer =
                answer.ok_or_else(|| self.failed(bad("the watch was ended by the member")))?;
            if let Some(news) = news(&answer) {
                return Ok(news);
            }
        }
    }

    fn failed(&self, cause: Cause) -> ClientError {
        ClientError::new(Operation::Watch, Some(&self.endpoint), cause)
    }
}

/// etcd's own stream has no `Debug`.
impl std::fmt::Debug for WatchFeed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "WatchFeed({})", self.endpoint)
    }
}

/// What an answer says; `None` for a notice of progress.
fn news(answer: &WatchResponse) -> Option<WatchNews> {
    let id = answer.watch_id();
    if answer.canceled() {
        return Some(WatchNews::Cancelled {
            id,
            compact_revision: Some(answer.compact_revision()).filter(|revision| *revision > 0),
            reason: clean(answer.cancel_reason()),
        });
    }
    if answer.created() {
        let revision = answer
            .header()
            .map_or(0, etcd_client::ResponseHeader::revision);
        return Some(WatchNews::Created { id, revision });
    }
    let events = answer.events().iter();
    let events = events.filter_map(|event| event.kv().map(event_of));
    let events: Vec<WatchEvent> = events.collect();
    (!events.is_empty()).then_some(WatchNews::Events { id, events })
}

fn event_of(pair: &etcd_client::KeyValue) -> WatchEvent {
    WatchEvent {
        key: pair.key().to_vec(),
        value: pair.value().to_vec(),
        mod_revision: pair.mod_revision(),
        create_revision: pair.create_revision(),
        // etcd-client panics at a kind of event that it does not know; a key that is there has a version of at least 1.
        deleted: pair.version() == 0,
    }
}
