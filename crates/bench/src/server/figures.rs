//! What a report says of a member.

use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::change::Change;
use super::page::{self, Page, Timings};
use super::status::SeenAt;
use crate::series::Window;

/// Rows of one member that are kept; from then on every second one, and so on.
const ROWS_MAX: usize = 3_600;

/// Durations that a member counted within the measured time. The mean is exact; a quantile is interpolated between the bounds
/// of the member's buckets, as Prometheus does it, and below the first bound says no more than that it is below.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = BenchmarkDurations))]
#[non_exhaustive]
pub struct Durations {
    /// How many.
    pub count: u64,
    /// Their mean.
    pub mean_seconds: Option<f64>,
    /// The median.
    pub p50_seconds: Option<f64>,
    /// 99 % were not longer.
    pub p99_seconds: Option<f64>,
    /// The first bound of the buckets.
    pub first_bound_seconds: Option<f64>,
    /// Their sum as a share of the time: 1 where one followed the other without a gap; more where several went on at once.
    pub busy_share: Option<f64>,
}

impl Durations {
    fn of(timings: &Timings, seconds: f64) -> Option<Self> {
        let buckets = timings.buckets()?;
        let count = buckets.count();
        Some(Self {
            // Counts of a member are whole and not negative.
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a count"
            )]
            count: count as u64,
            mean_seconds: (count > 0.0).then(|| timings.sum / count),
            p50_seconds: buckets.quantile(0.5),
            p99_seconds: buckets.quantile(0.99),
            first_bound_seconds: buckets.as_slice().first().map(|(bound, _)| *bound),
            busy_share: (seconds > 0.0).then(|| timings.sum / seconds),
        })
    }
}

/// Round trips of a member to one of its peers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = BenchmarkPeerFigures))]
#[non_exhaustive]
pub struct PeerFigures {
    /// Id of the peer in hex.
    pub peer: String,
    /// The round trips; etcd notes one every 30 seconds (`statusMonitoringInterval` of its rafthttp), and 5 where one fails.
    pub round_trip: Durations,
    /// True where none was measured within the time, so that these are all since the member started.
    pub since_start: bool,
}

/// What a member's metrics said within the measured time. A value that its version does not tell is `None`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = BenchmarkMemberFigures))]
#[non_exhaustive]
pub struct MemberFigures {
    /// The time that the readings cover; less than was measured where some failed or the member was started anew.
    pub covered_seconds: f64,
    /// Syncs of the write-ahead log.
    pub wal_fsync: Option<Durations>,
    /// Commits of the backend, a sync each.
    pub backend_commit: Option<Durations>,
    /// Applying entries of the log, one after the other (3.4 and later).
    pub apply: Option<Durations>,
    /// From a request's arrival to its answer, as the member measured it (3.7 and later).
    pub request: Option<Durations>,
    /// By peer.
    pub peers: Vec<PeerFigures>,
    /// Cores that the process used on average.
    pub cpu_cores: Option<f64>,
    /// Cores that its Go runtime uses at once.
    pub cpu_cores_allowed: Option<f64>,
    /// The one as a share of the other.
    pub cpu_share: Option<f64>,
    /// Share of the time in which its garbage collection stopped it.
    pub gc_pause_share: Option<f64>,
    /// Proposals that were committed, per second.
    pub committed_per_second: Option<f64>,
    /// Committed proposals for each sync of the log: how many share one.
    pub committed_per_fsync: Option<f64>,
    /// Most proposals that waited at a reading.
    pub pending_most: Option<f64>,
    /// Most committed entries that were not applied at a reading.
    pub apply_lag_most: Option<f64>,
    /// Proposals that failed.
    pub proposals_failed: Option<f64>,
    /// Applies that etcd calls slow (over 100 ms).
    pub slow_applies: Option<f64>,
    /// Linearizable reads whose confirmation etcd calls slow.
    pub slow_read_indexes: Option<f64>,
    /// Linearizable reads that could not be confirmed.
    pub read_indexes_failed: Option<f64>,
    /// Heartbeats that the leader sent late.
    pub heartbeat_send_failures: Option<f64>,
    /// Leader changes that it saw.
    pub leader_changes: Option<f64>,
    /// Allocated size of its database in bytes, at the last reading.
    pub database_bytes: Option<f64>,
    /// Size in use, likewise.
    pub database_in_use_bytes: Option<f64>,
    /// Resident memory in bytes, at the last reading.
    pub resident_bytes: Option<f64>,
}

