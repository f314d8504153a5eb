//! Finds the etcd binaries of a version.

use std::env;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::error::Error;

/// The folder that holds `etcd`, `etcdctl` and `etcdutl` of `version` (such as `3.7.3`).
///
/// Looked at in this order: the folder in `ETCD_BIN_DIR` and then `PATH`, each only when its etcd
/// has that version; the cache, `$ETCD_MONITOR_CACHE/etcd/VERSION` or `.cache/etcd/VERSION` in the
/// workspace; what `scripts/etcd-binaries` prints, which builds or downloads them. Blocks while
/// that script runs (about a minute for a build).
///
/// # Errors
/// [`Error::Binaries`] with each place and what was wrong there.
pub fn etcd_binaries(version: &str) -> Result<PathBuf, Error> {
    let mut tried = String::new();
    let found = from_environment(version, &mut tried)
        .or_else(|| from_path(version, &mut tried))
        .or_else(|| from_cache(version, &mut tried))
        .or_else(|| from_script(version, &mut tried));
    found.ok_or_else(|| Error::Binaries {
        version: version.to_owned(),
        tried,
    })
}

fn from_environment(version: &str, tried: &mut String) -> Option<PathBuf> {
    let Some(folder) = env::var_os("ETCD_BIN_DIR").map(PathBuf::from) else {
        note(tried, "ETCD_BIN_DIR: not set");
        return None;
    };
    fitting(&folder, version, "ETCD_BIN_DIR", tried)
}

fn from_path(version: &str, tried: &mut String) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    let Some(folder) = env::split_paths(&path).find(|folder| folder.join("etcd").is_file()) else {
        note(tried, "PATH: holds no etcd");
        return None;
    };
    fitting(&folder, version, "PATH", tried)
}

fn from_cache(version: &str, tried: &mut String) -> Option<PathBuf> {
    let cache =
        env::var_os("ETCD_MONITOR_CACHE").map_or_else(|| workspace().join(".cache"), PathBuf::from);
    let folder = cache.join("etcd").join(version);
    if folder.join("etcd").is_file() {
        return Some(folder);
    }
    note(tried, &format!("cache: no etcd in {}", folder.display()));
    None
}

/// The script knows how to build and to download; this crate only asks it.
fn from_script(version: &str, tried: &mut String) -> Option<PathBuf> {
    let script = workspace().join("scripts/etcd-binaries");
    let answer = Command::new(&script)
        .arg(version)
        .stdin(Stdio::null())
        .output();
    let output = match answer {
        Ok(output) => output,
        Err(error) => {
            note(tried, &format!("{} {version}: {error}", script.display()));
            note(
                tried,
                "remedy: put etcd in PATH, or its folder in ETCD_BIN_DIR",
            );
            return None;
        }
    };
    let folder = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    if output.status.success() && folder.join("etcd").is_file() {
        return Some(folder);
    }
    let talk = String::from_utf8_lossy(&output.stderr);
    note(
        tried,
        &format!(
            "{} {version}: {}\n{}",
            script.display(),
            output.status,
            talk.trim_end()
        ),
    );
    None
}

fn fitting(folder: &Path, version: &str, place: &str, tried: &mut String) -> Option<PathBuf> {
    match version_of(&folder.join("etcd")) {
        Ok(found) if found == version => return Some(folder.to_owned()),
        Ok(found) => note(
            tried,
            &format!("{place}: {} holds etcd {found}", folder.display()),
        ),
        Err(reason) => note(tried, &format!("{place}: {}: {reason}", folder.display())),
    }
    None
}

fn version_of(etcd: &Path) -> Result<String, String> {
    let output = Command::new(etcd)
        .arg("--version")
        .output()
        .map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&output.stdout);
    let version = text
        .lines()
        .find_map(|line| line.strip_prefix("etcd Version: "));
    version
        .map(|version| version.trim().to_owned())
        .ok_or_else(|| "prints no version".to_owned())
}

fn note(tried: &mut String, line: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(tried, "  {line}");
}

fn workspace() -> &'static Path {
    // Dev-only crate: it is always run from the checkout that it was built in.
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_that_nobody_has_names_every_place() {
        let error = etcd_binaries("0.0.0-none")
            .expect_err("there is no such version")
            .to_string();
        for place in ["ETCD_BIN_DIR", "PATH", "cache", "scripts/etcd-binaries"] {
            assert!(error.contains(place), "{place} missing in: {error}");
        }
    }
}
