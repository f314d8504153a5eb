//! A real mail server: aiosmtpd, by `smtp_server.py`.

use std::path::PathBuf;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde::Deserialize;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::ChildStdout;
use tokio::time::timeout;

use crate::program::{LIMIT, Program, find};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Security {
    None,
    StartTls,
    Tls,
}

pub(crate) struct MailServer {
    pub(crate) port: u16,
    pub(crate) security: Security,
    lines: Lines<BufReader<ChildStdout>>,
    folder: TempDir,
    _program: Program,
}

/// A message that it took.
#[derive(Debug, Deserialize)]
pub(crate) struct Taken {
    pub(crate) from: String,
    pub(crate) to: Vec<String>,
    data: String,
    pub(crate) encrypted: bool,
    pub(crate) user: Option<String>,
    /// The port that it came from: one per connection.
    pub(crate) peer: u16,
}

impl MailServer {
    /// `None`, and says so, where aiosmtpd is not there.
    pub(crate) async fn start(security: Security, arguments: &[&str]) -> Option<Self> {
        let python = find("aiosmtpd-python")?;
        let folder = TempDir::new().unwrap();
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/channels/smtp_server.py");
        let tls = match security {
            Security::None => "none",
            Security::StartTls => "starttls",
            Security::Tls => "implicit",
        };
        let mut all = vec![script.to_owned(), "--tls".to_owned(), tls.to_owned()];
        all.extend(certificates(&folder));
        all.extend(arguments.iter().map(|&argument| argument.to_owned()));
        let mut program = Program::start(&python, &all);
        let stdout = ChildStdout::from_std(program.stdout()).unwrap();
        let mut lines = BufReader::new(stdout).lines();
        let port = next(&mut lines).await.parse().unwrap();
        Some(Self {
            port,
            security,
            lines,
            folder,
            _program: program,
        })
    }

    /// The authority that vouches for the server; `None` where it has no certificate.
    pub(crate) fn ca_file(&self) -> Option<PathBuf> {
        (self.security != Security::None).then(|| self.folder.path().join("ca.pem"))
    }

    /// The next message that it took.
    pub(crate) async fn taken(&mut self) -> Taken {
        serde_json::from_str(&next(&mut self.lines).await).unwrap()
    }
}

async fn next(lines: &mut Lines<BufReader<ChildStdout>>) -> String {
    let line = timeout(LIMIT, lines.next_line()).await;
    line.expect("it says something")
        .unwrap()
        .expect("it goes on")
}

/// Writes a certificate for localhost and its authority; the arguments that name it.
fn certificates(folder: &TempDir) -> [String; 4] {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, key).unwrap();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &authority).unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("ca.pem"), authority.pem()).unwrap();
    std::fs::write(path("cert.pem"), certificate.pem()).unwrap();
    std::fs::write(path("key.pem"), key.serialize_pem()).unwrap();
    let text = |name| path(name).display().to_string();
    [
        "--cert".to_owned(),
        text("cert.pem"),
        "--key".to_owned(),
        text("key.pem"),
    ]
}

impl Taken {
    /// A header, unfolded; `None` where there is none. Two of a name fail.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let (head, _) = self.data.split_once("\r\n\r\n").unwrap();
        let head = head.replace("\r\n ", " ").replace("\r\n\t", " ");
        let lines = head.lines().filter_map(|line| line.split_once(": "));
        let found: Vec<_> = lines
            .filter(|(it, _)| it.eq_ignore_ascii_case(name))
            .collect();
        assert!(found.len() <= 1, "{found:?}");
        found.first().map(|(_, value)| (*value).to_owned())
    }

    /// The text of the part of that type, decoded.
    pub(crate) fn part(&self, kind: &str) -> String {
        let begin = format!("Content-Type: {kind}");
        let part = self.data.split_once(&begin).unwrap().1;
        let (head, rest) = part.split_once("\r\n\r\n").unwrap();
        let (body, _) = rest.split_once("\r\n--").unwrap();
        if head.contains("base64") {
            return decode_base64(body);
        }
        let body = if head.contains("quoted-printable") {
            decode_quoted(body)
        } else {
            body.to_owned()
        };
        body.replace("\r\n", "\n")
    }
}

fn decode_base64(body: &str) -> String {
    use base64::Engine;
    let body: String = body.split_whitespace().collect();
    let bytes = base64::prelude::BASE64_STANDARD.decode(body).unwrap();
    String::from_utf8(bytes).unwrap()
}

/// Quoted-printable (RFC 2045).
fn decode_quoted(body: &str) -> String {
    let joined = body.replace("=\r\n", "");
    let mut bytes = Vec::new();
    let mut rest = joined.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        if byte == b'=' {
            let (hex, after) = after.split_at(2);
            let hex = str::from_utf8(hex).unwrap();
            bytes.push(u8::from_str_radix(hex, 16).unwrap());
            rest = after;
        } else {
            bytes.push(byte);
            rest = after;
        }
    }
    String::from_utf8(bytes).unwrap()
}
