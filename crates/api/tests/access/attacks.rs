//! What others try.

use axum::http::{Method, StatusCode};
use etcd_monitor_api::{Access, Audit, Reach};
use secrecy::ExposeSecret;
use tokio_util::sync::CancellationToken;

use super::{Server, answer, basic, bearer, request, serve};

const SESSION: &str = "/api/v1/session";

/// No route of this path exists: what gets there has passed every check.
const BEHIND: &str = "/api/v1/nothing";

#[tokio::test]
async fn no_page_of_another_site_changes_anything() {
    let router = serve(&Access::open());
    for foreign in [
        &[("origin", "https://evil.example")][..],
        &[("origin", "null")],
        &[("origin", "http://127.0.0.1:9090")],
        &[("sec-fetch-site", "cross-site")],
        &[
            ("sec-fetch-site", "same-site"),
            ("origin", "http://127.0.0.1:8080"),
        ],
    ] {
        for path in [BEHIND, SESSION, "/-/reload"] {
            let answer = answer(&router, request(Method::POST, path, foreign, "{}")).await;
            assert_eq!(
                (answer.status.as_u16(), answer.code().as_str()),
                (403, "cross_site"),
                "{path} {foreign:?}"
            );
        }
    }
    for own in [
        &[][..],
        &[("origin", "http://127.0.0.1:8080")],
        &[("sec-fetch-site", "same-origin")],
    ] {
        let answer = answer(&router, request(Method::POST, BEHIND, own, "{}")).await;
        assert_eq!(answer.code(), "route_unknown", "{own:?}");
    }
}

#[tokio::test]
async fn a_form_cannot_be_sent() {
    let router = serve(&Access::open());
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "application/jsonx",
        "",
    ] {
        for path in [BEHIND, SESSION] {
            let answer = answer(
                &router,
                request(Method::POST, path, &[("content-type", kind)], "{}"),
            )
            .await;
            assert_eq!(
                (answer.status.as_u16(), answer.code().as_str()),
                (415, "json_required"),
                "{path} {kind}"
            );
        }
    }
    let json = [("content-type", "application/json; charset=utf-8")];
    assert_eq!(
        answer(&router, request(Method::POST, BEHIND, &json, "{}"))
            .await
            .code(),
        "route_unknown"
    );
    // As other programs are told to load their configuration again.
    let form = [("content-type", "text/plain")];
    assert_eq!(
        answer(&router, request(Method::POST, "/-/reload", &form, ""))
            .await
            .code(),
        "json_required"
    );
    let bare = answer(
        &router,
        request(Method::POST, "/-/reload", &[("content-type", "")], ""),
    )
    .await;
    assert_ne!(bare.code(), "json_required");
}

#[tokio::test]
async fn a_stolen_click_has_no_cookie_to_use() {
    let server = Server::start();
    let body = format!("{{\"token\": \"{}\"}}", server.admin.token.expose_secret());
    let signed_in = server
        .answer(request(Method::POST, SESSION, &[], &body))
        .await;
    let cookie = signed_in
        .header("set-cookie")
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    // A browser marks every request that changes something: one without a mark is none of the page's.
    let unmarked = server
        .ask(Method::POST, BEHIND, &[("cookie", &cookie)])
        .await;
    assert_eq!(unmarked.code(), "cross_site");
    let marked = [
        ("cookie", cookie.as_str()),
        ("sec-fetch-site", "same-origin"),
    ];
    assert_eq!(
        server.ask(Method::POST, BEHIND, &marked).await.code(),
        "route_unknown"
    );
    // No page of another site has the token, so what comes with it is trusted.
    let bearer = bearer(&server.admin);
    let token = [
        ("authorization", bearer.as_str()),
        ("origin", "https://tools.example"),
    ];
    assert_eq!(
        server.ask(Method::POST, BEHIND, &token).await.code(),
        "route_unknown"
    );
    // A browser sends a password by itself.
    let basic = basic("alice", "secret");
    let password = [
        ("authorization", basic.as_str()),
        ("origin", "https://evil.example"),
    ];
    assert_eq!(
        server.ask(Method::POST, BEHIND, &password).await.code(),
        "cross_site"
    );
}

