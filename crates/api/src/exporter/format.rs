//! `OpenMetrics`, or Prometheus' older text format where `OpenMetrics` was not asked for.

use std::collections::BTreeSet;

/// An exposition format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    OpenMetrics,
    Text,
}

impl Format {
    /// What an `Accept` header likes best; the older text format where it likes both alike or names neither.
    pub(crate) fn from_accept(accept: &str) -> Self {
        let quality = |wanted: &[&str]| {
            let ranges = accept.split(',').map(range);
            let matching = ranges.filter_map(|(name, quality)| {
                let place = wanted.iter().position(|wanted| *wanted == name)?;
                Some((place, quality))
            });
            // The most specific range counts, as RFC 9110 says.
            matching
                .min_by_key(|(place, _)| *place)
                .map_or(0.0, |(_, quality)| quality)
        };
        let open = quality(&["application/openmetrics-text", "application/*", "*/*"]);
        let text = quality(&["text/plain", "text/*", "*/*"]);
        if open > text {
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

/// The media range of an element of `Accept`, and its quality: 1 where none is given, 0 where it cannot be read.
fn range(element: &str) -> (String, f64) {
    let mut parts = element.split(';').map(str::trim);
    let name = parts.next().unwrap_or_default().to_ascii_lowercase();
    let mut given = parts.filter_map(|part| part.split_once('='));
    let quality = given
        .find(|(key, _)| key.trim().eq_ignore_ascii_case("q"))
        .map_or(1.0, |(_, value)| value.trim().parse().unwrap_or(0.0));
    (name, quality)
}

/// In the older format a counter's family has the name of its samples, and there is no unit and no end mark.
fn text(page: &str) -> String {
    let counters: BTreeSet<&str> = page.lines().filter_map(counter_family).collect();
    let mut text = String::with_capacity(page.len());
    for line in page
        .lines()
        .filter(|line| !line.starts_with("# UNIT ") && *line != "# EOF")
    {
        push_renamed(&mut text, line, &counters);
        text.push('\n');
    }
    text
}

fn counter_family(line: &str) -> Option<&str> {
    line.strip_prefix("# TYPE ")?.strip_suffix(" counter")
}

fn push_renamed(text: &mut String, line: &str, counters: &BTreeSet<&str>) {
    let described = line.strip_prefix("# ").and_then(|described| {
        let (mark, rest) = described.split_once(' ')?;
        let (family, rest) = rest.split_once(' ')?;
        counters.contains(family).then_some([mark, family, rest])
    });
    match described {
        Some([mark, family, rest]) => {
            for part in ["# ", mark, " ", family, "_total ", rest] {
                text.push_str(part);
            }
        }
        None => text.push_str(line),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accept_is_read_with_its_qualities() {
        let table = [
            ("", Format::Text),
            ("*/*", Format::Text),
            ("text/plain", Format::Text),
            ("application/openmetrics-text", Format::OpenMetrics),
            ("APPLICATION/OpenMetrics-Text", Format::OpenMetrics),
            // What Prometheus 2.42 sends.
            (
                "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                Format::OpenMetrics,
            ),
            (
                "application/openmetrics-text; q=0.2, text/plain; q=0.8",
                Format::Text,
            ),
            ("application/openmetrics-text;q=0, */*", Format::Text),
            ("application/openmetrics-text;q=much", Format::Text),
            ("text/html, application/*;q=0.5", Format::OpenMetrics),
        ];
        for (accept, format) in table {
            assert_eq!(Format::from_accept(accept), format, "{accept}");
        }
    }
}
