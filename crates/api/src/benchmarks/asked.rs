//! What may be asked of a cluster that others use.

use etcd_monitor_bench::{Arrivals, BenchError, Load, Rate, Standard, StandardKind, Until};
use etcd_monitor_model::Snapshot;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::trouble::{self, Refusal};
use crate::problem::Problem;

/// Seconds that a benchmark may take, its deletion of keys apart.
pub(super) const SECONDS_MAX: u64 = 30;

/// Bytes of keys and values that one may write: the database keeps every revision until somebody compacts it.
const WRITTEN_BYTES_MAX: u64 = 64 << 20;

/// Bytes of keys and values that one may have read, which bounds those of ranges.
const READ_BYTES_MAX: u64 = 512 << 20;

/// Keys of one range.
const RANGE_SIZE: u64 = 100;

/// A number of a benchmark.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(crate) struct Bounds {
    /// The least.
    least: u64,
    /// The most.
    most: u64,
    /// Where nothing is said.
    usual: u64,
}

const fn bounds(least: u64, most: u64, usual: u64) -> Bounds {
    Bounds { least, most, usual }
}

const OPERATIONS: Bounds = bounds(1, 10_000, 1_000);
const CONNECTIONS: Bounds = bounds(1, 50, 10);
const CLIENTS: Bounds = bounds(1, 100, 10);
/// The least has room for the prefix of a benchmark and the numbers of 10,000 keys.
const KEY_SIZE: Bounds = bounds(25, 1_024, 32);
const VALUE_SIZE: Bounds = bounds(1, 65_536, 256);
const RATE: Bounds = bounds(1, 1_000, 1_000);

/// What a benchmark may ask of a cluster at most.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct BenchmarkLimits {
    operations: Bounds,
    connections: Bounds,
    clients: Bounds,
    key_size: Bounds,
    value_size: Bounds,
    rate_limit: Bounds,
    /// Seconds that one may take, its deletion of keys apart.
    seconds_max: u64,
    /// Bytes of keys and values that one may write.
    written_bytes_max: u64,
    /// Bytes of keys and values that one may have read.
    read_bytes_max: u64,
    /// The share of its quota that no member's database may be above, what the benchmark writes included.
    quota_share_max: f64,
}

impl BenchmarkLimits {
    /// Those of every cluster.
    pub(crate) fn of_all() -> Self {
        Self {
            operations: OPERATIONS,
            connections: CONNECTIONS,
            clients: CLIENTS,
            key_size: KEY_SIZE,
            value_size: VALUE_SIZE,
            rate_limit: RATE,
            seconds_max: SECONDS_MAX,
            written_bytes_max: WRITTEN_BYTES_MAX,
            read_bytes_max: READ_BYTES_MAX,
            quota_share_max: trouble::QUOTA_SHARE_MAX,
        }
    }
}

/// A benchmark that is to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewBenchmark {
    /// What is asked of the cluster.
    benchmark_type: StandardKind,
    /// Requests: 1 to 10,000; left out: 1,000.
    #[schema(nullable = false, minimum = 1, maximum = 10_000)]
    operations: Option<u64>,
    /// Connections, over all endpoints: 1 to 50; left out: 10.
    #[schema(nullable = false, minimum = 1, maximum = 50)]
    connections: Option<u64>,
    /// Requests in flight at most, over all connections: 1 to 100; left out: 10.
    #[schema(nullable = false, minimum = 1, maximum = 100)]
    clients: Option<u64>,
    /// Bytes of a key: 25 to 1,024; left out: 32.
    #[schema(nullable = false, minimum = 25, maximum = 1_024)]
    key_size: Option<u64>,
    /// Bytes of a value: 1 to 65,536; left out: 256.
    #[schema(nullable = false, minimum = 1, maximum = 65_536)]
    value_size: Option<u64>,
    /// Requests in a second at most: 1 to 1,000; left out: 1,000.
    #[schema(nullable = false, minimum = 1, maximum = 1_000)]
    rate_limit: Option<u64>,
}

