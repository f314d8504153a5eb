//! The dashboard's files, embedded in the binary.

use std::sync::LazyLock;

use axum::Router;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use sha2::{Digest, Sha256};

use crate::etag;

struct Asset {
    path: &'static str,
    content_type: &'static str,
    content: &'static [u8],
    etag: LazyLock<String>,
}

macro_rules! asset {
    ($name:ident, $path:literal, $file:literal, $content_type:literal) => {
        static $name: Asset = Asset {
            path: $path,
            content_type: $content_type,
            content: include_bytes!(concat!("../ui/dist/", $file)),
            etag: LazyLock::new(|| digest($name.content)),
        };
    };
}

asset!(PAGE, "/", "index.html", "text/html; charset=utf-8");
asset!(
    SCRIPT,
    "/app.js",
    "app.js",
    "text/javascript; charset=utf-8"
);
asset!(
    LIVE_WORKER,
    "/live.js",
    "live.js",
    "text/javascript; charset=utf-8"
);
asset!(STYLE, "/app.css", "app.css", "text/css; charset=utf-8");

static ALL: [&Asset; 4] = [&PAGE, &SCRIPT, &LIVE_WORKER, &STYLE];

/// Whether a file of the dashboard has this path.
pub(crate) fn is_one(path: &str) -> bool {
    ALL.iter().any(|asset| asset.path == path)
}

/// The routes of the dashboard's files.
pub(crate) fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    ALL.into_iter()
        .fold(Router::new(), |router, asset: &'static Asset| {
            router.route(
                asset.path,
                get(move |headers: HeaderMap| async move { asset.answer(&headers) }),
            )
        })
}

impl Asset {
    fn answer(&self, headers: &HeaderMap) -> Response {
        let tag = self.etag.as_str();
        // `no-cache` means: keep it, but ask each time whether it still is the one.
        let common = [(header::ETAG, tag), (header::CACHE_CONTROL, "no-cache")];
        let known = headers
            .get(header::IF_NONE_MATCH)
            .and_then(|tags| tags.to_str().ok());
        if known.is_some_and(|tags| tags == "*" || etag::lists(tags, tag)) {
            return (StatusCode::NOT_MODIFIED, common).into_response();
        }
        (
            common,
            [(header::CONTENT_TYPE, self.content_type)],
            self.content,
        )
            .into_response()
    }
}

fn digest(content: &[u8]) -> String {
    let digest = Sha256::digest(content);
    let hex: Vec<String> = digest
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("\"{}\"", hex.concat())
}
