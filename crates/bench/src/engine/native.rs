//! The engine of our own: HTTP/2 and gRPC by hand, so that what is measured is the server and not the client.
//!
//! Each thread owns its connections and shares nothing while it works but, in a closed loop, the count of requests. A call
//! takes no lock and no allocation: it is written into the buffer of its connection, and all that is due goes out by one write.

mod connection;
mod headers;
mod lane;
mod ledger;
mod message;
mod pace;
mod transport;
mod worker;

use std::num::NonZero;
use std::sync::{Arc, mpsc as blocking};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use etcd_monitor_client::{
    ClientError, ClientOptions, ClusterClient, Endpoint, MemberClient, RawConnection,
};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use super::{Assignment, Engine, Outcome, spawn, window_seconds};
use crate::at_once::all_at_once;
use crate::error::BenchError;
use crate::load::Load;
use lane::Lane;
use worker::{Dial, Dialled, ThreadEnd, Work, Worker};

/// One thread makes two million requests a second on a server that does nothing, and several only wake each other up: on 8
/// connections to an etcd on the same two cores, two threads took a fifth more CPU time than one, for the same throughput.
const CONNECTIONS_OF_A_THREAD: u32 = 64;

/// How the threads of the native engine wait until a request is due.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Pacing {
    /// They sleep: some tens of microseconds late, and no CPU time while nothing is due.
    #[default]
    Sleep,
    /// They look at the clock all the time: a few microseconds late, and all of a core for each thread.
    Spin,
    /// They sleep until the next multiple of this time: requests are late by up to as much, and those that have fallen due
    /// meanwhile go out together, for less CPU time. At most 500 µs, since later ones would make the result doubtful; 0 is
    /// [`Sleep`](Self::Sleep).
    Tick(Duration),
}

/// The longest [`Pacing::Tick`]: a result is invalid where a hundredth of its requests are 1 ms late.
const TICK_MAX: Duration = Duration::from_micros(500);

#[derive(Debug, Clone, Copy)]
struct Options {
    deadline: Duration,
    batch_max: Option<u32>,
    pacing: Pacing,
}

/// Sends requests by HTTP/2 of our own, on a thread for each 64 connections, and on one for each core at most. Linux only.
#[derive(Debug, Clone)]
pub struct NativeEngine {
    client: ClientOptions,
    endpoints: Vec<Endpoint>,
    threads: Option<u32>,
    batch_max: Option<u32>,
    pacing: Pacing,
}

impl NativeEngine {
    /// Connections go to these endpoints in turn; each request has the deadline of the options.
    pub fn new(client: ClientOptions, endpoints: Vec<Endpoint>) -> Self {
        Self {
            client,
            endpoints,
            threads: None,
            batch_max: None,
            pacing: Pacing::default(),
        }
    }

    /// Works on so many threads; never on more than there are connections.
    #[must_use]
    pub fn with_threads(mut self, threads: u32) -> Self {
        self.threads = Some(threads);
        self
    }

    /// Writes so many requests of a connection at once at most. Without it, all that are due go out by one write, which
    /// spares the server work as well.
    #[must_use]
    pub fn with_batch_max(mut self, requests: u32) -> Self {
        self.batch_max = Some(requests.max(1));
        self
    }

    /// Waits in this way until a request is due.
    #[must_use]
    pub fn with_pacing(mut self, pacing: Pacing) -> Self {
        self.pacing = match pacing {
            Pacing::Tick(tick) if tick.is_zero() => Pacing::Sleep,
            Pacing::Tick(tick) => Pacing::Tick(tick.min(TICK_MAX)),
            pacing => pacing,
        };
        self
    }

    fn threads(&self, load: &Load) -> u32 {
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        let cores = u32::try_from(cores).unwrap_or(u32::MAX);
        let enough = load
            .connections
            .div_ceil(CONNECTIONS_OF_A_THREAD)
            .min(cores);
        let wanted = self.threads.unwrap_or(enough);
        // A thread without a client would never hear that the load is over.
        wanted.min(load.connections).min(load.clients).max(1)
    }

