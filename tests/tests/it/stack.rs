//! The full stack without containers: real members, the daemon, and a real Prometheus with `prometheus/prometheus.yml`, which
//! differs from the one in the containers only in its folder of targets. Every panel and every rule has data.

mod expression;
mod load;
mod promtool;
pub(crate) mod reference;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::Router;
use etcd_monitor_testkit::Cluster;
use etcd_monitor_tests::dashboards::{Dashboard, dashboards, folder};
use etcd_monitor_tests::harness::{Daemon, Prometheus, WebhookReceiver, until};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::{healthy, started, text};
use expression::{metric_names, substituted, without_last_comparison};
use load::Load;

/// For the first rates of what is scraped every 10 s, and for what etcd measures every 30 s.
const DATA_WITHIN: Duration = Duration::from_mins(2);

/// The cluster's name in the daemon and in the targets.
const CLUSTER: &str = "stack";

/// What runs.
struct Stack {
    cluster: Cluster,
    daemon: Daemon,
    prometheus: Prometheus,
    _hook: WebhookReceiver,
    folder: TempDir,
}

#[tokio::test]
async fn every_panel_and_every_rule_has_data() {
    let Some(stack) = Stack::start().await else {
        return;
    };
    let load = Load::start(&stack.cluster);
    stack.daemon.cycles(2).await;
    stack.members_are_discovered().await;
    let mut wanted: Vec<String> = dashboards().iter().flat_map(of_panels).collect();
    wanted.extend(stack.of_rules().await);
    stack.has_data_of_all(&wanted).await;
    stack.names_exist(&wanted).await;
    let page = stack.daemon.get("/metrics").await.text();
    promtool::page_has_no_faults(&page);
    reference::is_up_to_date(&page);
    load.stop().await;
}

/// The expressions of a dashboard's panels, as Grafana sends them.
fn of_panels(dashboard: &Dashboard) -> Vec<String> {
    let queries = dashboard.panels().flat_map(|panel| &panel.queries);
    queries
        .map(|query| substituted(&query.expr, CLUSTER))
        .collect()
}

impl Stack {
    /// `None` where there is no Prometheus.
    async fn start() -> Option<Self> {
        let cluster = started(Cluster::builder().links(false).extra_args(load::FLAGS)).await;
        // The others fail to send to it meanwhile, which they count only from the first failure on.
        cluster.member(2).restart().await.unwrap();
        let hook = WebhookReceiver::start().await;
        let folder = tempfile::tempdir().unwrap();
        let daemon = daemon(&cluster, &hook, folder.path()).await;
        healthy(&daemon, 3).await;
        let config = configure(&cluster, &daemon, folder.path());
        let prometheus = Prometheus::start(&config).await?;
        Some(Self {
            cluster,
            daemon,
            prometheus,
            _hook: hook,
            folder,
        })
    }

    /// The expressions of the alerts, each without its last comparison.
    async fn of_rules(&self) -> Vec<String> {
        let document = self.prometheus.data("/api/v1/rules?type=alert").await;
        let groups = document["groups"].as_array().unwrap();
        let rules = groups
            .iter()
            .flat_map(|group| group["rules"].as_array().unwrap());
        let expressions: Vec<String> = rules
            .map(|rule| without_last_comparison(text(rule, "query")))
            .collect();
        assert!(expressions.len() > 30, "{document:#}");
        expressions
    }

    async fn has_data_of_all(&self, expressions: &[String]) {
        let mut missing = expressions.to_vec();
        let look = async || {
            let mut still = Vec::new();
            for expression in std::mem::take(&mut missing) {
                if !self.has_data(&expression).await? {
                    still.push(expression);
                }
            }
            missing = still;
            let all = missing.is_empty().then_some(());
            all.ok_or_else(|| missing.join("\n"))
        };
        until(DATA_WITHIN, "data of every expression", look).await;
    }

    async fn has_data(&self, expression: &str) -> Result<bool, String> {
        let series = self.prometheus.query(expression).await;
        let series = series.map_err(|error| format!("{expression}: {error}"))?;
        Ok(series.iter().any(|(_, value)| !value.is_nan()))
    }

    /// A term that is added to another could be missing and leave data all the same.
    async fn names_exist(&self, expressions: &[String]) {
        let stored = self.prometheus.data("/api/v1/label/__name__/values").await;
        let stored: BTreeSet<&str> = stored
            .as_array()
            .unwrap()
            .iter()
            .filter_map(Value::as_str)
            .collect();
        let named = expressions
            .iter()
            .flat_map(|expression| metric_names(expression));
        let unknown: BTreeSet<&str> = named.filter(|name| !stored.contains(name)).collect();
        assert_eq!(unknown, BTreeSet::new());
    }

