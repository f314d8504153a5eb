//! Watches the members while they are measured.

use std::sync::Arc;
use std::time::{Duration, Instant};

use etcd_monitor_client::{ClientError, ClientOptions, ClusterClient, Endpoint, MemberClient};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::figures::{Pages, Watched};
use super::page::Page;
use super::status;
use crate::series::{SecondsBoard, Window};
use crate::target::members;

/// How often a member's metrics are read at most.
const EVERY: Duration = Duration::from_secs(1);

/// Readings that are closer than this to the one before say nothing more.
const CLOSEST: Duration = Duration::from_millis(500);

/// In the end, a reading that is older than this is followed by another: the load is over, and cannot be disturbed.
const NEWS: Duration = Duration::from_millis(5);

/// What one look may take: a member that is slower is unknown for that second.
const DEADLINE: Duration = Duration::from_secs(2);

/// Why metrics are unknown where nobody asked for them.
const NOT_WANTED: &str = "not asked for";

/// Watches all members, each over connections of its own. Dropped, it ends.
#[derive(Debug)]
pub(crate) struct Observer {
    stop: CancellationToken,
    gives_up: CancellationToken,
    tasks: JoinSet<(usize, Watched)>,
}

/// What all its tasks know.
#[derive(Debug, Clone)]
struct Order {
    board: Arc<SecondsBoard>,
    wants_metrics: bool,
    stop: CancellationToken,
    gives_up: CancellationToken,
}

impl Observer {
    /// Finds the members and begins to ask who leads; metrics are read from when the board says that the measurement
    /// begins. All are watched, and those of `asked` are asked for the members: one that has just not answered would only take
    /// time again.
    pub(crate) async fn begin(
        client: &ClientOptions,
        endpoints: &[Endpoint],
        asked: &[Endpoint],
        board: &Arc<SecondsBoard>,
        wants_metrics: bool,
    ) -> Result<Self, ClientError> {
        // The deadline of the load may be shorter than what a page takes.
        let cluster = ClusterClient::new(client.clone().with_deadline(DEADLINE))?;
        let order = Order {
            board: Arc::clone(board),
            wants_metrics,
            stop: CancellationToken::new(),
            gives_up: CancellationToken::new(),
        };
        let mut tasks = JoinSet::new();
        let members = members(&cluster, client, endpoints, asked).await;
        for (number, (endpoint, id)) in members.into_iter().enumerate() {
            let member = cluster.connection(&endpoint);
            let watched = Box::pin(watch(member, id, order.clone()));
            tasks.spawn(async move { (number, watched.await) });
        }
        Ok(Self {
            stop: order.stop,
            gives_up: order.gives_up,
            tasks,
        })
    }

    /// The same without waiting for what is still being read: the members answer nothing any more.
    pub(crate) async fn give_up(self) -> Vec<Watched> {
        self.gives_up.cancel();
        self.end().await
    }

    /// The load is over: what was seen, in the order of the members.
    pub(crate) async fn end(mut self) -> Vec<Watched> {
        self.stop.cancel();
        let mut all = Vec::new();
        while let Some(ended) = self.tasks.join_next().await {
            // A task that panicked saw nothing.
            all.extend(ended.ok());
        }
        all.sort_by_key(|(number, _)| *number);
        all.into_iter().map(|(_, watched)| watched).collect()
    }
}

async fn watch(member: MemberClient, id: Option<u64>, order: Order) -> Watched {
    let mut changes = Vec::new();
    let mut pages = Pages::default();
    tokio::select! {
        () = status::watch(&member, &mut changes) => {}
        () = read(&member, &order, &mut pages) => {}
        () = order.gives_up.cancelled() => {}
    }
    Watched {
        id,
        member: pages.finish(member.endpoint().to_string(), id),
        changes,
    }
}

/// Reads the metrics at the beginning of the measurement, each second, and at its end. Returns when the load is over.
async fn read(member: &MemberClient, order: &Order, pages: &mut Pages) {
    if !order.wants_metrics {
        pages.failed(NOT_WANTED.to_owned());
        return order.stop.cancelled().await;
    }
    let window = tokio::select! {
        window = order.board.begun() => window,
        () = order.stop.cancelled() => return,
    };
    let mut next = Some(window.from);
    while let Some(at) = next {
        tokio::select! {
            () = tokio::time::sleep_until(at.into()) => {}
            () = order.stop.cancelled() => break,
        }
        read_once(member, window, pages).await;
        next = after(Instant::now(), window);
    }
    order.stop.cancelled().await;
    let last = pages.last_at();
    if last.is_none_or(|last| is_news(last, window)) {
        read_once(member, window, pages).await;
    }
}

/// When the next page is due: at the next whole second, and at the planned end.
fn after(now: Instant, window: Window) -> Option<Instant> {
    let passed = now.saturating_duration_since(window.from).as_secs();
    let next = window.from + EVERY * u32::try_from(passed).unwrap_or(u32::MAX).saturating_add(1);
    match window.to {
        Some(to) if now >= to => None,
        Some(to) if next + CLOSEST > to => Some(to),
        _ => Some(next),
    }
}

/// Whether something of the measurement can have happened since.
fn is_news(last: Instant, window: Window) -> bool {
    let is_within = window.to.is_none_or(|to| last < to);
    is_within && last.elapsed() >= NEWS
}

async fn read_once(member: &MemberClient, window: Window, pages: &mut Pages) {
    let began = Instant::now();
    match member.metrics_page().await {
        Ok(text) => {
            let at = began + began.elapsed() / 2;
            pages.take(at, Page::read(&text), window);
        }
        Err(error) => {
            // The error names the member, which may serve its metrics elsewhere.
            let at = member.metrics_url();
            let at = at.map_or_else(String::new, |url| format!(" (asked at {url})"));
            pages.failed(format!("{error}{at}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_due_each_second_and_at_the_end() {
        let from = Instant::now();
        let at = |milliseconds| from + Duration::from_millis(milliseconds);
        let open = Window { from, to: None };
        assert_eq!(after(at(10), open), Some(at(1_000)));
        assert_eq!(after(at(2_700), open), Some(at(3_000)));
        let window = Window {
            from,
            to: Some(at(2_300)),
        };
        assert_eq!(after(at(10), window), Some(at(1_000)));
        assert_eq!(after(at(1_010), window), Some(at(2_300)));
        assert_eq!(after(at(2_310), window), None);
    }
}
