//! A report as a page that stands alone.

use super::course::describe as describe_event;
use super::table::describe;
use super::{Details, LatencyFigures, OperationFigures, Report};
use crate::html::{Bars, Chart, Line, Mark, Page, Scale};
use crate::series::Second;

/// Points of a line at most: more than a screen shows. Longer runs have points of several seconds.
const POINTS_MAX: usize = 600;

/// Events that are shown at most.
const EVENTS_MAX: usize = 100;

/// Percentiles of a distribution, where they stand on its axis (the number of nines), and their names.
const NINES: [(f64, &str); 6] = [
    (0.0, "min"),
    (0.301, "p50"),
    (1.301, "p95"),
    (2.0, "p99"),
    (3.0, "p99.9"),
    (4.0, "max"),
];

impl Report {
    /// The report as one HTML file with charts, which loads nothing from anywhere. All text in it is escaped.
    pub fn to_html(&self) -> String {
        let plan = &self.plan;
        let mut page = Page::new(&format!(
            "{} on {}",
            plan.workload,
            plan.endpoints.join(", ")
        ));
        self.verdict(&mut page);
        page.facts(&self.facts());
        let points = self.points();
        page.heading("Over time");
        page.chart(&self.throughput(&points));
        page.chart(&self.latency_over_time(&points));
        page.heading("Latency");
        page.table(&LATENCY_HEAD, &self.latency_rows());
        page.chart(&self.distribution());
        for operation in &self.operations {
            page.bars(&histogram(operation));
        }
        self.course_of(&mut page);
        self.errors_of(&mut page);
        self.environment_of(&mut page);
        page.end()
    }

    fn verdict(&self, page: &mut Page) {
        if !self.valid {
            page.notice("INVALID: it says nothing about the cluster", true);
        }
        if let Some(why) = &self.ended_early {
            page.notice(&format!("ended early: {why}"), true);
        }
        if let Some(why) = &self.keys_left {
            page.notice(
                &format!("keys are left below {}: {why}", self.plan.prefix),
                true,
            );
        }
        for doubt in &self.doubts {
            page.notice(doubt, false);
        }
    }

    fn facts(&self) -> Vec<(&'static str, String)> {
        let plan = &self.plan;
        let rate = self
            .per_second
            .map_or("not measured".to_owned(), |rate| format!("{rate:.1}/s"));
        let all = self.succeeded + self.failed;
        let parameters = plan.parameters.iter();
        let parameters: Vec<String> = parameters
            .map(|(name, value)| format!("{name} {value}"))
            .collect();
        let mut facts = vec![
            (
                "throughput",
                format!("{rate} over {:.1} s", self.window_seconds),
            ),
            (
                "requests",
                format!(
                    "{} of {all} succeeded, {} failed",
                    self.succeeded, self.failed
                ),
            ),
            ("load", describe(&plan.load)),
            ("what is asked", parameters.join(", ")),
            ("engine", plan.engine.clone()),
            ("endpoints", plan.endpoints.join(", ")),
            ("began", plan.began_at.to_string()),
            ("data", self.data()),
            ("generator", self.generator()),
            ("cluster", self.cluster()),
        ];
        facts.extend(self.details.iter().flat_map(Details::lines));
        facts.extend(self.breakdown.describe().map(|time| ("mean time", time)));
        facts
    }

    /// The whole seconds that were measured, several in one where there are many.
    fn points(&self) -> Vec<Point> {
        let whole = self.window_seconds.floor().max(1.0);
        let within = self
            .seconds
            .iter()
            .filter(|second| (second.second as f64) < whole);
        let seconds: Vec<&Second> = within.collect();
        let each = seconds.len().div_ceil(POINTS_MAX).max(1);
        seconds.chunks(each).map(Point::of).collect()
    }

    /// What happened to the cluster, and where requests failed.
    fn marks(&self, points: &[Point]) -> Vec<Mark> {
        let failed = points.iter().filter(|point| point.failed > 0);
        let failed = failed.map(|point| Mark {
            at: point.at,
            text: format!("{} failed at {} s", point.failed, point.at),
            is_error: true,
        });
        let events = self.failover.events.iter().take(EVENTS_MAX);
        let events = events.map(|event| Mark {
            at: event.at_seconds,
            text: format!("{:.1} s: {}", event.at_seconds, describe_event(event)),
            is_error: false,
        });
        failed.chain(events).collect()
    }

