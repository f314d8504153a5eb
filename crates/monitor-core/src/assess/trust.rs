//! What is known of certificates and clocks: seen every ten minutes, remembered in between.

pub(super) mod clock;
mod parameters;

use std::collections::BTreeMap;

use etcd_monitor_model::{
    Certificate, MemberSnapshot, Observation, PortKind, PortTrust, Probe, ShownCertificates,
    TrustReport,
};
use jiff::Timestamp;

use super::state::AssessState;
use super::view::View;

pub use parameters::TrustParameters;

/// What `assess` remembers of certificates. Not kept over a restart: the first cycle looks again.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct TrustMemory {
    /// Ports by the endpoint through which their member is probed.
    ports: BTreeMap<String, Vec<SeenPort>>,
    own: Option<OwnCertificates>,
}

/// A port as last looked at.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct SeenPort {
    pub(super) kind: PortKind,
    pub(super) url: String,
    pub(super) advertised: bool,
    pub(super) tls: bool,
    /// When certificates were last shown, and which.
    pub(super) shown: Option<(Timestamp, ShownCertificates)>,
    /// Why the last look saw none.
    pub(super) failure: Option<String>,
}

/// The monitor's own certificate as last read; empty where it has none.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct OwnCertificates {
    pub(super) at: Timestamp,
    pub(super) chain: Result<Vec<Certificate>, String>,
}

impl TrustMemory {
    /// The ports of the member that is probed at this endpoint; `None` before they were looked at.
    pub(super) fn ports(&self, endpoint: &str) -> Option<&[SeenPort]> {
        self.ports.get(endpoint).map(Vec::as_slice)
    }

    pub(super) fn own(&self) -> Option<&OwnCertificates> {
        self.own.as_ref()
    }

    /// Every certificate that any port showed, and our own.
    pub(super) fn certificates(&self) -> impl Iterator<Item = &Certificate> {
        let ports = self.ports.values().flatten();
        let shown = ports.filter_map(|port| port.shown.as_ref());
        let own = self.own.iter().filter_map(|own| own.chain.as_ref().ok());
        shown
            .flat_map(|(_, shown)| &shown.chain)
            .chain(own.flatten())
    }

    fn take(&mut self, endpoint: &str, report: &TrustReport) {
        let before = self.ports.remove(endpoint).unwrap_or_default();
        let ports = report.ports.iter().map(|port| seen(port, &before));
        self.ports.insert(endpoint.to_owned(), ports.collect());
    }
}

/// A port that shows nothing now keeps what it showed before, with the time of that.
fn seen(port: &PortTrust, before: &[SeenPort]) -> SeenPort {
    let handshake = port.handshake.as_ref();
    let now = handshake.and_then(|probe| Some((probe.at, probe.ok()?.clone())));
    let same = |known: &&SeenPort| known.kind == port.kind && known.url == port.url;
    let known = before.iter().find(same).filter(|_| handshake.is_some());
    SeenPort {
        kind: port.kind,
        url: port.url.clone(),
        advertised: port.advertised,
        tls: handshake.is_some(),
        shown: now.or_else(|| known.and_then(|known| known.shown.clone())),
        failure: handshake
            .and_then(Probe::failure)
            .map(|failure| failure.message.clone()),
    }
}

/// Takes what was looked at in this cycle, and forgets whom nobody asks any more.
pub(super) fn update(state: &mut AssessState, observation: &Observation) {
    let memory = &mut state.trust;
    for member in &observation.members {
        if let Some(report) = &member.trust {
            memory.take(&member.endpoint, report);
        }
    }
    let is_asked = |endpoint: &str| {
        let mut members = observation.members.iter();
        members.any(|member| member.endpoint == endpoint)
    };
    memory.ports.retain(|endpoint, _| is_asked(endpoint));
    if let Some(probe) = &observation.own_certificates {
        let chain = probe.result.clone();
        memory.own = Some(OwnCertificates {
            at: probe.at,
            chain: chain.map_err(|failure| failure.message),
        });
    }
}

/// Says of each member when its certificates end and how its clock goes.
pub(super) fn describe(members: &mut [MemberSnapshot], state: &AssessState, view: &View<'_>) {
    for member in members {
        let ports = state.trust.ports(&member.endpoint).unwrap_or_default();
        let shown = || ports.iter().filter_map(|port| port.shown.as_ref());
        let chains = shown().flat_map(|(_, shown)| &shown.chain);
        member.trust.certificates_end_at = chains.map(|shown| shown.not_after).min();
        member.trust.certificates_seen_at = shown().map(|(at, _)| *at).max();
        let row = view.rows.iter();
        let mut row = row.filter(|row| row.seen.endpoint == member.endpoint);
        let reading = row.find_map(|row| row.seen.clock.as_ref());
        member.trust.clock = reading
            .and_then(clock::Offset::of)
            .map(clock::Offset::middle);
    }
}
