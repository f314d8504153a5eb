//! One benchmark under way: followed, ended early where it must be, and what came of it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use etcd_monitor_bench::{
    AccountingVerdict, BenchError, Benchmark, Phase, Report, SecondsBoard, Watcher,
};
use etcd_monitor_core::SnapshotReceiver;
use tokio::time::{Instant, interval, sleep_until};
use tokio_util::sync::CancellationToken;

use super::asked::{AskedBenchmark, SECONDS_MAX};
use super::job::{BenchmarkJob, JobPhase, JobProgress, JobReason, JobState};
use super::kept_report::KeptReport;
use super::runner::deleted;
use super::{Benchmarks, Cancelled, trouble};

/// How often progress is told.
const TOLD_EACH: Duration = Duration::from_millis(500);

/// How long one that is to end may take to: what is in flight is awaited, and its keys are deleted.
const END_WITHIN: Duration = Duration::from_secs(20);

/// The same where the daemon stops; then as long again to delete the keys.
const STOP_WITHIN: Duration = Duration::from_millis(1_500);

/// The code of the worst that a benchmark can find.
const LOST: &str = "acknowledged_lost";

/// One benchmark under way.
pub(super) struct Run<'a> {
    pub(super) benchmarks: &'a Benchmarks,
    pub(super) job: &'a BenchmarkJob,
    pub(super) benchmark: Benchmark,
    pub(super) cancelled: Cancelled,
    pub(super) snapshots: SnapshotReceiver,
}

/// Why it is ended before its end.
struct Ending {
    state: JobState,
    reason: JobReason,
}

/// What it is doing, as it tells.
#[derive(Default)]
struct Told(Mutex<Option<(Phase, Arc<SecondsBoard>)>>);

/// What is known of it in the end.
struct Outcome {
    /// `None`: it was cut off.
    result: Option<Result<Report, BenchError>>,
    ending: Option<Ending>,
    keys_left: Option<String>,
}

impl Run<'_> {
    /// Runs it, and says in the job what came of it.
    pub(super) async fn until_its_end(mut self, stop: &CancellationToken) {
        let outcome = self.outcome(stop).await;
        self.benchmarks.end(&self.job.id, |job| outcome.tell(job));
    }

    async fn outcome(&mut self, stop: &CancellationToken) -> Outcome {
        let told = Told::default();
        let (result, ending) = self.followed(&told, stop).await;
        let keys_left = match &result {
            Some(Ok(report)) => report.keys_left.clone(),
            Some(Err(_)) if !told.has_written() => None,
            Some(Err(_)) => deleted(&self.benchmark, delete_within(stop)).await,
            None => {
                let failed = deleted(&self.benchmark, delete_within(stop)).await;
                // What was in flight may arrive after the deletion: it is made once more.
                Some(failed.unwrap_or_else(|| "it was cut off".to_owned()))
            }
        };
        Outcome {
            result,
            ending,
            keys_left,
        }
    }

    /// Runs it until it ends, or does not within its time after it was to.
    async fn followed(
        &mut self,
        told: &Told,
        stop: &CancellationToken,
    ) -> (Option<Result<Report, BenchError>>, Option<Ending>) {
        let stop_load = CancellationToken::new();
        let mut running = std::pin::pin!(self.benchmark.run(told, &stop_load));
        let mut reasons = std::pin::pin!(ending(&self.cancelled, &mut self.snapshots, stop));
        let mut ticks = interval(TOLD_EACH);
        let mut why = None;
        let mut until: Option<Instant> = None;
        let mut is_stopping = false;
        let result = loop {
            tokio::select! {
                result = &mut running => break Some(result),
                reason = &mut reasons, if why.is_none() => {
                    why = Some(reason);
                    until = until.or_else(|| Some(Instant::now() + END_WITHIN));
                    stop_load.cancel();
                }
                () = stop.cancelled(), if !is_stopping => {
                    is_stopping = true;
                    until = Some(Instant::now() + STOP_WITHIN);
                }
                () = passed(until) => break None,
                _ = ticks.tick() => tell(self.benchmarks, self.job, told),
            }
        };
        (result, why)
    }
}

fn delete_within(stop: &CancellationToken) -> Duration {
    if stop.is_cancelled() {
        STOP_WITHIN
    } else {
        END_WITHIN
    }
}

/// Never where there is no time.
async fn passed(until: Option<Instant>) {
    match until {
        Some(until) => sleep_until(until).await,
        None => std::future::pending().await,
    }
}

/// The first reason to end it before its end.
async fn ending(
    cancelled: &Cancelled,
    snapshots: &mut SnapshotReceiver,
    stop: &CancellationToken,
) -> Ending {
    let time = tokio::time::sleep(Duration::from_secs(SECONDS_MAX));
    let (state, reason) = tokio::select! {
        biased;
        () = cancelled.token.cancelled() => (JobState::Cancelled, cancelled.reason()),
        () = stop.cancelled() => (JobState::Cancelled, stopping()),
        reason = troubled(snapshots) => (JobState::Aborted, reason),
        () = time => {
            let detail = format!("it was ended after {SECONDS_MAX} s, the most that a benchmark may take");
            (JobState::Finished, JobReason::new("time_limit", detail))
        }
    };
    Ending { state, reason }
}

/// Why one ends when the daemon does.
pub(super) fn stopping() -> JobReason {
    JobReason::new("daemon_stopped", "the daemon was stopped")
}

/// Waits until something is known to be wrong with the cluster.
async fn troubled(snapshots: &mut SnapshotReceiver) -> JobReason {
    loop {
        let latest = snapshots.borrow_and_update().clone();
        let trouble = latest.and_then(|latest| trouble::during(&latest));
        if let Some(trouble) = trouble {
            return trouble.into_reason();
        }
        if snapshots.changed().await.is_err() {
            let detail = "the cluster is no longer watched as it was: its configuration changed";
            return JobReason::new("cluster_changed", detail);
        }
    }
}

