//! The engine on etcd-client: what programs in Rust use, with all that it costs.
//!
//! Threads share nothing but the turns: each has a runtime, connections and a recorder of its own.

mod call;

use std::cell::RefCell;
use std::num::NonZero;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use etcd_monitor_client::{ClientError, ClientOptions, ClusterClient, Endpoint, MemberClient};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::LocalSet;
use tokio_util::sync::CancellationToken;

use super::{Assignment, Engine, Outcome, is_final, no_call, pause_after, spawn, window_seconds};
use crate::at_once::all_at_once;
use crate::error::BenchError;
use crate::recorder::{Failure, Recorder, Recording, Times};
use crate::request::Request;
use crate::turns::{Turn, Turns};
use crate::workload::Requests;

/// How often a thread looks whether a second has passed in which nothing was answered.
const TICK: Duration = Duration::from_millis(250);

/// Sends requests by etcd-client, on threads with a runtime each.
#[derive(Debug, Clone)]
pub struct TonicEngine {
    options: ClientOptions,
    endpoints: Vec<Endpoint>,
}

impl TonicEngine {
    /// Connections go to these endpoints in turn; each request has the deadline of the options.
    pub fn new(options: ClientOptions, endpoints: Vec<Endpoint>) -> Self {
        Self { options, endpoints }
    }

    fn threads(load: &crate::load::Load) -> u32 {
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        let cores = u32::try_from(cores).unwrap_or(u32::MAX);
        cores.min(load.connections).max(1)
    }
}

/// What all threads of a run have in common.
struct Shared {
    engine: TonicEngine,
    assignment: Assignment,
    threads: u32,
    /// Ends the load: by the assignment's stop, or by an error after which nothing can succeed.
    stop: CancellationToken,
}

/// How one thread ended.
struct ThreadEnd {
    recording: Recording,
    last_done: Option<Instant>,
    ended_early: Option<String>,
}

#[async_trait]
impl Engine for TonicEngine {
    fn name(&self) -> &'static str {
        "tonic"
    }

    fn endpoints(&self) -> &[Endpoint] {
        &self.endpoints
    }

    async fn run(&self, assignment: Assignment) -> Result<Outcome, BenchError> {
        let threads = Self::threads(&assignment.load);
        let stop = assignment.stop.child_token();
        let shared = Arc::new(Shared {
            engine: self.clone(),
            assignment,
            threads,
            stop: stop.clone(),
        });
        // Dropped early, as when this call is cancelled, it ends the threads.
        let _ended = stop.drop_guard();
        let (start, begun) = watch::channel(None);
        let (ready, mut readiness) = mpsc::channel(threads as usize);
        let mut ends = Vec::new();
        for thread in 0..threads {
            let (end, ended) = oneshot::channel();
            let (shared, begun, ready) = (Arc::clone(&shared), begun.clone(), ready.clone());
            let work = move || {
                let _ = end.send(work(&shared, thread, &ready, begun));
            };
            spawn(format!("load-{thread}"), work)?;
            ends.push(ended);
        }
        drop(ready);
        ready_all(threads, &mut readiness).await?;
        let load = &shared.assignment.load;
        let now = Instant::now();
        shared.assignment.board.begins(load, now);
        let turns = Arc::new(Turns::new(load, now, shared.stop.clone()));
        let pacing = Arc::clone(&turns);
        let clients = load.clients;
        let pacer = turns
            .is_open_loop()
            .then(|| spawn("pacer".to_owned(), move || pacing.pace(clients)))
            .transpose()?;
        let _ = start.send(Some(Arc::clone(&turns)));
        let outcome = gather(&turns, ends).await?;
        if let Some(pacer) = pacer {
            shared.stop.cancel();
            // It naps for 50 ms at most.
            let _ = tokio::task::spawn_blocking(move || pacer.join()).await;
        }
        Ok(outcome)
    }
}

