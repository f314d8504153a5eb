//! Named tasks, each awaited. One that ends before it was asked to is reported by its name.

use std::collections::HashMap;
use std::fmt::Display;

use anyhow::anyhow;
use tokio::task::{Id, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

type Outcome = Result<(), String>;

/// A task that has ended.
struct Ended {
    name: &'static str,
    outcome: Outcome,
    /// Its own token was cancelled.
    was_asked: bool,
}

/// The tasks of the daemon. Dropping it aborts those that still run.
#[derive(Debug, Default)]
pub(super) struct Tasks {
    running: JoinSet<Outcome>,
    names: HashMap<Id, &'static str>,
    /// Of those that may end before the others do.
    stops: HashMap<Id, CancellationToken>,
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

    /// Runs a task that ends when this token is cancelled, which may be before the others are asked to end.
    pub(super) fn spawn_until(
        &mut self,
        name: &'static str,
        stop: CancellationToken,
        task: impl Future<Output = ()> + Send + 'static,
    ) {
        let id = self.insert(name, async {
            task.await;
            Ok(())
        });
        self.stops.insert(id, stop);
    }

    fn insert(
        &mut self,
        name: &'static str,
        task: impl Future<Output = Outcome> + Send + 'static,
    ) -> Id {
        let id = self.running.spawn(task).id();
        self.names.insert(id, name);
        id
    }

    /// Waits until a task ends, panics or fails, and says which and how. Cancel-safe.
    pub(super) async fn next_ended(&mut self) -> anyhow::Error {
        let ended = loop {
            match self.join_next().await {
                Some(ended) if ended.was_asked && ended.outcome.is_ok() => {}
                other => break other.map(|ended| (ended.name, ended.outcome)),
            }
        };
        match ended {
            Some((name, Ok(()))) => anyhow!("the {name} task ended without being asked to"),
            Some((name, Err(reason))) => anyhow!("the {name} task failed: {reason}"),
            None => anyhow!("no task is running"),
        }
    }

    /// Waits until every task but the named ones has ended.
    pub(super) async fn join_except(&mut self, names: &[&'static str]) {
        while self.names.values().any(|running| !names.contains(running)) {
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
        let ended = self.join_next().await;
        if let Some((name, Err(reason))) = ended.map(|ended| (ended.name, ended.outcome)) {
            tracing::error!(task = name, reason, "A task failed while stopping");
        }
    }

    async fn join_next(&mut self) -> Option<Ended> {
        let joined = self.running.join_next_with_id().await?;
        let (id, outcome) = match joined {
            Ok((id, outcome)) => (id, outcome),
            Err(error) => (error.id(), Err(panic_message(error))),
        };
        let stop = self.stops.remove(&id);
        Some(Ended {
            name: self.names.remove(&id).unwrap_or("unnamed"),
            outcome,
            was_asked: stop.is_some_and(|stop| stop.is_cancelled()),
        })
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
