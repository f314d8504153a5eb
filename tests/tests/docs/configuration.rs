//! The configuration reference and the JSON schema, generated from the types of the file. After a change of those:
//!
//! `ETCD_MONITOR_WRITE_GENERATED=1 cargo test -p etcd-monitor-tests --test docs configuration`

use std::fmt::Write;

use serde_json::{Map, Value, json};

use crate::types::{Key, Kind, Types};
use crate::{root, text};

const REFERENCE: &str = "docs/configuration.md";
const SCHEMA: &str = "docs/etcd-monitor.schema.json";
const EXAMPLE: &str = "bins/etcd-monitor/etcd-monitor.example.yaml";

/// Above this line the page is written by hand.
const GENERATED: &str = "<!-- Generated from the types below this line: do not edit. -->\n";

/// The type of the whole file.
const FILE: &str = "ConfigFile";

/// Writes the sections of the reference.
struct Page<'a> {
    types: &'a Types,
    example: Value,
    text: String,
    /// The types that have a section, with its path.
    written: Vec<(String, String)>,
}

impl Page<'_> {
    fn section(&mut self, name: &str, path: &str) {
        self.written.push((name.to_owned(), path.to_owned()));
        let heading = if path.is_empty() {
            "The file".to_owned()
        } else {
            format!("`{path}`")
        };
        let _ = writeln!(
            self.text,
            "\n## {heading}\n\n| key | type | default | meaning |\n|---|---|---|---|"
        );
        let keys = self.types.keys(name);
        for key in &keys {
            let path = joined(path, &key.name);
            let kind = self.named(&key.kind, &path);
            let default = self.default(&path).unwrap_or_default();
            let meaning = key.meaning.replace('|', "\\|");
            let _ = writeln!(
                self.text,
                "| `{}` | {kind} | {default} | {meaning} |",
                key.name
            );
        }
        for key in keys {
            let (name, path) = nested(&key, path);
            if let Some(name) = name.filter(|name| !self.has(name)) {
                self.section(&name, &path);
            }
        }
    }

    fn has(&self, name: &str) -> bool {
        self.written.iter().any(|(known, _)| known == name)
    }

    /// What stands in a key, in words.
    fn named(&self, kind: &Kind, path: &str) -> String {
        match kind {
            Kind::Value(rust) => word(rust).to_owned(),
            Kind::Keys(name) => {
                let known = self.written.iter().find(|(known, _)| known == name);
                let path = known.map_or(path, |(_, path)| path);
                format!("keys, see `{path}`")
            }
            Kind::List(one) => format!("list of {}", self.named(one, path)),
            Kind::Map(one) => format!(
                "map of names to {}",
                self.named(one, &format!("{path}.NAME"))
            ),
        }
    }

    /// What the example says, whose values another test holds to be the defaults.
    fn default(&self, path: &str) -> Option<String> {
        let mut value = &self.example;
        for part in path.split('.') {
            value = match value {
                Value::Array(entries) => entries.first()?.get(part)?,
                other => other.get(part)?,
            };
        }
        let shown = |value: &Value| {
            value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned)
        };
        match value {
            Value::Array(entries) if entries.iter().all(Value::is_string) => {
                let entries: Vec<_> = entries.iter().map(shown).collect();
                Some(format!("`{}`", entries.join(", ")))
            }
            Value::Object(_) | Value::Array(_) => None,
            other => Some(format!("`{}`", shown(other))),
        }
    }
}

