//! The description of the API, and whether what a daemon answers is what it says.

use etcd_monitor_testkit::AlarmKind;
use etcd_monitor_tests::dashboards::folder;
use etcd_monitor_tests::harness::{Daemon, Events, Reply};
use jsonschema::Validator;
use reqwest::Method;
use serde_json::{Value, json};

use crate::muting::{NO_SPACE, SILENCES, changed, shown, watched};
use crate::shared::shared;
use crate::stack::reference::compare;
use crate::{items, text};

const DOCUMENT: &str = "/api/openapi.json";

/// The description as a daemon serves it.
pub(crate) struct Description(Value);

impl Description {
    pub(crate) async fn of(daemon: &Daemon) -> Self {
        Self(daemon.json(DOCUMENT).await)
    }

    fn answers(&self, method: &str, path: &str) -> &Value {
        let operation = &self.0["paths"][path][method];
        assert!(operation.is_object(), "{method} {path} is not described");
        &operation["responses"]
    }

    /// The routes that read and have no part of the path to fill in.
    fn plain_reads(&self) -> impl Iterator<Item = &str> {
        let paths = self.0["paths"].as_object().unwrap();
        let reads = paths.iter().filter(|(_, item)| item.get("get").is_some());
        reads
            .map(|(path, _)| path.as_str())
            .filter(|path| !path.contains('{'))
    }

    /// What holds an answer to its schema; `None` where it is described as no JSON.
    fn validator(&self, answer: &Value) -> Option<Validator> {
        let answer = match answer["$ref"].as_str() {
            Some(reference) => self.0.pointer(&reference[1..]).unwrap(),
            None => answer,
        };
        let content = answer["content"].as_object()?;
        let (_, content) = content.iter().find(|(kind, _)| kind.ends_with("json"))?;
        let schema = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "allOf": [content["schema"]],
            "components": self.0["components"],
        });
        let options = jsonschema::options().should_validate_formats(true);
        Some(
            options
                .build(&schema)
                .unwrap_or_else(|error| panic!("{error}")),
        )
    }

    /// Fails where an answer is not what the description says of it.
    pub(crate) fn holds(&self, method: &str, path: &str, reply: &Reply) {
        let answer = &self.answers(method, path)[reply.status.to_string()];
        assert!(
            answer.is_object(),
            "{method} {path} does not say that it answers {}: {}",
            reply.status,
            reply.text()
        );
        if let Some(validator) = self.validator(answer) {
            let document = reply.json();
            let wrong: Vec<String> = validator
                .iter_errors(&document)
                .map(|error| format!("{}: {error}", error.instance_path()))
                .collect();
            assert!(wrong.is_empty(), "{method} {path}: {wrong:#?}");
        }
    }
}

#[tokio::test]
async fn the_description_is_the_one_in_the_manual() {
    let made = shared().daemon.get(DOCUMENT).await.text();
    compare(&folder("docs/openapi.json"), &made);
}

/// Routes that take more than a name, or never end.
const ASKED_OTHERWISE: [(&str, &str); 2] = [
    (
        "/api/v1/metrics/compare",
        "?metric=read_seconds&window_seconds=60",
    ),
    ("/api/v1/events", ""),
];

/// Asks every route that reads, and holds each answer to its description.
async fn hold_all_reads(daemon: &Daemon) {
    let description = Description::of(daemon).await;
    for path in description.plain_reads() {
        let otherwise = ASKED_OTHERWISE.iter().find(|(asked, _)| *asked == path);
        let query = match otherwise {
            Some((_, "")) => continue,
            Some((_, query)) => query,
            None => "",
        };
        let reply = daemon.get(&format!("{path}{query}")).await;
        assert_eq!(reply.status, 200, "{path}: {}", reply.text());
        description.holds("get", path, &reply);
    }
}

#[tokio::test]
async fn what_a_healthy_cluster_answers_is_as_described() {
    hold_all_reads(&shared().daemon).await;
}

#[tokio::test]
async fn an_alert_and_what_people_do_about_it_are_as_described() {
    let (cluster, daemon) = watched().await;
    cluster.raise_alarm(AlarmKind::NoSpace).await.unwrap();
    crate::firing(&daemon, NO_SPACE).await;
    let description = Description::of(&daemon).await;

    let by = "/api/v1/alerts/{id}/acknowledgement";
    let id = text(&shown(&daemon).await, "id").to_owned();
    let acknowledgement = by.replace("{id}", &id);
    let noted = changed(
        &daemon,
        Method::PUT,
        &acknowledgement,
        &json!({"comment": "on it", "author": "me"}),
    )
    .await;
    assert_eq!(noted.status, 200, "{}", noted.text());
    description.holds("put", by, &noted);

    let silence = json!({"matchers": [format!("rule={NO_SPACE}")], "duration_seconds": 600, "comment": "a test", "author": "me"});
    let added = changed(&daemon, Method::POST, SILENCES, &silence).await;
    assert_eq!(added.status, 201, "{}", added.text());
    description.holds("post", SILENCES, &added);
    hold_all_reads(&daemon).await;

    let incidents = daemon.json("/api/v1/incidents").await;
    let place = format!(
        "/api/v1/incidents/{}",
        text(&items(&incidents, "incidents")[0], "id")
    );
    let incident = daemon.get(&place).await;
    description.holds("get", "/api/v1/incidents/{id}", &incident);

    let silence = format!("{SILENCES}/{}", text(&added.json(), "id"));
    for status in [200, 409] {
        let ended = changed(&daemon, Method::DELETE, &silence, &json!({})).await;
        assert_eq!(ended.status, status, "{}", ended.text());
        description.holds("delete", "/api/v1/silences/{id}", &ended);
    }
    let removed = changed(&daemon, Method::DELETE, &acknowledgement, &json!({})).await;
    description.holds("delete", by, &removed);
    hold_all_reads(&daemon).await;
}

#[tokio::test]
async fn problems_are_as_described() {
    let daemon = &shared().daemon;
    let description = Description::of(daemon).await;
    for (path, query, status) in [
        ("/api/v1/cluster/status", "?cluster=nowhere", 404),
        ("/api/v1/cluster/status", "?clusters=default", 400),
        ("/api/v1/alerts/history", "?limit=0", 400),
        ("/api/v1/metrics/compare", "", 400),
    ] {
        let reply = daemon.get(&format!("{path}{query}")).await;
        assert_eq!(reply.status, status, "{path}{query}: {}", reply.text());
        description.holds("get", path, &reply);
    }
    let no_text = daemon.get("/api/v1/blackbox/%ff").await;
    assert_eq!(no_text.json()["code"], "bad_path");
    description.holds("get", "/api/v1/blackbox/{name}", &no_text);
}

#[tokio::test]
async fn live_events_are_as_described() {
    let description = Description::of(&shared().daemon).await;
    let event = json!({"content": {"application/json": {"schema": {"$ref": "#/components/schemas/LiveEvent"}}}});
    let validator = description.validator(&event).unwrap();
    // In the order in which they come: what is passed over is told again on a change alone.
    let mut events = Events::open(&shared().daemon).await;
    for name in ["snapshot", "clusters", "alerts"] {
        let told = events.next_of(name, crate::SOON).await;
        let told = json!({"event": name, "data": told});
        let wrong: Vec<_> = validator
            .iter_errors(&told)
            .map(|error| error.to_string())
            .collect();
        assert!(wrong.is_empty(), "{name}: {wrong:#?}");
    }
}
