//! Several clusters under one daemon.

use etcd_monitor_testkit::Cluster;
use etcd_monitor_tests::harness::Daemon;
use serde_json::Value;
use tempfile::TempDir;

use crate::shared::shared;
use crate::{ALERTS, FINDINGS, MEMBERS, SOON, STATUS, finding_of, firing, items};

/// A configuration file.
pub(crate) struct ConfigFile {
    folder: TempDir,
}

/// A daemon with its configuration file.
pub(crate) struct Configured {
    pub(crate) daemon: Daemon,
    pub(crate) file: ConfigFile,
}

/// A file with the first endpoint of each cluster.
pub(crate) fn configured(clusters: &[(&str, &Cluster)]) -> ConfigFile {
    let clusters = clusters
        .iter()
        .map(|(name, cluster)| (*name, cluster.member(0).client_url()));
    written(&clusters.collect::<Vec<_>>())
}

/// The part of a file that names clusters by an endpoint each.
pub(crate) fn named(clusters: &[(&str, &str)]) -> String {
    let cluster = |(name, endpoint): &(&str, &str)| {
        format!("  - name: {name}\n    endpoints: [{endpoint}]\n")
    };
    let text: String = clusters.iter().map(cluster).collect();
    format!("clusters:\n{text}")
}

pub(crate) fn written(clusters: &[(&str, &str)]) -> ConfigFile {
    let folder = tempfile::tempdir().unwrap();
    let file = ConfigFile { folder };
    file.rewrite(&named(clusters));
    file
}

impl ConfigFile {
    pub(crate) fn rewrite(&self, text: &str) {
        std::fs::write(self.path(), text).unwrap();
    }

    pub(crate) fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("etcd-monitor.yaml")
    }

    /// Starts a daemon on it.
    pub(crate) async fn start(self, interval: &str) -> Configured {
        let path = self.path().to_string_lossy().into_owned();
        let daemon = Daemon::start(["--config", path.as_str(), "--interval", interval]).await;
        Configured { daemon, file: self }
    }
}

/// An address at which nobody listens: bound once, and given back.
pub(crate) fn deserted() -> String {
    let listener = std::net::TcpListener::bind("127.77.77.77:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

#[tokio::test]
async fn status_like_routes_want_a_cluster_and_the_others_answer_for_all() {
    let reachable = shared().cluster.member(0).client_url();
    let file = written(&[("alpha", reachable), ("beta", &deserted())]);
    let Configured { daemon, .. } = file.start("1s").await;

    for path in [
        STATUS,
        MEMBERS,
        "/api/v1/cluster/leader",
        "/api/v1/metrics/current",
    ] {
        let reply = daemon.get(path).await;
        assert_eq!(reply.status, 400, "{path}: {}", reply.text());
        assert_eq!(reply.json()["code"], "cluster_required");
        assert_eq!(
            reply.json()["clusters"],
            serde_json::json!(["alpha", "beta"])
        );
    }
    let unknown = daemon.get(&format!("{STATUS}?cluster=gamma")).await;
    assert_eq!(
        (unknown.status, unknown.json()["clusters"].clone()),
        (404, serde_json::json!(["alpha", "beta"]))
    );
    let clusters = daemon.json("/api/v1/clusters").await;
    let named: Vec<_> = items(&clusters, "clusters")
        .iter()
        .map(|line| &line["cluster"])
        .collect();
    assert_eq!(named, ["alpha", "beta"]);

    let alpha =
        |status: &Value| (status["cluster"] == "alpha" && status["healthy"] == true).then_some(());
    let path = format!("{STATUS}?cluster=alpha");
    daemon.until(SOON, &path, "alpha is healthy", alpha).await;
    let unreachable = finding_of(&daemon, "ClusterUnreachable").await;
    assert_eq!(
        unreachable["cluster"], "beta",
        "one silent cluster is no doubt about the monitor"
    );
    firing(&daemon, "ClusterUnreachable").await;
    let of_all = daemon.json(FINDINGS).await;
    for cluster in ["alpha", "beta"] {
        assert!(
            items(&of_all, "findings")
                .iter()
                .any(|finding| finding["cluster"] == cluster)
        );
    }
    let of_alpha = daemon.json(&format!("{ALERTS}?cluster=alpha")).await;
    assert!(items(&of_alpha, "alerts").is_empty(), "{of_alpha:#}");
    let page = daemon.get("/metrics").await.text();
    assert!(
        page.contains(r#"etcd_cluster_healthy{cluster="alpha"} 1"#),
        "{page}"
    );
    assert!(
        !page.contains(r#"etcd_cluster_has_leader{cluster="beta"}"#),
        "not known, so no sample: {page}"
    );
}
