//! One connection with its clients, through all that happens to it.

use std::io;
use std::time::{Duration, Instant};

use etcd_monitor_client::{ClientError, Endpoint, ErrorKind, Operation, RawConnection};
use secrecy::{ExposeSecret, SecretString};

use super::connection::Connection;
use super::headers::{RequestHeaders, Rpc};
use super::ledger::{Client, Hearing, Ledger, operation};
use super::pace::{Next, Pace};
use super::transport::Transport;
use crate::engine::DIAL_AGAIN;
use crate::poller::Poller;

/// A connection that stands.
#[derive(Debug)]
struct Up {
    transport: Transport,
    connection: Connection,
    token: Option<SecretString>,
    /// Its token was fetched since another one was refused: if it is refused as well, that is an error.
    is_renewed: bool,
    /// The poller tells when there is room to write.
    hears_room: bool,
    last_heard: Instant,
}

/// What a lane wants of whoever connects.
#[derive(Debug)]
pub(super) enum Wish {
    /// Nothing.
    None,
    /// A connection, with another token than this one.
    Connection(Option<SecretString>),
}

/// Whether a call began.
#[derive(Debug)]
pub(super) enum Begun {
    /// One did.
    Yes,
    /// None did, for there was only this to do.
    Not(Next),
}

/// One connection with its clients.
#[derive(Debug)]
pub(super) struct Lane {
    endpoint: Endpoint,
    /// Its number among the lanes of its thread, by which the poller tells of it.
    number: usize,
    clients: Vec<Client>,
    idle: Vec<u32>,
    again: Vec<u32>,
    up: Option<Up>,
    /// A connection has been asked for.
    is_dialling: bool,
    dial_at: Instant,
    refused: Option<SecretString>,
    /// Why the last connection ended before it could be used: as bad as none, and to be counted as such.
    unusable: Option<ClientError>,
    deadline: Duration,
}

impl Lane {
    pub(super) fn new(endpoint: Endpoint, number: usize, clients: u32, deadline: Duration) -> Self {
        let now = Instant::now();
        Self {
            endpoint,
            number,
            clients: (0..clients).map(|_| Client::new(now)).collect(),
            idle: (0..clients).rev().collect(),
            again: Vec::new(),
            up: None,
            is_dialling: true,
            dial_at: now,
            refused: None,
            unusable: None,
            deadline,
        }
    }

    /// True where its connection may be used.
    pub(super) fn is_ready(&self) -> bool {
        self.up
            .as_ref()
            .is_some_and(|up| up.connection.has_settings())
    }

    /// True where no call is under way or to be made again.
    pub(super) fn is_quiet(&self) -> bool {
        self.again.is_empty() && self.idle.len() == self.clients.len()
    }

    /// Its clients.
    pub(super) fn clients(&self) -> u32 {
        u32::try_from(self.clients.len()).unwrap_or(u32::MAX)
    }

    /// Those of its clients that have a call under way or to be made again.
    pub(super) fn busy(&self) -> u64 {
        (self.clients.len() - self.idle.len()) as u64
    }

    /// True where a client waits for something to do, and it could be sent.
    pub(super) fn may_begin(&self) -> bool {
        let may_call = self
            .up
            .as_ref()
            .is_some_and(|up| up.connection.has_settings() && up.connection.may_call());
        may_call && !(self.idle.is_empty() && self.again.is_empty())
    }

    /// True where a client waits for something to do, but so much is to be written that it may not begin.
    pub(super) fn is_full(&self) -> bool {
        let is_full = self.up.as_ref().is_some_and(|up| up.connection.is_full());
        is_full && !(self.idle.is_empty() && self.again.is_empty())
    }

    /// True where a call is to be made again.
    pub(super) fn has_again(&self) -> bool {
        !self.again.is_empty()
    }

    /// A connection was made.
    pub(super) fn connected(&mut self, raw: RawConnection, poller: &Poller) -> io::Result<()> {
        self.is_dialling = false;
        let token = raw.token.clone();
        let shown = token.as_ref().map(ExposeSecret::expose_secret);
        let headers = RequestHeaders::new(raw.tls.is_some(), &raw.authority, shown);
        let clients = u32::try_from(self.clients.len()).unwrap_or(u32::MAX);
        let up = Up {
            transport: Transport::new(raw)?,
            connection: Connection::new(headers, clients),
            token,
            is_renewed: self.refused.take().is_some(),
            hears_room: false,
            last_heard: Instant::now(),
        };
        poller.add(up.transport.stream(), self.number)?;
        self.up = Some(up);
        Ok(())
    }

