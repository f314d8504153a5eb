//! Histogram buckets. JSON has no infinity: there the last bound, which is infinite, is written as null. Formats for
//! machines hold every number as it is.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub(crate) fn serialize<S: Serializer>(
    buckets: &[(f64, f64)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    if !serializer.is_human_readable() {
        return buckets.serialize(serializer);
    }
    let finite = |value: f64| Some(value).filter(|value| value.is_finite());
    let written: Vec<(Option<f64>, Option<f64>)> = buckets
        .iter()
        .map(|(bound, count)| (finite(*bound), finite(*count)))
        .collect();
    written.serialize(serializer)
}

/// A count that was no number stays none.
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<(f64, f64)>, D::Error> {
    if !deserializer.is_human_readable() {
        return Vec::deserialize(deserializer);
    }
    let written: Vec<(Option<f64>, Option<f64>)> = Vec::deserialize(deserializer)?;
    let read = |(bound, count): (Option<f64>, Option<f64>)| {
        (bound.unwrap_or(f64::INFINITY), count.unwrap_or(f64::NAN))
    };
    Ok(written.into_iter().map(read).collect())
}
