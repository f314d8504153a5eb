//! Checks passwords: off the async threads, one at a time, and each right one only once for each client.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hmac::{Hmac, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use tokio::sync::Semaphore;

use super::attempts::{Attempts, Client};
use super::password_hash::{PasswordHash, spend};

/// Right answers that are kept; beyond them all are checked again.
const VERDICTS_MAX: usize = 1_000;

/// Checks that may wait for their turn.
const WAITING_MAX: usize = 32;

/// What a client may wait where too many checks wait.
const BUSY_PAUSE: Duration = Duration::from_secs(2);

/// Why a password was not taken.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum PasswordError {
    /// User or password are wrong.
    Wrong,
    /// This client tried too often.
    TooOften(Duration),
    /// Too many passwords wait for their check.
    Busy(Duration),
}

/// A user's name and password, as a client sent them.
#[derive(Debug, Clone)]
pub(crate) struct Login {
    pub(crate) user: String,
    pub(crate) password: SecretString,
}

/// What a login is checked against.
#[derive(Debug, Clone)]
pub(crate) struct Expected {
    /// `None`: there is no such user.
    pub(crate) hash: Option<PasswordHash>,
    /// The highest cost of all users: every check takes as long as one of this cost, whoever the user is.
    pub(crate) cost: u32,
}

pub(crate) struct Passwords {
    /// Of this process, so that a verdict means nothing to who reads the memory of another.
    key: [u8; 32],
    /// What was right, and for whom: another client must find it out by itself, and be counted.
    right: Mutex<HashMap<Verdict, Client>>,
    turn: Semaphore,
    waiting: Semaphore,
}

type Verdict = [u8; 32];

impl fmt::Debug for Passwords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Passwords").finish_non_exhaustive()
    }
}

impl Default for Passwords {
    fn default() -> Self {
        Self {
            key: rand::random(),
            right: Mutex::default(),
            turn: Semaphore::new(1),
            waiting: Semaphore::new(WAITING_MAX),
        }
    }
}

impl Passwords {
    /// Checks a login. Those of other clients do not wait for one that is known to be right.
    pub(crate) async fn check(
        &self,
        login: Login,
        expected: Expected,
        failures: &Attempts,
        client: Client,
    ) -> Result<(), PasswordError> {
        let verdict = expected
            .hash
            .as_ref()
            .map(|hash| self.verdict(&login, hash, client));
        if self.is_right(verdict) {
            return Ok(());
        }
        let Ok(_place) = self.waiting.try_acquire() else {
            return Err(PasswordError::Busy(BUSY_PAUSE));
        };
        // It is never closed.
        let Ok(_turn) = self.turn.acquire().await else {
            return Err(PasswordError::Busy(BUSY_PAUSE));
        };
        // A page sends its first requests together: one check serves them all.
        if self.is_right(verdict) {
            return Ok(());
        }
        if let Err(wait) = failures.count(client) {
            // Else it would be told at once that it is right, as often as it is tried.
            self.forget_of(client);
            return Err(PasswordError::TooOften(wait));
        }
        let checked = tokio::task::spawn_blocking(move || takes(&login, &expected)).await;
        match (checked, verdict) {
            (Ok(true), Some(verdict)) => {
                self.keep(verdict, client);
                Ok(())
            }
            _ => Err(PasswordError::Wrong),
        }
    }

    /// Forgets what was right.
    pub(crate) fn forget(&self) {
        self.lock().clear();
    }

    fn forget_of(&self, client: Client) {
        self.lock().retain(|_, other| *other != client);
    }

    fn is_right(&self, verdict: Option<Verdict>) -> bool {
        verdict.is_some_and(|verdict| self.lock().contains_key(&verdict))
    }

    fn keep(&self, verdict: Verdict, client: Client) {
        let mut right = self.lock();
        if right.len() >= VERDICTS_MAX {
            right.clear();
        }
        right.insert(verdict, client);
    }

