//! Which members to ask: from the configured endpoints and what the cluster says of itself. Pure: no I/O, no clock.

mod advertised;

use crate::answer::MemberEntry;
use crate::endpoint::Endpoint;
use advertised::{Advertised, same_place};

/// Targets at most. etcd advises against more than seven members; a longer list is a mistake or an attack, and each
/// target costs a connection and several calls per cycle.
pub const MAX_TARGETS: usize = 64;

/// What discovery may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiscoveryPolicy {
    /// Whether members without a configured endpoint are asked at their advertised URL.
    pub enabled: bool,
    /// Whether calls carry a user's token or password.
    pub has_credentials: bool,
    /// Whether certificates of `https` addresses are verified, so that credentials may go to discovered ones.
    pub verified_tls: bool,
}

/// Where a target comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// The operator named the endpoint.
    Configured,
    /// The member list advertised it.
    Discovered,
}

/// One member to ask.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Target {
    /// Where to ask; `None` when the address may not be contacted.
    pub endpoint: Option<Endpoint>,
    /// The URL as it was configured or advertised.
    pub advertised: String,
    /// Who named it.
    pub origin: Origin,
    /// The member that is expected there: by its own earlier answer, or by the member list.
    pub member_id: Option<u64>,
    /// Why it is not contacted; `None` when it is.
    pub refused: Option<String>,
}

/// Which members to ask.
///
/// * A configured endpoint is matched to its member by the id in the member's own answer. Before it has ever answered, a
///   listed member that advertises the same address is taken to be the one behind it, so that it is not asked twice.
/// * Of several configured endpoints that lead to one member the first is asked; the others stay configured, and are
///   asked again when they lead elsewhere.
/// * A listed member without a configured endpoint is asked at the first of its client URLs that may be contacted. One
///   that has never started has no URL and is no target.
/// * With credentials, discovered addresses are contacted over verified TLS only: a member list could name anyone.
#[derive(Debug, Clone)]
pub struct Discovery {
    configured: Vec<Configured>,
    listed: Vec<MemberEntry>,
    policy: DiscoveryPolicy,
}

#[derive(Debug, Clone)]
struct Configured {
    endpoint: Endpoint,
    answered_as: Option<u64>,
}

impl Discovery {
    /// Begins with the configured endpoints; one that stands there twice is taken once.
    pub fn new(configured: Vec<Endpoint>, policy: DiscoveryPolicy) -> Self {
        let mut known: Vec<Configured> = Vec::with_capacity(configured.len());
        for endpoint in configured {
            if !known.iter().any(|other| other.endpoint == endpoint) {
                known.push(Configured {
                    endpoint,
                    answered_as: None,
                });
            }
        }
        Self {
            configured: known,
            listed: Vec::new(),
            policy,
        }
    }

    /// Notes which member answered at an endpoint. Endpoints that are not configured are matched by the member list and
    /// need no note.
    pub fn matched(&mut self, endpoint: &Endpoint, member_id: u64) {
        for known in &mut self.configured {
            if known.endpoint == *endpoint {
                known.answered_as = Some(member_id);
            }
        }
    }

    /// Takes a new member list in the place of the old one.
    pub fn listed(&mut self, members: &[MemberEntry]) {
        self.listed = members.iter().take(MAX_TARGETS).cloned().collect();
        self.listed.sort_by_key(|member| member.id);
    }

    /// The members to ask: configured endpoints as configured, then discovered ones by id, 64 at most.
    pub fn targets(&self) -> Vec<Target> {
        let mut targets: Vec<Target> = Vec::new();
        for known in &self.configured {
            let member_id = self.member_behind(known);
            let asked = |target: &Target| member_id.is_some() && target.member_id == member_id;
            if !targets.iter().any(asked) {
                targets.push(configured_target(&known.endpoint, member_id));
            }
        }
        if self.policy.enabled {
            for member in &self.listed {
                targets.extend(self.discovered(member, &targets));
            }
        }
        targets.truncate(MAX_TARGETS);
        targets
    }

    /// The member behind a configured endpoint: the one that answered there, unless it has left the cluster and another
    /// one is listed there now.
    fn member_behind(&self, known: &Configured) -> Option<u64> {
        let is_listed = |id: u64| self.listed.iter().any(|member| member.id == id);
        if let Some(id) = known.answered_as.filter(|id| is_listed(*id)) {
            return Some(id);
        }
        let here = |member: &&MemberEntry| {
            member
                .client_urls
                .iter()
                .any(|url| advertised::is_at(url, &known.endpoint))
        };
        let taken = |member: &&MemberEntry| {
            self.configured
                .iter()
                .any(|other| other.answered_as == Some(member.id))
        };
        let by_url = self
            .listed
            .iter()
            .filter(here)
            .find(|member| !taken(member));
        by_url.map(|member| member.id).or(known.answered_as)
    }

    /// The target of a listed member, `None` if it is asked already or has never started.
    fn discovered(&self, member: &MemberEntry, targets: &[Target]) -> Option<Target> {
        if targets
            .iter()
            .any(|target| target.member_id == Some(member.id))
        {
            return None;
        }
        let mut refused = None;
        for url in &member.client_urls {
            match self.judge(url, targets) {
                Ok(endpoint) => return Some(discovered_target(member, url, Ok(endpoint))),
                Err(reason) => refused = refused.or(Some((url, reason))),
            }
        }
        let (url, reason) = refused?;
        Some(discovered_target(member, url, Err(reason)))
    }

    fn judge(&self, url: &str, targets: &[Target]) -> Result<Endpoint, String> {
        let Advertised { endpoint, is_tls } = advertised::read(url)?;
        let endpoints = targets.iter().filter_map(|target| target.endpoint.as_ref());
        let configured = self.configured.iter().map(|known| &known.endpoint);
        if let Some(other) = endpoints
            .chain(configured)
            .find(|other| same_place(other, &endpoint))
        {
            return Err(format!(
                "another member is at {other} already; give each member its own --advertise-client-urls"
            ));
        }
        if self.policy.has_credentials && !(is_tls && self.policy.verified_tls) {
            return Err(
                "credentials go to discovered addresses only over verified TLS; configure this endpoint, or let the \
                 member advertise https"
                    .to_owned(),
            );
        }
        Ok(endpoint)
    }
}

fn configured_target(endpoint: &Endpoint, member_id: Option<u64>) -> Target {
    Target {
        endpoint: Some(endpoint.clone()),
        advertised: endpoint.to_string(),
        origin: Origin::Configured,
        member_id,
        refused: None,
    }
}

fn discovered_target(member: &MemberEntry, url: &str, judged: Result<Endpoint, String>) -> Target {
    let (endpoint, refused) = match judged {
        Ok(endpoint) => (Some(endpoint), None),
        Err(reason) => (None, Some(reason)),
    };
    Target {
        endpoint,
        advertised: crate::message::clean(url),
        origin: Origin::Discovered,
        member_id: Some(member.id),
        refused,
    }
}

#[cfg(test)]
mod tests;
