//! Silences and acknowledgements, as a client makes them.

use super::*;
use etcd_monitor_alerting::Silence;
use serde_json::json;

impl Server {
    /// One that keeps silences, in a folder of its own.
    fn keeping() -> Self {
        Self {
            folder: Some(tempfile::tempdir().unwrap()),
            ..Self::one()
        }
    }

    async fn send(&self, method: Method, path: &str, body: &Value) -> Response<Body> {
        let request = request(path)
            .method(method)
            .header(header::CONTENT_TYPE, "application/json");
        self.answer(request.body(Body::from(body.to_string())).unwrap())
            .await
    }

    /// What the commands beside it would see.
    fn silences(&self) -> Vec<Silence> {
        let folder = self.folder.as_ref().unwrap();
        let mutes = MuteFile::new(folder.path()).load(Timestamp::now());
        mutes.unwrap().silences
    }

    async fn silenced(&self, duration_seconds: u32) -> Value {
        let body = json!({"matchers": ["rule=~\"Disk.*\""], "duration_seconds": duration_seconds,
            "comment": "moving disks", "author": "ann"});
        let response = self.send(Method::POST, SILENCES, &body).await;
        assert_eq!(response.status(), StatusCode::CREATED);
        serde_json::from_str(&text(response).await).unwrap()
    }
}

const SILENCES: &str = "/api/v1/silences";
const ACKNOWLEDGEMENT: &str = "/api/v1/alerts/00000000000000ff/acknowledgement";

#[tokio::test]
async fn a_silence_is_kept_in_the_file_listed_and_ended() {
    let server = Server::keeping();
    let silence = server.silenced(600).await;
    assert_eq!(
        (&silence["state"], &silence["author"]),
        (&json!("active"), &json!("ann"))
    );
    assert_eq!(silence["matchers"], json!(["rule=~\"Disk.*\""]));
    assert_eq!(silence["id"], server.silences()[0].id);
    let (_, listed) = server.json(SILENCES).await;
    assert_eq!(
        (&listed["silences"][0], &listed["next"]),
        (&silence, &Value::Null)
    );

    let path = format!("{SILENCES}/{}", silence["id"].as_str().unwrap());
    let ended = server.send(Method::DELETE, &path, &json!({})).await;
    assert_eq!(ended.status(), StatusCode::OK);
    let ended: Value = serde_json::from_str(&text(ended).await).unwrap();
    assert_eq!(ended["state"], "expired");
    assert_eq!(server.json(SILENCES).await.1["silences"], json!([]));
    let (_, all) = server.json(&format!("{SILENCES}?expired=true")).await;
    assert_eq!(all["silences"][0]["id"], silence["id"]);
    let again = server.send(Method::DELETE, &path, &json!({})).await;
    assert_problem(again, StatusCode::CONFLICT, "silence_over").await;
    let unknown = server
        .send(Method::DELETE, &format!("{SILENCES}/x"), &json!({}))
        .await;
    assert_problem(unknown, StatusCode::NOT_FOUND, "silence_unknown").await;
}

#[tokio::test]
async fn a_list_of_silences_comes_in_pages() {
    let server = Server::keeping();
    for minutes in [3, 1, 2] {
        server.silenced(minutes * 60).await;
    }
    let (_, first) = server.json(&format!("{SILENCES}?limit=2")).await;
    assert_eq!(first["silences"].as_array().unwrap().len(), 2);
    let next = first["next"].as_str().unwrap();
    let (_, rest) = server
        .json(&format!("{SILENCES}?limit=2&after={next}"))
        .await;
    assert_eq!(rest["silences"].as_array().unwrap().len(), 1);
    assert_eq!(rest["next"], Value::Null);
    assert!(rest["silences"][0]["ends_at"].as_str() > first["silences"][1]["ends_at"].as_str());
    for wrong in ["limit=0", "limit=1001", "after=x", "expired=perhaps"] {
        let response = server.get(&format!("{SILENCES}?{wrong}")).await;
        assert_problem(response, StatusCode::BAD_REQUEST, "bad_query").await;
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_silence_is_said() {
    let server = Server::keeping();
    let good =
        json!({"matchers": ["cluster=c"], "duration_seconds": 60, "comment": "c", "author": "a"});
    for (field, value, said) in [
        ("matchers", json!([]), "needs a matcher"),
        ("matchers", json!(["cluster"]), "matchers: "),
        ("duration_seconds", json!(-1), "duration_seconds: "),
        ("duration_seconds", json!(1e300), "duration_seconds: "),
        (
            "duration_seconds",
            Value::Null,
            "one of duration_seconds and ends_at",
        ),
        ("comment", json!(""), "the comment is empty"),
        ("author", Value::Null, "author: say who you are"),
        (
            "ends_at",
            json!("2030-01-01T00:00:00Z"),
            "one of duration_seconds and ends_at",
        ),
        ("starts_at", json!("soon"), "starts_at"),
        ("comments", json!("x"), "unknown field"),
    ] {
        let mut body = good.clone();
        body[field] = value;
        let response = server.send(Method::POST, SILENCES, &body).await;
        let problem = assert_problem(response, StatusCode::BAD_REQUEST, "bad_body").await;
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(said), "{field}: {detail}");
    }
    assert!(server.silences().is_empty());
}

#[tokio::test]
async fn a_form_of_another_site_changes_nothing() {
    let server = Server::keeping();
    for (method, path) in [(Method::POST, SILENCES), (Method::PUT, ACKNOWLEDGEMENT)] {
        let form = request(path)
            .method(method)
            .header(header::CONTENT_TYPE, "text/plain");
        let response = server.answer(form.body(Body::from("{}")).unwrap()).await;
        assert_problem(
            response,
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "json_required",
        )
        .await;
    }
}

#[tokio::test]
async fn only_an_active_alert_is_acknowledged() {
    let server = Server::keeping();
    let body = json!({"comment": "on it", "author": "ann"});
    for method in [Method::PUT, Method::DELETE] {
        let response = server.send(method, ACKNOWLEDGEMENT, &body).await;
        assert_problem(response, StatusCode::NOT_FOUND, "alert_unknown").await;
    }
}

#[tokio::test]
async fn a_server_without_a_file_says_that_it_keeps_no_silences() {
    let response = Server::one().get(SILENCES).await;
    assert_problem(response, StatusCode::NOT_FOUND, "no_mutes").await;
}
