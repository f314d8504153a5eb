//! Who may ask: the web configuration file, followed while the daemon runs, and the log of what was changed.

use std::sync::Arc;
use std::time::Duration;

use etcd_monitor_api::{Access, Audit, Reach, WebConfig};
use etcd_monitor_model::StatSource;
use tokio_util::sync::CancellationToken;

use super::tasks::Tasks;
use crate::config::{Config, WebFile, WebText};
use crate::data_dir::DataDir;

/// The task that writes the log.
pub(super) const AUDIT: &str = "audit log";

/// Between two looks at the file.
const LOOK_PAUSE: Duration = Duration::from_secs(2);

/// Who may do what, and what the log of it tells about itself.
pub(super) fn access(
    config: &Config,
    data_dir: &DataDir,
    tasks: &mut Tasks,
    stop: &CancellationToken,
) -> (Access, Arc<dyn StatSource>) {
    let (audit, writer) = Audit::new(data_dir.audit_log());
    tasks.spawn(AUDIT, writer.run(stop.clone()));
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
    (access, Arc::new(audit))
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
    access: &Access,
    tasks: &mut Tasks,
    stop: &CancellationToken,
) {
    if let Some(file) = &config.web {
        let follower = Follower {
            seen: Ok(file.text.clone()),
            file: file.clone(),
            access: access.clone(),
        };
        tasks.spawn("web configuration", follower.run(stop.clone()));
    }
}

struct Follower {
    /// The file as it is used.
    file: WebFile,
    /// What was found at the last look: the text, or why there is none.
    seen: Result<WebText, String>,
    access: Access,
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
        let path = self.file.path.display();
        match found.and_then(|text| self.usable(text)) {
            Ok(file) => {
                for warning in &file.config.warnings {
                    tracing::warn!("{warning}");
                }
                self.access.apply(&file.config);
                tracing::info!("The web configuration {path} changed and is applied");
                self.file = file;
            }
            Err(error) => tracing::error!(
                "The web configuration {path} changed and was not applied, the one before goes on: {error}"
            ),
        }
    }

    fn usable(&self, text: WebText) -> Result<WebFile, String> {
        let next = WebFile::parse(&self.file.path, text).map_err(|error| error.to_string())?;
        let fixed = self.file.fixed_that_differ(&next);
        if fixed.is_empty() {
            Ok(next)
        } else {
            Err(format!("{}: only a restart changes this", fixed.join(", ")))
        }
    }
}
