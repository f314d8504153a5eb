//! Where a message points to.

use std::fmt;

use etcd_monitor_model::SubjectKind;
use url::Url;

use crate::alert::Alert;

/// The pages that messages link to.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MessageLinks {
    /// The dashboard, as the people who read the messages reach it (`--external-url`); `None`: messages have no links.
    pub dashboard: Option<Url>,
}

impl MessageLinks {
    /// Links into the dashboard at this address.
    pub fn to(dashboard: Url) -> Self {
        Self {
            dashboard: Some(dashboard),
        }
    }

    /// The dashboard's page of the alert's cluster, opened at its member where it is about one.
    pub(crate) fn alert(&self, alert: &Alert) -> Option<String> {
        let mut url = self.dashboard.clone()?;
        url.query_pairs_mut()
            .append_pair("cluster", alert.cluster.as_str());
        if alert.subject.kind == SubjectKind::Member
            && let Some(id) = alert.subject.id
        {
            url.set_fragment(Some(&format!("member-{id}")));
        }
        Some(url.into())
    }
}

impl fmt::Debug for MessageLinks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dashboard = self.dashboard.as_ref().map(|url| origin(url.as_str()));
        f.debug_struct("MessageLinks")
            .field("dashboard", &dashboard)
            .finish()
    }
}

/// Scheme, host and port of a URL; the rest may hold secrets.
pub(crate) fn origin(url: &str) -> String {
    Url::parse(url).map_or_else(
        |_| "(no URL)".to_owned(),
        |url| url.origin().ascii_serialization(),
    )
}

#[cfg(test)]
mod tests {
    use etcd_monitor_model::{ClusterName, MemberId, Subject};

    use super::*;
    use crate::notification::Notification;

    #[test]
    fn a_link_opens_the_cluster_at_the_member() {
        let links = MessageLinks::to("https://ops.example/etcd/".parse().unwrap());
        let mut alert = Notification::trial("mail", jiff::Timestamp::UNIX_EPOCH)
            .firing
            .remove(0);
        alert.cluster = ClusterName::new("a b&c");
        alert.subject = Subject::cluster(&alert.cluster);
        let at = |alert: &Alert| links.alert(alert).unwrap();
        assert_eq!(at(&alert), "https://ops.example/etcd/?cluster=a+b%26c");
        alert.subject = Subject::member("m1", Some(MemberId(0x6d31)));
        assert_eq!(
            at(&alert),
            "https://ops.example/etcd/?cluster=a+b%26c#member-6d31"
        );
        assert_eq!(MessageLinks::default().alert(&alert), None);
    }
}
