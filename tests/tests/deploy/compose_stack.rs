//! The cluster and the daemon of the compose file, started as it says but without Docker: each service gets a loopback
//! address of its own in the place of its name.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use etcd_monitor_testkit::etcd_binaries;
use etcd_monitor_tests::harness::{Daemon, until};
use serde_json::Value;

use crate::compose::{compose, texts};

const LIMIT: Duration = Duration::from_mins(1);

/// An address for each member, of a network that no other test uses.
const ADDRESSES: [(&str, &str); 3] = [
    ("etcd1", "127.91.7.1"),
    ("etcd2", "127.91.7.2"),
    ("etcd3", "127.91.7.3"),
];

/// A text of the file for this host.
fn here(text: &str, own_address: &str, folder: &Path) -> String {
    let folder = folder.to_str().unwrap();
    let own = text
        .replace("0.0.0.0", own_address)
        .replace("127.0.0.1", own_address)
        .replace("/var/lib/etcd", folder);
    let put_in = |text: String, (name, address): &(&str, &str)| {
        text.replace(&format!("//{name}:"), &format!("//{address}:"))
    };
    ADDRESSES.iter().fold(own, put_in)
}

/// A member that is killed when it goes.
struct Member {
    process: Child,
    health: Vec<String>,
}

impl Drop for Member {
    fn drop(&mut self) {
        // An error means that it has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn start(service: &Value, address: &str, programs: &Path, folder: &Path) -> Member {
    let image = service["image"].as_str().unwrap();
    assert!(image.ends_with(":v3.7.3"), "{image}");
    let environment = service["environment"].as_object().unwrap();
    let variables = environment
        .iter()
        .map(|(name, value)| (name, here(value.as_str().unwrap(), address, folder)));
    let log = std::fs::File::create(folder.with_extension("log")).unwrap();
    let process = Command::new(programs.join("etcd"))
        .envs(variables)
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap();
    let check = texts(&service["healthcheck"]["test"]);
    let check = check[1..].iter();
    let health = check.map(|word| {
        let word = here(word, address, folder);
        word.replace("/usr/local/bin", programs.to_str().unwrap())
    });
    Member {
        process,
        health: health.collect(),
    }
}

/// What the health check of the file says.
async fn is_healthy(member: &Member) -> Result<(), String> {
    let output = tokio::process::Command::new(&member.health[0])
        .args(&member.health[1..])
        .output()
        .await
        .map_err(|error| error.to_string())?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    output.status.success().then_some(()).ok_or(said)
}

#[tokio::test]
async fn its_three_members_become_a_healthy_cluster_that_its_daemon_watches() {
    let compose = compose();
    let services = &compose["services"];
    let programs = etcd_binaries("3.7.3").unwrap_or_else(|error| panic!("{error}"));
    let folder = tempfile::tempdir().unwrap();
    let members = ADDRESSES.map(|(name, address)| {
        start(
            &services[name],
            address,
            &programs,
            &folder.path().join(name),
        )
    });
    for member in &members {
        until(LIMIT, "a member is healthy", async || {
            is_healthy(member).await
        })
        .await;
    }

    let written = texts(&services["etcd-monitor"]["command"]);
    let kept = written.iter().filter(|flag| {
        let by_harness = ["--api-port=", "--data-dir="];
        !by_harness.iter().any(|name| flag.starts_with(name))
    });
    // It listens on everything there, and so it does here, on a port that is free.
    let arguments = kept.map(|flag| match flag.strip_prefix("--listen=") {
        Some(_) => flag.clone(),
        None => here(flag, "127.0.0.1", folder.path()),
    });
    let daemon = Daemon::start(arguments).await;
    let named = daemon.request("/api/v1/cluster/status");
    let named = named.header("host", "etcd-monitor").send().await.unwrap();
    assert_eq!(named.status(), 200, "Prometheus scrapes it by this name");
    let quorum = daemon
        .until(LIMIT, "/api/v1/cluster/status", "it is healthy", |status| {
            (status["healthy"] == true).then(|| status["quorum"].clone())
        })
        .await;
    assert_eq!(quorum["available"], 3, "{quorum}");
}
