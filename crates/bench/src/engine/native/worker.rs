//! One thread of the engine: its connections, and nothing that it shares with others while it works.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use etcd_monitor_client::{ClientError, RawConnection};
use secrecy::SecretString;
use tokio::sync::mpsc::Sender;
use tokio_util::sync::CancellationToken;

use super::lane::{Begun, Lane, Wish};
use super::ledger::Ledger;
use super::pace::{Issued, Next, Pace};
use super::{Options, Pacing};
use crate::engine::Assignment;
use crate::error::BenchError;
use crate::poller::{COARSE, Poller, wake_exactly};
use crate::recorder::{Recorder, Recording};

/// How often deadlines, seconds and the end are looked at; up to 20 ms later where nothing else is to be done.
const TICK: Duration = Duration::from_millis(50);

/// Bytes that are read at once.
const READ_BYTES: usize = 128 << 10;

/// Calls that are begun before the clock is read again: the last of them counts as sent about two microseconds too early.
const CALLS_OF_ONE_TIME: u32 = 16;

/// A connection that a thread asks for.
#[derive(Debug)]
pub(super) struct Dial {
    pub(super) thread: u32,
    pub(super) lane: usize,
    pub(super) refused: Option<SecretString>,
}

/// What became of it.
#[derive(Debug)]
pub(super) struct Dialled {
    pub(super) lane: usize,
    pub(super) connection: Result<RawConnection, ClientError>,
}

/// What a thread is given.
pub(super) struct Work {
    pub(super) thread: u32,
    pub(super) threads: u32,
    pub(super) assignment: Assignment,
    pub(super) options: Options,
    pub(super) issued: Arc<Issued>,
    pub(super) stop: CancellationToken,
    pub(super) dial: Sender<Dial>,
    pub(super) dialled: Receiver<Dialled>,
    /// Gives the time at which all begin.
    pub(super) begin: Receiver<Instant>,
    pub(super) lanes: Vec<Lane>,
    pub(super) connections: Vec<RawConnection>,
}

/// How a thread ended.
#[derive(Debug)]
pub(super) struct ThreadEnd {
    pub(super) measured_from: Instant,
    pub(super) measured_to: Option<Instant>,
    pub(super) recording: Recording,
    pub(super) last_done: Option<Instant>,
    pub(super) ended_early: Option<String>,
    pub(super) unsent: u64,
    pub(super) dropped: u64,
}

/// What is to be waited for.
enum Wait {
    Nothing,
    Until(Instant),
    Answers,
}

pub(super) struct Worker {
    work: Work,
    poller: Poller,
    ready: Vec<usize>,
    buffer: Vec<u8>,
    /// The lane that is asked first, so that none is preferred.
    first: usize,
    next_tick: Instant,
}

impl Worker {
    /// Takes over the connections, and waits until each of them may be used.
    pub(super) fn prepare(mut work: Work) -> Result<Self, BenchError> {
        let no_poller = |error| BenchError::Worker(format!("cannot wait for sockets: {error}"));
        let poller = Poller::new().map_err(no_poller)?;
        let connections = std::mem::take(&mut work.connections);
        for (lane, connection) in work.lanes.iter_mut().zip(connections) {
            lane.connected(connection, &poller).map_err(no_poller)?;
        }
        let now = Instant::now();
        let mut worker = Self {
            work,
            poller,
            ready: Vec::new(),
            buffer: vec![0; READ_BYTES],
            first: 0,
            next_tick: now,
        };
        worker.greet(now + worker.work.options.deadline)?;
        Ok(worker)
    }

    /// Says hello on each connection, and hears the answers.
    fn greet(&mut self, until: Instant) -> Result<(), BenchError> {
        let mut ledger = self.ledger(Instant::now(), None);
        while !self.work.lanes.iter().all(Lane::is_ready) {
            for lane in &mut self.work.lanes {
                let flushed = lane.flush(&self.poller);
                flushed.map_err(|error| lane.lost(error, &mut ledger))?;
            }
            if Instant::now() >= until {
                let late = |lane: &mut Lane| lane.lost(io::ErrorKind::TimedOut.into(), &mut ledger);
                let silent = self.work.lanes.iter_mut().find(|lane| !lane.is_ready());
                return silent.map(late).map_or(Ok(()), |error| Err(error.into()));
            }
            self.wait(TICK)?;
            for number in std::mem::take(&mut self.ready) {
                if let Some(lane) = self.work.lanes.get_mut(number) {
                    let read = lane.read(&mut self.buffer, &mut ledger);
                    read.map_err(|error| lane.lost(error, &mut ledger))?;
                }
            }
        }
        Ok(())
    }

    fn ledger(&self, measured_from: Instant, measured_to: Option<Instant>) -> Ledger {
        let Assignment {
            load,
            workload,
            board,
            ..
        } = &self.work.assignment;
        let recorder = Recorder::new(Arc::clone(board), measured_from, measured_to);
        Ledger::new(
            recorder,
            workload.requests(load.seed_of_worker(self.work.thread)),
        )
    }

