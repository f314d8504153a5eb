//! The machine that the load comes from, and what it allows this process.

use serde::{Deserialize, Serialize};

#[cfg(target_os = "linux")]
use super::limits::Limits;

/// The machine that the load came from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct ClientMachine {
    /// Operating system and architecture.
    pub platform: String,
    /// The kernel's release; `None` where it is not known.
    pub kernel: Option<String>,
    /// What the processor calls itself.
    pub processor: Option<String>,
    /// Cores that this process may use.
    pub cores: Option<usize>,
    /// Load average over a minute when it began.
    pub load_average: Option<f32>,
    /// How the kernel chooses the frequency of the first core, such as `performance` or `powersave`; `None` where it does not
    /// choose, as in most virtual machines.
    #[serde(default)]
    pub frequency_governor: Option<String>,
    /// Nodes of memory, each near to some of the cores (NUMA).
    #[serde(default)]
    pub numa_nodes: Option<usize>,
    /// CPU time in a second that the control groups of this process allow it, in seconds; `None` without a limit.
    #[serde(default)]
    pub cpu_limit_cores: Option<f64>,
    /// Memory that they allow it, in bytes; `None` without a limit.
    #[serde(default)]
    pub memory_limit_bytes: Option<u64>,
}

impl ClientMachine {
    pub(crate) fn now() -> Self {
        let cores = std::thread::available_parallelism().ok();
        Self {
            platform: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            cores: cores.map(std::num::NonZero::get),
            ..Self::of_system()
        }
    }

    #[cfg(target_os = "linux")]
    fn of_system() -> Self {
        use procfs::{Current, LoadAverage};
        let processor = procfs::CpuInfo::current().ok();
        let limits = Limits::now();
        Self {
            kernel: procfs::sys::kernel::Version::current()
                .ok()
                .map(|version| format!("{}.{}.{}", version.major, version.minor, version.patch)),
            processor: processor.and_then(|cpus| cpus.model_name(0).map(str::to_owned)),
            load_average: LoadAverage::current().ok().map(|load| load.one),
            frequency_governor: frequency_governor(),
            numa_nodes: numa_nodes(),
            cpu_limit_cores: limits.cpu_cores,
            memory_limit_bytes: limits.memory_bytes,
            ..Self::default()
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn of_system() -> Self {
        Self::default()
    }

    /// What makes runs on it comparable: the processor, and how much of it may be used.
    pub(crate) fn identity(&self) -> String {
        let processor = self.processor.as_deref().unwrap_or("?");
        let cores = self.cores.map_or("?".to_owned(), |cores| cores.to_string());
        format!("{processor}, {cores} cores")
    }

    /// What it is and what limits it in a line, with `?` for what is not known.
    pub fn line(&self) -> String {
        let mut line = format!(
            "{}, {}, kernel {}",
            self.identity(),
            self.platform,
            self.kernel.as_deref().unwrap_or("?"),
        );
        let bounds = [
            self.cpu_limit_cores
                .map(|cores| format!("limited to {cores:.2} cores")),
            self.memory_limit_bytes
                .map(|bytes| format!("limited to {} MiB", bytes >> 20)),
            self.frequency_governor
                .as_ref()
                .map(|governor| format!("frequency governor {governor}")),
            self.numa_nodes
                .filter(|nodes| *nodes > 1)
                .map(|nodes| format!("{nodes} NUMA nodes")),
            self.load_average
                .map(|load| format!("load {load:.1} when it began")),
        ];
        for bound in bounds.into_iter().flatten() {
            line.push_str(", ");
            line.push_str(&bound);
        }
        line
    }
}

#[cfg(target_os = "linux")]
fn frequency_governor() -> Option<String> {
    let governor = "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor";
    let governor = std::fs::read_to_string(governor).ok()?;
    Some(governor.trim().to_owned())
}

#[cfg(target_os = "linux")]
fn numa_nodes() -> Option<usize> {
    let entries = std::fs::read_dir("/sys/devices/system/node").ok()?;
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let is_node = |name: &String| {
        name.strip_prefix("node")
            .is_some_and(|number| number.parse::<u32>().is_ok())
    };
    Some(names.filter(is_node).count()).filter(|nodes| *nodes > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_names_limits_where_there_are_some_and_what_is_not_known() {
        let mut machine = ClientMachine {
            platform: "linux x86_64".to_owned(),
            cores: Some(2),
            numa_nodes: Some(1),
            ..ClientMachine::default()
        };
        assert_eq!(machine.line(), "?, 2 cores, linux x86_64, kernel ?");
        machine.cpu_limit_cores = Some(1.5);
        machine.memory_limit_bytes = Some(512 << 20);
        machine.numa_nodes = Some(2);
        let line = machine.line();
        let bounds = ", limited to 1.50 cores, limited to 512 MiB, 2 NUMA nodes";
        assert!(line.ends_with(bounds), "{line}");
    }
}