/// A member between two readings of its metrics.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = BenchmarkMemberSecond))]
#[non_exhaustive]
pub struct MemberSecond {
    /// Seconds from the beginning of the measurement to the later reading.
    pub at_seconds: f64,
    /// p99 of the syncs of the log.
    pub wal_fsync_p99_seconds: Option<f64>,
    /// p99 of the commits of the backend.
    pub backend_commit_p99_seconds: Option<f64>,
    /// Cores that the process used.
    pub cpu_cores: Option<f64>,
    /// Proposals that waited.
    pub pending: Option<f64>,
    /// Committed entries that were not applied.
    pub apply_lag: Option<f64>,
    /// Allocated size of its database in bytes.
    pub database_bytes: Option<f64>,
}

/// One member while it was measured.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = BenchmarkServerMember))]
#[non_exhaustive]
pub struct ServerMember {
    /// Where it was asked.
    pub endpoint: String,
    /// Its id in hex, where it is known.
    pub id: Option<String>,
    /// Whether it led at the last reading.
    pub leads: Option<bool>,
    /// What its metrics said; `None` where they could not be read.
    pub figures: Option<MemberFigures>,
    /// Why not.
    pub unreadable: Option<String>,
    /// Reading by reading, a second apart; from an hour on two seconds, and so on.
    pub seconds: Vec<MemberSecond>,
}

impl ServerMember {
    /// What its metrics said, where they were read.
    pub fn figures(&self) -> Option<&MemberFigures> {
        self.figures.as_ref()
    }
}

/// What was seen of one member.
#[derive(Debug)]
pub(crate) struct Watched {
    /// Its id, where it is known.
    pub(crate) id: Option<u64>,
    /// Its metrics.
    pub(crate) member: ServerMember,
    /// Its status.
    pub(crate) changes: Vec<SeenAt>,
}

/// Puts the pages of one member together.
#[derive(Debug, Default)]
pub(super) struct Pages {
    last: Option<(Instant, Page)>,
    all: Change,
    rows: Vec<MemberSecond>,
    readings: u64,
    /// How often half of the rows were dropped.
    halved: u32,
    pending_most: Option<f64>,
    apply_lag_most: Option<f64>,
    error: Option<String>,
}

impl Pages {
    /// When the last page was read.
    pub(super) fn last_at(&self) -> Option<Instant> {
        self.last.as_ref().map(|(at, _)| *at)
    }

    /// A page could not be read.
    pub(super) fn failed(&mut self, reason: String) {
        self.error = Some(reason);
    }

    /// A page was read.
    pub(super) fn take(&mut self, at: Instant, page: Page, window: Window) {
        let lag = apply_lag(&page);
        self.pending_most = most(self.pending_most, page.value(page::PENDING));
        self.apply_lag_most = most(self.apply_lag_most, lag);
        if let Some((before, older)) = &self.last {
            let seconds = at.saturating_duration_since(*before).as_secs_f64();
            if let Some(change) = Change::between(older, &page, seconds) {
                let at_seconds = at.saturating_duration_since(window.from).as_secs_f64();
                self.row(row(at_seconds, &change, &page));
                self.all.add(&change);
            }
        }
        self.last = Some((at, page));
    }

    fn row(&mut self, row: MemberSecond) {
        if self.readings.is_multiple_of(1 << self.halved) {
            self.rows.push(row);
        }
        self.readings += 1;
        if self.rows.len() >= ROWS_MAX {
            let mut number = 0_usize;
            self.rows.retain(|_| {
                number += 1;
                number % 2 == 1
            });
            self.halved += 1;
        }
    }