    /// Works until the load is over.
    pub(super) fn run(mut self) -> Result<ThreadEnd, BenchError> {
        let Ok(begin) = self.work.begin.recv() else {
            return Err(BenchError::Stopped);
        };
        let Work {
            thread,
            threads,
            assignment,
            issued,
            ..
        } = &self.work;
        let clients = self.work.lanes.iter().map(Lane::clients).sum();
        let share = (*thread, *threads);
        let tick = match self.work.options.pacing {
            Pacing::Tick(tick) => Some(tick),
            Pacing::Sleep | Pacing::Spin => None,
        };
        let pace = Pace::new(&assignment.load, begin, issued, share, clients);
        let mut pace = pace.with_tick(tick);
        let mut ledger = self.ledger(pace.measured_from(), pace.measured_to());
        if assignment.load.rate.is_some() {
            wake_exactly();
        }
        loop {
            if ledger.is_hopeless() {
                self.work.stop.cancel();
                pace.stop(Instant::now());
            }
            pace.admit(|| (Instant::now(), self.busy()));
            let wait = self.begin_calls(&mut pace, &mut ledger);
            let is_held_back = self.work.lanes.iter().any(Lane::is_full);
            self.flush(&mut ledger);
            let has_room = is_held_back && self.work.lanes.iter().any(Lane::may_begin);
            let wait = if has_room { Wait::Nothing } else { wait };
            let now = Instant::now();
            if now >= self.next_tick {
                self.tick(now, &mut pace, &mut ledger);
            }
            if pace.is_over() && self.work.lanes.iter().all(Lane::is_quiet) {
                break;
            }
            self.wait(self.span(&wait, now))?;
            pace.admit(|| (Instant::now(), self.busy()));
            self.read(&mut ledger);
        }
        let unsent = pace.unsent(Instant::now());
        let (recording, last_done, ended_early) = ledger.finish();
        Ok(ThreadEnd {
            measured_from: pace.measured_from(),
            measured_to: pace.measured_to(),
            recording,
            last_done,
            ended_early,
            unsent,
            dropped: pace.dropped(),
        })
    }

    /// Clients that have a call under way.
    fn busy(&self) -> u64 {
        self.work.lanes.iter().map(Lane::busy).sum()
    }

    fn wait(&mut self, at_most: Duration) -> Result<(), BenchError> {
        let waited = self.poller.wait(at_most, &mut self.ready);
        waited.map_err(|error| BenchError::Worker(format!("cannot wait for its sockets: {error}")))
    }

    fn span(&self, wait: &Wait, now: Instant) -> Duration {
        let tick = self.next_tick.saturating_duration_since(now);
        match wait {
            Wait::Nothing => Duration::ZERO,
            Wait::Until(_) if self.work.options.pacing == Pacing::Spin => Duration::ZERO,
            Wait::Until(at) => at.saturating_duration_since(now).min(tick),
            // Answers are told of as they come; when to look at the rest need not be exact, and that spares a call of the kernel.
            Wait::Answers => tick.max(COARSE),
        }
    }

    /// Begins what is to be begun: a call of each connection in turn.
    fn begin_calls(&mut self, pace: &mut Pace, ledger: &mut Ledger) -> Wait {
        let count = self.work.lanes.len();
        let (mut now, mut begun_since) = (Instant::now(), 0);
        for _ in 0..self.work.options.batch_max.unwrap_or(u32::MAX) {
            let (mut has_begun, mut later) = (false, None);
            for place in 0..count {
                let Some(lane) = self.work.lanes.get_mut((self.first + place) % count) else {
                    continue;
                };
                // Once nothing is due, only calls are begun that are to be made again.
                if !lane.may_begin() || (later.is_some() && !lane.has_again()) {
                    continue;
                }
                if begun_since >= CALLS_OF_ONE_TIME {
                    (now, begun_since) = (Instant::now(), 0);
                }
                match lane.begin(now, || pace.next(now), ledger) {
                    Begun::Yes => (has_begun, begun_since) = (true, begun_since + 1),
                    Begun::Not(Next::Later(at)) => later = Some(at),
                    Begun::Not(_) => {}
                }
            }
            self.first = (self.first + 1) % count.max(1);
            if !has_begun {
                return later.map_or(Wait::Answers, Wait::Until);
            }
        }
        Wait::Nothing
    }

    fn flush(&mut self, ledger: &mut Ledger) {
        for lane in &mut self.work.lanes {
            if let Err(error) = lane.flush(&self.poller) {
                // What the other side still said lies in the socket: answers, and why it left.
                let _ = lane.read(&mut self.buffer, ledger);
                lane.lost(error, ledger);
            }
        }
    }

    fn read(&mut self, ledger: &mut Ledger) {
        for number in &self.ready {
            if let Some(lane) = self.work.lanes.get_mut(*number)
                && let Err(error) = lane.read(&mut self.buffer, ledger)
            {
                lane.lost(error, ledger);
            }
        }
    }

    /// What is not urgent.
    fn tick(&mut self, now: Instant, pace: &mut Pace, ledger: &mut Ledger) {
        self.next_tick = now + TICK;
        ledger.turn_to(now);
        if self.work.stop.is_cancelled() || pace.measured_to().is_some_and(|end| now >= end) {
            pace.stop(now);
        }
        while let Ok(dialled) = self.work.dialled.try_recv() {
            self.dialled(dialled, pace, ledger);
        }
        for (number, lane) in self.work.lanes.iter_mut().enumerate() {
            lane.keep_time(now, ledger);
            lane.count_unusable(ledger, pace);
            lane.retire_if_spent();
            if pace.is_over() {
                lane.abandon(ledger);
            } else if let Wish::Connection(refused) = lane.wish(now) {
                let thread = self.work.thread;
                // There is room for one of each connection; nobody listens only when the run is being dropped.
                let _ = self.work.dial.try_send(Dial {
                    thread,
                    lane: number,
                    refused,
                });
            }
        }
    }

    fn dialled(&mut self, dialled: Dialled, pace: &mut Pace, ledger: &mut Ledger) {
        let Some(lane) = self.work.lanes.get_mut(dialled.lane) else {
            return;
        };
        match dialled.connection {
            Ok(connection) => {
                if let Err(error) = lane.connected(connection, &self.poller) {
                    lane.lost(error, ledger);
                }
            }
            Err(error) => lane.not_connected(&error, ledger, pace),
        }
    }
}
