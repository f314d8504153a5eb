//! Whether what was acknowledged is there.

use etcd_monitor_client::ClientError;
use serde::{Deserialize, Serialize};

use crate::recorder::Recording;

/// Whether all that was acknowledged is there: etcd makes one revision of each change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct Accounting {
    /// Revision before the measurement, as confirmed by a quorum.
    pub revision_before: i64,
    /// Revision after it; `None` where nobody answered.
    pub revision_after: Option<i64>,
    /// Changes that were acknowledged, those of the warm-up included.
    pub acknowledged: u64,
    /// Changes that failed in a way in which etcd may have made them all the same.
    pub unknown: u64,
    /// Acknowledged changes that have no revision, at the least: others may have made revisions as well. `None` where that is not
    /// known.
    #[serde(default)]
    pub lost: Option<u64>,
    /// Revisions beyond the acknowledged and the unknown changes: of others that wrote, or of changes that were made twice.
    #[serde(default)]
    pub surplus: Option<u64>,
    /// What follows.
    pub verdict: AccountingVerdict,
}

/// What the revisions say about the changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AccountingVerdict {
    /// As many revisions as acknowledged changes, and no more than those that may have been made.
    NothingLost,
    /// Fewer revisions than acknowledged changes.
    Lost,
    /// More revisions than this load can have made: others wrote meanwhile, which may hide a loss.
    OthersWrote,
    /// The revision after is not known.
    Unknown,
}

impl Accounting {
    pub(crate) fn of(recording: &Recording, before: i64, after: Result<i64, ClientError>) -> Self {
        let after = after.ok();
        let (acknowledged, unknown) = (recording.acknowledged_changes, recording.unknown_changes);
        let made = after.map(|after| u64::try_from(after.saturating_sub(before)).unwrap_or(0));
        let verdict = match made {
            None => AccountingVerdict::Unknown,
            Some(made) if made < acknowledged => AccountingVerdict::Lost,
            Some(made) if made > acknowledged + unknown => AccountingVerdict::OthersWrote,
            Some(_) => AccountingVerdict::NothingLost,
        };
        Self {
            revision_before: before,
            revision_after: after,
            acknowledged,
            unknown,
            lost: made.map(|made| acknowledged.saturating_sub(made)),
            surplus: made.map(|made| made.saturating_sub(acknowledged + unknown)),
            verdict,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(acknowledged: u64, unknown: u64, after: i64) -> AccountingVerdict {
        let recording = Recording {
            acknowledged_changes: acknowledged,
            unknown_changes: unknown,
            ..Recording::default()
        };
        Accounting::of(&recording, 100, Ok(after)).verdict
    }

    #[test]
    fn revisions_account_for_changes() {
        assert_eq!(verdict(10, 0, 110), AccountingVerdict::NothingLost);
        assert_eq!(verdict(10, 3, 112), AccountingVerdict::NothingLost);
        assert_eq!(verdict(10, 0, 109), AccountingVerdict::Lost);
        assert_eq!(verdict(10, 1, 112), AccountingVerdict::OthersWrote);
        assert_eq!(verdict(10, 0, 90), AccountingVerdict::Lost);
        let recording = Recording {
            acknowledged_changes: 10,
            unknown_changes: 1,
            ..Recording::default()
        };
        let counts = |after| {
            let accounting = Accounting::of(&recording, 100, Ok(after));
            (accounting.lost, accounting.surplus)
        };
        assert_eq!(counts(107), (Some(3), Some(0)));
        assert_eq!(counts(111), (Some(0), Some(0)));
        assert_eq!(counts(115), (Some(0), Some(4)));
    }
}
