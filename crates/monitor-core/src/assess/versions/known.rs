//! Versions with known defects, from a data file that can be renewed without a release.

use std::sync::{Arc, LazyLock};

use serde::Deserialize;

use super::Version;

/// Format of the data file that is read.
const FORMAT: u64 = 1;

/// Entries read from a file: far more than etcd has had.
const ENTRIES_MAX: usize = 1_000;

/// The list that is built in. From etcd's changelogs, issues and security advisories, up to 3.5.33, 3.6.14 and 3.7.1.
static BUILT_IN: LazyLock<KnownVersions> = LazyLock::new(|| {
    // A test reads it too; were it broken, every version would be unknown, not good.
    KnownVersions::parse(include_str!("known_versions.json")).unwrap_or(KnownVersions {
        defects: Arc::new([]),
    })
});

/// Versions of etcd with known defects.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownVersions {
    defects: Arc<[Defect]>,
}

/// Why a list of versions was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KnownVersionsError {
    /// The text is not the JSON of such a list.
    #[error("the list of known versions cannot be read: {0}")]
    Syntax(#[from] serde_json::Error),
    /// The list is of another format than this release reads.
    #[error("the list of known versions has format {0}; this release reads format 1")]
    Format(u64),
    /// The list has more entries than a list of etcd's defects can have.
    #[error("the list of known versions has {0} entries; at most 1,000 are read")]
    TooMany(usize),
    /// A version in the list is none, or a range begins on another minor line than it ends on.
    #[error("entry {id:?} of the list of known versions: {problem}")]
    Entry {
        /// The entry.
        id: String,
        /// What is wrong with it.
        problem: String,
    },
}

/// One defect, and the versions that have it.
#[derive(Debug, PartialEq)]
pub(in crate::assess) struct Defect {
    pub(in crate::assess) id: String,
    pub(in crate::assess) problem: String,
    pub(in crate::assess) kind: Kind,
    affected: Vec<Range>,
}

/// What a defect endangers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::assess) enum Kind {
    DataLoss,
    Corruption,
    Security,
    Stability,
    Upgrade,
}

/// Versions of one minor line: from the first, or from the line's beginning, up to the fixed one, which is well.
#[derive(Debug, PartialEq)]
struct Range {
    from: Option<Version>,
    fixed: Version,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: u64,
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: String,
    kind: Kind,
    problem: String,
    affected: Vec<Affected>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Affected {
    from: Option<String>,
    fixed: String,
}

impl Default for KnownVersions {
    /// The list that is built in.
    fn default() -> Self {
        BUILT_IN.clone()
    }
}

impl KnownVersions {
    /// Reads a list: JSON of `format` 1 with `entries`, each with `id`, `kind` (`data_loss`, `corruption`, `security`,
    /// `stability` or `upgrade`), `problem` and `affected`, a list of ranges `{"from", "fixed"}` within one minor line;
    /// `from` may be left out.
    ///
    /// # Errors
    /// What is not such a list is refused as a whole, by the entry that is wrong.
    pub fn parse(text: &str) -> Result<Self, KnownVersionsError> {
        let file: File = serde_json::from_str(text)?;
        if file.format != FORMAT {
            return Err(KnownVersionsError::Format(file.format));
        }
        if file.entries.len() > ENTRIES_MAX {
            return Err(KnownVersionsError::TooMany(file.entries.len()));
        }
        let defects: Result<Vec<Defect>, _> = file.entries.into_iter().map(defect).collect();
        Ok(Self {
            defects: defects?.into(),
        })
    }

    /// The defects of a version.
    pub(in crate::assess) fn defects_of(&self, version: &Version) -> Vec<&Defect> {
        let all = self.defects.iter();
        all.filter(|defect| defect.fixed_in(version).is_some())
            .collect()
    }

    /// The smallest version of the same minor line that has no known defect; `None` when this one has none.
    pub(in crate::assess) fn upgrade_of(&self, version: &Version) -> Option<Version> {
        let mut safe: Option<Version> = None;
        // Each round ends on a later fix, and there are no more fixes than ranges.
        loop {
            let reached = safe.as_ref().unwrap_or(version);
            let fixes = self.defects.iter();
            let next = fixes.filter_map(|defect| defect.fixed_in(reached)).max();
            match next {
                Some(next) => safe = Some(next.clone()),
                None => return safe,
            }
        }
    }
}

impl Defect {
    /// The version in which it is fixed for this one; `None` when this one does not have it.
    fn fixed_in(&self, version: &Version) -> Option<&Version> {
        let mut ranges = self.affected.iter();
        ranges
            .find(|range| range.contains(version))
            .map(|range| &range.fixed)
    }

