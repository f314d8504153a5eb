//! The process of a member.

use etcd_monitor_model::ProcessMetrics;

pub(super) const FAMILIES: &[&str] = &[
    "process_start_time_seconds",
    "process_cpu_seconds_total",
    "process_resident_memory_bytes",
    "process_open_fds",
    "process_max_fds",
    "go_gc_duration_seconds_sum",
    "go_gc_duration_seconds_count",
    "go_goroutines",
];

/// Where the value of a sample with this name goes, if it belongs here.
pub(super) fn slot<'a>(metrics: &'a mut ProcessMetrics, name: &str) -> Option<&'a mut Option<f64>> {
    Some(match name {
        "process_start_time_seconds" => &mut metrics.start_time_seconds,
        "process_cpu_seconds_total" => &mut metrics.cpu_seconds,
        "process_resident_memory_bytes" => &mut metrics.resident_memory_bytes,
        "process_open_fds" => &mut metrics.open_fds,
        "process_max_fds" => &mut metrics.max_fds,
        "go_gc_duration_seconds_sum" => &mut metrics.gc_pause_seconds,
        "go_gc_duration_seconds_count" => &mut metrics.gc_runs,
        "go_goroutines" => &mut metrics.goroutines,
        _ => return None,
    })
}
