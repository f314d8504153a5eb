//! What the clients of a load on streams share: turns, recorders, and the end.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use etcd_monitor_client::ClientError;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::Stage;
use crate::engine::Outcome;
use crate::engine::is_final;
use crate::error::BenchError;
use crate::load::Load;
use crate::recorder::{Failure, Recorder, Recording, Times};
use crate::request::{Answer, OperationKind};
use crate::self_load::ThreadsWatch;
use crate::turns::{Turn, Turns};

/// Recorders of one run: a few, so that clients seldom wait for each other, and not one for each of thousands of watchers.
const RECORDERS: usize = 8;

/// How often it is looked whether a second has passed in which nothing was answered.
const TICK: Duration = Duration::from_millis(250);

/// What the clients of one run share.
#[derive(Debug)]
pub(super) struct Crew {
    pub(super) turns: Arc<Turns>,
    /// Ends the load: by whoever wants the run to end, or by an error after which nothing can succeed.
    pub(super) stop: CancellationToken,
    recorders: Vec<Mutex<Recorder>>,
    /// The threads that its clients run on: recorders do not tell how these fared, since several take turns with each.
    threads: ThreadsWatch,
    ending: Mutex<Ending>,
    pacer: Option<std::thread::JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Ending {
    last_done: Option<Instant>,
    ended_early: Option<String>,
}

impl Crew {
    /// Begins a load now.
    pub(super) fn begin(stage: &Stage, load: &Load) -> Result<Self, BenchError> {
        let stop = stage.stop.child_token();
        let now = Instant::now();
        stage.board.begins(load, now);
        let turns = Arc::new(Turns::new(load, now, stop.clone()));
        let recorders = (0..RECORDERS).map(|_| {
            let (from, to) = (turns.measured_from(), turns.measured_to());
            let recorder = Recorder::new(Arc::clone(&stage.board), from, to);
            Mutex::new(recorder.of_several_threads())
        });
        let (pacing, clients) = (Arc::clone(&turns), load.clients);
        let pacer = turns.is_open_loop().then(|| {
            let pacer = std::thread::Builder::new().name("pacer".to_owned());
            pacer.spawn(move || pacing.pace(clients))
        });
        let pacer = pacer
            .transpose()
            .map_err(|error| BenchError::Worker(format!("could not be started: {error}")))?;
        Ok(Self {
            recorders: recorders.collect(),
            threads: stage.threads.watch(),
            ending: Mutex::default(),
            turns,
            stop,
            pacer,
        })
    }

    /// The recorder of a client or stream of this number.
    pub(super) fn recorder(&self, number: u32) -> MutexGuard<'_, Recorder> {
        let Some(recorder) = self.recorders.get(number as usize % RECORDERS) else {
            unreachable!("there are so many");
        };
        recorder.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The times of a request that is over now.
    pub(super) fn times(&self, turn: Turn, sent: Instant) -> Times {
        Times {
            // A closed loop plans nothing.
            intended: if self.turns.is_open_loop() {
                turn.intended.min(sent)
            } else {
                sent
            },
            sent,
            done: Instant::now(),
        }
    }

    /// Records a request that is over.
    pub(super) fn record(
        &self,
        client: u32,
        kind: OperationKind,
        (turn, times): (Turn, Times),
        answer: Result<Answer, &ClientError>,
    ) {
        match answer {
            Ok(answer) => {
                self.measured(turn, times);
                self.recorder(client)
                    .succeeded(kind, times, &answer, turn.measured);
            }
            Err(error) => {
                self.failed(client, kind, (turn, times), Failure::of(error));
                if is_final(error) {
                    self.give_up(error.to_string());
                }
            }
        }
    }

    /// Records a request that failed.
    pub(super) fn failed(
        &self,
        client: u32,
        kind: OperationKind,
        (turn, times): (Turn, Times),
        failure: Failure,
    ) {
        self.measured(turn, times);
        self.recorder(client)
            .failed(kind, times, failure, turn.measured);
    }

    fn measured(&self, turn: Turn, times: Times) {
        if turn.measured {
            let mut ending = self.ending();
            ending.last_done = ending.last_done.max(Some(times.done));
        }
    }

    /// All that belongs to a turn is over: its client is free.
    pub(super) fn finished(&self) {
        self.turns.finished();
    }

    /// Records what went wrong beside the requests, such as a stream that broke.
    pub(super) fn broke(&self, number: u32, kind: OperationKind, failure: Failure) {
        self.recorder(number).broke(kind, failure);
    }

    /// Ends the load early, and says why.
    pub(super) fn give_up(&self, why: String) {
        let mut ending = self.ending();
        if !self.stop.is_cancelled() {
            ending.ended_early = Some(why);
            self.stop.cancel();
        }
    }

    /// Waits until all clients have ended, and hands over seconds that have passed meanwhile.
    pub(super) async fn until_all_end(&self, clients: &mut JoinSet<()>) {
        let all = async { while clients.join_next().await.is_some() {} };
        tokio::select! {
            () = all => {}
            () = self.tick() => {}
        }
    }

    async fn tick(&self) {
        let mut ticks = tokio::time::interval(TICK);
        loop {
            ticks.tick().await;
            for number in 0..RECORDERS {
                let number = u32::try_from(number).unwrap_or(0);
                self.recorder(number).turn_to(Instant::now());
            }
        }
    }

    /// The end: what was measured. All that have a part in the crew must have ended.
    pub(super) async fn finish(self: Arc<Self>) -> Outcome {
        self.stop.cancel();
        let Some(crew) = Arc::into_inner(self) else {
            return Outcome {
                ended_early: Some("a client of the load has not ended".to_owned()),
                ..Outcome::default()
            };
        };
        let threads = crew.threads.end();
        if let Some(pacer) = crew.pacer {
            // It naps for 50 ms at most.
            let _ = tokio::task::spawn_blocking(move || pacer.join()).await;
        }
        let mut recording = Recording::default();
        for recorder in crew.recorders {
            let recorder = recorder
                .into_inner()
                .unwrap_or_else(PoisonError::into_inner);
            recording.add(&recorder.finish());
        }
        recording.scheduling = threads;
        let ending = crew.ending.into_inner();
        let ending = ending.unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let end = match (crew.turns.measured_to(), ending.last_done) {
            // Ended early, it was measured until the last answer.
            (Some(planned), last) if planned > now => last,
            (planned, last) => planned.or(last),
        };
        let window = end.map(|end| end.saturating_duration_since(crew.turns.measured_from()));
        Outcome {
            recording,
            window_seconds: window.unwrap_or_default().as_secs_f64(),
            unsent: crew.turns.unsent(),
            dropped: crew.turns.dropped(),
            ended_early: ending.ended_early,
            details: None,
        }
    }

    fn ending(&self) -> MutexGuard<'_, Ending> {
        self.ending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
