//! What is remembered of a member's room from cycle to cycle.

use etcd_monitor_model::{DatabaseSize, MemberCapacity, MemberSnapshot, MetricsPage};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ring::Ring;
use super::{APPLY_LAG_LIMIT, CapacityParameters, defrag_stall};
use crate::trend::{Forecast, ForecastLimits, Slope, forecast, slope};

/// What is remembered of one member's room.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::assess) struct CapacityMemory {
    /// When its process started, as last seen.
    started_at: Option<Timestamp>,
    /// Since when it may still be replaying its log; `None` once it has caught up.
    replaying_since: Option<Timestamp>,
    /// Applied index, as last seen.
    applied: Option<u64>,
    /// Apply lags of the last minute.
    #[serde(skip)]
    lags: Ring,
    /// Allocated bytes, as last seen.
    allocated: Option<u64>,
    /// Bytes in use, one sample per minute, since the latest defragmentation.
    in_use: Ring,
    /// Growth of the bytes in use, as of the latest sample.
    growth: Option<Slope>,
}

impl CapacityMemory {
    /// Takes this cycle's numbers.
    pub(super) fn observe(
        &mut self,
        member: &MemberSnapshot,
        now: Timestamp,
        parameters: &CapacityParameters,
    ) {
        self.observe_start(member, now);
        if let Some(lag) = apply_lag(member) {
            self.lags
                .push(now, lag, 0.0, parameters.apply_lag_window_seconds);
            if lag <= parameters.apply_lag_warning {
                self.replaying_since = None;
            }
        }
        if let Some(database) = member.database {
            self.observe_size(&database, now, parameters);
        }
    }

    /// A process that started anew replays its log, and until it has, it lags without being slow. Where the start is
    /// not known, an applied index that fell tells of it.
    fn observe_start(&mut self, member: &MemberSnapshot, now: Timestamp) {
        let applied = member.raft.and_then(|raft| raft.applied_index);
        let fell = applied
            .zip(self.applied)
            .is_some_and(|(now, before)| now < before);
        let is_new = member.started_at.is_some() && member.started_at != self.started_at;
        let first_seen = self.applied.is_none() && applied.is_some() && self.started_at.is_none();
        if is_new || fell || first_seen {
            self.replaying_since = member.started_at.or(Some(now));
            self.lags.clear();
        }
        self.started_at = member.started_at.or(self.started_at);
        self.applied = applied.or(self.applied);
    }

    fn observe_size(
        &mut self,
        database: &DatabaseSize,
        now: Timestamp,
        parameters: &CapacityParameters,
    ) {
        let before = self.allocated.replace(database.allocated_bytes);
        let kept_share = 1.0 - parameters.defrag_drop_share;
        let defragmented = before
            .is_some_and(|before| (database.allocated_bytes as f64) < before as f64 * kept_share);
        if defragmented {
            self.in_use.clear();
            self.growth = None;
        }
        let taken = self.in_use.push(
            now,
            database.in_use_bytes,
            parameters.forecast_sample_seconds,
            parameters.forecast_window_seconds,
        );
        if taken {
            self.growth = slope(&self.in_use.points());
        }
    }

    /// True while a lag says nothing: the process has just started, and has not caught up since.
    pub(in crate::assess) fn is_replaying(
        &self,
        now: Timestamp,
        parameters: &CapacityParameters,
    ) -> bool {
        self.replaying_since.is_some_and(|since| {
            now.duration_since(since).as_secs_f64() < parameters.restart_settle_seconds
        })
    }

    /// Entries per second by which the apply lag grows, where it clearly does. Below a tenth of the limit there is nothing
    /// to foresee, and the slope is not worth its price in every cycle.
    pub(in crate::assess) fn lag_growth(&self) -> Option<f64> {
        self.lags
            .latest()
            .filter(|lag| *lag >= APPLY_LAG_LIMIT / 10)?;
        let slope = slope(&self.lags.points())?;
        slope.clearly_grows().then_some(slope.per_second)
    }

    /// When the bytes in use reach the quota; `None` without a quota.
    pub(in crate::assess) fn forecast(
        &self,
        database: &DatabaseSize,
        parameters: &CapacityParameters,
    ) -> Option<Forecast> {
        let limits = ForecastLimits {
            samples_min: parameters.forecast_samples_min,
            span_min_seconds: parameters.forecast_span_seconds,
            horizon_seconds: parameters.forecast_warning_seconds,
        };
        let quota = database.quota_bytes? as f64;
        let in_use = database.in_use_bytes as f64;
        Some(forecast(in_use, quota, self.growth.as_ref(), &limits))
    }

    /// Growth of the bytes in use, where enough samples stand behind it.
    pub(in crate::assess) fn growth(&self, parameters: &CapacityParameters) -> Option<&Slope> {
        self.growth.as_ref().filter(|growth| {
            growth.samples >= parameters.forecast_samples_min
                && growth.span_seconds >= parameters.forecast_span_seconds
        })
    }

    /// What the snapshot says of the member's room.
    pub(super) fn capacity(
        &self,
        member: &MemberSnapshot,
        page: Option<&MetricsPage>,
        parameters: &CapacityParameters,
    ) -> MemberCapacity {
        let mut capacity = MemberCapacity::default();
        capacity.apply_lag = apply_lag(member);
        capacity.apply_headroom = capacity
            .apply_lag
            .map(|lag| APPLY_LAG_LIMIT.saturating_sub(lag));
        capacity.rejection_in_seconds = capacity.apply_headroom.and_then(|headroom| {
            self.lag_growth()
                .map(|per_second| headroom as f64 / per_second)
        });
        let defrag = page.and_then(|page| page.disk.defrag.as_ref());
        capacity.defrag_stall_seconds = defrag_stall(defrag).map(|(mean, _)| mean);
        if let Some(database) = member.database {
            self.add_space(&mut capacity, &database, parameters);
        }
        capacity
    }

    fn add_space(
        &self,
        capacity: &mut MemberCapacity,
        database: &DatabaseSize,
        parameters: &CapacityParameters,
    ) {
        capacity.free_bytes = Some(free_bytes(database));
        capacity.in_use_growth_bytes_per_hour = self
            .growth(parameters)
            .map(|growth| growth.per_second * 3_600.0);
        capacity.quota_reached_in_seconds = match self.forecast(database, parameters) {
            Some(Forecast::Reached) => Some(0.0),
            Some(Forecast::In { seconds, .. }) => Some(seconds),
            _ => None,
        };
    }
}

/// Free pages inside the allocated file.
fn free_bytes(database: &DatabaseSize) -> u64 {
    database
        .allocated_bytes
        .saturating_sub(database.in_use_bytes)
}

/// Entries committed and not applied. Status reports no applied index right after a restart, and an old one after a
/// snapshot from a peer until the next entry; the page's is old while a large round is applied. A lag that is
/// there shows in both, so the smaller one counts.
fn apply_lag(member: &MemberSnapshot) -> Option<u64> {
    let status = member.raft.and_then(|raft| {
        let applied = raft.applied_index?;
        Some(raft.committed_index.saturating_sub(applied))
    });
    let page = member.counters.and_then(|counters| {
        let applied = counters
            .proposals_applied
            .filter(|applied| *applied > 0.0)?;
        Some(entries((counters.proposals_committed? - applied).max(0.0)))
    });
    [status, page].into_iter().flatten().min()
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float cast saturates, and the value is not negative"
)]
fn entries(difference: f64) -> u64 {
    difference as u64
}
