//! A receiver of what is posted: by webhooks, and by services that are spoken to in JSON.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::timeout;

type Posts = Arc<watch::Sender<Vec<Received>>>;

/// One notification that came.
#[derive(Debug, Clone)]
pub struct Received {
    /// When it came.
    pub at: Instant,
    /// Its document.
    pub body: Value,
}

/// Accepts every notification and keeps it. It ends with the value.
#[derive(Debug)]
pub struct WebhookReceiver {
    origin: String,
    url: String,
    posts: watch::Receiver<Vec<Received>>,
    server: AbortHandle,
}

impl WebhookReceiver {
    /// Listens on a free port of loopback.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .expect("loopback has free ports");
        let address = listener.local_addr().expect("it listens");
        let (sender, posts) = watch::channel(Vec::new());
        let app = Router::new()
            .fallback(post(keep))
            .with_state(Arc::new(sender));
        let serving = tokio::spawn(async move { axum::serve(listener, app).await });
        Self {
            origin: format!("http://{address}"),
            url: format!("http://{address}/hook"),
            posts,
            server: serving.abort_handle(),
        }
    }

    /// Where to post to.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The same without a path: everything below it is taken.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Everything that came so far.
    pub fn all(&self) -> Vec<Received> {
        self.posts.borrow().clone()
    }

    /// Waits for a notification with this status (`firing` or `resolved`) about this rule, and panics without it.
    pub async fn wait_for(&self, status: &str, rule: &str, limit: Duration) -> Received {
        match self.received(status, rule, limit).await {
            Some(post) => post,
            None => panic!(
                "no {status} {rule} within {limit:?}; came: {:#?}",
                self.all()
            ),
        }
    }

    /// Waits for such a notification; `None` when it has not come in time.
    pub async fn received(&self, status: &str, rule: &str, limit: Duration) -> Option<Received> {
        let fits =
            |post: &&Received| post.body["status"] == status && post.body["alert"]["rule"] == rule;
        let mut posts = self.posts.clone();
        let came = posts.wait_for(|posts| posts.iter().any(|post| fits(&post)));
        let posts = timeout(limit, came).await.ok()?.ok()?;
        posts.iter().find(fits).cloned()
    }
}

impl Drop for WebhookReceiver {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn keep(State(posts): State<Posts>, Json(body): Json<Value>) -> StatusCode {
    let received = Received {
        at: Instant::now(),
        body,
    };
    posts.send_modify(|posts| posts.push(received));
    StatusCode::ACCEPTED
}
