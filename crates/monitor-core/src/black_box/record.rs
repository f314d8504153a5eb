//! What a recording holds, and its bytes: each record a length and a `MessagePack` map with the names of all fields, so
//! that a release with more fields reads what one with fewer wrote.

use std::borrow::Cow;

use etcd_monitor_model::{ClusterName, FindingKey, Observation};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::assess::Parameters;

/// Largest record; longer ones are left out and counted. An observation of the 64 members that are probed at most has
/// a tenth.
pub(super) const RECORD_BYTES_MAX: usize = 4 << 20;

/// Whose recording it is. Stands before the first observation, and again where the thresholds changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RecordingHead {
    /// The cluster.
    pub cluster: ClusterName,
    /// Version of the etcd-monitor that recorded.
    pub recorded_by: String,
    /// The thresholds by which it judged. The list of known versions is not kept; a replay has the one that is built in.
    pub parameters: Parameters,
}

impl RecordingHead {
    /// The head of what this release records of a cluster.
    pub fn new(cluster: ClusterName, parameters: Parameters) -> Self {
        Self {
            cluster,
            recorded_by: env!("CARGO_PKG_VERSION").to_owned(),
            parameters,
        }
    }
}

/// A `/metrics` page as a member gave it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RawPage {
    /// The endpoint of the member.
    pub endpoint: String,
    /// When it was asked.
    pub at: Timestamp,
    /// The page. Untrusted text.
    pub text: String,
}

/// Why a recording was frozen: a critical finding that became true.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Incident {
    /// Rule and subject of the finding.
    pub finding: FindingKey,
    /// Its cause. May quote a member's answer: treat it as untrusted text.
    pub cause: String,
    /// When it was found.
    pub at: Timestamp,
}

/// One record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Record<'a> {
    Head(Cow<'a, RecordingHead>),
    Observation(Cow<'a, Observation>),
    Page(Cow<'a, RawPage>),
    Incident(Cow<'a, Incident>),
}

/// Appends a record to a block; false when it is too long, and then the block is as it was.
pub(super) fn append(block: &mut Vec<u8>, record: &Record<'_>) -> bool {
    let began = block.len();
    block.extend_from_slice(&[0; 4]);
    let written = rmp_serde::encode::write_named(block, record);
    let bytes = block.len() - began - 4;
    match u32::try_from(bytes) {
        Ok(length) if written.is_ok() && bytes <= RECORD_BYTES_MAX => {
            block[began..began + 4].copy_from_slice(&length.to_le_bytes());
            true
        }
        _ => {
            block.truncate(began);
            false
        }
    }
}

/// Hands every record of a block to `take`, and returns how many could not be read.
pub(super) fn read(mut block: &[u8], mut take: impl FnMut(Record<'static>)) -> u64 {
    let mut unread = 0;
    while let Some((length, rest)) = block.split_first_chunk::<4>() {
        let Some((record, after)) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)
        else {
            break;
        };
        block = after;
        match rmp_serde::from_slice(record) {
            Ok(record) => take(record),
            Err(_) => unread += 1,
        }
    }
    unread + u64::from(!block.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(text: &str) -> RawPage {
        RawPage {
            endpoint: "http://n1:2379".to_owned(),
            at: Timestamp::UNIX_EPOCH,
            text: text.to_owned(),
        }
    }

    #[test]
    fn the_default_head_comes_back() {
        let head = RecordingHead::new(ClusterName::new("test"), Parameters::default());
        let mut block = Vec::new();
        assert!(append(&mut block, &Record::Head(Cow::Borrowed(&head))));
        let mut read_back = Vec::new();
        assert_eq!(read(&block, |record| read_back.push(record)), 0);
        assert_eq!(read_back, [Record::Head(Cow::Owned(head))]);
    }

    #[test]
    fn a_record_that_is_too_long_leaves_the_block_as_it_was() {
        let mut block = b"before".to_vec();
        let long = page(&"x".repeat(RECORD_BYTES_MAX));
        assert!(!append(&mut block, &Record::Page(Cow::Owned(long))));
        assert_eq!(block, b"before");
    }

    #[test]
    fn an_unknown_record_costs_itself_alone() {
        let mut block = Vec::new();
        let later = rmp_serde::to_vec_named(&serde_json::json!({"Later": {"x": 1}})).unwrap();
        block.extend_from_slice(&u32::try_from(later.len()).unwrap().to_le_bytes());
        block.extend_from_slice(&later);
        let known = Record::Page(Cow::Owned(page("text")));
        assert!(append(&mut block, &known));
        let mut found = Vec::new();
        assert_eq!(read(&block, |record| found.push(record)), 1);
        assert_eq!(found, [known]);
    }
}
