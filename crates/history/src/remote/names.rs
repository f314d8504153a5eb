//! How our series are named in a Prometheus-compatible store.

use std::borrow::Cow;

use etcd_monitor_model::{ClusterName, MemberId, SampleBatch, SeriesKey, plain_text};

use super::RemoteError;
use super::wire::Label;

/// What the names of our series begin with, before the metric: `etcd_monitor_sample_database_allocated_bytes`.
///
/// No metric of the daemon's own `/metrics` begins so: one that is scraped into the same store never mixes with these.
pub const SERIES_PREFIX: &str = "etcd_monitor_sample_";

pub(super) const NAME: &str = "__name__";
pub(super) const CLUSTER: &str = "cluster";
pub(super) const MEMBER: &str = "member";
pub(super) const MEMBER_ID: &str = "member_id";
pub(super) const PEER_ID: &str = "peer_id";

/// Longest name of a label in bytes: the default limit of Mimir.
const LABEL_NAME_MAX: usize = 1024;

/// Longest value of a label in bytes; `VictoriaMetrics` 1.79 cuts at 16 KiB, Mimir refuses above 2 KiB.
pub(super) const LABEL_VALUE_MAX: usize = 1024;

/// True for a metric that is part of a name as it stands: another spelling would be another series.
pub(super) fn is_metric(metric: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    !metric.is_empty() && metric.len() <= LABEL_VALUE_MAX / 2 && metric.bytes().all(fits)
}

/// True for a cluster whose name can be the value of a label.
pub(super) fn is_cluster(cluster: &ClusterName) -> bool {
    cluster.as_str().len() <= LABEL_VALUE_MAX
}

/// The name of the series of a metric.
pub(super) fn series_name(metric: &str) -> String {
    format!("{SERIES_PREFIX}{metric}")
}

/// The labels that every sample of a batch has.
pub(super) fn common(batch: &SampleBatch, external: &[Label]) -> Vec<Label> {
    let mut labels = external.to_vec();
    labels.push(Label::new(CLUSTER, batch.cluster.as_str()));
    if let Some(member) = &batch.member {
        labels.push(Label::new(MEMBER_ID, member.id.to_string()));
        labels.push(Label::new(MEMBER, cut(&plain_text(&member.name))));
    }
    labels
}

/// The labels of one series, in the order of their names, as the protocol wants them. A label without a value is none.
pub(super) fn labels(common: &[Label], metric: &str, peer: Option<MemberId>) -> Vec<Label> {
    let mut labels = common.to_vec();
    labels.push(Label::new(NAME, series_name(metric)));
    labels.extend(peer.map(|peer| Label::new(PEER_ID, peer.to_string())));
    labels.retain(|label| !label.value.is_empty());
    labels.sort_by(|one, other| one.name.cmp(&other.name));
    labels
}

/// The series of ours that a store calls by these labels; `None` for one of somebody else.
pub(super) fn key<'a>(
    cluster: &ClusterName,
    value: impl Fn(&str) -> Option<&'a str>,
) -> Option<SeriesKey> {
    let id = |name: &str| value(name).map(str::parse::<MemberId>).transpose().ok();
    let metric = value(NAME)?.strip_prefix(SERIES_PREFIX)?;
    let ours = value(CLUSTER).unwrap_or_default() == cluster.as_str();
    Some(SeriesKey {
        cluster: cluster.clone(),
        member: id(MEMBER_ID)?,
        metric: Cow::Owned(metric.to_owned()),
        peer: id(PEER_ID)?,
    })
    .filter(|_| ours)
}

/// Labels that the user adds to every series.
pub(super) fn external(labels: &[(String, String)]) -> Result<Vec<Label>, RemoteError> {
    let mut checked: Vec<Label> = Vec::with_capacity(labels.len());
    for (name, value) in labels {
        if let Some(reason) = complaint(name, value, &checked) {
            let name = name.chars().take(100).collect();
            return Err(RemoteError::InvalidLabel { name, reason });
        }
        checked.push(Label::new(name, value));
    }
    Ok(checked)
}

fn complaint(name: &str, value: &str, before: &[Label]) -> Option<&'static str> {
    let fits = |(at, byte): (usize, u8)| {
        byte == b'_' || byte.is_ascii_alphabetic() || (at > 0 && byte.is_ascii_digit())
    };
    if name.is_empty() || !name.bytes().enumerate().all(fits) {
        Some("a name has letters, digits and _, and begins with no digit")
    } else if name.starts_with("__") || [CLUSTER, MEMBER, MEMBER_ID, PEER_ID].contains(&name) {
        Some("this name has a meaning of its own")
    } else if name.len() > LABEL_NAME_MAX || value.len() > LABEL_VALUE_MAX {
        Some("it has more than 1,024 bytes")
    } else if before.iter().any(|label| label.name == name) {
        Some("it is there twice")
    } else {
        None
    }
}

/// The beginning of a text that is a value of a label.
fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(LABEL_VALUE_MAX)]
}

#[cfg(test)]
mod tests {
    use etcd_monitor_model::SampledMember;
    use jiff::Timestamp;

    use super::*;

    fn batch(member: &str) -> SampleBatch {
        SampleBatch {
            cluster: ClusterName::new("prod \"eu\""),
            member: Some(SampledMember {
                id: MemberId(0xab),
                name: member.to_owned(),
            }),
            at: Timestamp::UNIX_EPOCH,
            samples: Vec::new(),
        }
    }

    fn value<'a>(labels: &'a [Label], name: &str) -> Option<&'a str> {
        let found = labels.iter().find(|label| label.name == name);
        found.map(|label| label.value.as_str())
    }

    #[test]
    fn labels_are_sorted_and_lead_back_to_the_series() {
        let external = external(&[("replica".into(), "a".into()), ("az".into(), "1".into())]);
        let found = labels(
            &common(&batch("m1"), &external.unwrap()),
            "raft_term",
            Some(MemberId(7)),
        );
        let names: Vec<_> = found.iter().map(|it| it.name.as_str()).collect();
        let sorted = [
            "__name__",
            "az",
            "cluster",
            "member",
            "member_id",
            "peer_id",
            "replica",
        ];
        assert_eq!(names, sorted);
        let cluster = ClusterName::new("prod \"eu\"");
        let key = key(&cluster, |name| value(&found, name)).unwrap();
        assert_eq!(
            (key.member, key.peer),
            (Some(MemberId(0xab)), Some(MemberId(7)))
        );
        assert_eq!(key.metric, "raft_term");
        assert_eq!(
            super::key(&ClusterName::new("b"), |name| value(&found, name)),
            None
        );
    }

    #[test]
    fn a_members_name_is_cleaned_and_cut_and_may_be_missing() {
        let long = labels(&common(&batch(&"ü\u{7}".repeat(900)), &[]), "a", None);
        let name = value(&long, MEMBER).unwrap();
        assert!(name.len() <= LABEL_VALUE_MAX && name.starts_with("ü ü"));
        let unnamed = labels(&common(&batch(""), &[]), "a", None);
        assert_eq!(value(&unnamed, MEMBER), None);
    }

    #[test]
    fn labels_that_are_none_are_refused() {
        for name in ["", "1a", "a-b", "__name__", "cluster", "peer_id", "ä"] {
            assert!(external(&[(name.into(), "x".into())]).is_err(), "{name:?}");
        }
        let twice = [("a".into(), "x".into()), ("a".into(), "y".into())];
        assert!(external(&twice).is_err());
        assert!(external(&[("a".into(), "x".repeat(2000))]).is_err());
    }
}
