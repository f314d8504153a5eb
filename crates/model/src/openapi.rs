//! Schemas of types that are not ours.

use utoipa::ToSchema;

use crate::ProbeFailure;

/// An answer, or why there is none.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it stands for a result, and is never made")]
pub(crate) enum ProbeResult<T> {
    /// The answer.
    Ok(T),
    /// Why there is none.
    Err(ProbeFailure),
}
