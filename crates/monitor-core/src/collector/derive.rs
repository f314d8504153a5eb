//! From a page and the window that ends with it to the numbers of a member.

use etcd_monitor_model::{
    DiskLatency, Durations, LatencyMetrics, LatencySource, LeaseLoad, MeasuredLatency,
    MemberMetrics, MetricsPage, NetworkLoad, ProcessLoad, RaftLoad, RequestLoad, WatchLoad,
};

use super::counters::{Counter, amount};
use super::histograms::{self, Histogram};
use super::window::{Sums, Window};

/// The numbers of a member whose window ends with this page.
pub(super) fn from_page(page: &MetricsPage, window: &Window) -> MemberMetrics {
    let sums = window.sums();
    let mut metrics = MemberMetrics::default();
    metrics.window_seconds = sums.seconds();
    metrics.latency = latency(&sums);
    metrics.requests = requests(page, window, &sums);
    metrics.raft = raft(page, window);
    metrics.disk = disk(&sums);
    metrics.watch = watch(page, window, &sums);
    metrics.leases = leases(window);
    metrics.process = process(page, window);
    metrics.network = network(window);
    metrics
}

fn observed(sums: &Sums<'_>, histogram: Histogram) -> Option<Durations> {
    Some(histograms::durations(&sums.observed(histogram)?))
}

fn latency(sums: &Sums<'_>) -> LatencyMetrics {
    let by = |source, histogram| {
        let durations = observed(sums, histogram)?;
        Some(MeasuredLatency::new(source, durations))
    };
    let sources = |server, grpc| {
        let server = by(LatencySource::ServerRequests, server);
        let grpc = by(LatencySource::GrpcHandling, grpc);
        server.into_iter().chain(grpc).collect()
    };
    let mut latency = LatencyMetrics::default();
    latency.reads = sources(Histogram::ServerReads, Histogram::GrpcReads);
    latency.writes = sources(Histogram::ServerWrites, Histogram::GrpcWrites);
    latency
}

fn requests(page: &MetricsPage, window: &Window, sums: &Sums<'_>) -> RequestLoad {
    let mut requests = RequestLoad::default();
    requests.per_second = window.pace(Counter::UnaryHandled);
    let handled = sums.growth(Counter::UnaryHandled);
    requests.window_per_second = handled.map(|(handled, seconds)| handled / seconds);
    let faults = sums.growth(Counter::UnaryServerFaults);
    let both = handled
        .zip(faults)
        .filter(|((handled, _), _)| *handled > 0.0);
    // Both counters stand on one page, but one of them may have begun anew before the other.
    requests.server_fault_share =
        both.map(|((handled, _), (faults, _))| (faults / handled).min(1.0));
    requests.in_flight = amount(page.requests.started)
        .zip(amount(page.requests.handled))
        .map(|(started, handled)| (started - handled).max(0.0));
    requests
}

fn raft(page: &MetricsPage, window: &Window) -> RaftLoad {
    let mut raft = RaftLoad::default();
    raft.committed_per_second = window.pace(Counter::Committed);
    raft.proposals_pending = amount(page.raft.proposals_pending);
    raft.proposals_failed_per_second = window.pace(Counter::ProposalsFailed);
    raft.heartbeat_failures_per_second = window.pace(Counter::HeartbeatFailures);
    raft.slow_applies_per_second = window.pace(Counter::SlowApplies);
    raft.slow_read_indexes_per_second = window.pace(Counter::SlowReadIndexes);
    raft.read_index_failures_per_second = window.pace(Counter::ReadIndexFailures);
    raft
}

fn disk(sums: &Sums<'_>) -> DiskLatency {
    let mut disk = DiskLatency::default();
    disk.wal_fsync = observed(sums, Histogram::WalFsync);
    disk.backend_commit = observed(sums, Histogram::BackendCommit);
    disk.snapshot = observed(sums, Histogram::Snapshot);
    disk.defrag = observed(sums, Histogram::Defrag);
    disk
}

fn watch(page: &MetricsPage, window: &Window, sums: &Sums<'_>) -> WatchLoad {
    let mut watch = WatchLoad::default();
    watch.watchers = amount(page.store.watchers);
    watch.streams = amount(page.store.watch_streams);
    watch.slow_watchers = amount(page.store.slow_watchers);
    watch.pending_events = amount(page.store.pending_events);
    watch.events_per_second = window.pace(Counter::Events);
    watch.send = observed(sums, Histogram::WatchSend);
    watch
}

fn leases(window: &Window) -> LeaseLoad {
    let mut leases = LeaseLoad::default();
    leases.granted_per_second = window.pace(Counter::LeasesGranted);
    leases.revoked_per_second = window.pace(Counter::LeasesRevoked);
    leases.renewed_per_second = window.pace(Counter::LeasesRenewed);
    leases.expired_per_second = window.pace(Counter::LeasesExpired);
    leases
}

fn process(page: &MetricsPage, window: &Window) -> ProcessLoad {
    let mut process = ProcessLoad::default();
    process.cpu_cores = window.pace(Counter::CpuSeconds);
    process.resident_memory_bytes = amount(page.process.resident_memory_bytes);
    process.open_fds = amount(page.process.open_fds);
    process.max_fds = amount(page.process.max_fds);
    process.gc_pause_share = window.pace(Counter::GcPauseSeconds);
    process.goroutines = amount(page.process.goroutines);
    process
}

fn network(window: &Window) -> NetworkLoad {
    let mut network = NetworkLoad::default();
    network.client_received_bytes_per_second = window.pace(Counter::ClientReceivedBytes);
    network.client_sent_bytes_per_second = window.pace(Counter::ClientSentBytes);
    network.peer_received_bytes_per_second = window.pace(Counter::PeerReceivedBytes);
    network.peer_sent_bytes_per_second = window.pace(Counter::PeerSentBytes);
    network
}
