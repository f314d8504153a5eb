//! Reads YAML that people write, and tells what was most likely meant where a key or a value is not known.

use etcd_monitor_alerting::nearest;
use serde::de::DeserializeOwned;
use serde_saphyr::Error;

/// What is wrong with a text, with line and column. It shows nothing of the lines around: there may be a secret among them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct YamlError(String);

/// Parses a text; an empty one has no keys. `elsewhere` gives the name that we have for what other programs call by this
/// one; it is told where such a key is known at its place.
///
/// # Errors
/// What is wrong, and what was most likely meant.
pub fn parse_yaml<T: DeserializeOwned + Default>(
    text: &str,
    elsewhere: impl Fn(&str) -> Option<&'static str>,
) -> Result<T, YamlError> {
    let options = serde_saphyr::options! { with_snippet: false };
    let parsed = serde_saphyr::from_str_with_options::<Option<T>>(text, options);
    let parsed = parsed.map(Option::unwrap_or_default);
    parsed.map_err(|error| {
        let message = error.to_string();
        let message = message.trim_start_matches("error: ");
        let hint = meant(&error, elsewhere);
        let hint = hint.map(|meant| format!("\nhint: did you mean `{meant}`?"));
        YamlError(format!("{message}{}", hint.unwrap_or_default()))
    })
}

/// The known key or value that is most like one that is not known.
fn meant(error: &Error, elsewhere: impl Fn(&str) -> Option<&'static str>) -> Option<&'static str> {
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
        } => {
            let elsewhere = elsewhere(written).filter(|name| expected.contains(name));
            elsewhere.or_else(|| nearest(written, expected.iter().copied()))
        }
        _ => None,
    }
}
