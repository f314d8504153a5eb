//! A comparison for people.

use std::fmt::Write as _;

use super::{
    CompareMethod, CompareOutcome, Comparison, MetricComparison, MetricKind, MetricVerdict, Side,
};

impl Comparison {
    /// The comparison as a text of a dozen lines.
    pub fn to_table(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{:<11}{}", "workload", self.workload);
        for (name, side) in [("A", &self.a), ("B", &self.b)] {
            let _ = writeln!(text, "{name:<11}{}", side.describe());
        }
        let method = match self.method {
            CompareMethod::Runs => "runs (Mann-Whitney, Hodges-Lehmann, Holm over the metrics)",
            CompareMethod::Seconds => "seconds of one run a side (bootstrap of blocks)",
        };
        let threshold = format!("{:.1} %", 100.0 * self.threshold_share);
        let _ = writeln!(
            text,
            "{:<11}{method}; what counts is {threshold} or more",
            "compared"
        );
        let _ = writeln!(
            text,
            "\n{:<19}{:>11}{:>11}{:>9}{:>22}{:>10}{:>12}  VERDICT",
            "METRIC", "A", "B", "CHANGE", "95 % INTERVAL", "P (HOLM)", "DETECTABLE"
        );
        for metric in &self.metrics {
            metric.row(&mut text);
        }
        text.push('\n');
        for doubt in &self.doubts {
            let _ = writeln!(text, "{:<11}{doubt}", "note");
        }
        let _ = writeln!(text, "{:<11}{}", "result", self.outcome.describe());
        text
    }
}

impl Side {
    pub(super) fn describe(&self) -> String {
        let runs = if self.runs == 1 { "run" } else { "runs" };
        format!(
            "{} {runs}, engine {}, etcd {}, {}",
            self.runs,
            self.engines.join(" and "),
            self.etcd_versions.join(" and "),
            self.endpoints.join(", ")
        )
    }
}

impl CompareOutcome {
    /// In words.
    pub fn describe(self) -> &'static str {
        match self {
            Self::SameOrBetter => "B is the same or better",
            Self::Regression => "REGRESSION: B is slower",
            Self::TooNoisy => "TOO NOISY: a regression is not shown, and cannot be excluded",
        }
    }
}

impl MetricVerdict {
    /// In words.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Faster => "faster",
            Self::Slower => "slower",
            Self::NoDifferenceShown => "no difference shown",
            Self::TooNoisy => "too noisy",
            Self::NotJudged => "not judged",
        }
    }
}

impl MetricComparison {
    fn row(&self, text: &mut String) {
        let interval = self
            .change_low_share
            .zip(self.change_high_share)
            .map_or("-".to_owned(), |(low, high)| {
                format!("{} .. {}", percent(low), percent(high))
            });
        let p = self
            .p_adjusted
            .map_or("-".to_owned(), |p| format!("{p:.4}"));
        let detectable = self
            .detectable_share
            .map_or("-".to_owned(), |share| format!("{:.1} %", 100.0 * share));
        let regression = if self.is_regression {
            " (REGRESSION)"
        } else {
            ""
        };
        let _ = writeln!(
            text,
            "{:<19}{:>11}{:>11}{:>9}{interval:>22}{p:>10}{detectable:>12}  {}{regression}",
            self.name(),
            self.shown(self.a_median),
            self.shown(self.b_median),
            percent(self.change_share),
            self.verdict.describe(),
        );
    }

    /// A value in the unit that people read.
    pub(crate) fn shown(&self, value: f64) -> String {
        match self.metric {
            MetricKind::Throughput => format!("{value:.1}/s"),
            _ => format!("{:.3} ms", 1e3 * value),
        }
    }
}

/// A share as per cent, with its sign.
pub(crate) fn percent(share: f64) -> String {
    format!("{:+.1} %", 100.0 * share)
}
