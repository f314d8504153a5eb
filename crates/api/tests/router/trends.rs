//! Trends, as a client reads them: from a store whose reads became slow.

use super::*;
use async_trait::async_trait;
use etcd_monitor_model::{
    HistoryError, HistoryQuery, HistoryStore, Point, SampleBatch, SeriesKey, SeriesPoints,
    SeriesSelector,
};
use futures_util::stream;
use serde_json::json;

const TRENDS: &str = "/api/v1/trends";

/// In each of two windows of an hour twelve values of one member's reads, ten times as slow in the later one.
struct SlowReads;

#[async_trait]
impl HistoryStore for SlowReads {
    fn append(&self, _: &SampleBatch) {}

    async fn series(&self, _: &SeriesSelector) -> Result<Vec<SeriesKey>, HistoryError> {
        Ok(Vec::new())
    }

    async fn query(&self, query: &HistoryQuery) -> Result<Vec<SeriesPoints>, HistoryError> {
        if query.selector.metric.as_deref() != Some("read_p99_seconds") {
            return Ok(Vec::new());
        }
        let points = (1..24_i32).map(|number| {
            let seconds = if number < 12 { 0.001 } else { 0.01 };
            let jitter = f64::from(number) * 1e-6;
            Point::sample(query.start + (number * 300).seconds(), seconds + jitter)
        });
        let points = stream::iter([Ok(points.collect())]);
        Ok(vec![SeriesPoints {
            key: SeriesKey {
                cluster: query.selector.cluster.clone(),
                member: Some(MemberId(0x1f)),
                metric: "read_p99_seconds".into(),
                peer: None,
            },
            points: Box::pin(points),
        }])
    }
}

async fn get(server: &Server, query: &str) -> Response<Body> {
    let source = server.source().with_history(Arc::new(SlowReads));
    let request = request(&format!("{TRENDS}{query}"));
    server.answer_from(&source, request).await
}

async fn document(response: Response<Body>) -> Value {
    assert_eq!(response.status(), StatusCode::OK);
    serde_json::from_str(&text(response).await).unwrap()
}

#[tokio::test]
async fn each_metric_is_compared_and_each_quota_forecast() {
    let trends = document(get(&Server::one(), "").await).await;
    assert_eq!(
        (&trends["cluster"], &trends["window_seconds"]),
        (&json!("c"), &json!(3_600.0))
    );
    assert!(trends["end"].is_string());
    let all = trends["trends"].as_array().unwrap();
    let metrics: Vec<_> = all.iter().map(|it| [&it["metric"], &it["unit"]]).collect();
    let expected = json!([
        ["read_p99_seconds", "seconds"],
        ["write_p99_seconds", "seconds"],
        ["wal_fsync_p99_seconds", "seconds"],
        ["backend_commit_p99_seconds", "seconds"],
        ["database_in_use_bytes", "bytes"],
        ["watchers", "count"],
        ["requests_per_second", "per_second"],
    ]);
    assert_eq!(json!(metrics), expected);
    let reads = &all[0]["series"][0];
    assert_eq!(reads["labels"], json!({"member": "n1", "member_id": "1f"}));
    assert_eq!(reads["comparison"]["rose"], true, "{reads:#}");
    assert_eq!(all[1]["series"], json!([]), "nothing was measured");
    let forecast = &trends["forecasts"][0];
    assert_eq!(
        (&forecast["member"], &forecast["forecast"]),
        (&json!("n1"), &json!("unknown"))
    );
}

#[tokio::test]
async fn what_cannot_be_told_is_said() {
    for (server, query, status, code) in [
        (
            Server::one(),
            "?window_seconds=59",
            StatusCode::BAD_REQUEST,
            "bad_query",
        ),
        (
            Server::one(),
            "?metric=watchers",
            StatusCode::BAD_REQUEST,
            "bad_query",
        ),
        (
            Server::two(),
            "",
            StatusCode::BAD_REQUEST,
            "cluster_required",
        ),
        (
            Server::one(),
            "?cluster=x",
            StatusCode::NOT_FOUND,
            "cluster_unknown",
        ),
    ] {
        assert_problem(get(&server, query).await, status, code).await;
    }
    let without = Server::one().get(TRENDS).await;
    assert_problem(without, StatusCode::NOT_FOUND, "no_history").await;
}
