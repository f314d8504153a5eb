//! From the errors of libraries and the texts of etcd to an [`ErrorKind`].

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;

use rustls::{AlertDescription, CertificateError, InvalidMessage};
use tonic::{Code, Status};

use super::ErrorKind;

/// The cause of a failed call before it is known which call it was. Travels through tonic and reqwest as the source of
/// their errors, so that what our own connector knows is not guessed again from texts.
#[derive(Debug, Clone)]
pub(crate) struct Cause {
    pub(crate) kind: ErrorKind,
    pub(crate) message: String,
    pub(crate) source: Option<Arc<dyn Error + Send + Sync>>,
    /// The connection was established and then closed: what listens there may not speak what we spoke.
    pub(crate) closed: bool,
}

impl Cause {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            source: None,
            closed: false,
        }
    }

    /// The cause of a connection that was established and then closed by the other side.
    pub(crate) fn closed() -> Self {
        let message =
            "the connection was closed by the other side; etcd may be stopping or starting";
        Self {
            closed: true,
            ..Self::new(ErrorKind::Refused, message)
        }
    }

    pub(crate) fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(Arc::from(source.into()));
        self
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for Cause {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source
            .as_deref()
            .map(|source| source as &(dyn Error + 'static))
    }
}

/// Links of an error chain, outermost first; the error inside an `io::Error` is a link of its own.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    // A chain that does not end is cut: errors are made from members' answers.
    std::iter::successors(Some(error), |&link| beneath(link)).take(16)
}

fn beneath<'a>(link: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match link
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref)
    {
        Some(inner) => Some(inner),
        None => link.source(),
    }
}

/// Classifies an error by what stands in its chain of sources; `None` when nothing in it is telling.
pub(crate) fn classify_chain(error: &(dyn Error + 'static)) -> Option<Cause> {
    chain(error)
        .find_map(telling)
        .or_else(|| chain(error).find_map(|link| classify_io(link.downcast_ref()?)))
        .or_else(|| chain(error).find_map(|link| classify_hyper(link.downcast_ref()?)))
}

fn telling(link: &(dyn Error + 'static)) -> Option<Cause> {
    if let Some(cause) = link.downcast_ref::<Cause>() {
        return Some(cause.clone());
    }
    if let Some(tls) = link.downcast_ref::<rustls::Error>() {
        return Some(classify_tls(tls));
    }
    // What was put into an `io::Error` tells more than its kind.
    let io = link.downcast_ref::<io::Error>()?;
    if io.get_ref().is_some() {
        None
    } else {
        classify_io(io)
    }
}

fn classify_hyper(error: &hyper::Error) -> Option<Cause> {
    let closed = error.is_incomplete_message() || error.is_closed() || error.is_canceled();
    closed.then(Cause::closed)
}

fn classify_io(error: &io::Error) -> Option<Cause> {
    use io::ErrorKind as Io;
    let (kind, message) = match error.kind() {
        Io::ConnectionRefused => (
            ErrorKind::Refused,
            "connection refused; check that etcd runs there and listens on this address".to_owned(),
        ),
        Io::ConnectionReset
        | Io::ConnectionAborted
        | Io::BrokenPipe
        | Io::UnexpectedEof
        | Io::NotConnected => return Some(Cause::closed()),
        Io::HostUnreachable | Io::NetworkUnreachable | Io::AddrNotAvailable | Io::NetworkDown => (
            ErrorKind::Refused,
            format!("there is no way to this address ({error}); check the address and the network"),
        ),
        Io::TimedOut => (
            ErrorKind::TimedOut,
            "no answer from the host; it may be down, or a firewall drops the packets".to_owned(),
        ),
        _ => return None,
    };
    Some(Cause::new(kind, message))
}

/// A TLS failure with what to do about it.
pub(crate) fn classify_tls(error: &rustls::Error) -> Cause {
    let hint = match error {
        rustls::Error::InvalidCertificate(reason) => certificate_hint(reason),
        rustls::Error::AlertReceived(alert) => alert_hint(*alert),
        rustls::Error::InvalidMessage(
            InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion,
        ) => "the port answers without TLS; use http:// for this endpoint",
        _ => "check the TLS files and the endpoint",
    };
    Cause::new(ErrorKind::Tls, format!("TLS: {error}: {hint}"))
}

fn certificate_hint(error: &CertificateError) -> &'static str {
    match error {
        CertificateError::UnknownIssuer => {
            "the member's certificate is not signed by a trusted authority; check --cacert"
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "the member's certificate has expired; renew it"
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "the member's certificate is not valid yet; check the clocks"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "the member's certificate is for another name; use a name it carries, or set the server name"
        }
        _ => "the member's certificate cannot be used",
    }
}

fn alert_hint(alert: AlertDescription) -> &'static str {
    match alert {
        AlertDescription::CertificateRequired => {
            "the member wants a client certificate; give --cert and --key"
        }
        AlertDescription::BadCertificate
        | AlertDescription::UnknownCA
        | AlertDescription::CertificateUnknown
        | AlertDescription::CertificateExpired
        | AlertDescription::CertificateRevoked
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::AccessDenied => {
            "the member refuses our client certificate; check that --cert is valid and signed by the member's authority"
        }
        _ => "the member ended the handshake",
    }
}