#[tokio::test]
async fn a_token_in_an_address_is_none() {
    let server = Server::start();
    let token = server.admin.token.expose_secret();
    for query in ["token", "access_token", "authorization", "api_key"] {
        let answer = server
            .get(&format!("/api/v1/alerts?{query}={token}"), &[])
            .await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{query}");
        assert!(!answer.text.contains(token));
    }
    // Nor is it the id of a session.
    let answer = server
        .get(
            "/metrics",
            &[("cookie", &format!("etcd-monitor-session={token}"))],
        )
        .await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn wrong_credentials_are_refused_and_then_not_even_looked_at() {
    let server = Server::start();
    let right = basic("alice", "secret");
    assert_eq!(
        server
            .get("/metrics", &[("authorization", &right)])
            .await
            .status,
        StatusCode::OK
    );
    let mut statuses = Vec::new();
    for number in 0..14 {
        let wrong = basic(if number % 2 == 0 { "alice" } else { "nobody" }, "wrong");
        let answer = server.get("/metrics", &[("authorization", &wrong)]).await;
        statuses.push(answer.status.as_u16());
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            assert_eq!(answer.code(), "too_many_failures");
            assert!((1..=6).contains(&answer.header("retry-after").parse::<u64>().unwrap()));
        }
    }
    let (first, last) = (&statuses[..9], &statuses[11..]);
    assert!(first.iter().all(|status| *status == 401), "{statuses:?}");
    assert!(last.iter().all(|status| *status == 429), "{statuses:?}");
    let token = server
        .get("/metrics", &[("authorization", "Bearer wrong")])
        .await;
    assert_eq!(token.status, StatusCode::TOO_MANY_REQUESTS);
    // Nor is a right password: else it would be told from wrong ones as often as one likes. Tokens cannot be guessed.
    let password = server.get("/metrics", &[("authorization", &right)]).await;
    assert_eq!(password.code(), "too_many_failures");
    let token = bearer(&server.viewer);
    let token = server.get("/metrics", &[("authorization", &token)]).await;
    assert_eq!(token.status, StatusCode::OK);
}

#[tokio::test]
async fn hostile_credentials_are_refused_and_repeated_nowhere() {
    let server = Server::start();
    for (user, password) in [
        ("alice\r\nset-cookie: a=b", "secret"),
        ("<script>alert(1)</script>", "secret"),
        ("", ""),
        ("alice\0", "secret"),
        ("alice", "secret\0"),
        ("ALICE", "secret"),
    ] {
        let answer = server
            .get("/metrics", &[("authorization", &basic(user, password))])
            .await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{user:?}");
        assert!(answer.header("set-cookie").is_empty());
        assert!(
            !answer.text.contains("script") && !answer.text.contains("alice"),
            "{}",
            answer.text
        );
    }
    let long = format!("Bearer {}", "a".repeat(10_000));
    for header in ["Basic", "Basic ????", "Bearer", "Negotiate abc", &long] {
        let answer = server.get("/metrics", &[("authorization", header)]).await;
        assert!(
            [401, 429].contains(&answer.status.as_u16()),
            "{header}: {answer:?}"
        );
    }
}

#[tokio::test]
async fn a_browser_is_asked_for_a_password_where_somebody_opens_an_address() {
    let server = Server::start();
    let opened = [("user-agent", "Mozilla/5.0"), ("accept", "text/html")];
    assert!(
        server
            .get("/api/v1/alerts", &opened)
            .await
            .challenges()
            .contains("Basic realm=")
    );
    let fetched = [
        ("user-agent", "Mozilla/5.0"),
        ("accept", "application/json"),
    ];
    let answer = server.get("/api/v1/session", &fetched).await;
    assert_eq!(answer.challenges(), "Bearer realm=\"etcd-monitor\"");
    assert_eq!(answer.code(), "unauthenticated");
}

