//! One client of the null server.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicI64, Ordering};

use super::answers::{Answers, Call};
use crate::http2::ProtocolError;
use crate::http2::frame::{
    self, HEAD_BYTES, Head, PAYLOAD_BYTES_MAX, WINDOW_DEFAULT, WINDOW_MAX, flag, kind, setting,
};
use crate::http2::hpack::Decoder;
use crate::poller::Poller;

/// The window that we give.
const WINDOW_BYTES: u32 = 1 << 30;

/// Bytes that were taken before the client hears that there is room again.
const WINDOW_UPDATE_BYTES: u32 = 1 << 20;

/// Calls that have begun and not ended, at a time.
const CALLS_MAX: usize = 100_000;

/// Bytes that were written and still lie in the buffer, at most.
const OUT_WRITTEN_BYTES_MAX: usize = 1 << 20;

/// Bytes that wait for a client that does not read, at most.
const OUT_BYTES_MAX: usize = 16 << 20;

pub(super) struct Peer {
    stream: TcpStream,
    answers: Answers,
    input: Vec<u8>,
    out: Vec<u8>,
    out_from: usize,
    hears_room: bool,
    has_preface: bool,
    decoder: Decoder,
    /// A block of headers that consists of indexes alone, and its call: as long as the table stays, it means the same.
    known: Option<(Vec<u8>, Call)>,
    /// Calls whose data has not ended: one nearly always.
    begun: Vec<(u32, Call)>,
    /// Answers that wait for a window.
    waiting: VecDeque<(u32, Call)>,
    /// Headers that are not whole.
    unfinished: Option<(Head, Vec<u8>)>,
    window: i64,
    taken: u32,
}

impl Peer {
    pub(super) fn new(stream: TcpStream) -> Self {
        let mut out = Vec::new();
        let streams = u32::try_from(CALLS_MAX).unwrap_or(u32::MAX);
        frame::put_settings(
            &mut out,
            &[
                (setting::MAX_CONCURRENT_STREAMS, streams),
                (setting::INITIAL_WINDOW_SIZE, WINDOW_BYTES),
            ],
        );
        let more = WINDOW_BYTES - u32::try_from(WINDOW_DEFAULT).unwrap_or(0);
        frame::put_number(&mut out, kind::WINDOW_UPDATE, 0, more);
        Self {
            stream,
            answers: Answers::new(),
            input: Vec::new(),
            out,
            out_from: 0,
            hears_room: false,
            has_preface: false,
            decoder: Decoder::new(4_096),
            known: None,
            begun: Vec::new(),
            waiting: VecDeque::new(),
            unfinished: None,
            window: WINDOW_DEFAULT,
            taken: 0,
        }
    }