/// What was asked for, with what holds where nothing was said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct AskedBenchmark {
    /// What is asked of the cluster.
    benchmark_type: StandardKind,
    /// Requests.
    operations: u64,
    /// Connections, over all endpoints.
    connections: u32,
    /// Requests in flight at most, over all connections.
    clients: u32,
    /// Bytes of a key.
    key_size: usize,
    /// Bytes of a value.
    value_size: usize,
    /// Requests in a second at most.
    rate_limit: u32,
}

impl NewBenchmark {
    /// The same in full, where it is within the limits.
    pub(crate) fn checked(&self) -> Result<AskedBenchmark, Problem> {
        let asked = AskedBenchmark {
            benchmark_type: self.benchmark_type,
            operations: within("operations", self.operations, OPERATIONS)?,
            connections: within("connections", self.connections, CONNECTIONS)?,
            clients: within("clients", self.clients, CLIENTS)?,
            key_size: within("key_size", self.key_size, KEY_SIZE)?,
            value_size: within("value_size", self.value_size, VALUE_SIZE)?,
            rate_limit: within("rate_limit", self.rate_limit, RATE)?,
        };
        asked.refuse_long()?;
        asked.refuse_large()?;
        Ok(asked)
    }
}

fn within<T: TryFrom<u64>>(name: &str, said: Option<u64>, bounds: Bounds) -> Result<T, Problem> {
    let Bounds { least, most, usual } = bounds;
    let said = said.unwrap_or(usual);
    let taken = (least..=most).contains(&said).then_some(said);
    let taken = taken.and_then(|taken| T::try_from(taken).ok());
    taken.ok_or_else(|| {
        Problem::benchmark_limit(&format!("{name}: {said} is not between {least} and {most}"))
    })
}

impl AskedBenchmark {
    fn refuse_long(&self) -> Result<(), Problem> {
        let (before, rate) = (self.populated(), u64::from(self.rate_limit));
        let seconds = (before + self.operations).div_ceil(rate);
        if seconds <= SECONDS_MAX {
            return Ok(());
        }
        let written = match before {
            0 => String::new(),
            before => format!(", and the {before} keys that are written before,"),
        };
        Err(Problem::benchmark_limit(&format!(
            "{} requests{written} take {seconds} s at rate_limit {rate}, and {SECONDS_MAX} s is the limit: ask for fewer operations, or a higher rate_limit",
            self.operations
        )))
    }

    fn refuse_large(&self) -> Result<(), Problem> {
        let limits = [
            ("written", self.written_bytes(), WRITTEN_BYTES_MAX),
            ("read", self.read_bytes(), READ_BYTES_MAX),
        ];
        match limits.into_iter().find(|(_, bytes, most)| bytes > most) {
            None => Ok(()),
            Some((what, bytes, most)) => Err(Problem::benchmark_limit(&format!(
                "{bytes} bytes of keys and values would be {what}, and {most} is the limit: ask for fewer operations, or a smaller value_size or key_size"
            ))),
        }
    }

    /// Keys that are written before it is measured.
    fn populated(&self) -> u64 {
        match self.benchmark_type {
            StandardKind::Write | StandardKind::Txn => 0,
            _ => self.operations,
        }
    }

    fn pair_bytes(&self) -> u64 {
        (self.key_size + self.value_size) as u64
    }

    /// Bytes of keys and values that it may write.
    fn written_bytes(&self) -> u64 {
        let measured = match self.benchmark_type {
            StandardKind::Read | StandardKind::Range | StandardKind::Delete => 0,
            _ => self.operations,
        };
        (self.populated() + measured) * self.pair_bytes()
    }

    fn read_bytes(&self) -> u64 {
        match self.benchmark_type {
            StandardKind::Range => self.operations * self.range_size() * self.pair_bytes(),
            StandardKind::Read | StandardKind::Mixed => self.operations * self.pair_bytes(),
            _ => 0,
        }
    }

    fn range_size(&self) -> u64 {
        RANGE_SIZE.min(self.operations)
    }

    /// What is asked, of keys below this prefix: as many as there are requests.
    pub(super) fn standard(&self, prefix: &str) -> Standard {
        let mut standard = Standard::new(self.benchmark_type);
        prefix.clone_into(&mut standard.prefix);
        standard.key_size = self.key_size;
        standard.value_size = self.value_size;
        standard.key_space = self.operations;
        standard.range_size = self.range_size();
        standard
    }

