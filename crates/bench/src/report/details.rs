//! What only a load on streams finds: whether events, leases and locks did what they promise.

use serde::{Deserialize, Serialize};

use super::LatencyFigures;

/// What only this kind of load finds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = BenchmarkDetails))]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Details {
    /// Of watches.
    Watch(WatchFigures),
    /// Of leases.
    Lease(Box<LeaseFigures>),
    /// Of locks.
    Lock(ContentionFigures),
    /// Of elections.
    Election(ContentionFigures),
}

/// What watchers saw.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = BenchmarkWatchFigures))]
#[non_exhaustive]
pub struct WatchFigures {
    /// Watches, each of one key.
    pub watchers: u32,
    /// Streams that they lie on.
    pub streams: u32,
    /// Keys that are watched; 0 where each watch is of all.
    pub keys: u64,
    /// How long it took to make all watches.
    pub created_seconds: f64,
    /// Puts, or other changes, that were acknowledged, those of the warm-up included.
    pub puts: u64,
    /// Events that arrived, those of the warm-up included.
    pub events: u64,
    /// Events within the time of measurement, per second.
    pub events_per_second: Option<f64>,
    /// Events of one message on average: above 1 where the member sends several at once.
    pub events_per_message: Option<f64>,
    /// Events that a watcher did not see, though it saw later ones: etcd promises that there are none.
    pub lost: u64,
    /// Events that a watcher saw twice in a row.
    pub duplicated: u64,
    /// Events that came after one of a later revision.
    pub out_of_order: u64,
    /// Events that watchers had not seen when it ended: they were too slow.
    pub behind: u64,
    /// Times that a stream broke and was opened again; its watches go on behind what they have seen.
    #[serde(default)]
    pub reopened_streams: u64,
    /// Watches that were without a stream at the end; what they missed is not counted as lost.
    pub broken_watchers: u64,
    /// Watches that the member ended, such as after a compaction.
    pub cancelled_watchers: u64,
    /// Events of puts that were not acknowledged, or of others.
    pub unacknowledged: u64,
    /// Events that came so late that their put was forgotten: they are in no latency.
    pub without_latency: u64,
}

/// What became of leases.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = BenchmarkLeaseFigures))]
#[non_exhaustive]
pub struct LeaseFigures {
    /// Leases that were granted.
    pub granted: u64,
    /// Streams that renewals went over.
    pub streams: u32,
    /// How long a lease lasts, as etcd granted it; it may give more than was asked for.
    pub ttl_seconds: Option<f64>,
    /// Leases that were not there any more when they were to be renewed.
    pub gone: u64,
    /// Of a storm: leases whose end was seen.
    pub expired: u64,
    /// Of a storm: leases whose end was not seen in the time that it was waited for.
    pub not_expired: u64,
    /// Of a storm: leases that ended before they were due, which etcd promises not to do.
    pub expired_early: u64,
    /// Of a storm: from the first end that was due to the last that was seen.
    pub storm_seconds: Option<f64>,
    /// Of a storm: puts before any lease was due.
    pub puts_before: LatencyFigures,
    /// Of a storm: puts between the first end that was due and the last that was seen.
    pub puts_meanwhile: LatencyFigures,
}

/// What became of those who wanted the same.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = BenchmarkContentionFigures))]
#[non_exhaustive]
pub struct ContentionFigures {
    /// Clients that want it.
    pub contenders: u32,
    /// Locks or elections; the contenders are spread over them.
    pub names: u32,
    /// How long an owner holds it.
    pub hold_seconds: f64,
    /// Times that one got it, those of the warm-up included.
    pub owned: u64,
    /// Times that an owner knew of its luck before the one before had begun to release: two owned at once.
    pub overlaps_seen: u64,
    /// Times that the revisions show two owners: one got it at a revision before the one at which the other released.
    pub overlaps_by_revision: u64,
    /// Owners that were told so, while their key was not the oldest, or not there.
    pub phantoms: u64,
    /// Owners of whom that could not be looked up, or whose release is not known.
    pub unverified: u64,
    /// Waits that were given up at the end.
    pub given_up: u64,
    /// Times that the one with the fewest got it.
    pub fewest: u64,
    /// Times that the one with the most got it.
    pub most: u64,
    /// Jain's index of fairness over the contenders: 1 where all got it as often, 1/n where one got it all the time.
    pub fairness: Option<f64>,
    /// Of elections: leaders that observers heard of.
    pub leaders_seen: u64,
    /// Of elections: leaders times observers that an observer did not hear of: they led too briefly.
    pub leaders_missed: u64,
}

