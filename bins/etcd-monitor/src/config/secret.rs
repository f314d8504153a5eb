//! Secrets of the configuration: written down, or in a file of their own.

use std::path::{Path, PathBuf};

use secrecy::SecretString;

use super::file::read_text;
use super::place::{At, Remark};

/// Reads secrets, and remembers what is worth a warning.
#[derive(Debug, Default)]
pub(super) struct Secrets {
    /// The configuration file, where every user of the host may read it.
    open_file: Option<PathBuf>,
    /// Whether it was warned of that already.
    warned: bool,
    warnings: Vec<Remark>,
}

/// A secret as written, under `KEY` or, as the name of a file, under `KEY_file`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Written<'a> {
    pub(super) key: &'static str,
    pub(super) text: Option<&'a At<SecretString>>,
    pub(super) file: Option<&'a At<PathBuf>>,
}

impl<'a> Written<'a> {
    /// Under `key`, or under `key` with `_file`.
    pub(super) fn new(
        key: &'static str,
        text: impl Into<Option<&'a At<SecretString>>>,
        file: impl Into<Option<&'a At<PathBuf>>>,
    ) -> Self {
        Self {
            key,
            text: text.into(),
            file: file.into(),
        }
    }
}

impl Secrets {
    /// For secrets of the configuration in this file.
    pub(super) fn of(file: Option<&Path>) -> Self {
        let open = file.filter(|file| is_readable_by_all(file));
        Self {
            open_file: open.map(Path::to_owned),
            ..Self::default()
        }
    }

    /// The secret, without white space around it; `None` where it is not written. A file that others may read is worth
    /// a warning.
    pub(super) fn read(&mut self, written: &Written<'_>) -> Result<Option<SecretString>, Remark> {
        let key = written.key;
        match (written.text, written.file) {
            (Some(_), Some(file)) => {
                Err(file.remark(format!("{key} and {key}_file: give one of them")))
            }
            (Some(text), None) => {
                self.written_down(text);
                Ok(Some(text.value.clone()))
            }
            (None, Some(file)) => {
                if is_readable_by_all(file) {
                    self.warn(file.remark(open_to_all(file)));
                }
                let secret = file.parsed(|path| content(path));
                let secret = secret.map_err(|error| error.under(&format!("{key}_file")));
                secret.map(Some)
            }
            (None, None) => Ok(None),
        }
    }

    /// The secret in a file that a flag names.
    pub(super) fn in_file(&mut self, flag: &str, path: &Path) -> Result<SecretString, Remark> {
        if is_readable_by_all(path) {
            self.warn(Remark::general(open_to_all(path)));
        }
        content(path).map_err(|error| Remark::general(error).under(flag))
    }

    /// Notes a secret that stands in the configuration file itself.
    pub(super) fn written_down<T>(&mut self, secret: &At<T>) {
        let open = self.open_file.as_deref().filter(|_| !self.warned);
        if let Some(open) = open.map(open_to_all) {
            self.warned = true;
            self.warn(secret.remark(open));
        }
    }

    /// Notes what is worth a warning.
    pub(super) fn warn(&mut self, warning: Remark) {
        self.warnings.push(warning);
    }

    /// What is worth a warning.
    pub(super) fn into_warnings(self) -> Vec<Remark> {
        self.warnings
    }
}

/// What a file with a secret holds.
fn content(path: &Path) -> Result<SecretString, String> {
    let text = read_text(path)
        .map_err(|error| format!("{}: {error}{}", path.display(), neighbour(path)))?;
    match text.trim() {
        "" => Err(format!("{} is empty", path.display())),
        secret => Ok(secret.into()),
    }
}

/// The file of the same folder that was most likely meant, where the named one is not there.
fn neighbour(path: &Path) -> String {
    let unknown = || "; make it, or correct the path".to_owned();
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    let Ok(entries) = std::fs::read_dir(folder.unwrap_or(Path::new("."))) else {
        return folder.map_or_else(unknown, |folder| {
            format!("; the folder {} cannot be listed", folder.display())
        });
    };
    let names = entries.flatten().map(|entry| entry.file_name());
    let names: Vec<String> = names.filter_map(|name| name.into_string().ok()).collect();
    let written = path.file_name().and_then(|name| name.to_str());
    let meant = written.and_then(|written| {
        etcd_monitor_alerting::nearest(written, names.iter().map(String::as_str))
    });
    match meant {
        Some(meant) if !path.exists() => {
            format!("; did you mean {}?", path.with_file_name(meant).display())
        }
        Some(_) => String::new(),
        None => unknown(),
    }
}

/// Whether every user of the host may read a file.
#[cfg(unix)]
pub(super) fn is_readable_by_all(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    let readable = |data: std::fs::Metadata| data.permissions().mode() & 0o004 != 0;
    std::fs::metadata(path).is_ok_and(readable)
}

/// What Windows says by access lists is not looked at.
#[cfg(not(unix))]
pub(super) fn is_readable_by_all(_: &Path) -> bool {
    false
}

pub(super) fn open_to_all(path: &Path) -> String {
    let path = path.display();
    format!("the secret in {path} can be read by every user of this host; chmod o-rwx {path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(
        text: Option<&str>,
        file: Option<&Path>,
    ) -> (Result<Option<SecretString>, Remark>, Vec<Remark>) {
        let text: Option<At<SecretString>> = text.map(|text| serde_saphyr::from_str(text).unwrap());
        let file: Option<At<PathBuf>> =
            file.map(|file| serde_saphyr::from_str(file.to_str().unwrap()).unwrap());
        let written = Written {
            key: "token",
            text: text.as_ref(),
            file: file.as_ref(),
        };
        let mut secrets = Secrets::default();
        (secrets.read(&written), secrets.into_warnings())
    }

    #[test]
    fn a_secret_is_written_or_in_a_file_but_not_both() {
        use secrecy::ExposeSecret;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::fs::write(&path, " hidden \n").unwrap();
        let (secret, _) = read(None, Some(&path));
        assert_eq!(secret.unwrap().unwrap().expose_secret(), "hidden");
        assert!(read(None, None).0.unwrap().is_none());
        assert!(read(Some("a"), None).0.unwrap().is_some());
        let error = read(Some("a"), Some(&path)).0.unwrap_err().to_string();
        assert!(error.contains("token and token_file"), "{error}");
        std::fs::write(&path, "\n").unwrap();
        assert!(
            read(None, Some(&path))
                .0
                .unwrap_err()
                .to_string()
                .contains("is empty")
        );
    }

    #[test]
    fn a_file_that_is_not_there_is_told_with_its_neighbour() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("pager.key"), "x").unwrap();
        let error = read(None, Some(&folder.path().join("pagr.key"))).0;
        let error = error.unwrap_err().to_string();
        assert!(
            error.starts_with("line 1 column 1: token_file: "),
            "{error}"
        );
        assert!(
            error.contains("did you mean") && error.contains("pager.key"),
            "{error}"
        );
        let error = read(None, Some(&folder.path().join("zzz"))).0;
        assert!(error.unwrap_err().to_string().contains("make it"));
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_all_may_read_is_worth_a_warning() {
        use std::os::unix::fs::PermissionsExt;
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "x").unwrap();
        let warned = |mode| {
            let permissions = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(file.path(), permissions).unwrap();
            let (secret, warnings) = read(None, Some(file.path()));
            secret.unwrap();
            warnings
        };
        assert!(warned(0o640).is_empty());
        let warnings = warned(0o644);
        assert!(warnings[0].to_string().contains("every user of this host"));
    }
}
