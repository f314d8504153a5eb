//! The dashboard's files, embedded in the binary. They are compressed once, not for each answer: that takes longer than all
//! else on the way to the page.

use std::io::Write as _;
use std::sync::LazyLock;

use axum::Router;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

use crate::etag;

struct Asset {
    path: &'static str,
    content_type: &'static str,
    content: &'static [u8],
    etag: LazyLock<String>,
    /// Compressed by gzip.
    packed: LazyLock<Option<Vec<u8>>>,
}

macro_rules! asset {
    ($name:ident, $path:literal, $file:literal, $content_type:literal) => {
        static $name: Asset = Asset {
            path: $path,
            content_type: $content_type,
            content: include_bytes!(concat!("../ui/dist/", $file)),
            etag: LazyLock::new(|| digest($name.content)),
            packed: LazyLock::new(|| pack($name.content)),
        };
    };
}

asset!(PAGE, "/", "index.html", "text/html; charset=utf-8");
asset!(
    FIRST,
    "/first.js",
    "first.js",
    "text/javascript; charset=utf-8"
);
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

static ALL: [&Asset; 5] = [&PAGE, &FIRST, &SCRIPT, &LIVE_WORKER, &STYLE];

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
    fn answer(&'static self, headers: &HeaderMap) -> Response {
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
            None => (common, content_type, self.content).into_response(),
            Some(packed) => {
                let encoding = [
                    (header::CONTENT_ENCODING, "gzip"),
                    (header::VARY, "accept-encoding"),
                ];
                (common, content_type, encoding, packed.as_slice()).into_response()
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

/// `None` where that failed: then the file goes as it is.
fn pack(content: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content).ok()?;
    encoder.finish().ok()
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
