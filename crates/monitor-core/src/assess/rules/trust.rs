//! Certificates: which end, which do not fit, and whose authorities differ.

use etcd_monitor_model::{
    AlertType, Certificate, Confidence, Finding, FindingKey, MemberSnapshot, PortKind, Severity,
    ShownCertificates, Subject, rule,
};
use jiff::Timestamp;

use super::{Context, Evidence, Verdict, evidence};
use crate::assess::trust::SeenPort;

mod expiry;
mod report;

pub(super) use expiry::own as own_certificate;
pub(in crate::assess) use report::certificates;

/// What is wrong with what one port shows.
struct Fault {
    severity: Severity,
    cause: String,
    evidence: Vec<Evidence>,
    action: String,
}

type Judge = fn(&Context<'_>, &MemberSnapshot, &Sight<'_>) -> Option<Fault>;

/// A port with the certificates that it showed lately.
struct Sight<'a> {
    port: &'a SeenPort,
    at: Timestamp,
    shown: &'a ShownCertificates,
}

/// What is judged of the certificate of each port.
const JUDGES: [(&str, Judge, Confidence); 3] = [
    (rule::CERTIFICATE_EXPIRING, expiry::judge, Confidence::High),
    (
        rule::CERTIFICATE_NOT_COVERING,
        not_covering,
        Confidence::High,
    ),
    (
        rule::PEER_CERTIFICATE_WITHOUT_CLIENT_AUTH,
        without_client_auth,
        Confidence::Medium,
    ),
];

/// The rules about the certificates of one member.
pub(super) fn of_member(context: &Context<'_>, member: &MemberSnapshot) -> Vec<Finding> {
    let findings = JUDGES.into_iter().map(|(rule, judge, confidence)| {
        let (severity, verdict) = verdict(context, member, judge);
        let mut finding =
            context.member_finding(rule, AlertType::Configuration, severity, member, verdict);
        finding.confidence = confidence;
        finding
    });
    findings.collect()
}

/// The worst fault of a member's ports. Ports without TLS show no certificate, so that nothing can be wrong with one; a
/// port that shows none that is fresh leaves the question open, unless another port has answered it.
fn verdict(context: &Context<'_>, member: &MemberSnapshot, judge: Judge) -> (Severity, Verdict) {
    let ports = match ports(context, member) {
        Ok(ports) => ports,
        Err(reason) => return (Severity::Warning, Verdict::unknown(reason)),
    };
    let sights = ports.iter().filter_map(|port| sight(context, port).ok());
    let faults = sights.filter_map(|sight| judge(context, member, &sight));
    if let Some(fault) = worst(faults) {
        let told = (fault.cause, fault.evidence, fault.action);
        return (fault.severity, Verdict::when(true, || told));
    }
    let blind = ports
        .iter()
        .filter(|port| port.tls)
        .find_map(|port| sight(context, port).err());
    (
        Severity::Warning,
        blind.map_or(Verdict::False, Verdict::unknown),
    )
}

/// The first of the most severe.
fn worst(faults: impl Iterator<Item = Fault>) -> Option<Fault> {
    faults.reduce(|worst, next| {
        if next.severity > worst.severity {
            next
        } else {
            worst
        }
    })
}

fn ports<'a>(context: &'a Context<'_>, member: &MemberSnapshot) -> Result<&'a [SeenPort], String> {
    if member.endpoint.is_empty() {
        return Err(
            "the member advertises no client URL, so its ports were not looked at".to_owned(),
        );
    }
    let ports = context.state.trust.ports(&member.endpoint);
    ports.ok_or_else(|| "no TLS handshake with its ports was made yet".to_owned())
}

/// What a TLS port showed lately, or why that is not known. A clock that went back makes nothing old.
fn sight<'a>(context: &Context<'_>, port: &'a SeenPort) -> Result<Sight<'a>, String> {
    let why = || {
        let failure = port.failure.as_deref();
        failure.unwrap_or("it was not looked at again").to_owned()
    };
    let name = format!("{} port {}", port.kind.as_str(), port.url);
    let Some((at, shown)) = port.shown.as_ref() else {
        return Err(format!("the {name} shows no certificate: {}", why()));
    };
    let age = context.now().duration_since(*at).as_secs_f64();
    if age > context.parameters.trust.certificate_max_age_seconds {
        return Err(format!(
            "what the {name} showed at {at} is too old: {}",
            why()
        ));
    }
    Ok(Sight {
        port,
        at: *at,
        shown,
    })
}

