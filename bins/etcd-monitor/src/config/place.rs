//! Where things stand in the configuration file, and what there is to say about them.

use std::cmp::Ordering;
use std::fmt::{self, Display};
use std::ops::Deref;

use etcd_monitor_alerting::nearest;
use serde::{Deserialize, Deserializer};
use serde_saphyr::Spanned;

use super::ConfigError;

/// A place in the file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// From 1.
    line: u64,
    /// In characters, from 1.
    column: u64,
}

/// A value of the file, and where it stands there: what is wrong with it can be told with line and column. As a key of
/// a map it is compared by its value alone.
#[derive(Debug, Clone)]
pub(crate) struct At<T> {
    pub(crate) value: T,
    place: Place,
}

/// Something to say about the file: an error, or a warning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Remark {
    /// `None`: it is about no one place, or about flags and variables.
    place: Option<Place>,
    message: String,
}

impl<T> At<T> {
    /// What there is to say about it.
    pub(crate) fn remark(&self, message: impl Display) -> Remark {
        Remark {
            place: Some(self.place),
            message: message.to_string(),
        }
    }

    /// Reads it; what is wrong is told with its place.
    pub(crate) fn parsed<'a, U, E: Display>(
        &'a self,
        parse: impl FnOnce(&'a T) -> Result<U, E>,
    ) -> Result<U, Remark> {
        parse(&self.value).map_err(|error| self.remark(error))
    }
}

impl At<String> {
    /// The same, with the key that it is the value of at the head of what is wrong.
    pub(crate) fn parsed_as<U, E: Display>(
        &self,
        key: &str,
        parse: impl FnOnce(&str) -> Result<U, E>,
    ) -> Result<U, Remark> {
        let parsed = self.parsed(|text| parse(text));
        parsed.map_err(|error| error.under(key))
    }

    /// Sees that it is the name of something that there is; if not, tells the name that is most like it.
    pub(crate) fn one_of<'a>(
        &self,
        what: &str,
        known: impl IntoIterator<Item = &'a str>,
    ) -> Result<(), Remark> {
        let known: Vec<&str> = known.into_iter().collect();
        if known.contains(&self.as_str()) {
            return Ok(());
        }
        Err(self.remark(not_there(what, self, &known)))
    }

    /// The one of these that has it for its name; if none has, tells the name that is most like it.
    pub(crate) fn chosen<'a, T: Copy>(
        &self,
        what: &str,
        all: &[T],
        name: impl Fn(T) -> &'a str,
    ) -> Result<T, Remark> {
        self.one_of(what, all.iter().map(|one| name(*one)))?;
        let found = all.iter().find(|one| name(**one) == self.value);
        found.copied().ok_or_else(|| self.remark("it is not known"))
    }
}

/// Lists of up to so many names are told in full.
const TOLD_NAMES_MAX: usize = 8;

/// Says that there is no such thing, and what was meant, or what there is.
pub(crate) fn not_there(what: &str, name: &str, known: &[&str]) -> String {
    let hint = match nearest(name, known.iter().copied()) {
        Some(meant) => format!("; did you mean {meant}?"),
        None if known.is_empty() => "; there is none".to_owned(),
        None if known.len() <= TOLD_NAMES_MAX => format!("; known: {}", known.join(", ")),
        None => String::new(),
    };
    format!("no {what} is named {name:?}{hint}")
}

impl<T> Deref for At<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for At<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<T>::deserialize(deserializer)?;
        let place = Place {
            line: spanned.referenced.line(),
            column: spanned.referenced.column(),
        };
        Ok(Self {
            value: spanned.value,
            place,
        })
    }
}

impl<T: PartialEq> PartialEq for At<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<T: Eq> Eq for At<T> {}

impl<T: PartialOrd> PartialOrd for At<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.value.partial_cmp(&other.value)
    }
}

impl<T: Ord> Ord for At<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.value.cmp(&other.value)
    }
}

impl Remark {
    /// About no one place of the file.
    pub(crate) fn general(message: impl Into<String>) -> Self {
        Self {
            place: None,
            message: message.into(),
        }
    }

    /// The same, with the key that it is about at its head.
    #[must_use]
    pub(crate) fn under(mut self, key: &str) -> Self {
        self.message = format!("{key}: {}", self.message);
        self
    }

    /// Whether it is about a place of the file.
    pub(crate) fn has_place(&self) -> bool {
        self.place.is_some()
    }
}

impl From<ConfigError> for Remark {
    fn from(error: ConfigError) -> Self {
        Self::general(error.to_string())
    }
}

impl From<String> for Remark {
    fn from(message: String) -> Self {
        Self::general(message)
    }
}

impl Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Some(Place { line, column }) => {
                write!(f, "line {line} column {column}: {}", self.message)
            }
            None => f.write_str(&self.message),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn keys_and_values_know_their_line_and_column() {
        let yaml = "first: {a: 1}\nsecond:\n  beta:   2\n";
        let map: BTreeMap<At<String>, BTreeMap<At<String>, At<u8>>> =
            serde_saphyr::from_str(yaml).unwrap();
        let (key, inner) = map.last_key_value().unwrap();
        let (name, value) = inner.first_key_value().unwrap();
        let said = |remark: Remark| remark.to_string();
        assert_eq!(said(key.remark("x")), "line 2 column 1: x");
        assert_eq!(said(name.remark("x")), "line 3 column 3: x");
        assert_eq!(said(value.remark("x")), "line 3 column 11: x");
    }

    #[test]
    fn an_alias_stands_where_it_is_used() {
        let list: Vec<At<String>> = serde_saphyr::from_str("- &a one\n- *a\n").unwrap();
        assert_eq!(list[1].remark("x").to_string(), "line 2 column 3: x");
    }

    #[test]
    fn a_name_that_is_not_there_is_told_with_the_nearest_or_with_all() {
        let name: At<String> = serde_saphyr::from_str("pagr").unwrap();
        let told = |known: &[&str]| {
            let checked = name.one_of("channel", known.iter().copied());
            checked.unwrap_err().to_string()
        };
        assert!(told(&["mail", "pager"]).ends_with("did you mean pager?"));
        assert!(told(&["mail", "chat"]).ends_with("known: mail, chat"));
        assert!(told(&[]).ends_with("there is none"));
        assert_eq!(name.one_of("channel", ["pagr"]), Ok(()));
    }
}
