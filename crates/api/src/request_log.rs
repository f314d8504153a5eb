//! One line of the log for each answer.
//!
//! State changes and failures of the server are told at level info, everything else, which is what dashboards and
//! Prometheus ask every few seconds, at level debug: so is a change that is refused, which the audit log tells of, and no
//! stranger can fill a disk with such lines. A line has the matched route, never the path or the query as they
//! came, and no header but the request's id: none of the places where a secret may be.

use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::{Extensions, Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;

use crate::access::Caller;
use crate::connection::Connection;
use crate::request_id::RequestId;

/// What is told of a request where there is no route for it.
const NO_ROUTE: &str = "none";

/// Longest name of a method; `DELETE` has six.
const METHOD_CHARS_MAX: usize = 16;

/// The name of the caller, on the way out.
#[derive(Debug, Clone)]
struct CallerName(String);

struct Line {
    method: String,
    is_safe: bool,
    route: Option<MatchedPath>,
    peer: Option<String>,
    id: Option<RequestId>,
    began_at: Instant,
}

/// Writes the line of a request. The latency ends with the head of the answer.
pub(crate) async fn record(request: Request, next: Next) -> Response {
    let line = Line::of(&request);
    let response = next.run(request).await;
    line.write(response.status(), response.extensions());
    response
}

/// Hands the caller's name to the line: who it is becomes known further inside than the line is written.
pub(crate) async fn note_caller(request: Request, next: Next) -> Response {
    let caller = request.extensions().get::<Caller>();
    let name = caller.and_then(|caller| caller.name.clone());
    let mut response = next.run(request).await;
    if let Some(name) = name {
        response.extensions_mut().insert(CallerName(name));
    }
    response
}

impl Line {
    fn of(request: &Request) -> Self {
        let extensions = request.extensions();
        let connection = extensions.get::<Connection>();
        Self {
            method: name_of(request.method()),
            is_safe: request.method().is_safe(),
            route: extensions.get::<MatchedPath>().cloned(),
            peer: connection.map(|connection| connection.peer.to_string()),
            id: extensions.get::<RequestId>().cloned(),
            began_at: Instant::now(),
        }
    }

    fn write(&self, status: StatusCode, answered: &Extensions) {
        let route = self.route.as_ref().map_or(NO_ROUTE, MatchedPath::as_str);
        let caller = answered.get::<CallerName>().map(|name| name.0.as_str());
        let id = self.id.as_ref().map(RequestId::as_str);
        let milliseconds = self.began_at.elapsed().as_secs_f64() * 1e3;
        macro_rules! write {
            ($level:ident) => {
                tracing::$level!(
                    method = self.method,
                    route,
                    status = status.as_u16(),
                    milliseconds,
                    caller,
                    peer = self.peer,
                    request_id = id,
                    "Answered a request"
                )
            };
        }
        if is_worth_telling(self.is_safe, status) {
            write!(info);
        } else {
            write!(debug);
        }
    }
}

fn is_worth_telling(is_safe: bool, status: StatusCode) -> bool {
    status.is_server_error() || !(is_safe || status.is_client_error())
}

/// A method as logs have it: a client's may be any word, as long as the head of its request.
pub(crate) fn name_of(method: &Method) -> String {
    method.as_str().chars().take(METHOD_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_changes_and_failures_are_told_and_polling_is_not() {
        let told = |method: Method, status| {
            is_worth_telling(method.is_safe(), StatusCode::from_u16(status).unwrap())
        };
        assert!(told(Method::POST, 201));
        assert!(told(Method::PUT, 500));
        assert!(told(Method::GET, 503));
        assert!(!told(Method::DELETE, 403));
        assert!(!told(Method::POST, 401));
        assert!(!told(Method::GET, 200));
        assert!(!told(Method::HEAD, 404));
    }
}