/// Classifies a gRPC status. The texts are etcd's own, from `api/v3rpc/rpctypes/error.go`.
pub(crate) fn classify_status(status: &Status) -> Cause {
    if let Some(cause) = status.source().and_then(classify_chain) {
        return cause;
    }
    let text = status.message();
    // tonic's texts for a connection that ended between the head of an answer and its body.
    if text.contains("h2 protocol error") || text.contains("error reading a body from connection") {
        return Cause::closed().with_source(status.clone());
    }
    let (kind, hint) = by_text(text).unwrap_or_else(|| by_code(status.code(), text));
    let text = if text.is_empty() {
        status.code().description()
    } else {
        text
    };
    let message = if hint.is_empty() {
        text.to_owned()
    } else {
        format!("{text}; {hint}")
    };
    Cause::new(kind, message).with_source(status.clone())
}

/// Starts of etcd's texts, their kinds, and what they mean or what to do.
const TEXTS: [(&str, ErrorKind, &str); 16] = [
    (
        "etcdserver: no leader",
        ErrorKind::NoLeader,
        "the cluster has no leader now",
    ),
    (
        "etcdserver: leader changed",
        ErrorKind::NoLeader,
        "an election took place",
    ),
    (
        "etcdserver: not leader",
        ErrorKind::NoLeader,
        "an election took place",
    ),
    (
        "etcdserver: rpc not supported for learner",
        ErrorKind::NotSupported,
        "learners do not serve this call",
    ),
    (
        "etcdserver: mvcc: database space exceeded",
        ErrorKind::NoSpace,
        "compact, defragment, and disarm the alarm",
    ),
    (
        "etcdserver: request is too large",
        ErrorKind::TooLarge,
        "send less at once, or raise --max-request-bytes of the members",
    ),
    (
        "grpc: received message larger than max",
        ErrorKind::TooLarge,
        "send less at once, or raise --max-request-bytes of the members",
    ),
    (
        "etcdserver: too many requests",
        ErrorKind::TooManyRequests,
        "the member applies more slowly than requests come in",
    ),
    (
        "etcdserver: user name is empty",
        ErrorKind::Unauthenticated,
        "the cluster wants a user; give --user and --password-file",
    ),
    (
        "etcdserver: authentication failed",
        ErrorKind::Unauthenticated,
        "check user and password",
    ),
    (
        "etcdserver: invalid auth token",
        ErrorKind::Unauthenticated,
        "the member does not accept the token",
    ),
    (
        "etcdserver: revision of auth store is old",
        ErrorKind::Unauthenticated,
        "users or roles were just changed",
    ),
    (
        "etcdserver: permission denied",
        ErrorKind::PermissionDenied,
        "give the user a role that allows this call",
    ),
    (
        "etcdserver: mvcc: required revision has been compacted",
        ErrorKind::Compacted,
        "ask for a later revision",
    ),
    (
        "etcdserver: mvcc: required revision is a future revision",
        ErrorKind::FutureRevision,
        "the member has not got that far",
    ),
    (
        "etcdserver: request timed out",
        ErrorKind::Other,
        "the member could not reach a quorum in time",
    ),
];

