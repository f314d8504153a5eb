//! The driver when thousands of things happen at once.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::{Arc, Mutex};

use driving::{DOWN, Does, Running, TestChannel};
use etcd_monitor_alerting::{AlertStore, Changes, MemoryAlertStore, StoreError, Stored};

mod driving;
mod scenario;

/// A store that counts the dead letters of each commit.
#[derive(Default)]
struct Counting {
    inner: MemoryAlertStore,
    dead: Mutex<Vec<usize>>,
}

impl AlertStore for Counting {
    fn load(&self) -> Result<Stored, StoreError> {
        self.inner.load()
    }

    fn commit(&self, changes: &Changes) -> Result<(), StoreError> {
        self.dead.lock().unwrap().push(changes.dead.len());
        self.inner.commit(changes)
    }

    fn set_aside(&self, reason: &str) -> Result<(), StoreError> {
        self.inner.set_aside(reason)
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_full_queue_drops_at_once_is_one_commit() {
    let store = Arc::new(Counting::default());
    let channel = TestChannel::new("test", Does::Hang);
    let mut running = Running::start_on(&[&channel], store.clone());
    let names: Vec<String> = (0..1_300).map(|number| format!("m{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    running.publish(&names, DOWN);
    running.until(|view| view.dead_letters.len() == 300).await;
    running.stop().await;
    let dead = store.dead.lock().unwrap();
    let commits: Vec<usize> = dead.iter().copied().filter(|count| *count > 0).collect();
    assert_eq!(commits, [300]);
}
