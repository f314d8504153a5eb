//! Passwords of basic authentication, and the bcrypt hashes that a file knows them by.

use std::fmt;
use std::str::FromStr;

use secrecy::{ExposeSecret, SecretString};

/// Each step doubles the time of a check; 14 takes about a second.
const COST_MAX: u32 = 14;

/// Below it a hash that leaks is soon broken.
const COST_SOUND: u32 = 10;

/// bcrypt reads no more of a password.
const PASSWORD_BYTES_MAX: usize = 72;

/// What `hash_password` takes; the cost that the field uses today.
const COST_OF_NEW: u32 = 12;

/// A bcrypt hash as htpasswd and others write it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct PasswordHash {
    text: String,
    cost: u32,
}

impl PasswordHash {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let parts = bcrypt::HashParts::from_str(text).map_err(|_| {
            "the password is no bcrypt hash ($2y$10$…); etcd-monitor hash-password makes one"
                .to_owned()
        })?;
        let cost = parts.get_cost();
        if !(4..=COST_MAX).contains(&cost) {
            return Err(format!(
                "the bcrypt cost is {cost}; 4 to {COST_MAX} are taken, since each more doubles the time of a check"
            ));
        }
        Ok(Self {
            text: text.to_owned(),
            cost,
        })
    }

    /// What there is to say against it.
    pub(crate) fn weakness(&self) -> Option<String> {
        (self.cost < COST_SOUND).then(|| {
            let cost = self.cost;
            format!("a bcrypt cost of {cost} is soon broken when the file leaks; use {COST_SOUND} or more")
        })
    }

    pub(crate) fn cost(&self) -> u32 {
        self.cost
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether this is the password's hash. As slow as its cost says: not for an async thread.
    pub(crate) fn is_of(&self, password: &SecretString) -> bool {
        bcrypt::verify(password.expose_secret(), &self.text).unwrap_or(false)
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash")
    }
}

/// Takes as long as a check of this cost, and finds nothing.
pub(crate) fn spend(password: &SecretString, cost: u32) {
    let password = password.expose_secret().as_bytes();
    let mut read = [0; PASSWORD_BYTES_MAX];
    let length = password.len().min(PASSWORD_BYTES_MAX);
    read[..length].copy_from_slice(&password[..length]);
    std::hint::black_box(bcrypt::bcrypt(cost, [0; 16], &read));
}

/// The bcrypt hash of a password, for `basic_auth_users`.
///
/// # Errors
/// Says what is wrong with the password: it is empty, or longer than the 72 bytes that bcrypt reads.
pub fn hash_password(password: &SecretString) -> Result<String, String> {
    match password.expose_secret().len() {
        0 => Err("the password is empty".to_owned()),
        bytes if bytes > PASSWORD_BYTES_MAX => Err(format!(
            "the password has {bytes} bytes, and bcrypt reads {PASSWORD_BYTES_MAX} of them; choose a shorter one"
        )),
        _ => bcrypt::hash(password.expose_secret(), COST_OF_NEW).map_err(|error| error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_of_other_tools_are_read() {
        // As Apache's htpasswd -nBC 4 writes it, and the same with the names of other versions.
        let hash = bcrypt::hash("secret", 4).unwrap();
        for version in ["2a", "2b", "2y"] {
            let text = hash.replacen("2b", version, 1);
            let parsed = PasswordHash::parse(&text).unwrap();
            assert!(parsed.is_of(&"secret".into()), "{version}");
            assert!(!parsed.is_of(&"Secret".into()), "{version}");
        }
    }

    #[test]
    fn costs_are_bounded_and_low_ones_are_told() {
        let hash = bcrypt::hash("secret", 4).unwrap();
        let costly = hash.replacen("$04$", "$15$", 1);
        assert!(
            PasswordHash::parse(&costly)
                .unwrap_err()
                .contains("4 to 14")
        );
        let parsed = PasswordHash::parse(&hash).unwrap();
        assert!(parsed.weakness().unwrap().contains("cost of 4"));
        assert!(
            PasswordHash::parse("secret")
                .unwrap_err()
                .contains("hash-password")
        );
        assert!(!format!("{parsed:?}").contains('$'));
    }

    #[test]
    fn a_new_hash_is_one_that_is_taken() {
        let hash = hash_password(&"correct horse".into()).unwrap();
        let hash = PasswordHash::parse(&hash).unwrap();
        assert_eq!((hash.cost(), hash.weakness()), (COST_OF_NEW, None));
        assert!(hash.is_of(&"correct horse".into()));
        assert!(hash_password(&"x".repeat(73).into()).is_err());
        assert!(hash_password(&"".into()).is_err());
    }
}
