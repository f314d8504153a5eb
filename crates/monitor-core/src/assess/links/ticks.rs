//! etcd's probers of a peer: what they measured, and whether they were answered.
//!
//! Two probers ask each peer for its `/raft/probing` page every 4 s and smooth the round trip with weight 1/8; each looks
//! at its result every 30 s while the peer answers and every 5 s while not, and observes the smoothed value at each look
//! (etcd `server/etcdserver/api/rafthttp/probing_status.go`). A probe that hangs is neither answered nor failed: the looks
//! go on at their pace, and repeat one value to the nanosecond.

use etcd_monitor_model::{HistogramReading, RoundTrip};
use jiff::Timestamp;

use super::reading::amount;

/// Time between two looks of a prober at a peer that answers, in seconds.
const WELL_SECONDS: f64 = 30.0;

/// Looks per second above which the probers take the peer for unhealthy: two probers look 0.067 times while well, 0.4 times
/// while not.
const UNHEALTHY_PER_SECOND: f64 = 0.15;

/// Share of a smoothed round trip that is left after the six probes at least that lie between two looks: (1 - 1/8)^6.
const LEFT_AFTER_A_LOOK: f64 = 0.45;

/// Difference of two smoothed round trips below which they are one value, in seconds: a fifth of etcd's clock tick.
const SAME_SECONDS: f64 = 2e-10;

/// Bound of the histogram's last finite bucket in seconds (`exp(0.0001, 2, 16)`).
const LAST_BOUND_SECONDS: f64 = 3.2768;

/// The looks at one peer.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Ticks {
    /// Count and sum when the group of looks began that is not yet full.
    base: Option<(f64, f64)>,
    latest: Option<f64>,
    before: Option<f64>,
    /// The round trip with the smoothing taken out, at the latest looks and at those before.
    recent: [Option<f64>; 2],
    /// Count at the begin of the current window, and of the one before.
    window: Option<(Timestamp, f64)>,
    per_second: Option<f64>,
}

impl Ticks {
    pub(super) fn take_in(&mut self, reading: Option<&HistogramReading>, now: Timestamp) {
        let read = reading.and_then(|reading| {
            let count = reading.buckets.last().map(|(_, count)| *count);
            amount(count).zip(amount(reading.sum))
        });
        let Some((count, sum)) = read else { return };
        let reset = self
            .base
            .is_some_and(|(count_before, sum_before)| count < count_before || sum < sum_before);
        if reset {
            *self = Self::default();
        }
        self.group(count, sum);
        self.measure_pace(count, now);
    }

    /// Looks come in pairs, one of each prober. The first reading's own looks are not known one by one.
    fn group(&mut self, count: f64, sum: f64) {
        let Some((count_before, sum_before)) = self.base else {
            self.base = Some((count, sum));
            return;
        };
        let looks = count - count_before;
        if looks >= 2.0 && looks % 2.0 == 0.0 {
            let latest = (sum - sum_before) / looks;
            self.before = self.latest.replace(latest);
            let recent = self.before.map(|before| unsmoothed(before, latest));
            self.recent = [recent, self.recent[0]];
            self.base = Some((count, sum));
        }
    }

    fn measure_pace(&mut self, count: f64, now: Timestamp) {
        let Some((began, count_then)) = self.window else {
            self.window = Some((now, count));
            return;
        };
        let seconds = now.duration_since(began).as_secs_f64();
        if seconds < 0.0 {
            self.window = Some((now, count));
        } else if seconds >= WELL_SECONDS {
            self.per_second = Some((count - count_then) / seconds);
            self.window = Some((now, count));
        }
    }

    /// The latest measurement.
    pub(super) fn round_trip(&self) -> Option<RoundTrip> {
        let seconds = self.latest?;
        let saturated = seconds > LAST_BOUND_SECONDS;
        let mut round_trip = RoundTrip::new(seconds, saturated, self.is_stale());
        let [recent, earlier] = self.recent;
        round_trip.recent_seconds = recent
            .zip(earlier)
            .map(|(recent, earlier)| recent.min(earlier));
        Some(round_trip)
    }

    fn is_stale(&self) -> bool {
        let both = self.latest.zip(self.before);
        both.is_some_and(|(latest, before)| latest > 0.0 && (latest - before).abs() < SAME_SECONDS)
    }

    /// Looks per second over the last half minute that is complete.
    pub(super) fn per_second(&self) -> Option<f64> {
        self.per_second
    }

    /// Why the probers are taken for unanswered, if they are.
    pub(super) fn unanswered(&self) -> Option<String> {
        let pace = self.per_second.filter(|pace| *pace > UNHEALTHY_PER_SECOND);
        let hurried = pace.map(|pace| {
            format!(
                "etcd looks {pace:.2} times per second, as it does at a peer it takes for unhealthy"
            )
        });
        let stale = self
            .is_stale()
            .then(|| "their round trip repeats to the nanosecond over half a minute".to_owned());
        hurried.or(stale)
    }
}

/// What the probes between two looks took, from the smoothed values at both.
fn unsmoothed(before: f64, latest: f64) -> f64 {
    let recent = (latest - LEFT_AFTER_A_LOOK * before) / (1.0 - LEFT_AFTER_A_LOOK);
    recent.max(0.0)
}
