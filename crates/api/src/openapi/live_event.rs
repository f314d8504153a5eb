//! The live events, which a document of requests and answers has no other place for.

use utoipa::{OpenApi, ToSchema};

use crate::documents::SnapshotDocument;
use crate::documents::alerts::{LiveAlerts, NumberedEvent};
use crate::documents::fleet::Clusters;
use crate::problem::Problem;
use crate::routes::Reset;

/// One live event: its name and the document in its `data`.
///
/// `alert_event`, `alerts` and `reset` have an `id`, to open the stream again after.
#[derive(ToSchema)]
#[serde(tag = "event", content = "data", rename_all = "snake_case")]
#[expect(
    dead_code,
    clippy::large_enum_variant,
    reason = "it describes events, which are written by the name of each, and is never made"
)]
enum LiveEvent {
    Clusters(Clusters),
    Snapshot(SnapshotDocument<'static>),
    AlertEvent(NumberedEvent<'static>),
    Alerts(LiveAlerts<'static>),
    Reset(Reset),
}

/// What no route names as its own.
#[derive(OpenApi)]
#[openapi(components(schemas(LiveEvent, Problem)))]
pub(super) struct LiveEvents;
