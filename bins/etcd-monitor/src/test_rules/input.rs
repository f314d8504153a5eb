//! What is put into a test.

use std::path::Path;
use std::time::Duration;

use etcd_monitor_alerting::{
    RuleTest, RuleTestError, RuleTestInput, WrittenFinding, WrittenInput, WrittenSeries,
    WrittenSubject,
};
use etcd_monitor_core::Recording;
use etcd_monitor_model::{AlertType, ClusterName, Severity};
use jiff::Timestamp;

use super::Tested;
use super::written::{FindingText, SeriesText, TestFile, TestText};
use crate::config::duration;
use crate::config::place::{At, Remark};

/// The first cycle of a test that does not say it: a Thursday.
const START: &str = "2026-01-01T00:00:00Z";

/// Time between two cycles where nobody says it: that of the daemon.
const INTERVAL: Duration = Duration::from_secs(5);

/// The cluster of what does not say it.
const CLUSTER: &str = "default";

/// A test without its expectations.
pub(super) fn test(
    text: &TestText,
    file: &TestFile,
    folder: &Path,
    tested: &Tested,
) -> Result<RuleTest, Remark> {
    let input = match &text.recording {
        Some(recording) => RuleTestInput::Recorded(recorded(text, folder, recording)?),
        None => RuleTestInput::Written(written(text, file, tested)?),
    };
    Ok(RuleTest::new(text.name.as_str(), input))
}

fn recorded(
    text: &TestText,
    folder: &Path,
    path: &At<std::path::PathBuf>,
) -> Result<Vec<etcd_monitor_model::Snapshot>, Remark> {
    let has_more = !text.series.is_empty() || !text.findings.is_empty();
    if has_more || text.start.is_some() || text.interval.is_some() {
        return Err(path.remark(
            "a recording has its own times and findings: leave start, interval, series and findings out",
        ));
    }
    let recording = Recording::load(&folder.join(&path.value));
    let recording = recording.map_err(|error| path.remark(error).under("recording"))?;
    Ok(recording.replay().collect())
}

fn written(text: &TestText, file: &TestFile, tested: &Tested) -> Result<WrittenInput, Remark> {
    let interval = text.interval.as_ref().or(file.interval.as_ref());
    let interval = interval.map(|text| text.parsed_as("interval", duration::interval));
    let interval = interval.transpose()?.unwrap_or(INTERVAL);
    let start = match &text.start {
        Some(start) => start.parsed(|text| text.parse::<Timestamp>().map_err(|_| NO_TIME))?,
        None => START.parse().map_err(|_| Remark::general(NO_TIME))?,
    };
    let input = WrittenInput::new(start, interval);
    let mut input = input.map_err(|error| text.wrong(&error))?;
    let series = text.series.iter().map(|one| series(one, tested));
    input.series = series.collect::<Result<_, _>>()?;
    let findings = text.findings.iter().map(|one| finding(one, tested));
    input.findings = findings.collect::<Result<_, _>>()?;
    Ok(input)
}

const NO_TIME: &str = "start: this is no time; write one such as 2026-01-01T02:30:00Z";

fn series(text: &SeriesText, tested: &Tested) -> Result<WrittenSeries, Remark> {
    let subject = Subject {
        member: text.member.as_ref(),
        from: text.from.as_ref(),
        to: text.to.as_ref(),
        monitor: false,
    };
    let cluster = cluster(text.cluster.as_ref(), &text.metric, tested)?;
    let subject = subject.checked(&text.metric)?;
    let series = WrittenSeries::new(&text.metric, cluster, subject, &text.values);
    series.map_err(|error| match error.key {
        "values" => text.values.remark(error),
        _ => text.metric.remark(error),
    })
}

fn finding(text: &FindingText, tested: &Tested) -> Result<WrittenFinding, Remark> {
    let subject = Subject {
        member: text.member.as_ref(),
        from: text.from.as_ref(),
        to: text.to.as_ref(),
        monitor: text.monitor,
    };
    let cluster = cluster(text.cluster.as_ref(), &text.rule, tested)?;
    let subject = subject.checked(&text.rule)?;
    let wrong = |error: RuleTestError| match (error.key, &text.caused_by) {
        ("status", _) => text.status.remark(error),
        ("caused_by", Some(cause)) => cause.remark(error),
        _ => text.rule.remark(error),
    };
    let finding = WrittenFinding::new(&text.rule, cluster, subject, &text.status);
    let mut finding = finding.map_err(wrong)?;
    if let Some(cause) = &text.caused_by {
        finding = finding.explained_by(cause).map_err(wrong)?;
    }
    if let Some(severity) = &text.severity {
        finding.severity = severity.chosen("severity", &Severity::ALL, Severity::as_str)?;
    }
    if let Some(kind) = &text.alert_type {
        finding.alert_type = kind.chosen("alert type", &AlertType::ALL, AlertType::as_str)?;
    }
    Ok(finding)
}

/// The cluster that is named; where none is, the only one of the configuration, or `default`.
fn cluster(
    named: Option<&At<String>>,
    beside: &At<String>,
    tested: &Tested,
) -> Result<ClusterName, Remark> {
    let known = || tested.clusters.iter().map(String::as_str);
    let name = match (named, tested.clusters.as_slice()) {
        (Some(named), []) => named.as_str(),
        (Some(named), _) => {
            named.one_of("cluster", known())?;
            named.as_str()
        }
        (None, []) => CLUSTER,
        (None, [only]) => only,
        (None, _) => {
            return Err(
                beside.remark("the configuration has several clusters; say which by `cluster`")
            );
        }
    };
    Ok(ClusterName::new(name))
}

/// What something is about, as written.
struct Subject<'a> {
    member: Option<&'a At<String>>,
    from: Option<&'a At<String>>,
    to: Option<&'a At<String>>,
    monitor: bool,
}

impl Subject<'_> {
    fn checked(&self, beside: &At<String>) -> Result<WrittenSubject, Remark> {
        match (self.member, self.from, self.to, self.monitor) {
            (None, None, None, false) => Ok(WrittenSubject::Cluster),
            (None, None, None, true) => Ok(WrittenSubject::Monitor),
            (Some(member), None, None, false) => Ok(WrittenSubject::Member(member.value.clone())),
            (None, Some(from), Some(to), false) => {
                Ok(WrittenSubject::Link(from.value.clone(), to.value.clone()))
            }
            _ => Err(beside.remark(
                "this is about one thing: a `member`, a link by `from` and `to`, or, with none of them, the cluster",
            )),
        }
    }
}
