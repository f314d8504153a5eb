//! Pages of members that count on in the same way from cycle to cycle.

use std::fmt::Write as _;

use super::super::scene::{Scene, page};

/// What one member counts in each cycle of 5 s.
#[derive(Debug, Clone, Copy)]
pub(super) struct Numbers {
    /// Requests, entries, fsyncs and commits.
    rate: u64,
    fsync_seconds: f64,
    commit_seconds: f64,
    write_seconds: f64,
    watch_send_seconds: f64,
    /// Fsyncs of a second, once, in the latest cycle.
    outliers: u64,
    faults: u64,
    late_heartbeats: u64,
    failed_proposals: u64,
    pending: u64,
    slow_watchers: (u64, u64),
    fds: (u64, u64),
    /// Has `etcd_server_request_duration_seconds`.
    is_37: bool,
    grpc_seconds: Option<f64>,
}

impl Numbers {
    /// 40 entries per second on a quick disk.
    pub(super) fn quick() -> Self {
        Self {
            rate: 200,
            fsync_seconds: 0.002,
            commit_seconds: 0.004,
            write_seconds: 0.004,
            watch_send_seconds: 0.016,
            outliers: 0,
            faults: 0,
            late_heartbeats: 0,
            failed_proposals: 0,
            pending: 0,
            slow_watchers: (0, 0),
            fds: (50, 1_024),
            is_37: true,
            grpc_seconds: None,
        }
    }

    /// An entry every second or two.
    pub(super) fn idle() -> Self {
        Self::quick().rate(3)
    }

    /// A member of etcd 3.6 with its default metrics.
    pub(super) fn of_36() -> Self {
        Self {
            is_37: false,
            ..Self::quick()
        }
    }

    pub(super) fn rate(self, rate: u64) -> Self {
        Self { rate, ..self }
    }

    pub(super) fn fsync(self, fsync_seconds: f64) -> Self {
        Self {
            fsync_seconds,
            ..self
        }
    }

    pub(super) fn commit(self, commit_seconds: f64) -> Self {
        Self {
            commit_seconds,
            ..self
        }
    }

    pub(super) fn writes(self, write_seconds: f64) -> Self {
        Self {
            write_seconds,
            ..self
        }
    }

    pub(super) fn grpc(self, seconds: f64) -> Self {
        Self {
            grpc_seconds: Some(seconds),
            ..self
        }
    }

    pub(super) fn outliers(self, outliers: u64) -> Self {
        Self { outliers, ..self }
    }

    pub(super) fn faults(self, faults: u64) -> Self {
        Self { faults, ..self }
    }

    pub(super) fn late_heartbeats(self, late_heartbeats: u64) -> Self {
        Self {
            late_heartbeats,
            ..self
        }
    }

    pub(super) fn failed_proposals(self, failed_proposals: u64) -> Self {
        Self {
            failed_proposals,
            ..self
        }
    }

    pub(super) fn pending(self, pending: u64) -> Self {
        Self { pending, ..self }
    }

    pub(super) fn slow_watchers(self, slow: u64, pending: u64) -> Self {
        Self {
            slow_watchers: (slow, pending),
            ..self
        }
    }

    pub(super) fn open_fds(self, open: u64, max: u64) -> Self {
        Self {
            fds: (open, max),
            ..self
        }
    }

    /// The page after so many cycles.
    fn page(&self, cycle: u64) -> String {
        let count = cycle * self.rate;
        let mut text = String::from("etcd_server_quota_backend_bytes 104857600\n");
        for (name, value) in [
            ("etcd_server_proposals_committed_total", count),
            ("etcd_server_proposals_pending", self.pending),
            (
                "etcd_server_proposals_failed_total",
                cycle * self.failed_proposals,
            ),
            (
                "etcd_server_heartbeat_send_failures_total",
                cycle * self.late_heartbeats,
            ),
            (
                "etcd_debugging_mvcc_slow_watcher_total",
                self.slow_watchers.0,
            ),
            (
                "etcd_debugging_mvcc_pending_events_total",
                self.slow_watchers.1,
            ),
            ("process_open_fds", self.fds.0),
            ("process_max_fds", self.fds.1),
        ] {
            writeln!(text, "{name} {value}").unwrap();
        }
        let handled = "grpc_server_handled_total{grpc_type=\"unary\",grpc_code=";
        let faults = cycle * self.faults;
        let fine = count.saturating_sub(faults);
        writeln!(text, "{handled}\"OK\"}} {fine}").unwrap();
        writeln!(text, "{handled}\"Unavailable\"}} {faults}").unwrap();
        text + &self.histograms(count)
    }

    fn histograms(&self, count: u64) -> String {
        let disk = |name: &str| format!("etcd_disk_{name}_duration_seconds");
        let fsyncs = [(self.fsync_seconds, count), (1.0, self.outliers)];
        let mut text = histogram(&disk("wal_fsync"), "", &fsyncs);
        text += &histogram(&disk("backend_commit"), "", &[(self.commit_seconds, count)]);
        let writes = "etcd_server_request_duration_seconds";
        let labels = "type=\"Put\",success=\"true\",";
        if self.is_37 {
            text += &histogram(writes, labels, &[(self.write_seconds, count)]);
        }
        if self.is_37 {
            let sent = "etcd_debugging_server_watch_send_loop_watch_stream_duration_seconds";
            text += &histogram(sent, "", &[(self.watch_send_seconds, count)]);
        }
        if let Some(seconds) = self.grpc_seconds {
            let labels = "grpc_type=\"unary\",grpc_method=\"Put\",";
            text += &histogram("grpc_server_handling_seconds", labels, &[(seconds, count)]);
        }
        text
    }
}

/// etcd's buckets with so many observations of each duration.
fn histogram(family: &str, labels: &str, observed: &[(f64, u64)]) -> String {
    let finite = (0..14).map(|power| 0.001 * 2_f64.powi(power));
    let mut text = String::new();
    for bound in finite.chain([f64::INFINITY]) {
        let below = observed.iter().filter(|(seconds, _)| *seconds <= bound);
        let count: u64 = below.map(|(_, count)| count).sum();
        let bound = if bound.is_infinite() {
            "+Inf".to_owned()
        } else {
            bound.to_string()
        };
        writeln!(text, "{family}_bucket{{{labels}le=\"{bound}\"}} {count}").unwrap();
    }
    text
}

/// Members with these numbers after so many cycles.
pub(super) fn scene(cycle: u64, numbers: &[Numbers]) -> Scene {
    let members = numbers.iter().enumerate();
    members.fold(Scene::of(numbers.len()), |scene, (member, numbers)| {
        let text = numbers.page(cycle);
        scene.edit(member + 1, |seen| {
            seen.metrics = super::super::scene::ok(page(&text));
        })
    })
}
