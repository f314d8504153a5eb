//! Where Prometheus finds the members, and what it sees of the server's own requests.

use axum::http::StatusCode;
use etcd_monitor_model::{MemberSnapshot, Snapshot};
use serde_json::{Value, json};

use super::{Server, request, snapshot, text};

fn scraped(cluster: &str, metrics_url: Option<&str>) -> Snapshot {
    let mut snapshot = snapshot(cluster);
    snapshot.members[0].metrics_url = metrics_url.map(str::to_owned);
    snapshot
}

async fn targets(server: &Server, path: &str) -> Value {
    let (status, document) = server.json(path).await;
    assert_eq!(status, StatusCode::OK);
    document
}

#[tokio::test]
async fn members_are_targets_with_their_names_and_how_to_scrape_them() {
    let mut first = scraped("c", Some("https://[::1]:2381/metrics"));
    first.members.push(MemberSnapshot::unknown("n2", ""));
    let second = scraped("d", Some("http://n1:2379/metrics"));
    let server = Server::of(vec![("c", Some(first)), ("d", Some(second))]);
    let of = |address: &str, cluster: &str, scheme: &str| {
        json!({"targets": [address], "labels": {
            "cluster": cluster, "member": "n1", "__scheme__": scheme, "__metrics_path__": "/metrics",
        }})
    };
    let (c, d) = (of("[::1]:2381", "c", "https"), of("n1:2379", "d", "http"));
    assert_eq!(targets(&server, "/api/v1/sd").await, json!([c, d]));
    assert_eq!(targets(&server, "/api/v1/sd?cluster=d").await, json!([d]));
}

#[tokio::test]
async fn an_empty_list_is_never_given_for_what_is_not_known_yet() {
    let server = Server::of(vec![("c", Some(scraped("c", None))), ("d", None)]);
    let answer = server.get("/api/v1/sd").await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    let answer = server.get("/api/v1/sd?cluster=x").await;
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn requests_are_counted_by_the_pattern_of_their_route() {
    let server = Server::one();
    let source = server.source();
    for path in ["/health", "/health", "/no/such/route/1", "/no/such/route/2"] {
        server.answer_from(&source, request(path)).await;
    }
    let page = text(server.answer_from(&source, request("/metrics")).await).await;
    for line in [
        r#"etcd_monitor_http_requests_total{route="/health",method="GET",status="200"} 2"#,
        r#"etcd_monitor_http_requests_total{route="none",method="GET",status="404"} 2"#,
        r#"etcd_monitor_http_request_duration_seconds_count{route="/health"} 2"#,
        r#"etcd_monitor_http_request_duration_seconds_bucket{le="+Inf",route="/health"} 2"#,
    ] {
        assert!(page.contains(line), "{line} in {page}");
    }
    assert!(!page.contains("no/such"), "{page}");
}
