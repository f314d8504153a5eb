//! What sends the requests of a load, and measures.

pub(crate) mod library;
#[cfg(target_os = "linux")]
pub(crate) mod native;

use std::fmt;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

use async_trait::async_trait;
use etcd_monitor_client::{ClientError, ErrorKind};
use tokio_util::sync::CancellationToken;

use crate::error::BenchError;
use crate::load::Load;
use crate::recorder::{Failure, Recording};
use crate::series::SecondsBoard;
use crate::workload::Workload;

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
}

/// Sends requests and measures. An engine connects before it begins, so that connecting is no part of what is measured, and
/// tells the board when it does ([`SecondsBoard::begins`]).
#[async_trait]
pub trait Engine: Send + Sync {
    /// Its name in reports.
    fn name(&self) -> &'static str;

    /// Runs a load. Fails only where it cannot begin: what single requests fail of is a part of the outcome.
    async fn run(&self, assignment: Assignment) -> Result<Outcome, BenchError>;
}

fn spawn(name: String, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, BenchError> {
    let spawned = Builder::new().name(name).spawn(work);
    spawned.map_err(|error| BenchError::Worker(format!("could not be started: {error}")))
}

/// How a failed request is counted.
fn failure(error: &ClientError) -> Failure {
    Failure {
        kind: error.kind().as_str().to_owned(),
        message: error.to_string(),
        // A connection that broke is `Refused` as well, so that etcd may have got the request.
        may_be_done: !matches!(
            error.kind(),
            ErrorKind::NoSpace
                | ErrorKind::Unauthenticated
                | ErrorKind::PermissionDenied
                | ErrorKind::TooManyRequests
                | ErrorKind::NotSupported
        ),
    }
}

/// After these errors no request that follows can succeed.
fn is_final(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::NoSpace | ErrorKind::Unauthenticated | ErrorKind::PermissionDenied
    )
}