    fn options(&self) -> Options {
        Options {
            deadline: self.client.deadline,
            batch_max: self.batch_max,
            pacing: self.pacing,
        }
    }
}

#[async_trait]
impl Engine for NativeEngine {
    fn name(&self) -> &'static str {
        "native"
    }

    fn endpoints(&self) -> &[Endpoint] {
        &self.endpoints
    }

    async fn run(&self, assignment: Assignment) -> Result<Outcome, BenchError> {
        let members = self.members().await?;
        let count = assignment.load.connections;
        let connections = connections(&members, count).await?;
        let stop = assignment.stop.child_token();
        // Dropped early, as when this call is cancelled, it ends the threads.
        let _ended = stop.clone().drop_guard();
        let threads = self.threads(&assignment.load);
        let (dial, dials) = mpsc::channel(count as usize);
        let mut crew = Crew::default();
        let mut shares: Vec<Vec<(u32, RawConnection)>> = Vec::new();
        shares.resize_with(threads as usize, Vec::new);
        for (number, connection) in (0..).zip(connections) {
            if let Some(share) = shares.get_mut(number as usize % threads as usize) {
                share.push((number, connection));
            }
        }
        let issued = Arc::default();
        for (thread, share) in (0..).zip(shares) {
            let work = |dialled, begin| Work {
                thread,
                threads,
                options: self.options(),
                issued: Arc::clone(&issued),
                stop: stop.clone(),
                dial: dial.clone(),
                dialled,
                begin,
                lanes: self.lanes(&assignment.load, &share),
                connections: share
                    .into_iter()
                    .map(|(_, connection)| connection)
                    .collect(),
                assignment: assignment.clone(),
            };
            crew.hire(thread, work)?;
        }
        drop(dial);
        let begin = crew.begin().await?;
        assignment.board.begins(&assignment.load, begin);
        let ends = crew.work(&members, threads, dials).await?;
        Ok(outcome(ends, stop.is_cancelled()))
    }
}

impl NativeEngine {
    /// One client for each endpoint, whose member has answered: what is wrong with addresses, TLS or users shows here.
    async fn members(&self) -> Result<Vec<Arc<MemberClient>>, ClientError> {
        let cluster = ClusterClient::new(self.client.clone())?;
        let members = self.endpoints.iter().map(|to| cluster.connection(to));
        let asked: Vec<_> = members.map(answering).collect();
        all_at_once(asked).await
    }

    fn lanes(&self, load: &Load, share: &[(u32, RawConnection)]) -> Vec<Lane> {
        let lanes = share.iter().enumerate().filter_map(|(place, (number, _))| {
            let endpoint = self
                .endpoints
                .get(*number as usize % self.endpoints.len().max(1))?;
            let clients = (*number..load.clients)
                .step_by(load.connections as usize)
                .count();
            let clients = u32::try_from(clients).unwrap_or(u32::MAX);
            Some(Lane::new(
                endpoint.clone(),
                place,
                clients,
                self.client.deadline,
            ))
        });
        lanes.collect()
    }
}

/// The member, once it has answered.
async fn answering(member: MemberClient) -> Result<Arc<MemberClient>, ClientError> {
    member.status().await?;
    Ok(Arc::new(member))
}

/// So many connections, to the members in turn.
async fn connections(
    members: &[Arc<MemberClient>],
    count: u32,
) -> Result<Vec<RawConnection>, ClientError> {
    let members = members.to_vec();
    let dialled = (0..count).filter_map(move |number| {
        let member = members.get(number as usize % members.len().max(1))?;
        let member = Arc::clone(member);
        Some(async move { member.raw_connection(None).await })
    });
    all_at_once(dialled).await
}