    /// What stands for client, user, hash and password together. Who does not have them can neither make nor read it.
    fn verdict(&self, login: &Login, hash: &PasswordHash, client: Client) -> Verdict {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.key).expect("HMAC takes keys of any length");
        let client = client.bytes();
        for part in [
            client.as_slice(),
            login.user.as_bytes(),
            hash.as_str().as_bytes(),
            login.password.expose_secret().as_bytes(),
        ] {
            mac.update(&(part.len() as u64).to_le_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Verdict, Client>> {
        self.right.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A check of one cost takes as long as one of each cost from it up, and one more of the lowest: 2⁴ + 2⁴ + 2⁵ = 2⁶.
/// So every login takes as long as the costliest user's, and tells nobody which users there are.
fn takes(login: &Login, expected: &Expected) -> bool {
    let Some(hash) = &expected.hash else {
        spend(&login.password, expected.cost);
        return false;
    };
    let takes = hash.is_of(&login.password);
    for cost in hash.cost()..expected.cost {
        spend(&login.password, cost);
    }
    takes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(password: &str, cost: u32) -> PasswordHash {
        PasswordHash::parse(&bcrypt::hash(password, cost).unwrap()).unwrap()
    }

    fn login(user: &str, password: &str) -> Login {
        Login {
            user: user.to_owned(),
            password: password.into(),
        }
    }

    async fn check(
        passwords: &Passwords,
        tried: Login,
        of: Option<PasswordHash>,
    ) -> Result<(), PasswordError> {
        let expected = Expected { hash: of, cost: 5 };
        let failures = Attempts::of_failures();
        passwords
            .check(tried, expected, &failures, Client::Other)
            .await
    }

    #[tokio::test]
    async fn a_right_password_is_checked_once_until_it_is_forgotten() {
        let passwords = Passwords::default();
        let known = hash("secret", 4);
        let failures = Attempts::of_failures();
        let of = Expected {
            hash: Some(known),
            cost: 4,
        };
        let tried = || {
            passwords.check(
                login("alice", "secret"),
                of.clone(),
                &failures,
                Client::Other,
            )
        };
        for _ in 0..30 {
            // More than wrong attempts are allowed: only the first one counts.
            assert_eq!(tried().await, Ok(()));
        }
        passwords.forget();
        assert!(passwords.lock().is_empty());
        assert_eq!(tried().await, Ok(()));
    }

    #[tokio::test]
    async fn what_is_right_for_one_is_not_for_another() {
        let passwords = Passwords::default();
        let known = hash("secret", 4);
        assert_eq!(
            check(&passwords, login("alice", "secret"), Some(known.clone())).await,
            Ok(())
        );
        for (tried, of) in [
            (login("alice", "Secret"), Some(known.clone())),
            (login("alice", "secret"), Some(hash("other", 4))),
            (login("alicese", "cret"), Some(hash("other", 4))),
            (login("alice", "secret"), None),
        ] {
            assert_eq!(
                check(&passwords, tried, of).await,
                Err(PasswordError::Wrong)
            );
        }
    }

    /// Who has spent the attempts of an address is not told which password was right: neither where another address
    /// knows it, nor where this one did.
    #[tokio::test]
    async fn what_is_right_is_not_told_to_who_has_tried_too_often() {
        let passwords = Passwords::default();
        let failures = Attempts::of_failures();
        let expected = Expected {
            hash: Some(hash("secret", 4)),
            cost: 4,
        };
        let client = |last| Client::V4([10, 0, 0, last]);
        let tried = |password, from| {
            let login = login("alice", password);
            passwords.check(login, expected.clone(), &failures, client(from))
        };
        assert_eq!(tried("secret", 1).await, Ok(()));
        for _ in 0..10 {
            assert_eq!(tried("wrong", 2).await, Err(PasswordError::Wrong));
        }
        let is_locked = |outcome| matches!(outcome, Err(PasswordError::TooOften(_)));
        assert!(is_locked(tried("secret", 2).await));
        assert_eq!(tried("secret", 1).await, Ok(()), "others are known still");
        for _ in 0..9 {
            assert_eq!(tried("wrong", 1).await, Err(PasswordError::Wrong));
        }
        assert_eq!(
            tried("secret", 1).await,
            Ok(()),
            "it has tried often, not too often"
        );
        assert!(is_locked(tried("wrong", 1).await));
        assert!(is_locked(tried("secret", 1).await));
    }

    #[tokio::test]
    async fn a_flood_is_refused_before_it_costs_anything() {
        let passwords = Passwords::default();
        let failures = Attempts::of_failures();
        let none = Expected {
            hash: None,
            cost: 4,
        };
        let tries = (0..12)
            .map(|_| passwords.check(login("x", "y"), none.clone(), &failures, Client::Other));
        let mut refused = futures_util::future::join_all(tries).await;
        refused.retain(|outcome| matches!(outcome, Err(PasswordError::TooOften(_))));
        assert_eq!(refused.len(), 2);
        let _all = passwords.waiting.try_acquire_many(32).unwrap();
        let busy = check(&passwords, login("x", "y"), None).await;
        assert_eq!(busy, Err(PasswordError::Busy(BUSY_PAUSE)));
    }

    #[test]
    fn every_login_takes_the_rounds_of_the_costliest() {
        for cost in 4..8_u32 {
            let rounds: u64 = (cost..8).map(|step| 1 << step).sum::<u64>() + (1 << cost);
            assert_eq!(rounds, 1 << 8);
        }
        let expected = Expected {
            hash: Some(hash("secret", 4)),
            cost: 6,
        };
        assert!(takes(&login("alice", "secret"), &expected));
    }
}
