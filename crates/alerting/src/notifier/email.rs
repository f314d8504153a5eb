//! The e-mail channel: SMTP.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use lettre::address::Envelope;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::{PoolConfig, SMTP_PORT, SUBMISSION_PORT, SUBMISSIONS_PORT};
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::timeout;

use super::certificates::{read, unusable};
use super::config_error::ConfigError;
use super::{Delivery, Notifier, NotifyError, Receipt};
use crate::links::MessageLinks;
use crate::message::Message;
use crate::notification::Notification;
use crate::templates::Templates;
use courses::Courses;
use letter::{Correspondents, letter};
use refusal::Refusals;

mod courses;
mod letter;
mod refusal;

type Transport = AsyncSmtpTransport<Tokio1Executor>;

/// How long a connection is kept that nothing is sent by.
const IDLE: Duration = Duration::from_mins(1);

/// Sends each notification as an e-mail of plain text and HTML.
///
/// The messages of an incident are one thread: each has a `Message-ID` made from the notification, the same in every
/// attempt, and the later ones refer to the first. One recipient whom the server refuses, for good or for
/// now, keeps the message from nobody else, and nobody gets it again because of another: what is left is tried alone.
#[derive(derive_more::Debug)]
pub struct EmailNotifier {
    options: EmailOptions,
    #[debug(skip)]
    correspondents: Correspondents,
    #[debug(skip)]
    encryption: Tls,
    #[debug(skip)]
    refusals: Refusals,
    /// What was kept from the message before. It is taken out while in use, so that a connection in the middle of an
    /// attempt that was given up is never used again.
    #[debug(skip)]
    kept: Mutex<Option<Transport>>,
    #[debug(skip)]
    courses: Mutex<Courses>,
}

/// How mail is sent.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct EmailOptions {
    /// The channel's name. Default `email`.
    pub name: String,
    /// The server's host name, for which its certificate must be valid, or its address.
    pub host: String,
    /// The server's port. Default: by the encryption, 587 for STARTTLS, 465 for TLS, 25 for none.
    pub port: Option<u16>,
    /// How the connection is encrypted. Default STARTTLS, required.
    pub encryption: SmtpEncryption,
    /// User and password, where the server wants to know who sends (`PLAIN` or `LOGIN`). They are sent over a connection that is
    /// certainly encrypted, or to this machine.
    pub credentials: Option<(String, SecretString)>,
    /// Whom it is from: `etcd-monitor <monitor@example.org>`.
    pub from: String,
    /// Whom it is for, at least one, at most 100. All of them see each other.
    pub to: Vec<String>,
    /// The name of this machine in the greeting. Default: its address.
    pub hello_name: Option<String>,
    /// Time for one message, from connecting to the server's last word. Default 30 s.
    pub timeout: Duration,
    /// A PEM file with the certificates that are trusted in the place of the system's.
    pub ca_file: Option<PathBuf>,
    /// What messages link to.
    pub links: MessageLinks,
    /// What messages say.
    pub templates: Templates,
}

/// How a connection to a mail server is encrypted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SmtpEncryption {
    /// By STARTTLS; nothing is sent to a server that does not offer it.
    #[default]
    StartTls,
    /// By STARTTLS where the server offers it. Who is in between can keep it from that.
    StartTlsIfOffered,
    /// From the first byte.
    Tls,
    /// Not at all.
    None,
}

impl EmailOptions {
    /// The defaults, by this server, from this address to these.
    pub fn new<T: Into<String>>(
        host: impl Into<String>,
        from: impl Into<String>,
        to: impl IntoIterator<Item = T>,
    ) -> Self {
        Self {
            name: "email".to_owned(),
            host: host.into(),
            port: None,
            encryption: SmtpEncryption::default(),
            credentials: None,
            from: from.into(),
            to: to.into_iter().map(Into::into).collect(),
            hello_name: None,
            timeout: Duration::from_secs(30),
            ca_file: None,
            links: MessageLinks::default(),
            templates: Templates::default(),
        }
    }

    fn port(&self) -> u16 {
        self.port.unwrap_or(match self.encryption {
            SmtpEncryption::StartTls | SmtpEncryption::StartTlsIfOffered => SUBMISSION_PORT,
            SmtpEncryption::Tls => SUBMISSIONS_PORT,
            SmtpEncryption::None => SMTP_PORT,
        })
    }

    /// Whether nobody else can read what is sent, whatever the server says.
    fn is_private(&self) -> bool {
        matches!(
            self.encryption,
            SmtpEncryption::StartTls | SmtpEncryption::Tls
        ) || self.host == "localhost"
            || self.host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
    }
}

impl EmailNotifier {
    /// A channel by a mail server. Nothing is connected yet.
    pub fn new(options: EmailOptions) -> Result<Self, ConfigError> {
        if options.host.trim().is_empty() {
            return Err(ConfigError::option("host", "it is empty"));
        }
        if options.credentials.is_some() && !options.is_private() {
            let reason =
                "user and password would be sent without certain encryption; use STARTTLS or TLS";
            return Err(ConfigError::option("encryption", reason));
        }
        Ok(Self {
            correspondents: Correspondents::parse(&options.from, &options.to)?,
            encryption: encryption(&options)?,
            refusals: Refusals::new(&options),
            options,
            kept: Mutex::default(),
            courses: Mutex::default(),
        })
    }