fn not_covering(_: &Context<'_>, member: &MemberSnapshot, sight: &Sight<'_>) -> Option<Fault> {
    let leaf = sight.shown.chain.first()?;
    if sight.shown.covers_host || !sight.port.advertised {
        return None;
    }
    let names = if leaf.names.is_empty() {
        "no name at all".to_owned()
    } else {
        leaf.names.join(", ")
    };
    let (kind, url) = (sight.port.kind.as_str(), &sight.port.url);
    Some(Fault {
        severity: Severity::Warning,
        cause: format!(
            "The certificate of the {kind} port of {} does not cover the advertised {url}: it names {names}",
            member.name
        ),
        evidence: vec![shown_as(sight, leaf)],
        action: format!(
            "Issue it again with the host among its alternative names, or advertise a name that it has; see it with {}",
            show_command(url)
        ),
    })
}

fn without_client_auth(
    _: &Context<'_>,
    member: &MemberSnapshot,
    sight: &Sight<'_>,
) -> Option<Fault> {
    let leaf = sight.shown.chain.first()?;
    if leaf.client_auth || sight.port.kind != PortKind::Peer {
        return None;
    }
    Some(Fault {
        severity: Severity::Warning,
        cause: format!(
            "The peer certificate of {} may not be used as a client's: members that demand one (--peer-client-cert-auth) refuse its connections",
            member.name
        ),
        evidence: vec![shown_as(sight, leaf)],
        action: format!(
            "Issue it again with both serverAuth and clientAuth as extended key usage; see it with {}",
            show_command(&sight.port.url)
        ),
    })
}

/// The members' certificates come from different authorities: a rotation that stopped half-way, which breaks the
/// cluster when the old authority is taken out of the bundles.
pub(super) fn issuers_differ(context: &Context<'_>) -> Finding {
    let verdict = [PortKind::Client, PortKind::Peer]
        .into_iter()
        .map(|kind| issuers_of(context, kind))
        .reduce(worse)
        .unwrap_or(Verdict::False);
    context.cluster_finding(
        rule::CERTIFICATE_ISSUERS_DIFFER,
        AlertType::Configuration,
        Severity::Info,
        verdict,
    )
}

fn worse(left: Verdict, right: Verdict) -> Verdict {
    match (left, right) {
        (yes @ Verdict::True { .. }, _) | (_, yes @ Verdict::True { .. }) => yes,
        (open @ Verdict::Unknown { .. }, _) | (_, open @ Verdict::Unknown { .. }) => open,
        (Verdict::False, Verdict::False) => Verdict::False,
    }
}

fn issuers_of(context: &Context<'_>, kind: PortKind) -> Verdict {
    let (mut seen, mut blind) = (Vec::new(), None);
    let members = context.snapshot.members.iter();
    for member in members.filter(|member| member.id.is_some()) {
        match ports(context, member) {
            Err(reason) => blind = blind.or(Some(format!("{}: {reason}", member.name))),
            Ok(ports) => {
                for port in ports.iter().filter(|port| port.kind == kind && port.tls) {
                    match sight(context, port) {
                        Ok(sight) => seen.push((member, sight)),
                        Err(reason) => blind = blind.or(Some(format!("{}: {reason}", member.name))),
                    }
                }
            }
        }
    }
    match differing(&seen) {
        Some((first, other)) => Verdict::when(true, || describe_issuers(kind, first, other)),
        None => blind.map_or(Verdict::False, Verdict::unknown),
    }
}

type Seen<'a> = (&'a MemberSnapshot, Sight<'a>);

/// The first two members whose certificates come from different authorities.
fn differing<'a>(seen: &'a [Seen<'a>]) -> Option<(&'a Seen<'a>, &'a Seen<'a>)> {
    let first = seen.first()?;
    let differs = |other: &&Seen<'_>| !same_authority(&first.1, &other.1);
    seen.iter().find(differs).map(|other| (first, other))
}

