//! Entity tags: an answer that its client has already is not sent again.

use std::hash::{DefaultHasher, Hash, Hasher};

use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use utoipa_axum::router::OpenApiRouter;

use crate::openapi;
use crate::routes::Selection;
use crate::source::Source;

/// Kept by the one who asked alone, who asks each time whether it still is the one.
const CACHE_CONTROL: &str = "private, no-cache";

/// Tags the answers of routes that are made of the latest snapshots, and answers 304 to whoever has them.
///
/// The tags are weak: they name what an answer is made of, not its bytes. Its age in seconds goes on meanwhile, and it
/// may be compressed or not.
pub(crate) fn tagged(source: &Source, mut routes: OpenApiRouter<Source>) -> OpenApiRouter<Source> {
    openapi::tagged(routes.get_openapi_mut());
    routes.layer(from_fn_with_state(source.clone(), check))
}

async fn check(State(source): State<Source>, request: Request, next: Next) -> Response {
    let tag = tag(&source, request.uri());
    if has(request.headers(), &tag) {
        return (StatusCode::NOT_MODIFIED, headers(tag)).into_response();
    }
    let mut response = next.run(request).await;
    if response.status() == StatusCode::OK {
        response.headers_mut().extend(headers(tag));
    }
    response
}

/// Changes with each cycle of a cluster that the answer may be about, and with each event of an alert.
fn tag(source: &Source, uri: &Uri) -> String {
    let mut hasher = DefaultHasher::new();
    // Cycles are counted from the start.
    source.started_at().as_nanosecond().hash(&mut hasher);
    source.alerts().latest().events_recorded.hash(&mut hasher);
    uri.path().hash(&mut hasher);
    uri.query().hash(&mut hasher);
    let Query(selection) = Query::<Selection>::try_from_uri(uri).unwrap_or_default();
    for (name, snapshots) in &source.watched().clusters {
        if selection
            .name()
            .is_none_or(|wanted| wanted == name.as_str())
        {
            let latest = snapshots.borrow();
            let latest = latest.as_ref();
            let made = latest.map(|snapshot| (snapshot.cycle, snapshot.at.as_nanosecond()));
            (name.as_str(), made).hash(&mut hasher);
        }
    }
    format!("W/\"{:016x}\"", hasher.finish())
}

fn has(headers: &HeaderMap, tag: &str) -> bool {
    let tags = headers.get_all(header::IF_NONE_MATCH).iter();
    tags.filter_map(|tags| tags.to_str().ok())
        .any(|tags| lists(tags, tag))
}

/// Whether a list of tags has this one, by weak comparison (RFC 9110, 13.1.2): what compresses an answer may have marked
/// its tag as weak.
pub(crate) fn lists(tags: &str, tag: &str) -> bool {
    let bare = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    tags.split(',').any(|listed| bare(listed) == bare(tag))
}

fn headers(tag: String) -> HeaderMap {
    let cache = HeaderValue::from_static(CACHE_CONTROL);
    let tag = HeaderValue::try_from(tag).ok();
    let tag = tag.map(|tag| (header::ETAG, tag));
    tag.into_iter()
        .chain([(header::CACHE_CONTROL, cache)])
        .collect()
}
