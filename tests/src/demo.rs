//! The demo: what a new user sees first, and the same unattended.

mod check;
mod daemon;
mod revival;

use std::time::Duration;

use anyhow::Context;
use etcd_monitor_testkit::Cluster;
use tokio::signal::unix::{SignalKind, signal};

use crate::harness::WebhookReceiver;
use crate::load::Load;
use daemon::Daemon;

/// The etcd version that the demo runs.
const ETCD_VERSION: &str = "3.7.3";

/// The port that the dashboard has by default.
const API_PORT: u16 = 8080;

/// A running demo: dropping it ends its processes and removes its data.
#[derive(Debug)]
pub struct Demo {
    cluster: Cluster,
    daemon: Daemon,
    _load: Load,
    /// Holds the daemon's data; removed on drop.
    _data: tempfile::TempDir,
}

/// Writes a line about the demo itself to stderr.
#[expect(clippy::print_stderr, reason = "the demo talks to its user")]
pub fn say(line: &str) {
    eprintln!("demo: {line}");
}

impl Demo {
    /// Starts everything, says where to look, and stays up until Ctrl-C or SIGTERM.
    pub async fn show(webhook_url: Option<String>) -> anyhow::Result<()> {
        // From here on Ctrl-C is ours, also while things start.
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let stopped = tokio::select! {
            ended = Self::live(webhook_url) => ended,
            _ = interrupt.recv() => Ok(()),
            _ = terminate.recv() => Ok(()),
        };
        say("stopped; its data is removed, builds and cache stay");
        stopped
    }

    async fn live(webhook_url: Option<String>) -> anyhow::Result<()> {
        let mut demo = Self::start(webhook_url.as_deref()).await?;
        demo.invite();
        tokio::select! {
            ended = demo.daemon.ended() => ended,
            revival = revival::keep_alive(&demo.cluster) => revival,
        }
    }

    /// Does what `show` shows, unattended, and says what it saw.
    pub async fn check() -> anyhow::Result<()> {
        let receiver = WebhookReceiver::start().await;
        let mut demo = Self::start(Some(receiver.url())).await?;
        check::run(&demo.cluster, &demo.daemon, &receiver).await?;
        demo.daemon.stop().await?;
        say("check passed");
        Ok(())
    }

    async fn start(webhook_url: Option<&str>) -> anyhow::Result<Self> {
        say(&format!(
            "starting etcd {ETCD_VERSION}, 3 members on loopback"
        ));
        let cluster = Cluster::builder()
            .members(3)
            .version(ETCD_VERSION)
            .links(false)
            .start()
            .await?;
        let data = tempfile::tempdir().context("cannot make a folder for the daemon's data")?;
        say("starting etcd-monitor, given one endpoint");
        let daemon = Daemon::start(
            cluster.member(0).client_url(),
            data.path(),
            webhook_url,
            API_PORT,
        )
        .await?;
        let endpoints = cluster
            .members()
            .iter()
            .map(|member| member.client_url().to_owned())
            .collect();
        let load = Load::start(endpoints);
        daemon.wait_ready(Duration::from_secs(15)).await?;
        Ok(Self {
            cluster,
            daemon,
            _load: load,
            _data: data,
        })
    }

    fn invite(&self) {
        for member in self.cluster.members() {
            let pid = member
                .pid()
                .map_or_else(|| "-".to_owned(), |pid| pid.to_string());
            say(&format!(
                "  {}  {}  process {pid}",
                member.name(),
                member.client_url()
            ));
        }
        say(&format!("dashboard: {}", self.daemon.url()));
        if let Some(pid) = self.cluster.member(1).pid() {
            say(&format!(
                "try: kill -9 {pid}   (the page and this console tell within 20 s)"
            ));
        }
        say("a member that was killed is started again after 30 s; Ctrl-C stops everything");
    }
}