    /// What the report says.
    pub(super) fn finish(self, endpoint: String, id: Option<u64>) -> ServerMember {
        let last = self.last.map(|(_, page)| page).unwrap_or_default();
        let leads = last.value(page::IS_LEADER).map(|value| value > 0.5);
        let is_read = self.all.seconds > 0.0;
        let figures = is_read.then(|| MemberFigures {
            pending_most: self.pending_most,
            apply_lag_most: self.apply_lag_most,
            ..figures(&self.all, &last)
        });
        let reason = || "it was read once only, or was started anew each time".to_owned();
        ServerMember {
            endpoint,
            id: id.map(|id| format!("{id:x}")),
            leads,
            figures,
            unreadable: (!is_read).then(|| self.error.unwrap_or_else(reason)),
            seconds: self.rows,
        }
    }
}

fn most(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    [one, other].into_iter().flatten().reduce(f64::max)
}

fn apply_lag(page: &Page) -> Option<f64> {
    Some((page.value(page::COMMITTED)? - page.value(page::APPLIED)?).max(0.0))
}

fn row(at_seconds: f64, change: &Change, page: &Page) -> MemberSecond {
    let p99 = |name| change.histograms.get(name)?.buckets()?.quantile(0.99);
    MemberSecond {
        at_seconds,
        wal_fsync_p99_seconds: p99(page::WAL_FSYNC),
        backend_commit_p99_seconds: p99(page::BACKEND_COMMIT),
        cpu_cores: change.per_second(page::CPU),
        pending: page.value(page::PENDING),
        apply_lag: apply_lag(page),
        database_bytes: page.value(page::DATABASE),
    }
}

fn figures(all: &Change, last: &Page) -> MemberFigures {
    let durations = |name| Durations::of(all.histograms.get(name)?, all.seconds);
    let wal_fsync = durations(page::WAL_FSYNC);
    let fsyncs = wal_fsync.as_ref().map(|fsync| fsync.count as f64);
    let committed = all.counter(page::COMMITTED);
    let cpu_cores = all.per_second(page::CPU);
    let allowed = last.value(page::CORES).filter(|cores| *cores > 0.0);
    MemberFigures {
        covered_seconds: all.seconds,
        committed_per_fsync: committed
            .zip(fsyncs.filter(|count| *count > 0.0))
            .map(|(committed, fsyncs)| committed / fsyncs),
        wal_fsync,
        backend_commit: durations(page::BACKEND_COMMIT),
        apply: durations(page::APPLY),
        request: durations(page::REQUEST),
        peers: peers(all, last),
        cpu_cores,
        cpu_cores_allowed: allowed,
        cpu_share: cpu_cores.zip(allowed).map(|(used, allowed)| used / allowed),
        gc_pause_share: all.per_second(page::GC_PAUSE),
        committed_per_second: all.per_second(page::COMMITTED),
        pending_most: None,
        apply_lag_most: None,
        proposals_failed: all.counter(page::FAILED),
        slow_applies: all.counter(page::SLOW_APPLY),
        slow_read_indexes: all.counter(page::SLOW_READ_INDEX),
        read_indexes_failed: all.counter(page::READ_INDEX_FAILED),
        heartbeat_send_failures: all.counter(page::HEARTBEAT_FAILED),
        leader_changes: all.counter(page::LEADER_CHANGES),
        database_bytes: last.value(page::DATABASE),
        database_in_use_bytes: last.value(page::DATABASE_IN_USE),
        resident_bytes: last.value(page::RESIDENT),
    }
}

