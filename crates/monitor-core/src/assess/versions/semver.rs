//! Versions in the order of Semantic Versioning 2.0.0.

use std::cmp::Ordering;
use std::fmt;

/// Longest text that is read as a version, in bytes: a member may answer anything.
const BYTES_MAX: usize = 64;

/// A version such as `3.7.3` or `3.8.0-alpha.0`; build metadata is left out, since it orders nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::assess) struct Version {
    major: u64,
    minor: u64,
    patch: u64,
    pre_release: Vec<Identifier>,
}

/// One part of a pre-release. In this order: numbers stand before words.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Identifier {
    Number(u64),
    Word(String),
}

impl Version {
    /// `None` for what is no version.
    pub(in crate::assess) fn parse(text: &str) -> Option<Self> {
        if text.len() > BYTES_MAX {
            return None;
        }
        let text = text
            .split_once('+')
            .map_or(text, |(version, _build)| version);
        let (core, pre_release) = match text.split_once('-') {
            Some((core, pre_release)) => (core, Some(pre_release)),
            None => (text, None),
        };
        let mut numbers = core.split('.').map(number);
        let version = Self {
            major: numbers.next()??,
            minor: numbers.next()??,
            patch: numbers.next()??,
            pre_release: match pre_release {
                Some(identifiers) => identifiers
                    .split('.')
                    .map(identifier)
                    .collect::<Option<_>>()?,
                None => Vec::new(),
            },
        };
        numbers.next().is_none().then_some(version)
    }

    /// True for versions of one minor line, within which an upgrade replaces the binary and no more.
    pub(in crate::assess) fn is_same_line(&self, other: &Self) -> bool {
        (self.major, self.minor) == (other.major, other.minor)
    }
}

fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let padded = text.len() > 1 && text.starts_with('0');
    (digits && !padded).then(|| text.parse().ok())?
}

fn identifier(text: &str) -> Option<Identifier> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if text.is_empty() || !text.bytes().all(allowed) {
        return None;
    }
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return number(text).map(Identifier::Number);
    }
    Some(Identifier::Word(text.to_owned()))
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        let core = |version: &Self| (version.major, version.minor, version.patch);
        // A release stands after its pre-releases.
        let released = |version: &Self| version.pre_release.is_empty();
        core(self)
            .cmp(&core(other))
            .then_with(|| released(self).cmp(&released(other)))
            .then_with(|| self.pre_release.cmp(&other.pre_release))
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)?;
        for (at, identifier) in self.pre_release.iter().enumerate() {
            let separator = if at == 0 { '-' } else { '.' };
            match identifier {
                Identifier::Number(number) => write!(f, "{separator}{number}")?,
                Identifier::Word(word) => write!(f, "{separator}{word}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_stand_in_the_order_of_the_specification() {
        // The example of semver.org, chapter 11, between etcd's releases.
        let ascending = [
            "3.5.9",
            "3.5.10",
            "3.6.0-0",
            "3.6.0-alpha",
            "3.6.0-alpha.1",
            "3.6.0-alpha.beta",
            "3.6.0-beta",
            "3.6.0-beta.2",
            "3.6.0-beta.11",
            "3.6.0-rc.1",
            "3.6.0",
            "18446744073709551615.0.0",
        ];
        let versions: Vec<Version> = ascending
            .iter()
            .map(|text| Version::parse(text).unwrap())
            .collect();
        assert!(versions.is_sorted_by(|left, right| left < right));
        for (text, version) in ascending.iter().zip(&versions) {
            assert_eq!(version.to_string(), *text);
        }
        assert_eq!(Version::parse("3.7.3+git.abc"), Version::parse("3.7.3"));
    }

    #[test]
    fn what_is_no_version_is_refused() {
        let long = format!("3.7.0-{}", "a".repeat(BYTES_MAX));
        let hostile = [
            "",
            "3",
            "3.7",
            "3.7.3.1",
            "v3.7.3",
            "3.7.x",
            "3.-7.3",
            "3.07.3",
            "3.7.3-",
            "3.7.3-a..b",
            "3.7.3-rc_1",
            "3.7.3-01",
            "18446744073709551616.0.0",
            "3.7.٣",
            "not decided",
            &long,
        ];
        for text in hostile {
            assert_eq!(Version::parse(text), None, "{text}");
        }
    }
}