fn by_text(text: &str) -> Option<(ErrorKind, &'static str)> {
    let found = TEXTS.iter().find(|(start, _, _)| text.starts_with(start))?;
    Some((found.1, found.2))
}

fn by_code(code: Code, text: &str) -> (ErrorKind, &'static str) {
    match code {
        Code::Unauthenticated => (ErrorKind::Unauthenticated, "check user and password"),
        Code::PermissionDenied => (
            ErrorKind::PermissionDenied,
            "give the user a role that allows this call",
        ),
        Code::Unimplemented => (
            ErrorKind::NotSupported,
            "this version of etcd does not know the call",
        ),
        Code::DeadlineExceeded => (ErrorKind::TimedOut, ""),
        // tonic makes these itself of answers that are too long, cannot be decoded, or are no gRPC.
        Code::OutOfRange if text.contains("message length too large") => {
            (ErrorKind::BadAnswer, "the answer is over the size limit")
        }
        Code::Internal => (ErrorKind::BadAnswer, "the answer is not valid gRPC"),
        Code::Unknown if text.contains("HTTP status code") || text.contains("grpc-status") => (
            ErrorKind::BadAnswer,
            "check that this is etcd's client port",
        ),
        _ => (ErrorKind::Other, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn etcd_texts_are_classified() {
        for (code, text, kind) in [
            (
                Code::Unavailable,
                "etcdserver: no leader",
                ErrorKind::NoLeader,
            ),
            (
                Code::InvalidArgument,
                "etcdserver: user name is empty",
                ErrorKind::Unauthenticated,
            ),
            (
                Code::InvalidArgument,
                "etcdserver: authentication failed, invalid user ID or password",
                ErrorKind::Unauthenticated,
            ),
            (
                Code::PermissionDenied,
                "etcdserver: permission denied",
                ErrorKind::PermissionDenied,
            ),
            (
                Code::Unavailable,
                "etcdserver: rpc not supported for learner",
                ErrorKind::NotSupported,
            ),
            (
                Code::ResourceExhausted,
                "etcdserver: mvcc: database space exceeded",
                ErrorKind::NoSpace,
            ),
            (
                Code::ResourceExhausted,
                "etcdserver: too many requests",
                ErrorKind::TooManyRequests,
            ),
            (
                Code::OutOfRange,
                "etcdserver: mvcc: required revision has been compacted",
                ErrorKind::Compacted,
            ),
            (
                Code::OutOfRange,
                "etcdserver: mvcc: required revision is a future revision",
                ErrorKind::FutureRevision,
            ),
            (
                Code::Unimplemented,
                "unknown service",
                ErrorKind::NotSupported,
            ),
            (
                Code::OutOfRange,
                "Error, decoded message length too large: found 9 bytes",
                ErrorKind::BadAnswer,
            ),
            (
                Code::DataLoss,
                "etcdserver: corrupt cluster",
                ErrorKind::Other,
            ),
        ] {
            assert_eq!(
                classify_status(&Status::new(code, text)).kind,
                kind,
                "{text}"
            );
        }
    }

    #[test]
    fn what_stands_inside_an_io_error_tells_more_than_its_kind() {
        let tls = rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);
        let error = io::Error::new(io::ErrorKind::ConnectionReset, tls);
        let cause = classify_chain(&error).unwrap();
        assert_eq!(cause.kind, ErrorKind::Tls);
        assert!(cause.message.contains("--cacert"), "{cause}");
        let error = io::Error::from(io::ErrorKind::ConnectionRefused);
        assert_eq!(classify_chain(&error).unwrap().kind, ErrorKind::Refused);
    }

    #[test]
    fn our_own_cause_is_found_under_a_status() {
        let cause = Cause::new(ErrorKind::NameResolution, "no such host");
        let status = Status::from_error(Box::new(cause));
        assert_eq!(classify_status(&status).kind, ErrorKind::NameResolution);
    }
}
