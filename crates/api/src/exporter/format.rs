//! `OpenMetrics`, or Prometheus' older text format where `OpenMetrics` was not asked for.

use std::collections::BTreeSet;

/// An exposition format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    OpenMetrics,
    Text,
}

impl Format {
    /// What an `Accept` header asks for; the older text format unless `OpenMetrics` is named.
    pub(crate) fn from_accept(accept: &str) -> Self {
        if accept.contains("application/openmetrics-text") {
            Self::OpenMetrics
        } else {
            Self::Text
        }
    }

    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
        }
    }

    /// An `OpenMetrics` page in this format.
    pub(crate) fn of(self, page: String) -> String {
        match self {
            Self::OpenMetrics => page,
            Self::Text => text(&page),
        }
    }
}

/// In the older format a counter's family has the name of its samples, and there is no unit and no end mark.
fn text(page: &str) -> String {
    let counters: BTreeSet<&str> = page.lines().filter_map(counter_family).collect();
    let mut text = String::with_capacity(page.len());
    for line in page
        .lines()
        .filter(|line| !line.starts_with("# UNIT ") && *line != "# EOF")
    {
        text.push_str(&renamed(line, &counters));
        text.push('\n');
    }
    text
}

fn counter_family(line: &str) -> Option<&str> {
    line.strip_prefix("# TYPE ")?.strip_suffix(" counter")
}

fn renamed(line: &str, counters: &BTreeSet<&str>) -> String {
    let described = ["# HELP ", "# TYPE "].into_iter().find_map(|mark| {
        let (family, rest) = line.strip_prefix(mark)?.split_once(' ')?;
        counters
            .contains(family)
            .then(|| format!("{mark}{family}_total {rest}"))
    });
    described.unwrap_or_else(|| line.to_owned())
}
