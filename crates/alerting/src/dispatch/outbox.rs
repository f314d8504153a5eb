//! The way to the store and back: a notification goes to its lane when it is on disk, or at once where the disk refuses.
//!
//! There is one commit at a time, on a thread that may block; what comes meanwhile goes with the next one, together.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use backon::ExponentialBackoff;
use etcd_monitor_model::PartFailure;
use jiff::Timestamp;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use super::WallClock;
use super::backoff::next_wait;
use super::lane::Settled;
use super::receipts::Receipts;
use super::waiting::Waiting;
use crate::engine::StateRow;
use crate::notification::Notification;
use crate::store::{AlertStore, Changes, DeadLetter, MAX_DEAD_LETTERS, StoreError, Stored};
use unread::Unread;

mod unread;

/// A commit that takes longer counts as a store that refuses.
const COMMIT_PATIENCE: Duration = Duration::from_secs(3);

/// Everything that is kept beside the engine's state, and the commits.
pub(super) struct Outbox {
    store: Arc<dyn AlertStore>,
    clock: WallClock,
    receipts: Arc<Receipts>,
    waiting: BTreeMap<u64, Arc<Waiting>>,
    dead: Arc<BTreeMap<u64, DeadLetter>>,
    next_number: u64,
    /// What goes with the next commit.
    next: Batch,
    flight: Option<Flight>,
    /// Everything is to be written anew, since it is not known what the store has.
    must_rewrite: bool,
    /// While the store has not been read: what was told meanwhile.
    unread: Option<Unread>,
    trouble: Option<Trouble>,
    stored_at: Option<Timestamp>,
}

#[derive(Default)]
struct Batch {
    changes: Changes,
    /// What is durable with it.
    members: Vec<Arc<Waiting>>,
}

/// A commit under way.
struct Flight {
    task: JoinHandle<Result<Option<Stored>, StoreError>>,
    members: Vec<Arc<Waiting>>,
    /// Whether its members wait for it; else they were sent already.
    held: bool,
    /// Whether it only finds out if the store takes commits again.
    probes: bool,
    overdue_at: Instant,
}

/// The store refuses.
struct Trouble {
    failure: PartFailure,
    backoff: Option<ExponentialBackoff>,
    retry_at: Instant,
}

/// What the outbox asks for.
pub(super) enum Wish {
    /// To send these.
    Send(Vec<Arc<Waiting>>),
    /// All rows of the engine, to write them anew.
    AllRows,
}

impl Outbox {
    /// Reads the store; gives the outbox, the engine's rows, and what waits.
    pub(super) async fn open(
        store: Arc<dyn AlertStore>,
        receipts: Arc<Receipts>,
        clock: WallClock,
    ) -> (Self, BTreeMap<String, Vec<u8>>, Vec<Arc<Waiting>>) {
        // Above all numbers of an earlier run, also where these cannot be read.
        let first_number = u64::try_from(clock().as_microsecond()).unwrap_or(0);
        let mut outbox = Self {
            next_number: first_number,
            store,
            clock,
            receipts,
            waiting: BTreeMap::new(),
            dead: Arc::default(),
            next: Batch::default(),
            flight: None,
            must_rewrite: false,
            unread: Some(Unread::since(first_number)),
            trouble: None,
            stored_at: None,
        };
        let store = Arc::clone(&outbox.store);
        let loaded = tokio::task::spawn_blocking(move || store.load()).await;
        match loaded.unwrap_or_else(|error| Err(lost_task(&error))) {
            Ok(mut stored) => {
                let rows = std::mem::take(&mut stored.rows);
                let waiting = outbox.take_over(stored);
                (outbox, rows, waiting)
            }
            Err(error) => {
                outbox.failed(&error.to_string());
                (outbox, BTreeMap::new(), Vec::new())
            }
        }
    }

