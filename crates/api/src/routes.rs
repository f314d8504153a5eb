//! The routes, one file per area.

mod acknowledgements;
mod alerts;
mod benchmarks;
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

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use serde::Deserialize;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};
use utoipa_axum::routes;

use crate::access::{Caller, Role, require};
use crate::etag;
use crate::parameters::Parameters;
use crate::problem::Problem;
use crate::source::Source;
pub(crate) use configuration::Nothing;
pub(crate) use events::Reset;

/// Every route that answers from the source, with the role that it takes.
pub(crate) fn router(source: &Source) -> OpenApiRouter<Source> {
    reading()
        .merge(etag::tagged(source, of_snapshots()))
        .merge(require(Role::Operator, operating()))
        .merge(require(Role::Admin, administering()))
}

/// What an operator may do beyond reading.
fn operating() -> OpenApiRouter<Source> {
    OpenApiRouter::new()
        .routes(routes!(silences::add))
        .routes(routes!(silences::expire))
        .routes(routes!(acknowledgements::put, acknowledgements::remove))
        .routes(routes!(channels::test))
        .routes(routes!(benchmarks::start))
        .routes(routes!(benchmarks::cancel))
}

/// What only an admin may do.
fn administering() -> OpenApiRouter<Source> {
    OpenApiRouter::new()
        .routes(routes!(configuration::reload))
        .routes(routes!(configuration::reload_as_others))
}

fn reading() -> OpenApiRouter<Source> {
    OpenApiRouter::new()
        .routes(routes!(health::health))
        .routes(routes!(health::ready))
        .routes(also_at("/-/healthy", routes!(health::health)))
        .routes(also_at("/healthz", routes!(health::health)))
        .routes(also_at("/livez", routes!(health::health)))
        .routes(also_at("/-/ready", routes!(health::ready)))
        .routes(also_at("/readyz", routes!(health::ready)))
        .routes(routes!(metrics::exposition))
        .routes(routes!(leaders::history))
        .routes(routes!(history::history))
        .routes(routes!(trends::compare))
        .routes(routes!(trends::forecast))
        .routes(routes!(trends::overview::trends))
        .routes(routes!(alerts::active))
        .routes(routes!(alerts::history))
        .routes(routes!(alerts::dead_letters))
        .routes(routes!(incidents::list))
        .routes(routes!(incidents::one))
        .routes(routes!(channels::rules))
        .routes(routes!(channels::list))
        .routes(routes!(configuration::status))
        .routes(routes!(silences::list))
        .routes(routes!(benchmarks::list))
        .routes(routes!(benchmarks::one))
        .routes(routes!(benchmarks::events::follow))
        .routes(routes!(black_box::list))
        .routes(routes!(black_box::download))
        .routes(routes!(discovery::members))
        .routes(routes!(events::follow))
}

/// What is made of the latest snapshots alone: an answer of one cycle is as good as another.
fn of_snapshots() -> OpenApiRouter<Source> {
    OpenApiRouter::new()
        .routes(routes!(cluster::clusters))
        .routes(routes!(cluster::status))
        .routes(routes!(cluster::leader))
        .routes(routes!(cluster::members))
        .routes(routes!(cluster::links))
        .routes(routes!(cluster::certificates))
        .routes(routes!(cluster::versions))
        .routes(routes!(cluster::snapshot))
        .routes(routes!(metrics::current))
        .routes(routes!(metrics::latency))
        .routes(routes!(cluster::findings))
        .routes(routes!(cluster::coverage))
}

/// The same route by another name.
fn also_at(
    path: &str,
    (schemas, mut paths, methods): UtoipaMethodRouter<Source>,
) -> UtoipaMethodRouter<Source> {
    let named = std::mem::take(&mut paths.paths).into_values();
    paths.paths = named.map(|item| (path.to_owned(), item)).collect();
    (schemas, paths, methods)
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
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Selection {
    /// The name of a cluster. Left out: the only one.
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
        let asked = Parameters::from_request_parts(parts, source).await;
        asked.map(|Parameters(selection)| selection)
    }
}

/// What stands in the path in the place of a name.
pub(crate) struct Named(String);

impl FromRequestParts<Source> for Named {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, source: &Source) -> Result<Self, Problem> {
        Path::from_request_parts(parts, source)
            .await
            .map(|Path(name)| Self(name))
            .map_err(|rejection| Problem::bad_path(&rejection.body_text()))
    }
}
