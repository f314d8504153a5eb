//! The routes, one file per area.

mod acknowledgements;
mod alerts;
mod black_box;
mod channels;
mod cluster;
mod configuration;
mod discovery;
mod events;
mod health;
mod history;
mod incidents;
mod leaders;
mod metrics;
mod silences;
mod trends;

use axum::Router;
use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use axum::routing::{delete, get, post, put};
use serde::Deserialize;

use crate::access::{Caller, Role, require};
use crate::etag;
use crate::problem::Problem;
use crate::source::Source;

/// Every route that answers from the source, with the role that it takes.
pub(crate) fn router(source: &Source) -> Router<Source> {
    reading()
        .merge(etag::tagged(source, of_snapshots()))
        .merge(require(Role::Operator, operating()))
        .merge(require(Role::Admin, administering()))
}

/// What an operator may do beyond reading.
fn operating() -> Router<Source> {
    Router::new()
        .route("/api/v1/silences", post(silences::add))
        .route("/api/v1/silences/{id}", delete(silences::expire))
        .route(
            "/api/v1/alerts/{id}/acknowledgement",
            put(acknowledgements::put).delete(acknowledgements::remove),
        )
        .route("/api/v1/channels/{name}/test", post(channels::test))
}

/// What only an admin may do.
fn administering() -> Router<Source> {
    Router::new()
        .route("/api/v1/configuration/reload", post(configuration::reload))
        .route(
            "/-/reload",
            post(configuration::reload_as_others).put(configuration::reload_as_others),
        )
}

fn reading() -> Router<Source> {
    Router::new()
        .route("/health", get(health::health))
        .route("/ready", get(health::ready))
        .route("/-/healthy", get(health::health))
        .route("/healthz", get(health::health))
        .route("/livez", get(health::health))
        .route("/-/ready", get(health::ready))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(metrics::exposition))
        .route("/api/v1/cluster/leader/history", get(leaders::history))
        .route("/api/v1/metrics/history", get(history::history))
        .route("/api/v1/metrics/compare", get(trends::compare))
        .route("/api/v1/metrics/forecast", get(trends::forecast))
        .route("/api/v1/trends", get(trends::trends))
        .route("/api/v1/alerts", get(alerts::active))
        .route("/api/v1/alerts/history", get(alerts::history))
        .route("/api/v1/alerts/dead-letters", get(alerts::dead_letters))
        .route("/api/v1/incidents", get(incidents::list))
        .route("/api/v1/incidents/{id}", get(incidents::one))
        .route("/api/v1/rules", get(channels::rules))
        .route("/api/v1/channels", get(channels::list))
        .route("/api/v1/configuration", get(configuration::status))
        .route("/api/v1/silences", get(silences::list))
        .route("/api/v1/blackbox", get(black_box::list))
        .route("/api/v1/blackbox/{name}", get(black_box::download))
        .route("/api/v1/sd", get(discovery::members))
        .route("/api/v1/events", get(events::follow))
}

/// What is made of the latest snapshots alone: an answer of one cycle is as good as another.
fn of_snapshots() -> Router<Source> {
    Router::new()
        .route("/api/v1/clusters", get(cluster::clusters))
        .route("/api/v1/cluster/status", get(cluster::status))
        .route("/api/v1/cluster/leader", get(cluster::leader))
        .route("/api/v1/cluster/members", get(cluster::members))
        .route("/api/v1/cluster/links", get(cluster::links))
        .route("/api/v1/cluster/certificates", get(cluster::certificates))
        .route("/api/v1/cluster/versions", get(cluster::versions))
        .route("/api/v1/cluster/snapshot", get(cluster::snapshot))
        .route("/api/v1/metrics/current", get(metrics::current))
        .route("/api/v1/metrics/latency", get(metrics::latency))
        .route("/api/v1/findings", get(cluster::findings))
        .route("/api/v1/coverage", get(cluster::coverage))
}

/// Who says so: whoever asks, or where nobody says who they are, the name in the body.
fn author<'a>(caller: &'a Caller, named: Option<&'a str>) -> Result<&'a str, Problem> {
    caller
        .name
        .as_deref()
        .or(named)
        .filter(|name| !name.trim().is_empty())
        .ok_or_else(|| Problem::bad_body("author: say who you are"))
}

/// `?cluster=NAME`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Selection {
    cluster: Option<String>,
}

impl Selection {
    pub(crate) fn name(&self) -> Option<&str> {
        self.cluster.as_deref()
    }

    pub(crate) fn into_name(self) -> Option<String> {
        self.cluster
    }
}

impl FromRequestParts<Source> for Selection {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, source: &Source) -> Result<Self, Problem> {
        Query::<Self>::from_request_parts(parts, source)
            .await
            .map(|Query(selection)| selection)
            .map_err(|rejection| Problem::bad_query(&rejection.body_text()))
    }
}
