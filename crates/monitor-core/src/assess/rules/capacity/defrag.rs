//! What a defragmentation costs, and how to ask for it.

use etcd_monitor_model::MemberSnapshot;

use super::{Context, duration};
use crate::assess::capacity::defrag_stall;

/// The command that defragments a member, with how long that stalls it.
pub(super) fn command(context: &Context<'_>, member: &MemberSnapshot) -> String {
    format!(
        "`etcdctl defrag --endpoints {}` ({})",
        member.endpoint,
        stall(context, member)
    )
}

/// How long it stalls the member, by its own earlier ones.
fn stall(context: &Context<'_>, member: &MemberSnapshot) -> String {
    let page = context
        .row_of(member)
        .and_then(crate::assess::view::Row::page);
    let Some(page) = page else {
        return "how long that stalls the member is not known: its /metrics was not read"
            .to_owned();
    };
    match defrag_stall(page.disk.defrag.as_ref()) {
        Some((mean, count)) => format!(
            "stalls the member for about {}, the mean of its {count:.0} since it started",
            duration(mean)
        ),
        None => "how long that stalls the member is not known: none since it started".to_owned(),
    }
}