#[tokio::test]
async fn the_limit_of_the_file_holds_for_all_but_health() {
    let server = Server::with("rate_limit: {interval: 1h, burst: 3}\n");
    let header = bearer(&server.viewer);
    let mut statuses = Vec::new();
    for _ in 0..5 {
        let answer = server.get("/metrics", &[("authorization", &header)]).await;
        statuses.push(answer.status.as_u16());
    }
    assert_eq!(statuses, [200, 200, 200, 429, 429]);
    let answer = server.get("/", &[]).await;
    assert_eq!(answer.code(), "too_many_requests");
    assert!(answer.header("retry-after").parse::<u64>().unwrap() > 1_000);
    assert_eq!(server.get("/health", &[]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn headers_of_the_file_add_and_take_nothing_away() {
    let server = Server::with(
        "http_server_config: {headers: {Strict-Transport-Security: max-age=60, Content-Security-Policy: 'script-src *', X-Frame-Options: sameorigin}}\n",
    );
    for path in ["/", "/metrics"] {
        let answer = server.get(path, &[]).await;
        assert_eq!(answer.header("strict-transport-security"), "max-age=60");
        assert_eq!(answer.header("x-frame-options"), "sameorigin");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        let policies = answer.headers.get_all("content-security-policy").iter();
        let policies: Vec<_> = policies.map(|policy| policy.to_str().unwrap()).collect();
        assert!(
            policies[0].starts_with("default-src 'none'") && policies[1] == "script-src *",
            "{policies:?}"
        );
    }
    assert!(
        Server::start()
            .get("/", &[])
            .await
            .header("strict-transport-security")
            .is_empty()
    );
}

#[tokio::test]
async fn what_changes_something_stands_in_the_audit_log() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.log");
    let (audit, writer) = Audit::new(path.clone());
    let server = Server::start();
    let access = Access::new(Reach::Network, &super::parsed(&server.file()));
    let router = serve(&access.with_audit(audit));
    let (operator, viewer) = (bearer(&server.operator), bearer(&server.viewer));
    let body = format!("{{\"token\": \"{}\"}}", server.admin.token.expose_secret());
    for asked in [
        request(Method::POST, BEHIND, &[("authorization", &operator)], "{}"),
        request(Method::DELETE, BEHIND, &[("authorization", &viewer)], "{}"),
        request(Method::POST, BEHIND, &[], "{}"),
        request(Method::POST, SESSION, &[], &body),
        request(Method::GET, "/metrics", &[("authorization", &viewer)], ""),
    ] {
        answer(&router, asked).await;
    }
    drop(router);
    writer.run(CancellationToken::new()).await;
    let text = std::fs::read_to_string(path).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    let lines: Vec<serde_json::Value> = lines.collect();
    let short = lines.iter().map(|line| {
        format!(
            "{} {} {} {} {} {}",
            line["caller"],
            line["role"],
            line["via"],
            line["method"],
            line["status"],
            line["outcome"]
        )
    });
    assert_eq!(
        short.collect::<Vec<_>>(),
        [
            r#""the operator" "operator" "token" "POST" 404 "refused""#,
            r#""the viewer" "viewer" "token" "DELETE" 403 "refused""#,
            r#"null null null "POST" 401 "refused""#,
            r#""the admin" "admin" "cookie" "POST" 204 "done""#,
        ]
    );
    assert!(!text.contains(server.admin.token.expose_secret()));
}

fn with(value: &str) -> [(&str, &str); 1] {
    [("authorization", value)]
}

/// Every route tells of them, also those that answer strangers; none tells what was tried.
#[tokio::test]
async fn credentials_that_are_not_taken_stand_in_the_audit_log_and_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.log");
    let (audit, writer) = Audit::new(path.clone());
    let server = Server::start();
    let access = Access::new(Reach::Network, &super::parsed(&server.file()));
    let access = access.with_audit(audit);
    let router = serve(&access);
    let (wrong, unreadable) = (basic("mallory", "hunter2"), "Negotiate hunter2");
    let body = "{\"token\": \"hunter2\"}";
    let mut asked = vec![
        request(Method::GET, "/metrics", &with(&wrong), ""),
        request(Method::GET, "/health", &with("Bearer hunter2"), ""),
        request(Method::GET, "/api/v1/session", &with(unreadable), ""),
        request(Method::POST, BEHIND, &with(&wrong), "{}"),
        request(Method::POST, SESSION, &[], body),
        request(Method::GET, "/metrics", &[], ""),
        request(Method::GET, "/metrics", &with(&bearer(&server.viewer)), ""),
    ];
    asked.extend((0..40).map(|_| request(Method::GET, "/metrics", &with("Bearer hunter2"), "")));
    for one in asked {
        answer(&router, one).await;
    }
    let stats = etcd_monitor_model::StatSource::stats(&access);
    let counted = stats.iter().map(|stat| stat.value);
    assert_eq!(counted.collect::<Vec<_>>(), [11.0, 34.0, 0.0]);
    drop((router, access));
    writer.run(CancellationToken::new()).await;
    let text = std::fs::read_to_string(path).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    let lines: Vec<serde_json::Value> = lines.collect();
    let short = lines.iter().map(|line| {
        let text = |key: &str| line[key].to_string().replace('"', "");
        let keys = ["caller", "method", "route", "outcome", "reason"];
        keys.map(text).join(" ")
    });
    let short: Vec<_> = short.collect();
    let refused = "refused wrong_credentials";
    assert_eq!(
        short[..5],
        [
            format!("null GET /metrics {refused}"),
            format!("null GET /health {refused}"),
            format!("null GET /api/v1/session {refused}"),
            format!("null POST none {refused}"),
            format!("null POST /api/v1/session {refused}"),
        ]
    );
    assert_eq!(short[19], "null GET /metrics refused too_many_failures");
    assert_eq!(short.len(), 20, "a flood is cut short");
    assert!(
        !text.contains("hunter2") && !text.contains("mallory"),
        "{text}"
    );
}

/// A user of the file is named. Another name may be a password in the wrong place.
#[tokio::test]
async fn the_audit_log_names_whose_password_was_tried_and_counts_what_it_leaves_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.log");
    let (audit, writer) = Audit::new(path.clone());
    let server = Server::start();
    let access = Access::new(Reach::Network, &super::parsed(&server.file()));
    let router = serve(&access.with_audit(audit));
    let body = "{\"user\": \"alice\", \"password\": \"hunter2\"}";
    let (known, unknown) = (basic("alice", "hunter2"), basic("hunter2", "hunter2"));
    for asked in [
        request(Method::GET, "/metrics", &with(&known), ""),
        request(Method::POST, SESSION, &[], body),
        request(Method::GET, "/metrics", &with(&unknown), ""),
    ] {
        answer(&router, asked).await;
    }
    for _ in 0..22 {
        let asked = request(Method::GET, "/metrics", &with("Bearer hunter2"), "");
        answer(&router, asked).await;
    }
    let right = bearer(&server.operator);
    answer(&router, request(Method::POST, BEHIND, &with(&right), "{}")).await;
    drop(router);
    writer.run(CancellationToken::new()).await;
    let text = std::fs::read_to_string(path).unwrap();
    assert!(!text.contains("hunter2"), "{text}");
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    let lines: Vec<serde_json::Value> = lines.collect();
    let users = lines.iter().map(|line| line["user"].as_str());
    let users: Vec<_> = users.take(4).collect();
    assert_eq!(users, [Some("alice"), Some("alice"), None, None]);
    let left_out = lines.iter().map(|line| line["left_out"].as_u64().unwrap());
    let left_out: Vec<_> = left_out.collect();
    assert_eq!(left_out[..20], [0; 20]);
    assert_eq!(left_out[20..], [5], "the next line of anybody counts them");
}
