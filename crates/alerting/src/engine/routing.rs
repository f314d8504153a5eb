//! Which groups an alert belongs to.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::group::{GroupKey, Placement};
use crate::alert::{Alert, Fingerprint};
use crate::policy::AlertPolicy;
use crate::route::Target;

/// The one entry of `group_by` that makes a group of every alert.
const EACH: &str = "...";

/// The labels that tell each alert from all others.
const LABELS_OF_EACH: [&str; 4] = ["cluster", "rule", "subject_kind", "subject"];

/// A group that an alert belongs to.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) key: GroupKey,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) placement: Placement,
}

/// Where an alert goes. A channel that the policy does not know is left out.
pub(super) fn places(alert: &Alert, policy: &AlertPolicy) -> Vec<Place> {
    let targets = policy.route.targets(alert).into_iter();
    targets
        .filter_map(|target| {
            let pace = policy.channels.get(target.channel)?;
            Some(place(alert, &target, pace.resend_every.is_some()))
        })
        .collect()
}

fn place(alert: &Alert, target: &Target<'_>, is_resent: bool) -> Place {
    let is_each = target.group_by == [EACH];
    let labels = if is_resent {
        // Such a channel groups for itself; a cluster's alerts merely travel together.
        labels(alert, ["cluster"])
    } else if is_each {
        labels(alert, LABELS_OF_EACH)
    } else {
        labels(alert, target.group_by.iter().map(String::as_str))
    };
    let id = if is_each && !is_resent {
        alert.id
    } else {
        Fingerprint::of_labels(&labels)
    };
    Place {
        key: GroupKey {
            channel: Arc::from(target.channel),
            id,
        },
        labels,
        placement: Placement {
            timing: target.timing,
            mute_during: target
                .mute_during
                .iter()
                .map(|&name| name.to_owned())
                .collect(),
        },
    }
}

/// Those of the labels that the alert has.
fn labels<'a>(alert: &Alert, names: impl IntoIterator<Item = &'a str>) -> BTreeMap<String, String> {
    names
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), alert.label(name)?.into_owned())))
        .collect()
}
