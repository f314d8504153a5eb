//! What sends the requests of a load, and measures.

pub(crate) mod library;
#[cfg(target_os = "linux")]
pub(crate) mod native;

use std::fmt;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use etcd_monitor_client::{ClientError, ClientOptions, Endpoint, ErrorKind};
use tokio_util::sync::CancellationToken;

use crate::error::BenchError;
use crate::load::Load;
use crate::recorder::{Failure, Recording};
use crate::report::Details;
use crate::request::OperationKind;
use crate::series::SecondsBoard;
use crate::workload::Workload;

/// Time after a failed attempt to connect until the next one.
pub(crate) const DIAL_AGAIN: Duration = Duration::from_millis(250);

/// One load that an engine is to run.
#[derive(Clone)]
#[non_exhaustive]
pub struct Assignment {
    /// How much, by how many, how fast.
    pub load: Load,
    /// What is asked.
    pub workload: Arc<dyn Workload>,
    /// Where seconds that have passed are told.
    pub board: Arc<SecondsBoard>,
    /// Ends the load early: nothing more is sent, what is in flight is still awaited.
    pub stop: CancellationToken,
}

impl Assignment {
    /// A load of this workload, whose seconds nobody looks at yet and which nobody stops.
    pub fn new(load: Load, workload: Arc<dyn Workload>) -> Self {
        Self {
            load,
            workload,
            board: Arc::default(),
            stop: CancellationToken::new(),
        }
    }
}

impl fmt::Debug for Assignment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Assignment")
            .field("load", &self.load)
            .field("workload", &self.workload)
            .finish_non_exhaustive()
    }
}

/// What an engine measured.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Outcome {
    /// What was measured.
    pub recording: Recording,
    /// From the beginning of the measurement to its end: as long as planned, or until the last answer where a number of
    /// requests was planned.
    pub window_seconds: f64,
    /// Requests of an open loop that were due and never sent.
    pub unsent: u64,
    /// Requests of an open loop that were due within the measurement and were dropped, as [`Overload`](crate::Overload) says.
    pub dropped: u64,
    /// Why it ended early; `None` where it ran as planned.
    pub ended_early: Option<String>,
    /// What only this kind of load finds; `None` where there is nothing.
    pub details: Option<Details>,
}

/// Sends requests and measures. An engine connects before it begins, so that connecting is no part of what is measured, and
/// tells the board when it does ([`SecondsBoard::begins`]).
#[async_trait]
pub trait Engine: Send + Sync {
    /// Its name in reports.
    fn name(&self) -> &'static str;

    /// Where its connections go, each of which has to answer before a load begins; empty where it does not say. A
    /// [`Benchmark`](crate::Benchmark) that knows them ends at once where one does not answer.
    fn endpoints(&self) -> &[Endpoint] {
        &[]
    }

    /// Runs a load. Fails only where it cannot begin: what single requests fail of is a part of the outcome.
    async fn run(&self, assignment: Assignment) -> Result<Outcome, BenchError>;
}

/// Waits where nobody listens, so that a member that is down costs each client a few failures in a second and not as many as
/// the processor makes.
pub(crate) async fn pause_after(error: &ClientError) {
    if matches!(
        error.kind(),
        ErrorKind::Refused | ErrorKind::NameResolution | ErrorKind::Tls
    ) {
        tokio::time::sleep(DIAL_AGAIN).await;
    }
}

/// How long was measured, from `from` on: as long as planned or until the last answer, and never longer than until that where
/// the load was stopped.
fn window_seconds(
    from: Instant,
    planned: Option<Instant>,
    last_done: Option<Instant>,
    is_stopped: bool,
) -> f64 {
    let to = match (planned, last_done) {
        (Some(planned), last) if is_stopped => last.map(|last| planned.min(last)),
        (planned, last) => planned.or(last),
    };
    let window = to.map(|to| to.saturating_duration_since(from));
    window.unwrap_or_default().as_secs_f64()
}

/// The engine for whoever has no reason for another: the native one where there is one, else that on etcd-client.
pub fn default_engine(client: ClientOptions, endpoints: Vec<Endpoint>) -> Box<dyn Engine> {
    #[cfg(target_os = "linux")]
    let engine = native::NativeEngine::new(client, endpoints);
    #[cfg(not(target_os = "linux"))]
    let engine = library::TonicEngine::new(client, endpoints);
    Box::new(engine)
}

fn spawn(name: String, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, BenchError> {
    let spawned = Builder::new().name(name).spawn(work);
    spawned.map_err(|error| BenchError::Worker(format!("could not be started: {error}")))
}

/// What a request fails of that no single call can make.
fn no_call(kind: OperationKind) -> Failure {
    Failure {
        kind: "not_supported".to_owned(),
        message: format!(
            "`{}` is no single call: engines make put, range, delete and txn",
            kind.as_str()
        ),
        may_be_done: false,
    }
}

/// True for errors after which no request that follows can succeed.
pub(crate) fn is_final(error: &ClientError) -> bool {
    matches!(
        error.kind(),
        ErrorKind::NoSpace | ErrorKind::Unauthenticated | ErrorKind::PermissionDenied
    )
}
