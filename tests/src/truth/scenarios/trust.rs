//! Certificates that end.

use std::time::{Duration, SystemTime};

use anyhow::Context;
use etcd_monitor_testkit::TlsMode;
use futures_util::FutureExt;

use super::{Scenario, defaults};
use crate::truth::stage::{Stage, described};

const DAY: Duration = Duration::from_hours(24);

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario::own(
            "certificate ends in three days",
            |cluster| cluster.members(1).tls(TlsMode::ServerOnly),
            |stage| ending(stage).boxed_local(),
        ),
        Scenario::own(
            "certificate expired",
            |cluster| cluster.members(1).tls(TlsMode::ServerOnly),
            |stage| expired(stage).boxed_local(),
        ),
    ]
}

/// Gives the members a certificate that was valid from a year ago until then.
fn replace(stage: &Stage, end: SystemTime) -> anyhow::Result<()> {
    let cluster = stage.cluster();
    let authority = cluster.authority().context("the cluster has TLS")?;
    let url = cluster.member(0).client_url();
    let host = url
        .trim_start_matches("https://")
        .split(':')
        .next()
        .unwrap_or_default();
    let begin = SystemTime::now() - DAY * 365;
    let issued = authority.issue_valid("etcd", &[host, "127.0.0.1", "localhost"], begin..end)?;
    Ok(cluster.replace_server_certificate(&issued)?)
}

async fn ending(stage: &mut Stage) -> anyhow::Result<()> {
    replace(stage, SystemTime::now() + DAY * 3)?;
    stage.injected();
    stage.watch(defaults()).await?;
    stage
        .told("CertificateExpiring", "m0", Duration::from_secs(10))
        .await?;
    replace(stage, SystemTime::now() + DAY * 365)?;
    // Certificates that are well are looked at every ten minutes.
    let limit = stage.profile.within(Duration::from_mins(11));
    stage.calm_within(limit).await
}

async fn expired(stage: &mut Stage) -> anyhow::Result<()> {
    replace(stage, SystemTime::now() - DAY)?;
    stage.injected();
    let cluster = described(0, stage.cluster());
    stage.watch_as(vec![cluster], &defaults()).await?;
    let subject = stage
        .subject_of("CertificateExpiring", Duration::from_secs(10))
        .await?;
    stage
        .told("CertificateExpiring", &subject, Duration::from_secs(10))
        .await?;
    replace(stage, SystemTime::now() + DAY * 365)?;
    stage.over().await
}