    /// How much, by how many, how fast.
    pub(super) fn load(&self) -> Load {
        let mut load = Load::new(Until::Operations(self.operations));
        load.connections = self.connections;
        load.clients = self.clients;
        load.rate = Some(self.rate());
        load
    }

    /// How fast, the keys that are written before included.
    pub(super) fn rate(&self) -> Rate {
        Rate {
            per_second: f64::from(self.rate_limit),
            arrivals: Arrivals::Uniform,
        }
    }

    /// Why it may not begin on a cluster as it is; `None`: it may.
    pub(crate) fn trouble(&self, snapshot: &Snapshot) -> Option<Refusal> {
        trouble::before(snapshot, self.written_bytes())
    }

    /// Requests that are measured.
    pub(super) fn operations(&self) -> u64 {
        self.operations
    }

    /// The code of why it has no result.
    pub(super) fn code_of(error: &BenchError) -> &str {
        match error {
            BenchError::Client(error) => error.kind().as_str(),
            BenchError::PrefixInUse { .. } => "prefix_in_use",
            BenchError::Populate { kind, .. } => kind,
            BenchError::Worker(_) => "engine_failed",
            BenchError::Stopped => "stopped",
            _ => "bad_plan",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn asked(body: Value) -> Result<AskedBenchmark, String> {
        let new: NewBenchmark = serde_json::from_value(body).map_err(|error| error.to_string())?;
        new.checked().map_err(|problem| format!("{problem:?}"))
    }

    #[test]
    fn the_type_alone_is_enough_and_each_kind_can_be_run() {
        for kind in ["write", "read", "mixed", "range", "delete", "txn"] {
            for operations in [1, 10_000] {
                let body = json!({"benchmark_type": kind, "operations": operations});
                let asked = asked(body).unwrap();
                let workload = asked.standard("/etcd-bench/01234567/").workload().unwrap();
                assert_eq!(workload.populated(), asked.populated(), "{kind}");
                asked.load().check().unwrap();
            }
        }
        let usual = asked(json!({"benchmark_type": "write"})).unwrap();
        assert_eq!((usual.operations, usual.rate_limit), (1_000, 1_000));
        assert_eq!(usual.written_bytes(), 288_000);
    }

    #[test]
    fn the_shortest_key_has_room_for_the_most_keys() {
        let least = json!({"benchmark_type": "delete", "operations": 10_000, "key_size": 25});
        let standard = asked(least).unwrap().standard("/etcd-bench/01234567/");
        assert!(standard.workload().is_ok());
    }

    #[test]
    fn what_is_beyond_a_limit_is_refused_with_the_limit() {
        for (field, value, limit) in [
            ("operations", 10_001, "10000"),
            ("operations", 0, "1 and"),
            ("connections", 51, "50"),
            ("clients", 101, "100"),
            ("key_size", 24, "25"),
            ("value_size", 65_537, "65536"),
            ("rate_limit", 1_001, "1000"),
            ("rate_limit", 33, "30 s"),
        ] {
            let error = asked(json!({"benchmark_type": "write", field: value})).unwrap_err();
            assert!(
                error.contains("benchmark_limit") && error.contains(limit),
                "{field}: {error}"
            );
        }
        let large = json!({"benchmark_type": "write", "operations": 10_000, "value_size": 65_536});
        assert!(asked(large).unwrap_err().contains("67108864"));
        let wide = json!({"benchmark_type": "range", "operations": 5_000, "value_size": 4_096});
        assert!(asked(wide).unwrap_err().contains("536870912"));
        let long = json!({"benchmark_type": "read", "operations": 1_000, "rate_limit": 50});
        assert!(
            asked(long)
                .unwrap_err()
                .contains("keys that are written before")
        );
    }

    #[test]
    fn unknown_fields_and_kinds_are_refused() {
        assert!(asked(json!({"benchmark_type": "write", "duration": 5})).is_err());
        assert!(asked(json!({"benchmark_type": "watch"})).is_err());
        assert!(asked(json!({})).is_err());
    }
}
