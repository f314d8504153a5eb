//! Every route for every role. A route without a line here fails, and so does a line without a route.

use axum::http::{Method, StatusCode};
use etcd_monitor_api::{Access, Reach, Role, WebConfig};

use super::{Server, answer, bearer, request, serve};

/// What a route takes, where callers have to say who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Takes {
    /// Strangers are answered too.
    Nothing,
    This(Role),
}

use Takes::{Nothing, This};

const VIEWER: Takes = This(Role::Viewer);
const OPERATOR: Takes = This(Role::Operator);
const ADMIN: Takes = This(Role::Admin);

pub(crate) const ROUTES: &[(&str, &str, Takes)] = &[
    ("GET", "/", Nothing),
    ("GET", "/first.js", Nothing),
    ("GET", "/app.js", Nothing),
    ("GET", "/live.js", Nothing),
    ("GET", "/app.css", Nothing),
    ("GET", "/api/docs.css", Nothing),
    ("GET", "/api/docs", VIEWER),
    ("GET", "/api/openapi.json", VIEWER),
    ("GET", "/health", Nothing),
    ("GET", "/ready", Nothing),
    ("GET", "/-/healthy", Nothing),
    ("GET", "/healthz", Nothing),
    ("GET", "/livez", Nothing),
    ("GET", "/-/ready", Nothing),
    ("GET", "/readyz", Nothing),
    ("POST", "/-/reload", ADMIN),
    ("PUT", "/-/reload", ADMIN),
    ("GET", "/metrics", VIEWER),
    ("GET", "/api/v1/session", VIEWER),
    ("POST", "/api/v1/session", Nothing),
    ("DELETE", "/api/v1/session", Nothing),
    ("GET", "/api/v1/clusters", VIEWER),
    ("GET", "/api/v1/cluster/status", VIEWER),
    ("GET", "/api/v1/cluster/leader", VIEWER),
    ("GET", "/api/v1/cluster/leader/history", VIEWER),
    ("GET", "/api/v1/cluster/members", VIEWER),
    ("GET", "/api/v1/cluster/links", VIEWER),
    ("GET", "/api/v1/cluster/certificates", VIEWER),
    ("GET", "/api/v1/cluster/versions", VIEWER),
    ("GET", "/api/v1/cluster/snapshot", VIEWER),
    ("GET", "/api/v1/metrics/current", VIEWER),
    ("GET", "/api/v1/metrics/latency", VIEWER),
    ("GET", "/api/v1/metrics/history", VIEWER),
    ("GET", "/api/v1/metrics/compare", VIEWER),
    ("GET", "/api/v1/metrics/forecast", VIEWER),
    ("GET", "/api/v1/trends", VIEWER),
    ("GET", "/api/v1/findings", VIEWER),
    ("GET", "/api/v1/coverage", VIEWER),
    ("GET", "/api/v1/alerts", VIEWER),
    ("GET", "/api/v1/alerts/history", VIEWER),
    ("GET", "/api/v1/alerts/dead-letters", VIEWER),
    ("GET", "/api/v1/incidents", VIEWER),
    ("GET", "/api/v1/incidents/{id}", VIEWER),
    ("GET", "/api/v1/rules", VIEWER),
    ("GET", "/api/v1/channels", VIEWER),
    ("POST", "/api/v1/channels/{name}/test", OPERATOR),
    ("GET", "/api/v1/configuration", VIEWER),
    ("POST", "/api/v1/configuration/reload", ADMIN),
    ("GET", "/api/v1/silences", VIEWER),
    ("POST", "/api/v1/silences", OPERATOR),
    ("DELETE", "/api/v1/silences/{id}", OPERATOR),
    ("PUT", "/api/v1/alerts/{id}/acknowledgement", OPERATOR),
    ("DELETE", "/api/v1/alerts/{id}/acknowledgement", OPERATOR),
    ("GET", "/api/v1/performance/benchmark", VIEWER),
    ("POST", "/api/v1/performance/benchmark", OPERATOR),
    ("GET", "/api/v1/performance/benchmark/{id}", VIEWER),
    ("DELETE", "/api/v1/performance/benchmark/{id}", OPERATOR),
    ("GET", "/api/v1/performance/benchmark/{id}/events", VIEWER),
    ("GET", "/api/v1/blackbox", VIEWER),
    ("GET", "/api/v1/blackbox/{name}", VIEWER),
    ("GET", "/api/v1/sd", VIEWER),
    ("GET", "/api/v1/events", VIEWER),
];

/// A path with something in the place of its parameters.
fn concrete(path: &str) -> String {
    path.replace("{name}", "x").replace("{id}", "1")
}