    /// Another Prometheus learns from the daemon where the members are, and reaches them.
    async fn members_are_discovered(&self) {
        let config = self.folder.path().join("discovery.yml");
        let url = format!("{}/api/v1/sd?cluster={CLUSTER}", self.daemon.url());
        let content = format!(
            "global: {{scrape_interval: 1s}}
scrape_configs:
  - job_name: etcd
    http_sd_configs: [{{url: '{url}', refresh_interval: 1s}}]
"
        );
        std::fs::write(&config, content).unwrap();
        let prometheus = Prometheus::start(&config).await.unwrap();
        let expected: BTreeSet<String> = self.names().collect();
        let look = async || {
            let up = prometheus.query("up{job=\"etcd\"} == 1").await?;
            let of_cluster = up.iter().filter(|(labels, _)| labels["cluster"] == CLUSTER);
            let names: BTreeSet<String> = of_cluster
                .map(|(labels, _)| text(labels, "member").to_owned())
                .collect();
            (names == expected)
                .then_some(())
                .ok_or_else(|| format!("{up:?}"))
        };
        until(DATA_WITHIN, "all members are found and scraped", look).await;
    }

    fn names(&self) -> impl Iterator<Item = String> {
        let members = self.cluster.members().iter();
        members.map(|member| member.name().to_owned())
    }
}

/// A daemon with everything on that has numbers of its own.
async fn daemon(cluster: &Cluster, hook: &WebhookReceiver, folder: &Path) -> Daemon {
    let sink = sink().await;
    let file = folder.join("etcd-monitor.yaml");
    let text = format!(
        "interval: 2s
clusters: [{{name: {CLUSTER}, endpoints: ['{endpoint}']}}]
remote_write: {{url: '{sink}'}}
alerts:
  heartbeat: {{url: '{sink}', interval: 1m}}
  channels:
    hook: {{type: webhook, url: {hook}}}
",
        endpoint = cluster.member(0).client_url(),
        hook = hook.url(),
    );
    std::fs::write(&file, text).unwrap();
    Daemon::start(["--config".to_owned(), file.display().to_string()]).await
}

/// Takes whatever is sent: nobody looks at it. It ends with the test's runtime.
async fn sink() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let router = Router::new().fallback(async || ());
    tokio::spawn(axum::serve(listener, router).into_future());
    url
}

/// The configuration itself, beside targets of its own.
fn configure(cluster: &Cluster, daemon: &Daemon, folder_of_test: &Path) -> PathBuf {
    let place = folder_of_test.join("prometheus");
    let targets = place.join("targets");
    std::fs::create_dir_all(&targets).unwrap();
    for name in ["prometheus.yml", "rules"] {
        let original = folder("prometheus").canonicalize().unwrap().join(name);
        std::os::unix::fs::symlink(original, place.join(name)).unwrap();
    }
    let host = |url: &str| url.split_once("://").unwrap().1.to_owned();
    let members = cluster.members().iter().map(|member| {
        let labels = json!({"cluster": CLUSTER, "member": member.name()});
        json!({"targets": [host(member.client_url())], "labels": labels})
    });
    let members: Vec<Value> = members.collect();
    // JSON is YAML too.
    std::fs::write(targets.join("etcd.yml"), json!(members).to_string()).unwrap();
    let monitor = json!([{"targets": [host(daemon.url())]}]);
    std::fs::write(targets.join("etcd-monitor.yml"), monitor.to_string()).unwrap();
    place.join("prometheus.yml")
}

/// What Grafana reads is what the tables of panels say.
#[test]
fn the_dashboards_are_made_of_their_panels() {
    for dashboard in dashboards() {
        let path = dashboard.path();
        let made = format!("{:#}\n", dashboard.json());
        reference::compare(&path, &made);
    }
}

#[test]
fn every_panel_says_what_it_shows_under_a_title_of_its_own() {
    for dashboard in dashboards() {
        let mut titles = BTreeSet::new();
        for panel in dashboard.panels() {
            assert!(titles.insert(panel.title.as_str()), "{}", panel.title);
            assert!(panel.description.ends_with('.'), "{}", panel.title);
            assert!(!panel.queries.is_empty(), "{}", panel.title);
            for query in &panel.queries {
                assert!(
                    query.expr.contains("$cluster") || query.expr.contains("etcd_monitor_"),
                    "not of the chosen cluster: {}",
                    query.expr
                );
            }
        }
    }
}
