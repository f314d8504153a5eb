//! Headers of answers: their beginnings and their ends.
//!
//! The other side was told to remember nothing of its headers, so that equal blocks mean the same: those that were found to
//! be fine are compared byte by byte from then on, and not read again.

use super::streams::Phase;
use super::{Connection, End, Ends, MESSAGE_HEAD_BYTES};
use crate::http2::ProtocolError;

/// Blocks of one meaning that are known at most.
const KNOWN_MAX: usize = 8;

/// Bytes of a status' text that are kept.
const STATUS_TEXT_MAX: usize = 1024;

/// Blocks whose meaning is known.
#[derive(Debug, Default)]
pub(super) struct KnownBlocks {
    /// HTTP status 200, and gRPC follows.
    beginnings: Vec<Box<[u8]>>,
    /// Status OK.
    ends: Vec<Box<[u8]>>,
}

fn is_known(blocks: &[Box<[u8]>], block: &[u8]) -> bool {
    blocks.iter().any(|known| **known == *block)
}

fn remember(blocks: &mut Vec<Box<[u8]>>, block: &[u8]) {
    if blocks.len() < KNOWN_MAX {
        blocks.push(block.into());
    }
}

/// What stands in headers, as far as it matters.
#[derive(Debug, Default)]
struct Said {
    http_status: Option<u16>,
    is_grpc: bool,
    grpc_status: Option<i32>,
    message: String,
}

impl Said {
    fn take(&mut self, name: &[u8], value: &[u8]) {
        let text = || str::from_utf8(value).ok();
        match name {
            b":status" => self.http_status = text().and_then(|text| text.parse().ok()),
            b"content-type" => self.is_grpc = value.starts_with(b"application/grpc"),
            // A status that is no number is none of gRPC's: UNKNOWN, as other clients say.
            b"grpc-status" => {
                self.grpc_status = Some(text().and_then(|text| text.parse().ok()).unwrap_or(2));
            }
            b"grpc-message" => self.message = percent_decoded(value),
            _ => {}
        }
    }

    fn status(&self) -> End<'_> {
        match self.grpc_status {
            Some(code) => End::Status(code, &self.message),
            None => End::NotGrpc("the answer ends without a status"),
        }
    }
}

impl Connection {
    /// A whole block of headers.
    pub(super) fn headers(
        &mut self,
        id: u32,
        is_end: bool,
        block: &[u8],
        ends: &mut impl Ends,
    ) -> Result<(), ProtocolError> {
        let Some(stream) = self.streams.get_mut(id) else {
            // Of a call that was given up. Nothing is remembered of headers, so that they need not be read.
            return Ok(());
        };
        if stream.phase == Phase::Begun && is_end && is_known(&self.known.ends, block) {
            self.answered(id, ends);
            return Ok(());
        }
        if stream.phase == Phase::Asked && !is_end && is_known(&self.known.beginnings, block) {
            stream.phase = Phase::Begun;
            return Ok(());
        }
        let phase = stream.phase;
        let mut said = Said::default();
        self.decoder
            .decode(block, |name, value| said.take(name, value))?;
        match (phase, is_end) {
            (Phase::Asked, false) => self.begun(id, block, &said, ends),
            (Phase::Begun, false) => {
                self.give_up(id, End::NotGrpc("headers in the middle of an answer"), ends);
            }
            (Phase::Begun, true) if said.grpc_status == Some(0) => {
                remember(&mut self.known.ends, block);
                self.answered(id, ends);
            }
            (Phase::Asked, true) => match said.http_status {
                Some(200) if said.grpc_status == Some(0) => {
                    self.end(id, End::NotGrpc("the answer has no message"), ends);
                }
                Some(200) | None => self.end(id, said.status(), ends),
                Some(status) => self.end(id, End::HttpStatus(status), ends),
            },
            (Phase::Begun, true) => self.end(id, said.status(), ends),
        }
        Ok(())
    }

