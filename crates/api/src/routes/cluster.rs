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
use crate::problem::Problem;
use crate::source::Source;

pub(crate) async fn clusters(State(source): State<Source>) -> Response {
    Json(Clusters {
        clusters: cluster_lines(&source),
    })
    .into_response()
}

pub(crate) async fn status(
    State(source): State<Source>,
    selection: Selection,
) -> Result<Response, Problem> {
    let snapshot = source.snapshot(selection.name())?;
    Ok(Json(Status::of(&snapshot)).into_response())
}

pub(crate) async fn leader(
    State(source): State<Source>,
    selection: Selection,
) -> Result<Response, Problem> {
    let snapshot = source.snapshot(selection.name())?;
    Ok(Json(LeaderDocument::of(&snapshot)).into_response())
}

pub(crate) async fn members(
    State(source): State<Source>,
    selection: Selection,
) -> Result<Response, Problem> {
    let snapshot = source.snapshot(selection.name())?;
    Ok(Json(MemberList::of(&snapshot)).into_response())
}

pub(crate) async fn links(
    State(source): State<Source>,
    selection: Selection,
) -> Result<Response, Problem> {
    let snapshot = source.snapshot(selection.name())?;
    Ok(Json(LinkMatrix::of(&snapshot)).into_response())
}

pub(crate) async fn certificates(
    State(source): State<Source>,
    selection: Selection,
) -> Result<Response, Problem> {
    let snapshot = source.snapshot(selection.name())?;
    Ok(Json(CertificatesDocument::of(&snapshot)).into_response())
}

pub(crate) async fn versions(
    State(source): State<Source>,
    selection: Selection,
) -> Result<Response, Problem> {
    let snapshot = source.snapshot(selection.name())?;
    Ok(Json(Versions::of(&snapshot)).into_response())
}

pub(crate) async fn snapshot(
    State(source): State<Source>,
    selection: Selection,
) -> Result<Response, Problem> {
    let snapshot = source.snapshot(selection.name())?;
    Ok(Json(SnapshotDocument::of(&snapshot)).into_response())
}

/// Of one cluster where one is named, else of all.
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

/// What could not be judged. Of one cluster where one is named, else of all.
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
