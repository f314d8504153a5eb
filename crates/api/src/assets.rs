//! The files of the dashboard and of the API's page, embedded in the binary. They are compressed once, not for each answer: that
//! takes longer than all else on the way to the page.

use std::io::Write as _;
use std::sync::LazyLock;

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

use crate::etag;

/// A file that is the same as long as the program runs.
pub(crate) struct File {
    content_type: &'static str,
    content: Bytes,
    /// Compressed by gzip; `None` where that failed: then the file goes as it is.
    packed: Option<Bytes>,
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
    FIRST,
    "/first.js",
    "ui/dist/first.js",
    "text/javascript; charset=utf-8"
);
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

static ALL: [&Asset; 6] = [&PAGE, &FIRST, &SCRIPT, &LIVE_WORKER, &STYLE, &DOCS_STYLE];

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
            packed: pack(&content),
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
        let content_type = [(header::CONTENT_TYPE, self.content_type)];
        match self.packed.as_ref().filter(|_| takes_gzip(headers)) {
            None => (common, content_type, self.content.clone()).into_response(),
            Some(packed) => {
                let encoding = [
                    (header::CONTENT_ENCODING, "gzip"),
                    (header::VARY, "accept-encoding"),
                ];
                (common, content_type, encoding, packed.clone()).into_response()
            }
        }
    }
}

/// Whether `Accept-Encoding` names gzip, and not to refuse it.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let said = headers.get_all(header::ACCEPT_ENCODING).into_iter();
    let mut codings = said
        .filter_map(|value| value.to_str().ok())
        .flat_map(|list| list.split(','));
    codings.any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let weight = weight.trim().trim_start_matches("q=");
        name.trim().eq_ignore_ascii_case("gzip") && weight.parse() != Ok(0.0)
    })
}

fn pack(content: &[u8]) -> Option<Bytes> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content).ok()?;
    encoder.finish().ok().map(Bytes::from)
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
