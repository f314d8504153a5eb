//! The resolutions in which samples are kept.

/// Tiers, the finest first, with the width of their buckets in milliseconds; the finest keeps the samples themselves.
pub(crate) const TIERS: [i64; 3] = [1, 60_000, 600_000];

/// Blocks of the file end at multiples of it, so that no bucket of any tier is cut in two.
pub(crate) const ALIGNMENT: i64 = TIERS[2];

/// The tier whose buckets are the widest that are not wider than `width` milliseconds.
pub(crate) fn tier_for(width: i64) -> usize {
    TIERS.iter().rposition(|step| *step <= width).unwrap_or(0)
}

/// The last of the tiers: it is there of all times.
pub(crate) const COARSEST: usize = TIERS.len() - 1;

/// The beginning of the ten minutes that hold a time.
pub(crate) fn aligned(time: i64) -> i64 {
    time.div_euclid(ALIGNMENT).saturating_mul(ALIGNMENT)
}
