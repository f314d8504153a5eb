//! The sign of life of the daemon, which a reload may change.

use std::sync::{Arc, PoisonError, RwLock};

use etcd_monitor_alerting::{AlertsHandle, Heartbeat, HeartbeatHandle, HeartbeatOptions};
use etcd_monitor_model::{Stat, StatSource};
use secrecy::ExposeSecret;
use tokio_util::sync::CancellationToken;

use super::tasks::Tasks;

/// The sign that is given, if any.
#[derive(Debug, Default)]
pub(super) struct LifeSign {
    given: Option<Given>,
    shown: Arc<Shown>,
}

#[derive(Debug)]
struct Given {
    options: HeartbeatOptions,
    stop: CancellationToken,
}

/// What is to become of the sign, as far as it can fail.
pub(super) enum Plan {
    Keep,
    End,
    Begin(Box<(HeartbeatOptions, Heartbeat, HeartbeatHandle)>),
}

/// The numbers of the sign that is given now.
#[derive(Debug, Default)]
struct Shown(RwLock<Option<HeartbeatHandle>>);

impl LifeSign {
    /// What its numbers come from, also after it changes.
    pub(super) fn stats(&self) -> Arc<dyn StatSource> {
        Arc::clone(&self.shown) as _
    }

    /// Sees what must change for this one to be given.
    pub(super) fn plan(
        &self,
        wanted: Option<&HeartbeatOptions>,
        alerts: &AlertsHandle,
    ) -> anyhow::Result<Plan> {
        let given = self.given.as_ref().map(|given| &given.options);
        Ok(match wanted {
            Some(wanted) if given.is_some_and(|given| is_same(given, wanted)) => Plan::Keep,
            Some(wanted) => {
                let (heartbeat, handle) = Heartbeat::new(wanted, alerts)?;
                Plan::Begin(Box::new((wanted.clone(), heartbeat, handle)))
            }
            None => Plan::End,
        })
    }

    /// Does it.
    pub(super) fn set(&mut self, plan: Plan, tasks: &mut Tasks, stop: &CancellationToken) {
        if matches!(plan, Plan::Keep) {
            return;
        }
        if let Some(given) = self.given.take() {
            given.stop.cancel();
        }
        self.shown.set(None);
        if let Plan::Begin(begin) = plan {
            let (options, heartbeat, handle) = *begin;
            let stop = stop.child_token();
            self.shown.set(Some(handle));
            tasks.spawn_until("heartbeat", stop.clone(), heartbeat.run(stop.clone()));
            self.given = Some(Given { options, stop });
        }
    }
}

fn is_same(one: &HeartbeatOptions, other: &HeartbeatOptions) -> bool {
    let parts = |options: &HeartbeatOptions| {
        let url = options.url.expose_secret().to_owned();
        let HeartbeatOptions { period, method, .. } = *options;
        (
            url,
            period,
            method,
            options.http.timeout,
            options.http.ca_file.clone(),
        )
    };
    parts(one) == parts(other)
}

impl Shown {
    fn set(&self, handle: Option<HeartbeatHandle>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = handle;
    }
}

impl StatSource for Shown {
    fn stats(&self) -> Vec<Stat> {
        let shown = self.0.read().unwrap_or_else(PoisonError::into_inner);
        shown.as_ref().map(StatSource::stats).unwrap_or_default()
    }
}
