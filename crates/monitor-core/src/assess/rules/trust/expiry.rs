//! When certificates begin and end.

use etcd_monitor_model::{
    AlertType, Certificate, Finding, MemberSnapshot, PortKind, Severity, Subject, rule,
};
use jiff::Timestamp;

use super::{Fault, Sight, in_words, show_command, shown_as};
use crate::assess::rules::{Context, Verdict, evidence};
use crate::assess::trust::TrustParameters;

const DAY_SECONDS: f64 = 86_400.0;
const HOUR_SECONDS: f64 = 3_600.0;

/// What is wrong with the validity of one certificate.
struct Expiry<'a> {
    severity: Severity,
    certificate: &'a Certificate,
    /// "ends in 5 d", "ended 3 h ago", "is not valid before …".
    what: String,
}

/// The fault of the certificate of a chain that is worst off.
pub(super) fn judge(
    context: &Context<'_>,
    member: &MemberSnapshot,
    sight: &Sight<'_>,
) -> Option<Fault> {
    let chain = &sight.shown.chain;
    let expiry = worst(chain, context.now(), &context.parameters.trust)?;
    let kind = sight.port.kind;
    let whose = match chain.first() {
        Some(leaf) if leaf == expiry.certificate => "The certificate".to_owned(),
        _ => format!("The authority {} in the chain", expiry.certificate.subject),
    };
    let flags = match kind {
        PortKind::Client => "--cert-file and --key-file",
        PortKind::Peer => "--peer-cert-file and --peer-key-file",
    };
    Some(Fault {
        severity: expiry.severity,
        cause: format!(
            "{whose} of the {} port of {} {}",
            kind.as_str(),
            member.name,
            expiry.what
        ),
        evidence: vec![shown_as(sight, expiry.certificate)],
        action: format!(
            "Renew it and replace the files of {flags} on {}: etcd reads them again for each new connection; see it with {}",
            member.name,
            show_command(&sight.port.url)
        ),
    })
}

/// The monitor's own client certificate; false where it shows none.
pub(in crate::assess::rules) fn own(context: &Context<'_>) -> Finding {
    let own = context.state.trust.own();
    let (severity, verdict) = match own.map(|own| (own.at, &own.chain)) {
        None => (
            Severity::Warning,
            Verdict::unknown("the monitor's own certificate was not read yet"),
        ),
        Some((_, Err(failure))) => (
            Severity::Warning,
            Verdict::unknown(format!(
                "the monitor's own certificate cannot be read: {failure}"
            )),
        ),
        Some((at, Ok(chain))) => own_chain(context, at, chain),
    };
    context.finding(
        rule::CERTIFICATE_EXPIRING,
        AlertType::Configuration,
        severity,
        Subject::monitor(),
        verdict,
    )
}

fn own_chain(context: &Context<'_>, at: Timestamp, chain: &[Certificate]) -> (Severity, Verdict) {
    let Some(expiry) = worst(chain, context.now(), &context.parameters.trust) else {
        return (Severity::Warning, Verdict::False);
    };
    let verdict = Verdict::when(true, || {
        let cause = format!(
            "The client certificate that the monitor shows to {} {}",
            context.snapshot.cluster, expiry.what
        );
        let seen = vec![evidence("file of --cert", in_words(expiry.certificate), at)];
        let action =
            "Renew it and replace the files of --cert and --key: they are read again within 5 s";
        (cause, seen, action.to_owned())
    });
    (expiry.severity, verdict)
}

/// True when every certificate of a chain is valid at this time.
pub(super) fn all_valid(chain: &[Certificate], now: Timestamp) -> bool {
    let mut chain = chain.iter();
    chain.all(|certificate| certificate.not_before <= now && now <= certificate.not_after)
}

/// True when the monitor's own certificate is valid, or not known not to be.
pub(super) fn own_valid(context: &Context<'_>) -> bool {
    let own = context.state.trust.own();
    let chain = own.and_then(|own| own.chain.as_ref().ok());
    chain.is_none_or(|chain| all_valid(chain, context.now()))
}

fn worst<'a>(
    chain: &'a [Certificate],
    now: Timestamp,
    parameters: &TrustParameters,
) -> Option<Expiry<'a>> {
    let faults = chain
        .iter()
        .filter_map(|certificate| expiry(certificate, now, parameters));
    faults.reduce(|worst, next| {
        if next.severity > worst.severity {
            next
        } else {
            worst
        }
    })
}

fn expiry<'a>(
    certificate: &'a Certificate,
    now: Timestamp,
    parameters: &TrustParameters,
) -> Option<Expiry<'a>> {
    let (begin, end) = (certificate.not_before, certificate.not_after);
    let left = end.duration_since(now).as_secs_f64();
    let lifetime = end.duration_since(begin).as_secs_f64();
    let limit = |days: f64, share: f64| (days * DAY_SECONDS).min(lifetime * share);
    let warning = limit(
        parameters.expiry_warning_days,
        parameters.expiry_warning_share,
    );
    let info = limit(parameters.expiry_info_days, parameters.expiry_info_share);
    let (severity, what) = if left < 0.0 {
        let ago = in_units(-left);
        (Severity::Critical, format!("ended {ago} ago, at {end}"))
    } else if now < begin {
        (Severity::Critical, format!("is not valid before {begin}"))
    } else if left < warning {
        (
            Severity::Warning,
            format!("ends in {}, at {end}", in_units(left)),
        )
    } else if left < info {
        (
            Severity::Info,
            format!("ends in {}, at {end}", in_units(left)),
        )
    } else {
        return None;
    };
    Some(Expiry {
        severity,
        certificate,
        what,
    })
}

fn in_units(seconds: f64) -> String {
    if seconds >= 2.0 * DAY_SECONDS {
        format!("{:.0} d", (seconds / DAY_SECONDS).floor())
    } else if seconds >= 2.0 * HOUR_SECONDS {
        format!("{:.0} h", (seconds / HOUR_SECONDS).floor())
    } else {
        format!("{:.0} min", (seconds / 60.0).floor())
    }
}
