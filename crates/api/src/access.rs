//! Who asks, and what they may do.

use std::fmt;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::problem::Problem;
use crate::source::Source;

/// What a caller may do; each may do what those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Role {
    /// May read.
    Viewer,
    /// May also silence and acknowledge alerts, and test channels.
    Operator,
    /// May also load the configuration again.
    Admin,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        })
    }
}

/// Who asks. Every request that reaches a route carries one as an extension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    /// The user, the name of the token, or the subject of the client certificate; `None` where nobody says who they are.
    pub(crate) name: Option<String>,
    /// What they may do.
    pub(crate) role: Role,
}

/// How callers are known, and what those may do that are not. Cheap to clone.
#[derive(Debug, Clone, Copy)]
pub struct Access {
    anonymous: Role,
}

impl Access {
    /// Everybody may do everything: for a server that only this host reaches.
    pub fn open() -> Self {
        Self {
            anonymous: Role::Admin,
        }
    }

    /// Everybody may read, nobody may change anything: for a server that others reach and that asks nobody who they are.
    pub fn read_only() -> Self {
        Self {
            anonymous: Role::Viewer,
        }
    }
}

/// Finds out who asks.
pub(crate) async fn identify(
    State(access): State<Access>,
    mut request: Request,
    next: Next,
) -> Response {
    let caller = Caller {
        name: None,
        role: access.anonymous,
    };
    request.extensions_mut().insert(caller);
    next.run(request).await
}

/// These routes, for callers of at least this role.
pub(crate) fn require(role: Role, routes: Router<Source>) -> Router<Source> {
    routes.layer(from_fn(move |request: Request, next: Next| async move {
        let caller = request.extensions().get::<Caller>();
        match caller {
            Some(caller) if caller.role >= role => next.run(request).await,
            _ => Problem::role_required(role).into_response(),
        }
    }))
}
