//! The same attacks on every route that changes something.

use std::path::Path;

use axum::http::{Method, StatusCode};
use etcd_monitor_api::{Access, Reach};
use secrecy::ExposeSecret;

use super::routes::ROUTES;
use super::{Server, answer, basic, bearer, request, serve};

const SESSION: &str = "/api/v1/session";

/// Every route that changes something, as one would ask it.
fn changing() -> Vec<(Method, String)> {
    let all = ROUTES.iter().filter(|(method, ..)| *method != "GET");
    let all = all.map(|(method, path, _)| {
        let path = path.replace("{id}", "1").replace("{name}", "pager");
        (method.parse().unwrap(), path)
    });
    all.collect()
}

async fn cookie_of(server: &Server) -> String {
    let body = format!("{{\"token\": \"{}\"}}", server.admin.token.expose_secret());
    let signed_in = server
        .answer(request(Method::POST, SESSION, &[], &body))
        .await;
    let cookie = signed_in.header("set-cookie").split(';').next();
    cookie.unwrap().to_owned()
}

#[tokio::test]
async fn no_page_of_another_site_changes_anything_on_any_route() {
    let server = Server::start();
    let cookie = cookie_of(&server).await;
    let password = basic("alice", "secret");
    let open = serve(&Access::open());
    let foreign = [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("origin", "http://127.0.0.1:8080.evil.example"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ];
    let routes = changing();
    assert!(routes.len() >= 10, "{routes:?}");
    for (method, path) in routes {
        for mark in foreign {
            let known = [("cookie", cookie.as_str()), ("authorization", &password)];
            for who in known {
                let refused = server.ask(method.clone(), &path, &[who, mark]).await;
                assert_eq!(refused.code(), "cross_site", "{method} {path} {mark:?}");
            }
            let refused = request(method.clone(), &path, &[mark], "{}");
            let refused = answer(&open, refused).await;
            assert_eq!(refused.code(), "cross_site", "{method} {path} {mark:?}");
        }
        // What a form can send.
        for kind in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data",
        ] {
            let form = request(method.clone(), &path, &[("content-type", kind)], "{}");
            let refused = answer(&open, form).await;
            assert_eq!(refused.code(), "json_required", "{method} {path} {kind}");
        }
    }
}

#[tokio::test]
async fn a_cookie_has_every_attribute_that_keeps_it() {
    let tls = "tls_server_config: {cert_file: a, key_file: b}\n";
    let server = Server::start();
    let body = format!("{{\"token\": \"{}\"}}", server.admin.token.expose_secret());
    for (file, external, name, path, ending) in [
        (
            server.file(),
            None,
            "etcd-monitor-session",
            "/",
            "Max-Age=43200",
        ),
        (
            format!("{tls}{}", server.file()),
            None,
            "__Host-etcd-monitor-session",
            "/",
            "Secure",
        ),
        (
            server.file(),
            Some("/m/"),
            "etcd-monitor-session",
            "/m/",
            "Secure",
        ),
    ] {
        let config = etcd_monitor_api::WebConfig::parse(&file, Path::new("")).unwrap();
        let access = Access::new(Reach::Network, &config);
        let access = match external {
            Some(path) => access.with_external_url("https://proxy.example", path),
            None => access,
        };
        let asked = request(Method::POST, SESSION, &[], &body);
        let cookie = answer(&serve(&access), asked)
            .await
            .header("set-cookie")
            .to_owned();
        let parts: Vec<&str> = cookie.split("; ").collect();
        assert!(parts[0].starts_with(&format!("{name}=")), "{cookie}");
        assert_eq!(parts[1], format!("Path={path}"));
        assert_eq!(parts[2..4], ["HttpOnly", "SameSite=Strict"]);
        assert_eq!(parts.last(), Some(&ending), "{cookie}");
        assert!(!cookie.contains("Domain"), "{cookie}");
    }
}

#[tokio::test]
async fn what_is_almost_a_token_is_none() {
    let server = Server::start();
    let right = bearer(&server.viewer);
    let mut almost = vec![
        right[..right.len() - 1].to_owned(),
        format!("{right}0"),
        right.to_lowercase(),
        right.replace("Bearer ", "Bearer \u{2003}"),
        format!("Bearer {}", server.viewer.hash),
    ];
    almost.retain(|text| *text != right);
    for text in almost {
        let Ok(value) = axum::http::HeaderValue::from_bytes(text.as_bytes()) else {
            continue;
        };
        let mut asked = request(Method::GET, "/metrics", &[], "");
        asked.headers_mut().insert("authorization", value);
        let refused = server.answer(asked).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{text}");
    }
}
