//! What the HTTP API answers. Untrusted: what does not fit is left out, or an error.

use std::collections::HashMap;

use etcd_monitor_model::{ClusterName, SeriesKey};
use serde::Deserialize;

use crate::remote::names;

/// Labels of a series.
pub(super) type Labels = HashMap<String, String>;

/// The envelope of every answer.
#[derive(Debug, Deserialize)]
pub(super) struct Answer<T> {
    pub(super) data: T,
}

/// The envelope of an answer that says what is wrong.
#[derive(Debug, Deserialize)]
pub(super) struct Complaint {
    pub(super) error: String,
}

/// The data of a query.
#[derive(Debug, Deserialize)]
pub(super) struct QueryData {
    pub(super) result: Vec<Series>,
}

/// One series of a query: `values` of a matrix, `value` of a vector.
#[derive(Debug, Deserialize)]
pub(super) struct Series {
    #[serde(default)]
    pub(super) metric: Labels,
    #[serde(default)]
    values: Vec<(f64, String)>,
    value: Option<(f64, String)>,
}

impl Series {
    /// Time in Unix milliseconds, and value, of everything that is a number.
    pub(super) fn numbers(&self) -> impl Iterator<Item = (i64, f64)> {
        let all = self.values.iter().chain(&self.value);
        all.filter_map(|(seconds, value)| {
            let value: f64 = value.parse().ok()?;
            value.is_finite().then(|| (milliseconds(*seconds), value))
        })
    }

    /// The series of ours that it is.
    pub(super) fn key(&self, cluster: &ClusterName) -> Option<SeriesKey> {
        key(&self.metric, cluster)
    }
}

/// The series of ours that labels stand for.
pub(super) fn key(labels: &Labels, cluster: &ClusterName) -> Option<SeriesKey> {
    names::key(cluster, |name| labels.get(name).map(String::as_str))
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a cast of a float saturates"
)]
fn milliseconds(seconds: f64) -> i64 {
    (seconds * 1000.0).round() as i64
}
