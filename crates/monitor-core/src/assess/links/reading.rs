//! What a member counted of its peers, over the last moments.

use std::collections::VecDeque;

use etcd_monitor_model::{MemberId, MetricsPage};
use jiff::Timestamp;

use super::beats;

/// Seconds over which bytes are counted: nine beats of a stream (etcd sends one every 5/3 s), so that one beat more or
/// less decides nothing. Bound to etcd's beat, hence no parameter.
pub(in crate::assess) const WINDOW_SECONDS: f64 = 15.0;

/// Seconds without a byte after which a sender of raft messages may have fallen silent: above its longest sensible
/// heartbeat interval, and an interval of the monitor.
const RECENT_SECONDS: f64 = 6.0;

/// Least time between two readings that are kept, in seconds, so that a short interval keeps no more of them.
const APART_SECONDS: f64 = 0.9;

/// Readings kept: the window at the least time apart, and some.
const READINGS_MAX: usize = 24;

/// Readings of one member's page, oldest first.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct History {
    readings: VecDeque<Reading>,
}

/// What a member's page said of its peers.
#[derive(Debug, Clone, PartialEq)]
struct Reading {
    at: Timestamp,
    /// Bytes of beats, from all peers together; `None` before the first.
    beats: Option<f64>,
    peers: Vec<Counted>,
}

#[derive(Debug, Clone, PartialEq)]
struct Counted {
    peer: MemberId,
    sent: Option<f64>,
    received: Option<f64>,
    failures: Option<f64>,
}

/// What counts something: neither negative nor without end.
pub(super) fn amount(value: Option<f64>) -> Option<f64> {
    value.filter(|value| value.is_finite() && *value >= 0.0)
}

impl Reading {
    fn of(at: Timestamp, page: &MetricsPage) -> Self {
        let peers = &page.network.peers;
        let nobody = peers.iter().find(|peer| peer.peer.0 == beats::NOBODY);
        let counted = peers.iter().map(|peer| Counted {
            peer: peer.peer,
            sent: amount(peer.sent_bytes),
            received: amount(peer.received_bytes),
            failures: sum(&[peer.sent_failures, peer.received_failures, peer.disconnects]),
        });
        Self {
            at,
            beats: nobody.and_then(|peer| amount(peer.received_bytes)),
            peers: counted.collect(),
        }
    }

    fn counted(&self, peer: MemberId) -> Option<&Counted> {
        self.peers.iter().find(|counted| counted.peer == peer)
    }

    /// etcd shows a series only from its first count on.
    fn received(&self, peer: MemberId) -> f64 {
        self.counted(peer)
            .and_then(|counted| counted.received)
            .unwrap_or(0.0)
    }

    fn sent(&self, peer: MemberId) -> f64 {
        self.counted(peer)
            .and_then(|counted| counted.sent)
            .unwrap_or(0.0)
    }

    fn failures(&self, peer: MemberId) -> f64 {
        self.counted(peer)
            .and_then(|counted| counted.failures)
            .unwrap_or(0.0)
    }

    fn seconds_before(&self, later: &Self) -> f64 {
        later.at.duration_since(self.at).as_secs_f64()
    }
}

/// The sum of what is there; `None` where nothing is.
fn sum(counters: &[Option<f64>]) -> Option<f64> {
    let known = counters.iter().filter_map(|counter| amount(*counter));
    known.reduce(|total, counter| total + counter)
}

/// What arrived from a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arrival {
    /// Bytes, lately too.
    Steady,
    /// Bytes within the window, but none lately.
    Fading,
    /// Nothing.
    Nothing,
}

impl History {
    pub(super) fn starting(at: Timestamp, page: &MetricsPage) -> Self {
        Self {
            readings: VecDeque::from([Reading::of(at, page)]),
        }
    }

    /// Adds a reading. What lies in the future after the clock went back is forgotten, and so is what no window needs.
    pub(super) fn push(&mut self, at: Timestamp, page: &MetricsPage) {
        let reading = Reading::of(at, page);
        self.readings
            .retain(|earlier| earlier.seconds_before(&reading) > 0.0);
        // The latest reading always stands last; it takes the place of one that is too close to the one before.
        let close = self.readings.iter().rev().nth(1);
        if close.is_some_and(|earlier| earlier.seconds_before(&reading) < 2.0 * APART_SECONDS) {
            self.readings.pop_back();
        }
        self.readings.push_back(reading);
        while self.readings.len() > READINGS_MAX || self.can_spare_oldest() {
            self.readings.pop_front();
        }
    }

    /// True when the two readings after the oldest are beyond the window as well.
    fn can_spare_oldest(&self) -> bool {
        let third = self.readings.get(2).zip(self.readings.back());
        third.is_some_and(|(third, last)| third.seconds_before(last) > WINDOW_SECONDS)
    }

    /// The newest reading that is so old, the window's begin, and the last one.
    fn span(&self) -> Option<(&Reading, &Reading, &Reading)> {
        let last = self.readings.back()?;
        let older = |seconds: f64, than: &Reading| {
            let mut newest_first = self.readings.iter().rev();
            newest_first.find(|reading| {
                reading.seconds_before(last) >= seconds && reading.seconds_before(than) > 0.0
            })
        };
        let middle = older(RECENT_SECONDS, last)?;
        let begin = older(WINDOW_SECONDS, middle)?;
        Some((begin, middle, last))
    }

    /// True when it goes back far enough to judge.
    pub(super) fn spans_window(&self) -> bool {
        self.span().is_some()
    }

    /// Bytes per second of all peers' beats; `None` without a window, after a reset, or where there never was one.
    pub(super) fn beat_rate(&self) -> Option<f64> {
        let (begin, _, last) = self.span()?;
        let before = begin.beats.unwrap_or(0.0);
        rate(before, last.beats?, begin.seconds_before(last))
    }

    pub(super) fn sent_rate(&self, peer: MemberId) -> Option<f64> {
        let (begin, _, last) = self.span()?;
        last.counted(peer)?.sent?;
        rate(
            begin.sent(peer),
            last.sent(peer),
            begin.seconds_before(last),
        )
    }

    /// The same until a few seconds ago: what was sent since may not have arrived yet.
    pub(super) fn earlier_sent_rate(&self, peer: MemberId) -> Option<f64> {
        let (begin, middle, _) = self.span()?;
        let seconds = begin.seconds_before(middle);
        rate(begin.sent(peer), middle.sent(peer), seconds)
    }

    pub(super) fn received_rate(&self, peer: MemberId) -> Option<f64> {
        let (begin, _, last) = self.span()?;
        let (before, now) = (begin.received(peer), last.received(peer));
        rate(before, now, begin.seconds_before(last))
    }

    pub(super) fn failure_rate(&self, peer: MemberId) -> Option<f64> {
        let (begin, _, last) = self.span()?;
        let (before, now) = (begin.failures(peer), last.failures(peer));
        rate(before, now, begin.seconds_before(last))
    }

    /// What arrived from a peer; `None` without a window, or after a reset.
    pub(super) fn arrival(&self, peer: MemberId) -> Option<Arrival> {
        let (begin, middle, last) = self.span()?;
        let received = last.received(peer);
        if received < begin.received(peer) {
            return None;
        }
        Some(if received > middle.received(peer) {
            Arrival::Steady
        } else if received > begin.received(peer) {
            Arrival::Fading
        } else {
            Arrival::Nothing
        })
    }
}

/// Growth per second; `None` when the counter went back, which a restart does.
fn rate(before: f64, now: f64, seconds: f64) -> Option<f64> {
    (seconds > 0.0 && now >= before).then(|| (now - before) / seconds)
}
