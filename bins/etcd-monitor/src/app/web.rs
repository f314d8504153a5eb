//! Who may ask: the web configuration file, followed while the daemon runs, and the log of what was changed.

use std::sync::Arc;
use std::time::Duration;

use etcd_monitor_api::{Access, Audit, LiveTls, PreparedTls, Reach, TlsError, WebConfig};
use etcd_monitor_model::StatSource;
use tokio_util::sync::CancellationToken;

use super::control::{DaemonControl, Unusable};
use super::tasks::Tasks;
use crate::config::{Config, WebFile, WebText};
use crate::data_dir::DataDir;

/// The task that writes the log.
pub(super) const AUDIT: &str = "audit log";

/// Between two looks at the file.
const LOOK_PAUSE: Duration = Duration::from_secs(2);

/// What follows the file while the server runs. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Web {
    pub(super) access: Access,
    pub(super) tls: Option<LiveTls>,
}

impl Web {
    /// What the file says at the start, and what the log of who did what tells about itself.
    pub(super) fn start(
        config: &Config,
        data_dir: &DataDir,
        tasks: &mut Tasks,
        stop: &CancellationToken,
    ) -> Result<(Self, Arc<dyn StatSource>), TlsError> {
        let (audit, writer) = Audit::new(data_dir.audit_log());
        let reach = if config.address.ip().is_loopback() {
            Reach::ThisHost
        } else {
            Reach::Network
        };
        let web = config.web.as_ref().map(|web| web.config.clone());
        let web = web.unwrap_or_default();
        say(config, reach, &web);
        let access = Access::new(reach, &web).with_audit(audit.clone());
        let access = match &config.external_url {
            Some(url) => access.with_external_url(&url.origin().ascii_serialization(), url.path()),
            None => access,
        };
        let tls = prepared(&web)?.map(LiveTls::new);
        tasks.spawn(AUDIT, writer.run(stop.clone()));
        Ok((Self { access, tls }, Arc::new(audit)))
    }

    /// Goes by this from now on. Whether TLS is spoken at all stays as it is.
    pub(super) fn apply(&self, config: &WebConfig, tls: Option<PreparedTls>) {
        // First who is let in at all, then what they may do.
        if let (Some(live), Some(next)) = (&self.tls, tls) {
            live.install(next);
        }
        self.access.apply(config);
    }
}

/// Reads what the file names.
pub(super) fn prepared(config: &WebConfig) -> Result<Option<PreparedTls>, TlsError> {
    let tls = config.tls.as_ref();
    tls.map(|tls| PreparedTls::new(tls, config.http2))
        .transpose()
}

fn say(config: &Config, reach: Reach, web: &WebConfig) {
    let address = config.address.ip();
    if web.authenticates() {
        tracing::info!(%address, "Callers have to say who they are");
    } else if reach == Reach::Network {
        tracing::warn!(
            %address,
            "Others reach this server and nobody is asked who they are: everybody may read, nobody may change anything; name users or tokens in a file for --web-config-file"
        );
    }
}

/// Follows the file, where there is one, until `stop` is cancelled.
pub(super) fn follow(
    config: &Config,
    web: &Web,
    control: &DaemonControl,
    tasks: &mut Tasks,
    stop: &CancellationToken,
) {
    if let Some(file) = &config.web {
        let follower = Follower {
            seen: Ok(file.text.clone()),
            file: file.clone(),
            web: web.clone(),
            control: control.clone(),
        };
        tasks.spawn("web configuration", follower.run(stop.clone()));
    }
}

struct Follower {
    /// The file as it is used.
    file: WebFile,
    /// What was found at the last look: the text, or why there is none.
    seen: Result<WebText, String>,
    web: Web,
    control: DaemonControl,
}

impl Follower {
    async fn run(mut self, stop: CancellationToken) {
        while stop
            .run_until_cancelled(tokio::time::sleep(LOOK_PAUSE))
            .await
            .is_some()
        {
            // A file on a slow disk delays no probe.
            let looked = tokio::task::spawn_blocking(move || {
                self.look();
                self
            });
            match looked.await {
                Ok(follower) => self = follower,
                Err(error) => match error.try_into_panic() {
                    Ok(panic) => std::panic::resume_unwind(panic),
                    // The process ends.
                    Err(_) => return,
                },
            }
        }
    }

    /// Takes in what is found where it is new. What is wrong is told once.
    fn look(&mut self) {
        let found = WebText::read(&self.file.path).map_err(|error| error.to_string());
        if found == self.seen {
            return;
        }
        self.seen.clone_from(&found);
        let outcome = found.map_err(Unusable::from);
        let outcome = outcome.and_then(|text| self.take_in(text));
        let path = self.file.path.display();
        match &outcome {
            Ok(()) => tracing::info!("The web configuration {path} changed and is applied"),
            Err(Unusable { error, .. }) => tracing::error!(
                "The web configuration {path} changed and was not applied, the one before goes on: {error}"
            ),
        }
        self.control.web_changed(outcome);
    }

    fn take_in(&mut self, text: WebText) -> Result<(), Unusable> {
        let next = WebFile::parse(&self.file.path, text).map_err(|error| error.to_string())?;
        let fixed = self.file.fixed_that_differ(&next);
        if !fixed.is_empty() {
            let error = format!("{}: only a restart changes this", fixed.join(", "));
            return Err(Unusable { error, fixed });
        }
        let tls = prepared(&next.config).map_err(|error| error.to_string())?;
        for warning in &next.config.warnings {
            tracing::warn!("{warning}");
        }
        self.web.apply(&next.config, tls);
        self.file = next;
        Ok(())
    }
}

impl From<String> for Unusable {
    fn from(error: String) -> Self {
        Self {
            error,
            fixed: Vec::new(),
        }
    }
}
