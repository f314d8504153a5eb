//! What one thread of an engine measured.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use etcd_monitor_client::{ClientError, ErrorKind};
use serde::{Deserialize, Serialize};

use crate::histogram::Latencies;
use crate::request::{Answer, OperationKind};
use crate::self_load::{Scheduling, ThreadWatch};
use crate::series::SecondsBoard;

/// Kinds of errors that are kept apart; those beyond count as one.
const ERROR_KINDS_MAX: usize = 32;

/// The times of one request.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    /// When it was due; in a closed loop when it was sent.
    pub intended: Instant,
    /// Just before it was sent.
    pub sent: Instant,
    /// When it was answered, or given up.
    pub done: Instant,
}

/// Why a request failed, by kind, with one message as an example.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The kind, in a word or two: what errors are counted by.
    pub kind: String,
    /// One message. Untrusted text without control characters.
    pub message: String,
    /// True if etcd may have done it all the same.
    pub may_be_done: bool,
}

impl Failure {
    pub(crate) fn of(error: &ClientError) -> Self {
        Self {
            kind: error.kind().as_str().to_owned(),
            message: error.to_string(),
            // A connection that broke is `Refused` as well, so that etcd may have got the request. And what is over the quota
            // when it is applied is applied all the same, and answered as an error (`quotaApplierV3` of etcd's server).
            may_be_done: !matches!(
                error.kind(),
                ErrorKind::Unauthenticated
                    | ErrorKind::PermissionDenied
                    | ErrorKind::TooLarge
                    | ErrorKind::TooManyRequests
                    | ErrorKind::NotSupported
            ),
        }
    }
}

/// Requests of one kind.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// Answered.
    pub succeeded: u64,
    /// Answered within the time of measurement: what the throughput counts.
    pub in_window: u64,
    /// Answers that made a revision.
    pub changed: u64,
    /// Keys that answers carried, or that were deleted.
    pub keys: u64,
    /// From when a request was due to its answer.
    pub response: Latencies,
    /// From when a request was sent to its answer.
    pub service: Latencies,
    /// How long failed requests took.
    pub failed: Latencies,
}

impl Tally {
    fn add(&mut self, other: &Self) {
        self.succeeded += other.succeeded;
        self.in_window += other.in_window;
        self.changed += other.changed;
        self.keys += other.keys;
        self.response.add(&other.response);
        self.service.add(&other.service);
        self.failed.add(&other.failed);
    }
}

/// Errors of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = RequestErrors))]
pub struct Errors {
    /// How many.
    pub count: u64,
    /// The first message. Untrusted text without control characters.
    pub example: String,
}

/// What was measured.
#[derive(Debug, Clone, Default)]
pub struct Recording {
    /// By kind of request.
    pub tallies: BTreeMap<OperationKind, Tally>,
    /// Errors by kind.
    pub errors: BTreeMap<String, Errors>,
    /// How late requests were sent: what the generator itself added.
    pub lateness: Latencies,
    /// The same of those that were answered, all together.
    pub lateness_of_answered: Duration,
    /// Changes that were acknowledged, those of the warm-up included.
    pub acknowledged_changes: u64,
    /// Changes that failed in a way in which etcd may have made them all the same, those of the warm-up included.
    pub unknown_changes: u64,
    /// How the threads fared that made the load.
    pub scheduling: Scheduling,
    /// From the end of the measured time to the last answer, where that was later.
    pub drain: Option<Duration>,
}

impl Recording {
    /// Takes in what another thread measured.
    pub fn add(&mut self, other: &Self) {
        for (kind, tally) in &other.tallies {
            self.tallies.entry(*kind).or_default().add(tally);
        }
        for (kind, errors) in &other.errors {
            self.count_errors(kind, errors);
        }
        self.lateness.add(&other.lateness);
        self.lateness_of_answered += other.lateness_of_answered;
        self.acknowledged_changes += other.acknowledged_changes;
        self.unknown_changes += other.unknown_changes;
        self.scheduling.add(&other.scheduling);
        self.drain = self.drain.max(other.drain);
    }

    fn count_errors(&mut self, kind: &str, errors: &Errors) {
        let is_known = self.errors.contains_key(kind) || self.errors.len() < ERROR_KINDS_MAX;
        let kind = if is_known { kind } else { "others" };
        self.errors
            .entry(kind.to_owned())
            .and_modify(|known| known.count += errors.count)
            .or_insert_with(|| errors.clone());
    }

    /// Requests that were answered.
    pub fn succeeded(&self) -> u64 {
        let requests = self.tallies.iter().filter(|(kind, _)| kind.is_request());
        requests.map(|(_, tally)| tally.succeeded).sum()
    }

    /// Requests that failed.
    pub(crate) fn failed_requests(&self) -> u64 {
        let requests = self.tallies.iter().filter(|(kind, _)| kind.is_request());
        requests.map(|(_, tally)| tally.failed.count()).sum()
    }

    /// Requests that failed, and what went wrong beside them, such as streams that broke.
    pub fn failed(&self) -> u64 {
        self.errors.values().map(|errors| errors.count).sum()
    }
}

