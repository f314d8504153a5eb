//! Errors as RFC 9457 problem documents, with a stable code for scripts.

use std::time::Duration;

use axum::body::Body;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use etcd_monitor_alerting::MuteFileError;
use etcd_monitor_model::ClusterName;
use serde::Serialize;
use utoipa::ToSchema;

use crate::access::Role;
use crate::benchmarks::Refusal;
use crate::control::ReloadError;
use crate::mute_desk::DeskError;

/// Longest part of a request that an error repeats.
const ECHO_CHARS_MAX: usize = 100;

/// Longest reason: a sentence or two.
const REASON_CHARS_MAX: usize = 500;

/// What went wrong, as RFC 9457 has it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// Always `about:blank`: the code says more.
    #[serde(rename = "type")]
    #[schema(value_type = String)]
    kind: Kind,
    /// The status in words.
    title: &'static str,
    /// The status of the answer.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What to go by: a code never changes its meaning.
    #[schema(pattern = "^[a-z_]+$")]
    code: &'static str,
    /// What was tried and what to do, for people. May repeat a part of the request.
    #[schema(value_type = String)]
    detail: Box<str>,
    /// The names to choose from, where the request named no cluster that is watched.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schema(value_type = Vec<String>)]
    clusters: Box<[String]>,
    /// The URL of the benchmark that is under way, where the request asked for a second one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false)]
    benchmark: Option<Box<str>>,
    /// Under which the log has the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false)]
    request_id: Option<Box<str>>,
}

/// A problem whose code says all.
#[derive(Debug, Clone, Copy, Serialize)]
enum Kind {
    #[serde(rename = "about:blank")]
    AboutBlank,
}

impl Problem {
    fn new(status: StatusCode, code: &'static str, detail: String) -> Self {
        let title = status.canonical_reason().unwrap_or("Error");
        Self {
            kind: Kind::AboutBlank,
            title,
            status: status.as_u16(),
            code,
            detail: detail.into(),
            clusters: Box::default(),
            benchmark: None,
            request_id: None,
        }
    }

    pub(crate) fn cluster_required(names: &[&str]) -> Self {
        let detail = "Several clusters are watched: say which with ?cluster=NAME".to_owned();
        let problem = Self::new(StatusCode::BAD_REQUEST, "cluster_required", detail);
        problem.naming(names)
    }

    pub(crate) fn cluster_unknown(wanted: &str, names: &[&str]) -> Self {
        let detail = format!("No cluster is named {:?}", short(wanted));
        Self::new(StatusCode::NOT_FOUND, "cluster_unknown", detail).naming(names)
    }

