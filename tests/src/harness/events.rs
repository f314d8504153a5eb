//! Live events (SSE), as a browser reads them.

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use reqwest::RequestBuilder;
use serde_json::Value;
use tokio::time::timeout;

use super::daemon::Daemon;

/// One event.
#[derive(Debug)]
pub struct Event {
    /// Its kind, `snapshot` or `alerts`, say.
    pub kind: String,
    /// Its id; `None` for one that is no place to go on from.
    pub id: Option<String>,
    /// Its document.
    pub data: Value,
}

/// An open stream of events.
pub struct Events {
    chunks: BoxStream<'static, Option<Vec<u8>>>,
    buffer: String,
}

impl Events {
    /// Opens the stream of the only cluster.
    pub async fn open(daemon: &Daemon) -> Self {
        Self::of(daemon.request("/api/v1/events")).await
    }

    /// Opens it again, after the event with this id.
    pub async fn resume(daemon: &Daemon, id: &str) -> Self {
        let request = daemon.request("/api/v1/events");
        Self::of(request.header("last-event-id", id)).await
    }

    /// Opens another stream.
    pub async fn follow(daemon: &Daemon, path: &str) -> Self {
        Self::of(daemon.request(path)).await
    }

    async fn of(request: RequestBuilder) -> Self {
        let response = request.send().await.expect("the daemon answers");
        assert_eq!(response.status(), 200);
        let kind = response
            .headers()
            .get("content-type")
            .and_then(|kind| kind.to_str().ok());
        assert_eq!(kind, Some("text/event-stream"));
        let chunks = response
            .bytes_stream()
            .map(|chunk| chunk.ok().map(|bytes| bytes.to_vec()));
        Self {
            chunks: chunks.boxed(),
            buffer: String::new(),
        }
    }

    /// The next event; `None` when the stream has ended. Panics when neither comes within `limit`.
    pub async fn next(&mut self, limit: Duration) -> Option<Event> {
        timeout(limit, self.read())
            .await
            .unwrap_or_else(|_| panic!("no event within {limit:?}"))
    }

    /// The next event of a kind, within `limit` from one event to the next.
    pub async fn next_of(&mut self, kind: &str, limit: Duration) -> Value {
        while let Some(event) = self.next(limit).await {
            if event.kind == kind {
                return event.data;
            }
        }
        panic!("the stream ended before a {kind} event")
    }

    /// The id of the next event of a kind.
    pub async fn next_id_of(&mut self, kind: &str, limit: Duration) -> String {
        while let Some(event) = self.next(limit).await {
            if event.kind == kind {
                return event.id.expect("such an event has an id");
            }
        }
        panic!("the stream ended before a {kind} event")
    }

    async fn read(&mut self) -> Option<Event> {
        loop {
            while let Some(end) = self.buffer.find("\n\n") {
                let block: String = self.buffer.drain(..end + 2).collect();
                let event = parse(&block);
                if event.is_some() {
                    return event;
                }
            }
            let chunk = self.chunks.next().await.flatten()?;
            self.buffer.push_str(&String::from_utf8_lossy(&chunk));
        }
    }
}

/// `None` for a comment, which keeps the connection open.
fn parse(block: &str) -> Option<Event> {
    let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name));
    let data = field("data: ")?;
    Some(Event {
        id: field("id: ").map(str::to_owned),
        kind: field("event: ").unwrap_or("message").to_owned(),
        data: serde_json::from_str(data).unwrap_or_else(|error| panic!("{error}: {data}")),
    })
}
