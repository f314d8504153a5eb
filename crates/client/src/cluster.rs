//! The clients of one cluster's members.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::certificate::{CertificateAnswer, ShownCertificates};
use crate::endpoint::Endpoint;
use crate::error::{ClientError, Operation};
use crate::handshake;
use crate::http_page::PageClient;
use crate::member::MemberClient;
use crate::options::ClientOptions;
use crate::tls::TlsFiles;

/// Members that are kept at most. A cluster has three to seven; a list of hundreds is a mistake or an attack.
const MAX_MEMBERS: usize = 256;

/// Asks the members of one cluster, each over a connection of its own.
#[derive(Debug)]
pub struct ClusterClient {
    shared: Arc<Shared>,
    members: Mutex<HashMap<Endpoint, Arc<MemberClient>>>,
}

/// What the clients of all members of a cluster share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) options: ClientOptions,
    pub(crate) tls: Arc<TlsFiles>,
    pub(crate) pages: PageClient,
}

impl ClusterClient {
    /// A client with these options. Nothing is connected, and no file is read, before the first call.
    ///
    /// Fails only when no HTTP client can be made.
    pub fn new(options: ClientOptions) -> Result<Self, ClientError> {
        let tls = Arc::new(TlsFiles::new(options.tls.clone().unwrap_or_default()));
        let pages = PageClient::new(Arc::clone(&tls))
            .map_err(|cause| ClientError::new(Operation::Configure, None, cause))?;
        let shared = Arc::new(Shared {
            options,
            tls,
            pages,
        });
        Ok(Self {
            shared,
            members: Mutex::default(),
        })
    }

    /// The client of the member at this endpoint, always the same one until [`retain`](Self::retain) drops it.
    ///
    /// At most 256 are kept; further ones work, but each call makes one anew.
    pub fn member(&self, endpoint: &Endpoint) -> Arc<MemberClient> {
        let mut members = self.lock();
        if let Some(member) = members.get(endpoint) {
            return Arc::clone(member);
        }
        let member = Arc::new(MemberClient::new(
            endpoint.clone(),
            Arc::clone(&self.shared),
        ));
        if members.len() < MAX_MEMBERS {
            members.insert(endpoint.clone(), Arc::clone(&member));
        }
        member
    }

    /// One more connection to the member at this endpoint, for whoever wants several: made anew by each call, and kept by
    /// the caller alone.
    pub fn connection(&self, endpoint: &Endpoint) -> MemberClient {
        MemberClient::new(endpoint.clone(), Arc::clone(&self.shared))
    }

    /// The certificates that an `https` port shows, by a handshake after which nothing is asked.
    ///
    /// The certificates are judged as for any call, and noted before they are: a port whose certificate is refused gets
    /// nothing of ours, and a port that refuses ours has shown its own by then. Takes one deadline at most.
    pub async fn certificates(
        &self,
        endpoint: &Endpoint,
    ) -> Result<ShownCertificates, ClientError> {
        let shown = handshake::look(endpoint, &self.shared.tls, self.shared.options.deadline);
        shown
            .await
            .map_err(|cause| ClientError::new(Operation::Handshake, Some(endpoint), cause))
    }

    /// The certificate that we show to members, leaf first, as it is in its file now; empty without one.
    pub async fn own_certificates(&self) -> Result<Vec<CertificateAnswer>, ClientError> {
        let tls = self.shared.options.tls.as_ref();
        if tls.is_none_or(|tls| tls.cert_file.is_none()) {
            return Ok(Vec::new());
        }
        let own = handshake::own(&self.shared.tls).await;
        own.map_err(|cause| ClientError::new(Operation::Configure, None, cause))
    }

    /// Drops the clients of all other endpoints, and so closes their connections when their last call ends.
    pub fn retain(&self, endpoints: &[Endpoint]) {
        self.lock()
            .retain(|endpoint, _| endpoints.contains(endpoint));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Endpoint, Arc<MemberClient>>> {
        // No code that holds the lock can leave the map half changed.
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_has_one_client_until_it_is_dropped() {
        let cluster = ClusterClient::new(ClientOptions::default()).unwrap();
        let [a, b] = ["10.0.0.1", "10.0.0.2"].map(|text| Endpoint::parse(text, false).unwrap());
        let first = cluster.member(&a);
        let other = cluster.member(&b);
        assert!(Arc::ptr_eq(&first, &cluster.member(&a)));
        cluster.retain(std::slice::from_ref(&a));
        assert!(Arc::ptr_eq(&first, &cluster.member(&a)));
        assert!(!Arc::ptr_eq(&other, &cluster.member(&b)));
    }

    #[test]
    fn the_number_of_kept_members_is_bounded() {
        let cluster = ClusterClient::new(ClientOptions::default()).unwrap();
        for port in 1..=300 {
            cluster.member(&Endpoint::parse(&format!("10.0.0.1:{port}"), false).unwrap());
        }
        assert_eq!(cluster.lock().len(), MAX_MEMBERS);
    }
}
