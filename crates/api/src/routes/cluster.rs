//! What is so with a cluster.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use etcd_monitor_model::Snapshot;

use super::Selection;
use crate::documents::certificates::CertificatesDocument;
use crate::documents::fleet::{Clusters, cluster_lines};
use crate::documents::versions::Versions;
use crate::documents::{
    ClusterCoverage, CoverageDocument, Findings, LeaderDocument, LinkMatrix, MemberList,
    SnapshotDocument, Status,
};
use crate::openapi::{AfterTheFirstCycle, OneCluster};
use crate::problem::Problem;
use crate::source::Source;

/// Each cluster with its verdict, in one line.
#[utoipa::path(
    get,
    path = "/api/v1/clusters",
    tag = "Clusters",
    responses(
        (status = 200, description = "The clusters, in the order of the configuration", body = Clusters),
    )
)]
pub(crate) async fn clusters(State(source): State<Source>) -> Response {
    Json(Clusters {
        clusters: cluster_lines(&source),
    })
    .into_response()
}

/// The verdict on a cluster: its health, leader, quorum, and how old that is.
#[utoipa::path(
    get,
    path = "/api/v1/cluster/status",
    tag = "Clusters",
    params(Selection),
    responses(
        (status = 200, description = "The verdict", body = Status<'static>),
        OneCluster,
    )
)]
pub(crate) async fn status(
    State(source): State<Source>,
    selection: Selection,
) -> Result<Response, Problem> {
    let snapshot = source.snapshot(selection.name())?;
    Ok(Json(Status::of(&snapshot)).into_response())
}

/// The leader, and the latest 100 changes with their causes.
#[utoipa::path(
    get,
    path = "/api/v1/cluster/leader",
    tag = "Clusters",
    params(Selection),
    responses(
        (status = 200, description = "The leader", body = LeaderDocument<'static>),
        OneCluster,
    )
)]
pub(crate) async fn leader(
    State(source): State<Source>,
    selection: Selection,
) -> Result<Response, Problem> {
    let snapshot = source.snapshot(selection.name())?;
    Ok(Json(LeaderDocument::of(&snapshot)).into_response())
}

/// Every member with all that is known of it.
#[utoipa::path(
    get,
    path = "/api/v1/cluster/members",
    tag = "Clusters",
    params(Selection),
    responses(
        (status = 200, description = "The members", body = MemberList<'static>),
        OneCluster,
    )
)]
pub(crate) async fn members(
    State(source): State<Source>,
    selection: Selection,
) -> Result<Response, Problem> {
    let snapshot = source.snapshot(selection.name())?;
    Ok(Json(MemberList::of(&snapshot)).into_response())
}

/// Who hears whom: every direction between two members.
#[utoipa::path(
    get,
    path = "/api/v1/cluster/links",
    tag = "Clusters",
    params(Selection),
    responses(
        (status = 200, description = "The links; none where there are more than 16 members", body = LinkMatrix<'static>),
        OneCluster,
    )
)]
pub(crate) async fn links(
    State(source): State<Source>,
    selection: Selection,
) -> Result<Response, Problem> {
    let snapshot = source.snapshot(selection.name())?;
    Ok(Json(LinkMatrix::of(&snapshot)).into_response())
}

/// The certificates that the members' ports show, and when they end.
#[utoipa::path(
    get,
    path = "/api/v1/cluster/certificates",
    tag = "Clusters",
    params(Selection),
    responses(
        (status = 200, description = "The certificates by port", body = CertificatesDocument<'static>),
        OneCluster,
    )
)]
pub(crate) async fn certificates(
    State(source): State<Source>,
    selection: Selection,
) -> Result<Response, Problem> {
    let snapshot = source.snapshot(selection.name())?;
    Ok(Json(CertificatesDocument::of(&snapshot)).into_response())
}

/// The versions that members run, with their known defects, and as what the cluster acts.
#[utoipa::path(
    get,
    path = "/api/v1/cluster/versions",
    tag = "Clusters",
    params(Selection),
    responses(
        (status = 200, description = "The versions", body = Versions<'static>),
        OneCluster,
    )
)]
pub(crate) async fn versions(
    State(source): State<Source>,
    selection: Selection,
) -> Result<Response, Problem> {
    let snapshot = source.snapshot(selection.name())?;
    Ok(Json(Versions::of(&snapshot)).into_response())
}

/// Everything that the latest cycle says of a cluster, in one document.
#[utoipa::path(
    get,
    path = "/api/v1/cluster/snapshot",
    tag = "Clusters",
    params(Selection),
    responses(
        (status = 200, description = "The snapshot", body = SnapshotDocument<'static>),
        OneCluster,
    )
)]
pub(crate) async fn snapshot(
    State(source): State<Source>,
    selection: Selection,
) -> Result<Response, Problem> {
    let snapshot = source.snapshot(selection.name())?;
    Ok(Json(SnapshotDocument::of(&snapshot)).into_response())
}

/// Every evaluated finding: true, false, or unknown with the reason.
///
/// Of one cluster where one is named, else of all.
#[utoipa::path(
    get,
    path = "/api/v1/findings",
    tag = "Findings",
    params(("cluster" = Option<String>, Query, description = "The name of a cluster. Left out: all")),
    responses(
        (status = 200, description = "The findings of each cluster, worst first", body = Findings<'static>),
        AfterTheFirstCycle,
    )
)]
pub(crate) async fn findings(
    State(source): State<Source>,
    selection: Selection,
) -> Result<Response, Problem> {
    let snapshots = chosen(&source, &selection)?;
    let findings = snapshots
        .iter()
        .flat_map(|snapshot| &snapshot.findings)
        .collect();
    Ok(Json(Findings { findings }).into_response())
}

/// What could not be judged, and why.
///
/// Of one cluster where one is named, else of all.
#[utoipa::path(
    get,
    path = "/api/v1/coverage",
    tag = "Findings",
    params(("cluster" = Option<String>, Query, description = "The name of a cluster. Left out: all")),
    responses(
        (status = 200, description = "What is not looked at", body = CoverageDocument<'static>),
        AfterTheFirstCycle,
    )
)]
pub(crate) async fn coverage(
    State(source): State<Source>,
    selection: Selection,
) -> Result<Response, Problem> {
    let snapshots = chosen(&source, &selection)?;
    let clusters = snapshots
        .iter()
        .map(|snapshot| ClusterCoverage::of(snapshot))
        .collect();
    Ok(Json(CoverageDocument { clusters }).into_response())
}

/// The latest snapshot of the named cluster, else those of all.
fn chosen(source: &Source, selection: &Selection) -> Result<Vec<Arc<Snapshot>>, Problem> {
    match selection.name() {
        Some(name) => source.snapshot(Some(name)).map(|snapshot| vec![snapshot]),
        None => Ok(source.snapshots()),
    }
}
