//! The monitor's own process, under the names that every Prometheus client library gives them.

use std::fmt;

use prometheus_client::encoding::DescriptorEncoder;

/// Writes what `/proc` says; what it does not say has no sample.
#[cfg(target_os = "linux")]
pub(super) fn encode(encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    linux::encode(encoder)
}

/// Nothing is known of it outside Linux.
#[cfg(not(target_os = "linux"))]
#[expect(clippy::unnecessary_wraps, reason = "the same signature as on Linux")]
pub(super) fn encode(_: &mut DescriptorEncoder<'_>) -> fmt::Result {
    Ok(())
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fmt;

    use procfs::process::{LimitValue, Process, Stat};
    use procfs::{WithCurrentSystemInfo, boot_time_secs, ticks_per_second};
    use prometheus_client::encoding::DescriptorEncoder;

    use super::super::collector::{Labels, counter, gauge};

    pub(super) fn encode(encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let Ok(process) = Process::myself() else {
            return Ok(());
        };
        let stat = process.stat().ok();
        let seconds = stat.as_ref().map(cpu_seconds);
        let help = "CPU time of the monitor's process, user and system";
        counter(encoder, "process_cpu_seconds", help, sample(seconds))?;
        let resident = stat.as_ref().map(resident_bytes);
        let help = "Resident memory of the monitor's process";
        gauge(
            encoder,
            "process_resident_memory_bytes",
            help,
            sample(resident),
        )?;
        let virtual_bytes = stat.as_ref().map(|stat| stat.vsize as f64);
        let help = "Virtual memory of the monitor's process";
        gauge(
            encoder,
            "process_virtual_memory_bytes",
            help,
            sample(virtual_bytes),
        )?;
        let started = stat.as_ref().and_then(started_at_seconds);
        let help = "When the monitor's process started, in unix seconds";
        gauge(encoder, "process_start_time_seconds", help, sample(started))?;
        let open = process.fd_count().ok().map(|count| count as f64);
        let help = "File descriptors that the monitor's process has open";
        gauge(encoder, "process_open_fds", help, sample(open))?;
        let help = "File descriptors that the monitor's process may open";
        gauge(encoder, "process_max_fds", help, sample(max_fds(&process)))
    }

    fn sample(value: Option<f64>) -> impl Iterator<Item = (Labels<'static>, f64)> {
        value.into_iter().map(|value| (Labels::new(), value))
    }

    fn cpu_seconds(stat: &Stat) -> f64 {
        (stat.utime + stat.stime) as f64 / ticks_per_second() as f64
    }

    fn resident_bytes(stat: &Stat) -> f64 {
        stat.rss_bytes().get() as f64
    }

    fn started_at_seconds(stat: &Stat) -> Option<f64> {
        let booted = boot_time_secs().ok()? as f64;
        Some(booted + stat.starttime as f64 / ticks_per_second() as f64)
    }

    fn max_fds(process: &Process) -> Option<f64> {
        match process.limits().ok()?.max_open_files.soft_limit {
            LimitValue::Value(limit) => Some(limit as f64),
            LimitValue::Unlimited => Some(f64::INFINITY),
        }
    }
}
