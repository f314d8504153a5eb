//! A server on loopback that keeps what it is asked, and answers as the test says.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// One request.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Request {
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.headers["content-type"], "application/json");
        serde_json::from_slice(&self.body).unwrap()
    }
}

type Answer = Arc<dyn Fn(usize, &Request) -> Response + Send + Sync>;
type Seen = Arc<Mutex<Vec<Request>>>;

pub(crate) struct Recorder {
    pub(crate) addr: SocketAddr,
    seen: Seen,
    task: JoinHandle<()>,
}

impl Recorder {
    /// Answers with what `answer` makes of the number of the request, from 0, and the request.
    pub(crate) async fn start(
        answer: impl Fn(usize, &Request) -> Response + Send + Sync + 'static,
    ) -> Self {
        // An error says that another test of this binary was first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let seen = Seen::default();
        let state: (Seen, Answer) = (Arc::clone(&seen), Arc::new(answer));
        let app = Router::new().fallback(handle).with_state(state);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let task = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { addr, seen, task }
    }

    /// Answers everything with this status.
    pub(crate) async fn answering(status: StatusCode) -> Self {
        Self::start(move |_, _| status.into_response()).await
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.seen.lock().unwrap().clone()
    }

    /// The only request.
    pub(crate) fn only(&self) -> Request {
        let mut requests = self.requests();
        assert_eq!(requests.len(), 1, "{requests:?}");
        requests.remove(0)
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn handle(
    State((seen, answer)): State<(Seen, Answer)>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let request = Request {
        method,
        uri,
        headers,
        body,
    };
    let number = {
        let mut seen = seen.lock().unwrap();
        seen.push(request.clone());
        seen.len() - 1
    };
    answer(number, &request)
}
