//! What the document says of the API as a whole.

use serde_json::{Value, json};

/// What everybody should know who asks.
const ABOUT: &str = "\
Everything is answered from the latest snapshot; no request reaches etcd, but where a benchmark is started. Times are RFC 3339 in UTC, units are the last word of a \
name, ids are lower-case hexadecimal, and null means not known.

Fields may be added, and are never renamed: a client ignores those that it does not know.

Where the server asks who callers are, each route takes the role that its security names; where it asks nobody, it needs none of \
them. What changes something takes `Content-Type: application/json`, and is refused to pages of other sites.

Errors are problem documents (RFC 9457) with a stable `code`. Every answer has `X-Request-Id`, under which the log has the request.";

/// The areas, in the order in which they are read.
const TAGS: [(&str, &str); 12] = [
    ("Clusters", "What is so with the clusters."),
    (
        "Findings",
        "What the monitor claims, with its evidence, and what it cannot judge.",
    ),
    ("Metrics", "Numbers, now and in the past."),
    ("Alerts", "What fires, what happened, and who is told."),
    ("Silences", "What people have asked not to be told."),
    ("Live events", "Everything as it happens, in one stream."),
    (
        "Black box",
        "What every cycle saw before something critical began.",
    ),
    (
        "Benchmarks",
        "How fast a cluster can go: a bounded load on it, and what was measured.",
    ),
    ("Configuration", "How the daemon is configured."),
    ("Session", "Who the caller is, and how a page signs in."),
    ("Description", "This, for programs and for people."),
    (
        "Health",
        "Whether the daemon itself works, for kubelets and load balancers.",
    ),
];

/// Lays what is about the whole into the document.
pub(super) fn put(document: &mut Value) {
    let tags: Vec<Value> = TAGS
        .iter()
        .map(|(name, about)| json!({"name": name, "description": about}))
        .collect();
    document["info"] = json!({
        "title": "etcd-monitor",
        "description": ABOUT,
        "version": env!("CARGO_PKG_VERSION"),
        "license": {"name": "MIT OR Apache-2.0", "identifier": env!("CARGO_PKG_LICENSE")},
    });
    document["tags"] = tags.into();
    document["components"]["securitySchemes"] = json!({
        "basic": {
            "type": "http", "scheme": "basic",
            "description": "A user of the web configuration file.",
        },
        "bearer": {
            "type": "http", "scheme": "bearer",
            "description": "A token of the web configuration file.",
        },
        "cookie": {
            "type": "apiKey", "in": "cookie", "name": "etcd-monitor-session",
            "description": "What `POST /api/v1/session` hands out; over TLS its name is `__Host-etcd-monitor-session`.",
        },
        "certificate": {
            "type": "mutualTLS",
            "description": "A client certificate that the server trusts.",
        },
    });
}
