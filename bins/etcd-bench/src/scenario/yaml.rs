//! Reads a scenario, and tells what was most likely meant where a key or a value is not known.

use serde_saphyr::Error;

use super::file::ScenarioFile;

/// What is wrong is told with line and column.
pub(super) fn parse(text: &str) -> Result<ScenarioFile, String> {
    let options = serde_saphyr::options! { with_snippet: false };
    let parsed = serde_saphyr::from_str_with_options(text, options);
    parsed.map_err(|error| {
        let message = error.to_string();
        let message = message.trim_start_matches("error: ");
        let hint = meant(&error).map(|meant| format!("\nhint: did you mean `{meant}`?"));
        format!("{message}{}", hint.unwrap_or_default())
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
        } => nearest(written, expected),
        _ => None,
    }
}

/// At most a third of a name may be wrong.
fn nearest(written: &str, known: &[&'static str]) -> Option<&'static str> {
    let near = known.iter().map(|name| {
        let wrong =
            strsim::damerau_levenshtein(&written.replace('-', "_"), &name.replace('-', "_"));
        (wrong, *name)
    });
    let (wrong, name) = near.min()?;
    (3 * wrong <= name.len()).then_some(name)
}
