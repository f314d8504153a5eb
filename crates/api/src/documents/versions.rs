//! What members run, and as what the cluster acts.

use etcd_monitor_model::{FindingStatus, MemberVersions, Snapshot, rule};
use serde::Serialize;
use utoipa::ToSchema;

use crate::source::age_seconds;

/// The findings about versions.
const RULES: [&str; 3] = [
    rule::KNOWN_BAD_VERSION,
    rule::MIXED_VERSIONS,
    rule::CLUSTER_VERSION_BEHIND,
];

/// What members run, and as what the cluster acts.
#[derive(Serialize, ToSchema)]
pub(crate) struct Versions<'a> {
    cluster: &'a str,
    /// The version that the cluster acts as; null while no member says it.
    cluster_version: Option<&'a str>,
    /// The members whose ids are known.
    members: &'a [MemberVersions],
    /// What `MixedVersions` says; null where it is not known.
    mixed: Option<bool>,
    /// The rules of the findings about versions that are true, each once.
    findings: Vec<&'static str>,
    age_seconds: f64,
}

impl<'a> Versions<'a> {
    pub(crate) fn of(snapshot: &'a Snapshot) -> Self {
        let is_true = |rule: &&str| {
            let mut findings = snapshot.findings.iter();
            findings.any(|it| it.rule == **rule && it.status.is_true())
        };
        Self {
            cluster: snapshot.cluster.as_str(),
            cluster_version: snapshot.versions.cluster_version.as_deref(),
            members: &snapshot.versions.members,
            mixed: mixed(snapshot),
            findings: RULES.into_iter().filter(is_true).collect(),
            age_seconds: age_seconds(snapshot.at),
        }
    }
}

fn mixed(snapshot: &Snapshot) -> Option<bool> {
    let mut findings = snapshot.findings.iter();
    let finding = findings.find(|finding| finding.rule == rule::MIXED_VERSIONS)?;
    match finding.status {
        FindingStatus::True => Some(true),
        FindingStatus::False => Some(false),
        FindingStatus::Unknown { .. } => None,
    }
}