fn refuses(status: StatusCode) -> bool {
    status == StatusCode::UNAUTHORIZED || status == StatusCode::FORBIDDEN
}

#[tokio::test]
async fn every_route_answers_those_who_may_and_no_others() {
    let server = Server::start();
    let callers = [
        (Role::Viewer, bearer(&server.viewer)),
        (Role::Operator, bearer(&server.operator)),
        (Role::Admin, bearer(&server.admin)),
    ];
    for (method, path, takes) in ROUTES {
        let method: Method = method.parse().unwrap();
        let path = concrete(path);
        let stranger = server.ask(method.clone(), &path, &[]).await;
        // Whoever signs in with nothing is told what is missing.
        assert_eq!(
            stranger.status == StatusCode::UNAUTHORIZED,
            *takes != Nothing,
            "{method} {path}: {stranger:?}"
        );
        for (role, header) in &callers {
            let answer = server
                .ask(method.clone(), &path, &[("authorization", header)])
                .await;
            let may = matches!(takes, Nothing) || matches!(takes, This(least) if role >= least);
            assert_eq!(
                refuses(answer.status),
                !may,
                "{method} {path} as {role}: {answer:?}"
            );
            if !may {
                assert_eq!(answer.code(), "role_required", "{method} {path}");
            }
            assert_ne!(
                answer.status,
                StatusCode::METHOD_NOT_ALLOWED,
                "{method} {path}"
            );
            assert_ne!(answer.code(), "route_unknown", "{method} {path}");
        }
    }
}

#[tokio::test]
async fn where_nobody_is_asked_the_reach_decides() {
    let closed = Access::new(Reach::Network, &WebConfig::default());
    let open = Access::new(Reach::ThisHost, &WebConfig::default());
    for (method, path, takes) in ROUTES {
        let request = || {
            request(
                method.parse::<Method>().unwrap(),
                &concrete(path),
                &[],
                "{}",
            )
        };
        assert!(
            !refuses(answer(&serve(&open), request()).await.status),
            "{method} {path}"
        );
        let there = answer(&serve(&closed), request()).await;
        let changes = matches!(takes, This(role) if *role > Role::Viewer);
        assert_eq!(
            there.code() == "read_only",
            changes,
            "{method} {path}: {there:?}"
        );
        assert!(
            changes || !refuses(there.status),
            "{method} {path}: {there:?}"
        );
    }
}

#[tokio::test]
async fn no_page_of_another_site_reaches_a_route_that_changes_something() {
    let open = serve(&Access::open());
    for (method, path, _) in ROUTES.iter().filter(|(method, ..)| *method != "GET") {
        for (headers, code) in [
            (&[("origin", "https://evil.example")][..], "cross_site"),
            (&[("origin", "null"), ("content-type", "")], "cross_site"),
            (&[("sec-fetch-site", "cross-site")], "cross_site"),
            (&[("sec-fetch-site", "same-site")], "cross_site"),
            (&[("content-type", "text/plain")], "json_required"),
            (
                &[("content-type", "application/x-www-form-urlencoded")],
                "json_required",
            ),
        ] {
            let method: Method = method.parse().unwrap();
            let asked = request(method, &concrete(path), headers, "{}");
            let answer = answer(&open, asked).await;
            assert_eq!(answer.code(), code, "{path} {headers:?}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn what_changes_something_takes_an_operator_even_where_a_route_forgets_to_say_so() {
    let server = Server::start();
    for path in ["/api/v1/clusters", "/api/v1/nothing", "/metrics"] {
        let as_viewer = server
            .ask(
                Method::POST,
                path,
                &[("authorization", &bearer(&server.viewer))],
            )
            .await;
        assert_eq!(
            (as_viewer.status.as_u16(), as_viewer.code().as_str()),
            (403, "role_required"),
            "{path}"
        );
        let as_operator = server
            .ask(
                Method::POST,
                path,
                &[("authorization", &bearer(&server.operator))],
            )
            .await;
        assert!([404, 405].contains(&as_operator.status.as_u16()), "{path}");
    }
}

#[tokio::test]
async fn strangers_learn_that_it_lives_and_nothing_of_clusters() {
    let server = Server::start();
    let stranger = server.get("/health", &[]).await;
    assert_eq!(stranger.status, StatusCode::OK);
    assert!(!stranger.text.contains("clusters"), "{}", stranger.text);
    let viewer = server
        .get("/health", &[("authorization", &bearer(&server.viewer))])
        .await;
    assert!(viewer.text.contains("clusters"), "{}", viewer.text);
}
