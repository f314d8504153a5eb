//! The report of a benchmark, as it is kept.

use std::sync::Arc;

use etcd_monitor_bench::Report;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};

/// A report as it was written, with its key figures. It is kept as text, also where an earlier or later release wrote it: as a
/// tree a hundred of them would take some 50 MiB.
#[derive(Debug, Clone)]
pub(crate) struct KeptReport {
    text: Arc<RawValue>,
    pub(crate) figures: KeyFigures,
}

/// What a list says of a report.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct KeyFigures {
    /// Answers per second.
    pub(crate) per_second: Option<f64>,
    /// The median response, of the kind of request of which it is the longest.
    pub(crate) p50_seconds: Option<f64>,
    /// The 99th percentile, likewise.
    pub(crate) p99_seconds: Option<f64>,
    /// Requests that failed.
    pub(crate) failed: Option<u64>,
    /// False where the result says nothing about the cluster.
    pub(crate) valid: Option<bool>,
}

/// The parts of the document that the figures are made of.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Parts {
    per_second: Option<f64>,
    failed: Option<u64>,
    valid: Option<bool>,
    operations: Vec<Operation>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Operation {
    response: Response,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Response {
    p50_seconds: Option<f64>,
    p99_seconds: Option<f64>,
}

impl KeptReport {
    /// `None` where it cannot be written, which the log says.
    pub(crate) fn of(report: &Report) -> Option<Self> {
        match to_raw_value(report) {
            Ok(text) => Some(Self::read(text)),
            Err(error) => {
                tracing::error!(%error, "The report of a benchmark could not be written as JSON");
                None
            }
        }
    }

    fn read(text: Box<RawValue>) -> Self {
        // What has another form than it should says nothing.
        let parts: Parts = serde_json::from_str(text.get()).unwrap_or_default();
        let longest = |figure: fn(&Response) -> Option<f64>| {
            let responses = parts.operations.iter();
            responses
                .filter_map(|operation| figure(&operation.response))
                .reduce(f64::max)
        };
        Self {
            figures: KeyFigures {
                per_second: parts.per_second,
                p50_seconds: longest(|response| response.p50_seconds),
                p99_seconds: longest(|response| response.p99_seconds),
                failed: parts.failed,
                valid: parts.valid,
            },
            text: text.into(),
        }
    }
}

impl Serialize for KeptReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.text.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for KeptReport {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Box::<RawValue>::deserialize(deserializer).map(Self::read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_kept_to_the_letter_and_its_figures_are_the_longest() {
        let text = r#"{"per_second":0.1549940893520673,"failed":2,"valid":false,"later":[1],"operations":[
            {"response":{"p50_seconds":0.1,"p99_seconds":null}},{"response":{"p50_seconds":0.3,"p99_seconds":0.4}}]}"#;
        let kept: KeptReport = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&kept).unwrap(), text);
        let expected = KeyFigures {
            per_second: Some(0.154_994_089_352_067_3),
            p50_seconds: Some(0.3),
            p99_seconds: Some(0.4),
            failed: Some(2),
            valid: Some(false),
        };
        assert_eq!(kept.figures, expected);
        let odd: KeptReport = serde_json::from_str("[]").unwrap();
        assert_eq!(odd.figures, KeyFigures::default());
    }
}
