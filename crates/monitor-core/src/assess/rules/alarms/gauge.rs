//! Where a member's gauge of alarms says otherwise than the Alarm RPC.
//!
//! The gauge counts what the process has applied since its start (etcd `server/etcdserver/apply/uber_apply.go`): an alarm
//! from before is not in it, and one that was raised twice stays in it after it ended. So it never decides.

use std::collections::BTreeSet;

use etcd_monitor_model::{Alarm, AlarmKind, Evidence, MemberId, MemberSnapshot, MetricsPage};

use super::super::{Context, evidence};
use super::name;
use crate::assess::versions::Version;
use crate::assess::view::Row;

const GAUGE: &str = "etcd_debugging_server_alarms";

/// Differences listed: more tell no more.
const LISTED_MAX: usize = 16;

/// What each member's gauge says otherwise than the Alarm RPC about alarms of one kind.
pub(super) fn differing(
    context: &Context<'_>,
    kind: AlarmKind,
    alarms: &BTreeSet<Alarm>,
) -> Vec<Evidence> {
    let of_kind = alarms.iter().filter(|alarm| alarm.kind == kind);
    let listed: BTreeSet<MemberId> = of_kind.filter_map(|alarm| alarm.member).collect();
    let members = context.snapshot.members.iter();
    let differing = members.flat_map(|member| of_member(context, member, kind, &listed));
    differing.take(LISTED_MAX).collect()
}

fn of_member(
    context: &Context<'_>,
    member: &MemberSnapshot,
    kind: AlarmKind,
    listed: &BTreeSet<MemberId>,
) -> Vec<Evidence> {
    let Some(page) = context.row_of(member).and_then(Row::page) else {
        return Vec::new();
    };
    let counted = counted(page, kind);
    let said = |words: String| {
        let source = format!("{GAUGE} of {}", member.name);
        evidence(source, words, context.now())
    };
    let missing = listed.difference(&counted).filter(|_| has_gauge(member));
    let missing = missing.map(|id| {
        let raised_for = name(context, *id);
        said(format!(
            "none for {raised_for}, whose alarm is active by the Alarm call: the gauge forgets at each start"
        ))
    });
    let left = counted.difference(listed).map(|id| {
        let raised_for = name(context, *id);
        said(format!(
            "above 0 for {raised_for}, whose alarm is not active by the Alarm call: the gauge counts repeated alarms"
        ))
    });
    missing.chain(left).collect()
}

/// For whom the gauge shows an alarm.
fn counted(page: &MetricsPage, kind: AlarmKind) -> BTreeSet<MemberId> {
    let shown = page.alarms.iter();
    let shown = shown.filter(|alarm| alarm.kind == kind && alarm.count > 0.0);
    shown.map(|alarm| alarm.member).collect()
}

/// The gauge came with 3.6, and is not on the page until there was an alarm.
fn has_gauge(member: &MemberSnapshot) -> bool {
    let version = member.version.as_deref().and_then(Version::parse);
    version >= Version::parse("3.6.0")
}
