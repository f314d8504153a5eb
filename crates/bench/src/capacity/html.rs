//! A curve as a page that stands alone.

use super::{CapacityPoint, CapacityReport, LatencyPoint};
use crate::html::{Chart, Line, Mark, Page, Scale};

impl CapacityReport {
    /// The curve as one HTML file, which loads nothing from anywhere.
    pub fn to_html(&self) -> String {
        let mut page = Page::new(&format!("{}: latency against rate", self.workload));
        for doubt in &self.doubts {
            page.notice(doubt, false);
        }
        if let Some(why) = &self.ended_early {
            page.notice(&format!("ended early: {why}"), false);
        }
        let knee = self.knee_per_second;
        page.facts(&[
            ("endpoints", self.endpoints.join(", ")),
            ("each rate", format!("{} s", self.probe_seconds)),
            (
                "knee",
                knee.map_or("none stands out".to_owned(), |rate| format!("{rate}/s")),
            ),
        ]);
        let line = |name: &str, of: fn(&CapacityPoint) -> LatencyPoint| {
            let known = self
                .points
                .iter()
                .map(|point| (point.rate_per_second, of(point)));
            let mut line = Line::new(
                name,
                known
                    .clone()
                    .map(|(rate, latency)| (rate, latency.seconds.map(|seconds| 1e3 * seconds)))
                    .collect(),
            );
            line.ranges = known
                .filter_map(|(rate, latency)| {
                    Some((
                        rate,
                        1e3 * latency.low_seconds?,
                        1e3 * latency.high_seconds?,
                    ))
                })
                .collect();
            line
        };
        let lines = vec![
            line("p50", |point| point.p50),
            line("p99", |point| point.p99),
            line("p99.9", |point| point.p99_9),
        ];
        let title = "Latency in milliseconds, with 95 % intervals";
        let mut chart = Chart::new(title, "requests per second", Scale::Logarithmic, lines);
        chart.marks = knee
            .map(|rate| Mark {
                at: rate,
                text: format!("knee at {rate}/s"),
                is_error: false,
            })
            .into_iter()
            .collect();
        page.chart(&chart);
        let rows = self.points.iter().map(CapacityPoint::cells);
        page.table(
            &[
                "rate",
                "answers/s",
                "p50 (ms)",
                "p99 (ms)",
                "p99.9 (ms)",
                "",
            ],
            &rows.collect::<Vec<_>>(),
        );
        page.end()
    }
}