    /// No connection could be made. Calls that wait for one fail, and so does one that is due of each client.
    pub(super) fn not_connected(
        &mut self,
        error: &ClientError,
        ledger: &mut Ledger,
        pace: &mut Pace,
    ) {
        let now = Instant::now();
        self.is_dialling = false;
        self.dial_at = now + DIAL_AGAIN;
        self.fail_again(error, ledger, now);
        for number in self.idle.clone() {
            let Next::Now(turn) = pace.next(now) else {
                return;
            };
            if let Some(client) = self.clients.get_mut(number as usize) {
                (client.turn, client.begun, client.sent) = (turn, now, now);
                ledger.requests.next(turn.number, &mut client.request);
                ledger.failed(client, now, error, false);
            }
        }
    }

    /// The same for a connection that stood, and ended before anything could be asked on it.
    pub(super) fn count_unusable(&mut self, ledger: &mut Ledger, pace: &mut Pace) {
        if let Some(error) = self.unusable.take() {
            self.not_connected(&error, ledger, pace);
        }
    }

    fn fail_again(&mut self, error: &ClientError, ledger: &mut Ledger, now: Instant) {
        for number in std::mem::take(&mut self.again) {
            if let Some(client) = self.clients.get(number as usize) {
                ledger.failed(client, now, error, false);
            }
            self.idle.push(number);
        }
    }

    /// What it wants of whoever connects; it is held to have been asked for.
    pub(super) fn wish(&mut self, now: Instant) -> Wish {
        if self.up.is_some() || self.is_dialling || now < self.dial_at {
            return Wish::None;
        }
        self.is_dialling = true;
        Wish::Connection(self.refused.clone())
    }

    /// Makes the call of a client anew, or the one of the next turn.
    pub(super) fn begin(
        &mut self,
        now: Instant,
        turn: impl FnOnce() -> Next,
        ledger: &mut Ledger,
    ) -> Begun {
        let Some(up) = &mut self.up else {
            return Begun::Not(Next::Over);
        };
        let (number, next) = match self.again.pop() {
            Some(number) => (number, None),
            None => match (self.idle.last().copied(), turn()) {
                (Some(number), Next::Now(turn)) => {
                    self.idle.pop();
                    (number, Some(turn))
                }
                (_, next) => return Begun::Not(next),
            },
        };
        let Some(client) = self.clients.get_mut(number as usize) else {
            return Begun::Not(Next::Over);
        };
        if let Some(turn) = next {
            (client.turn, client.begun) = (turn, now);
            ledger.requests.next(turn.number, &mut client.request);
        }
        client.sent = now;
        let Some(rpc) = Rpc::of(client.request.kind) else {
            ledger.refused(client);
            self.idle.push(number);
            return Begun::Yes;
        };
        match up.connection.call(number, rpc, &client.request) {
            Some(stream) => client.stream = stream,
            // The streams have run out just now: made again on the next connection.
            None => self.again.push(number),
        }
        Begun::Yes
    }

    /// Writes what waits.
    pub(super) fn flush(&mut self, poller: &Poller) -> io::Result<()> {
        let Some(up) = &mut self.up else {
            return Ok(());
        };
        let mut is_stuck = false;
        while !is_stuck && !up.connection.out().is_empty() {
            match up.transport.write(up.connection.out()) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(bytes) => up.connection.written(bytes),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => is_stuck = true,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        match up.transport.flush() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => is_stuck = true,
            flushed => flushed?,
        }
        if is_stuck != up.hears_room {
            poller.wants_room(up.transport.stream(), self.number, is_stuck)?;
            up.hears_room = is_stuck;
        }
        Ok(())
    }

