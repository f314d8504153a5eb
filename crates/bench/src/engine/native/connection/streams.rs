//! The calls under way on a connection, by the number of their stream.

/// Capacity for answers that a stream keeps when it has ended.
const KEPT_BYTES_MAX: usize = 64 << 10;

/// How far an answer has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Phase {
    /// Nothing came yet.
    #[default]
    Asked,
    /// Its headers came, and data may.
    Begun,
}

/// One call.
#[derive(Debug, Default)]
pub(super) struct Stream {
    /// 0 where the place is free.
    id: u32,
    pub(super) client: u32,
    pub(super) phase: Phase,
    /// What may be sent.
    pub(super) window: i64,
    /// The data of the request that waits for a window, from `unsent_from` on.
    pub(super) unsent: Vec<u8>,
    pub(super) unsent_from: usize,
    /// The data of the answer so far.
    pub(super) answer: Vec<u8>,
}

/// A ring of calls: the place of a stream follows from its number.
///
/// Numbers whose place is taken by a call that has not ended are left out; HTTP/2 allows that.
#[derive(Debug)]
pub(super) struct Streams {
    ring: Vec<Stream>,
    open: u32,
    /// Buffers of calls that have ended, for those that begin: no more than there are calls at a time.
    spare: Vec<Vec<u8>>,
}

impl Streams {
    /// Places for so many calls at a time.
    pub(super) fn new(calls: u32) -> Self {
        // Four times as many, so that a number is seldom left out.
        let places = (calls.max(1) as usize * 4).next_power_of_two();
        let mut ring = Vec::new();
        ring.resize_with(places, Stream::default);
        Self {
            ring,
            open: 0,
            spare: Vec::new(),
        }
    }

    pub(super) fn open(&self) -> u32 {
        self.open
    }

    fn place(&self, id: u32) -> usize {
        (id >> 1) as usize & (self.ring.len() - 1)
    }

    /// Begins a call on the first stream from `next` on whose place is free.
    pub(super) fn begin(&mut self, next: u32, client: u32, window: i64) -> Option<u32> {
        if self.open as usize >= self.ring.len() {
            return None;
        }
        let mut id = next;
        while self.ring.get(self.place(id))?.id != 0 {
            id = id.checked_add(2).filter(|id| *id <= super::STREAM_MAX)?;
        }
        let place = self.place(id);
        let stream = self.ring.get_mut(place)?;
        (stream.id, stream.client, stream.window) = (id, client, window);
        stream.phase = Phase::Asked;
        stream.answer = self.spare.pop().unwrap_or_default();
        self.open += 1;
        Some(id)
    }

    pub(super) fn get_mut(&mut self, id: u32) -> Option<&mut Stream> {
        let place = self.place(id);
        self.ring
            .get_mut(place)
            .filter(|stream| stream.id == id && id != 0)
    }

    /// A call is over: its place is free.
    pub(super) fn end(&mut self, id: u32) {
        if let Some(stream) = self.get_mut(id) {
            stream.id = 0;
            stream.unsent = Vec::new();
            let mut answer = std::mem::take(&mut stream.answer);
            self.open -= 1;
            if answer.capacity() <= KEPT_BYTES_MAX {
                answer.clear();
                self.spare.push(answer);
            }
        }
    }

    /// All calls, by the number of their stream.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (u32, &mut Stream)> {
        self.ring
            .iter_mut()
            .filter(|stream| stream.id != 0)
            .map(|stream| (stream.id, stream))
    }
}
