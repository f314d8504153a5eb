//! What control groups allow this process: of version 1 and 2, whose files lie in different places.

use std::path::{Path, PathBuf};

/// Version 1 writes a number near the largest where memory is not limited.
const MEMORY_UNLIMITED_BYTES: u64 = 1 << 60;

/// The limits; `None` where there are none, or where the system does not tell.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Limits {
    /// CPU time in a second, in seconds.
    pub(super) cpu_cores: Option<f64>,
    /// Memory in bytes.
    pub(super) memory_bytes: Option<u64>,
}

impl Limits {
    pub(super) fn now() -> Self {
        let groups = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        Self::of(&groups, Path::new("/sys/fs/cgroup"))
    }

    /// Of the groups in a text as that of `/proc/self/cgroup`, whose folders lie below `root`: the smallest limit of a
    /// group and of all that it lies in.
    fn of(groups: &str, root: &Path) -> Self {
        let mut limits = Self::default();
        for line in groups.lines() {
            let mut parts = line.splitn(3, ':').skip(1);
            let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else {
                continue;
            };
            let top = root.join(controllers);
            let has = |name: &str| controllers.split(',').any(|controller| controller == name);
            // In a container the path may be that of the host, whose folders are not there: the topmost one is its own.
            for folder in Path::new(path).ancestors() {
                let folder = below(&top, folder);
                if controllers.is_empty() {
                    limits.tighten(cpu_of_version_2(&folder), number(&folder, "memory.max"));
                }
                if has("cpu") {
                    limits.tighten(cpu_of_version_1(&folder), None);
                }
                if has("memory") {
                    let bytes = number(&folder, "memory.limit_in_bytes");
                    let limited = bytes.filter(|bytes| *bytes < MEMORY_UNLIMITED_BYTES);
                    limits.tighten(None, limited);
                }
            }
        }
        limits
    }

    fn tighten(&mut self, cpu_cores: Option<f64>, memory_bytes: Option<u64>) {
        let cores = [self.cpu_cores, cpu_cores].into_iter().flatten();
        self.cpu_cores = cores.reduce(f64::min);
        let bytes = [self.memory_bytes, memory_bytes].into_iter().flatten();
        self.memory_bytes = bytes.min();
    }
}

fn below(top: &Path, folder: &Path) -> PathBuf {
    top.join(folder.strip_prefix("/").unwrap_or(folder))
}

fn number(folder: &Path, file: &str) -> Option<u64> {
    let text = std::fs::read_to_string(folder.join(file)).ok()?;
    text.trim().parse().ok()
}

/// `cpu.max`: microseconds, or `max`, of so many.
fn cpu_of_version_2(folder: &Path) -> Option<f64> {
    let text = std::fs::read_to_string(folder.join("cpu.max")).ok()?;
    let (quota, period) = text.trim().split_once(' ')?;
    share(quota.parse().ok()?, period.parse().ok()?)
}

/// Two files: microseconds, or -1, of so many.
fn cpu_of_version_1(folder: &Path) -> Option<f64> {
    let quota = number(folder, "cpu.cfs_quota_us")?;
    share(quota, number(folder, "cpu.cfs_period_us")?)
}

fn share(quota: u64, period: u64) -> Option<f64> {
    (period > 0).then(|| quota as f64 / period as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        root
    }

    #[test]
    fn the_tightest_limit_of_the_groups_around_counts() {
        let root = written(&[
            ("pod/cpu.max", "150000 100000\n"),
            ("pod/memory.max", "1073741824\n"),
            ("pod/bench/cpu.max", "max 100000\n"),
            ("pod/bench/memory.max", "max\n"),
        ]);
        let limits = Limits::of("0::/pod/bench\n", root.path());
        let (cores, bytes) = (limits.cpu_cores, limits.memory_bytes);
        assert_eq!((cores, bytes), (Some(1.5), Some(1 << 30)));
    }

    #[test]
    fn version_1_has_a_tree_for_each_controller_and_in_a_container_its_own_root() {
        let root = written(&[
            ("cpu,cpuacct/cpu.cfs_quota_us", "50000\n"),
            ("cpu,cpuacct/cpu.cfs_period_us", "100000\n"),
            ("memory/memory.limit_in_bytes", "9223372036854771712\n"),
            ("memory/docker/abc/memory.limit_in_bytes", "268435456\n"),
        ]);
        let groups = "4:cpu,cpuacct:/docker/abc\n3:memory:/docker/abc\n1:name=systemd:/\n";
        let limits = Limits::of(groups, root.path());
        let (cores, bytes) = (limits.cpu_cores, limits.memory_bytes);
        assert_eq!((cores, bytes), (Some(0.5), Some(1 << 28)));
    }

    #[test]
    fn without_a_limit_there_is_none() {
        let root = written(&[
            ("cpu/cpu.cfs_quota_us", "-1\n"),
            ("cpu/cpu.cfs_period_us", "100000\n"),
            ("memory/memory.limit_in_bytes", "9223372036854771712\n"),
            ("cpu.max", "max 100000\n"),
        ]);
        let limits = Limits::of("2:cpu:/\n3:memory:/\n0::/\n", root.path());
        assert_eq!(limits, Limits::default());
        assert_eq!(Limits::of("nonsense", root.path()), Limits::default());
    }
}
