//! Schemas of types that are not ours.

use utoipa::ToSchema;

use crate::ProbeFailure;

/// An answer, or why there is none: one of the two is there.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it stands for a result, and is never made")]
pub(crate) struct ProbeResult<T> {
    /// The answer.
    #[schema(rename = "Ok", nullable = false)]
    answer: Option<T>,
    /// Why there is none.
    #[schema(rename = "Err", nullable = false)]
    failure: Option<ProbeFailure>,
}
