//! A local webhook that keeps what it receives.

use axum::routing::post;
use axum::{Json, Router};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Deliveries that wait to be looked at; the check makes a handful.
const WAITING_MAX: usize = 100;

/// Receives notifications on a loopback port of its own.
#[derive(Debug)]
pub(super) struct Receiver {
    url: String,
    received: mpsc::Receiver<Value>,
    server: JoinHandle<()>,
}

impl Receiver {
    pub(super) async fn listen() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/alerts", listener.local_addr()?);
        let (sender, received) = mpsc::channel(WAITING_MAX);
        let keep = move |Json(body): Json<Value>| async move {
            // A receiver that has gone is a check that has ended.
            let _ = sender.send(body).await;
        };
        let server = tokio::spawn(async move {
            let _ = axum::serve(listener, Router::new().route("/alerts", post(keep))).await;
        });
        Ok(Self {
            url,
            received,
            server,
        })
    }

    pub(super) fn url(&self) -> String {
        self.url.clone()
    }

    /// The next delivery; never, once the server has ended.
    pub(super) async fn next(&mut self) -> Value {
        match self.received.recv().await {
            Some(body) => body,
            None => std::future::pending().await,
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.server.abort();
    }
}
