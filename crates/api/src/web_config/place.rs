//! What is wrong with a web configuration file, with its line and column.

use std::fmt::Display;

use serde_saphyr::Spanned;

use crate::yaml::YamlError;

/// What is wrong with a web configuration file. The message has the place, and shows no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct WebConfigError(String);

impl From<YamlError> for WebConfigError {
    fn from(error: YamlError) -> Self {
        Self(error.to_string())
    }
}

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
