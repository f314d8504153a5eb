//! Observes etcd clusters, assesses them truthfully and names the cause.
//!
//! A [`ClusterProbe`] yields one [`Observation`] per cycle, [`assess`] turns it into a [`Snapshot`], and a [`Monitor`]
//! runs the cycles and publishes the latest snapshot on a watch channel. A [`Fleet`] runs several monitors and doubts
//! the monitor itself where several clusters time out at once. A [`HealthChecker`] looks at a cluster once.
//!
//! This crate serves no HTTP, keeps no alert state and knows no storage engine. It builds on `etcd-monitor-client`,
//! whose build needs `protoc`.
//!
//! ```no_run
//! use etcd_monitor_core::{Endpoint, EtcdProbe, Monitor, MonitorOptions, ProbeOptions};
//! use tokio_util::sync::CancellationToken;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let endpoint = Endpoint::parse("127.0.0.1:2379", false)?;
//! let probe = EtcdProbe::new(ProbeOptions::new("production", vec![endpoint]))?;
//! let monitor = Monitor::new(probe, MonitorOptions::default());
//! let mut snapshots = monitor.subscribe();
//! let stop = CancellationToken::new();
//! let running = tokio::spawn(monitor.run(stop.clone()));
//! snapshots.changed().await?;
//! if let Some(snapshot) = snapshots.borrow().as_ref() {
//!     println!("{}", snapshot.health.sentence);
//! }
//! stop.cancel();
//! running.await?;
//! # Ok(())
//! # }
//! ```

mod assess;
mod black_box;
mod checker;
mod collector;
mod fleet;
mod metrics_page;
mod monitor;
mod probe;
mod punctuality;
mod schedule;
mod state_file;
pub mod trend;

pub use assess::{
    AssessState, CanaryParameters, CapacityParameters, ConsensusParameters, CoverageParameters,
    KnownVersions, KnownVersionsError, LinkParameters, Parameters, TrustParameters,
    VersionParameters, assess,
};
pub use black_box::{
    BlackBox, BlackBoxOptions, BlackBoxStatus, BlackBoxWriter, Episode, Incident, RawPage,
    Recorder, Recording, RecordingDamage, RecordingError, RecordingHead, RecordingInfo,
    RecordingStop, Recordings,
};
pub use checker::HealthChecker;
pub use collector::{MetricsCollector, MetricsParameters};
pub use etcd_monitor_client::discovery::DiscoveryPolicy;
pub use etcd_monitor_client::{
    ClientError, ClientOptions, Credentials, Endpoint, EndpointError, MetricsUrl, Password,
    TlsOptions,
};
pub use etcd_monitor_model::*;
pub use fleet::{Fleet, FleetHandle, MonitorPart, doubt_monitor};
pub use metrics_page::read_metrics_page;
pub use monitor::{Monitor, MonitorOptions, SnapshotReceiver};
pub use probe::{
    CanaryOptions, ClusterProbe, ConsistencyOptions, EtcdProbe, ProbeOptions, RecordedProbe,
};
pub use schedule::{CycleSlots, offset_within};
pub use state_file::{StateFile, StateFileError};
