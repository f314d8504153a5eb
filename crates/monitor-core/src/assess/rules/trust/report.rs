//! What each port shows, with what the rules say of it.

use etcd_monitor_model::{
    Certificate, CertificateReport, MemberPort, MemberSnapshot, PortCertificate, UnseenPort,
};

use super::{JUDGES, Sight, ports, sight};
use crate::assess::rules::Context;
use crate::assess::trust::SeenPort;

/// The ports of every member, in the order of the snapshot.
pub(in crate::assess) fn certificates(context: &Context<'_>) -> CertificateReport {
    let mut report = CertificateReport::default();
    for member in &context.snapshot.members {
        match ports(context, member) {
            Ok(ports) => {
                for port in ports {
                    note(&mut report, context, member, port);
                }
            }
            Err(reason) => report.unknown.push(unseen(member, None, reason)),
        }
    }
    report
}

fn note(
    report: &mut CertificateReport,
    context: &Context<'_>,
    member: &MemberSnapshot,
    port: &SeenPort,
) {
    if !port.tls {
        return report.without_tls.push(place(member, port));
    }
    match sight(context, port) {
        Ok(sight) => {
            let leaf = sight.shown.chain.first();
            let shown = leaf.map(|leaf| shown(context, member, &sight, leaf));
            report.shown.extend(shown);
        }
        Err(reason) => report.unknown.push(unseen(member, Some(port), reason)),
    }
}

fn shown(
    context: &Context<'_>,
    member: &MemberSnapshot,
    sight: &Sight<'_>,
    leaf: &Certificate,
) -> PortCertificate {
    let faults = JUDGES.iter();
    let faults = faults.filter_map(|(_, judge, _)| judge(context, member, sight));
    PortCertificate {
        place: place(member, sight.port),
        subject: leaf.subject.clone(),
        issuer: leaf.issuer.clone(),
        names: leaf.names.clone(),
        not_before: leaf.not_before,
        not_after: leaf.not_after,
        covers_host: sight.shown.covers_host,
        refused: sight.shown.refused.clone(),
        problem: super::worst(faults).map(|fault| fault.cause),
        seen_at: sight.at,
    }
}

fn place(member: &MemberSnapshot, port: &SeenPort) -> MemberPort {
    MemberPort {
        member: member.name.clone(),
        member_id: member.id,
        port: port.kind,
        url: port.url.clone(),
    }
}

fn unseen(member: &MemberSnapshot, port: Option<&SeenPort>, reason: String) -> UnseenPort {
    UnseenPort {
        member: member.name.clone(),
        member_id: member.id,
        port: port.map(|port| port.kind),
        url: port.map(|port| port.url.clone()),
        reason,
    }
}
