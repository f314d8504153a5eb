//! Frames that come in.

use super::streams::Phase;
use super::{Connection, End, Ends};
use crate::http2::ProtocolError;
use crate::http2::frame::{
    self, HEAD_BYTES, Head, PAYLOAD_BYTES_MAX, WINDOW_MAX, code, flag, kind, setting,
};

/// Bytes of headers that come in several frames at most.
const BLOCK_BYTES_MAX: usize = 64 << 10;

/// The largest payload that we send, however much more the other side would take.
const PAYLOAD_SENT_BYTES_MAX: usize = 1 << 20;

/// The largest answer that is read, in bytes: as large as that of the other engine.
const ANSWER_BYTES_MAX: usize = 256 << 20;

type Taken = Result<(), ProtocolError>;

impl Connection {
    /// One whole frame.
    pub(super) fn frame(&mut self, frame: &[u8], ends: &mut impl Ends) -> Taken {
        let Some((head, payload)) = Head::read(frame).zip(frame.get(HEAD_BYTES..)) else {
            return Ok(());
        };
        if self.unfinished.is_some() && head.kind != kind::CONTINUATION {
            return Err(ProtocolError("headers that are not continued"));
        }
        if !self.has_settings && head.kind != kind::SETTINGS {
            return Err(ProtocolError("the first frame is not SETTINGS"));
        }
        match head.kind {
            kind::DATA => self.data(head, payload, ends),
            kind::HEADERS => self.begin_headers(head, payload, ends),
            kind::CONTINUATION => self.continue_headers(head, payload, ends),
            kind::RST_STREAM => self.reset(head, payload, ends),
            kind::SETTINGS => self.settings(head, payload),
            kind::PING => self.ping(head, payload),
            kind::GOAWAY => self.go_away(payload, ends),
            kind::WINDOW_UPDATE => self.update_window(head, payload),
            kind::PUSH_PROMISE => Err(ProtocolError("a push that we refused")),
            // Unknown kinds are to be ignored, and priorities mean nothing to us.
            _ => Ok(()),
        }
    }

    fn data(&mut self, head: Head, payload: &[u8], ends: &mut impl Ends) -> Taken {
        self.known_to_be_ours(head.stream)?;
        // What is thrown away has taken of the window as well.
        self.taken = self
            .taken
            .saturating_add(u32::try_from(payload.len()).unwrap_or(u32::MAX));
        let data = frame::unpadded(head, payload)?;
        let Some(stream) = self.streams.get_mut(head.stream) else {
            return Ok(());
        };
        if stream.phase == Phase::Asked {
            self.give_up(head.stream, End::NotGrpc("data before headers"), ends);
        } else if stream.answer.len() + data.len() > ANSWER_BYTES_MAX {
            self.give_up(
                head.stream,
                End::NotGrpc("the answer is larger than 256 MiB"),
                ends,
            );
        } else {
            stream.answer.extend_from_slice(data);
            if head.has(flag::END_STREAM) {
                self.end(
                    head.stream,
                    End::NotGrpc("the answer ends without a status"),
                    ends,
                );
            }
        }
        Ok(())
    }

    fn begin_headers(&mut self, head: Head, payload: &[u8], ends: &mut impl Ends) -> Taken {
        self.known_to_be_ours(head.stream)?;
        let block = frame::unpadded(head, payload)?;
        let is_end = head.has(flag::END_STREAM);
        if head.has(flag::END_HEADERS) {
            return self.headers(head.stream, is_end, block, ends);
        }
        self.unfinished = Some((head.stream, is_end, block.to_vec()));
        Ok(())
    }

    fn continue_headers(&mut self, head: Head, payload: &[u8], ends: &mut impl Ends) -> Taken {
        let Some((stream, is_end, mut block)) = self.unfinished.take() else {
            return Err(ProtocolError("a continuation of nothing"));
        };
        if stream != head.stream || block.len() + payload.len() > BLOCK_BYTES_MAX {
            return Err(ProtocolError(
                "headers that go on on another stream, or without end",
            ));
        }
        block.extend_from_slice(payload);
        if head.has(flag::END_HEADERS) {
            return self.headers(stream, is_end, &block, ends);
        }
        if payload.is_empty() {
            return Err(ProtocolError("an empty continuation"));
        }
        self.unfinished = Some((stream, is_end, block));
        Ok(())
    }