fn peers(all: &Change, last: &Page) -> Vec<PeerFigures> {
    let of = |(peer, ever): (&String, &Timings)| {
        let within = all.peers.get(peer);
        let within = within.and_then(|timings| Durations::of(timings, all.seconds));
        let within = within.filter(|durations| durations.count > 0);
        let since_start = within.is_none();
        Some(PeerFigures {
            peer: peer.clone(),
            round_trip: match within {
                Some(within) => within,
                None => Durations {
                    busy_share: None,
                    ..Durations::of(ever, 0.0)?
                },
            },
            since_start,
        })
    };
    last.peers.iter().filter_map(of).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn page(fsyncs: u32, cpu: f64) -> Page {
        let text = format!(
            "{fsync}_bucket{{le=\"0.01\"}} {fsyncs}
{fsync}_bucket{{le=\"+Inf\"}} {fsyncs}
{fsync}_sum {sum}
etcd_network_peer_round_trip_time_seconds_bucket{{To=\"a\",le=\"0.1\"}} 4
etcd_network_peer_round_trip_time_seconds_bucket{{To=\"a\",le=\"+Inf\"}} 4
etcd_network_peer_round_trip_time_seconds_sum{{To=\"a\"}} 0.2
process_cpu_seconds_total {cpu}
go_sched_gomaxprocs_threads 4
etcd_server_proposals_committed_total {committed}
etcd_server_proposals_applied_total 90
",
            fsync = page::WAL_FSYNC,
            sum = f64::from(fsyncs) * 0.008,
            committed = 100 + 3 * fsyncs,
        );
        Page::read(text.as_bytes())
    }

    #[test]
    fn figures_are_of_the_time_between_the_pages() {
        let from = Instant::now();
        let window = Window { from, to: None };
        let mut pages = Pages::default();
        for (second, fsyncs) in [(0, 10), (1, 60), (2, 110)] {
            let at = from + Duration::from_secs(second);
            pages.take(at, page(fsyncs, 2.0 * second as f64), window);
        }
        let member = pages.finish("a:1".to_owned(), Some(0xabc));
        assert_eq!(
            (member.id.as_deref(), member.unreadable),
            (Some("abc"), None)
        );
        assert_eq!(member.seconds.len(), 2);
        assert_eq!(member.seconds[1].cpu_cores, Some(2.0));
        let figures = member.figures.unwrap();
        let fsync = figures.wal_fsync.unwrap();
        assert_eq!(fsync.count, 100);
        assert!((fsync.mean_seconds.unwrap() - 0.008).abs() < 1e-9);
        assert!((fsync.busy_share.unwrap() - 0.4).abs() < 1e-9);
        assert!((figures.cpu_share.unwrap() - 0.5).abs() < 1e-9);
        assert!((figures.committed_per_fsync.unwrap() - 3.0).abs() < 1e-9);
        assert_eq!(figures.apply_lag_most, Some(340.0));
        // No round trip was measured meanwhile.
        assert!(figures.peers[0].since_start);
        assert_eq!(figures.peers[0].round_trip.count, 4);
        assert_eq!(figures.slow_applies, None);
    }

    #[test]
    fn what_was_not_read_is_unknown_and_says_why() {
        let mut pages = Pages::default();
        pages.failed("refused".to_owned());
        let member = pages.finish("a:1".to_owned(), None);
        assert_eq!(member.figures, None);
        assert_eq!(member.unreadable.as_deref(), Some("refused"));
    }

    #[test]
    fn rows_are_thinned_out_and_stay_in_order() {
        let mut pages = Pages::default();
        for second in 0..20_000_u32 {
            pages.row(MemberSecond {
                at_seconds: second.into(),
                ..MemberSecond::default()
            });
        }
        assert!((ROWS_MAX / 2..ROWS_MAX).contains(&pages.rows.len()));
        let gaps = pages
            .rows
            .windows(2)
            .map(|pair| pair[1].at_seconds - pair[0].at_seconds);
        let gaps: Vec<f64> = gaps.collect();
        assert!(
            gaps.iter().all(|gap| (gap - gaps[0]).abs() < 1e-9),
            "{gaps:?}"
        );
    }
}