impl Details {
    /// What etcd promised and did not keep.
    pub fn faults(&self) -> Vec<String> {
        let faults: Vec<(u64, &str)> = match self {
            Self::Watch(watch) => vec![
                (watch.lost, "EVENTS ARE LOST"),
                (watch.duplicated, "events came twice"),
                (watch.out_of_order, "events came out of order"),
            ],
            Self::Lease(lease) => vec![(lease.expired_early, "LEASES ENDED BEFORE THEIR TIME")],
            Self::Lock(of) | Self::Election(of) => vec![
                (of.overlaps_seen, "TWO OWNED AT ONCE, as the clock shows"),
                (
                    of.overlaps_by_revision,
                    "TWO OWNED AT ONCE, as the revisions show",
                ),
                (
                    of.phantoms,
                    "OWNERS HAD NO KEY, or not the oldest: they did not own",
                ),
            ],
        };
        let faults = faults.into_iter().filter(|(count, _)| *count > 0);
        faults
            .map(|(count, what)| format!("{what}: {count}"))
            .collect()
    }

    /// Name and value of what the table shows.
    pub(super) fn lines(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Watch(watch) => watch.lines(),
            Self::Lease(lease) => lease.lines(),
            Self::Lock(of) => of.lines("lock"),
            Self::Election(of) => of.lines("election"),
        }
    }
}

fn number(value: Option<f64>, digits: usize) -> String {
    value.map_or("?".to_owned(), |value| format!("{value:.digits$}"))
}

impl WatchFigures {
    fn lines(&self) -> Vec<(&'static str, String)> {
        let keys = match self.keys {
            0 => "all keys".to_owned(),
            keys => format!("{keys} keys"),
        };
        let watchers = format!(
            "{} on {} streams, of {keys}, made in {:.3} s",
            self.watchers, self.streams, self.created_seconds
        );
        let events = format!(
            "{} of {} changes, {}/s, {} a message",
            self.events,
            self.puts,
            number(self.events_per_second, 1),
            number(self.events_per_message, 2)
        );
        let proof = format!(
            "{} lost, {} twice, {} out of order, {} behind; {} streams opened again, {} watchers broken, {} cancelled",
            self.lost,
            self.duplicated,
            self.out_of_order,
            self.behind,
            self.reopened_streams,
            self.broken_watchers,
            self.cancelled_watchers
        );
        vec![
            ("watchers", watchers),
            ("events", events),
            ("delivery", proof),
        ]
    }
}

impl LeaseFigures {
    fn lines(&self) -> Vec<(&'static str, String)> {
        let renewed = match self.streams {
            0 => String::new(),
            streams => format!(", renewed on {streams} streams"),
        };
        let leases = format!(
            "{} granted, of {} s, {} gone too early to be renewed{renewed}",
            self.granted,
            number(self.ttl_seconds, 0),
            self.gone
        );
        let mut lines = vec![("leases", leases)];
        if self.expired + self.not_expired > 0 {
            let storm = format!(
                "{} ended in {} s, {} did not, {} before their time",
                self.expired,
                number(self.storm_seconds, 2),
                self.not_expired,
                self.expired_early
            );
            lines.push(("storm", storm));
            let milliseconds = |value: Option<f64>| number(value.map(|seconds| 1e3 * seconds), 3);
            let puts = |of: &LatencyFigures| {
                format!(
                    "p50 {} p99 {} ms ({})",
                    milliseconds(of.p50_seconds),
                    milliseconds(of.p99_seconds),
                    of.count
                )
            };
            let text = format!(
                "before {}, meanwhile {}",
                puts(&self.puts_before),
                puts(&self.puts_meanwhile)
            );
            lines.push(("puts", text));
        }
        lines
    }
}

impl ContentionFigures {
    fn lines(&self, what: &str) -> Vec<(&'static str, String)> {
        let contention = format!(
            "{} contenders for {} {what}s, held for {} s, got {} times",
            self.contenders, self.names, self.hold_seconds, self.owned
        );
        let exclusion = format!(
            "{} overlaps seen, {} by revision, {} without a key, {} not verified",
            self.overlaps_seen, self.overlaps_by_revision, self.phantoms, self.unverified
        );
        let fairness = format!(
            "index {}, from {} to {} times each; {} waits given up at the end",
            number(self.fairness, 3),
            self.fewest,
            self.most,
            self.given_up
        );
        let mut lines = vec![
            ("contention", contention),
            ("exclusion", exclusion),
            ("fairness", fairness),
        ];
        if self.leaders_seen + self.leaders_missed > 0 {
            let seen = format!("{} seen, {} missed", self.leaders_seen, self.leaders_missed);
            lines.push(("observers", seen));
        }
        lines
    }
}