    /// The connection of the message before, or a new one.
    fn transport(&self) -> Transport {
        let kept = self
            .kept
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        kept.unwrap_or_else(|| self.connection())
    }

    /// Sends to the server only when it is first used; needs the runtime.
    fn connection(&self) -> Transport {
        let options = &self.options;
        let pool = PoolConfig::new().max_size(1).idle_timeout(IDLE);
        let mut builder = Transport::builder_dangerous(&options.host)
            .port(options.port())
            .tls(self.encryption.clone())
            .timeout(Some(options.timeout))
            .pool_config(pool);
        if let Some((user, password)) = &options.credentials {
            let secret = password.expose_secret().to_owned();
            builder = builder
                .credentials(Credentials::new(user.clone(), secret))
                .authentication(vec![Mechanism::Plain, Mechanism::Login]);
        }
        if let Some(name) = &options.hello_name {
            builder = builder.hello_name(ClientId::Domain(name.clone()));
        }
        builder.build()
    }

    async fn send(&self, id: &str, letter: &[u8]) -> Result<(), NotifyError> {
        let transport = self.transport();
        let sending = self.to_all(&transport, id, letter);
        let sent = timeout(self.options.timeout, sending).await;
        let Ok(sent) = sent else {
            return Err(self.refusals.unavailable("it did not answer in time"));
        };
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(transport);
        sent
    }

    /// To all recipients at once; where the server refuses, to each alone, so that one bad address keeps it from nobody else.
    async fn to_all(
        &self,
        transport: &Transport,
        id: &str,
        letter: &[u8],
    ) -> Result<(), NotifyError> {
        let recipients = &self.correspondents.recipients;
        if self.courses().knows(id) {
            return self.to_each(transport, id, letter).await;
        }
        let together = transport
            .send_raw(&self.correspondents.envelope, letter)
            .await;
        match together {
            Ok(_) => Ok(()),
            Err(error) if recipients.len() > 1 && refusal::may_be_one_recipients(&error) => {
                self.to_each(transport, id, letter).await
            }
            Err(error) => Err(self.refusals.judge(&error)),
        }
    }

    /// To each that neither took nor refused it for good yet.
    async fn to_each(
        &self,
        transport: &Transport,
        id: &str,
        letter: &[u8],
    ) -> Result<(), NotifyError> {
        let (mut refused, mut later) = (None, None);
        for (number, envelope) in self.correspondents.recipients.iter().enumerate() {
            if self.courses().is_settled(id, number) {
                continue;
            }
            let sent = transport.send_raw(envelope, letter).await;
            let Err(error) = sent.map_err(|error| self.refusals.judge(&error)) else {
                self.courses().took(id, number);
                continue;
            };
            let (channel, recipient) = (&self.options.name, recipient(envelope));
            tracing::warn!(%channel, recipient, %error, "mail refused for one of several recipients");
            if error.is_retryable() {
                later = Some(error);
            } else {
                self.courses().refused(id, number);
                refused = Some(error);
            }
        }
        if let Some(later) = later {
            return Err(later);
        }
        let somebody_took_it = self.courses().end(id);
        refused.filter(|_| !somebody_took_it).map_or(Ok(()), Err)
    }

    fn courses(&self) -> MutexGuard<'_, Courses> {
        self.courses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Notifier for EmailNotifier {
    fn name(&self) -> &str {
        &self.options.name
    }

    fn kind(&self) -> &'static str {
        "email"
    }

    async fn notify(
        &self,
        notification: &Notification,
        delivery: &Delivery,
    ) -> Result<Option<Receipt>, NotifyError> {
        let mut message = Message::of(notification, delivery, &self.options.links);
        let letter = letter(&self.correspondents, &self.options.templates, &mut message);
        let letter = letter.map_err(|reason| self.refusals.rejected(reason))?;
        self.send(&notification.id, &letter).await.map(|()| None)
    }
}

fn recipient(envelope: &Envelope) -> String {
    envelope.to().iter().map(ToString::to_string).collect()
}

fn encryption(options: &EmailOptions) -> Result<Tls, ConfigError> {
    if options.encryption == SmtpEncryption::None {
        return Ok(Tls::None);
    }
    let parameters = parameters(options)?;
    Ok(match options.encryption {
        SmtpEncryption::Tls => Tls::Wrapper(parameters),
        SmtpEncryption::StartTlsIfOffered => Tls::Opportunistic(parameters),
        SmtpEncryption::StartTls | SmtpEncryption::None => Tls::Required(parameters),
    })
}

fn parameters(options: &EmailOptions) -> Result<TlsParameters, ConfigError> {
    let mut builder = TlsParameters::builder(options.host.clone());
    if let Some(path) = &options.ca_file {
        let certificate = Certificate::from_pem(&read(path)?);
        let certificate = certificate.map_err(|error| unusable(path, error.to_string()))?;
        builder = builder
            .certificate_store(CertificateStore::None)
            .add_root_certificate(certificate);
    }
    builder.build().map_err(|error| ConfigError::Client {
        reason: error.to_string(),
    })
}
