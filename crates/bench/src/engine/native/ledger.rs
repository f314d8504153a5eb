//! What came of the calls of one thread.

use std::time::Instant;

use etcd_monitor_client::{ClientError, Endpoint, ErrorKind, Operation};

use super::connection::{End, Ends};
use super::message;
use crate::engine::{is_final, no_call};
use crate::recorder::{Failure, Recorder, Recording, Times};
use crate::request::{Answer, OperationKind, Request};
use crate::turns::Turn;
use crate::workload::Requests;

/// One client: makes one call at a time.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) request: Request,
    pub(super) turn: Turn,
    /// When its call was first to be made; it may be made again on another connection.
    pub(super) begun: Instant,
    pub(super) sent: Instant,
    /// The stream of its call; 0 while it makes none.
    pub(super) stream: u32,
}

impl Client {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            request: Request::default(),
            turn: Turn {
                number: 0,
                intended: now,
                measured: false,
            },
            begun: now,
            sent: now,
            stream: 0,
        }
    }
}

/// Records for one thread.
pub(super) struct Ledger {
    recorder: Recorder,
    pub(super) requests: Box<dyn Requests>,
    last_done: Option<Instant>,
    ended_early: Option<String>,
}

impl Ledger {
    pub(super) fn new(recorder: Recorder, requests: Box<dyn Requests>) -> Self {
        Self {
            recorder,
            requests,
            last_done: None,
            ended_early: None,
        }
    }

    /// True after an error after which nothing can succeed.
    pub(super) fn is_hopeless(&self) -> bool {
        self.ended_early.is_some()
    }

    /// Hands over the second that has passed.
    pub(super) fn turn_to(&mut self, now: Instant) {
        self.recorder.turn_to(now);
    }

    pub(super) fn finish(self) -> (Recording, Option<Instant>, Option<String>) {
        (self.recorder.finish(), self.last_done, self.ended_early)
    }

    fn succeeded(&mut self, client: &Client, done: Instant, answer: &Answer) {
        let times = self.times(client, done);
        let Client { request, turn, .. } = client;
        self.recorder
            .succeeded(request.kind, times, answer, turn.measured);
        self.requests.answered(request, answer);
    }

    /// A call failed. `was_sent` is false where etcd cannot have seen it.
    pub(super) fn failed(
        &mut self,
        client: &Client,
        done: Instant,
        error: &ClientError,
        was_sent: bool,
    ) {
        let mut failure = Failure::of(error);
        failure.may_be_done &= was_sent;
        self.record(client, done, failure);
        if is_final(error) {
            self.ended_early.get_or_insert_with(|| error.to_string());
        }
    }

    /// What is asked is no single call.
    pub(super) fn refused(&mut self, client: &Client) {
        self.record(client, client.sent, no_call(client.request.kind));
    }

    fn record(&mut self, client: &Client, done: Instant, failure: Failure) {
        let times = self.times(client, done);
        let Client { request, turn, .. } = client;
        self.recorder
            .failed(request.kind, times, failure, turn.measured);
    }

    fn times(&mut self, client: &Client, done: Instant) -> Times {
        if client.turn.measured {
            self.last_done = self.last_done.max(Some(done));
        }
        Times {
            intended: client.turn.intended.min(client.sent),
            sent: client.sent,
            done,
        }
    }
}

pub(super) fn operation(kind: OperationKind) -> Operation {
    match kind {
        OperationKind::Put => Operation::Put,
        OperationKind::Range => Operation::Range,
        OperationKind::Delete => Operation::Delete,
        _ => Operation::Txn,
    }
}

/// Hears how the calls of one connection end.
pub(super) struct Hearing<'a> {
    pub(super) ledger: &'a mut Ledger,
    pub(super) endpoint: &'a Endpoint,
    pub(super) clients: &'a mut [Client],
    /// Clients that make no call.
    pub(super) idle: &'a mut Vec<u32>,
    /// Clients whose call is to be made again: nobody looked at it.
    pub(super) again: &'a mut Vec<u32>,
    pub(super) done: Instant,
    /// True where a token that is refused can be replaced by another one.
    pub(super) may_renew: bool,
    /// Set where a token was refused, and is to be replaced.
    pub(super) is_token_refused: bool,
    /// Set where a call was answered.
    pub(super) has_answer: bool,
}

impl Ends for Hearing<'_> {
    fn ended(&mut self, number: u32, end: End<'_>) {
        let Some(client) = self.clients.get_mut(number as usize) else {
            return;
        };
        client.stream = 0;
        let kind = client.request.kind;
        let error = match end {
            End::Answered(bytes) => match message::answer(kind, bytes) {
                Ok(answer) => {
                    self.ledger.succeeded(client, self.done, &answer);
                    self.has_answer = true;
                    self.idle.push(number);
                    return;
                }
                Err(reason) => self.bad(kind, reason),
            },
            End::NotProcessed => {
                self.again.push(number);
                return;
            }
            End::Status(code, text) => {
                ClientError::of_status(operation(kind), self.endpoint, code, text)
            }
            End::Reset(code) => {
                let text = format!("the member gave the call up (code {code} of HTTP/2)");
                ClientError::of_kind(operation(kind), self.endpoint, ErrorKind::Other, &text)
            }
            End::NotGrpc(reason) => self.bad(kind, reason),
            End::HttpStatus(status) => self.bad(kind, &format!("HTTP status {status}")),
        };
        if self.may_renew && error.kind() == ErrorKind::Unauthenticated {
            self.is_token_refused = true;
            self.again.push(number);
            return;
        }
        let Some(client) = self.clients.get(number as usize) else {
            return;
        };
        self.ledger.failed(client, self.done, &error, true);
        self.idle.push(number);
    }
}

impl Hearing<'_> {
    fn bad(&self, kind: OperationKind, reason: &str) -> ClientError {
        let text = format!("{reason}; check that this is etcd's client port");
        ClientError::of_kind(operation(kind), self.endpoint, ErrorKind::BadAnswer, &text)
    }
}
