//! Slow disks: by what etcd advises, and against the other members.

use etcd_monitor_model::{
    AlertType, Durations, Finding, MemberRole, MemberSnapshot, MetricsPage, Severity, UnknownClass,
    rule,
};

use super::{Context, Part, Verdict, durations_seen, not_derived, severity, too_few, worst};
use crate::collector::MetricsParameters;

/// Observations from which at least five stand behind a 99th percentile. With fewer, the 95th must be slow too.
const P99_STANDS_FROM: u64 = 500;

/// A way on which writes reach the disk.
struct Path {
    family: &'static str,
    name: &'static str,
    durations: fn(&MemberSnapshot) -> Option<Durations>,
    is_on_page: fn(&MetricsPage) -> bool,
    warning_seconds: fn(&MetricsParameters) -> f64,
    critical_seconds: fn(&MetricsParameters) -> f64,
}

const WAL_FSYNC: Path = Path {
    family: "etcd_disk_wal_fsync_duration_seconds",
    name: "WAL fsync",
    durations: |member| member.metrics.disk.wal_fsync,
    is_on_page: |page| page.disk.wal_fsync.is_some(),
    warning_seconds: |parameters| parameters.wal_fsync_warning_seconds,
    critical_seconds: |parameters| parameters.wal_fsync_critical_seconds,
};

const BACKEND_COMMIT: Path = Path {
    family: "etcd_disk_backend_commit_duration_seconds",
    name: "backend commit",
    durations: |member| member.metrics.disk.backend_commit,
    is_on_page: |page| page.disk.backend_commit.is_some(),
    warning_seconds: |parameters| parameters.backend_commit_warning_seconds,
    critical_seconds: |parameters| parameters.backend_commit_critical_seconds,
};

impl Path {
    /// The durations of a member where there are enough of them, and their 99th percentile.
    fn known(
        &self,
        context: &Context<'_>,
        member: &MemberSnapshot,
    ) -> Result<(Durations, f64), Verdict> {
        let Some(durations) = (self.durations)(member) else {
            return Err(not_derived(context, member, self.family, self.is_on_page));
        };
        let enough = durations.count >= context.parameters.metrics.observations_min;
        match durations.p99_seconds.filter(|_| enough) {
            Some(p99) => Ok((durations, p99)),
            None => Err(too_few(context, &durations, self.name)),
        }
    }
}

pub(super) fn wal_fsync_slow(context: &Context<'_>, member: &MemberSnapshot) -> Finding {
    slow(context, member, rule::WAL_FSYNC_SLOW, &WAL_FSYNC)
}

pub(super) fn backend_commit_slow(context: &Context<'_>, member: &MemberSnapshot) -> Finding {
    slow(context, member, rule::BACKEND_COMMIT_SLOW, &BACKEND_COMMIT)
}

/// A disk is slower than etcd advises, whatever the others do.
fn slow(context: &Context<'_>, member: &MemberSnapshot, rule: &str, path: &Path) -> Finding {
    let parameters = &context.parameters.metrics;
    let warning = (path.warning_seconds)(parameters);
    let known = path.known(context, member);
    let is_critical = known
        .as_ref()
        .is_ok_and(|(_, p99)| *p99 >= (path.critical_seconds)(parameters));
    let verdict = match known {
        Err(unknown) => unknown,
        Ok((durations, p99)) => Verdict::when(p99 >= warning, || {
            let cause = format!(
                "The disk of {} is slow: one {} in a hundred takes {} or more; etcd advises less than {:.0} ms",
                member.name,
                path.name,
                durations.in_words(p99),
                warning * 1e3
            );
            let seen = vec![durations_seen(context, path.family.to_owned(), &durations)];
            (cause, seen, action(context, member))
        }),
    };
    context.member_finding(
        rule,
        AlertType::Latency,
        severity(is_critical),
        member,
        verdict,
    )
}

/// A member's disk is much slower than those of the others: that is no matter of load.
pub(super) fn member_disk_slow(context: &Context<'_>, member: &MemberSnapshot) -> Finding {
    let parts = [&WAL_FSYNC, &BACKEND_COMMIT].map(|path| against_others(context, member, path));
    let verdict = worst(parts.into(), || action(context, member));
    context.member_finding(
        rule::MEMBER_DISK_SLOW,
        AlertType::Latency,
        Severity::Warning,
        member,
        verdict,
    )
}

