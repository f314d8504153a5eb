//! One HTTP/2 connection that makes unary gRPC calls, without its socket: bytes come in, bytes go out.
//!
//! Nothing is allocated for a call once its place in the table of streams was used before. What the other side may do is
//! bounded: frames, headers, answers, and what is written for it while it does not read.

mod answering;
mod receiving;
mod streams;

use std::collections::VecDeque;

use super::headers::{RequestHeaders, Rpc};
use super::message;
use crate::http2::ProtocolError;
use crate::http2::frame::{
    self, HEAD_BYTES, PAYLOAD_BYTES_MAX, WINDOW_DEFAULT, flag, kind, setting,
};
use crate::http2::hpack::Decoder;
use crate::request::Request;
use answering::KnownBlocks;
use streams::Streams;

/// The window that we give: far more than is ever on its way, so that no answer waits for us.
const WINDOW_BYTES: u32 = 1 << 30;

/// Bytes that were taken before the other side hears that there is room again.
const WINDOW_UPDATE_BYTES: u32 = 1 << 20;

/// Bytes that wait for the socket at most before no further data of requests is written.
const OUT_BYTES_MAX: usize = 256 << 10;

/// Bytes that wait for the socket when the other side is no longer listened to: it asks (PING, SETTINGS) and does not read.
const OUT_BYTES_FLOOD: usize = 4 << 20;

/// The last stream that a connection may have.
const STREAM_MAX: u32 = (1 << 31) - 1;

