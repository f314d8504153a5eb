//! One benchmark that was asked for, and what came of it. The names of its JSON are promises, here and in the file.

use etcd_monitor_bench::{PREFIX_DEFAULT, Report, Second};
use etcd_monitor_model::ClusterName;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::AskedBenchmark;
use super::kept_report::KeptReport;

/// Where a benchmark stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum JobState {
    /// Waits for the one of another cluster to end.
    Queued,
    /// Is under way.
    Running,
    /// Ran, and did what was asked of it; or ran for as long as one may.
    Finished,
    /// Could not run, or what ran did not do what was asked of it.
    Failed,
    /// Somebody ended it, or the daemon was stopped.
    Cancelled,
    /// The daemon ended it, since something is wrong with the cluster.
    Aborted,
}

impl JobState {
    /// Those in which a benchmark is over.
    pub(crate) const ENDS: [Self; 4] =
        [Self::Finished, Self::Failed, Self::Cancelled, Self::Aborted];

    pub(crate) fn is_over(self) -> bool {
        Self::ENDS.contains(&self)
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Finished => "finished",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Aborted => "aborted",
        }
    }
}

/// Why a benchmark ended as it did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct JobReason {
    /// What to go by: a code never changes its meaning.
    pub(crate) code: String,
    /// What happened and what to do, for people.
    pub(crate) detail: String,
}

impl JobReason {
    pub(crate) fn new(code: &str, detail: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            detail: detail.into(),
        }
    }
}

/// Why one ended that was cancelled.
pub(super) fn cancelled_by(name: Option<&str>) -> JobReason {
    let name = name.unwrap_or("Somebody");
    JobReason::new("cancelled", format!("{name} cancelled it"))
}

/// What a benchmark is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum JobPhase {
    /// Looks at the cluster and at the prefix.
    Checking,
    /// Writes the keys that are to be read or deleted.
    Populating,
    /// Measures.
    Measuring,
    /// Deletes its keys.
    CleaningUp,
}

/// How far a benchmark is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct JobProgress {
    /// What it is doing.
    pub(super) phase: JobPhase,
    /// Requests of this phase; 0 where it makes none.
    pub(super) planned: u64,
    /// Of those, answered up to the last whole second.
    pub(super) succeeded: u64,
    /// Of those, failed.
    pub(super) failed: u64,
    /// The last whole second; null before there is one.
    pub(super) latest: Option<Second>,
}

/// A benchmark that was asked for, and what came of it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct BenchmarkJob {
    pub(crate) id: String,
    /// Where to ask for it.
    pub(crate) url: String,
    /// The cluster's name.
    pub(crate) cluster: String,
    pub(crate) state: JobState,
    /// What was asked for, with what holds where nothing was said.
    pub(crate) asked: AskedBenchmark,
    /// What all of its keys begin with, and no others.
    pub(crate) prefix: String,
    /// Who asked for it; null where nobody says who they are.
    pub(crate) requested_by: Option<String>,
    pub(crate) created_at: Timestamp,
    /// When it began; null before.
    pub(crate) started_at: Option<Timestamp>,
    /// When it was over; null before.
    pub(crate) ended_at: Option<Timestamp>,
    /// How far it is; null while it is not under way.
    pub(crate) progress: Option<JobProgress>,
    /// Why it ended as it did; null where it ran as asked.
    pub(crate) reason: Option<JobReason>,
    /// Why keys may be left below its prefix, which the daemon goes on trying to delete; null where there are none.
    pub(crate) keys_left: Option<String>,
    /// What was measured; null where nothing was.
    #[schema(value_type = Option<Report>)]
    pub(crate) report: Option<KeptReport>,
}

/// Where benchmarks are asked for.
pub(crate) const PATH: &str = "/api/v1/performance/benchmark";

impl BenchmarkJob {
    pub(super) fn new(
        id: String,
        cluster: &ClusterName,
        asked: AskedBenchmark,
        requested_by: Option<String>,
    ) -> Self {
        Self {
            url: format!("{PATH}/{id}"),
            cluster: cluster.as_str().to_owned(),
            state: JobState::Queued,
            asked,
            prefix: format!("{PREFIX_DEFAULT}{id}/"),
            requested_by,
            created_at: Timestamp::now(),
            started_at: None,
            ended_at: None,
            progress: None,
            reason: None,
            keys_left: None,
            report: None,
            id,
        }
    }

    pub(super) fn begin(&mut self) {
        self.state = JobState::Running;
        self.started_at = Some(Timestamp::now());
    }

    pub(super) fn end(&mut self, state: JobState, reason: Option<JobReason>) {
        self.state = state;
        self.reason = reason;
        self.progress = None;
        self.ended_at = Some(Timestamp::now());
    }

    /// Says of one that was under way when the daemon ended without a word that it failed.
    pub(super) fn daemon_was_killed(&mut self) {
        if self.state.is_over() {
            return;
        }
        if self.started_at.is_some() {
            self.keys_left = Some("the daemon was killed before they were deleted".to_owned());
        }
        let detail = "the daemon was killed while it waited or ran; ask for it again";
        self.end(
            JobState::Failed,
            Some(JobReason::new("daemon_killed", detail)),
        );
    }
}
