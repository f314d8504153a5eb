//! Reads YAML, and tells what is wrong with its line and column.

use std::fmt::Display;

use etcd_monitor_alerting::nearest;
use serde::de::DeserializeOwned;
use serde_saphyr::{Error, Spanned};

/// What is wrong with a web configuration file. The message has the place, and shows no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct WebConfigError(String);

impl WebConfigError {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

/// What is wrong with a value of the file.
pub(super) fn wrong<T>(value: &Spanned<T>, message: impl Display) -> WebConfigError {
    let place = value.referenced;
    WebConfigError(format!(
        "line {} column {}: {message}",
        place.line(),
        place.column()
    ))
}

/// Parses a text; an empty one has no keys.
pub(super) fn parse<T: DeserializeOwned + Default>(text: &str) -> Result<T, WebConfigError> {
    // An error shows nothing of the lines around it: there may be a secret among them.
    let options = serde_saphyr::options! { with_snippet: false };
    let parsed = serde_saphyr::from_str_with_options::<Option<T>>(text, options);
    let parsed = parsed.map(Option::unwrap_or_default);
    parsed.map_err(|error| {
        let message = error.to_string();
        let message = message.trim_start_matches("error: ");
        let hint = meant(&error).map(|meant| format!("\nhint: did you mean `{meant}`?"));
        WebConfigError(format!("{message}{}", hint.unwrap_or_default()))
    })
}

/// The known key or value that is most like one that is not known.
fn meant(error: &Error) -> Option<&'static str> {
    match error.without_snippet() {
        Error::SerdeUnknownField {
            field: written,
            expected,
            ..
        }
        | Error::SerdeUnknownVariant {
            variant: written,
            expected,
            ..
        } => nearest(written, expected.iter().copied()),
        _ => None,
    }
}
