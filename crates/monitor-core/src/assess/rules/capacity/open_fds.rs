//! File descriptors of a member.

use etcd_monitor_model::{AlertType, Finding, MemberSnapshot, Severity, rule};

use super::{Context, Verdict, evidence};

/// etcd needs a descriptor for each connection; with none left it accepts no client and no peer.
pub(super) fn near_limit(context: &Context<'_>, member: &MemberSnapshot) -> Finding {
    let process = &member.metrics.process;
    let limit = context.parameters.metrics.open_fds_share;
    let verdict = match (process.open_fds, process.max_fds.filter(|max| *max > 0.0)) {
        (None, _) => context.no_metric(member, "process_open_fds"),
        (_, None) => context.no_metric(member, "process_max_fds"),
        (Some(open), Some(max)) => Verdict::when(open > max * limit, || {
            let cause = format!(
                "{} has {open:.0} of {max:.0} file descriptors open: with none left it takes no connection, of a client or a peer",
                member.name
            );
            let seen = vec![evidence(
                "process_open_fds, process_max_fds",
                format!("{open:.0} of {max:.0}"),
                context.now(),
            )];
            let action = format!(
                "Raise the limit (`LimitNOFILE=65536` in etcd's unit, then restart {}), and find who opens so many connections: `ss -tn state established '( sport = :2379 )' | awk '{{print $4}}' | sort | uniq -c | sort -n | tail`",
                member.name
            );
            (cause, seen, action)
        }),
    };
    context.member_finding(
        rule::FILE_DESCRIPTORS_NEAR_LIMIT,
        AlertType::Capacity,
        Severity::Warning,
        member,
        verdict,
    )
}
