//! The description of the API (`OpenAPI` 3.1), made of the routes and the types that answer: it cannot speak of others.

mod answers;
mod finish;
mod flatten;
mod head;
mod live_event;
mod page;
mod prose;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use utoipa::OpenApi as _;
use utoipa::openapi::path::{Operation, ParameterBuilder, ParameterIn};
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{HeaderBuilder, OpenApi, PathItem, ResponseBuilder};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::Role;
use crate::assets::File;
pub(crate) use answers::{
    AfterTheFirstCycle, HistoryAfterTheFirstCycle, HistoryOfOneCluster, OneCluster,
};
use live_event::LiveEvents;

/// The ways in which callers say who they are, by their names in the document.
const SCHEMES: [&str; 4] = ["basic", "bearer", "certificate", "cookie"];

/// The document, and the page to read it.
#[derive(Clone)]
struct Description {
    document: Arc<File>,
    page: Arc<File>,
}

impl Description {
    fn of(api: OpenApi) -> Self {
        let document = finish::finish(api);
        let text = format!("{document:#}\n");
        let page = page::render(&document);
        Self {
            document: Arc::new(File::new("application/json", text)),
            page: Arc::new(File::new("text/html; charset=utf-8", page)),
        }
    }
}

/// These routes, and those that describe them and themselves.
pub(crate) fn described(routes: OpenApiRouter) -> Router {
    let own = OpenApiRouter::with_openapi(LiveEvents::openapi())
        .routes(routes!(document))
        .routes(routes!(read));
    let mut api = own.get_openapi().clone();
    let (routes, described) = routes.split_for_parts();
    api.merge(described);
    let (own, _) = own.with_state(Description::of(api)).split_for_parts();
    routes.merge(own)
}

/// This description of the API, for programs.
#[utoipa::path(
    get,
    path = "/api/openapi.json",
    tag = "Description",
    responses(
        (status = 200, description = "OpenAPI 3.1", content_type = "application/json", body = serde_json::Value),
        (status = 304, description = "It is the one of `If-None-Match`"),
    )
)]
async fn document(State(own): State<Description>, headers: HeaderMap) -> Response {
    own.document.answer(&headers)
}

/// This description of the API, for people.
#[utoipa::path(
    get,
    path = "/api/docs",
    tag = "Description",
    responses(
        (status = 200, description = "A page", content_type = "text/html", body = String),
        (status = 304, description = "It is the one of `If-None-Match`"),
    )
)]
async fn read(State(own): State<Description>, headers: HeaderMap) -> Response {
    own.page.answer(&headers)
}

/// Says of every route that it takes this role.
pub(crate) fn demand(api: &mut OpenApi, role: Role) {
    let denied = ResponseBuilder::new().description(
        "`role_required`: the caller's role does not reach; `read_only`: nobody may change anything, the detail says why",
    );
    let denied = denied.build();
    for operation in operations(api) {
        operation.security = Some(by_any_scheme(role));
        let responses = &mut operation.responses.responses;
        responses.insert("403".to_owned(), denied.clone().into());
    }
}

/// Each of the ways is enough, where the caller has the role.
fn by_any_scheme(role: Role) -> Vec<SecurityRequirement> {
    let requirement = |scheme| SecurityRequirement::new(scheme, [role.to_string()]);
    SCHEMES.map(requirement).into()
}

/// Says of every route that its answers have a tag.
pub(crate) fn tagged(api: &mut OpenApi) {
    let known = ParameterBuilder::new()
        .name("If-None-Match")
        .parameter_in(ParameterIn::Header)
        .description(Some("The `ETag` of the answer that the client has"))
        .schema(Some(utoipa::schema!(String)))
        .build();
    let unchanged = ResponseBuilder::new()
        .description("There was no cycle since the answer that the client has")
        .build();
    let tag = HeaderBuilder::new()
        .description(Some("Changes with each cycle"))
        .build();
    for operation in operations(api) {
        let parameters = operation.parameters.get_or_insert_default();
        parameters.push(known.clone().into());
        let responses = &mut operation.responses.responses;
        if let Some(utoipa::openapi::RefOr::T(answer)) = responses.get_mut("200") {
            answer.headers.insert("ETag".to_owned(), tag.clone().into());
        }
        responses.insert("304".to_owned(), unchanged.clone().into());
    }
}

fn operations(api: &mut OpenApi) -> impl Iterator<Item = &mut Operation> {
    api.paths.paths.values_mut().flat_map(|item| {
        let PathItem {
            get,
            put,
            post,
            delete,
            ..
        } = item;
        [get, put, post, delete].into_iter().flatten()
    })
}
