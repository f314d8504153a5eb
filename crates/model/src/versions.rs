//! Versions of a cluster and of its members.

use serde::{Deserialize, Serialize};

use crate::MemberId;

/// What is known of the versions in a cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct VersionReport {
    /// The version that the cluster acts as, such as `3.7.0`: that of its oldest member when it was last agreed on. Where
    /// members say several, the oldest; `None` while none says it.
    pub cluster_version: Option<String>,
    /// The members whose ids are known, in the order of the snapshot's members.
    pub members: Vec<MemberVersions>,
}

/// The versions of one member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MemberVersions {
    /// The member's name; the endpoint while the name is not known. Untrusted text.
    pub member: String,
    /// Its id.
    pub member_id: MemberId,
    /// What its server runs, from its last answer; `None` while it has not said it. Untrusted text.
    pub version: Option<String>,
    /// Version of the schema of its data (3.6 and later), from this cycle; `None` when not reported. Untrusted text.
    pub storage_version: Option<String>,
    /// Known defects of its version, those that endanger data first; `None` where its version is not known.
    pub known_defects: Option<Vec<KnownDefect>>,
}

/// A known defect of a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct KnownDefect {
    /// The advisory, issue or change that tells of it.
    pub id: String,
    /// What is wrong, in one sentence.
    pub problem: String,
    /// Whether data may be lost or damaged.
    pub endangers_data: bool,
}
