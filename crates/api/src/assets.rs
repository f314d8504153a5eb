//! The files of the dashboard and of the API's page, embedded in the binary.

use std::sync::LazyLock;

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use sha2::{Digest, Sha256};

use crate::etag;

/// A file that is the same as long as the program runs.
pub(crate) struct File {
    content_type: &'static str,
    content: Bytes,
    etag: String,
}

struct Asset {
    path: &'static str,
    file: LazyLock<File>,
}

macro_rules! asset {
    ($name:ident, $path:literal, $file:literal, $content_type:literal) => {
        static $name: Asset = Asset {
            path: $path,
            file: LazyLock::new(|| {
                let content: &'static [u8] = include_bytes!(concat!("../", $file));
                File::new($content_type, content)
            }),
        };
    };
}

asset!(PAGE, "/", "ui/dist/index.html", "text/html; charset=utf-8");
asset!(
    SCRIPT,
    "/app.js",
    "ui/dist/app.js",
    "text/javascript; charset=utf-8"
);
asset!(
    LIVE_WORKER,
    "/live.js",
    "ui/dist/live.js",
    "text/javascript; charset=utf-8"
);
asset!(
    STYLE,
    "/app.css",
    "ui/dist/app.css",
    "text/css; charset=utf-8"
);
asset!(
    DOCS_STYLE,
    "/api/docs.css",
    "src/openapi/page.css",
    "text/css; charset=utf-8"
);

static ALL: [&Asset; 5] = [&PAGE, &SCRIPT, &LIVE_WORKER, &STYLE, &DOCS_STYLE];

/// Whether an embedded file has this path.
pub(crate) fn is_one(path: &str) -> bool {
    ALL.iter().any(|asset| asset.path == path)
}

/// The routes of the embedded files.
pub(crate) fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    ALL.into_iter()
        .fold(Router::new(), |router, asset: &'static Asset| {
            router.route(
                asset.path,
                get(move |headers: HeaderMap| async move { asset.file.answer(&headers) }),
            )
        })
}

impl File {
    /// What a file holds, tagged.
    pub(crate) fn new(content_type: &'static str, content: impl Into<Bytes>) -> Self {
        let content = content.into();
        Self {
            etag: digest(&content),
            content_type,
            content,
        }
    }

    /// The answer to a request with these headers.
    pub(crate) fn answer(&self, headers: &HeaderMap) -> Response {
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
            self.content.clone(),
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