    /// Takes over what the store had, and gives what waits, but for what is known or overtaken.
    fn take_over(&mut self, stored: Stored) -> Vec<Arc<Waiting>> {
        let unread = self.unread.take().unwrap_or_default();
        let ours = unread.first_number..self.next_number;
        self.receipts.restore(stored.receipts);
        let highest = stored.waiting.keys().chain(stored.dead.keys()).max();
        self.next_number = self
            .next_number
            .max(highest.map_or(0, |number| number.saturating_add(1)));
        let dead = Arc::make_mut(&mut self.dead);
        dead.extend(stored.dead);
        let mut taken = Vec::new();
        for (number, json) in stored.waiting {
            // A run with another clock may have had our numbers.
            let renumbers = ours.contains(&number);
            taken.extend(self.take(number, renumbers, json, &unread));
        }
        taken
    }

    fn take(
        &mut self,
        stored: u64,
        renumbers: bool,
        json: Arc<[u8]>,
        unread: &Unread,
    ) -> Option<Arc<Waiting>> {
        let number = if renumbers { self.next_number } else { stored };
        let waiting = Waiting::stored(number, json)
            .inspect_err(|error| {
                tracing::error!(stored, %error, "a stored notification cannot be read and is lost");
            })
            .ok()
            .filter(|waiting| unread.is_news(waiting));
        if (renumbers || waiting.is_none()) && !self.waiting.contains_key(&stored) {
            self.next.changes.waiting.insert(stored, None);
        }
        let waiting = waiting?;
        if renumbers {
            self.next_number += 1;
            let json = Some(Arc::clone(&waiting.json));
            self.next.changes.waiting.insert(number, json);
        }
        self.waiting.insert(number, Arc::clone(&waiting));
        Some(waiting)
    }

    /// Takes in what the engine says. What is given back is to be sent at once: what is not kept anyway, and everything
    /// while the store refuses.
    pub(super) fn accept(
        &mut self,
        rows: Vec<StateRow>,
        notifications: &[Notification],
    ) -> Vec<Arc<Waiting>> {
        let numbered: Vec<_> = notifications
            .iter()
            .filter_map(|notification| self.number(notification))
            .collect();
        let (mut at_once, accepted): (Vec<_>, Vec<_>) =
            numbered.into_iter().partition(|waiting| waiting.passing);
        if !self.must_rewrite {
            self.next.changes.rows.extend(rows);
            for waiting in &accepted {
                let json = Some(Arc::clone(&waiting.json));
                self.next.changes.waiting.insert(waiting.number, json);
            }
            self.next.members.extend(accepted.iter().cloned());
        }
        self.commit_if_due();
        if self.trouble.is_some() {
            at_once.extend(accepted);
        }
        at_once
    }

    fn number(&mut self, notification: &Notification) -> Option<Arc<Waiting>> {
        let number = self.next_number;
        match Waiting::new(number, notification) {
            Ok(waiting) => {
                self.next_number += 1;
                if let Some(unread) = &mut self.unread {
                    unread.note(&waiting);
                }
                if !waiting.passing {
                    self.waiting.insert(number, Arc::clone(&waiting));
                }
                Some(waiting)
            }
            Err(error) => {
                tracing::error!(id = notification.id, %error, "a notification cannot be written");
                None
            }
        }
    }

    /// These are done with.
    pub(super) fn settle(&mut self, settled: impl IntoIterator<Item = Settled>) {
        for one in settled {
            self.settle_one(one);
        }
        self.commit_if_due();
    }

    fn settle_one(&mut self, settled: Settled) {
        let was_kept = self.waiting.remove(&settled.number).is_some();
        if !self.must_rewrite {
            let changes = &mut self.next.changes;
            if was_kept {
                changes.waiting.insert(settled.number, None);
            }
            changes.receipts.extend(settled.receipts);
            let dead = settled.dead.clone();
            changes
                .dead
                .extend(dead.map(|letter| (settled.number, letter)));
        }
        if let Some(letter) = settled.dead {
            let dead = Arc::make_mut(&mut self.dead);
            dead.insert(settled.number, letter);
            while dead.len() > MAX_DEAD_LETTERS {
                dead.pop_first();
            }
        }
    }