    pub(crate) fn not_ready(name: &ClusterName) -> Self {
        let detail =
            format!("The first cycle of cluster {name} has not ended yet; ask again in a moment");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "not_ready", detail)
    }

    pub(crate) fn too_many_event_clients() -> Self {
        let detail =
            "Too many clients follow the live events; ask the REST routes instead".to_owned();
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "too_many_event_clients",
            detail,
        )
    }

    pub(crate) fn too_many_event_clients_of_address() -> Self {
        let detail =
            "Too many clients of this address follow the live events; ask the REST routes instead"
                .to_owned();
        let code = "too_many_event_clients_of_address";
        Self::new(StatusCode::TOO_MANY_REQUESTS, code, detail)
    }

    pub(crate) fn misdirected(host: Option<&str>) -> Self {
        let said = host.map_or_else(
            || "no Host header".to_owned(),
            |host| format!("Host {:?}", short(host)),
        );
        let detail = format!(
            "{said} is not a name of this server: use its address, or start it with --allow-host NAME or --external-url URL"
        );
        Self::new(StatusCode::MISDIRECTED_REQUEST, "host_not_allowed", detail)
    }

    pub(crate) fn body_too_large(bytes: usize) -> Self {
        let detail = format!("The body of a request may have {bytes} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail)
    }

    pub(crate) fn body_too_slow(limit: Duration) -> Self {
        let seconds = limit.as_secs_f64();
        let detail = format!("The body of the request did not end within {seconds} s");
        Self::new(StatusCode::REQUEST_TIMEOUT, "body_too_slow", detail)
    }

    pub(crate) fn body_unreadable() -> Self {
        let detail = "The body of the request ends early or is not framed as HTTP says".to_owned();
        Self::new(StatusCode::BAD_REQUEST, "body_unreadable", detail)
    }

    pub(crate) fn took_too_long(limit: Duration) -> Self {
        let seconds = limit.as_secs_f64();
        let detail = format!("There was no answer within {seconds} s; ask for less, or later");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "took_too_long", detail)
    }

    pub(crate) fn internal_error() -> Self {
        let detail = "The server failed at this request; its log says how".to_owned();
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal_error", detail)
    }

    pub(crate) fn role_required(role: Role) -> Self {
        let detail = format!("This takes the role {role}");
        Self::new(StatusCode::FORBIDDEN, "role_required", detail)
    }

    /// Why nobody may change anything.
    pub(crate) const READ_ONLY: &str = "This server can be reached from other hosts and asks nobody who they are, so nobody may change anything: \
         name users or tokens in a file for --web-config-file, or listen on a loopback address";

    pub(crate) fn read_only() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "read_only",
            Self::READ_ONLY.to_owned(),
        )
    }

    pub(crate) fn unauthenticated(detail: &str) -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "unauthenticated",
            detail.to_owned(),
        )
    }

    pub(crate) fn no_authentication() -> Self {
        let detail =
            "This server asks nobody who they are; there is nothing to sign in to".to_owned();
        Self::new(StatusCode::CONFLICT, "no_authentication", detail)
    }

    pub(crate) fn bad_sign_in() -> Self {
        Self::bad_body("send {\"token\": …} or {\"user\": …, \"password\": …}")
    }

    pub(crate) fn cross_site() -> Self {
        let detail = "The page of another site may not change anything here".to_owned();
        Self::new(StatusCode::FORBIDDEN, "cross_site", detail)
    }

    pub(crate) fn too_many_requests() -> Self {
        let detail = "Too many requests from this address: see Retry-After".to_owned();
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", detail)
    }

    pub(crate) fn too_many_failures() -> Self {
        let detail =
            "Too many wrong passwords or tokens from this address: see Retry-After".to_owned();
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_failures", detail)
    }

    pub(crate) fn login_busy() -> Self {
        let detail = "Too many passwords wait to be checked: see Retry-After".to_owned();
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "login_busy", detail)
    }

    pub(crate) fn recording_unknown(name: &str) -> Self {
        let detail = format!(
            "The black box has no recording {:?}; /api/v1/blackbox lists those it has",
            short(name)
        );
        Self::new(StatusCode::NOT_FOUND, "recording_unknown", detail)
    }

    pub(crate) fn route_unknown(path: &str) -> Self {
        let detail = format!("There is no {:?} here", short(path));
        Self::new(StatusCode::NOT_FOUND, "route_unknown", detail)
    }

    pub(crate) fn method_not_allowed() -> Self {
        let detail = "This route does not answer this method; Allow names those it does".to_owned();
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail)
    }

    pub(crate) fn json_required() -> Self {
        let detail = "What changes something takes JSON: send content-type: application/json, with {} where there is nothing to say".to_owned();
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "json_required", detail)
    }

    pub(crate) fn bad_body(reason: &str) -> Self {
        let detail = format!("The body cannot be taken: {}", limited(reason));
        Self::new(StatusCode::BAD_REQUEST, "bad_body", detail)
    }

    pub(crate) fn alert_unknown(id: &str) -> Self {
        let detail = format!(
            "No alert that is pending or firing has the id {:?}; /api/v1/alerts lists them",
            short(id)
        );
        Self::new(StatusCode::NOT_FOUND, "alert_unknown", detail)
    }

    pub(crate) fn incident_unknown(id: &str) -> Self {
        let detail = format!(
            "No incident has the id {:?}; /api/v1/incidents lists those of which the history of alerts still tells",
            short(id)
        );
        Self::new(StatusCode::NOT_FOUND, "incident_unknown", detail)
    }

    pub(crate) fn channel_unknown(name: &str) -> Self {
        let detail = format!(
            "No channel is named {:?}; /api/v1/channels lists those that are configured",
            short(name)
        );
        Self::new(StatusCode::NOT_FOUND, "channel_unknown", detail)
    }

    pub(crate) fn trial_under_way(name: &str) -> Self {
        let detail = format!("{:?} is being tested; wait for that to end", short(name));
        Self::new(StatusCode::CONFLICT, "channel_test_under_way", detail)
    }

    pub(crate) fn no_control() -> Self {
        let detail = "This server is part of no daemon with a configuration".to_owned();
        Self::new(StatusCode::NOT_FOUND, "no_configuration", detail)
    }

    pub(crate) fn no_mutes() -> Self {
        let detail = "This monitor keeps no silences and acknowledgements".to_owned();
        Self::new(StatusCode::NOT_FOUND, "no_mutes", detail)
    }

    pub(crate) fn no_benchmarks() -> Self {
        let detail = "This server runs no benchmarks".to_owned();
        Self::new(StatusCode::NOT_FOUND, "no_benchmarks", detail)
    }

    pub(crate) fn benchmark_unknown(id: &str) -> Self {
        let detail = format!(
            "No benchmark has the id {:?}; /api/v1/performance/benchmark lists those that are kept",
            short(id)
        );
        Self::new(StatusCode::NOT_FOUND, "benchmark_unknown", detail)
    }

    pub(crate) fn benchmark_limit(reason: &str) -> Self {
        let detail = limited(reason);
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "benchmark_limit", detail)
    }

    pub(crate) fn benchmark_under_way(cluster: &ClusterName, url: &str) -> Self {
        let detail = format!(
            "A benchmark of cluster {cluster} is under way: wait for {url} to end, or cancel it"
        );
        let mut problem = Self::new(StatusCode::CONFLICT, "benchmark_under_way", detail);
        problem.benchmark = Some(url.into());
        problem
    }

    pub(crate) fn benchmark_over(id: &str) -> Self {
        let detail = format!("The benchmark {id} is over already");
        Self::new(StatusCode::CONFLICT, "benchmark_over", detail)
    }

    pub(crate) fn benchmarks_stopping() -> Self {
        let detail = "The daemon stops and begins no benchmark any more".to_owned();
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "stopping", detail)
    }

    /// The cluster is not in a state to be put under a load.
    pub(crate) fn benchmark_refused(reason: &Refusal) -> Self {
        let detail = limited(&format!("No benchmark may begin now. {}", reason.detail));
        Self::new(StatusCode::CONFLICT, reason.code, detail)
    }

    pub(crate) fn no_history() -> Self {
        let detail = "This monitor keeps no history".to_owned();
        Self::new(StatusCode::NOT_FOUND, "no_history", detail)
    }

    pub(crate) fn history_unavailable(reason: &str) -> Self {
        let detail = short(reason);
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "history_unavailable",
            detail,
        )
    }

    pub(crate) fn bad_path(reason: &str) -> Self {
        let detail = format!("The path cannot be read: {}", short(reason));
        Self::new(StatusCode::BAD_REQUEST, "bad_path", detail)
    }

    pub(crate) fn bad_query(reason: &str) -> Self {
        let detail = format!("The query cannot be read: {}", short(reason));
        Self::new(StatusCode::BAD_REQUEST, "bad_query", detail)
    }

    fn naming(mut self, names: &[&str]) -> Self {
        self.clusters = names.iter().map(ToString::to_string).collect();
        self
    }
}

