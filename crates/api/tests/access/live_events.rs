//! Live events end with the right to them.

use std::time::Duration;

use axum::Router;
use axum::body::BodyDataStream;
use axum::http::{Method, StatusCode};
use etcd_monitor_api::{Access, NewToken, Reach, WebConfig};
use futures_util::StreamExt;
use jiff::Timestamp;
use secrecy::ExposeSecret;
use tokio::time::{Instant, advance, timeout_at};
use tower::ServiceExt;

use super::{Server, answer, basic, bearer, parsed, request, serve};

const EVENTS: &str = "/api/v1/events";
const SESSION: &str = "/api/v1/session";

/// Longer than anything may take to end, in the time of the test, which runs by itself.
const LONG: Duration = Duration::from_secs(40);

/// A client of the live events.
struct Client(BodyDataStream);

impl Client {
    async fn follow(router: &Router, headers: &[(&str, &str)]) -> Self {
        let asked = request(Method::GET, EVENTS, headers, "");
        let response = router.clone().oneshot(asked).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{headers:?}");
        Self(response.into_body().into_data_stream())
    }

    /// Whether there still are events after a while.
    async fn goes_on(&mut self) -> bool {
        let until = Instant::now() + LONG;
        loop {
            match timeout_at(until, self.0.next()).await {
                Ok(Some(frame)) => drop(frame.unwrap()),
                Ok(None) => return false,
                Err(_) => return true,
            }
        }
    }
}

async fn sign_in(server: &Server, token: &NewToken) -> String {
    let body = format!("{{\"token\": \"{}\"}}", token.token.expose_secret());
    let answer = server.answer(request(Method::POST, SESSION, &[], &body));
    let cookie = answer.await.header("set-cookie").to_owned();
    cookie.split(';').next().unwrap().to_owned()
}

#[tokio::test(start_paused = true)]
async fn signing_out_ends_those_of_this_session_alone() {
    let server = Server::start();
    let (first, second) = (
        sign_in(&server, &server.viewer).await,
        sign_in(&server, &server.viewer).await,
    );
    let mut of_first = Client::follow(&server.router, &[("cookie", &first)]).await;
    let mut of_second = Client::follow(&server.router, &[("cookie", &second)]).await;
    assert!(of_first.goes_on().await);
    let own = [
        ("cookie", first.as_str()),
        ("origin", "http://127.0.0.1:8080"),
    ];
    server.ask(Method::DELETE, SESSION, &own).await;
    assert!(!of_first.goes_on().await);
    assert!(of_second.goes_on().await);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_ends_by_the_clock_or_for_a_newer_one_ends_them() {
    let server = Server::start();
    let cookie = sign_in(&server, &server.viewer).await;
    let mut followed = Client::follow(&server.router, &[("cookie", &cookie)]).await;
    assert!(followed.goes_on().await);
    advance(Duration::from_hours(12)).await;
    assert!(!followed.goes_on().await);

    let cookie = sign_in(&server, &server.viewer).await;
    let mut followed = Client::follow(&server.router, &[("cookie", &cookie)]).await;
    for _ in 0..32 {
        advance(Duration::from_secs(1)).await;
        sign_in(&server, &server.viewer).await;
    }
    assert!(!followed.goes_on().await);
}

#[tokio::test(start_paused = true)]
async fn who_leaves_the_file_or_may_do_less_is_told_no_more() {
    let server = Server::start();
    let cookie = sign_in(&server, &server.operator).await;
    let bearers = [&server.viewer, &server.operator, &server.admin].map(bearer);
    let password = basic("alice", "secret");
    let headers = [
        ("authorization", bearers[0].as_str()),
        ("authorization", &bearers[1]),
        ("cookie", &cookie),
        ("authorization", &bearers[2]),
        ("authorization", &password),
    ];
    let mut clients = Vec::new();
    for header in headers {
        clients.push(Client::follow(&server.router, &[header]).await);
    }
    let replaced = bcrypt::hash("another", 4).unwrap();
    let hashes = [&server.viewer, &server.admin].map(|token| token.hash.clone());
    let (raised, same) = (("role: viewer", "role: operator"), ("", ""));
    let steps = [
        (same, [true; 5]),
        (raised, [true; 5]),
        (
            ("role: operator", "role: viewer"),
            [true, false, false, true, true],
        ),
        (
            (hashes[1].as_str(), hashes[0].as_str()),
            [true, false, false, false, true],
        ),
        (
            (&server.password_hash, &replaced),
            [true, false, false, false, false],
        ),
    ];
    for ((before, after), expected) in steps {
        let file = server.file().replace(before, after);
        server.access.apply(&parsed(&file));
        let mut on = Vec::new();
        for client in &mut clients {
            on.push(client.goes_on().await);
        }
        assert_eq!(on, expected, "{before} to {after}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_that_expires_ends_them() {
    let token = NewToken::random();
    let at = Timestamp::now() + Duration::from_millis(300);
    let file = format!(
        "tokens: [{{name: ci, role: viewer, hash: '{}', expires_at: {at}}}]",
        token.hash
    );
    let router = serve(&Access::new(Reach::Network, &parsed(&file)));
    let mut followed = Client::follow(&router, &[("authorization", &bearer(&token))]).await;
    // Its time is that of the world, which goes more slowly than that of the test.
    while followed.goes_on().await {}
    assert!(Timestamp::now() >= at);
}

#[tokio::test(start_paused = true)]
async fn who_was_not_asked_is_told_no_more_where_callers_have_to_say_who_they_are() {
    let access = Access::new(Reach::ThisHost, &WebConfig::default());
    let router = serve(&access);
    let mut followed = Client::follow(&router, &[]).await;
    assert!(followed.goes_on().await);
    let server = Server::start();
    access.apply(&parsed(&server.file()));
    assert!(!followed.goes_on().await);
    let again = answer(&router, request(Method::GET, EVENTS, &[], "")).await;
    assert_eq!(again.status, StatusCode::UNAUTHORIZED);
}

/// Whoever shares an address with somebody who tries passwords, or who asks too often, keeps what is open.
#[tokio::test(start_paused = true)]
async fn a_locked_address_opens_no_more_and_keeps_what_it_has() {
    let server = Server::with("rate_limit: {interval: 12h, burst: 30}\n");
    let right = bearer(&server.viewer);
    let mut followed = Client::follow(&server.router, &[("authorization", &right)]).await;
    let mut statuses = Vec::new();
    for _ in 0..30 {
        let wrong = [("authorization", "Bearer wrong")];
        statuses.push(server.get(EVENTS, &wrong).await.code());
    }
    assert_eq!(statuses[20], "too_many_failures");
    assert_eq!(statuses[29], "too_many_requests");
    let again = server.get(EVENTS, &[("authorization", &right)]).await;
    assert_eq!(again.code(), "too_many_requests");
    assert!(followed.goes_on().await);
}
