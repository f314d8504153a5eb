//! A notification on its way: as it is kept, with what delivery must know of it at hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use etcd_monitor_model::plain_text;
use jiff::Timestamp;

use crate::notification::{Notification, NotificationKind};
use crate::store::{DeadLetter, ReceiptKey};

/// Most characters of a cause in a dead letter.
const SUMMARY_CHARS: usize = 300;

/// A notification that waits for its delivery. It is kept as text, which is what the bounds on queues count.
#[derive(Debug)]
pub(super) struct Waiting {
    /// Its place in the order of all.
    pub(super) number: u64,
    pub(super) id: String,
    /// The channel, and what names the group.
    pub(super) key: ReceiptKey,
    pub(super) incident_at: Timestamp,
    pub(super) at: Timestamp,
    pub(super) json: Arc<[u8]>,
    /// Whether it is worth nothing once it is late: it is not kept, and no loss.
    pub(super) passing: bool,
    /// Whether it says that all of its group is over.
    pub(super) resolves: bool,
    durable: AtomicBool,
    sent: AtomicBool,
}

impl Waiting {
    /// A notification that is new; it is not durable yet.
    pub(super) fn new(
        number: u64,
        notification: &Notification,
    ) -> Result<Arc<Self>, serde_json::Error> {
        let json = serde_json::to_vec(notification)?;
        Ok(Self::of(number, notification, json.into(), false))
    }

    /// A notification from the store.
    pub(super) fn stored(number: u64, json: Arc<[u8]>) -> Result<Arc<Self>, serde_json::Error> {
        let notification = serde_json::from_slice(&json)?;
        Ok(Self::of(number, &notification, json, true))
    }

    fn of(number: u64, notification: &Notification, json: Arc<[u8]>, durable: bool) -> Arc<Self> {
        Arc::new(Self {
            number,
            id: notification.id.clone(),
            key: ReceiptKey {
                channel: notification.channel.clone(),
                dedup_key: notification.dedup_key.clone(),
            },
            incident_at: notification.incident_at,
            at: notification.at,
            json,
            passing: notification.kind == NotificationKind::Resent,
            resolves: notification.kind == NotificationKind::Resolved,
            durable: AtomicBool::new(durable),
            sent: AtomicBool::new(false),
        })
    }

    /// The notification itself.
    pub(super) fn notification(&self) -> Result<Notification, serde_json::Error> {
        serde_json::from_slice(&self.json)
    }

    /// Whether it is on disk.
    pub(super) fn is_durable(&self) -> bool {
        self.durable.load(Ordering::Relaxed)
    }

    /// Hands it over to its lane. True the first time alone: what was sent from memory comes by again when the store is
    /// back.
    pub(super) fn is_first_sending(&self) -> bool {
        !self.sent.swap(true, Ordering::Relaxed)
    }

    /// It is on disk from now on.
    pub(super) fn became_durable(&self) {
        self.durable.store(true, Ordering::Relaxed);
    }

    /// What is kept of it when it is given up. `None` where it is no loss, and where its text cannot be read, which was
    /// written by ourselves.
    pub(super) fn dead_letter(
        &self,
        given_up_at: Timestamp,
        attempts: u32,
        reason: String,
    ) -> Option<DeadLetter> {
        if self.passing {
            return None;
        }
        let notification = self.notification().ok()?;
        let cause = notification.worst().map(|alert| plain_text(&alert.cause));
        Some(DeadLetter {
            summary: cause
                .unwrap_or_default()
                .chars()
                .take(SUMMARY_CHARS)
                .collect(),
            id: notification.id,
            channel: notification.channel,
            kind: notification.kind,
            group: notification.group,
            severity: notification.severity,
            firing_count: notification.firing_count,
            resolved_count: notification.resolved_count,
            at: notification.at,
            given_up_at,
            attempts,
            reason,
        })
    }
}
