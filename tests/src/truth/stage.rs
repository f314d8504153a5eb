//! One scenario on its stage: the cluster, the daemon that watches it, and what it tells.

use std::time::Duration;

use anyhow::{Context, bail};
use etcd_monitor_testkit::Cluster;
use jiff::Timestamp;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::{Instant, interval};

use super::keep::Fixture;
use super::outcome::{Outcome, Told};
use super::profile::Profile;
use crate::harness::Daemon;
use crate::load::Load;

/// For the daemon to see a healthy cluster: etcd's peers connect, and the machine may be busy.
const HEALTHY_WITHIN: Duration = Duration::from_mins(2);

/// For every link to be judged: 15 s of bytes are looked at.
const LINKS_WITHIN: Duration = Duration::from_mins(4);

/// Beyond what is waited for, on a machine that does other things.
const PATIENCE: Duration = Duration::from_mins(1);

/// Between two looks at the daemon.
const PERIOD: Duration = Duration::from_millis(200);

const ALERTS: &str = "/api/v1/alerts";
const HISTORY: &str = "/api/v1/alerts/history";
const FINDINGS: &str = "/api/v1/findings";
/// Of the first cluster.
const STATUS: &str = "/api/v1/cluster/status?cluster=default";

/// What the monitor says of its own lateness; where the suite runs, the machine may be overloaded.
pub(super) const LATE: &str = "MonitorLate";

/// The clusters of one scenario, and the daemon on them.
#[derive(Debug)]
pub(super) struct Stage {
    /// The clusters; scenarios of one cluster have it first.
    pub(super) clusters: Vec<Cluster>,
    pub(super) profile: Profile,
    pub(super) outcome: Outcome,
    watching: Option<Watching>,
    injected_at: Instant,
}

#[derive(Debug)]
struct Watching {
    daemon: Daemon,
    load: Option<Load>,
    _file: TempDir,
}

impl Stage {
    pub(super) fn new(clusters: Vec<Cluster>, profile: Profile, name: &'static str) -> Self {
        let outcome = Outcome {
            name,
            version: profile.version.clone(),
            ..Outcome::default()
        };
        Self {
            clusters,
            profile,
            outcome,
            watching: None,
            injected_at: Instant::now(),
        }
    }

    /// The cluster of a scenario that has one.
    pub(super) fn cluster(&self) -> &Cluster {
        &self.clusters[0]
    }

    /// The index of the leader, and of a follower.
    pub(super) async fn roles(&self) -> anyhow::Result<(usize, usize)> {
        let leader = self.cluster().leader_index().await;
        let leader = leader.context("the cluster has no leader")?;
        let count = self.cluster().members().len();
        Ok((leader, (leader + 1) % count))
    }

    /// Starts the daemon, with these parameters laid over those of the profile, and waits until it sees nothing wrong.
    pub(super) async fn watch(&mut self, parameters: Value) -> anyhow::Result<()> {
        let clusters = self.clusters.iter().enumerate();
        let clusters = clusters.map(|(index, cluster)| described(index, cluster));
        self.watch_as(clusters.collect(), &parameters).await?;
        self.healthy().await
    }

    /// Waits until the daemon sees nothing wrong.
    pub(super) async fn healthy(&self) -> anyhow::Result<()> {
        self.until(HEALTHY_WITHIN, STATUS, "the cluster is healthy", |status| {
            (status["healthy"] == true).then_some(())
        })
        .await
    }

    /// Starts the daemon on clusters that are written down by the scenario, and waits for nothing.
    pub(super) async fn watch_as(
        &mut self,
        clusters: Vec<Value>,
        parameters: &Value,
    ) -> anyhow::Result<()> {
        let configuration = self.profile.configuration(clusters, parameters);
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("etcd-monitor.yaml");
        std::fs::write(&file, configuration.to_string())?;
        let path = file.to_str().context("the path is no text")?;
        let endpoints = self.cluster().endpoints();
        self.watching = Some(Watching {
            daemon: Daemon::start(["--config", path]).await,
            load: Some(Load::start(endpoints)),
            _file: folder,
        });
        Ok(())
    }

    /// Waits until every rule about links is known and false.
    pub(super) async fn links_known(&self) -> anyhow::Result<()> {
        let rules = ["LinkFailing", "NetworkPartition", "MemberIsolated"];
        let known = |document: &Value| {
            let mut findings = items(document, "findings").iter();
            let calm = |finding: &Value| {
                !rules.contains(&text(finding, "rule")) || finding["status"] == "false"
            };
            findings.all(calm).then_some(())
        };
        self.until(LINKS_WITHIN, FINDINGS, "no link is cut or unknown", known)
            .await
    }

    /// From now on the time to detect runs.
    pub(super) fn injected(&mut self) {
        self.injected_at = Instant::now();
    }