fn short(text: &str) -> String {
    text.chars().take(ECHO_CHARS_MAX).collect()
}

/// A reason in our own words, which may quote the request.
fn limited(reason: &str) -> String {
    reason.chars().take(REASON_CHARS_MAX).collect()
}

impl From<ReloadError> for Problem {
    fn from(error: ReloadError) -> Self {
        let (status, code) = match &error {
            ReloadError::Refused(_) => (StatusCode::CONFLICT, "configuration_refused"),
            ReloadError::UnderWay => (StatusCode::CONFLICT, "reload_under_way"),
            ReloadError::Stopping => (StatusCode::SERVICE_UNAVAILABLE, "stopping"),
        };
        Self::new(status, code, limited(&error.to_string()))
    }
}

impl From<DeskError> for Problem {
    fn from(error: DeskError) -> Self {
        let (status, code) = match &error {
            DeskError::File(MuteFileError::NoSuchSilence(_)) => {
                (StatusCode::NOT_FOUND, "silence_unknown")
            }
            DeskError::File(MuteFileError::Expired(_)) => (StatusCode::CONFLICT, "silence_over"),
            DeskError::File(MuteFileError::TooMany) => (StatusCode::CONFLICT, "too_many_silences"),
            _ => (StatusCode::SERVICE_UNAVAILABLE, "mutes_unavailable"),
        };
        if status == StatusCode::SERVICE_UNAVAILABLE {
            tracing::error!(%error, "Silences and acknowledgements cannot be read or changed");
            let detail = "The file of silences and acknowledgements cannot be read or changed; the log says why";
            return Self::new(status, code, detail.to_owned());
        }
        Self::new(status, code, limited(&error.to_string()))
    }
}

impl IntoResponse for Problem {
    /// The answer carries the problem as an extension, too, so that the id of the request can be laid into it.
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let content_type = [(header::CONTENT_TYPE, "application/problem+json")];
        let mut response = (status, content_type, self.body()).into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl Problem {
    /// The same, with the id under which the log has the request.
    pub(crate) fn of_request(mut self, id: &str) -> Self {
        self.request_id = Some(id.into());
        self
    }

    /// The document as a body.
    pub(crate) fn body(&self) -> Body {
        // Of texts and numbers alone, which always can be written.
        Body::from(serde_json::to_vec(self).unwrap_or_default())
    }
}
