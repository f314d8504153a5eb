//! Bearer tokens, and the hashes that a file knows them by.

use std::fmt::{self, Write};
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// What a token of ours begins with, so that scanners of repositories can find one that was published.
const PREFIX: &str = "etm_";

/// A shorter one could be guessed: it is refused whatever the file says.
pub(crate) const TOKEN_CHARS_MIN: usize = 32;

/// Longer ones are not looked at.
pub(crate) const TOKEN_CHARS_MAX: usize = 512;

const SALT_BYTES: usize = 16;

/// A salted SHA-256 of a token, written `sha256:SALT:DIGEST` in hex. A token is random, so that a fast hash is safe.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct TokenHash {
    salt: [u8; SALT_BYTES],
    digest: [u8; 32],
}

/// A token that was just made, and what the web configuration file knows it by.
#[derive(Debug)]
#[non_exhaustive]
pub struct NewToken {
    /// What the client sends; it is kept nowhere.
    pub token: SecretString,
    /// What stands in the file.
    pub hash: String,
}

impl NewToken {
    /// A token with 256 random bits.
    pub fn random() -> Self {
        let token = format!("{PREFIX}{}", random_text());
        let hash = TokenHash::of(&token, rand::random());
        Self {
            hash: hash.to_string(),
            token: token.into(),
        }
    }
}

/// 256 random bits as 43 characters.
pub(crate) fn random_text() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

impl TokenHash {
    fn of(token: &str, salt: [u8; SALT_BYTES]) -> Self {
        let digest = Sha256::new().chain_update(salt).chain_update(token);
        Self {
            salt,
            digest: digest.finalize().into(),
        }
    }

    /// Reads a hash as written in the file.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let wrong = || {
            "the hash of a token is sha256:SALT:DIGEST in hex; etcd-monitor hash-token makes a token with its hash"
                .to_owned()
        };
        text.parse().map_err(|()| wrong())
    }

    /// Whether this is the token's hash. How long it takes tells nothing of how much of it is right.
    pub(crate) fn is_of(&self, token: &SecretString) -> bool {
        let other = Self::of(token.expose_secret(), self.salt);
        other.digest.ct_eq(&self.digest).into()
    }
}

impl FromStr for TokenHash {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.trim().split(':');
        let (kind, salt, digest) = (parts.next(), parts.next(), parts.next());
        if kind != Some("sha256") || parts.next().is_some() {
            return Err(());
        }
        Ok(Self {
            salt: salt.and_then(from_hex).ok_or(())?,
            digest: digest.and_then(from_hex).ok_or(())?,
        })
    }
}

impl fmt::Display for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}:{}", hex(&self.salt), hex(&self.digest))
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash")
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a text cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != 2 * N || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; N];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_token_is_known_by_its_hash_alone() {
        let new = NewToken::random();
        let hash = TokenHash::parse(&new.hash).unwrap();
        assert!(hash.is_of(&new.token));
        assert!(!hash.is_of(&NewToken::random().token));
        assert!(new.token.expose_secret().len() >= TOKEN_CHARS_MIN);
        assert!(!new.hash.contains(new.token.expose_secret()));
        assert_eq!(hash.to_string(), new.hash);
        assert!(!format!("{hash:?} {new:?}").contains(new.token.expose_secret()));
    }

    #[test]
    fn the_hash_is_salt_and_token_through_sha256() {
        // printf '\000…(16 times)abc' | sha256sum
        let hash = TokenHash::of("abc", [0; SALT_BYTES]);
        let digest = Sha256::digest([&[0; SALT_BYTES][..], b"abc"].concat());
        assert_eq!(hash.digest[..], digest[..]);
    }

    #[test]
    fn what_is_no_hash_is_told_with_the_way_to_one() {
        for text in [
            "",
            "abc",
            "sha256:00:00",
            "md5:00:00",
            "sha256:0:0:0",
            "sha256:é:é",
        ] {
            assert!(
                TokenHash::parse(text).unwrap_err().contains("hash-token"),
                "{text}"
            );
        }
        // A sign is no digit of a hash, though it is one of a number.
        let signed = format!("sha256:{}:{}", "+1".repeat(SALT_BYTES), "00".repeat(32));
        assert!(TokenHash::parse(&signed).is_err());
    }
}