/// The authority above the presented chain, so that intermediates of one root are one authority.
fn authority<'a>(sight: &'a Sight<'_>) -> Option<(&'a str, Option<&'a str>)> {
    let top = sight.shown.chain.last()?;
    let own = top.own_key.as_deref().filter(|_| top.issuer == top.subject);
    Some((&top.issuer, top.issuer_key.as_deref().or(own)))
}

fn same_authority(left: &Sight<'_>, right: &Sight<'_>) -> bool {
    let Some(((left, left_key), (right, right_key))) = authority(left).zip(authority(right)) else {
        return true;
    };
    let keys_differ = left_key
        .zip(right_key)
        .is_some_and(|(left, right)| left != right);
    left == right && !keys_differ
}

fn describe_issuers(
    kind: PortKind,
    first: &Seen<'_>,
    other: &Seen<'_>,
) -> (String, Vec<Evidence>, String) {
    let both = [first, other];
    let cause = format!(
        "The {} certificates of {} and {} come from different authorities: a rotation that is not finished",
        kind.as_str(),
        first.0.name,
        other.0.name
    );
    let tops = both.iter().filter_map(|(_, sight)| {
        let top = sight.shown.chain.last()?;
        Some(shown_as(sight, top))
    });
    let action = "Finish the rotation: trust both authorities everywhere, replace each member's certificate, and only then take the old authority out (`openssl crl2pkcs7 -nocrl -certfile BUNDLE | openssl pkcs7 -print_certs -noout` lists a bundle)";
    (cause, tops.collect(), action.to_owned())
}

/// Says which certificate explains a TLS handshake that fails: only one on the way that fails.
pub(super) fn explain(context: &Context<'_>, findings: &mut [Finding]) {
    let keys: Vec<FindingKey> = findings
        .iter()
        .filter(|finding| finding.status.is_true())
        .map(Finding::key)
        .collect();
    let follows = [rule::TLS_FAILED, rule::METRICS_UNREADABLE];
    let failing = findings.iter_mut().filter(|finding| {
        let fails = finding.status.is_true() && finding.caused_by.is_none();
        let failed_by_tls = FindingKey {
            rule: rule::TLS_FAILED.to_owned(),
            subject: finding.subject.key(),
        };
        fails && follows.contains(&finding.rule.as_str()) && keys.contains(&failed_by_tls)
    });
    for finding in failing {
        let roots = roots(context, &finding.subject);
        finding.caused_by = roots.into_iter().find(|root| keys.contains(root));
    }
}

/// What would explain that the monitor's handshake with a member fails.
fn roots(context: &Context<'_>, subject: &Subject) -> Vec<FindingKey> {
    let key = |rule: &str, subject: &Subject| FindingKey {
        rule: rule.to_owned(),
        subject: subject.key(),
    };
    let members = context.snapshot.members.iter();
    let mut members = members
        .filter(|member| Subject::member(member.name.clone(), member.id).key() == subject.key());
    let endpoint = members.next().map_or("", |member| member.endpoint.as_str());
    let ports = context.state.trust.ports(endpoint).unwrap_or_default();
    let asked = ports
        .iter()
        .find(|port| port.kind == PortKind::Client && port.url == endpoint);
    let shown = asked.and_then(|port| port.shown.as_ref());
    let mut roots = Vec::new();
    if let Some((_, shown)) = shown {
        if !expiry::all_valid(&shown.chain, context.now()) {
            roots.push(key(rule::CERTIFICATE_EXPIRING, subject));
        }
        if !shown.covers_host {
            roots.push(key(rule::CERTIFICATE_NOT_COVERING, subject));
        }
    }
    if !expiry::own_valid(context) {
        roots.push(key(rule::CERTIFICATE_EXPIRING, &Subject::monitor()));
    }
    roots
}

fn shown_as(sight: &Sight<'_>, certificate: &Certificate) -> Evidence {
    let source = format!("TLS handshake with {}", sight.port.url);
    evidence(source, in_words(certificate), sight.at)
}

fn in_words(certificate: &Certificate) -> String {
    format!(
        "{} from {}, serial {}, valid from {} to {}",
        certificate.subject,
        certificate.issuer,
        certificate.serial,
        certificate.not_before,
        certificate.not_after
    )
}

fn show_command(url: &str) -> String {
    let address = url.trim_start_matches("https://");
    format!(
        "`openssl s_client -connect {address} -showcerts </dev/null | openssl x509 -noout -text`"
    )
}