    /// Waits for the alert of this rule about this subject; `at_defaults` is how long that takes with the defaults.
    pub(super) async fn told(
        &mut self,
        rule: &str,
        subject: &str,
        at_defaults: Duration,
    ) -> anyhow::Result<()> {
        let expected = format!("{rule} {subject}");
        self.outcome.expected.push(expected.clone());
        let limit = self.profile.within(at_defaults);
        let what = format!("{expected} fires");
        let fires = |alerts: &Value| {
            let firing = items(alerts, "alerts").iter().filter(|alert| fires(alert));
            let mut told = firing.map(told);
            told.find(|told| told.name == expected)
        };
        let told = self.until(limit, ALERTS, &what, fires).await?;
        self.note(told);
        Ok(())
    }

    /// Waits for the finding of this rule about this subject, where no alert is told of it before hours.
    pub(super) async fn found(
        &mut self,
        rule: &str,
        subject: &str,
        at_defaults: Duration,
    ) -> anyhow::Result<()> {
        let expected = format!("{rule} {subject}");
        self.outcome.expected.push(expected.clone());
        self.outcome.only_found.push(expected.clone());
        let limit = self.profile.within(at_defaults);
        let is = |finding: &&Value| finding["status"] == "true" && named(finding) == expected;
        let found = |findings: &Value| items(findings, "findings").iter().find(is).map(told);
        let what = format!("{expected} is found");
        let told = self.until(limit, FINDINGS, &what, found).await?;
        self.note(told);
        Ok(())
    }

    fn note(&mut self, found: Told) {
        self.outcome.detected_after = Some(self.injected_at.elapsed());
        self.outcome.told_at = Some(Timestamp::now());
        self.outcome.found.push(found);
    }

    /// Waits until no finding of this rule is true any more.
    pub(super) async fn not_found(&self, rule: &str) -> anyhow::Result<()> {
        let is = |finding: &Value| finding["status"] == "true" && text(finding, "rule") == rule;
        let gone = |findings: &Value| (!items(findings, "findings").iter().any(is)).then_some(());
        self.until(
            self.profile.over_within(),
            FINDINGS,
            &format!("{rule} ends"),
            gone,
        )
        .await
    }

    /// Ends the light load; nothing else writes.
    pub(super) fn quiet(&mut self) {
        if let Some(watching) = &mut self.watching {
            watching.load = None;
        }
    }

    /// Begins the light load again.
    pub(super) fn busy(&mut self) {
        let load = Load::start(self.cluster().endpoints());
        if let Some(watching) = &mut self.watching {
            watching.load = Some(load);
        }
    }

    /// Waits until nothing above information fires any more.
    pub(super) async fn over(&self) -> anyhow::Result<()> {
        let over = |alerts: &Value| {
            let mut firing = items(alerts, "alerts").iter();
            firing
                .all(|alert| !fires(alert) || alert["severity"] == "info")
                .then_some(())
        };
        self.until(
            self.profile.over_within(),
            ALERTS,
            "the alerts end with the fault",
            over,
        )
        .await
    }

    /// Waits until no alert of an expected rule fires any more, also none of information, for as long as this.
    pub(super) async fn calm_within(&self, limit: Duration) -> anyhow::Result<()> {
        let expected = &self.outcome.expected;
        let calm = |alerts: &Value| {
            let firing = firing(alerts);
            (!expected.iter().any(|name| firing.contains(name))).then_some(())
        };
        self.until(limit, ALERTS, "the alerts end with the fault", calm)
            .await
    }

    /// Waits for the one alert of this rule, and says whom it is about: for members whose name nobody knows before.
    pub(super) async fn subject_of(
        &self,
        rule: &str,
        at_defaults: Duration,
    ) -> anyhow::Result<String> {
        let limit = self.profile.within(at_defaults);
        let subject = |alerts: &Value| {
            let mut firing = firing(alerts).into_iter();
            firing.find_map(|name| Some(name.strip_prefix(rule)?.trim_start().to_owned()))
        };
        let what = format!("{rule} fires");
        self.until(limit, ALERTS, &what, subject).await
    }

    /// Lets as many cycles pass as fit into this time; whatever fires meanwhile is in the history. A slow machine takes
    /// longer for them.
    pub(super) async fn stay(&self, time: Duration) -> anyhow::Result<()> {
        let cycle = |status: &Value| status["cycle"].as_u64();
        let last = cycle(&self.ask(STATUS).await?).context("no cycle has ended")?;
        let wanted = last + self.profile.cycles(time);
        let reached = |status: &Value| cycle(status).filter(|now| *now >= wanted);
        let what = format!("{wanted} cycles");
        self.until(time * 3 + PATIENCE, STATUS, &what, reached)
            .await
            .map(drop)
    }

    /// A document of the daemon.
    pub(super) async fn ask(&self, path: &str) -> anyhow::Result<Value> {
        Ok(self.daemon()?.json(path).await)
    }

