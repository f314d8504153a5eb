//! What members run, and as what the cluster acts.

use etcd_monitor_model::{KnownDefect, MemberSnapshot, MemberVersions, VersionReport};

use super::{Version, behind, defects_of};
use crate::assess::rules::Context;
use crate::assess::view::Row;

/// The versions of the cluster, and of the members whose ids are known.
pub(in crate::assess) fn versions(context: &Context<'_>) -> VersionReport {
    let pages = context.view.pages();
    let said = pages.filter_map(|(_, page)| page.cluster_version.as_deref());
    let oldest = said.filter_map(behind::parse).min();
    let members = context.snapshot.members.iter();
    VersionReport {
        cluster_version: oldest.map(|version| version.to_string()),
        members: members
            .filter_map(|member| of_member(context, member))
            .collect(),
    }
}

fn of_member(context: &Context<'_>, member: &MemberSnapshot) -> Option<MemberVersions> {
    let status = context.row_of(member).and_then(Row::status);
    let version = member.version.as_deref().and_then(Version::parse);
    Some(MemberVersions {
        member: member.name.clone(),
        member_id: member.id?,
        version: member.version.clone(),
        storage_version: status.and_then(|status| status.storage_version.clone()),
        known_defects: version.map(|version| known_defects(context, &version)),
    })
}

fn known_defects(context: &Context<'_>, version: &Version) -> Vec<KnownDefect> {
    let defects = defects_of(context, version).into_iter();
    let known = defects.map(|defect| KnownDefect {
        id: defect.id.clone(),
        problem: defect.problem.clone(),
        endangers_data: defect.endangers_data(),
    });
    known.collect()
}