    /// True when data may be lost or damaged.
    pub(in crate::assess) fn endangers_data(&self) -> bool {
        matches!(self.kind, Kind::DataLoss | Kind::Corruption)
    }
}

impl Range {
    fn contains(&self, version: &Version) -> bool {
        version.is_same_line(&self.fixed)
            && version < &self.fixed
            && self.from.as_ref().is_none_or(|from| version >= from)
    }
}

fn defect(entry: Entry) -> Result<Defect, KnownVersionsError> {
    let affected: Result<Vec<Range>, String> = entry.affected.iter().map(range).collect();
    match affected {
        Ok(affected) => Ok(Defect {
            id: entry.id,
            problem: entry.problem,
            kind: entry.kind,
            affected,
        }),
        Err(problem) => Err(KnownVersionsError::Entry {
            id: entry.id,
            problem,
        }),
    }
}

fn range(affected: &Affected) -> Result<Range, String> {
    let version =
        |text: &str| Version::parse(text).ok_or_else(|| format!("{text:?} is no version"));
    let fixed = version(&affected.fixed)?;
    let from = affected.from.as_deref().map(version).transpose()?;
    if from
        .as_ref()
        .is_some_and(|from| !from.is_same_line(&fixed) || *from >= fixed)
    {
        return Err(format!(
            "a range ends after it began, on the same minor line: {} to {fixed}",
            affected.from.as_deref().unwrap_or_default()
        ));
    }
    Ok(Range { from, fixed })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        Version::parse(text).unwrap()
    }

    fn ids(text: &str) -> Vec<String> {
        let known = KnownVersions::default();
        let defects = known.defects_of(&version(text));
        defects.iter().map(|defect| defect.id.clone()).collect()
    }

    #[test]
    fn the_built_in_list_can_be_read() {
        let read = KnownVersions::parse(include_str!("known_versions.json")).unwrap();
        assert_eq!(read, KnownVersions::default());
        assert!(read.defects.len() > 10);
    }

    #[test]
    fn a_range_ends_before_its_fix_and_on_its_minor_line() {
        assert!(ids("3.5.2").contains(&"etcd#13766".to_owned()));
        assert!(!ids("3.5.3").contains(&"etcd#13766".to_owned()));
        assert_eq!(ids("3.5.33"), [""; 0]);
        assert_eq!(ids("3.6.13"), ["GHSA-xg4h-6gfc-h4m8, GHSA-6vch-q96h-7gc3"]);
        assert_eq!(ids("3.7.1"), [""; 0]);
        assert_eq!(ids("3.8.0-alpha.0"), [""; 0]);
        assert!(ids("3.7.0-rc.1").contains(&"GHSA-3wh4-j44w-pg92".to_owned()));
        assert!(!ids("3.7.0").contains(&"GHSA-3wh4-j44w-pg92".to_owned()));
        // Where the beginning is known, a pre-release of it is not in the range.
        assert!(!ids("3.5.0-rc.1").contains(&"etcd#13766".to_owned()));
    }

    #[test]
    fn the_upgrade_has_none_of_the_defects_it_passes() {
        let upgrade = |text: &str| {
            let known = KnownVersions::default();
            known
                .upgrade_of(&version(text))
                .map(|safe| safe.to_string())
        };
        assert_eq!(upgrade("3.5.0").as_deref(), Some("3.5.33"));
        assert_eq!(upgrade("3.4.20").as_deref(), Some("3.4.38"));
        assert_eq!(upgrade("3.6.4").as_deref(), Some("3.6.14"));
        assert_eq!(upgrade("3.7.3"), None);
        let chained = r#"{"format":1,"entries":[
            {"id":"a","kind":"stability","problem":"","affected":[{"fixed":"3.5.4"}]},
            {"id":"b","kind":"stability","problem":"","affected":[{"from":"3.5.4","fixed":"3.5.9"}]}]}"#;
        let chained = KnownVersions::parse(chained).unwrap();
        assert_eq!(
            chained.upgrade_of(&version("3.5.1")),
            Some(version("3.5.9"))
        );
    }

    #[test]
    fn a_list_that_is_none_is_refused_by_name() {
        let refused = |text: &str| KnownVersions::parse(text).unwrap_err().to_string();
        assert!(refused("entries: []").contains("cannot be read"));
        assert!(refused(r#"{"format":2,"entries":[]}"#).contains("format 2"));
        let entry = |range: &str| {
            format!(
                r#"{{"format":1,"entries":[{{"id":"x1","kind":"upgrade","problem":"","affected":[{range}]}}]}}"#
            )
        };
        assert!(refused(&entry(r#"{"fixed":"soon"}"#)).contains("\"x1\""));
        assert!(refused(&entry(r#"{"from":"3.4.0","fixed":"3.5.1"}"#)).contains("minor line"));
        assert!(refused(&entry(r#"{"from":"3.5.1","fixed":"3.5.1"}"#)).contains("minor line"));
    }
}
