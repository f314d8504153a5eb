//! Histogram buckets in JSON, which has no infinity: the last bound, which is infinite, is written as null.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

type Buckets = Option<Vec<(f64, f64)>>;

pub(crate) fn serialize<S: Serializer>(
    buckets: &Buckets,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let finite = |value: f64| Some(value).filter(|value| value.is_finite());
    let written: Option<Vec<(Option<f64>, Option<f64>)>> = buckets.as_ref().map(|buckets| {
        let pairs = buckets.iter();
        pairs
            .map(|(bound, count)| (finite(*bound), finite(*count)))
            .collect()
    });
    written.serialize(serializer)
}

/// A count that was no number stays none.
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Buckets, D::Error> {
    let written: Option<Vec<(Option<f64>, Option<f64>)>> = Option::deserialize(deserializer)?;
    let read = |(bound, count): (Option<f64>, Option<f64>)| {
        (bound.unwrap_or(f64::INFINITY), count.unwrap_or(f64::NAN))
    };
    Ok(written.map(|pairs| pairs.into_iter().map(read).collect()))
}
