//! When a value reaches a limit.

use std::fmt;

use super::Slope;

/// Ratio of the latest to the soonest time beyond which naming a time would be a guess.
const SPREAD_MAX: f64 = 4.0;

/// What a forecast needs before it is told.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ForecastLimits {
    /// Fewest samples.
    pub samples_min: usize,
    /// Shortest time that the samples must cover, in seconds.
    pub span_min_seconds: f64,
    /// How far ahead it matters, in seconds: what is later need not be known any better.
    pub horizon_seconds: f64,
}

/// When a growing value reaches its limit.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Forecast {
    /// The value is at its limit, or beyond it.
    Reached,
    /// It clearly grows and reaches the limit after about so long.
    In {
        /// Seconds by the slope itself.
        seconds: f64,
        /// Seconds by the steepest slope of the 95 % interval.
        soonest_seconds: f64,
        /// Seconds by its flattest slope.
        latest_seconds: f64,
    },
    /// Even by the steepest slope of the interval the limit is further away than the horizon.
    NotWithinHorizon,
    /// The data do not carry a forecast.
    Unknown(NoForecast),
}

/// Why the data carry no forecast.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum NoForecast {
    /// Too few samples.
    TooFewSamples {
        /// Samples there are.
        samples: usize,
        /// Samples that are needed.
        needed: usize,
    },
    /// The samples cover too short a time.
    ShortSpan {
        /// Seconds they cover.
        span_seconds: f64,
        /// Seconds they must cover.
        needed_seconds: f64,
    },
    /// The slope may as well be none.
    NotSignificant,
    /// It grows, but how fast is too uncertain to name a time.
    WideSpread {
        /// The soonest time, in seconds.
        soonest_seconds: f64,
        /// The latest time, in seconds.
        latest_seconds: f64,
    },
}

impl fmt::Display for NoForecast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooFewSamples { samples, needed } => {
                write!(f, "{samples} of {needed} samples so far")
            }
            Self::ShortSpan {
                span_seconds,
                needed_seconds,
            } => write!(
                f,
                "watched for {span_seconds:.0} of {needed_seconds:.0} s so far"
            ),
            Self::NotSignificant => f.write_str("it goes up and down without a clear trend"),
            Self::WideSpread {
                soonest_seconds,
                latest_seconds,
            } => write!(
                f,
                "it grows too unevenly: between {soonest_seconds:.0} and {latest_seconds:.0} s"
            ),
        }
    }
}

/// When `value`, which grows by `slope`, reaches `limit`. `None` for the slope means that there are no two samples yet.
pub fn forecast(
    value: f64,
    limit: f64,
    slope: Option<&Slope>,
    limits: &ForecastLimits,
) -> Forecast {
    if value >= limit {
        return Forecast::Reached;
    }
    let slope = match enough(slope, limits) {
        Ok(slope) => slope,
        Err(reason) => return Forecast::Unknown(reason),
    };
    let room = limit - value;
    let soonest_seconds = room / slope.high;
    if slope.high <= 0.0 || soonest_seconds > limits.horizon_seconds {
        return Forecast::NotWithinHorizon;
    }
    if !slope.clearly_grows() {
        return Forecast::Unknown(NoForecast::NotSignificant);
    }
    let latest_seconds = room / slope.low;
    if latest_seconds > SPREAD_MAX * soonest_seconds {
        return Forecast::Unknown(NoForecast::WideSpread {
            soonest_seconds,
            latest_seconds,
        });
    }
    Forecast::In {
        seconds: room / slope.per_second,
        soonest_seconds,
        latest_seconds,
    }
}

fn enough<'a>(slope: Option<&'a Slope>, limits: &ForecastLimits) -> Result<&'a Slope, NoForecast> {
    let needed = limits.samples_min;
    let samples = slope.map_or(0, |slope| slope.samples);
    let slope = slope
        .filter(|slope| slope.samples >= needed)
        .ok_or(NoForecast::TooFewSamples { samples, needed })?;
    if slope.span_seconds < limits.span_min_seconds {
        return Err(NoForecast::ShortSpan {
            span_seconds: slope.span_seconds,
            needed_seconds: limits.span_min_seconds,
        });
    }
    Ok(slope)
}
