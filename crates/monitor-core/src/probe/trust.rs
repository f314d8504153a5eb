//! The trust radar: which certificates members' ports show, looked at every ten minutes.

use std::collections::HashMap;
use std::time::Duration;

use etcd_monitor_client::discovery::Target;
use etcd_monitor_client::{ClusterClient, Endpoint, MemberEntry};
use etcd_monitor_model::{FailureKind, MemberObservation, PortKind, PortTrust, Probe, TrustReport};
use futures_util::future::join_all;
use tokio::time::Instant;

use super::answers;
use super::member::probe;

/// Advertised URLs of one kind that are looked at: one, or two where a member has two networks.
const URLS_MAX: usize = 2;

/// A member whose TLS is in doubt is looked at so many times as often: once a minute.
const DOUBTED_SHARE: u32 = 10;

/// When which member's ports are looked at.
#[derive(Debug)]
pub(super) struct TrustRadar {
    every: Duration,
    /// Whether addresses are contacted that only a member list names.
    discover: bool,
    listed: Vec<MemberEntry>,
    looked: HashMap<String, Looked>,
}

#[derive(Debug)]
struct Looked {
    at: Instant,
    urls: Vec<String>,
    refused: bool,
    doubted: bool,
}

/// The ports of one member that are to be looked at.
#[derive(Debug)]
pub(super) struct Look {
    target: String,
    ports: Vec<Port>,
}

#[derive(Debug)]
struct Port {
    kind: PortKind,
    endpoint: Endpoint,
    advertised: bool,
}

impl TrustRadar {
    pub(super) fn new(every: Duration, discover: bool) -> Self {
        Self {
            every,
            discover,
            listed: Vec::new(),
            looked: HashMap::new(),
        }
    }

    /// Takes a new member list in the place of the old one.
    pub(super) fn listed(&mut self, members: &[MemberEntry]) {
        self.listed = members.to_vec();
    }

    /// What is to be looked at now: whoever was never looked at or has other URLs now, and of the others one in each
    /// cycle, so that handshakes spread.
    pub(super) fn due(&self, targets: &[Target], now: Instant) -> Vec<Look> {
        let looks = targets.iter().map(|target| self.look_at(target));
        let (mut due, known): (Vec<Look>, Vec<Look>) = looks.partition(|look| {
            let looked = self.looked.get(&look.target);
            looked.is_none_or(|looked| looked.urls != look.urls())
        });
        let overdue = known
            .into_iter()
            .filter_map(|look| Some((self.overdue(&look, now)?, look)))
            .max_by_key(|(overdue, _)| *overdue);
        due.extend(overdue.map(|(_, look)| look));
        due
    }

    fn overdue(&self, look: &Look, now: Instant) -> Option<Duration> {
        let looked = self.looked.get(&look.target)?;
        let every = if looked.refused || looked.doubted {
            self.every / DOUBTED_SHARE
        } else {
            self.every
        };
        now.duration_since(looked.at).checked_sub(every)
    }

    fn look_at(&self, target: &Target) -> Look {
        let listed = self
            .listed
            .iter()
            .find(|member| Some(member.id) == target.member_id);
        let asked = target
            .endpoint
            .as_ref()
            .filter(|_| target.refused.is_none());
        let mut ports = match listed.filter(|_| self.discover) {
            Some(listed) => advertised_ports(listed),
            None => Vec::new(),
        };
        if let Some(endpoint) = asked.filter(|asked| !is_among(&ports, asked)) {
            let advertised = listed.is_some_and(|listed| advertises(listed, endpoint));
            let port = Port {
                kind: PortKind::Client,
                endpoint: endpoint.clone(),
                advertised,
            };
            ports.insert(0, port);
        }
        Look {
            target: key(target).to_owned(),
            ports,
        }
    }

    /// Puts the reports to the members that they are of, and notes who was looked at.
    pub(super) fn attach(
        &mut self,
        seen: &mut [MemberObservation],
        reports: Vec<(Look, TrustReport)>,
        now: Instant,
    ) {
        for (look, report) in reports {
            let looked = Looked {
                at: now,
                urls: look.urls(),
                refused: report.ports.iter().any(refuses_clients),
                doubted: false,
            };
            let member = seen
                .iter_mut()
                .find(|member| member.endpoint == look.target);
            if let Some(member) = member {
                member.trust = Some(report);
            }
            self.looked.insert(look.target, looked);
        }
        self.looked.retain(|target, looked| {
            let member = seen.iter().find(|member| member.endpoint == *target);
            looked.doubted = member.is_some_and(fails_by_tls);
            member.is_some()
        });
    }
}

impl Look {
    fn urls(&self) -> Vec<String> {
        let urls = self.ports.iter();
        urls.map(|port| port.endpoint.to_string()).collect()
    }
}

/// Makes the handshakes, all at once: each within one deadline.
pub(super) async fn look(client: &ClusterClient, due: Vec<Look>) -> Vec<(Look, TrustReport)> {
    let looks = due.into_iter().map(|look| async {
        let ports = join_all(look.ports.iter().map(|port| shake(client, port))).await;
        (look, TrustReport { ports })
    });
    join_all(looks).await
}

async fn shake(client: &ClusterClient, port: &Port) -> PortTrust {
    let handshake = if port.endpoint.is_tls() {
        let shown = client.certificates(&port.endpoint);
        Some(probe(shown, answers::shown_certificates).await)
    } else {
        None
    };
    PortTrust {
        kind: port.kind,
        url: port.endpoint.to_string(),
        advertised: port.advertised,
        handshake,
    }
}

fn key(target: &Target) -> &str {
    let endpoint = target.endpoint.as_ref();
    endpoint.map_or(target.advertised.as_str(), Endpoint::as_str)
}

fn advertised_ports(member: &MemberEntry) -> Vec<Port> {
    let kinds = [
        (PortKind::Client, &member.client_urls),
        (PortKind::Peer, &member.peer_urls),
    ];
    let ports = kinds.into_iter().flat_map(|(kind, urls)| {
        let endpoints = urls
            .iter()
            .filter_map(|url| Endpoint::parse(url, false).ok());
        endpoints.take(URLS_MAX).map(move |endpoint| Port {
            kind,
            endpoint,
            advertised: true,
        })
    });
    ports.collect()
}

fn advertises(member: &MemberEntry, endpoint: &Endpoint) -> bool {
    let mut urls = member.client_urls.iter();
    urls.any(|url| Endpoint::parse(url, false).is_ok_and(|url| url == *endpoint))
}

fn is_among(ports: &[Port], endpoint: &Endpoint) -> bool {
    let mut clients = ports.iter().filter(|port| port.kind == PortKind::Client);
    clients.any(|port| port.endpoint == *endpoint)
}

fn refuses_clients(port: &PortTrust) -> bool {
    let shown = port.handshake.as_ref().and_then(Probe::ok);
    port.kind == PortKind::Client && shown.is_some_and(|shown| shown.refused.is_some())
}

fn fails_by_tls(member: &MemberObservation) -> bool {
    let failure = member.status.as_ref().and_then(Probe::failure);
    failure.is_some_and(|failure| failure.kind == FailureKind::Tls)
}

#[cfg(test)]
mod tests;
