//! Schemas: in words where they are small, as a list of their fields where not.

use serde_json::Value;

use super::list;
use super::markup::{Markup, anchor, code, prose};

/// A schema with a name.
pub(super) fn section(name: &str, schema: &Value) -> String {
    format!(
        "\n<section class=\"schema\"><h3 id=\"{}\">{}</h3>{}{}</section>",
        anchor("schema", name),
        Markup::of(name),
        prose(&schema["description"]),
        body(schema)
    )
}

fn body(schema: &Value) -> String {
    if schema["properties"].is_object() {
        fields(schema)
    } else if schema["allOf"].is_array() {
        parts("Has all of this:", &schema["allOf"])
    } else if schema["oneOf"].is_array() {
        parts("Is one of:", &schema["oneOf"])
    } else {
        format!("<p>{}</p>", kind(schema))
    }
}

fn parts(heading: &str, schemas: &Value) -> String {
    let parts = list(schemas).map(|schema| {
        let about = prose(&schema["description"]);
        if schema["$ref"].is_string() {
            format!("<li>{} {about}</li>", kind(schema))
        } else {
            format!("<li>{about}{}</li>", body(schema))
        }
    });
    format!("<p>{heading}</p><ul>{}</ul>", parts.collect::<String>())
}

fn fields(schema: &Value) -> String {
    let properties = schema["properties"].as_object().into_iter().flatten();
    let entries = properties.map(|(name, property)| {
        let is_required = list(&schema["required"]).any(|required| required == name);
        let needed = if is_required { "" } else { ", may be missing" };
        let what = format!("{}{needed}", kind(property));
        entry(&code(name), &what, &prose(about(property)))
    });
    format!("<dl>{}</dl>", entries.collect::<String>())
}

/// What is said of a property, which stands beside the reference where it may be null.
fn about(property: &Value) -> &Value {
    let own = &property["description"];
    let mut choices = list(&property["oneOf"]).map(|choice| &choice["description"]);
    match own {
        Value::Null => choices.find(|about| about.is_string()).unwrap_or(own),
        own => own,
    }
}

/// One entry of a list: its name, what it is, and more about it.
pub(super) fn entry(name: &str, what: &str, about: &str) -> String {
    format!("<div><dt>{name} <span>{what}</span></dt><dd>{about}</dd></div>")
}

/// What a value is, in a line.
pub(super) fn kind(schema: &Value) -> String {
    if let Some(reference) = schema["$ref"].as_str() {
        return linked(reference);
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        let choices: Vec<String> = choices.iter().map(kind).collect();
        return choices.join(" or ");
    }
    let kinds: Vec<String> = match &schema["type"] {
        Value::String(one) => vec![typed(one, schema)],
        several => list(several)
            .filter_map(Value::as_str)
            .map(|one| typed(one, schema))
            .collect(),
    };
    if kinds.is_empty() {
        return "anything".to_owned();
    }
    format!("{}{}", kinds.join(" or "), limits(schema))
}

fn linked(reference: &str) -> String {
    let name = reference.rsplit('/').next().unwrap_or_default();
    let place = anchor("schema", name);
    format!("<a href=\"#{place}\">{}</a>", Markup::of(name))
}

fn typed(name: &str, schema: &Value) -> String {
    match name {
        "array" => format!("list of {}", kind(&schema["items"])),
        "object" if schema["additionalProperties"].is_object() => {
            format!("map to {}", kind(&schema["additionalProperties"]))
        }
        "string" if schema["enum"].is_array() => {
            let words = list(&schema["enum"]).filter_map(Value::as_str).map(code);
            words.collect::<Vec<_>>().join(", ")
        }
        name => Markup::of(name).to_string(),
    }
}

/// What limits a value, each with its word.
fn limits(schema: &Value) -> String {
    const WORDS: [(&str, &str); 8] = [
        ("format", ""),
        ("minimum", "at least "),
        ("exclusiveMinimum", "more than "),
        ("maximum", "at most "),
        ("pattern", "like "),
        ("minItems", "entries at least "),
        ("maxItems", "entries at most "),
        ("default", "default "),
    ];
    let told = WORDS.iter().filter_map(|(name, word)| {
        let value = schema.get(*name)?;
        let value = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        Some(format!(", {word}{}", code(&value)))
    });
    told.collect()
}
