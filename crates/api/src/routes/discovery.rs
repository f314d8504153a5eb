//! Where Prometheus finds the members.

use axum::Json;
use axum::extract::State;
use etcd_monitor_model::{MemberSnapshot, Snapshot};
use serde::Serialize;
use utoipa::ToSchema;

use super::Selection;
use crate::exporter::member_labels;
use crate::openapi::AfterTheFirstCycle;
use crate::problem::Problem;
use crate::source::Source;

/// One member as `http_sd_config` reads it.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct TargetGroup {
    /// Host and port.
    #[schema(value_type = Vec<String>, min_items = 1, max_items = 1)]
    targets: [String; 1],
    labels: TargetLabels,
}

/// Labels of a target; those that begin with underscores tell Prometheus how to scrape it.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
struct TargetLabels {
    cluster: String,
    /// Its name; with its id where two have the same.
    member: String,
    #[serde(rename = "__scheme__")]
    scheme: String,
    #[serde(rename = "__metrics_path__")]
    metrics_path: String,
}

/// The members for Prometheus' `http_sd_config`.
///
/// Of one cluster where one is named, else of all. Fails while a cluster has no snapshot yet: an empty list would make
/// Prometheus forget the members it knows.
#[utoipa::path(
    get,
    path = "/api/v1/sd",
    tag = "Metrics",
    params(("cluster" = Option<String>, Query, description = "The name of a cluster. Left out: all")),
    responses(
        (status = 200, description = "A group for each member that serves metrics somewhere", body = Vec<TargetGroup>),
        AfterTheFirstCycle,
    )
)]
pub(crate) async fn members(
    State(source): State<Source>,
    selection: Selection,
) -> Result<Json<Vec<TargetGroup>>, Problem> {
    let names = match selection.name() {
        Some(name) => vec![name.to_owned()],
        None => source.cluster_names(),
    };
    let mut groups = Vec::new();
    for name in &names {
        groups.extend(groups_of(&*source.snapshot(Some(name))?));
    }
    Ok(Json(groups))
}

fn groups_of(snapshot: &Snapshot) -> Vec<TargetGroup> {
    let labels = member_labels(snapshot).into_iter();
    labels
        .zip(&snapshot.members)
        .filter_map(|(label, member)| group(snapshot, label, member))
        .collect()
}

/// Nothing for a member that serves its page nowhere that is known.
fn group(snapshot: &Snapshot, member: String, seen: &MemberSnapshot) -> Option<TargetGroup> {
    let (scheme, rest) = seen.metrics_url.as_ref()?.split_once("://")?;
    let (address, path) = rest.split_once('/')?;
    Some(TargetGroup {
        targets: [address.to_owned()],
        labels: TargetLabels {
            cluster: snapshot.cluster.as_str().to_owned(),
            member,
            scheme: scheme.to_owned(),
            metrics_path: format!("/{path}"),
        },
    })
}
