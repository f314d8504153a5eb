//! How the samples of a window become one value.

use std::fmt;

/// How the samples of a window become one value.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Aggregate {
    /// The newest sample alone: there is no window.
    Last,
    /// By how much a counter grows in a second. A counter that went back began anew: what it counted up to the first
    /// sample after that is not known, and left out.
    Rate,
    /// The mean.
    Mean,
    /// The largest.
    Max,
    /// The smallest.
    Min,
    /// The value that so large a part of the samples (0 to 1) does not exceed: between two of them, in proportion.
    Quantile(f64),
}

impl Aggregate {
    /// Reads `last`, `rate`, `mean`, `max`, `min` or `quantile(0.99)`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        Some(match text.trim() {
            "last" => Self::Last,
            "rate" => Self::Rate,
            "mean" => Self::Mean,
            "max" => Self::Max,
            "min" => Self::Min,
            other => {
                let inner = other.strip_prefix("quantile(")?.strip_suffix(')')?;
                let share: f64 = inner.trim().parse().ok()?;
                Self::Quantile(Some(share).filter(|share| (0.0..=1.0).contains(share))?)
            }
        })
    }

    /// The value of samples, the oldest first, each with its time in seconds; `None` where there are too few.
    pub(super) fn of(self, samples: &[(f64, f64)]) -> Option<f64> {
        let values = || samples.iter().map(|(_, value)| *value);
        match self {
            Self::Last => values().next_back(),
            Self::Rate => rate(samples),
            Self::Mean => {
                (!samples.is_empty()).then(|| values().sum::<f64>() / values().count() as f64)
            }
            Self::Max => values().reduce(f64::max),
            Self::Min => values().reduce(f64::min),
            Self::Quantile(share) => quantile(values().collect(), share),
        }
    }
}

impl fmt::Display for Aggregate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Last => f.write_str("last"),
            Self::Rate => f.write_str("rate"),
            Self::Mean => f.write_str("mean"),
            Self::Max => f.write_str("max"),
            Self::Min => f.write_str("min"),
            Self::Quantile(share) => write!(f, "quantile({share})"),
        }
    }
}

fn rate(samples: &[(f64, f64)]) -> Option<f64> {
    let (first, last) = (samples.first()?, samples.last()?);
    let seconds = last.0 - first.0;
    let steps = samples.windows(2);
    let growth: f64 = steps.map(|pair| (pair[1].1 - pair[0].1).max(0.0)).sum();
    (seconds > 0.0).then(|| growth / seconds)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the rank is between 0 and a length"
)]
fn quantile(mut values: Vec<f64>, share: f64) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let rank = share * values.len().checked_sub(1)? as f64;
    let below = *values.get(rank.floor() as usize)?;
    let above = *values.get(rank.ceil() as usize)?;
    Some(below + (above - below) * rank.fract())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str, values: &[f64]) -> Option<f64> {
        let samples = values.iter().enumerate();
        let samples: Vec<_> = samples
            .map(|(at, value)| (at as f64 * 5.0, *value))
            .collect();
        Aggregate::parse(text).unwrap().of(&samples)
    }

    #[test]
    fn the_samples_become_one_value() {
        let values = [4.0, 1.0, 2.0, 3.0, 10.0];
        for (text, value) in [
            ("last", 10.0),
            ("mean", 4.0),
            ("max", 10.0),
            ("min", 1.0),
            ("quantile(0)", 1.0),
            ("quantile(0.5)", 3.0),
            ("quantile( 0.75 )", 4.0),
            ("quantile(0.875)", 7.0),
            ("quantile(1)", 10.0),
        ] {
            assert_eq!(of(text, &values), Some(value), "{text}");
            assert_eq!(of(text, &[]), None, "{text}");
        }
    }

    #[test]
    fn a_rate_is_growth_by_the_second_and_leaves_out_what_a_reset_hides() {
        assert_eq!(of("rate", &[100.0, 110.0, 130.0]), Some(3.0));
        assert_eq!(of("rate", &[100.0, 110.0, 2.0, 12.0]), Some(20.0 / 15.0));
        assert_eq!(of("rate", &[5.0, 5.0]), Some(0.0));
        assert_eq!(of("rate", &[5.0]), None);
    }

    #[test]
    fn what_is_shown_is_read_and_anything_else_is_not() {
        for text in ["last", "rate", "mean", "max", "min", "quantile(0.99)"] {
            assert_eq!(Aggregate::parse(text).unwrap().to_string(), text);
        }
        for text in [
            "avg",
            "quantile",
            "quantile(1.1)",
            "quantile(x)",
            "quantile(NaN)",
            "",
        ] {
            assert_eq!(Aggregate::parse(text), None, "{text}");
        }
    }
}
