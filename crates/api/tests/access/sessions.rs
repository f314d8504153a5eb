//! Signing in and out, and how long a session lives.

use axum::http::{Method, StatusCode};
use etcd_monitor_api::{Access, NewToken, Reach, WebConfig};
use secrecy::ExposeSecret;
use serde_json::Value;

use super::{Answer, Server, answer, basic, bearer, parsed, request, serve};

const SESSION: &str = "/api/v1/session";

async fn sign_in(server: &Server, body: &str) -> Answer {
    server
        .answer(request(Method::POST, SESSION, &[], body))
        .await
}

fn with_token(token: &NewToken) -> String {
    format!("{{\"token\": \"{}\"}}", token.token.expose_secret())
}

/// What a browser sends back of a cookie.
fn cookie(answer: &Answer) -> String {
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{answer:?}");
    answer
        .header("set-cookie")
        .split(';')
        .next()
        .unwrap()
        .to_owned()
}

async fn told(server: &Server, headers: &[(&str, &str)]) -> Value {
    let answer = server.get(SESSION, headers).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    serde_json::from_str(&answer.text).unwrap()
}

#[tokio::test]
async fn a_token_is_exchanged_for_a_cookie() {
    let server = Server::start();
    let signed_in = sign_in(&server, &with_token(&server.operator)).await;
    let attributes = signed_in.header("set-cookie");
    for part in [
        "; HttpOnly",
        "; SameSite=Strict",
        "; Path=/",
        "; Max-Age=43200",
    ] {
        assert!(attributes.contains(part), "{attributes}");
    }
    assert!(!attributes.contains(server.operator.token.expose_secret()));
    assert!(!attributes.contains("Secure"), "plain HTTP: {attributes}");
    let cookie = cookie(&signed_in);
    let session = told(&server, &[("cookie", &cookie)]).await;
    assert_eq!(session["name"], "the operator");
    assert_eq!(session["role"], "operator");
    assert_eq!(session["via"], "cookie");
    assert_eq!(session["authentication"], true);
    assert_eq!(session["read_only_reason"], Value::Null);
    // What a header says counts before a cookie.
    let headers = [
        ("cookie", cookie.as_str()),
        ("authorization", "Bearer wrong"),
    ];
    assert_eq!(
        server.get(SESSION, &headers).await.status,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn users_sign_in_with_their_password() {
    let server = Server::with("roles: {alice: admin}\n");
    let body = "{\"user\": \"alice\", \"password\": \"secret\"}";
    let cookie = cookie(&sign_in(&server, body).await);
    let session = told(&server, &[("cookie", &cookie)]).await;
    assert_eq!(
        (&session["name"], &session["role"]),
        (&"alice".into(), &"admin".into())
    );
    let session = told(&server, &[("authorization", &basic("alice", "secret"))]).await;
    assert_eq!(
        (&session["role"], &session["via"]),
        (&"admin".into(), &"basic".into())
    );
}

#[tokio::test]
async fn wrong_sign_ins_begin_nothing() {
    let server = Server::start();
    for (body, status) in [
        ("{\"token\": \"etm_wrong\"}".to_owned(), 401),
        (
            "{\"user\": \"alice\", \"password\": \"wrong\"}".to_owned(),
            401,
        ),
        (
            "{\"user\": \"bob\", \"password\": \"secret\"}".to_owned(),
            401,
        ),
        ("{}".to_owned(), 400),
        ("[".to_owned(), 400),
        (
            with_token(&server.viewer).replace('}', ", \"user\": \"alice\"}"),
            400,
        ),
        (
            with_token(&server.viewer).replace('}', ", \"role\": \"admin\"}"),
            400,
        ),
    ] {
        let answer = sign_in(&server, &body).await;
        assert_eq!(answer.status.as_u16(), status, "{body}: {answer:?}");
        assert!(answer.header("set-cookie").is_empty());
        assert!(!answer.text.contains("secret"), "{answer:?}");
    }
}

#[tokio::test]
async fn a_session_ends_by_signing_out_and_with_its_token() {
    let server = Server::start();
    let first = cookie(&sign_in(&server, &with_token(&server.viewer)).await);
    let second = cookie(&sign_in(&server, &with_token(&server.viewer)).await);
    assert_ne!(first, second);
    let own = [
        ("cookie", first.as_str()),
        ("origin", "http://127.0.0.1:8080"),
    ];
    let out = server.ask(Method::DELETE, SESSION, &own).await;
    assert_eq!(out.status, StatusCode::NO_CONTENT);
    assert!(out.header("set-cookie").contains("Max-Age=0"));
    let refused = server.get("/metrics", &[("cookie", &first)]).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    assert_eq!(
        server.get("/metrics", &[("cookie", &second)]).await.status,
        StatusCode::OK
    );

    // The file is read again, and has another token of that name.
    let file = server
        .file()
        .replace(&server.viewer.hash, &NewToken::random().hash);
    server.access.apply(&parsed(&file));
    assert_eq!(
        server.get("/metrics", &[("cookie", &second)]).await.status,
        StatusCode::UNAUTHORIZED
    );
    let token = server
        .get("/metrics", &[("authorization", &bearer(&server.viewer))])
        .await;
    assert_eq!(token.status, StatusCode::UNAUTHORIZED);
    // The first file comes back: what has ended stays ended.
    server.access.apply(&parsed(&server.file()));
    assert_eq!(
        server.get("/metrics", &[("cookie", &second)]).await.status,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn a_change_of_role_counts_at_once() {
    let server = Server::start();
    let cookie = cookie(&sign_in(&server, &with_token(&server.admin)).await);
    server.access.apply(&parsed(
        &server.file().replace("role: admin", "role: viewer"),
    ));
    assert_eq!(
        told(&server, &[("cookie", &cookie)]).await["role"],
        "viewer"
    );
    // Where tokens have gone, everybody may read and nobody is anybody.
    server.access.apply(&WebConfig::default());
    let session = told(&server, &[("cookie", &cookie)]).await;
    assert_eq!(
        (&session["name"], &session["via"]),
        (&Value::Null, &"anonymous".into())
    );
    assert!(
        session["read_only_reason"]
            .as_str()
            .unwrap()
            .contains("--web-config-file")
    );
}

#[tokio::test]
async fn an_expired_token_is_no_token() {
    let token = NewToken::random();
    let file = |at: &str| {
        parsed(&format!(
            "tokens: [{{name: ci, role: admin, hash: '{}', expires_at: {at}}}]",
            token.hash
        ))
    };
    let access = Access::new(Reach::ThisHost, &file("2100-01-01T00:00:00Z"));
    let router = serve(&access);
    let ask = || {
        request(
            Method::GET,
            "/metrics",
            &[("authorization", &bearer(&token))],
            "",
        )
    };
    assert_eq!(answer(&router, ask()).await.status, StatusCode::OK);
    access.apply(&file("2020-01-01T00:00:00Z"));
    assert_eq!(
        answer(&router, ask()).await.status,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn the_cookie_goes_where_the_page_is() {
    let token = NewToken::random();
    let file = parsed(&format!(
        "tokens: [{{name: ci, role: admin, hash: '{}'}}]",
        token.hash
    ));
    let access = Access::new(Reach::Network, &file);
    let access = access.with_external_url("https://proxy.example", "/etcd");
    let router = serve(&access);
    let signed_in = answer(
        &router,
        request(Method::POST, SESSION, &[], &with_token(&token)),
    )
    .await;
    let attributes = signed_in.header("set-cookie").to_owned();
    assert!(
        attributes.contains("; Path=/etcd/;") && attributes.ends_with("; Secure"),
        "{attributes}"
    );
    // The proxy names itself in Host, the browser the page in Origin.
    let own = [
        ("cookie", attributes.split(';').next().unwrap()),
        ("origin", "https://proxy.example"),
    ];
    let out = answer(&router, request(Method::DELETE, SESSION, &own, "{}")).await;
    assert_eq!(out.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn where_nobody_is_asked_there_is_nothing_to_sign_in_to() {
    let router = serve(&Access::open());
    let signed_in = answer(
        &router,
        request(Method::POST, SESSION, &[], "{\"token\": \"x\"}"),
    )
    .await;
    assert_eq!(
        (signed_in.status, signed_in.code().as_str()),
        (StatusCode::CONFLICT, "no_authentication")
    );
    let session = answer(&router, request(Method::GET, SESSION, &[], "")).await;
    let session: Value = serde_json::from_str(&session.text).unwrap();
    assert_eq!(
        (&session["role"], &session["via"]),
        (&"admin".into(), &"open".into())
    );
    assert_eq!(session["authentication"], false);
}
