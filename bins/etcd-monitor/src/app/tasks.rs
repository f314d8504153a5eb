//! Named tasks, each awaited. One that ends before it was asked to is reported by its name.

use std::collections::HashMap;
use std::fmt::Display;

use anyhow::anyhow;
use tokio::task::{Id, JoinError, JoinSet};

type Outcome = Result<(), String>;

/// The tasks of the daemon. Dropping it aborts those that still run.
#[derive(Debug, Default)]
pub(super) struct Tasks {
    running: JoinSet<Outcome>,
    names: HashMap<Id, &'static str>,
}

impl Tasks {
    /// Runs a task that only ends when it is asked to.
    pub(super) fn spawn(
        &mut self,
        name: &'static str,
        task: impl Future<Output = ()> + Send + 'static,
    ) {
        self.insert(name, async {
            task.await;
            Ok(())
        });
    }

    /// Runs a task that may fail.
    pub(super) fn spawn_fallible<E: Display>(
        &mut self,
        name: &'static str,
        task: impl Future<Output = Result<(), E>> + Send + 'static,
    ) {
        self.insert(name, async {
            task.await.map_err(|error| format!("{error:#}"))
        });
    }

    fn insert(&mut self, name: &'static str, task: impl Future<Output = Outcome> + Send + 'static) {
        let id = self.running.spawn(task).id();
        self.names.insert(id, name);
    }

    /// Waits until a task ends, panics or fails, and says which and how. Cancel-safe.
    pub(super) async fn next_ended(&mut self) -> anyhow::Error {
        match self.join_next().await {
            Some((name, Ok(()))) => anyhow!("the {name} task ended without being asked to"),
            Some((name, Err(reason))) => anyhow!("the {name} task failed: {reason}"),
            None => anyhow!("no task is running"),
        }
    }

    /// Waits until every task but the named one has ended.
    pub(super) async fn join_except(&mut self, name: &'static str) {
        while self.names.values().any(|running| *running != name) {
            self.join_and_log().await;
        }
    }

    /// Waits until every task has ended.
    pub(super) async fn join_all(&mut self) {
        while !self.running.is_empty() {
            self.join_and_log().await;
        }
    }

    async fn join_and_log(&mut self) {
        if let Some((name, Err(reason))) = self.join_next().await {
            tracing::error!(task = name, reason, "A task failed while stopping");
        }
    }

    async fn join_next(&mut self) -> Option<(&'static str, Outcome)> {
        let joined = self.running.join_next_with_id().await?;
        let (id, outcome) = match joined {
            Ok((id, outcome)) => (id, outcome),
            Err(error) => (error.id(), Err(panic_message(error))),
        };
        Some((self.names.remove(&id).unwrap_or("unnamed"), outcome))
    }
}

fn panic_message(error: JoinError) -> String {
    match error.try_into_panic() {
        Ok(panic) => {
            let text = panic.downcast_ref::<&str>().map(ToString::to_string);
            let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
            format!(
                "it panicked: {}",
                text.unwrap_or_else(|| "without a message".to_owned())
            )
        }
        Err(error) => error.to_string(),
    }
}
