//! Renewals on streams that stay, as programs keep their leases alive.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use etcd_monitor_client::{MemberClient, RenewalAnswers, RenewalSender};
use tokio::sync::oneshot;
use tokio::task::{AbortHandle, JoinSet};

use super::{LeaseLoad, granted};
use crate::engine::Outcome;
use crate::error::BenchError;
use crate::recorder::Failure;
use crate::report::{Details, LeaseFigures};
use crate::request::{Answer, OperationKind};
use crate::streams::Stage;
use crate::streams::crew::Crew;

/// Pause before a stream that broke is opened again, and before a client asks again whose stream broke.
const PAUSE: Duration = Duration::from_millis(100);

/// The kind of error of a renewal whose lease is not there any more.
const GONE: &str = "lease_gone";

pub(super) async fn run(
    load: &LeaseLoad,
    stage: &Arc<Stage>,
    leases: u32,
) -> Result<Outcome, BenchError> {
    let connections = stage.connect(stage.load.connections).await?;
    let leases = granted(stage, &connections, leases, load.ttl).await?;
    let mut streams = Vec::new();
    for (connection, first) in connections.iter().zip(&leases) {
        let stream = Stream::open(Arc::clone(connection), first.id, stage.client.deadline);
        streams.push(Arc::new(stream.await?));
    }
    let crew = Arc::new(Crew::begin(stage, &stage.load)?);
    let mut clients = JoinSet::new();
    for (client, stream) in (0..stage.load.clients).zip(streams.iter().cycle()) {
        // Its own alone: no lease is asked for twice at a time.
        let own = leases.iter().skip(client as usize);
        let own = own.step_by(stage.load.clients as usize);
        let own: Vec<i64> = own.map(|lease| lease.id).collect();
        let (crew, stream) = (Arc::clone(&crew), Arc::clone(stream));
        clients.spawn(renew(client, crew, stream, own));
    }
    crew.until_all_end(&mut clients).await;
    let streams = streams.len();
    let mut outcome = crew.finish().await;
    let gone = outcome.recording.errors.get(GONE);
    let figures = LeaseFigures {
        granted: leases.len() as u64,
        streams: u32::try_from(streams).unwrap_or(u32::MAX),
        ttl_seconds: leases.first().map(|lease| lease.ttl.as_secs_f64()),
        gone: gone.map_or(0, |errors| errors.count),
        ..LeaseFigures::default()
    };
    outcome.details = Some(Details::Lease(Box::new(figures)));
    Ok(outcome)
}

/// One client: renews its leases, one after the other.
async fn renew(client: u32, crew: Arc<Crew>, stream: Arc<Stream>, own: Vec<i64>) {
    let mut next = own.iter().copied().cycle();
    while let Some(turn) = crew.turns.next().await {
        let Some(lease) = next.next() else { return };
        let sent = Instant::now();
        let renewed = stream.renew(lease).await;
        let times = crew.times(turn, sent);
        let kind = OperationKind::KeepAlive;
        crew.finished();
        match renewed {
            Ok(()) => crew.record(client, kind, (turn, times), Ok(Answer::default())),
            Err(failure) => {
                let is_broken = failure.kind != GONE;
                crew.failed(client, kind, (turn, times), failure);
                if is_broken {
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }
}

/// One stream of renewals, opened again where it broke.
struct Stream {
    waiting: Arc<Mutex<Waiting>>,
    deadline: Duration,
    reading: AbortHandle,
}

/// Who waits for which lease.
struct Waiting {
    sender: Option<RenewalSender>,
    /// True where the lease is still there.
    by_lease: HashMap<i64, oneshot::Sender<bool>>,
    /// Why it broke last.
    failure: Option<Failure>,
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.reading.abort();
    }
}

impl Stream {
    async fn open(
        connection: Arc<MemberClient>,
        first: i64,
        deadline: Duration,
    ) -> Result<Self, BenchError> {
        let (sender, answers) = connection.renewals(first).await?;
        let waiting = Arc::new(Mutex::new(Waiting {
            sender: Some(sender),
            by_lease: HashMap::new(),
            failure: None,
        }));
        let reading = tokio::spawn(read(connection, first, answers, Arc::clone(&waiting)));
        Ok(Self {
            waiting,
            deadline,
            reading: reading.abort_handle(),
        })
    }

    async fn renew(&self, lease: i64) -> Result<(), Failure> {
        let (answer, answered) = oneshot::channel();
        let sender = {
            let mut waiting = lock(&self.waiting);
            let sender = waiting.sender.clone();
            let sender = sender.ok_or_else(|| waiting.broken())?;
            waiting.by_lease.insert(lease, answer);
            sender
        };
        let asked = async {
            let asked = sender.ask(lease).await;
            asked.map_err(|error| Failure::of(&error))?;
            let answered = answered.await;
            answered.map_err(|_| lock(&self.waiting).broken())
        };
        match tokio::time::timeout(self.deadline, asked).await {
            Ok(Ok(true)) => Ok(()),
            Ok(Ok(false)) => Err(Failure {
                kind: GONE.to_owned(),
                message: "a lease was not there any more when it was to be renewed".to_owned(),
                may_be_done: false,
            }),
            Ok(Err(failure)) => Err(failure),
            Err(_) => Err(Failure {
                kind: "timed_out".to_owned(),
                message: format!("no renewal within {} s", self.deadline.as_secs_f64()),
                may_be_done: false,
            }),
        }
    }
}

impl Waiting {
    fn broken(&self) -> Failure {
        self.failure.clone().unwrap_or_else(|| Failure {
            kind: "refused".to_owned(),
            message: "the stream of renewals broke".to_owned(),
            may_be_done: false,
        })
    }
}

/// Tells each client what came of its renewal, and opens the stream again where it broke.
async fn read(
    connection: Arc<MemberClient>,
    first: i64,
    mut answers: RenewalAnswers,
    waiting: Arc<Mutex<Waiting>>,
) {
    loop {
        let error = match answers.next().await {
            Ok(answer) => {
                let asked = lock(&waiting).by_lease.remove(&answer.id);
                if let Some(asked) = asked {
                    let _ = asked.send(answer.ttl.is_some());
                }
                continue;
            }
            Err(error) => error,
        };
        {
            let mut waiting = lock(&waiting);
            waiting.failure = Some(Failure::of(&error));
            waiting.sender = None;
            waiting.by_lease.clear();
        }
        answers = loop {
            tokio::time::sleep(PAUSE).await;
            if let Ok((sender, answers)) = connection.renewals(first).await {
                lock(&waiting).sender = Some(sender);
                break answers;
            }
        };
    }
}

fn lock(waiting: &Mutex<Waiting>) -> MutexGuard<'_, Waiting> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}
