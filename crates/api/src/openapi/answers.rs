//! Answers that several routes give.

use std::collections::BTreeMap;

use utoipa::IntoResponses;
use utoipa::openapi::{RefOr, Response};

const CLUSTER_REQUIRED: &str =
    "`cluster_required`: several clusters are watched, and none is named";
const NOT_READY: &str = "`not_ready`: the first cycle of the cluster has not ended yet";
const NO_HISTORY: &str = "`no_history`: this monitor keeps none";

/// Of routes that answer for one cluster, by its latest snapshot.
pub(crate) struct OneCluster;

/// Of routes that answer for one cluster, by its history.
pub(crate) struct HistoryOfOneCluster;

/// Of routes that answer for one cluster, by its history and its latest snapshot.
pub(crate) struct HistoryAfterTheFirstCycle;

/// Of routes that answer for one cluster or for all, by the latest snapshots.
pub(crate) struct AfterTheFirstCycle;

impl IntoResponses for OneCluster {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        answers([("400", CLUSTER_REQUIRED), ("503", NOT_READY)])
    }
}

impl IntoResponses for HistoryOfOneCluster {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        answers([
            ("400", CLUSTER_REQUIRED),
            ("404", NO_HISTORY),
            ("503", "`history_unavailable`: the store cannot answer"),
        ])
    }
}

impl IntoResponses for HistoryAfterTheFirstCycle {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let unavailable =
            "`not_ready`: before the first cycle; `history_unavailable`: the store cannot answer";
        answers([
            ("400", CLUSTER_REQUIRED),
            ("404", NO_HISTORY),
            ("503", unavailable),
        ])
    }
}

impl IntoResponses for AfterTheFirstCycle {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        answers([("503", NOT_READY)])
    }
}

fn answers<const N: usize>(told: [(&str, &str); N]) -> BTreeMap<String, RefOr<Response>> {
    let answer = |(status, when): (&str, &str)| (status.to_owned(), Response::new(when).into());
    told.into_iter().map(answer).collect()
}
