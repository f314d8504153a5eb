//! One operation: what it takes and what it answers.

use serde_json::Value;

use super::list;
use super::markup::{Markup, anchor, code, prose, sentence};
use super::schema::{entry, kind};

/// A part of the page that opens.
pub(super) fn render(document: &Value, path: &str, method: &str, operation: &Value) -> String {
    let id = operation["operationId"].as_str().unwrap_or_default();
    format!(
        "\n<details><summary><h3><span class=\"method\">{method}</span> {path} \
         <span class=\"about\">{summary}</span></h3></summary><div class=\"operation\" id=\"{id}\">{about}{role}{parameters}{body}{answers}</div></details>",
        method = Markup::of(&method.to_uppercase()),
        path = code(path),
        summary = sentence(operation["summary"].as_str().unwrap_or_default()),
        id = anchor("route", id),
        about = prose(&operation["description"]),
        role = role(operation),
        parameters = parameters(operation),
        body = body(operation),
        answers = answers(document, operation),
    )
}

/// The role is the same for each way to say who one is.
fn role(operation: &Value) -> String {
    let ways = list(&operation["security"]).filter_map(Value::as_object);
    let mut roles = ways.flat_map(|way| way.values());
    match roles.next().and_then(|roles| roles[0].as_str()) {
        Some(role) => format!("<p>Takes the role {}.</p>", code(role)),
        None => "<p>Open to strangers.</p>".to_owned(),
    }
}

fn parameters(operation: &Value) -> String {
    let entries = list(&operation["parameters"]).map(|parameter| {
        let needed = match parameter["required"].as_bool() {
            Some(true) => "required",
            _ => "optional",
        };
        let place = Markup::text(&parameter["in"]);
        let what = format!("{place}, {needed}, {}", kind(&parameter["schema"]));
        let name = parameter["name"].as_str().unwrap_or_default();
        entry(&code(name), &what, &prose(&parameter["description"]))
    });
    listed("Parameters", entries)
}

fn body(operation: &Value) -> String {
    listed("Body", contents(&operation["requestBody"]))
}

fn answers(document: &Value, operation: &Value) -> String {
    let answers = operation["responses"].as_object().into_iter().flatten();
    let entries = answers.map(|(status, answer)| {
        let answer = resolved(document, answer);
        let kinds: Vec<String> = content_kinds(answer).collect();
        let about = prose(&answer["description"]);
        entry(&code(status), &kinds.join("; "), &about)
    });
    listed("Answers", entries)
}

/// What a reference within the document leads to.
fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let reference = value["$ref"].as_str();
    let place = reference.and_then(|reference| reference.strip_prefix('#'));
    place
        .and_then(|place| document.pointer(place))
        .unwrap_or(value)
}

fn contents(message: &Value) -> impl Iterator<Item = String> {
    content_kinds(message).map(|kind| entry(&kind, "", ""))
}

fn content_kinds(message: &Value) -> impl Iterator<Item = String> {
    let contents = message["content"].as_object().into_iter().flatten();
    contents.map(|(media, content)| format!("{}: {}", Markup::of(media), kind(&content["schema"])))
}

/// Entries under a heading; nothing where there are none.
fn listed(heading: &str, entries: impl Iterator<Item = String>) -> String {
    let entries: String = entries.collect();
    if entries.is_empty() {
        return entries;
    }
    format!("<h4>{heading}</h4><dl>{entries}</dl>")
}