    /// Takes what came in.
    pub(super) fn read(&mut self, buffer: &mut [u8], ledger: &mut Ledger) -> io::Result<()> {
        let Some(up) = &mut self.up else {
            return Ok(());
        };
        loop {
            let bytes = match up.transport.read(buffer) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(bytes) => bytes,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            // One time for all that came together.
            let done = Instant::now();
            up.last_heard = done;
            let mut hearing = Hearing {
                ledger,
                endpoint: &self.endpoint,
                clients: &mut self.clients,
                idle: &mut self.idle,
                again: &mut self.again,
                done,
                may_renew: up.token.is_some() && !up.is_renewed,
                is_token_refused: false,
                has_answer: false,
            };
            let received = up
                .connection
                .receive(buffer.get(..bytes).unwrap_or_default(), &mut hearing);
            if hearing.has_answer {
                // The token was taken: when it ends one day, it is replaced as well.
                up.is_renewed = false;
            }
            if hearing.is_token_refused {
                self.refused.clone_from(&up.token);
                up.connection.retire();
            }
            received.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
            if bytes < buffer.len() {
                return Ok(());
            }
        }
    }

    /// Gives up calls that are over their time, and a connection on which nothing came since.
    pub(super) fn keep_time(&mut self, now: Instant, ledger: &mut Ledger) {
        self.give_up_again(now, ledger);
        let Some(up) = &mut self.up else { return };
        let mut is_silent = false;
        for (number, client) in (0..).zip(&mut self.clients) {
            if client.stream == 0 || now.saturating_duration_since(client.begun) < self.deadline {
                continue;
            }
            up.connection.cancel(client.stream);
            client.stream = 0;
            is_silent |= up.last_heard < client.begun;
            let error = timed_out(client, &self.endpoint, self.deadline);
            ledger.failed(client, now, &error, true);
            self.idle.push(number);
        }
        let is_mute = !up.connection.has_settings();
        if is_silent || (is_mute && now.saturating_duration_since(up.last_heard) > self.deadline) {
            // The host may be gone, so that no farewell comes: a new connection shows.
            self.lost(io::ErrorKind::TimedOut.into(), ledger);
        }
    }

    /// Calls that are to be made again have no more time than others.
    fn give_up_again(&mut self, now: Instant, ledger: &mut Ledger) {
        let Self {
            clients,
            again,
            idle,
            endpoint,
            deadline,
            ..
        } = self;
        again.retain(|number| {
            let Some(client) = clients.get(*number as usize) else {
                return false;
            };
            let is_in_time = now.saturating_duration_since(client.begun) < *deadline;
            if !is_in_time {
                let error = timed_out(client, endpoint, *deadline);
                ledger.failed(client, now, &error, false);
                idle.push(*number);
            }
            is_in_time
        });
    }

    /// Ends a connection that is of no further use and has nothing under way.
    pub(super) fn retire_if_spent(&mut self) {
        if self
            .up
            .as_ref()
            .is_some_and(|up| up.connection.is_spent() && up.connection.open() == 0)
        {
            self.up = None;
        }
    }

    /// The connection is gone: calls under way have failed, though etcd may have made them.
    pub(super) fn lost(&mut self, error: io::Error, ledger: &mut Ledger) -> ClientError {
        let now = Instant::now();
        let was_usable = self.is_ready();
        self.up = None;
        let is_broken = error.kind() == io::ErrorKind::InvalidData;
        let error = if is_broken {
            let text = format!("{error}; check that this is etcd's client port");
            ClientError::of_kind(
                Operation::Connect,
                &self.endpoint,
                ErrorKind::BadAnswer,
                &text,
            )
        } else {
            ClientError::of_io(Operation::Connect, &self.endpoint, error)
        };
        // One that breaks again and again is not made without pause.
        let pause = is_broken || !was_usable;
        self.dial_at = now + if pause { DIAL_AGAIN } else { Duration::ZERO };
        self.unusable = (!was_usable).then(|| error.clone());
        for (number, client) in (0..).zip(&mut self.clients) {
            if client.stream != 0 {
                client.stream = 0;
                ledger.failed(client, now, &error, true);
                self.idle.push(number);
            }
        }
        error
    }

    /// Nothing further is to be made: what waits to be made again fails.
    pub(super) fn abandon(&mut self, ledger: &mut Ledger) {
        if self.up.is_none() && !self.again.is_empty() {
            let text = "the load ended before the call could be made again";
            let error =
                ClientError::of_kind(Operation::Connect, &self.endpoint, ErrorKind::Refused, text);
            self.fail_again(&error, ledger, Instant::now());
        }
    }
}

fn timed_out(client: &Client, endpoint: &Endpoint, deadline: Duration) -> ClientError {
    let text = format!("no answer within {} s", deadline.as_secs_f64());
    let operation = operation(client.request.kind);
    ClientError::of_kind(operation, endpoint, ErrorKind::TimedOut, &text)
}