/// Why a thread could not connect, with the number of the connection.
type NotConnected = (u32, ClientError);

/// Waits until all threads have connected. Of several failures that of the first connection is told, as the native engine does.
async fn ready_all(
    threads: u32,
    readiness: &mut mpsc::Receiver<Result<(), NotConnected>>,
) -> Result<(), BenchError> {
    let mut first: Option<NotConnected> = None;
    for _ in 0..threads {
        let connected = readiness.recv().await;
        let connected =
            connected.ok_or_else(|| BenchError::Worker("ended before it began".to_owned()))?;
        let failures = first.into_iter().chain(connected.err());
        first = failures.min_by_key(|(number, _)| *number);
    }
    match first {
        Some((_, error)) => Err(error.into()),
        None => Ok(()),
    }
}

async fn gather(
    turns: &Turns,
    ends: Vec<oneshot::Receiver<Result<ThreadEnd, BenchError>>>,
) -> Result<Outcome, BenchError> {
    let mut outcome = Outcome::default();
    let mut last_done = None;
    for end in ends {
        let end = end.await;
        let end = end.map_err(|_| BenchError::Worker("ended with a panic".to_owned()))??;
        outcome.recording.add(&end.recording);
        last_done = last_done.max(end.last_done);
        outcome.ended_early = outcome.ended_early.or(end.ended_early);
    }
    let (from, planned) = (turns.measured_from(), turns.measured_to());
    outcome.window_seconds = window_seconds(from, planned, last_done, turns.is_stopped());
    outcome.unsent = turns.unsent();
    outcome.dropped = turns.dropped();
    Ok(outcome)
}

/// One thread: connects, waits for the beginning, and lets its clients ask until the end.
fn work(
    shared: &Arc<Shared>,
    thread: u32,
    ready: &mpsc::Sender<Result<(), NotConnected>>,
    begun: watch::Receiver<Option<Arc<Turns>>>,
) -> Result<ThreadEnd, BenchError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| BenchError::Worker(format!("has no runtime: {error}")))?;
    let local = LocalSet::new();
    local.block_on(&runtime, async {
        let connections = match connect(shared, thread).await {
            Ok(connections) => connections,
            Err(error) => {
                let _ = ready.send(Err(error)).await;
                return Err(BenchError::Stopped);
            }
        };
        let _ = ready.send(Ok(())).await;
        match wait(begun).await {
            Some(turns) => Ok(ask(shared, thread, connections, turns).await),
            None => Err(BenchError::Stopped),
        }
    })
}

async fn wait(mut begun: watch::Receiver<Option<Arc<Turns>>>) -> Option<Arc<Turns>> {
    let begun = begun.wait_for(Option::is_some).await.ok()?;
    begun.clone()
}

/// The thread's share of the connections, each of which has answered once.
async fn connect(
    shared: &Shared,
    thread: u32,
) -> Result<Vec<(u32, Rc<MemberClient>)>, NotConnected> {
    let cluster = ClusterClient::new(shared.engine.options.clone());
    let cluster = cluster.map_err(|error| (thread, error))?;
    let endpoints = &shared.engine.endpoints;
    let numbers = (thread..shared.assignment.load.connections).step_by(shared.threads as usize);
    let asked = numbers.filter_map(|number| {
        let place = number as usize % endpoints.len().max(1);
        let connection = cluster.connection(endpoints.get(place)?);
        Some(async move {
            match connection.status().await {
                Ok(_) => Ok((number, connection)),
                Err(error) => Err((number, error)),
            }
        })
    });
    let connected = all_at_once(asked.collect::<Vec<_>>()).await?;
    let connected = connected.into_iter();
    Ok(connected
        .map(|(number, connection)| (number, Rc::new(connection)))
        .collect())
}

/// What the clients of one thread share; they take turns, so that nothing is locked.
struct Desk {
    turns: Arc<Turns>,
    requests: RefCell<Box<dyn Requests>>,
    recorder: RefCell<Recorder>,
    last_done: RefCell<Option<Instant>>,
    ended_early: RefCell<Option<String>>,
    stop: CancellationToken,
}

