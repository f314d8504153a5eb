//! What happened between two pages of a member.

use std::collections::BTreeMap;

use super::page::{COUNTERS, Page, Timings};

/// What happened in some time, added up over readings; a restart of the member in between leaves out one reading.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Change {
    /// The time that it covers.
    pub(super) seconds: f64,
    pub(super) histograms: BTreeMap<&'static str, Timings>,
    pub(super) peers: BTreeMap<String, Timings>,
    counters: BTreeMap<&'static str, f64>,
}

impl Change {
    /// What came between two pages that were read so many seconds apart; `None` where the member was started anew.
    pub(super) fn between(older: &Page, newer: &Page, seconds: f64) -> Option<Self> {
        if seconds <= 0.0 || newer.is_of_another_process(older) {
            return None;
        }
        let timings = |(name, newer): (&&'static str, &Timings)| {
            Some((*name, since(newer, older.histograms.get(*name))?))
        };
        let peers = |(name, newer): (&String, &Timings)| {
            Some((name.clone(), since(newer, older.peers.get(name))?))
        };
        let counter = |name: &&'static str| {
            let change = newer.value(name)? - older.value(name)?;
            (change >= 0.0).then_some((*name, change))
        };
        Some(Self {
            seconds,
            histograms: newer.histograms.iter().filter_map(timings).collect(),
            peers: newer.peers.iter().filter_map(peers).collect(),
            counters: COUNTERS.iter().filter_map(counter).collect(),
        })
    }

    /// Adds what came later.
    pub(super) fn add(&mut self, later: &Self) {
        self.seconds += later.seconds;
        for (name, timings) in &later.histograms {
            self.histograms.entry(name).or_default().add_all(timings);
        }
        for (name, timings) in &later.peers {
            self.peers.entry(name.clone()).or_default().add_all(timings);
        }
        for (name, value) in &later.counters {
            *self.counters.entry(name).or_default() += value;
        }
    }

    /// By how much a counter rose.
    pub(super) fn counter(&self, name: &str) -> Option<f64> {
        self.counters.get(name).copied()
    }

    /// The same for each second.
    pub(super) fn per_second(&self, name: &str) -> Option<f64> {
        self.counter(name)
            .filter(|_| self.seconds > 0.0)
            .map(|value| value / self.seconds)
    }
}

/// A histogram with labels is on no page before its first observation.
fn since(newer: &Timings, older: Option<&Timings>) -> Option<Timings> {
    match older {
        Some(older) => newer.since(older),
        None => Some(newer.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::page::{CPU, WAL_FSYNC};
    use super::*;

    fn page(started: u32, cpu: f64, fast: u32, slow: u32) -> Page {
        let text = format!(
            "process_start_time_seconds {started}
process_cpu_seconds_total {cpu}
{WAL_FSYNC}_bucket{{le=\"0.001\"}} {fast}
{WAL_FSYNC}_bucket{{le=\"+Inf\"}} {}
{WAL_FSYNC}_sum {}
",
            fast + slow,
            f64::from(slow) * 0.5,
        );
        Page::read(text.as_bytes())
    }

    #[test]
    fn changes_add_up_and_a_restart_is_left_out() {
        let pages = [
            page(1, 1.0, 10, 0),
            page(1, 1.5, 10, 2),
            page(2, 0.1, 1, 0),
            page(2, 0.2, 3, 1),
        ];
        let mut all = Change::default();
        let pairs = pages
            .windows(2)
            .map(|pair| Change::between(&pair[0], &pair[1], 1.0));
        let pairs: Vec<_> = pairs.collect();
        assert!(pairs[1].is_none());
        for change in pairs.iter().flatten() {
            all.add(change);
        }
        assert!((all.seconds - 2.0).abs() < 1e-9);
        assert!((all.counter(CPU).unwrap() - 0.6).abs() < 1e-9);
        assert!((all.per_second(CPU).unwrap() - 0.3).abs() < 1e-9);
        let fsync = &all.histograms[WAL_FSYNC];
        assert!((fsync.buckets().unwrap().count() - 5.0).abs() < 1e-9);
        assert!((fsync.sum - 1.5).abs() < 1e-9);
        assert_eq!(all.counter("not there"), None);
    }
}
