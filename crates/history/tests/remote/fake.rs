//! A receiver that answers what it is told to.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use prost::Message;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// What one request brought.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) headers: HeaderMap,
    pub(crate) series: Vec<Series>,
}

impl Seen {
    /// Metric and time of every sample, in the order of time.
    pub(crate) fn samples(&self) -> Vec<(i64, String)> {
        let name = |series: &Series| {
            series
                .labels
                .first()
                .map(|it| it.value.clone())
                .unwrap_or_default()
        };
        let all = self
            .series
            .iter()
            .flat_map(|series| series.samples.iter().map(|it| (it.timestamp, name(series))));
        let mut all: Vec<_> = all.collect();
        all.sort();
        all
    }
}

/// An answer: status, headers, text.
#[derive(Debug, Clone, Default)]
pub(crate) struct Says {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) text: String,
}

impl From<(u16, &str)> for Says {
    fn from((status, text): (u16, &str)) -> Self {
        Self {
            status,
            headers: Vec::new(),
            text: text.to_owned(),
        }
    }
}

type Answer = Arc<dyn Fn(&Seen) -> Says + Send + Sync>;

pub(crate) struct Fake {
    addr: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    task: JoinHandle<()>,
}

impl Fake {
    pub(crate) async fn start(answer: impl Fn(&Seen) -> Says + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        Self::on(addr, listener, answer)
    }

    /// The same behind any listener, such as one with TLS.
    pub(crate) fn on<L>(
        addr: SocketAddr,
        listener: L,
        answer: impl Fn(&Seen) -> Says + Send + Sync + 'static,
    ) -> Self
    where
        L: axum::serve::Listener,
        L::Addr: std::fmt::Debug,
    {
        let seen = Arc::<Mutex<Vec<Seen>>>::default();
        let state: (Arc<Mutex<Vec<Seen>>>, Answer) = (Arc::clone(&seen), Arc::new(answer));
        let app = Router::new().fallback(handle).with_state(state);
        let task = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { addr, seen, task }
    }

    /// One that takes connections and says nothing.
    pub(crate) async fn silent() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let task = tokio::spawn(async move {
            let mut held = Vec::new();
            while let Ok(connection) = listener.accept().await {
                held.push(connection);
            }
        });
        Self {
            addr,
            seen: Arc::default(),
            task,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    pub(crate) fn port(&self) -> u16 {
        self.addr.port()
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn handle(
    State((seen, answer)): State<(Arc<Mutex<Vec<Seen>>>, Answer)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let request = Seen {
        series: decode(&headers, &body),
        headers,
    };
    let says = answer(&request);
    seen.lock().unwrap().push(request);
    let mut response = Response::builder().status(says.status);
    for (name, value) in says.headers {
        response = response.header(name, value);
    }
    response.body(Body::from(says.text)).unwrap()
}

/// The series of a remote write, by messages of the test's own.
fn decode(headers: &HeaderMap, body: &[u8]) -> Vec<Series> {
    if headers
        .get("content-encoding")
        .is_none_or(|it| it != "snappy")
    {
        return Vec::new();
    }
    let message = snap::raw::Decoder::new().decompress_vec(body).unwrap();
    Request::decode(message.as_slice()).unwrap().series
}

#[derive(Clone, PartialEq, Message)]
struct Request {
    #[prost(message, repeated, tag = "1")]
    series: Vec<Series>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Series {
    #[prost(message, repeated, tag = "1")]
    pub(crate) labels: Vec<Label>,
    #[prost(message, repeated, tag = "2")]
    samples: Vec<Value>,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct Label {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(string, tag = "2")]
    pub(crate) value: String,
}

#[derive(Clone, PartialEq, Message)]
struct Value {
    #[prost(double, tag = "1")]
    value: f64,
    #[prost(int64, tag = "2")]
    timestamp: i64,
}