async fn ask(
    shared: &Arc<Shared>,
    thread: u32,
    connections: Vec<(u32, Rc<MemberClient>)>,
    turns: Arc<Turns>,
) -> ThreadEnd {
    let Assignment {
        load,
        workload,
        board,
        ..
    } = &shared.assignment;
    let seed = load.seed_of_worker(thread);
    let recorder = Recorder::new(
        Arc::clone(board),
        turns.measured_from(),
        turns.measured_to(),
    );
    let desk = Rc::new(Desk {
        turns,
        requests: RefCell::new(workload.requests(seed)),
        recorder: RefCell::new(recorder),
        last_done: RefCell::default(),
        ended_early: RefCell::default(),
        stop: shared.stop.clone(),
    });
    let mut clients = tokio::task::JoinSet::new();
    for (number, connection) in &connections {
        let of_connection = (*number..load.clients).step_by(load.connections as usize);
        for _ in of_connection {
            clients.spawn_local(client(Rc::clone(&desk), Rc::clone(connection)));
        }
    }
    let mut ticks = tokio::time::interval(TICK);
    loop {
        tokio::select! {
            ended = clients.join_next() => match ended {
                None => break,
                Some(Err(panic)) => *desk.ended_early.borrow_mut() = Some(format!("a client of the engine failed: {panic}")),
                Some(Ok(())) => {}
            },
            _ = ticks.tick() => { desk.recorder.borrow_mut().turn_to(Instant::now()); }
        }
    }
    desk.end()
}

impl Desk {
    fn end(self: Rc<Self>) -> ThreadEnd {
        let last_done = *self.last_done.borrow();
        let ended_early = self.ended_early.borrow().clone();
        // All clients have ended, so that this is the only one that holds it.
        let recording = Rc::into_inner(self).map(|desk| desk.recorder.into_inner().finish());
        ThreadEnd {
            recording: recording.unwrap_or_default(),
            last_done,
            ended_early,
        }
    }

    fn record(&self, turn: Turn, request: &Request, sent: Instant, answer: &call::Answered) {
        let done = Instant::now();
        let times = Times {
            // A closed loop plans nothing.
            intended: if self.turns.is_open_loop() {
                turn.intended.min(sent)
            } else {
                sent
            },
            sent,
            done,
        };
        if turn.measured {
            *self.last_done.borrow_mut() = Some(done);
        }
        let mut recorder = self.recorder.borrow_mut();
        match answer {
            Ok(answer) => {
                recorder.succeeded(request.kind, times, answer, turn.measured);
                drop(recorder);
                self.requests.borrow_mut().answered(request, answer);
            }
            Err(call::CallError::NoCall(kind)) => {
                let failure = no_call(*kind);
                recorder.failed(request.kind, times, failure, turn.measured);
            }
            Err(call::CallError::Client(error)) => {
                recorder.failed(request.kind, times, Failure::of(error), turn.measured);
                self.give_up(error);
            }
        }
    }

    /// After these errors no request that follows can succeed.
    fn give_up(&self, error: &ClientError) {
        if is_final(error) && !self.stop.is_cancelled() {
            *self.ended_early.borrow_mut() = Some(error.to_string());
            self.stop.cancel();
        }
    }
}

/// One client: asks, and asks again when it was answered.
async fn client(desk: Rc<Desk>, connection: Rc<MemberClient>) {
    let mut request = Request::default();
    while let Some(turn) = desk.turns.next().await {
        desk.requests.borrow_mut().next(turn.number, &mut request);
        let sent = Instant::now();
        let answer = call::call(&connection, &request).await;
        desk.record(turn, &request, sent, &answer);
        if let Err(call::CallError::Client(error)) = &answer {
            pause_after(error).await;
        }
        desk.turns.finished();
    }
}
