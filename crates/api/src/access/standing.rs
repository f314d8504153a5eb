//! Whether a caller still is who they were when their request was let in: for answers that have no end.

use std::time::Duration;

use tokio::time::sleep;

use super::policy::Policy;
use super::sessions::{SessionKey, Subject};
use super::{Access, Caller, Role, Via};
use crate::connection::ClientCertificate;

/// Between two looks at the clock. Sessions, tokens and certificates end by it, everything else is heard of at once.
const LOOK_PAUSE: Duration = Duration::from_secs(5);

/// By what it is known who sent a request.
#[derive(Debug, Clone)]
pub(crate) enum Proof {
    /// Nobody is asked.
    NotAsked,
    /// A token or a password.
    Subject(Subject, Via),
    Session(SessionKey),
    Certificate(ClientCertificate),
}

/// The right to be answered, for as long as it stands. An extension of every request whose sender is known.
#[derive(Debug, Clone)]
pub(crate) struct Standing {
    access: Access,
    proof: Proof,
    role: Role,
}

impl Access {
    /// Who this proves its sender to be by now; `None`: nobody any more.
    pub(super) fn caller_by(&self, policy: &Policy, proof: &Proof) -> Option<Caller> {
        match proof {
            Proof::NotAsked => (!policy.authenticates).then(|| self.everybody()),
            Proof::Subject(subject, via) => policy.caller(subject, *via),
            Proof::Session(key) => policy.caller(&self.0.sessions.of(key)?, Via::Cookie),
            Proof::Certificate(certificate) => policy.holder(certificate),
        }
    }
}

impl Standing {
    pub(super) fn new(access: &Access, proof: Proof, role: Role) -> Self {
        Self {
            access: access.clone(),
            proof,
            role,
        }
    }

    /// Waits until the session or token has ended, the file no longer knows the sender, or grants less than it did.
    pub(crate) async fn ended(self) {
        let mut changes = self.access.0.changes.subscribe();
        while self.holds() {
            tokio::select! {
                // The sender of changes is a part of `access`.
                _ = changes.changed() => {}
                () = sleep(LOOK_PAUSE) => {}
            }
        }
    }

    fn holds(&self) -> bool {
        let now = self.access.caller_by(&self.access.policy(), &self.proof);
        now.is_some_and(|caller| caller.role >= self.role)
    }
}