    /// Asks until `look` gives a value, or fails with what was waited for and the last true findings.
    pub(super) async fn until<T>(
        &self,
        limit: Duration,
        path: &str,
        what: &str,
        look: impl Fn(&Value) -> Option<T>,
    ) -> anyhow::Result<T> {
        let deadline = Instant::now() + limit;
        let mut looks = interval(PERIOD);
        while Instant::now() < deadline {
            looks.tick().await;
            if let Some(value) = look(&self.ask(path).await?) {
                return Ok(value);
            }
        }
        let findings = self.ask(FINDINGS).await?;
        let seconds = limit.as_secs();
        bail!(
            "not within {seconds} s: {what}; true findings: {}",
            true_findings(&findings).join("; ")
        )
    }

    fn daemon(&self) -> anyhow::Result<&Daemon> {
        let watching = self.watching.as_ref();
        Ok(&watching.context("the daemon was not started")?.daemon)
    }

    /// Notes every alert above information that was told without being expected, and stops the daemon.
    pub(super) async fn end(&mut self, tolerated: &[&str]) -> anyhow::Result<()> {
        if self.watching.is_none() {
            return Ok(());
        }
        let history = self.ask(HISTORY).await?;
        for event in items(&history, "history") {
            self.judge(event, tolerated);
        }
        self.keep(tolerated).await
    }

    /// Whether an alert had a reason.
    fn judge(&mut self, event: &Value, tolerated: &[&str]) {
        let alert = &event["alert"];
        let (rule, told) = (text(alert, "rule"), told(alert));
        let (at, kind, severity) = (
            text(event, "at"),
            text(event, "kind"),
            text(alert, "severity"),
        );
        let line = format!("{at} {kind} {} ({severity}): {}", told.name, told.cause);
        self.outcome.history.push(line);
        // An end is told of what has fired; its name may have gone with its member.
        let begins = ["fired", "severity_raised"].contains(&kind);
        let known = !begins
            || rule == LATE
            || severity == "info"
            || tolerated.contains(&rule)
            || self.outcome.expected.contains(&told.name);
        let mut unasked = self.outcome.false_alerts.iter();
        if !known && unasked.all(|before| before.name != told.name) {
            self.outcome.false_alerts.push(told);
        }
    }

    /// Stops the daemon, and keeps what it recorded where that is wanted.
    async fn keep(&mut self, tolerated: &[&str]) -> anyhow::Result<()> {
        let Some(watching) = self.watching.take() else {
            return Ok(());
        };
        let Some(folder) = &self.profile.record else {
            return Ok(());
        };
        watching.daemon.terminate().await;
        if self.outcome.skipped.is_some() || !self.outcome.passed() {
            return Ok(());
        }
        let fixture = Fixture::of(&self.outcome, tolerated, self.profile.holds_milliseconds());
        let folder = folder.join(&self.profile.version);
        fixture.keep(watching.daemon.data_dir(), &folder, self.outcome.told_at)
    }
}

/// The name of a cluster in the configuration.
pub(super) fn name_of(index: usize) -> &'static str {
    ["default", "second"][index]
}

/// How the daemon reaches a cluster: by its first member, with the cluster's own credentials.
pub(super) fn described(index: usize, cluster: &Cluster) -> Value {
    let mut described = json!({
        "name": name_of(index),
        "endpoints": [cluster.member(0).client_url()],
    });
    let files = [
        ("cacert", cluster.ca_file()),
        ("cert", cluster.client_cert_file()),
        ("key", cluster.client_key_file()),
    ];
    for (key, file) in files {
        if let Some(file) = file {
            described[key] = json!(file);
        }
    }
    described
}

/// The items of a document's list; none where it has no such list.
pub(super) fn items<'a>(document: &'a Value, list: &str) -> &'a [Value] {
    document[list].as_array().map_or(&[], Vec::as_slice)
}

pub(super) fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_default()
}

fn named(item: &Value) -> String {
    format!("{} {}", text(item, "rule"), text(&item["subject"], "name"))
}

fn firing(alerts: &Value) -> Vec<String> {
    let firing = items(alerts, "alerts").iter();
    firing.filter(|alert| fires(alert)).map(named).collect()
}

fn fires(alert: &Value) -> bool {
    alert["state"] == "firing"
}

fn told(item: &Value) -> Told {
    Told {
        name: named(item),
        cause: text(item, "cause").to_owned(),
    }
}

fn true_findings(findings: &Value) -> Vec<String> {
    let found = items(findings, "findings").iter();
    found
        .filter(|finding| finding["status"] == "true")
        .map(|finding| {
            let explained = match finding["caused_by"]["rule"].as_str() {
                Some(root) => format!(" (because of {root})"),
                None => String::new(),
            };
            format!("{}{explained}: {}", named(finding), text(finding, "cause"))
        })
        .collect()
}
