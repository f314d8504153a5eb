//! Who asks, and what they may do.

mod attempts;
mod audit;
mod challenge;
mod cookie;
mod credentials;
mod failed_login;
mod guard;
mod identity;
mod password_hash;
mod passwords;
mod policy;
mod public;
mod refusal;
mod same_origin;
mod session;
mod sessions;
mod standing;
mod token_hash;

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use crate::openapi;
use crate::problem::Problem;
use crate::source::Source;
use crate::web_config::WebConfig;
use attempts::Attempts;
pub use audit::{Audit, AuditWriter};
use cookie::CookieScope;
use failed_login::Strangers;
pub(crate) use guard::{Guard, guard};
pub(crate) use password_hash::PasswordHash;
pub use password_hash::hash_password;
use passwords::Passwords;
use policy::Policy;
pub(crate) use session::router as session_router;
use sessions::Sessions;
pub(crate) use standing::Standing;
pub use token_hash::NewToken;
pub(crate) use token_hash::TokenHash;

/// What a caller may do; each may do what those before it may.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Role {
    /// May read.
    Viewer,
    /// May also silence and acknowledge alerts, test channels, and run benchmarks.
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

/// How it is known who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Via {
    /// Nobody is asked, and this host alone can ask.
    Open,
    /// Nobody is asked, and others can ask too.
    Anonymous,
    /// A user's password.
    Basic,
    /// A token in a header.
    Token,
    /// A session's cookie.
    Cookie,
    /// A client certificate.
    Certificate,
}

/// Who asks. Every request that reaches a route carries one as an extension, but those of strangers to what is open to
/// them ([`public`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    /// The user, the name of the token, or the subject of the client certificate; `None` where nobody says who they are.
    pub(crate) name: Option<String>,
    /// What they may do.
    pub(crate) role: Role,
    /// How that is known.
    pub(crate) via: Via,
}

impl Caller {
    fn named(name: &str, role: Role, via: Via) -> Self {
        Self {
            name: Some(name.to_owned()),
            role,
            via,
        }
    }

    fn unnamed(role: Role, via: Via) -> Self {
        Self {
            name: None,
            role,
            via,
        }
    }
}

/// Who can reach the server's address.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reach {
    /// Others too: as long as nobody is asked who they are, everybody may read, and nobody may change anything.
    #[default]
    Network,
    /// This host alone: as long as nobody is asked who they are, everybody may do everything.
    ThisHost,
}

/// How callers are known, and what those may do that are not. Cheap to clone; all clones follow [`Access::apply`].
#[derive(Debug, Clone)]
pub struct Access(Arc<State>);

#[derive(Debug)]
struct State {
    reach: Reach,
    /// Origin and path of the URL under which users reach the server.
    external: Option<External>,
    audit: Option<Audit>,
    /// Replaced as a whole.
    policy: RwLock<Arc<Policy>>,
    passwords: Passwords,
    sessions: Sessions,
    failures: Attempts,
    strangers: Strangers,
    /// Told whenever somebody may have lost what they had.
    changes: watch::Sender<()>,
}

/// The URL under which users reach the server.
#[derive(Debug, Clone)]
struct External {
    origin: String,
    path: String,
    is_https: bool,
}

impl Access {
    /// For a server that `reach` can reach, with what its web configuration file says.
    pub fn new(reach: Reach, config: &WebConfig) -> Self {
        Self(Arc::new(State {
            reach,
            external: None,
            audit: None,
            policy: RwLock::new(Arc::new(Policy::of(config))),
            passwords: Passwords::default(),
            sessions: Sessions::default(),
            failures: Attempts::of_failures(),
            strangers: Strangers::default(),
            changes: watch::Sender::default(),
        }))
    }

    /// Everybody may do everything: for a server that only this host reaches.
    pub fn open() -> Self {
        Self::new(Reach::ThisHost, &WebConfig::default())
    }

    /// Everybody may read, nobody may change anything: for a server that others reach and that asks nobody who they are.
    pub fn read_only() -> Self {
        Self::new(Reach::Network, &WebConfig::default())
    }

    /// The same, with the URL under which users reach the server, where a proxy stands before it: its origin is the
    /// page's too, and its path that of the session's cookie.
    #[must_use]
    pub fn with_external_url(self, origin: &str, path: &str) -> Self {
        let external = External {
            origin: origin.to_owned(),
            path: format!("/{}/", path.trim_matches('/')).replace("//", "/"),
            is_https: origin.starts_with("https:"),
        };
        self.with(|state| state.external = Some(external))
    }

    /// The same, with a log of the calls that change something.
    #[must_use]
    pub fn with_audit(self, audit: Audit) -> Self {
        self.with(|state| state.audit = Some(audit))
    }

    /// Goes by this reading of the file from now on. Sessions of tokens and users that are gone end, and so do their live
    /// events.
    pub fn apply(&self, config: &WebConfig) {
        let policy = Arc::new(Policy::of(config));
        let mut current = self
            .0
            .policy
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *current = Arc::clone(&policy);
        drop(current);
        self.0.passwords.forget();
        self.0
            .sessions
            .keep(|subject| policy.caller(subject, Via::Cookie).is_some());
        self.0.changes.send_replace(());
    }

    fn with(self, change: impl FnOnce(&mut State)) -> Self {
        let mut state = Arc::into_inner(self.0).expect("an access is finished before it is cloned");
        change(&mut state);
        Self(Arc::new(state))
    }

    fn policy(&self) -> Arc<Policy> {
        Arc::clone(&self.0.policy.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Who everybody is, where nobody is asked.
    fn everybody(&self) -> Caller {
        match self.0.reach {
            Reach::ThisHost => Caller::unnamed(Role::Admin, Via::Open),
            Reach::Network => Caller::unnamed(Role::Viewer, Via::Anonymous),
        }
    }

    fn cookie(&self, policy: &Policy) -> CookieScope {
        let external = self.0.external.as_ref();
        CookieScope {
            secure: policy.over_tls || external.is_some_and(|external| external.is_https),
            path: external.map_or_else(|| "/".to_owned(), |external| external.path.clone()),
        }
    }
}

/// These routes, for callers of at least this role.
pub(crate) fn require(role: Role, mut routes: OpenApiRouter<Source>) -> OpenApiRouter<Source> {
    openapi::demand(routes.get_openapi_mut(), role);
    routes.layer(from_fn(move |request: Request, next: Next| async move {
        match refusal_of(request.extensions().get::<Caller>(), role) {
            None => next.run(request).await,
            Some(refusal) => refusal.into_response(),
        }
    }))
}

/// Why this caller may not do what takes this role.
fn refusal_of(caller: Option<&Caller>, role: Role) -> Option<Problem> {
    match caller {
        Some(caller) if caller.role >= role => None,
        Some(caller) if caller.via == Via::Anonymous => Some(Problem::read_only()),
        _ => Some(Problem::role_required(role)),
    }
}
