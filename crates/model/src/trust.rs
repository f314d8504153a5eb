//! Certificates and clocks: what a handshake and a `Date` tell of a member.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{MemberId, Probe};

/// What was seen on the ports of one member. Taken every ten minutes; `assess` remembers it in between.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TrustReport {
    /// The ports: client ports first.
    pub ports: Vec<PortTrust>,
}

/// What was seen on one port of a member.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PortTrust {
    /// Whom the port serves.
    pub kind: PortKind,
    /// Its URL. Untrusted text where the member advertised it.
    pub url: String,
    /// True when the member itself advertises the URL; false for an endpoint that only the operator named.
    pub advertised: bool,
    /// The handshake; `None` for a port without TLS, which shows no certificate.
    pub handshake: Option<Probe<ShownCertificates>>,
}

/// Whom a port serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum PortKind {
    /// Clients.
    Client,
    /// Other members.
    Peer,
}

impl PortKind {
    /// The kind in lower case.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Peer => "peer",
        }
    }
}

/// The certificates that a port showed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownCertificates {
    /// As presented, the leaf first; at most four.
    pub chain: Vec<Certificate>,
    /// True if the leaf's alternative names cover the host of the URL.
    pub covers_host: bool,
    /// Why the handshake ended early, on our side or the member's; `None` when it was completed.
    pub refused: Option<String>,
}

/// What stands in one certificate. All texts are untrusted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// Whom it is for, as a distinguished name.
    pub subject: String,
    /// Who signed it, as a distinguished name.
    pub issuer: String,
    /// Its serial number in hex.
    pub serial: String,
    /// Identifier of the signing key in hex, where the certificate has one.
    pub issuer_key: Option<String>,
    /// Identifier of its own key in hex, where the certificate has one.
    pub own_key: Option<String>,
    /// When its validity begins.
    pub not_before: Timestamp,
    /// When its validity ends.
    pub not_after: Timestamp,
    /// Its first 16 alternative names.
    pub names: Vec<String>,
    /// True if it may be shown by a server.
    pub server_auth: bool,
    /// True if it may be shown by a client, as members do to each other.
    pub client_auth: bool,
}

/// What a member's clock showed in the `Date` of its `/metrics` answer.
///
/// The member took the time at some instant between `sent_at` and the answer, and gives whole seconds, rounded down.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ClockReading {
    /// The monitor's wall clock when it asked.
    pub sent_at: Timestamp,
    /// Time from asking to the head of the answer, in seconds.
    pub answered_after_seconds: f64,
    /// What the member's clock showed.
    pub date: Timestamp,
}

/// How far a member's clock is from the monitor's.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ClockOffset {
    /// The member's clock minus the monitor's, in seconds: the middle of what is possible.
    pub offset_seconds: f64,
    /// How far the truth may be from it to either side, in seconds: half a second for the resolution of `Date`, and half
    /// the time that the answer took.
    pub uncertainty_seconds: f64,
}

/// What is known of the certificates of a cluster's members, port by port.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CertificateReport {
    /// Ports that showed a certificate lately.
    pub shown: Vec<PortCertificate>,
    /// Ports without TLS.
    pub without_tls: Vec<MemberPort>,
    /// Ports, and members, of which it is not known what they show.
    pub unknown: Vec<UnseenPort>,
}

/// A port of a member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MemberPort {
    /// The member's name; the endpoint while the name is not known. Untrusted text.
    pub member: String,
    /// The member's id; `None` for an endpoint whose member is not known.
    pub member_id: Option<MemberId>,
    /// Whom the port serves.
    pub port: PortKind,
    /// Its URL. Untrusted text where the member advertised it.
    pub url: String,
}

/// The certificate that a port shows. All texts are untrusted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PortCertificate {
    /// Where it is shown.
    #[serde(flatten)]
    pub place: MemberPort,
    /// Whom it is for, as a distinguished name.
    pub subject: String,
    /// Who signed it, as a distinguished name.
    pub issuer: String,
    /// Its first 16 alternative names.
    pub names: Vec<String>,
    /// When its validity begins.
    pub not_before: Timestamp,
    /// When its validity ends.
    pub not_after: Timestamp,
    /// True if its alternative names cover the host of the URL.
    pub covers_host: bool,
    /// Why the handshake ended early, on the monitor's side or the port's; `None` when it was completed.
    pub refused: Option<String>,
    /// The worst that the findings say of it, or of an authority that is shown with it; `None` where they say nothing.
    pub problem: Option<String>,
    /// When it was seen.
    pub seen_at: Timestamp,
}

/// A port of which it is not known what it shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UnseenPort {
    /// The member's name; the endpoint while the name is not known. Untrusted text.
    pub member: String,
    /// The member's id; `None` for an endpoint whose member is not known.
    pub member_id: Option<MemberId>,
    /// Whom the port serves; `None` where no port of the member was looked at.
    pub port: Option<PortKind>,
    /// Its URL, likewise. Untrusted text where the member advertised it.
    pub url: Option<String>,
    /// Why it is not known.
    pub reason: String,
}

/// What a snapshot says of a member's certificates and clock.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct MemberTrust {
    /// When the first of the certificates that its ports show ends; `None` while none was seen.
    pub certificates_end_at: Option<Timestamp>,
    /// When the certificates were last seen.
    pub certificates_seen_at: Option<Timestamp>,
    /// Its clock against the monitor's, in this cycle.
    pub clock: Option<ClockOffset>,
}