fn against_others(context: &Context<'_>, member: &MemberSnapshot, path: &Path) -> Part {
    let parameters = &context.parameters.metrics;
    let (durations, p99) = match path.known(context, member) {
        Ok(known) => known,
        Err(unknown) => return Part::Unknown(unknown),
    };
    let floor = (path.warning_seconds)(parameters);
    let stands =
        durations.count >= P99_STANDS_FROM || durations.p95_seconds.is_some_and(|p95| p95 >= floor);
    if p99 < floor || !stands || context.snapshot.member_count == Some(1) {
        return Part::Well;
    }
    let Some(others) = median_of_others(context, member, path) else {
        return Part::Unknown(Verdict::unknown_because(
            UnknownClass::NotEnoughData,
            format!(
                "no other member has enough observations of {} to compare with",
                path.name
            ),
        ));
    };
    if p99 < parameters.disk_times_others * others {
        return Part::Well;
    }
    let cause = format!(
        "The disk of {} is slow: one {} in a hundred takes {} or more, {} the median of the other members ({:.1} ms)",
        member.name,
        path.name,
        durations.in_words(p99),
        times(p99, others),
        others * 1e3
    );
    Part::Wrong(
        cause,
        vec![durations_seen(context, path.family.to_owned(), &durations)],
    )
}

fn times(p99: f64, others: f64) -> String {
    if others > 0.0 {
        format!("{:.0} times", p99 / others)
    } else {
        "far above".to_owned()
    }
}

/// The lower median of the 99th percentiles of the others that have enough observations.
fn median_of_others(context: &Context<'_>, member: &MemberSnapshot, path: &Path) -> Option<f64> {
    let others = context.snapshot.members.iter();
    let others = others.filter(|other| other.id.is_some() && other.id != member.id);
    let known = others.filter_map(|other| path.known(context, other).ok());
    let mut seconds: Vec<f64> = known.map(|(_, p99)| p99).collect();
    seconds.sort_by(f64::total_cmp);
    seconds.get(seconds.len().checked_sub(1)? / 2).copied()
}

/// Whether the disk itself is known to be slow: for the cause of what follows from it.
pub(super) fn in_words(context: &Context<'_>, member: &MemberSnapshot) -> Option<String> {
    let parameters = &context.parameters.metrics;
    [&WAL_FSYNC, &BACKEND_COMMIT].into_iter().find_map(|path| {
        let (durations, p99) = path.known(context, member).ok()?;
        let is_slow = p99 >= (path.warning_seconds)(parameters);
        is_slow.then(|| {
            format!(
                "the disk of {} takes {} for one {} in a hundred",
                member.name,
                durations.in_words(p99),
                path.name
            )
        })
    })
}

fn action(context: &Context<'_>, member: &MemberSnapshot) -> String {
    let look = format!(
        "On the host of {}: see what else uses the disk (`iostat -x 1`), and measure it with `fio --name=etcd --rw=write --ioengine=sync --fdatasync=1 --size=22m --bs=2300 --directory=DATA_DIR`; etcd needs a disk of its own, an SSD",
        member.name
    );
    let leads = member.role == MemberRole::Leader;
    match successor(context, member).filter(|_| leads) {
        Some(id) => format!(
            "Hand the leadership over first: `etcdctl --endpoints {} move-leader {id}`. {look}",
            member.endpoint
        ),
        None => look,
    }
}

/// The voter with the quickest disk beside the member.
fn successor(
    context: &Context<'_>,
    member: &MemberSnapshot,
) -> Option<etcd_monitor_model::MemberId> {
    let followers = context.snapshot.members.iter().filter(|other| {
        other.role == MemberRole::Follower && other.id != member.id && other.healthy == Some(true)
    });
    let quickest = followers.min_by(|left, right| {
        let p99 = |member: &MemberSnapshot| {
            let durations = (WAL_FSYNC.durations)(member);
            durations
                .and_then(|durations| durations.p99_seconds)
                .unwrap_or(f64::MAX)
        };
        p99(left).total_cmp(&p99(right))
    });
    quickest?.id
}
