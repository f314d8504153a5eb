//! Schemas of types that are not ours.

use utoipa::ToSchema;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, Type};

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

/// How `()` is written: null, since that it was done says it all.
pub(crate) struct Done;

impl utoipa::PartialSchema for Done {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::Null).into()
    }
}

impl ToSchema for Done {}
