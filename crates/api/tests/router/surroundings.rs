//! Ids, entity tags and pages of other origins, through the router.

use super::*;

const STATUS: &str = "/api/v1/cluster/status";

async fn with(server: &Server, path: &str, headers: &[(&str, &str)]) -> Response<Body> {
    let request = headers
        .iter()
        .fold(request(path), |request, (name, value)| {
            request.header(*name, *value)
        });
    server.answer(request.body(Body::empty()).unwrap()).await
}

fn id_of(response: &Response<Body>) -> String {
    response.headers()["x-request-id"]
        .to_str()
        .unwrap()
        .to_owned()
}

#[tokio::test]
async fn an_answer_has_the_id_of_its_request_and_a_problem_names_it() {
    let server = Server::one();
    let given = with(&server, STATUS, &[("x-request-id", "proxy-7")]).await;
    assert_eq!(id_of(&given), "proxy-7");
    let odd = with(&server, STATUS, &[("x-request-id", "a b")]).await;
    assert_eq!(id_of(&odd).len(), 16);
    for headers in [
        &[][..],
        &[("host", "evil.example")],
        &[("accept-encoding", "gzip")],
    ] {
        let problem = with(&server, "/api/v1/nothing", headers).await;
        let id = id_of(&problem);
        let packed = named(&problem, header::CONTENT_ENCODING) == "gzip";
        if !packed {
            let document: Value = serde_json::from_str(&text(problem).await).unwrap();
            assert_eq!(document["request_id"], Value::String(id), "{document}");
        }
    }
}

#[tokio::test]
async fn an_answer_of_the_same_cycle_is_not_sent_again() {
    let server = Server::one();
    let source = server.source();
    let first = server.answer_from(&source, request(STATUS)).await;
    let tag = named(&first, header::ETAG).to_owned();
    assert!(tag.starts_with("W/\""), "{tag}");
    assert_eq!(named(&first, header::CACHE_CONTROL), "private, no-cache");
    for (path, known, expected) in [
        (STATUS, tag.as_str(), StatusCode::NOT_MODIFIED),
        (
            STATUS,
            tag.trim_start_matches("W/"),
            StatusCode::NOT_MODIFIED,
        ),
        (STATUS, "\"other\"", StatusCode::OK),
        ("/api/v1/cluster/members", tag.as_str(), StatusCode::OK),
    ] {
        let again = request(path).header(header::IF_NONE_MATCH, known);
        let again = again.header(header::ACCEPT_ENCODING, "br");
        let answer = server.answer_from(&source, again).await;
        assert_eq!(answer.status(), expected, "{path} {known}");
    }
    let mut next = snapshot("c");
    next.cycle = 2;
    let (_, next) = watch::channel(Some(Arc::new(next)));
    source.watch(vec![(ClusterName::new("c"), next)], Duration::from_secs(5));
    let later = request(STATUS).header(header::IF_NONE_MATCH, &tag);
    let answer = server.answer_from(&source, later).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_ne!(named(&answer, header::ETAG), tag);
}

#[tokio::test]
async fn a_problem_has_no_tag() {
    let response = Server::one().get(&format!("{STATUS}?cluster=nobody")).await;
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
    assert_eq!(named(&response, header::ETAG), "");
    assert_eq!(named(&response, header::CACHE_CONTROL), "no-store");
}

#[tokio::test]
async fn pages_of_configured_origins_alone_may_read() {
    let mut server = Server::one();
    server.origins = vec!["https://grafana.example".to_owned()];
    let allowed = with(&server, STATUS, &[("origin", "https://grafana.example")]).await;
    assert_eq!(
        named(&allowed, header::ACCESS_CONTROL_ALLOW_ORIGIN),
        "https://grafana.example"
    );
    assert_eq!(
        named(&allowed, header::ACCESS_CONTROL_ALLOW_CREDENTIALS),
        "true"
    );
    let other = with(
        &server,
        STATUS,
        &[("origin", "https://grafana.example.evil")],
    )
    .await;
    assert_eq!(named(&other, header::ACCESS_CONTROL_ALLOW_ORIGIN), "");
}

#[tokio::test]
async fn a_page_of_any_origin_may_read_and_change_nothing() {
    let mut server = Server::one();
    server.origins = vec!["*".to_owned()];
    let read = with(&server, STATUS, &[("origin", "https://any.example")]).await;
    assert_eq!(named(&read, header::ACCESS_CONTROL_ALLOW_ORIGIN), "*");
    assert_eq!(named(&read, header::ACCESS_CONTROL_ALLOW_CREDENTIALS), "");
    let preflight = request(STATUS)
        .method(Method::OPTIONS)
        .header("origin", "https://any.example")
        .header("access-control-request-method", "DELETE")
        .header("access-control-request-headers", "content-type");
    let preflight = server.answer(preflight.body(Body::empty()).unwrap()).await;
    let methods = named(&preflight, header::ACCESS_CONTROL_ALLOW_METHODS);
    assert!(
        methods.contains("GET") && !methods.contains("DELETE"),
        "{methods}"
    );
    let headers = named(&preflight, header::ACCESS_CONTROL_ALLOW_HEADERS);
    assert!(
        !headers.contains("content-type") && !headers.contains("authorization"),
        "{headers}"
    );
}