/// Bytes before a gRPC message: whether it is compressed, and its length.
const MESSAGE_HEAD_BYTES: usize = 5;

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End<'a> {
    /// With this message, and the status OK.
    Answered(&'a [u8]),
    /// With another status: code and text.
    Status(i32, &'a str),
    /// The other side did not look at it, and says so: it can be made again on another connection.
    NotProcessed,
    /// The other side gave it up, with this code of HTTP/2.
    Reset(u32),
    /// With something that is no gRPC.
    NotGrpc(&'static str),
    /// With this HTTP status.
    HttpStatus(u16),
}

/// Hears how calls end.
pub(super) trait Ends {
    /// A call of this client ended.
    fn ended(&mut self, client: u32, end: End<'_>);
}

/// The connection.
#[derive(Debug)]
pub(super) struct Connection {
    /// What is to be written to the socket, from `out_from` on.
    out: Vec<u8>,
    out_from: usize,
    /// The beginning of a frame whose rest has not come in.
    input: Vec<u8>,
    streams: Streams,
    next_stream: u32,
    headers: RequestHeaders,
    decoder: Decoder,
    known: KnownBlocks,
    /// HEADERS that are not whole: the stream, whether it ends with them, and what came so far.
    unfinished: Option<(u32, bool, Vec<u8>)>,
    /// What may be sent on the connection, and on a new stream.
    window: i64,
    window_of_stream: i64,
    payload_max: usize,
    streams_max: u32,
    /// Calls whose data waits for a window.
    waiting: VecDeque<u32>,
    /// Bytes of data since the other side heard of room.
    taken: u32,
    has_settings: bool,
    is_going_away: bool,
}

impl Connection {
    /// A connection for so many clients, each of which makes one call at a time.
    pub(super) fn new(headers: RequestHeaders, clients: u32) -> Self {
        let mut out = Vec::with_capacity(16 << 10);
        out.extend_from_slice(frame::PREFACE);
        let settings = [
            (setting::HEADER_TABLE_SIZE, 0),
            (setting::ENABLE_PUSH, 0),
            (setting::INITIAL_WINDOW_SIZE, WINDOW_BYTES),
        ];
        frame::put_settings(&mut out, &settings);
        let more = WINDOW_BYTES - u32::try_from(WINDOW_DEFAULT).unwrap_or(0);
        frame::put_number(&mut out, kind::WINDOW_UPDATE, 0, more);
        Self {
            out,
            out_from: 0,
            input: Vec::new(),
            streams: Streams::new(clients),
            next_stream: 1,
            headers,
            decoder: Decoder::new(0),
            known: KnownBlocks::default(),
            unfinished: None,
            window: WINDOW_DEFAULT,
            window_of_stream: WINDOW_DEFAULT,
            payload_max: PAYLOAD_BYTES_MAX,
            streams_max: u32::MAX,
            waiting: VecDeque::new(),
            taken: 0,
            has_settings: false,
            is_going_away: false,
        }
    }

    /// Begins with this stream, so that a test sees how they run out.
    #[cfg(test)]
    pub(super) fn starting_at(mut self, stream: u32) -> Self {
        self.next_stream = stream;
        self
    }

    /// True once the other side has said how it wants to be spoken to.
    pub(super) fn has_settings(&self) -> bool {
        self.has_settings
    }

    /// True while a further call may begin.
    pub(super) fn may_call(&self) -> bool {
        !self.is_spent()
            && self.streams.open() < self.streams_max
            && self.waiting_out() < OUT_BYTES_MAX
    }

    /// True while so much is to be written that no call may begin for that alone.
    pub(super) fn is_full(&self) -> bool {
        self.waiting_out() >= OUT_BYTES_MAX && !self.is_spent()
    }

    /// True when no further call can ever begin: the other side wants the connection to end, or the streams have run out.
    pub(super) fn is_spent(&self) -> bool {
        self.is_going_away || self.next_stream > STREAM_MAX
    }

    /// No further call is to begin.
    pub(super) fn retire(&mut self) {
        self.is_going_away = true;
    }

    /// Calls under way.
    pub(super) fn open(&self) -> u32 {
        self.streams.open()
    }

    /// Begins a call; `None` where none may begin, as [`may_call`](Self::may_call) says. Returns its stream.
    pub(super) fn call(&mut self, client: u32, rpc: Rpc, request: &Request) -> Option<u32> {
        if !self.may_call() {
            return None;
        }
        let id = self
            .streams
            .begin(self.next_stream, client, self.window_of_stream)?;
        self.next_stream = id.saturating_add(2);
        self.write_headers(id, rpc);
        let length = message::length(request);
        let whole = MESSAGE_HEAD_BYTES + length;
        let room = self
            .payload_max
            .min(usize::try_from(self.window.min(self.window_of_stream)).unwrap_or(0));
        if whole <= room && self.waiting.is_empty() {
            frame::put_head(&mut self.out, whole, kind::DATA, flag::END_STREAM, id);
            write_message(&mut self.out, length, request);
            self.window -= signed(whole);
            if let Some(stream) = self.streams.get_mut(id) {
                stream.window -= signed(whole);
            }
            return Some(id);
        }
        let stream = self.streams.get_mut(id)?;
        stream.unsent.clear();
        stream.unsent_from = 0;
        write_message(&mut stream.unsent, length, request);
        self.waiting.push_back(id);
        self.send_waiting();
        Some(id)
    }

    fn write_headers(&mut self, id: u32, rpc: Rpc) {
        let head_at = self.out.len();
        frame::put_head(&mut self.out, 0, kind::HEADERS, flag::END_HEADERS, id);
        self.headers.write(rpc, &mut self.out);
        // A block is far below the least frame that all must take: a token has a few hundred bytes at most.
        let length = u32::try_from(self.out.len() - head_at - HEAD_BYTES)
            .unwrap_or(0)
            .to_be_bytes();
        if let Some(place) = self.out.get_mut(head_at..head_at + 3) {
            place.copy_from_slice(&length[1..]);
        }
    }

    /// Sends what windows and room allow of the data that waits, each call a frame in turn.
    fn send_waiting(&mut self) {
        let mut stuck = 0;
        while stuck < self.waiting.len() && self.window > 0 && self.waiting_out() < OUT_BYTES_MAX {
            let Some(id) = self.waiting.pop_front() else {
                return;
            };
            let Some(stream) = self.streams.get_mut(id) else {
                continue;
            };
            let room = self.window.min(stream.window).min(signed(self.payload_max));
            let room = usize::try_from(room).unwrap_or(0);
            let rest = stream.unsent.get(stream.unsent_from..).unwrap_or_default();
            let Some(part) = rest
                .get(..room.min(rest.len()))
                .filter(|part| !part.is_empty())
            else {
                self.waiting.push_back(id);
                stuck += 1;
                continue;
            };
            let is_last = part.len() == rest.len();
            let flags = if is_last { flag::END_STREAM } else { 0 };
            frame::put_head(&mut self.out, part.len(), kind::DATA, flags, id);
            self.out.extend_from_slice(part);
            let sent = part.len();
            self.window -= signed(sent);
            stream.window -= signed(sent);
            stream.unsent_from += sent;
            if !is_last {
                self.waiting.push_back(id);
            }
            stuck = 0;
        }
    }

    /// Gives up a call: the other side hears of it, and what it still answers is not listened to.
    pub(super) fn cancel(&mut self, id: u32) {
        if self.streams.get_mut(id).is_some() {
            frame::put_number(&mut self.out, kind::RST_STREAM, id, frame::code::CANCEL);
            self.streams.end(id);
        }
    }

    /// What is to be written to the socket.
    pub(super) fn out(&self) -> &[u8] {
        self.out.get(self.out_from..).unwrap_or_default()
    }

    fn waiting_out(&self) -> usize {
        self.out.len() - self.out_from
    }

    /// So much of it was written.
    pub(super) fn written(&mut self, bytes: usize) {
        self.out_from = (self.out_from + bytes).min(self.out.len());
        if self.out_from == self.out.len() {
            self.out.clear();
            self.out_from = 0;
        } else if self.out_from > OUT_BYTES_MAX {
            self.out.drain(..self.out_from);
            self.out_from = 0;
        }
        if !self.waiting.is_empty() {
            self.send_waiting();
        }
    }

    /// Takes what the socket gave, and tells how calls ended. After an error the connection is of no use.
    pub(super) fn receive(
        &mut self,
        bytes: &[u8],
        ends: &mut impl Ends,
    ) -> Result<(), ProtocolError> {
        let mut rest = bytes;
        // The frame that had begun, up to its end; then whole frames where they lie; then the beginning of one is kept.
        while !self.input.is_empty() && !rest.is_empty() {
            let wanted = frame_bytes(&self.input)?.unwrap_or(HEAD_BYTES);
            let missing = wanted.saturating_sub(self.input.len()).min(rest.len());
            let (part, after) = rest.split_at(missing);
            self.input.extend_from_slice(part);
            rest = after;
            if frame_bytes(&self.input)? == Some(self.input.len()) {
                let mut input = std::mem::take(&mut self.input);
                self.frame(&input, ends)?;
                input.clear();
                self.input = input;
            }
        }
        while let Some(frame) = frame_bytes(rest)?.and_then(|length| rest.get(..length)) {
            self.frame(frame, ends)?;
            rest = rest.get(frame.len()..).unwrap_or_default();
        }
        self.input.extend_from_slice(rest);
        if self.taken >= WINDOW_UPDATE_BYTES {
            frame::put_number(&mut self.out, kind::WINDOW_UPDATE, 0, self.taken);
            self.taken = 0;
        }
        if self.waiting_out() > OUT_BYTES_FLOOD {
            return Err(ProtocolError("it asks for more than it reads"));
        }
        Ok(())
    }
}

/// Bytes of the whole frame at the start; `None` where not even its head is there.
fn frame_bytes(bytes: &[u8]) -> Result<Option<usize>, ProtocolError> {
    let Some(head) = frame::Head::read(bytes) else {
        return Ok(None);
    };
    if head.length > PAYLOAD_BYTES_MAX {
        return Err(ProtocolError("a frame that is longer than we allowed"));
    }
    Ok(Some(HEAD_BYTES + head.length))
}

/// Bytes as what windows count in, which may go below 0.
fn signed(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

fn write_message(out: &mut Vec<u8>, length: usize, request: &Request) {
    out.push(0);
    out.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
    message::write(request, out);
}

#[cfg(test)]
mod tests;