    /// What is to be done next; possibly to send nothing, where only how the store is has changed. Cancel-safe.
    pub(super) async fn next(&mut self) -> Wish {
        if self.flight.is_none() {
            match self.trouble.as_ref().map(|trouble| trouble.retry_at) {
                Some(retry_at) => sleep_until(retry_at).await,
                None if self.must_rewrite => return Wish::AllRows,
                None => std::future::pending().await,
            }
        }
        let outcome = match &mut self.flight {
            Some(flight) => flight.outcome().await,
            None => self.probe().outcome().await,
        };
        self.landed(outcome)
    }

    /// Asks a store that refused whether it would take something, before all rows are written for it.
    fn probe(&mut self) -> &mut Flight {
        let (store, is_read) = (Arc::clone(&self.store), self.unread.is_none());
        let probe = move || {
            if is_read {
                store.probe()?;
            } else {
                store.load()?;
            }
            Ok(None)
        };
        self.flight.insert(Flight {
            task: tokio::task::spawn_blocking(probe),
            members: Vec::new(),
            held: false,
            probes: true,
            overdue_at: Instant::now(),
        })
    }

    /// Takes note of how a commit went (`None`: it takes too long), and says what is to be done.
    fn landed(&mut self, outcome: Option<Result<Option<Stored>, StoreError>>) -> Wish {
        let Some(outcome) = outcome else {
            return Wish::Send(self.overdue());
        };
        let Some(flight) = self.flight.take() else {
            return Wish::Send(Vec::new());
        };
        if flight.probes && outcome.is_ok() {
            return Wish::AllRows;
        }
        let mut send = if flight.held {
            flight.members.clone()
        } else {
            Vec::new()
        };
        match outcome {
            Ok(found) => {
                flight.members.iter().for_each(|it| it.became_durable());
                send.extend(
                    found
                        .map(|stored| self.take_over(stored))
                        .unwrap_or_default(),
                );
                self.stored();
            }
            Err(error) => send.extend(self.failed(&error.to_string())),
        }
        self.commit_if_due();
        Wish::Send(send)
    }

    fn stored(&mut self) {
        self.stored_at = Some((self.clock)());
        // A commit that was late leaves behind what came after it: then everything is to be written first.
        if self.must_rewrite {
            if let Some(trouble) = &mut self.trouble {
                trouble.retry_at = Instant::now();
            }
        } else if let Some(trouble) = self.trouble.take() {
            tracing::info!(since = %trouble.failure.since, "alerts and notifications are stored again");
        }
    }

    /// The commit under way takes too long: nothing waits for it any more.
    fn overdue(&mut self) -> Vec<Arc<Waiting>> {
        let reason = format!(
            "the store has not answered for {} s",
            COMMIT_PATIENCE.as_secs()
        );
        let mut send = Vec::new();
        if let Some(flight) = &mut self.flight
            && std::mem::take(&mut flight.held)
        {
            send.clone_from(&flight.members);
        }
        send.extend(self.failed(&reason));
        send
    }

    /// The store refuses: everything goes from memory, and is written anew later. Gives what waited for the next commit.
    fn failed(&mut self, reason: &str) -> Vec<Arc<Waiting>> {
        self.must_rewrite = true;
        let unwritten = std::mem::take(&mut self.next).members;
        let was_held = self.trouble.is_none();
        let mut backoff = self.trouble.as_mut().and_then(|it| it.backoff.take());
        let since = self.trouble.as_ref().map(|it| it.failure.since);
        if since.is_none() {
            tracing::error!(
                reason,
                "alerts and notifications are not stored; they are sent from memory"
            );
        }
        self.trouble = Some(Trouble {
            failure: PartFailure {
                since: since.unwrap_or_else(|| (self.clock)()),
                reason: reason.to_owned(),
            },
            retry_at: Instant::now() + next_wait(&mut backoff),
            backoff,
        });
        if was_held { unwritten } else { Vec::new() }
    }