    fn begun(&mut self, id: u32, block: &[u8], said: &Said, ends: &mut impl Ends) {
        match said.http_status {
            // More of them come: this one only says that it goes on.
            Some(100..200) => {}
            Some(200) if said.is_grpc => {
                remember(&mut self.known.beginnings, block);
                if let Some(stream) = self.streams.get_mut(id) {
                    stream.phase = Phase::Begun;
                }
            }
            Some(200) => self.give_up(
                id,
                End::NotGrpc("the answer is not of type application/grpc"),
                ends,
            ),
            Some(status) => self.give_up(id, End::HttpStatus(status), ends),
            None => self.give_up(id, End::NotGrpc("the answer has no HTTP status"), ends),
        }
    }

    /// The call ended with the status OK: its data is one message.
    fn answered(&mut self, id: u32, ends: &mut impl Ends) {
        let Some(stream) = self.streams.get_mut(id) else {
            return;
        };
        let client = stream.client;
        let end = match message(&stream.answer) {
            Ok(message) => End::Answered(message),
            Err(reason) => End::NotGrpc(reason),
        };
        ends.ended(client, end);
        self.streams.end(id);
    }

    /// A call ended in another way.
    pub(super) fn end(&mut self, id: u32, end: End<'_>, ends: &mut impl Ends) {
        if let Some(stream) = self.streams.get_mut(id) {
            ends.ended(stream.client, end);
            self.streams.end(id);
        }
    }

    /// The same, where the other side would go on.
    pub(super) fn give_up(&mut self, id: u32, end: End<'_>, ends: &mut impl Ends) {
        if let Some(stream) = self.streams.get_mut(id) {
            ends.ended(stream.client, end);
            self.cancel(id);
        }
    }
}

/// The one message in the data of an answer.
fn message(data: &[u8]) -> Result<&[u8], &'static str> {
    let Some((head, message)) = data.split_first_chunk::<MESSAGE_HEAD_BYTES>() else {
        return Err("the answer has no message");
    };
    let [compressed, length @ ..] = head;
    if *compressed != 0 {
        return Err("the answer is compressed, which nobody asked for");
    }
    if u32::from_be_bytes(*length) as usize != message.len() {
        return Err("the answer is not as long as it says");
    }
    Ok(message)
}

/// The text of `grpc-message`, whose bytes beyond plain ASCII are written as `%XX`.
fn percent_decoded(text: &[u8]) -> String {
    let mut bytes = Vec::new();
    let mut rest = text
        .get(..text.len().min(STATUS_TEXT_MAX))
        .unwrap_or_default();
    while let Some((&byte, after)) = rest.split_first() {
        let digits = after.get(..2).filter(|_| byte == b'%');
        let decoded =
            digits.and_then(|digits| u8::from_str_radix(str::from_utf8(digits).ok()?, 16).ok());
        bytes.push(decoded.unwrap_or(byte));
        rest = if decoded.is_some() {
            after.get(2..).unwrap_or_default()
        } else {
            after
        };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_statuses_are_decoded_and_broken_ones_kept() {
        assert_eq!(
            percent_decoded(b"etcdserver: a%20b%C3%BC"),
            "etcdserver: a bü"
        );
        assert_eq!(percent_decoded(b"100%, %zz %4"), "100%, %zz %4");
        assert_eq!(percent_decoded(&vec![b'x'; 100_000]).len(), STATUS_TEXT_MAX);
    }

    #[test]
    fn a_message_is_as_long_as_it_says() {
        assert_eq!(message(&[0, 0, 0, 0, 1, 7]), Ok(&[7][..]));
        assert!(message(&[0, 0, 0, 0, 1, 7, 7]).is_err());
        assert!(message(&[1, 0, 0, 0, 1, 7]).is_err());
        assert!(message(&[0, 0, 0]).is_err());
    }
}
