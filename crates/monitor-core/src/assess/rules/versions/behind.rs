//! The version that the cluster acts as, against the versions that its members run.

use etcd_monitor_model::{AlertType, Evidence, Finding, MemberStatus, Severity, rule};

use super::{Context, Verdict, Version, evidence};

/// The cluster acts as an older version than every member runs, or a downgrade is enabled.
///
/// etcd raises the cluster version within seconds of the last member's upgrade, and the schema of the data with it.
/// Until then new features are off; while a downgrade is enabled, the schema is lowered and stays so.
pub(in crate::assess::rules) fn cluster_version_behind(context: &Context<'_>) -> Finding {
    let statuses: Vec<&MemberStatus> = context.view.statuses().collect();
    let oldest = statuses
        .iter()
        .map(|status| Version::parse(&status.version));
    let oldest = oldest.collect::<Option<Vec<_>>>();
    let verdict = match oldest.and_then(|versions| versions.into_iter().min()) {
        None => Verdict::unknown("not every member that answers has said its version"),
        Some(oldest) => judge(context, &statuses, &oldest),
    };
    context.cluster_finding(
        rule::CLUSTER_VERSION_BEHIND,
        AlertType::Configuration,
        Severity::Info,
        verdict,
    )
}

fn judge(context: &Context<'_>, statuses: &[&MemberStatus], oldest: &Version) -> Verdict {
    let mut downgrades = statuses
        .iter()
        .filter_map(|it| it.downgrade_target.as_deref());
    if let Some(target) = downgrades.next() {
        return Verdict::when(true, || describe_downgrade(context, target));
    }
    let cluster = context
        .view
        .pages()
        .filter_map(|(_, page)| page.cluster_version.as_deref());
    let cluster = cluster.map(|text| ("etcd_cluster_version", text));
    let stored = statuses
        .iter()
        .filter_map(|it| it.storage_version.as_deref());
    let stored = stored.map(|text| ("Status storageVersion", text));
    let said: Vec<(&str, &str)> = cluster.chain(stored).collect();
    let mut behind = said.iter().filter(|(_, text)| is_behind(text, oldest));
    match behind.next() {
        Some((source, text)) => {
            Verdict::when(true, || describe_behind(context, source, text, oldest))
        }
        None if said.is_empty() => Verdict::unknown(
            "no member says it: etcd_cluster_version is not readable, and Status has no storage version before 3.6",
        ),
        None => Verdict::False,
    }
}

/// The version of a cluster, which etcd writes with or without its patch number.
pub(super) fn parse(text: &str) -> Option<Version> {
    Version::parse(text).or_else(|| Version::parse(&format!("{text}.0")))
}

/// True for a version of an earlier minor line.
fn is_behind(text: &str, oldest: &Version) -> bool {
    parse(text).is_some_and(|version| version < *oldest && !version.is_same_line(oldest))
}

type Described = (String, Vec<Evidence>, String);

fn describe_downgrade(context: &Context<'_>, target: &str) -> Described {
    let cause = format!(
        "A downgrade of the cluster to {target} is enabled: its data keep the older schema until it is done or cancelled"
    );
    let seen = vec![evidence("Status downgradeInfo", target, context.now())];
    let action = "Replace the binary of one member after the other, or end it with `etcdctl downgrade cancel`";
    (cause, seen, action.to_owned())
}

fn describe_behind(context: &Context<'_>, source: &str, text: &str, oldest: &Version) -> Described {
    let cause = format!(
        "The cluster still acts as {text}, although every member that answers runs {oldest} or later"
    );
    let seen = vec![evidence(source, text, context.now())];
    let action = "See whether a member of an older version is listed (`etcdctl member list -w table`), and the leader's log for \"cluster version\"";
    (cause, seen, action.to_owned())
}
