//! HTTP/2 frame by frame, as no client library would send them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use etcd_monitor_api::{HttpOptions, LiveTls, Pem, PreparedTls, TlsSettings};
use etcd_monitor_testkit::TestCa;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;
use tokio_rustls::TlsConnector;

use crate::listening::Serving;
use crate::wire::LIMIT;

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RESET: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const CONTINUATION: u8 = 9;

pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;

/// The first byte of the head of an answer that went well.
const STATUS_200: u8 = 0x88;

/// A frame that came.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

impl Frame {
    /// The error of a frame that ends a stream or a connection.
    pub(crate) fn error(&self) -> u32 {
        let from = if self.kind == GOAWAY { 4 } else { 0 };
        u32::from_be_bytes(self.payload[from..from + 4].try_into().unwrap())
    }
}

/// The bytes of a frame.
pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let head = [length[1], length[2], length[3], kind, flags];
    [&head[..], &stream.to_be_bytes(), payload].concat()
}

/// A string of HPACK.
fn text(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.len();
    if rest < 127 {
        bytes.push(u8::try_from(rest).unwrap());
    } else {
        bytes.push(127);
        rest -= 127;
        while rest >= 128 {
            bytes.push(u8::try_from(rest % 128).unwrap() | 128);
            rest /= 128;
        }
        bytes.push(u8::try_from(rest).unwrap());
    }
    bytes.extend_from_slice(text);
    bytes
}

/// A header; with `indexed` one that the other side is to remember.
pub(crate) fn header(name: &str, value: &[u8], indexed: bool) -> Vec<u8> {
    let first = if indexed { 0x40 } else { 0 };
    [&[first][..], &text(name.as_bytes()), &text(value)].concat()
}

/// The head of a request, before its other headers.
pub(crate) fn head(method: &str, path: &str) -> Vec<u8> {
    [
        header(":method", method.as_bytes(), false),
        header(":scheme", b"https", false),
        header(":authority", b"127.0.0.1", false),
        header(":path", path.as_bytes(), false),
    ]
    .concat()
}

/// A request without a body.
pub(crate) fn get(stream: u32, path: &str) -> Vec<u8> {
    let flags = END_HEADERS | END_STREAM;
    frame(HEADERS, flags, stream, &head("GET", path))
}

/// A request whose body is to come.
pub(crate) fn post(stream: u32, path: &str) -> Vec<u8> {
    let kind = header("content-type", b"application/json", false);
    let head = [head("POST", path), kind].concat();
    frame(HEADERS, END_HEADERS, stream, &head)
}

/// A server that speaks TLS.
pub(crate) struct Secured {
    pub(crate) serving: Serving,
    client: Arc<ClientConfig>,
}

impl Secured {
    pub(crate) async fn start(mut options: HttpOptions) -> Self {
        // An error means that it is installed already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let ca = TestCa::new("servers").unwrap();
        let pem = ca.issue("server", &["127.0.0.1"]).unwrap();
        let inline = |text: String| Pem::Inline(secrecy::SecretString::from(text).into());
        let settings = TlsSettings {
            cert: inline(pem.certificate),
            key: inline(pem.key),
            ..TlsSettings::default()
        };
        let prepared = PreparedTls::new(&settings, true).unwrap();
        options.tls = Some(LiveTls::new(prepared));
        let mut roots = RootCertStore::empty();
        let root = CertificateDer::from_pem_slice(ca.pem().as_bytes()).unwrap();
        roots.add(root).unwrap();
        let client = ClientConfig::builder().with_root_certificates(roots);
        let mut client = client.with_no_client_auth();
        client.alpn_protocols = vec![b"h2".to_vec()];
        Self {
            serving: Serving::start(options).await,
            client: Arc::new(client),
        }
    }

    /// A connection on which both sides have said hello; the client with these settings.
    pub(crate) async fn connect(&self, settings: &[(u16, u32)]) -> Http2 {
        let mut connection = self.connect_to(self.serving.address).await;
        let settings = settings
            .iter()
            .flat_map(|(id, value)| [&id.to_be_bytes()[..], &value.to_be_bytes()].concat());
        let settings = frame(SETTINGS, 0, 0, &settings.collect::<Vec<u8>>());
        let preface = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &settings[..]].concat();
        assert!(connection.send(&preface).await);
        connection
    }

    async fn connect_to(&self, address: SocketAddr) -> Http2 {
        let socket = TcpSocket::new_v4().unwrap();
        // What waits for a client that does not read shall wait at the server.
        socket.set_recv_buffer_size(4096).unwrap();
        let stream = socket.connect(address).await.unwrap();
        let name = ServerName::try_from("127.0.0.1").unwrap();
        let connector = TlsConnector::from(Arc::clone(&self.client));
        Http2 {
            stream: connector.connect(name, stream).await.unwrap(),
        }
    }

    /// Sees that the server goes on for others.
    pub(crate) async fn answers_others(&self) {
        let mut other = self.connect(&[]).await;
        assert!(other.send(&get(1, "/health")).await);
        let head = other.until(|frame| frame.kind == HEADERS).await;
        let head = head.expect("it answers");
        assert_eq!(head.payload.first(), Some(&STATUS_200), "{head:?}");
    }
}

/// A connection of HTTP/2.
pub(crate) struct Http2 {
    stream: tokio_rustls::client::TlsStream<tokio::net::TcpStream>,
}

impl Http2 {
    /// Sends bytes; false where the server takes no more.
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> bool {
        let sending = async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        };
        let sent = tokio::time::timeout(LIMIT, sending).await;
        sent.expect("the server takes it, or ends the connection")
            .is_ok()
    }

    /// Sends the same again and again, until the server takes no more; false where it took all.
    pub(crate) async fn flood(&mut self, bytes: &[u8], times: usize) -> bool {
        for _ in 0..times {
            if !self.send(bytes).await {
                return true;
            }
        }
        false
    }

    /// The next frame; `None` where the server has ended the connection.
    pub(crate) async fn next(&mut self) -> Option<Frame> {
        let mut head = [0; 9];
        self.stream.read_exact(&mut head).await.ok()?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; length as usize];
        self.stream.read_exact(&mut payload).await.ok()?;
        Some(Frame {
            kind: head[3],
            flags: head[4],
            stream: u32::from_be_bytes(head[5..9].try_into().unwrap()) & (u32::MAX >> 1),
            payload,
        })
    }

    /// The next frame of which this holds; `None` where the server ends the connection before.
    pub(crate) async fn until(&mut self, wanted: impl Fn(&Frame) -> bool) -> Option<Frame> {
        let waiting = async {
            loop {
                let frame = self.next().await?;
                if wanted(&frame) {
                    return Some(frame);
                }
            }
        };
        let outcome = tokio::time::timeout(LIMIT, waiting).await;
        outcome.expect("the server says something or ends the connection")
    }

    /// Sends the same at times until the server ends the connection.
    pub(crate) async fn ends_in_spite_of(&mut self, bytes: &[u8]) {
        let (mut reader, mut writer) = tokio::io::split(&mut self.stream);
        let writing = async {
            while writer.write_all(bytes).await.is_ok() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let reading = async {
            let mut taken = [0; 4096];
            while reader.read(&mut taken).await.is_ok_and(|count| count > 0) {}
        };
        let ended = async {
            tokio::select! {
                () = writing => {}
                () = reading => {}
            }
        };
        tokio::time::timeout(LIMIT, ended)
            .await
            .expect("the server ends the connection");
    }
}
