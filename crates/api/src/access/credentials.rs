//! What a request says about who sends it.

use axum::http::{HeaderMap, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::SecretString;

use super::passwords::Login;

/// Longest `Authorization` header that is looked at.
const HEADER_BYTES_MAX: usize = 4_096;

/// What stands in `Authorization`.
#[derive(Debug)]
pub(crate) enum Credentials {
    Basic(Login),
    Bearer(SecretString),
    /// It says something that is neither, or says it twice.
    Unreadable,
}

/// The credentials of a request; `None` where it has none. Never from its address: addresses stand in logs.
pub(crate) fn of(headers: &HeaderMap) -> Option<Credentials> {
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let first = all.next()?;
    let only = first.to_str().ok().filter(|_| all.next().is_none());
    let read = only
        .filter(|text| text.len() <= HEADER_BYTES_MAX)
        .and_then(read);
    Some(read.unwrap_or(Credentials::Unreadable))
}

fn read(text: &str) -> Option<Credentials> {
    let (scheme, rest) = text.split_once(' ')?;
    let rest = rest.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(Credentials::Bearer(rest.into()));
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(rest).ok()?).ok()?;
    let (user, password) = decoded.split_once(':')?;
    Some(Credentials::Basic(Login {
        user: user.to_owned(),
        password: password.into(),
    }))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use secrecy::ExposeSecret;

    use super::*;

    fn said(text: &str) -> Option<Credentials> {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, HeaderValue::from_str(text).unwrap());
        of(&headers)
    }

    #[test]
    fn users_and_tokens_are_read() {
        let basic = |text: &str| said(&format!("basic {}", STANDARD.encode(text)));
        let Some(Credentials::Basic(login)) = basic("alice:a:b") else {
            panic!()
        };
        assert_eq!(
            (login.user.as_str(), login.password.expose_secret()),
            ("alice", "a:b")
        );
        let Some(Credentials::Bearer(token)) = said("Bearer  abc ") else {
            panic!()
        };
        assert_eq!(token.expose_secret(), "abc");
        assert!(!format!("{:?} {:?}", basic("alice:hidden"), token).contains("hidden"));
    }

    #[test]
    fn what_cannot_be_read_is_not_what_was_not_said() {
        for text in [
            "",
            "Basic",
            "Basic !!!",
            "Basic YQ==",
            "Digest a=b",
            "Bearer",
        ] {
            assert!(
                matches!(said(text), Some(Credentials::Unreadable)),
                "{text}"
            );
        }
        let long = format!("Bearer {}", "a".repeat(HEADER_BYTES_MAX));
        assert!(matches!(said(&long), Some(Credentials::Unreadable)));
        let mut twice = HeaderMap::new();
        twice.append(header::AUTHORIZATION, HeaderValue::from_static("Bearer a"));
        twice.append(header::AUTHORIZATION, HeaderValue::from_static("Bearer b"));
        assert!(matches!(of(&twice), Some(Credentials::Unreadable)));
        assert!(of(&HeaderMap::new()).is_none());
    }
}