/// Tells how far it is, where that changed.
fn tell(benchmarks: &Benchmarks, job: &BenchmarkJob, told: &Told) {
    let Some(progress) = told.progress(job) else {
        return;
    };
    benchmarks.change_if(&job.id, |job| {
        let news = job.progress.as_ref() != Some(&progress);
        job.progress = Some(progress);
        news
    });
}

impl Told {
    fn now(&self) -> Option<(Phase, Arc<SecondsBoard>)> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Whether it can have written anything.
    fn has_written(&self) -> bool {
        self.now()
            .is_some_and(|(phase, _)| phase != Phase::Checking)
    }

    fn progress(&self, job: &BenchmarkJob) -> Option<JobProgress> {
        let (phase, board) = self.now()?;
        let (phase, planned) = match phase {
            Phase::Populating(count) => (JobPhase::Populating, count),
            Phase::Measuring => (JobPhase::Measuring, job.asked.operations()),
            Phase::CleaningUp => (JobPhase::CleaningUp, 0),
            _ => (JobPhase::Checking, 0),
        };
        let progress = board.progress();
        Some(JobProgress {
            phase,
            planned,
            succeeded: progress.succeeded,
            failed: progress.failed,
            latest: progress.latest,
        })
    }
}

impl Watcher for Told {
    fn begins(&self, phase: Phase, board: &Arc<SecondsBoard>) {
        let now = Some((phase, Arc::clone(board)));
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }
}

impl Outcome {
    fn tell(self, job: &mut BenchmarkJob) {
        let measured = match self.result {
            None => Err(cut_off()),
            Some(Err(error)) => Err(JobReason::new(
                AskedBenchmark::code_of(&error),
                error.to_string(),
            )),
            Some(Ok(report)) => {
                job.report = KeptReport::of(&report);
                failure(&report).map_or(Ok(()), Err)
            }
        };
        job.keys_left = self.keys_left;
        let (state, reason) = match (self.ending, measured) {
            (None, Ok(())) => (JobState::Finished, None),
            // However it ended, nothing is as bad as this.
            (_, Err(reason)) if reason.code == LOST => (JobState::Failed, Some(reason)),
            // The requests hear of this alarm before the monitor does.
            (None, Err(reason)) if reason.code == "no_space" => {
                let detail = format!("An alarm is raised: {}", reason.detail);
                let reason = JobReason::new("alarm_raised", detail);
                (JobState::Aborted, Some(reason))
            }
            (None, Err(reason)) => (JobState::Failed, Some(reason)),
            // It ran for as long as it may, and that brought nothing.
            (Some(ending), Err(_)) if ending.state == JobState::Finished => {
                (JobState::Failed, Some(ending.reason))
            }
            (Some(ending), _) => (ending.state, Some(ending.reason)),
        };
        job.end(state, reason);
    }
}

fn cut_off() -> JobReason {
    JobReason::new("cut_off", "it did not end when it was to, and was cut off")
}

/// Why what was measured is no success.
fn failure(report: &Report) -> Option<JobReason> {
    if report.is_success() {
        return None;
    }
    if report.accounting.verdict == AccountingVerdict::Lost {
        let detail =
            "etcd has fewer revisions than changes that it acknowledged: acknowledged data is lost";
        return Some(JobReason::new(LOST, detail));
    }
    let worst = report.errors.iter().max_by_key(|(_, errors)| errors.count);
    let reason = worst.map(|(kind, errors)| JobReason::new(kind, &*errors.example));
    Some(reason.unwrap_or_else(|| JobReason::new("nothing_answered", "no request was answered")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::benchmarks::NewBenchmark;
    use etcd_monitor_model::ClusterName;

    fn told(result: Option<BenchError>, ending: Option<(JobState, &str)>) -> (JobState, String) {
        let asked: NewBenchmark = serde_json::from_str(r#"{"benchmark_type": "read"}"#).unwrap();
        let cluster = ClusterName::new("c");
        let mut job = BenchmarkJob::new("abc".to_owned(), &cluster, asked.checked().unwrap(), None);
        let outcome = Outcome {
            result: result.map(Err),
            ending: ending.map(|(state, code)| Ending {
                state,
                reason: JobReason::new(code, ""),
            }),
            keys_left: None,
        };
        outcome.tell(&mut job);
        (job.state, job.reason.unwrap().code)
    }

    fn populate(kind: &str) -> BenchError {
        BenchError::Populate {
            failed: 1,
            count: 2,
            kind: kind.to_owned(),
            example: String::new(),
        }
    }

    #[test]
    fn what_has_no_report_says_why() {
        let is = |state, code: &str| (state, code.to_owned());
        let denied = told(Some(populate("permission_denied")), None);
        assert_eq!(denied, is(JobState::Failed, "permission_denied"));
        let full = told(Some(populate("no_space")), None);
        assert_eq!(full, is(JobState::Aborted, "alarm_raised"));
        let cut_off = told(None, None);
        assert_eq!(cut_off, is(JobState::Failed, "cut_off"));
        for (state, code, expected) in [
            (JobState::Cancelled, "cancelled", JobState::Cancelled),
            (JobState::Aborted, "cluster_critical", JobState::Aborted),
            // Its time was over before anything was measured.
            (JobState::Finished, "time_limit", JobState::Failed),
        ] {
            let ended = told(Some(BenchError::Stopped), Some((state, code)));
            assert_eq!(ended, is(expected, code));
        }
    }
}