    /// What happened to the cluster, what its members said of themselves, and what limited it, as in the table.
    fn course_of(&self, page: &mut Page) {
        let mut text = String::new();
        self.course(&mut text);
        self.server_table(&mut text);
        if !text.is_empty() {
            page.heading("Cluster");
            page.verbatim(&text);
        }
        let mut text = String::new();
        self.limit(&mut text);
        if !text.is_empty() {
            page.heading("Limit");
            page.verbatim(&text);
        }
    }

    fn throughput(&self, points: &[Point]) -> Chart {
        let line = points
            .iter()
            .map(|point| (point.at, Some(point.per_second)));
        let mut lines = vec![Line::new("answers/s", line.collect())];
        if self.failed > 0 {
            let failed = points.iter().map(|point| {
                let per_second = point.failed as f64 / point.seconds;
                (point.at, Some(per_second))
            });
            lines.push(Line::new("failed/s", failed.collect()));
        }
        let mut chart = Chart::new("Answers per second", "seconds", Scale::Linear, lines);
        chart.marks = self.marks(points);
        chart
    }

    fn latency_over_time(&self, points: &[Point]) -> Chart {
        let line = |name: &str, of: fn(&Point) -> Option<f64>| {
            let points = points
                .iter()
                .map(|point| (point.at, of(point).map(|seconds| 1e3 * seconds)));
            Line::new(name, points.collect())
        };
        let lines = vec![
            line("p50", |point| point.p50_seconds),
            line("p99", |point| point.p99_seconds),
            line("max", |point| point.max_seconds),
        ];
        let title = "Latency in milliseconds, second by second; marks at the foot are failed requests, dashed ones what happened to the cluster";
        let mut chart = Chart::new(title, "seconds", Scale::Logarithmic, lines);
        chart.marks = self.marks(points);
        chart
    }

    fn distribution(&self) -> Chart {
        let line = |operation: &OperationFigures| {
            let response = &operation.response;
            let values = [
                response.min_seconds,
                response.p50_seconds,
                response.p95_seconds,
                response.p99_seconds,
                response.p99_9_seconds,
                response.max_seconds,
            ];
            let points = NINES
                .iter()
                .zip(values)
                .filter(|(_, value)| value.is_some())
                .map(|((at, _), value)| (*at, value.map(|seconds| 1e3 * seconds)));
            Line::new(operation.kind.as_str(), points.collect())
        };
        let lines = self.operations.iter().map(line).collect();
        let title = "Distribution of the responses in milliseconds";
        let mut chart = Chart::new(title, "percentile", Scale::Logarithmic, lines);
        chart.places = NINES
            .iter()
            .map(|(at, name)| (*at, (*name).to_owned()))
            .collect();
        chart
    }

    fn latency_rows(&self) -> Vec<Vec<String>> {
        let mut rows = Vec::new();
        for operation in &self.operations {
            let kind = operation.kind.as_str();
            rows.push(latency_row(kind, &operation.response));
            if operation.response != operation.service {
                rows.push(latency_row(&format!("{kind}, service"), &operation.service));
            }
            if operation.failed > 0 {
                rows.push(latency_row(&format!("{kind}, failed"), &operation.failures));
            }
        }
        rows.push(latency_row("lateness of the generator", &self.lateness));
        rows
    }

    fn errors_of(&self, page: &mut Page) {
        if self.errors.is_empty() {
            return;
        }
        page.heading("Errors");
        let rows = self.errors.iter().map(|(kind, errors)| {
            vec![
                kind.clone(),
                errors.count.to_string(),
                errors.example.clone(),
            ]
        });
        page.table(&["kind", "count", "example"], &rows.collect::<Vec<_>>());
    }

    fn environment_of(&self, page: &mut Page) {
        page.heading("Environment");
        let client = &self.environment.client;
        let text = |value: Option<String>| value.unwrap_or_else(|| "?".to_owned());
        page.facts(&[
            (
                "load generator",
                format!("etcd-bench {}", self.environment.generator_version),
            ),
            ("machine", client.line()),
            (
                "leader changed",
                match self.environment.leader_changed {
                    Some(true) => "yes".to_owned(),
                    Some(false) => "no".to_owned(),
                    None => "?".to_owned(),
                },
            ),
        ]);
        let members = self.environment.before.members.iter().map(|member| {
            let number = |value: Option<i64>| text(value.map(|value| value.to_string()));
            vec![
                member.endpoint.clone(),
                text(member.id.clone()),
                text(member.version.clone()),
                text(
                    member
                        .leads
                        .map(|leads| if leads { "yes" } else { "no" }.to_owned()),
                ),
                number(member.revision),
                number(member.database_bytes),
                member.error.clone().unwrap_or_default(),
            ]
        });
        page.table(
            &[
                "member",
                "id",
                "version",
                "leads",
                "revision",
                "database (bytes)",
                "error",
            ],
            &members.collect::<Vec<_>>(),
        );
    }
}