    /// Reads what came, and answers. An error is the end.
    pub(super) fn serve(
        &mut self,
        buffer: &mut [u8],
        revision: &AtomicI64,
        poller: &Poller,
        number: usize,
    ) -> io::Result<()> {
        loop {
            let bytes = match self.stream.read(buffer) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(bytes) => bytes,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            };
            let received = self.receive(buffer.get(..bytes).unwrap_or_default(), revision);
            received.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
            if bytes < buffer.len() {
                break;
            }
        }
        self.flush(poller, number)
    }

    fn flush(&mut self, poller: &Poller, number: usize) -> io::Result<()> {
        let mut is_stuck = false;
        while !is_stuck && self.out_from < self.out.len() {
            match self
                .stream
                .write(self.out.get(self.out_from..).unwrap_or_default())
            {
                Ok(bytes) => self.out_from += bytes,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => is_stuck = true,
                Err(error) => return Err(error),
            }
        }
        if self.out_from == self.out.len() {
            self.out.clear();
            self.out_from = 0;
        } else if self.out_from > OUT_WRITTEN_BYTES_MAX {
            self.out.drain(..self.out_from);
            self.out_from = 0;
        }
        if self.out.len() - self.out_from > OUT_BYTES_MAX {
            return Err(io::ErrorKind::OutOfMemory.into());
        }
        if is_stuck != self.hears_room {
            poller.wants_room(&self.stream, number, is_stuck)?;
            self.hears_room = is_stuck;
        }
        Ok(())
    }

    fn receive(&mut self, bytes: &[u8], revision: &AtomicI64) -> Result<(), ProtocolError> {
        // What is left of a frame is put before what follows; whole frames, the usual case, are taken where they lie.
        let mut kept = std::mem::take(&mut self.input);
        let mut rest = if kept.is_empty() {
            bytes
        } else {
            kept.extend_from_slice(bytes);
            &kept
        };
        if !self.has_preface {
            let Some(after) = rest.strip_prefix(&frame::PREFACE[..]) else {
                if frame::PREFACE.starts_with(rest) {
                    self.input = rest.to_vec();
                    return Ok(());
                }
                return Err(ProtocolError("it does not begin as HTTP/2"));
            };
            rest = after;
            self.has_preface = true;
        }
        while let Some(head) = Head::read(rest) {
            if head.length > PAYLOAD_BYTES_MAX {
                return Err(ProtocolError("a frame that is longer than we allowed"));
            }
            let Some(payload) = rest.get(HEAD_BYTES..HEAD_BYTES + head.length) else {
                break;
            };
            self.frame(head, payload, revision)?;
            rest = rest.get(HEAD_BYTES + head.length..).unwrap_or_default();
        }
        self.input = rest.to_vec();
        if self.taken >= WINDOW_UPDATE_BYTES {
            frame::put_number(&mut self.out, kind::WINDOW_UPDATE, 0, self.taken);
            self.taken = 0;
        }
        Ok(())
    }

    fn frame(
        &mut self,
        head: Head,
        payload: &[u8],
        revision: &AtomicI64,
    ) -> Result<(), ProtocolError> {
        match head.kind {
            kind::HEADERS if head.has(flag::END_HEADERS) => {
                self.headers(head, frame::unpadded(head, payload)?, revision)?;
            }
            kind::HEADERS => {
                self.unfinished = Some((head, frame::unpadded(head, payload)?.to_vec()));
            }
            kind::CONTINUATION => self.continued(head, payload, revision)?,
            kind::DATA => {
                self.taken = self
                    .taken
                    .saturating_add(u32::try_from(payload.len()).unwrap_or(u32::MAX));
                if head.has(flag::END_STREAM) {
                    self.ended(head.stream, revision);
                }
            }
            kind::SETTINGS if !head.has(flag::ACK) => {
                frame::put_head(&mut self.out, 0, kind::SETTINGS, flag::ACK, 0);
            }
            kind::PING if !head.has(flag::ACK) => {
                frame::put_head(&mut self.out, payload.len(), kind::PING, flag::ACK, 0);
                self.out.extend_from_slice(payload);
            }
            kind::WINDOW_UPDATE if head.stream == 0 => {
                let more = i64::from(frame::number(payload).unwrap_or(0) & 0x7fff_ffff);
                self.window = (self.window + more).min(WINDOW_MAX);
                self.answer_waiting(revision);
            }
            kind::RST_STREAM => self.begun.retain(|(stream, _)| *stream != head.stream),
            _ => {}
        }
        Ok(())
    }

    fn continued(
        &mut self,
        head: Head,
        payload: &[u8],
        revision: &AtomicI64,
    ) -> Result<(), ProtocolError> {
        let Some((first, mut block)) = self.unfinished.take() else {
            return Err(ProtocolError("a continuation of nothing"));
        };
        block.extend_from_slice(payload);
        if block.len() > PAYLOAD_BYTES_MAX {
            return Err(ProtocolError("headers without end"));
        }
        if head.has(flag::END_HEADERS) {
            return self.headers(first, &block, revision);
        }
        self.unfinished = Some((first, block));
        Ok(())
    }

    fn headers(
        &mut self,
        head: Head,
        block: &[u8],
        revision: &AtomicI64,
    ) -> Result<(), ProtocolError> {
        let known = self.known.as_ref().filter(|(known, _)| known == block);
        let call = match known {
            Some((_, call)) => *call,
            None => self.read_headers(block)?,
        };
        if self.begun.len() >= CALLS_MAX {
            return Err(ProtocolError("more calls than we allowed"));
        }
        self.begun.push((head.stream, call));
        if head.has(flag::END_STREAM) {
            self.ended(head.stream, revision);
        }
        Ok(())
    }

    fn read_headers(&mut self, block: &[u8]) -> Result<Call, ProtocolError> {
        let mut call = Call::Other;
        self.decoder.decode(block, |name, value| {
            if name == b":path" {
                call = Call::of_path(value);
            }
        })?;
        // Single bytes with the highest bit are indexes, which change nothing.
        let is_fixed = block.iter().all(|byte| *byte > 0x80 && *byte != 0xff);
        self.known = is_fixed.then(|| (block.to_vec(), call));
        Ok(call)
    }

    fn ended(&mut self, stream: u32, revision: &AtomicI64) {
        let Some(at) = self.begun.iter().rposition(|(begun, _)| *begun == stream) else {
            return;
        };
        let call = self.begun.swap_remove(at);
        self.waiting.push_back(call);
        self.answer_waiting(revision);
    }

    fn answer_waiting(&mut self, revision: &AtomicI64) {
        // An answer's data has 60 bytes at most.
        while self.window >= 128
            && let Some((stream, call)) = self.waiting.pop_front()
        {
            let before = revision.fetch_add(call.is_change().into(), Ordering::Relaxed);
            let now = before.cast_unsigned() + u64::from(call.is_change());
            let data = self.answers.write(&mut self.out, stream, call, now);
            self.window -= i64::try_from(data).unwrap_or(0);
        }
    }
}