    /// Writes everything anew, with these rows.
    pub(super) fn rewrite(&mut self, rows: Vec<StateRow>) {
        let all = |waiting: &Arc<Waiting>| (waiting.number, Some(Arc::clone(&waiting.json)));
        let receipts = self.receipts.all().into_iter();
        let changes = Changes {
            anew: true,
            rows,
            waiting: self.waiting.values().map(all).collect(),
            receipts: receipts.map(|(key, kept)| (key, Some(kept))).collect(),
            dead: (*self.dead).clone(),
        };
        self.must_rewrite = false;
        self.next = Batch::default();
        let members = self.waiting.values().cloned().collect();
        self.start(Batch { changes, members });
    }

    /// The engine's rows make no sense: what is kept is set aside, and everything is written anew.
    pub(super) async fn distrust(&mut self, reason: String) {
        let store = Arc::clone(&self.store);
        let aside = tokio::task::spawn_blocking(move || store.set_aside(&reason)).await;
        if let Err(error) = aside.unwrap_or_else(|error| Err(lost_task(&error))) {
            tracing::error!(%error, "what is kept of alerts is overwritten");
        }
        self.must_rewrite = true;
        self.next = Batch::default();
    }

    fn commit_if_due(&mut self) {
        if self.flight.is_none() && !self.must_rewrite && !self.next.changes.is_empty() {
            let batch = std::mem::take(&mut self.next);
            self.start(batch);
        }
    }

    fn start(&mut self, batch: Batch) {
        let (store, is_read) = (Arc::clone(&self.store), self.unread.is_none());
        let mut changes = batch.changes;
        let commit = move || {
            let found = if is_read { None } else { Some(store.load()?) };
            if let Some(stored) = &found {
                keep_found(&mut changes, stored);
            }
            store.commit(&changes)?;
            Ok(found)
        };
        self.flight = Some(Flight {
            task: tokio::task::spawn_blocking(commit),
            members: batch.members,
            held: self.trouble.is_none(),
            probes: false,
            overdue_at: Instant::now() + COMMIT_PATIENCE,
        });
    }

    /// Has a store that refused tried at once: there may be no later.
    pub(super) fn hurry(&mut self) {
        if let Some(trouble) = &mut self.trouble {
            trouble.retry_at = Instant::now();
        }
    }

    /// Whether everything is written.
    pub(super) fn is_idle(&self) -> bool {
        self.flight.is_none() && self.next.changes.is_empty() && !self.must_rewrite
    }

    /// Since when nothing is stored, and why.
    pub(super) fn failure(&self) -> Option<&PartFailure> {
        self.trouble.as_ref().map(|trouble| &trouble.failure)
    }

    /// When something was stored last, since the start.
    pub(super) fn stored_at(&self) -> Option<Timestamp> {
        self.stored_at
    }

    /// What was given up, by number.
    pub(super) fn dead(&self) -> &Arc<BTreeMap<u64, DeadLetter>> {
        &self.dead
    }
}

impl Flight {
    /// How the commit went; `None`, once, when it takes too long. Cancel-safe.
    async fn outcome(&mut self) -> Option<Result<Option<Stored>, StoreError>> {
        tokio::select! {
            outcome = &mut self.task => {
                Some(outcome.unwrap_or_else(|error| Err(lost_task(&error))))
            }
            () = sleep_until(self.overdue_at), if self.held => None,
        }
    }
}

/// Keeps what a store has that could not be read before, beside what is to be written.
fn keep_found(changes: &mut Changes, stored: &Stored) {
    for (number, json) in &stored.waiting {
        changes
            .waiting
            .entry(*number)
            .or_insert_with(|| Some(json.clone()));
    }
    for (key, receipt) in &stored.receipts {
        changes
            .receipts
            .entry(key.clone())
            .or_insert_with(|| Some(receipt.clone()));
    }
    let dead = stored.dead.iter();
    changes
        .dead
        .extend(dead.map(|(number, letter)| (*number, letter.clone())));
}

/// The thread of an operation ended without an answer.
fn lost_task(error: &tokio::task::JoinError) -> StoreError {
    StoreError::Unavailable {
        operation: "use",
        place: "the store".to_owned(),
        reason: error.to_string(),
    }
}