/// Records what one thread sees; nothing is shared but the second that has passed.
#[derive(Debug)]
pub struct Recorder {
    recording: Recording,
    /// Responses to requests that were sent when they were due, as all of a closed loop are: counted once here, since they are
    /// the same as their service, and late by nothing.
    on_time: BTreeMap<OperationKind, Latencies>,
    /// Where the second goes that has passed.
    board: Arc<SecondsBoard>,
    /// Counts of the second that goes on.
    second: crate::series::OpenSecond,
    measured_from: Instant,
    measured_to: Option<Instant>,
    /// `None` where several threads take turns with it.
    thread: Option<ThreadWatch>,
}

impl Recorder {
    /// Records what is measured between these times; to the end where there is no second one. Made, used and finished by one
    /// thread, it also tells how that one fared.
    pub fn new(
        board: Arc<SecondsBoard>,
        measured_from: Instant,
        measured_to: Option<Instant>,
    ) -> Self {
        Self {
            recording: Recording::default(),
            on_time: BTreeMap::new(),
            board,
            second: crate::series::OpenSecond::default(),
            measured_from,
            measured_to,
            thread: Some(ThreadWatch::begin()),
        }
    }

    /// One that several threads take turns with: it does not tell how they fared.
    #[must_use]
    pub(crate) fn of_several_threads(mut self) -> Self {
        self.thread = None;
        self
    }

    /// One request was answered. `measured` is false in the warm-up.
    pub fn succeeded(
        &mut self,
        kind: OperationKind,
        times: Times,
        answer: &Answer,
        measured: bool,
    ) {
        self.recording.acknowledged_changes += u64::from(answer.changed);
        if !measured {
            return;
        }
        let is_in_window = self.measured_to.is_none_or(|end| times.done <= end);
        let response = times.done.duration_since(times.intended);
        let tally = self.recording.tallies.entry(kind).or_default();
        tally.succeeded += 1;
        tally.in_window += u64::from(is_in_window);
        tally.changed += u64::from(answer.changed);
        tally.keys += answer.keys;
        if times.sent == times.intended {
            self.on_time.entry(kind).or_default().record(response);
        } else {
            tally.response.record(response);
            tally.service.record(times.done.duration_since(times.sent));
            let late = times.sent.duration_since(times.intended);
            self.recording.lateness.record(late);
            self.recording.lateness_of_answered += late;
        }
        if !is_in_window {
            self.drained(times.done);
        }
        let into = self.turn_to(times.done);
        self.second.succeeded(response, into);
    }

    /// Something was seen that nobody asked for, such as an event of a watch. It is no part of the seconds, nor of the lateness.
    pub fn observed(&mut self, kind: OperationKind, times: Times) {
        let is_in_window = self.measured_to.is_none_or(|end| times.done <= end);
        let tally = self.recording.tallies.entry(kind).or_default();
        tally.succeeded += 1;
        tally.in_window += u64::from(is_in_window);
        tally
            .response
            .record(times.done.duration_since(times.intended));
        tally.service.record(times.done.duration_since(times.sent));
    }

    /// One request failed.
    pub fn failed(&mut self, kind: OperationKind, times: Times, failure: Failure, measured: bool) {
        self.recording.unknown_changes += u64::from(failure.may_be_done && kind.may_change());
        if !measured {
            return;
        }
        self.recording
            .lateness
            .record(times.sent.duration_since(times.intended));
        let tally = self.recording.tallies.entry(kind).or_default();
        tally
            .failed
            .record(times.done.duration_since(times.intended));
        let errors = Errors {
            count: 1,
            example: failure.message,
        };
        self.recording.count_errors(&failure.kind, &errors);
        self.drained(times.done);
        self.turn_to(times.done);
        self.second.failed();
    }

    /// Something went wrong just now that is no request, such as a stream that broke.
    pub(crate) fn broke(&mut self, kind: OperationKind, failure: Failure) {
        let now = Instant::now();
        let times = Times {
            intended: now,
            sent: now,
            done: now,
        };
        self.failed(kind, times, failure, true);
    }

    /// A request of the measurement is over, perhaps after its end.
    fn drained(&mut self, done: Instant) {
        let late = self
            .measured_to
            .map(|end| done.saturating_duration_since(end));
        let late = late.filter(|late| !late.is_zero());
        self.recording.drain = self.recording.drain.max(late);
    }

    /// Hands over the second that has passed, where one has; the time since the measurement began.
    pub fn turn_to(&mut self, now: Instant) -> Duration {
        let passed = now.saturating_duration_since(self.measured_from);
        if passed.as_secs() != self.second.number {
            self.board.take(&mut self.second, passed.as_secs());
        }
        passed
    }

    /// The end: what was measured.
    pub fn finish(mut self) -> Recording {
        self.board.take(&mut self.second, 0);
        for (kind, on_time) in &self.on_time {
            let tally = self.recording.tallies.entry(*kind).or_default();
            tally.response.add(on_time);
            tally.service.add(on_time);
            let lateness = &mut self.recording.lateness;
            lateness.record_alike(Duration::ZERO, on_time.count());
        }
        let thread = self.thread.as_ref().map(ThreadWatch::end);
        self.recording.scheduling = thread.unwrap_or_default();
        self.recording
    }
}