const LATENCY_HEAD: [&str; 9] = [
    "milliseconds",
    "count",
    "min",
    "mean",
    "p50",
    "p95",
    "p99",
    "p99.9",
    "max",
];

fn latency_row(name: &str, latencies: &LatencyFigures) -> Vec<String> {
    let values = [
        latencies.min_seconds,
        latencies.mean_seconds,
        latencies.p50_seconds,
        latencies.p95_seconds,
        latencies.p99_seconds,
        latencies.p99_9_seconds,
        latencies.max_seconds,
    ];
    let values =
        values.map(|value| value.map_or("-".to_owned(), |seconds| format!("{:.3}", 1e3 * seconds)));
    let begin = [name.to_owned(), latencies.count.to_string()];
    begin.into_iter().chain(values).collect()
}

fn histogram(operation: &OperationFigures) -> Bars {
    let all: u64 = operation.histogram.iter().map(|bucket| bucket.count).sum();
    let mut low = 0.0;
    let rows = operation.histogram.iter().map(|bucket| {
        let name = match bucket.below_seconds {
            Some(high) => format!("{:.0} to {:.0} ms", 1e3 * low, 1e3 * high),
            None => format!("over {:.0} ms", 1e3 * low),
        };
        low = bucket.below_seconds.unwrap_or(low);
        let share = 100.0 * bucket.count as f64 / all.max(1) as f64;
        let text = format!("{} ({share:.1} %)", bucket.count);
        (name, bucket.count as f64, text)
    });
    Bars {
        rows: rows.collect(),
        title: format!("Responses of {} by their latency", operation.kind.as_str()),
    }
}

/// One second, or several.
struct Point {
    at: f64,
    seconds: f64,
    per_second: f64,
    failed: u64,
    p50_seconds: Option<f64>,
    p99_seconds: Option<f64>,
    max_seconds: Option<f64>,
}

impl Point {
    fn of(seconds: &[&Second]) -> Self {
        let count = seconds.len().max(1) as f64;
        let succeeded: u64 = seconds.iter().map(|second| second.succeeded).sum();
        // Of several seconds the worst: a standstill must not be averaged away.
        let worst = |of: fn(&Second) -> Option<f64>| {
            let known = seconds.iter().filter_map(|second| of(second));
            known.reduce(f64::max)
        };
        Self {
            at: seconds.first().map_or(0.0, |second| second.second as f64),
            seconds: count,
            per_second: succeeded as f64 / count,
            failed: seconds.iter().map(|second| second.failed).sum(),
            p50_seconds: worst(|second| second.p50_seconds),
            p99_seconds: worst(|second| second.p99_seconds),
            max_seconds: worst(|second| second.max_seconds),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::failover::{Event, EventKind};
    use crate::report::sample::report;

    #[test]
    fn a_page_has_all_parts_and_no_markup_of_servers() {
        let mut report = report(0, &[900, 1_000, 0, 1_100], 4.0);
        report.seconds[2].failed = 7;
        report.seconds[2].p50_seconds = None;
        report
            .doubts
            .push("the leader changed meanwhile".to_owned());
        report.environment.before.members[0].version = Some("<script>3.7</script>".to_owned());
        report.plan.endpoints = vec!["http://<b>".to_owned()];
        report.failover.events.push(Event {
            at_seconds: 1.5,
            kind: EventKind::MemberSilent,
            member: Some("http://m0".to_owned()),
            leader: None,
            term: None,
            reason: Some("<i>refused</i>".to_owned()),
        });
        let page = report.to_html();
        for part in [
            "1.5 s: http://m0 does not answer: &lt;i&gt;refused",
            "<!DOCTYPE html>",
            "Answers per second",
            "7 failed at 2 s",
            "Distribution of the responses",
            "Responses of put by their latency",
            "the leader changed meanwhile",
            "prefers-color-scheme: dark",
            "@media print",
            "Environment",
        ] {
            assert!(page.contains(part), "no {part:?}");
        }
        for markup in ["<script", "<b>", "src=", "href=", "url(", "NaN"] {
            assert!(!page.contains(markup), "{markup}");
        }
    }

    #[test]
    fn a_long_run_is_no_larger_page() {
        let day = report(0, &vec![10; 86_400], 4.0);
        assert!(day.to_html().len() < 200_000);
    }
}
