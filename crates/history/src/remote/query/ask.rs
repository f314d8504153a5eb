//! One request to the HTTP API.

use std::collections::BTreeMap;

use etcd_monitor_model::{HistoryError, Point, SeriesKey, SeriesSelector, plain_text};
use jiff::Timestamp;
use reqwest::{Response, StatusCode};
use serde::de::DeserializeOwned;
use url::form_urlencoded;

use super::answer::{self, Answer, Complaint, Labels, QueryData};
use super::buckets::whole_seconds;
use super::{PrometheusQuery, promql};
use crate::remote::door::reason_of;

/// `VictoriaMetrics` moves times to multiples of the step, and away from now, unless told not to; Prometheus does not know it.
const AS_ASKED: (&str, &str) = ("nocache", "1");

impl PrometheusQuery {
    /// The series that had a sample within a time.
    pub(super) async fn keys(
        &self,
        selector: &SeriesSelector,
        start: i64,
        end: i64,
    ) -> Result<Vec<SeriesKey>, HistoryError> {
        let form = [
            ("match[]", promql::series(selector, &self.labels)),
            ("start", seconds(start)),
            ("end", seconds(end)),
        ];
        let found: Answer<Vec<Labels>> = self.ask("/api/v1/series", &form).await?;
        let keys = found.data.iter();
        let mut keys: Vec<_> = keys
            .filter_map(|labels| answer::key(labels, &selector.cluster))
            .filter(|key| selector.matches(key))
            .collect();
        keys.sort();
        keys.dedup();
        Ok(keys)
    }

    /// The samples of `start..end` as they are.
    pub(super) async fn samples(
        &self,
        selector: &SeriesSelector,
        start: i64,
        end: i64,
    ) -> Result<BTreeMap<SeriesKey, Vec<Point>>, HistoryError> {
        let range = whole_seconds(end - start);
        let query = promql::series(selector, &self.labels) + &range;
        let found = self.at(&query, end - 1).await?;
        let mut series: BTreeMap<SeriesKey, Vec<Point>> = BTreeMap::new();
        for one in &found.result {
            let Some(key) = one.key(&selector.cluster) else {
                continue;
            };
            // The range is whole seconds: something before it may come, too.
            let inside = one.numbers().filter(|(at, _)| (start..end).contains(at));
            let points = inside.filter_map(|(at, value)| Some(Point::sample(time(at)?, value)));
            series.entry(key).or_default().extend(points);
        }
        series.retain(|_, points| !points.is_empty());
        for points in series.values_mut() {
            points.sort_by_key(|point| point.at);
            points.dedup_by_key(|point| point.at);
        }
        Ok(series)
    }

    /// The value of a question at one time, in Unix milliseconds.
    pub(super) async fn at(&self, query: &str, time: i64) -> Result<QueryData, HistoryError> {
        let form = [("query", query.to_owned()), ("time", seconds(time))];
        let found: Answer<QueryData> = self.ask("/api/v1/query", &form).await?;
        Ok(found.data)
    }

    /// The values of a question at times, in Unix milliseconds, that are `step_seconds` apart.
    pub(super) async fn over(
        &self,
        query: &str,
        first: i64,
        last: i64,
        step_seconds: i64,
    ) -> Result<QueryData, HistoryError> {
        let form = [
            ("query", query.to_owned()),
            ("start", seconds(first)),
            ("end", seconds(last)),
            ("step", step_seconds.to_string()),
        ];
        let found: Answer<QueryData> = self.ask("/api/v1/query_range", &form).await?;
        Ok(found.data)
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        path: &str,
        form: &[(&str, String)],
    ) -> Result<T, HistoryError> {
        let request = self.door.post(path).await;
        let request = request
            .map_err(|reason| self.unavailable(&reason))?
            .header("Content-Type", "application/x-www-form-urlencoded")
            .body(encoded(form));
        let response = request.send().await;
        let response = response.map_err(|error| self.unavailable(&reason_of(error)))?;
        if !response.status().is_success() {
            return Err(self.refusal(response).await);
        }
        let body = self.body(response).await?;
        serde_json::from_slice(&body).map_err(|error| {
            self.unavailable(&format!("its answer is not one of a Prometheus: {error}"))
        })
    }

    async fn body(&self, mut response: Response) -> Result<Vec<u8>, HistoryError> {
        let most = self.options.answer_bytes_max;
        let mut body = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() > most => {
                    return Err(HistoryError::BadQuery(format!(
                        "the answer of {} has more than {most} bytes; ask for a shorter time or fewer points",
                        self.door.target()
                    )));
                }
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => return Ok(body),
                Err(error) => return Err(self.unavailable(&reason_of(error))),
            }
        }
    }

    async fn refusal(&self, response: Response) -> HistoryError {
        let status = response.status();
        let said = self.door.said(response).await;
        let json = said.strip_prefix(": ").unwrap_or_default();
        let said = match serde_json::from_str::<Complaint>(json) {
            Ok(complaint) => format!(": {}", plain_text(&complaint.error)),
            Err(_) => said,
        };
        let reason = format!("it answered {status}{said}");
        match status {
            StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => HistoryError::BadQuery(
                format!("the remote store {} refuses: {reason}", self.door.target()),
            ),
            _ => self.unavailable(&reason),
        }
    }

    fn unavailable(&self, reason: &str) -> HistoryError {
        HistoryError::Unavailable(format!("the remote store {}: {reason}", self.door.target()))
    }
}

fn encoded(form: &[(&str, String)]) -> String {
    let mut body = form_urlencoded::Serializer::new(String::new());
    body.extend_pairs(form)
        .append_pair(AS_ASKED.0, AS_ASKED.1)
        .finish()
}

/// A point in time, where it is one.
pub(super) fn time(milliseconds: i64) -> Option<Timestamp> {
    Timestamp::from_millisecond(milliseconds).ok()
}

/// Milliseconds as the API takes them.
fn seconds(milliseconds: i64) -> String {
    let sign = if milliseconds < 0 { "-" } else { "" };
    let size = milliseconds.unsigned_abs();
    format!("{sign}{}.{:03}", size / 1000, size % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_to_the_millisecond() {
        assert_eq!(seconds(1_700_000_000_007), "1700000000.007");
        assert_eq!(seconds(-5), "-0.005");
    }
}