    fn reset(&mut self, head: Head, payload: &[u8], ends: &mut impl Ends) -> Taken {
        self.known_to_be_ours(head.stream)?;
        let code = frame::number(payload).ok_or(ProtocolError("RST_STREAM without a code"))?;
        let end = if code == code::REFUSED_STREAM {
            End::NotProcessed
        } else {
            End::Reset(code)
        };
        self.end(head.stream, end, ends);
        Ok(())
    }

    fn settings(&mut self, head: Head, payload: &[u8]) -> Taken {
        if head.stream != 0 || (head.has(flag::ACK) && !payload.is_empty()) {
            return Err(ProtocolError(
                "SETTINGS of a stream, or an answer to ours with settings",
            ));
        }
        if head.has(flag::ACK) {
            return Ok(());
        }
        for (name, value) in frame::settings(payload)? {
            self.setting(name, value)?;
        }
        self.has_settings = true;
        frame::put_head(&mut self.out, 0, kind::SETTINGS, flag::ACK, 0);
        self.send_waiting();
        Ok(())
    }

    fn setting(&mut self, name: u16, value: u32) -> Taken {
        match name {
            setting::HEADER_TABLE_SIZE => self.headers.resize(value as usize),
            setting::MAX_CONCURRENT_STREAMS => self.streams_max = value,
            setting::MAX_FRAME_SIZE => {
                if !(PAYLOAD_BYTES_MAX..1 << 24).contains(&(value as usize)) {
                    return Err(ProtocolError("a largest frame that is not allowed"));
                }
                self.payload_max = (value as usize).min(PAYLOAD_SENT_BYTES_MAX);
            }
            setting::INITIAL_WINDOW_SIZE => {
                let window = i64::from(value);
                if window > WINDOW_MAX {
                    return Err(ProtocolError("a window that is too large"));
                }
                // Streams that are open get the difference, which may leave them below 0.
                let more = window - self.window_of_stream;
                self.window_of_stream = window;
                for (_, stream) in self.streams.iter_mut() {
                    stream.window += more;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn ping(&mut self, head: Head, payload: &[u8]) -> Taken {
        if payload.len() != 8 || head.stream != 0 {
            return Err(ProtocolError("a PING that is none"));
        }
        if !head.has(flag::ACK) {
            frame::put_head(&mut self.out, 8, kind::PING, flag::ACK, 0);
            self.out.extend_from_slice(payload);
        }
        Ok(())
    }

    /// The other side wants to end: calls beyond the one that it names were not looked at.
    fn go_away(&mut self, payload: &[u8], ends: &mut impl Ends) -> Taken {
        let last = frame::number(payload).ok_or(ProtocolError("GOAWAY without its last stream"))?;
        self.is_going_away = true;
        let beyond: Vec<u32> = self
            .streams
            .iter_mut()
            .map(|(id, _)| id)
            .filter(|id| *id > last)
            .collect();
        for id in beyond {
            self.end(id, End::NotProcessed, ends);
        }
        Ok(())
    }

    fn update_window(&mut self, head: Head, payload: &[u8]) -> Taken {
        let more = frame::number(payload).ok_or(ProtocolError("WINDOW_UPDATE without a number"))?;
        let more = i64::from(more & 0x7fff_ffff);
        if head.stream == 0 {
            if more == 0 || self.window + more > WINDOW_MAX {
                return Err(ProtocolError("a window that grows by nothing, or too far"));
            }
            self.window += more;
        } else {
            self.known_to_be_ours(head.stream)?;
            if let Some(stream) = self.streams.get_mut(head.stream) {
                if stream.window + more > WINDOW_MAX {
                    return Err(ProtocolError("a window that grows too far"));
                }
                stream.window += more;
            }
        }
        self.send_waiting();
        Ok(())
    }

    /// Refuses streams that we never began. Those that have ended are ours: what is said of them is late, not wrong.
    fn known_to_be_ours(&self, stream: u32) -> Taken {
        if stream % 2 == 1 && stream < self.next_stream {
            return Ok(());
        }
        Err(ProtocolError("a frame of a stream that we did not begin"))
    }
}
