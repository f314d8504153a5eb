//! Templates: what messages say, as written and checked.

use std::collections::BTreeMap;
use std::path::PathBuf;

use etcd_monitor_alerting::{TemplatePart, Templates};
use serde::Deserialize;

use crate::config::file::read_text;
use crate::config::place::{At, Remark};

/// The text of one piece of a message as written: here, or in a file.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct TemplateFile {
    /// The template, for minijinja.
    text: Option<At<String>>,
    /// File that holds it.
    file: Option<At<PathBuf>>,
}

/// Texts by the piece that they write, as written.
pub(super) type TemplatesFile = BTreeMap<At<String>, At<TemplateFile>>;

/// Texts by the piece that they write.
pub(super) type Texts = BTreeMap<TemplatePart, String>;

/// The texts of these, each by itself a template that some message makes work.
pub(super) fn check(files: &TemplatesFile) -> Result<Texts, Remark> {
    let files = files.iter();
    files.map(|(name, file)| one(name, file)).collect()
}

/// The piece that a template of this name writes.
pub(super) fn part(name: &At<String>) -> Result<TemplatePart, Remark> {
    name.one_of("template", TemplatePart::ALL.map(TemplatePart::as_str))?;
    name.parsed(|name| name.parse())
}

fn one(name: &At<String>, file: &At<TemplateFile>) -> Result<(TemplatePart, String), Remark> {
    let part = part(name)?;
    let text = match (&file.text, &file.file) {
        (Some(text), None) => tried(part, text, &text.value)?,
        (None, Some(path)) => {
            let text = path.parsed(|path| {
                read_text(path).map_err(|error| format!("{}: {error}", path.display()))
            })?;
            tried(part, path, &text)?
        }
        _ => return Err(file.remark("a template has either a text or a file")),
    };
    Ok((part, text))
}

fn tried<T>(part: TemplatePart, written: &At<T>, text: &str) -> Result<String, Remark> {
    let written_by = Templates::with_overrides([(part, text.to_owned())]);
    let tried = written_by.and_then(|templates| templates.try_out());
    tried.map_err(|error| written.remark(error))?;
    Ok(text.to_owned())
}
