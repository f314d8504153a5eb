//! Setting a damaged file aside, where somebody may look at it.

use std::path::{Path, PathBuf};

/// Files set aside that are kept: the newest, since each may be as large as the limit of the live one.
const KEPT: usize = 1;

/// Renames the file to a name with the time in it, and removes those set aside before.
pub(super) fn set_aside(path: &Path) -> std::io::Result<PathBuf> {
    let now = jiff::Timestamp::now()
        .strftime("%Y%m%dT%H%M%S%3fZ")
        .to_string();
    let aside = with_suffix(path, &format!("damaged-{now}"));
    std::fs::rename(path, &aside)?;
    remove_oldest(path)?;
    Ok(aside)
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.to_owned().into_os_string();
    name.push(".");
    name.push(suffix);
    name.into()
}

fn remove_oldest(path: &Path) -> std::io::Result<()> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Ok(());
    };
    let prefix = format!("{}.damaged-", name.to_string_lossy());
    let mut aside: Vec<PathBuf> = std::fs::read_dir(folder)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|it| {
            it.file_name()
                .is_some_and(|it| it.to_string_lossy().starts_with(&prefix))
        })
        .collect();
    aside.sort();
    let surplus = aside.len().saturating_sub(KEPT);
    aside
        .iter()
        .take(surplus)
        .try_for_each(std::fs::remove_file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_newest_file_stays_aside() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("alerts.redb");
        for old in 1..=3 {
            std::fs::write(
                with_suffix(&file, &format!("damaged-2020010{old}T000000000Z")),
                "old",
            )
            .unwrap();
        }
        std::fs::write(&file, "new").unwrap();
        let aside = set_aside(&file).unwrap();
        assert_eq!(std::fs::read(&aside).unwrap(), b"new");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), KEPT);
        assert!(!file.exists());
    }
}
