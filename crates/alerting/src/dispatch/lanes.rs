//! All channels, each in a lane of its own: one that hangs delays no other.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::WallClock;
use super::channel::Channel;
use super::lane::{GivenUp, Lane, LaneEvent, REMOVED, Settled};
use super::receipts::Receipts;
use super::view::ChannelStats;
use super::waiting::Waiting;

/// The lanes. Dropping it ends their tasks.
pub(super) struct Lanes {
    all: Vec<Arc<Lane>>,
    /// Those of removed channels included, until they have ended.
    tasks: JoinSet<()>,
    events: mpsc::UnboundedReceiver<LaneEvent>,
    /// Unbounded, but each event is of a notification in a bounded queue or of an attempt, and the driver takes them
    /// without waiting for anything.
    sender: mpsc::UnboundedSender<LaneEvent>,
    receipts: Arc<Receipts>,
    clock: WallClock,
}

impl Lanes {
    /// Starts a task per channel. Of several with one name the first counts.
    pub(super) fn start(channels: Vec<Channel>, receipts: Arc<Receipts>, clock: WallClock) -> Self {
        let (sender, events) = mpsc::unbounded_channel();
        let mut lanes = Self {
            all: Vec::new(),
            tasks: JoinSet::new(),
            events,
            sender,
            receipts,
            clock,
        };
        lanes.configure(channels);
        lanes
    }

    /// The channels are these from now on. What waits for one that stays goes on; what waits for one that is gone is
    /// given up.
    pub(super) fn configure(&mut self, channels: Vec<Channel>) {
        let mut before = std::mem::take(&mut self.all);
        for channel in channels {
            if self.find(channel.name()).is_some() {
                continue;
            }
            let known = before.iter().position(|lane| lane.name() == channel.name());
            match known {
                Some(index) => {
                    let known = before.swap_remove(index);
                    known.replace(channel);
                    self.all.push(known);
                }
                None => self.add(channel),
            }
        }
        for lane in before {
            lane.remove();
        }
    }

    fn add(&mut self, channel: Channel) {
        let (events, receipts) = (self.sender.clone(), Arc::clone(&self.receipts));
        let lane = Arc::new(Lane::new(
            channel,
            events,
            receipts,
            Arc::clone(&self.clock),
        ));
        self.tasks.spawn(Arc::clone(&lane).run());
        self.all.push(lane);
    }

    /// Hands notifications to their channels, each once; those whose channel is not there are given up.
    pub(super) fn send(&self, waiting: Vec<Arc<Waiting>>) {
        let mut by_channel: BTreeMap<String, Vec<Arc<Waiting>>> = BTreeMap::new();
        for one in waiting.into_iter().filter(|it| it.is_first_sending()) {
            let of_channel = by_channel.entry(one.key.channel.clone()).or_default();
            of_channel.push(one);
        }
        for (channel, waiting) in by_channel {
            match self.find(&channel) {
                Some(lane) => lane.send(waiting),
                None => self.give_up(&channel, &waiting),
            }
        }
    }

    fn give_up(&self, channel: &str, waiting: &[Arc<Waiting>]) {
        let (now, mut given_up) = ((self.clock)(), GivenUp::default());
        for one in waiting {
            given_up.add(one, REMOVED);
            let settled = Settled {
                number: one.number,
                receipts: Vec::new(),
                dead: one.dead_letter(now, 0, REMOVED.to_owned()),
            };
            // The receiver is this one's own.
            let _ = self.sender.send(LaneEvent::Settled(Box::new(settled)));
        }
        given_up.log(channel);
    }

    /// The next thing that a lane says. Cancel-safe. A lane that panicked takes its caller with it.
    pub(super) async fn next(&mut self) -> LaneEvent {
        loop {
            tokio::select! {
                Some(event) = self.events.recv() => return event,
                Some(ended) = self.tasks.join_next() => if let Err(error) = ended
                    && let Ok(panic) = error.try_into_panic()
                {
                    std::panic::resume_unwind(panic);
                },
                else => std::future::pending().await,
            }
        }
    }

    /// What the lanes have said by now; what they say meanwhile comes later.
    pub(super) fn said(&mut self) -> impl Iterator<Item = LaneEvent> {
        let count = self.events.len();
        (0..count).map_while(|_| self.events.try_recv().ok())
    }

    /// How the channels do, in the order in which they were given.
    pub(super) fn stats(&self) -> Vec<ChannelStats> {
        self.all.iter().map(|lane| lane.stats()).collect()
    }

    /// Whether waiting for the lanes is of use: something is under way or could be, or would be lost with the process.
    pub(super) fn is_busy(&self) -> bool {
        self.all.iter().any(|lane| lane.is_busy())
    }

    /// Ends the tasks; what they were trying may have arrived or not.
    pub(super) async fn shutdown(&mut self) {
        self.tasks.shutdown().await;
    }

    fn find(&self, name: &str) -> Option<&Arc<Lane>> {
        let mut lanes = self.all.iter();
        lanes.find(|lane| lane.name() == name)
    }
}