fn joined(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

/// The type whose keys stand below this one, and where.
fn nested(key: &Key, path: &str) -> (Option<String>, String) {
    let mut path = joined(path, &key.name);
    let mut kind = &key.kind;
    loop {
        match kind {
            Kind::Value(_) => return (None, path),
            Kind::Keys(name) => return (Some(name.clone()), path),
            Kind::List(one) => kind = one,
            Kind::Map(one) => {
                path.push_str(".NAME");
                kind = one;
            }
        }
    }
}

fn word(rust: &str) -> &str {
    match rust {
        "bool" => "true or false",
        "f64" => "number",
        "u16" | "u32" | "u64" | "usize" => "whole number",
        "PathBuf" => "path",
        "IpAddr" => "IP address",
        "SecretString" => "text, never shown",
        "String" => "text",
        other => panic!("say in words what {other} is"),
    }
}

fn reference() -> String {
    let types = Types::read();
    let mut page = Page {
        types: &types,
        example: serde_saphyr::from_str(&text(EXAMPLE)).unwrap(),
        text: String::new(),
        written: Vec::new(),
    };
    page.section(FILE, "");
    let by_hand = text(REFERENCE);
    let (by_hand, _) = by_hand.split_once(GENERATED).unwrap();
    format!("{by_hand}{GENERATED}{}", page.text)
}

fn schema_of(types: &Types, kind: &Kind, known: &mut Map<String, Value>) -> Value {
    match kind {
        Kind::Value(rust) => match rust.as_str() {
            "bool" => json!({"type": "boolean"}),
            "f64" => json!({"type": "number"}),
            "u16" | "u32" | "u64" | "usize" => json!({"type": "integer", "minimum": 0}),
            // Numbers and words are taken as texts too.
            _ => json!({"type": ["string", "number", "boolean"]}),
        },
        Kind::List(one) => json!({"type": "array", "items": schema_of(types, one, known)}),
        Kind::Map(one) => {
            json!({"type": "object", "additionalProperties": schema_of(types, one, known)})
        }
        Kind::Keys(name) => {
            if !known.contains_key(name) {
                known.insert(name.clone(), Value::Null);
                let object = object(types, name, known);
                known.insert(name.clone(), object);
            }
            json!({"$ref": format!("#/$defs/{name}")})
        }
    }
}

fn object(types: &Types, name: &str, known: &mut Map<String, Value>) -> Value {
    let mut properties = Map::new();
    for key in types.keys(name) {
        let mut schema = schema_of(types, &key.kind, known);
        schema["description"] = json!(key.meaning);
        properties.insert(key.name, schema);
    }
    json!({"type": "object", "additionalProperties": false, "properties": properties})
}

fn schema() -> String {
    let types = Types::read();
    let mut known = Map::new();
    let mut schema = object(&types, FILE, &mut known);
    schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    schema["title"] = json!("Configuration of etcd-monitor");
    schema["$defs"] = Value::Object(known);
    format!("{schema:#}\n")
}

/// Compares with what is committed, or replaces it.
fn hold(path: &str, generated: &str) {
    if std::env::var_os("ETCD_MONITOR_WRITE_GENERATED").is_some() {
        std::fs::write(root().join(path), generated).unwrap();
    }
    assert!(
        text(path) == generated,
        "{path} is not what the types say; run ETCD_MONITOR_WRITE_GENERATED=1 cargo test -p etcd-monitor-tests --test docs configuration"
    );
}

#[test]
fn configuration_reference_is_what_the_types_say() {
    hold(REFERENCE, &reference());
}

#[test]
fn configuration_schema_is_what_the_types_say() {
    if std::env::var_os("ETCD_MONITOR_WRITE_GENERATED").is_some() {
        std::fs::write(root().join(SCHEMA), "").unwrap();
    }
    hold(SCHEMA, &schema());
}

#[test]
fn configuration_keys_all_have_a_meaning() {
    let types = Types::read();
    let mut known = Map::new();
    object(&types, FILE, &mut known);
    let names = known.keys().map(String::as_str).chain([FILE]);
    let keys = names.flat_map(|name| types.keys(name).into_iter().map(move |key| (name, key)));
    let silent: Vec<_> = keys
        .filter(|(_, key)| key.meaning.is_empty())
        .map(|(name, key)| format!("{name}.{}", key.name))
        .collect();
    assert!(
        silent.is_empty(),
        "say above the field what it is: {silent:?}"
    );
}

/// The example has every key, in use or behind `#: `.
#[test]
fn configuration_keys_all_stand_in_the_example() {
    let example = text(EXAMPLE);
    let types = Types::read();
    let missing: Vec<_> = types
        .keys(FILE)
        .into_iter()
        .chain(types.keys("ClusterFile"))
        .filter(|key| !example.contains(&format!("{}:", key.name)))
        .map(|key| key.name)
        .collect();
    assert!(missing.is_empty(), "{EXAMPLE} lacks {missing:?}");
}
