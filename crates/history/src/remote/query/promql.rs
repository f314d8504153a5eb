//! Questions in the language of Prometheus.

use std::fmt::Write;

use etcd_monitor_model::SeriesSelector;

use crate::remote::names::{self, CLUSTER, MEMBER_ID, NAME, PEER_ID, SERIES_PREFIX};
use crate::remote::wire::Label;

/// The series that a selector matches.
pub(super) fn series(selector: &SeriesSelector, labels: &[Label]) -> String {
    let mut text = match &selector.metric {
        Some(metric) => format!("{{{NAME}={}", quoted(&names::series_name(metric))),
        None => format!("{{{NAME}=~{}", quoted(&format!("{SERIES_PREFIX}.+"))),
    };
    let mut wants = |name: &str, value: &str| {
        text.extend([",", name, "=", &quoted(value)]);
    };
    wants(CLUSTER, selector.cluster.as_str());
    if let Some(member) = selector.member {
        wants(MEMBER_ID, &member.to_string());
    }
    if let Some(peer) = selector.peer {
        wants(PEER_ID, &peer.to_string());
    }
    for label in labels {
        wants(&label.name, &label.value);
    }
    text.push('}');
    text
}

/// A text as a literal: what it is made of cannot end it.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            // Writing to a String cannot fail.
            c if c.is_control() => drop(write!(quoted, "\\u{:04x}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use etcd_monitor_model::{ClusterName, MemberId};

    use super::*;

    #[test]
    fn a_selector_is_what_it_says_and_no_text_in_it_ends_it() {
        let selector = SeriesSelector {
            member: Some(MemberId(0xAB)),
            ..SeriesSelector::metric(ClusterName::new("a\"}\\ or {b\n"), "term")
        };
        assert_eq!(
            series(&selector, &[Label::new("replica", "x")]),
            r#"{__name__="etcd_monitor_sample_term",cluster="a\"}\\ or {b\u000a",member_id="ab",replica="x"}"#
        );
        let all = SeriesSelector::cluster(ClusterName::new("a"));
        assert_eq!(
            series(&all, &[]),
            r#"{__name__=~"etcd_monitor_sample_.+",cluster="a"}"#
        );
    }
}
