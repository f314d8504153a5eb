//! What every route has in common is laid into its description, so that no route need say it.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use utoipa::openapi::OpenApi;

use super::flatten::flatten_choices;
use super::{by_any_scheme, head, prose};
use crate::access::Role;

/// An operation, as far as it decides which of the common answers it gives.
struct Facts<'a> {
    method: &'a str,
    operation: &'a Value,
}

impl Facts<'_> {
    fn reads(&self) -> bool {
        self.method == "get"
    }

    fn any_parameter(&self, field: &str, value: &str) -> bool {
        let parameters = self.operation["parameters"].as_array();
        let mut parameters = parameters.into_iter().flatten();
        parameters.any(|parameter| parameter[field] == value)
    }

    fn has_body(&self) -> bool {
        self.operation["requestBody"].is_object()
    }

    fn of_health(&self) -> bool {
        self.operation["tags"][0] == "Health"
    }
}

/// An answer that is not the route's own.
struct Common {
    status: &'static str,
    /// Its name in the document.
    name: &'static str,
    when: &'static str,
    applies: fn(&Facts<'_>) -> bool,
}

const COMMON: [Common; 14] = [
    Common {
        status: "400",
        name: "BadQuery",
        when: "`bad_query`: a parameter cannot be taken, the detail says why",
        applies: |it| it.any_parameter("in", "query"),
    },
    Common {
        status: "400",
        name: "BadPath",
        when: "`bad_path`: the path is no text",
        applies: |it| it.any_parameter("in", "path"),
    },
    Common {
        status: "400",
        name: "BadBody",
        when: "`bad_body`: the body cannot be taken, the detail says why; `body_unreadable`: it ends early",
        applies: |it| it.has_body(),
    },
    Common {
        status: "401",
        name: "Unauthenticated",
        when: "`unauthenticated`: callers have to say who they are, and this one did not, or by something that is not known",
        applies: |it| !it.of_health(),
    },
    Common {
        status: "403",
        name: "CrossSite",
        when: "`cross_site`: the page of another site asked",
        applies: |it| !it.reads(),
    },
    Common {
        status: "404",
        name: "ClusterUnknown",
        when: "`cluster_unknown`: no cluster has this name; `clusters` has those there are",
        applies: |it| it.any_parameter("name", "cluster"),
    },
    Common {
        status: "408",
        name: "BodyTooSlow",
        when: "`body_too_slow`: the body did not end within 10 s",
        applies: |it| it.has_body(),
    },
    Common {
        status: "413",
        name: "BodyTooLarge",
        when: "`body_too_large`: the body has more than 64 KiB",
        applies: |it| it.has_body(),
    },
    Common {
        status: "415",
        name: "JsonRequired",
        when: "`json_required`: the content type is not `application/json`",
        applies: |it| it.has_body(),
    },
    Common {
        status: "421",
        name: "HostNotAllowed",
        when: "`host_not_allowed`: the `Host` header is no name of this server",
        applies: |_| true,
    },
    Common {
        status: "429",
        name: "TooMany",
        when: "`too_many_requests`, `too_many_failures`: `Retry-After` says when",
        applies: |it| !it.of_health(),
    },
    Common {
        status: "500",
        name: "InternalError",
        when: "`internal_error`: the server failed; its log says how",
        applies: |_| true,
    },
    Common {
        status: "503",
        name: "TookTooLong",
        when: "`took_too_long`: there was no answer within 30 s; `login_busy`: too many passwords wait to be checked",
        applies: |it| !it.of_health(),
    },
    Common {
        status: "503",
        name: "HealthTookTooLong",
        when: "`took_too_long`: there was no answer within 30 s",
        applies: |it| it.of_health(),
    },
];

/// The document of these routes.
pub(super) fn finish(api: OpenApi) -> Value {
    let mut document = serde_json::to_value(api).unwrap_or_default();
    head::put(&mut document);
    if let Some(paths) = document["paths"].as_object_mut() {
        for (path, item) in paths {
            for (method, operation) in item.as_object_mut().into_iter().flatten() {
                complete(path, method, operation);
            }
        }
    }
    document["components"]["responses"] = COMMON
        .iter()
        .map(|it| (it.name.to_owned(), problem(it.when)))
        .collect::<Map<_, _>>()
        .into();
    if let Some(schemas) = document["components"]["schemas"].as_object_mut() {
        flatten_choices(schemas);
    }
    polish(&mut document);
    document
}

fn complete(path: &str, method: &str, operation: &mut Value) {
    operation["operationId"] = operation_id(path, method).into();
    if operation.get("security").is_none() {
        operation["security"] = json!(by_any_scheme(Role::Viewer));
    }
    // Not by index: that would add what is not there.
    let parameters = operation
        .get_mut("parameters")
        .and_then(Value::as_array_mut);
    for parameter in parameters.into_iter().flatten() {
        without_null(parameter);
    }
    let facts = Facts { method, operation };
    let common = COMMON.iter().filter(|it| (it.applies)(&facts));
    let common: Vec<&Common> = common.collect();
    if let Some(responses) = operation["responses"].as_object_mut() {
        tell_problems(responses, &common);
    }
}

/// `get_cluster_status`: unique, and it stays.
fn operation_id(path: &str, method: &str) -> String {
    let path = path.strip_prefix("/api/v1").unwrap_or(path);
    let words = path.split(|letter: char| !letter.is_ascii_alphanumeric());
    let words = words.filter(|word| !word.is_empty());
    let words: Vec<&str> = [method].into_iter().chain(words).collect();
    words.join("_")
}

/// A parameter is given or left out; it is not null.
fn without_null(parameter: &mut Value) {
    let kind = parameter.pointer_mut("/schema/type");
    if let Some(kind) = kind
        && let Some([only, Value::String(null)]) = kind.as_array().map(Vec::as_slice)
        && null == "null"
    {
        *kind = only.clone();
    }
}

/// The route's own problems get their document, and the common ones are added.
fn tell_problems(responses: &mut Map<String, Value>, common: &[&Common]) {
    for it in common {
        match responses.get_mut(it.status) {
            None => {
                let reference = format!("#/components/responses/{}", it.name);
                responses.insert(it.status.to_owned(), json!({"$ref": reference}));
            }
            Some(own) => *own = joined(own, it.when),
        }
    }
    for (status, answer) in responses {
        let is_own = answer.get("$ref").is_none() && answer.get("content").is_none();
        if is_own && (status.starts_with('4') || status.starts_with('5')) {
            *answer = problem(answer["description"].as_str().unwrap_or_default());
        }
    }
}

/// An answer that may also be another one of the same status.
fn joined(own: &Value, when: &str) -> Value {
    let before = match own["$ref"].as_str() {
        Some(reference) => COMMON
            .iter()
            .find(|it| reference.ends_with(&format!("/{}", it.name)))
            .map_or("", |it| it.when),
        None => own["description"].as_str().unwrap_or_default(),
    };
    let mut joined = match own.get("$ref") {
        Some(_) => json!({}),
        None => own.clone(),
    };
    joined["description"] = format!("{before}; {when}").into();
    joined
}

fn problem(when: &str) -> Value {
    let schema = json!({"schema": {"$ref": "#/components/schemas/Problem"}});
    json!({"description": when, "content": {"application/problem+json": schema}})
}

/// Descriptions speak of JSON, and schemas of what is sent.
fn polish(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(polish),
        Value::Object(fields) => {
            require_present(fields);
            if let Some(Value::String(text)) = fields.get_mut("description") {
                *text = prose::of_json(text);
            }
            fields.values_mut().for_each(polish);
        }
        _ => {}
    }
}

/// What may be null is always there, and so is what would be taken for a default where it is read: the daemon writes both.
fn require_present(schema: &mut Map<String, Value>) {
    let Some(Value::Object(properties)) = schema.get_mut("properties") else {
        return;
    };
    let mut required = BTreeSet::new();
    for (name, property) in properties {
        let default = property.as_object_mut().and_then(|it| it.remove("default"));
        if default.is_some() || is_nullable(property) {
            required.insert(name.clone());
        }
    }
    let listed = schema.get("required").and_then(Value::as_array);
    let listed = listed.into_iter().flatten().filter_map(Value::as_str);
    required.extend(listed.map(str::to_owned));
    if !required.is_empty() {
        let required: Value = required.into_iter().collect();
        schema.insert("required".to_owned(), required);
    }
}

fn is_nullable(schema: &Value) -> bool {
    let any_null = |list: &Value, is_null: fn(&Value) -> bool| {
        let list = list.as_array().into_iter().flatten();
        list.into_iter().any(is_null)
    };
    any_null(&schema["type"], |kind| kind == "null")
        || any_null(&schema["oneOf"], |choice| choice["type"] == "null")
}
