//! A database that reaches its quota.

use etcd_monitor_testkit::Cluster;

use crate::{STATUS, firing, resolved, started, text, watch};

const QUOTA_BYTES: u64 = 16 << 20;

#[tokio::test]
async fn a_full_database_is_told_at_once_and_resolves_when_the_alarm_is_disarmed() {
    let cluster = started(
        Cluster::builder()
            .members(1)
            .quota_backend_bytes(QUOTA_BYTES),
    )
    .await;
    let daemon = watch(&cluster).await;
    crate::healthy(&daemon, 1).await;

    cluster.fill_quota().await.unwrap();
    let alert = firing(&daemon, "AlarmNoSpace").await;
    assert_eq!(
        (text(&alert, "severity"), text(&alert, "alert_type")),
        ("critical", "capacity")
    );
    assert_eq!(alert["subject"]["name"], cluster.member(0).name());
    assert!(
        text(&alert, "cause").contains("refuses writes"),
        "{alert:#}"
    );
    assert!(
        text(&alert, "cause").contains(&format!("of {QUOTA_BYTES} bytes")),
        "{alert:#}"
    );
    assert!(text(&alert, "action").contains("etcdctl alarm disarm"));
    assert_eq!(daemon.json(STATUS).await["healthy"], false);
    let near = crate::finding_of(&daemon, "DatabaseNearQuota").await;
    assert_eq!(text(&near, "severity"), "critical");

    cluster.disarm_alarms().await.unwrap();
    let over = resolved(&daemon, "AlarmNoSpace").await;
    assert_eq!(over["alert"]["resolve_reason"], "cleared");
}
