//! Who may do what, through the router: every route for every role, and the attacks on it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "access/attacks.rs"]
mod attacks;
#[path = "access/description.rs"]
mod description;
#[path = "access/hostile.rs"]
mod hostile;
#[path = "access/live_events.rs"]
mod live_events;
#[path = "access/other_sites.rs"]
mod other_sites;
#[path = "access/routes.rs"]
mod routes;
#[path = "access/sessions.rs"]
mod sessions;

use std::path::Path;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use base64::Engine;
use etcd_monitor_alerting::{AlertPolicy, Alerting, AlertingOptions};
use etcd_monitor_api::{
    Access, BuildInfo, HostPolicy, HttpOptions, NewToken, Reach, Source, WebConfig, router,
};
use secrecy::ExposeSecret;
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

/// A server with tokens for each role and the user alice, whose password is `secret`.
struct Server {
    router: Router,
    access: Access,
    viewer: NewToken,
    operator: NewToken,
    admin: NewToken,
    password_hash: String,
}

/// An answer in full.
#[derive(Debug)]
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Answer {
    fn code(&self) -> String {
        let problem: Value = serde_json::from_str(&self.text).unwrap_or_default();
        problem["code"].as_str().unwrap_or_default().to_owned()
    }

    fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }

    fn challenges(&self) -> String {
        let all = self.headers.get_all(header::WWW_AUTHENTICATE).iter();
        all.map(|one| one.to_str().unwrap())
            .collect::<Vec<_>>()
            .join(", ")
    }
}

fn source() -> Source {
    let stop = CancellationToken::new();
    let alerting = AlertingOptions::new(AlertPolicy::to_channels([""; 0]), Vec::new());
    let (_, alerts) = Alerting::new(alerting, stop.clone());
    let interval = Duration::from_secs(5);
    Source::new(Vec::new(), alerts, BuildInfo::default(), interval, stop)
}

fn parsed(text: &str) -> WebConfig {
    WebConfig::parse(text, Path::new("")).unwrap()
}

fn serve(access: &Access) -> Router {
    router(
        source(),
        HttpOptions::new(HostPolicy::default(), access.clone()),
    )
}

impl Server {
    fn start() -> Self {
        Self::with("")
    }

    /// With these lines in the file too.
    fn with(rest: &str) -> Self {
        let [viewer, operator, admin] = [(); 3].map(|()| NewToken::random());
        let password_hash = bcrypt::hash("secret", 4).unwrap();
        let access = Access::new(Reach::Network, &WebConfig::default());
        let server = Self {
            router: serve(&access),
            access,
            viewer,
            operator,
            admin,
            password_hash,
        };
        server.access.apply(&parsed(&(server.file() + rest)));
        server
    }

    fn file(&self) -> String {
        let token = |name: &str, new: &NewToken| {
            format!(
                "- {{name: the {name}, role: {name}, hash: '{}'}}\n",
                new.hash
            )
        };
        format!(
            "basic_auth_users: {{alice: {}}}\ntokens:\n{}{}{}",
            self.password_hash,
            token("viewer", &self.viewer),
            token("operator", &self.operator),
            token("admin", &self.admin),
        )
    }

    async fn answer(&self, request: Request<Body>) -> Answer {
        answer(&self.router, request).await
    }

    /// A request with these headers and, where it changes something, `{}` as its body.
    async fn ask(&self, method: Method, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.answer(request(method, path, headers, "{}")).await
    }

    async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.ask(Method::GET, path, headers).await
    }
}

async fn answer(router: &Router, request: Request<Body>) -> Answer {
    let response = router.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let is_stream = parts.headers.get(header::CONTENT_TYPE);
    let is_stream = is_stream.is_some_and(|kind| kind == "text/event-stream");
    let bytes = if is_stream {
        Vec::new()
    } else {
        to_bytes(body, 1 << 22).await.unwrap().to_vec()
    };
    Answer {
        status: parts.status,
        headers: parts.headers,
        text: String::from_utf8_lossy(&bytes).into_owned(),
    }
}

fn request(
    method: impl Into<Method>,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Request<Body> {
    let method = method.into();
    let mut builder = Request::builder().method(&method).uri(path);
    let named = |name: &str| headers.iter().any(|(other, _)| *other == name);
    if !named("host") {
        builder = builder.header(header::HOST, "127.0.0.1:8080");
    }
    if !method.is_safe() && !named("content-type") {
        builder = builder.header(header::CONTENT_TYPE, "application/json");
    }
    for (name, value) in headers.iter().filter(|(_, value)| !value.is_empty()) {
        builder = builder.header(*name, *value);
    }
    builder.body(Body::from(body.to_owned())).unwrap()
}

fn bearer(token: &NewToken) -> String {
    format!("Bearer {}", token.token.expose_secret())
}

fn basic(user: &str, password: &str) -> String {
    let both = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
    format!("Basic {both}")
}

#[test]
fn the_example_is_in_order() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/web-config.yml");
    let text = std::fs::read_to_string(path).unwrap();
    let config = WebConfig::parse(&text, Path::new("")).unwrap();
    assert!(config.authenticates() && config.tls.is_none());
    // With its comments taken away: what they show is in order too.
    let is_code =
        |line: &&str| !line.starts_with("# ") || line.starts_with("#   ") || line.ends_with(':');
    let uncommented = text.lines().filter(is_code);
    let uncommented = uncommented.map(|line| line.strip_prefix("# ").unwrap_or(line));
    let uncommented = uncommented.filter(|line| !line.trim_start().starts_with('#'));
    let text = uncommented.collect::<Vec<_>>().join("\n");
    let config = WebConfig::parse(&text, Path::new("")).unwrap();
    assert!(
        config.tls.is_some() && config.warnings.is_empty(),
        "{:?}",
        config.warnings
    );
}
