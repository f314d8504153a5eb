//! A comparison as a page that stands alone.

use super::table::percent;
use super::{CompareOutcome, Comparison, MetricComparison};
use crate::html::{Chart, Line, Page, Scale};

/// Charts of one page at most.
const CHARTS_MAX: usize = 12;

impl Comparison {
    /// The comparison as one HTML file with a chart of the runs of each metric, which loads nothing from anywhere.
    pub fn to_html(&self) -> String {
        let mut page = Page::new(&format!("{}: B against A", self.workload));
        let is_bad = self.outcome != CompareOutcome::SameOrBetter;
        page.notice(self.outcome.describe(), is_bad);
        for doubt in &self.doubts {
            page.notice(doubt, false);
        }
        page.facts(&[
            ("A", self.a.describe()),
            ("B", self.b.describe()),
            (
                "what counts",
                format!("{:.1} % or more", 100.0 * self.threshold_share),
            ),
        ]);
        page.heading("Metrics");
        let rows = self.metrics.iter().map(MetricComparison::cells);
        page.table(
            &[
                "metric",
                "A",
                "B",
                "change",
                "95 % interval",
                "p (Holm)",
                "detectable",
                "verdict",
            ],
            &rows.collect::<Vec<_>>(),
        );
        // One run is a point, and stands in the table.
        if self.a.runs.max(self.b.runs) > 1 {
            page.heading("Runs");
            for metric in self.metrics.iter().take(CHARTS_MAX) {
                page.chart(&metric.runs());
            }
        }
        page.end()
    }
}

impl MetricComparison {
    fn cells(&self) -> Vec<String> {
        let none = || "-".to_owned();
        let interval = self
            .change_low_share
            .zip(self.change_high_share)
            .map_or_else(none, |(low, high)| {
                format!("{} .. {}", percent(low), percent(high))
            });
        let regression = if self.is_regression {
            ", REGRESSION"
        } else {
            ""
        };
        vec![
            self.name(),
            self.shown(self.a_median),
            self.shown(self.b_median),
            percent(self.change_share),
            interval,
            self.p_adjusted.map_or_else(none, |p| format!("{p:.4}")),
            self.detectable_share
                .map_or_else(none, |share| format!("{:.1} %", 100.0 * share)),
            format!("{}{regression}", self.verdict.describe()),
        ]
    }

    fn runs(&self) -> Chart {
        let times = if self.metric.is_more_better() {
            1.0
        } else {
            1e3
        };
        let line = |name: &str, runs: &[f64]| {
            let points = (1_u32..).zip(runs);
            let points = points.map(|(run, value)| (f64::from(run), Some(times * value)));
            Line::new(name, points.collect())
        };
        let unit = if self.metric.is_more_better() {
            "per second"
        } else {
            "milliseconds"
        };
        let mut chart = Chart::new(
            &format!("{} of each run, {unit}", self.name()),
            "run",
            Scale::Linear,
            vec![line("A", &self.a), line("B", &self.b)],
        );
        let runs = (1_u32..).take(self.a.len().max(self.b.len()));
        chart.places = runs.map(|run| (f64::from(run), run.to_string())).collect();
        chart
    }
}
