//! Places at the live events, by the address that asks.

use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use axum::response::Response;
use etcd_monitor_alerting::{AlertPolicy, Alerting, AlertingOptions};
use http_body_util::BodyExt;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::connection::Connection;
use crate::{Access, BuildInfo, HostPolicy, HttpOptions, Source, router};

fn server() -> axum::Router {
    let stop = CancellationToken::new();
    let alerting = AlertingOptions::new(AlertPolicy::to_channels([""; 0]), Vec::new());
    let (_, alerts) = Alerting::new(alerting, stop.clone());
    let interval = Duration::from_secs(5);
    let source = Source::new(Vec::new(), alerts, BuildInfo::default(), interval, stop);
    router(
        source,
        HttpOptions::new(HostPolicy::default(), Access::open()),
    )
}

async fn ask(router: &axum::Router, path: &str, peer: &str) -> Response {
    let request = Request::get(path).header("host", "127.0.0.1");
    let mut request = request.body(Body::empty()).unwrap();
    request.extensions_mut().insert(Connection {
        peer: SocketAddr::new(peer.parse().unwrap(), 1),
        certificate: None,
    });
    router.clone().oneshot(request).await.unwrap()
}

async fn text(response: Response) -> String {
    let body = response.into_body().collect().await.unwrap();
    String::from_utf8(body.to_bytes().to_vec()).unwrap()
}

#[tokio::test]
async fn one_address_takes_a_part_of_the_places() {
    let router = server();
    let follow = async |peer: String| ask(&router, "/api/v1/events", &peer).await;
    let mut held = Vec::new();
    for _ in 0..128 {
        // Any address of the /64.
        let host = held.len();
        let response = follow(format!("2001:db8::{host:x}")).await;
        assert_eq!(response.status(), 200);
        held.push(response);
    }
    let refused = follow("2001:db8::ffff".to_owned()).await;
    assert_eq!(refused.status(), 429);
    assert!(
        text(refused)
            .await
            .contains("too_many_event_clients_of_address")
    );
    for other in ["192.0.2.1", "2001:db8:0:1::1", "127.0.0.1"] {
        assert_eq!(follow(other.to_owned()).await.status(), 200, "{other}");
    }
    let metrics = text(ask(&router, "/metrics", "192.0.2.1").await).await;
    let refused = "etcd_monitor_event_refused_clients_total{limit=\"address\"} 1";
    assert!(metrics.contains(refused), "{metrics}");
    held.pop();
    assert_eq!(follow("2001:db8::ffff".to_owned()).await.status(), 200);
}
