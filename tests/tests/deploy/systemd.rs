//! The unit, by systemd's own judgement.

use etcd_monitor_tests::harness::daemon_binary;

use crate::{assert_success, text, tool};

const FILE: &str = "deploy/etcd-monitor.service";

/// By `systemd-analyze security`, where 10 is worst; what is left is that it uses the network.
const EXPOSURE_MAX: f64 = 1.5;

#[test]
fn systemd_takes_the_unit_and_finds_little_exposed() {
    let folder = tempfile::tempdir().unwrap();
    let unit = folder.path().join("etcd-monitor.service");
    let program = daemon_binary().to_string_lossy();
    let written = text(FILE).replace("/usr/local/bin/etcd-monitor", &program);
    std::fs::write(&unit, written).unwrap();
    let unit = unit.to_string_lossy();

    let Some(verified) = tool("systemd-analyze", &["verify", &unit], "the unit") else {
        return;
    };
    assert_success(&verified, "systemd-analyze verify");
    assert_eq!(String::from_utf8_lossy(&verified.stderr), "");

    let arguments = ["security", "--offline=yes", "--no-pager", &unit];
    let judged = tool("systemd-analyze", &arguments, "the unit's exposure").unwrap();
    assert_success(&judged, "systemd-analyze security");
    let judged = String::from_utf8_lossy(&judged.stdout);
    let (_, exposure) = judged
        .split_once("Overall exposure level for etcd-monitor.service: ")
        .unwrap();
    let exposure: f64 = exposure.split(' ').next().unwrap().parse().unwrap();
    assert!(exposure <= EXPOSURE_MAX, "{judged}");
}

#[test]
fn the_unit_starts_reloads_and_keeps_data_as_the_daemon_does() {
    let unit = text(FILE);
    for line in [
        "ExecReload=/bin/kill -HUP $MAINPID",
        "StateDirectory=etcd-monitor",
        "RestartPreventExitStatus=2",
        "CapabilityBoundingSet=",
        "ProtectSystem=strict",
        "MemoryDenyWriteExecute=yes",
    ] {
        assert!(unit.lines().any(|it| it == line), "{line}");
    }
}
