//! Of which members the page is kept as it comes: of those with an open finding, seldom.

use std::collections::BTreeMap;

use etcd_monitor_model::{Finding, MemberSnapshot, Severity, Snapshot, Subject, SubjectKind};
use jiff::Timestamp;

use super::record::RawPage;

/// Time between two pages of one member: a page has as many bytes as twenty observations of it.
const SECONDS_BETWEEN: f64 = 60.0;

/// Pages kept in one cycle.
const PER_CYCLE_MAX: usize = 4;

/// When the page of each member with an open finding was kept last, by endpoint.
#[derive(Debug, Default)]
pub(super) struct PageWishes {
    kept_at: BTreeMap<String, Timestamp>,
}

impl PageWishes {
    /// Takes note of pages that are kept.
    pub(super) fn kept(&mut self, pages: &[RawPage]) {
        for page in pages {
            self.kept_at.insert(page.endpoint.clone(), page.at);
        }
    }

    /// The endpoints whose pages are wanted in the next cycle, those that waited longest first.
    pub(super) fn wanted(&mut self, snapshot: &Snapshot) -> Vec<String> {
        let open = snapshot
            .members
            .iter()
            .filter(|member| has_open_finding(snapshot, member));
        let open: Vec<&str> = open.map(|member| member.endpoint.as_str()).collect();
        self.kept_at
            .retain(|endpoint, _| open.contains(&endpoint.as_str()));
        let mut due: Vec<&str> = open
            .into_iter()
            .filter(|endpoint| self.is_due(endpoint, snapshot.at))
            .collect();
        due.sort_by_key(|endpoint| self.kept_at.get(*endpoint));
        due.truncate(PER_CYCLE_MAX);
        due.into_iter().map(str::to_owned).collect()
    }

    fn is_due(&self, endpoint: &str, now: Timestamp) -> bool {
        self.kept_at.get(endpoint).is_none_or(|at| {
            let seconds = now.duration_since(*at).as_secs_f64();
            !(0.0..SECONDS_BETWEEN).contains(&seconds)
        })
    }
}

fn has_open_finding(snapshot: &Snapshot, member: &MemberSnapshot) -> bool {
    let subject = Subject::member(member.name.clone(), member.id).key();
    let open = |finding: &&Finding| {
        finding.status.is_true()
            && finding.severity >= Severity::Warning
            && finding.subject.kind == SubjectKind::Member
    };
    !member.endpoint.is_empty()
        && snapshot
            .findings
            .iter()
            .filter(open)
            .any(|finding| finding.subject.key() == subject)
}

#[cfg(test)]
mod tests {
    use etcd_monitor_model::{AlertType, ClusterName, FindingStatus, MemberId, MonitorCondition};
    use jiff::ToSpan;

    use super::*;

    /// So many members, of which these have a warning.
    fn snapshot(second: i64, members: u64, troubled: &[u64], severity: Severity) -> Snapshot {
        let condition = MonitorCondition {
            timer_lag_seconds: 0.0,
            deadline_seconds: 2.0,
        };
        let cluster = ClusterName::new("test");
        let at = Timestamp::UNIX_EPOCH + second.seconds();
        let mut snapshot = Snapshot::empty(cluster.clone(), at, condition);
        for number in 1..=members {
            let mut member =
                MemberSnapshot::unknown(format!("m{number}"), format!("http://m{number}:2379"));
            member.id = Some(MemberId(number));
            snapshot.members.push(member);
        }
        snapshot.findings = troubled
            .iter()
            .map(|number| {
                let subject = Subject::member("another name", Some(MemberId(*number)));
                let mut finding =
                    Finding::new("A", AlertType::Member, severity, &cluster, subject, at);
                finding.status = FindingStatus::True;
                finding
            })
            .collect();
        snapshot
    }

    fn page(member: u64, second: i64) -> RawPage {
        RawPage {
            endpoint: format!("http://m{member}:2379"),
            at: Timestamp::UNIX_EPOCH + second.seconds(),
            text: String::new(),
        }
    }

    #[test]
    fn the_page_of_a_member_in_trouble_is_wanted_at_once_and_then_every_minute() {
        let mut wishes = PageWishes::default();
        let trouble = |second| snapshot(second, 3, &[2], Severity::Warning);
        assert!(
            wishes
                .wanted(&snapshot(0, 3, &[], Severity::Warning))
                .is_empty()
        );
        assert!(
            wishes
                .wanted(&snapshot(0, 3, &[2], Severity::Info))
                .is_empty()
        );
        assert_eq!(wishes.wanted(&trouble(5)), ["http://m2:2379"]);
        assert_eq!(
            wishes.wanted(&trouble(10)),
            ["http://m2:2379"],
            "it gave none"
        );
        wishes.kept(&[page(2, 12)]);
        assert!(wishes.wanted(&trouble(70)).is_empty());
        assert_eq!(wishes.wanted(&trouble(72)), ["http://m2:2379"]);
        wishes.wanted(&snapshot(73, 3, &[], Severity::Warning));
        assert_eq!(
            wishes.wanted(&trouble(75)),
            ["http://m2:2379"],
            "a new finding"
        );
    }

    #[test]
    fn at_most_four_in_a_cycle_and_each_in_its_turn() {
        let mut wishes = PageWishes::default();
        let troubled: Vec<u64> = (1..=6).collect();
        let trouble = |second| snapshot(second, 6, &troubled, Severity::Critical);
        let first = wishes.wanted(&trouble(0));
        assert_eq!(first.len(), 4);
        wishes.kept(&[1, 2, 3, 4].map(|member| page(member, 0)));
        assert_eq!(
            wishes.wanted(&trouble(5)),
            ["http://m5:2379", "http://m6:2379"]
        );
    }
}
