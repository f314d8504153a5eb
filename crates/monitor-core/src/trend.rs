//! Trends: pure functions over numbers with a time.
//!
//! A trend is only told where the data carry it. Where they do not, the answer is unknown with the reason, never a
//! guess: too few samples, too short a time, a slope that may as well be none, or one too uncertain to name a time.

mod compare;
mod forecast;
mod history;
mod slope;

pub use compare::{Comparison, Side, compare};
pub use forecast::{Forecast, ForecastLimits, NoForecast, forecast};
pub use history::{compare_windows, forecast_quota};
pub use slope::{Slope, slope};

/// One value with its time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Seconds, from any origin that all points share.
    pub seconds: f64,
    /// The value, in any unit.
    pub value: f64,
}

#[cfg(test)]
mod tests;