/// The threads of a run, as whoever started them sees them.
#[derive(Default)]
struct Crew {
    ready: Vec<oneshot::Receiver<Result<(), BenchError>>>,
    begin: Vec<blocking::Sender<Instant>>,
    dialled: Vec<blocking::Sender<Dialled>>,
    ends: Vec<oneshot::Receiver<Result<ThreadEnd, BenchError>>>,
}

impl Crew {
    fn hire(
        &mut self,
        thread: u32,
        work: impl FnOnce(blocking::Receiver<Dialled>, blocking::Receiver<Instant>) -> Work,
    ) -> Result<(), BenchError> {
        let (ready, is_ready) = oneshot::channel();
        let (end, ended) = oneshot::channel();
        let (begin, signal) = blocking::channel();
        let (dialled, connections) = blocking::channel();
        let work = work(connections, signal);
        spawn(format!("load-{thread}"), move || {
            match Worker::prepare(work) {
                Ok(worker) => {
                    let _ = ready.send(Ok(()));
                    let _ = end.send(worker.run());
                }
                Err(error) => {
                    let _ = ready.send(Err(error));
                }
            }
        })?;
        self.ready.push(is_ready);
        self.ends.push(ended);
        self.begin.push(begin);
        self.dialled.push(dialled);
        Ok(())
    }

    /// Waits until all are ready, and lets them begin at once.
    async fn begin(&mut self) -> Result<Instant, BenchError> {
        for ready in self.ready.drain(..) {
            ready.await.map_err(|_| panicked())??;
        }
        let now = Instant::now();
        for begin in self.begin.drain(..) {
            // Whoever has ended meanwhile is found out below.
            let _ = begin.send(now);
        }
        Ok(now)
    }

    /// Waits for the end of all, and connects anew for them meanwhile.
    async fn work(
        self,
        members: &[Arc<MemberClient>],
        threads: u32,
        mut dials: mpsc::Receiver<Dial>,
    ) -> Result<Vec<ThreadEnd>, BenchError> {
        let Self { dialled, ends, .. } = self;
        let mut dialling = JoinSet::new();
        let all = async {
            let mut all = Vec::new();
            for end in ends {
                all.push(end.await.map_err(|_| panicked())??);
            }
            Ok(all)
        };
        tokio::pin!(all);
        loop {
            tokio::select! {
                ended = &mut all => return ended,
                Some(dial) = dials.recv() => {
                    // Connections are dealt out to threads in turn, so that this is the number of the lane's connection.
                    let number = dial.thread as usize + dial.lane * threads as usize;
                    let Some(member) = members.get(number % members.len().max(1)) else { continue };
                    dialling.spawn(redial(Arc::clone(member), dial));
                }
                Some(Ok((thread, made))) = dialling.join_next() => {
                    if let Some(dialled) = dialled.get(thread as usize) {
                        let _ = dialled.send(made);
                    }
                }
            }
        }
    }
}

async fn redial(member: Arc<MemberClient>, dial: Dial) -> (u32, Dialled) {
    let connection = member.raw_connection(dial.refused.as_ref()).await;
    (
        dial.thread,
        Dialled {
            lane: dial.lane,
            connection,
        },
    )
}

fn panicked() -> BenchError {
    BenchError::Worker("ended with a panic".to_owned())
}

fn outcome(ends: Vec<ThreadEnd>, is_stopped: bool) -> Outcome {
    let mut outcome = Outcome::default();
    let (mut last_done, mut window) = (None, None);
    for end in ends {
        outcome.recording.add(&end.recording);
        outcome.unsent += end.unsent;
        outcome.dropped += end.dropped;
        outcome.ended_early = outcome.ended_early.or(end.ended_early);
        last_done = last_done.max(end.last_done);
        window = window.or(Some((end.measured_from, end.measured_to)));
    }
    if let Some((from, planned)) = window {
        outcome.window_seconds = window_seconds(from, planned, last_done, is_stopped);
    }
    outcome
}
