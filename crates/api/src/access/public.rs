//! What is open to strangers, where callers have to say who they are.

use crate::assets;

/// Whether the daemon lives, for kubelets and load balancers.
const HEALTH: [&str; 7] = [
    "/health",
    "/ready",
    "/-/healthy",
    "/-/ready",
    "/healthz",
    "/readyz",
    "/livez",
];

/// How a page signs in and out.
pub(crate) const SESSION: &str = "/api/v1/session";

/// What a path is to a stranger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Openness {
    /// A file of the page; it says nothing about any cluster.
    File,
    /// Whether the daemon lives; strangers learn no more.
    Health,
    Session,
    Closed,
}

impl Openness {
    pub(crate) fn of(path: &str) -> Self {
        match path {
            SESSION => Self::Session,
            path if HEALTH.contains(&path) => Self::Health,
            path if assets::is_one(path) => Self::File,
            _ => Self::Closed,
        }
    }
}
