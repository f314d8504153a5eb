//! The id of a request: in its answer, in problem documents, and in the log.

use std::fmt;
use std::sync::Arc;

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;

use crate::problem::Problem;

/// The header that carries it both ways.
pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Longest id that is taken from a client; a UUID has 36.
const CHARS_MAX: usize = 64;

/// The id of a request, an extension of each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RequestId(Arc<str>);

impl RequestId {
    /// That of the client, where it is one that a log can bear; else a new one.
    fn of(headers: &HeaderMap) -> Self {
        let mut given = headers.get_all(X_REQUEST_ID).iter();
        let (first, second) = (given.next(), given.next());
        let only = first.filter(|_| second.is_none());
        let text = only.and_then(|id| id.to_str().ok());
        text.filter(|id| is_sane(id))
            .map_or_else(Self::random, |id| Self(id.into()))
    }

    fn random() -> Self {
        Self(format!("{:016x}", rand::random::<u64>()).into())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Letters, digits, `-`, `_`, `.` and `:`: nothing that ends a line or a word of a log.
fn is_sane(id: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
    (1..=CHARS_MAX).contains(&id.len()) && id.bytes().all(is_plain)
}

/// Gives the request its id, and the answer too.
pub(crate) async fn assign(mut request: Request, next: Next) -> Response {
    let id = RequestId::of(request.headers());
    request.extensions_mut().insert(id.clone());
    let mut response = next.run(request).await;
    if let Ok(value) = HeaderValue::from_str(id.as_str()) {
        response.headers_mut().insert(X_REQUEST_ID, value);
    }
    response
}

/// Lays the id of the request into a problem document. Before compression: it writes the body again.
pub(crate) async fn name_in_problems(request: Request, next: Next) -> Response {
    let id = request.extensions().get::<RequestId>().cloned();
    let mut response = next.run(request).await;
    let problem = response.extensions_mut().remove::<Problem>();
    if let (Some(id), Some(problem)) = (id, problem) {
        *response.body_mut() = problem.of_request(id.as_str()).body();
        response
            .headers_mut()
            .remove(axum::http::header::CONTENT_LENGTH);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id_of(given: &[&'static str]) -> String {
        let mut headers = HeaderMap::new();
        for id in given {
            headers.append(X_REQUEST_ID, HeaderValue::from_static(id));
        }
        RequestId::of(&headers).to_string()
    }

    #[test]
    fn an_id_that_a_log_can_bear_is_kept() {
        for id in ["a", "0af7651916cd43dd8448eb211c80319c", "proxy-1:22.x_y"] {
            assert_eq!(id_of(&[id]), id);
        }
    }

    #[test]
    fn any_other_is_replaced() {
        const LONG: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
        for given in [
            &[][..],
            &[""],
            &["a b"],
            &["a\"b"],
            &["a\tb"],
            &[LONG],
            &["a", "b"],
        ] {
            let id = id_of(given);
            assert_eq!(id.len(), 16, "{given:?}");
            assert!(id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{given:?}");
        }
        assert_ne!(id_of(&[]), id_of(&[]));
    }
}
