//! Sessions of browsers: a random id in a cookie, in the place of a token that a page could leak.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::time::Instant;

use super::password_hash::PasswordHash;
use super::token_hash::{TokenHash, random_text};

/// How long a session lives, whatever it does.
pub(crate) const LIFETIME: Duration = Duration::from_hours(12);

/// Sessions of one token or user; one more ends the oldest.
const PER_SUBJECT_MAX: usize = 32;

/// For whom a session stands. It ends when the file no longer has this.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Subject {
    Token(TokenHash),
    User { name: String, hash: PasswordHash },
}

/// The sessions that live, by the hashes of their ids.
#[derive(Default)]
pub(crate) struct Sessions(Mutex<HashMap<IdHash, Session>>);

type IdHash = [u8; 32];

/// One of the sessions. It tells nothing of its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SessionKey(IdHash);

struct Session {
    subject: Subject,
    began_at: Instant,
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions").finish_non_exhaustive()
    }
}

impl Sessions {
    /// Begins a session and gives its id.
    pub(crate) fn begin(&self, subject: Subject) -> String {
        let mut sessions = self.lock();
        sessions.retain(|_, session| session.lives());
        let own = sessions
            .iter()
            .filter(|(_, session)| session.subject == subject);
        let own: Vec<_> = own.map(|(id, session)| (session.began_at, *id)).collect();
        if own.len() >= PER_SUBJECT_MAX
            && let Some((_, oldest)) = own.into_iter().min()
        {
            sessions.remove(&oldest);
        }
        let id = random_text();
        let began_at = Instant::now();
        sessions.insert(hash(&id), Session { subject, began_at });
        id
    }

    /// The session that has this id, where there may be one.
    pub(crate) fn key(id: &str) -> SessionKey {
        SessionKey(hash(id))
    }

    /// For whom a session stands.
    pub(crate) fn of(&self, key: &SessionKey) -> Option<Subject> {
        let sessions = self.lock();
        let session = sessions.get(&key.0).filter(|session| session.lives());
        session.map(|session| session.subject.clone())
    }

    /// Ends a session. True when there was one.
    pub(crate) fn end(&self, id: &str) -> bool {
        self.lock().remove(&hash(id)).is_some()
    }

    /// Ends those of whom `lives` does not hold.
    pub(crate) fn keep(&self, lives: impl Fn(&Subject) -> bool) {
        self.lock().retain(|_, session| lives(&session.subject));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IdHash, Session>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session {
    fn lives(&self) -> bool {
        self.began_at.elapsed() < LIFETIME
    }
}

fn hash(id: &str) -> IdHash {
    Sha256::digest(id).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::NewToken;

    fn subject() -> Subject {
        Subject::Token(TokenHash::parse(&NewToken::random().hash).unwrap())
    }

    fn find(sessions: &Sessions, id: &str) -> Option<Subject> {
        sessions.of(&Sessions::key(id))
    }

    #[tokio::test(start_paused = true)]
    async fn a_session_ends_after_its_lifetime_or_when_it_is_ended() {
        let sessions = Sessions::default();
        let subject = subject();
        let (first, second) = (
            sessions.begin(subject.clone()),
            sessions.begin(subject.clone()),
        );
        assert_eq!(find(&sessions, &first), Some(subject.clone()));
        assert!(sessions.end(&first) && !sessions.end(&first));
        assert_eq!(find(&sessions, &first), None);
        tokio::time::advance(LIFETIME.saturating_sub(Duration::from_secs(1))).await;
        assert_eq!(find(&sessions, &second), Some(subject));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(find(&sessions, &second), None);
    }

    #[tokio::test(start_paused = true)]
    async fn one_subject_has_so_many_and_takes_none_from_others() {
        let sessions = Sessions::default();
        let (one, other) = (subject(), subject());
        let of_other = sessions.begin(other.clone());
        let mut ids = Vec::new();
        for _ in 0..=PER_SUBJECT_MAX {
            tokio::time::advance(Duration::from_secs(1)).await;
            ids.push(sessions.begin(one.clone()));
        }
        assert_eq!(find(&sessions, &ids[0]), None);
        assert!(ids[1..].iter().all(|id| find(&sessions, id).is_some()));
        assert_eq!(find(&sessions, &of_other), Some(other.clone()));
        sessions.keep(|subject| *subject == other);
        assert_eq!(find(&sessions, &ids[1]), None);
        assert!(find(&sessions, &of_other).is_some());
    }
}
