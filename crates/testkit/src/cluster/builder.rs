//! What a cluster shall be like, and its start.

use std::collections::BTreeMap;
use std::net::SocketAddrV4;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::spawn_blocking;

use super::member::{Doors, Member, Urls};
use super::process::{Launch, Process};
use super::{Cluster, READY_WITHIN, slow_disk};
use crate::access::{Access, Credentials};
use crate::address::PrivateAddress;
use crate::binaries::etcd_binaries;
use crate::error::Error;
use crate::guard::Guard;
use crate::link::Network;
use crate::storage::Storage;
use crate::tls::{TlsFiles, TlsMode};

/// The version that is tested first.
const DEFAULT_VERSION: &str = "3.7.3";

/// Describes a [`Cluster`]: three members of the newest version, plain text, no authentication,
/// links on.
#[derive(Debug, Clone)]
pub struct ClusterBuilder {
    pub(super) members: usize,
    pub(super) version: String,
    pub(super) tls: TlsMode,
    pub(super) auth: bool,
    pub(super) links: bool,
    pub(super) quota_backend_bytes: Option<u64>,
    pub(super) listen_metrics: bool,
    pub(super) extra_args: Vec<String>,
    pub(super) slow_disks: BTreeMap<usize, Duration>,
    pub(super) ready_within: Duration,
}

impl Default for ClusterBuilder {
    fn default() -> Self {
        Self {
            members: 3,
            version: DEFAULT_VERSION.to_owned(),
            tls: TlsMode::Off,
            auth: false,
            links: true,
            quota_backend_bytes: None,
            listen_metrics: false,
            extra_args: Vec::new(),
            slow_disks: BTreeMap::new(),
            ready_within: READY_WITHIN,
        }
    }
}

impl ClusterBuilder {
    /// The number of voting members at the start.
    #[must_use]
    pub fn members(mut self, members: usize) -> Self {
        self.members = members;
        self
    }

    /// The etcd version, such as `3.6.16`.
    #[must_use]
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = version.into();
        self
    }

    /// Which sides show a certificate.
    #[must_use]
    pub fn tls(mut self, mode: TlsMode) -> Self {
        self.tls = mode;
        self
    }

    /// Whether authentication is switched on, with a user `root` ([`Cluster::user`],
    /// [`Cluster::password`]).
    #[must_use]
    pub fn auth(mut self, on: bool) -> Self {
        self.auth = on;
        self
    }

    /// Whether members and clients are connected through proxies that can inject faults (the
    /// default). Without, the members listen on client ports 2379, 22379, 32379 … of the cluster's
    /// private address.
    #[must_use]
    pub fn links(mut self, on: bool) -> Self {
        self.links = on;
        self
    }

    /// The size at which etcd raises NOSPACE, in bytes. etcd's own default is 2 GiB.
    #[must_use]
    pub fn quota_backend_bytes(mut self, bytes: u64) -> Self {
        self.quota_backend_bytes = Some(bytes);
        self
    }

    /// Whether each member serves `/metrics` and `/health` on a plain-text port of its own as well.
    #[must_use]
    pub fn listen_metrics(mut self, on: bool) -> Self {
        self.listen_metrics = on;
        self
    }

    /// More etcd flags, as `--flag=value`. They come last and so win over ours.
    #[must_use]
    pub fn extra_args<I, A>(mut self, arguments: I) -> Self
    where
        I: IntoIterator<Item = A>,
        A: Into<String>,
    {
        self.extra_args
            .extend(arguments.into_iter().map(Into::into));
        self
    }

    /// Gives a member a slow disk from the start and over restarts: every sync takes this much
    /// longer. [`start`](Self::start) fails with [`Error::Unavailable`] where strace is missing or
    /// may not trace.
    #[must_use]
    pub fn slow_disk(mut self, index: usize, delay: Duration) -> Self {
        self.slow_disks.insert(index, delay);
        self
    }

    /// How long [`start`](Self::start) and [`Member::restart`] wait for readiness; 60 s if not set.
    #[must_use]
    pub fn ready_within(mut self, limit: Duration) -> Self {
        self.ready_within = limit;
        self
    }

    /// Starts the cluster and waits until every member answers a linearizable read.
    ///
    /// # Errors
    /// No binaries, no address, a refusal of the operating system, or [`Error::NotReady`] with the
    /// log tails.
    pub async fn start(self) -> Result<Cluster, Error> {
        if !self.slow_disks.is_empty() {
            slow_disk::check().await?;
        }
        let version = self.version.clone();
        let binaries = spawn_blocking(move || etcd_binaries(&version)).await;
        let binaries = binaries.map_err(|error| Error::operation("finding etcd", error))??;
        let cluster = self.lay_out(binaries)?;
        for member in &cluster.members {
            member.start()?;
        }
        cluster.wait_ready(cluster.builder.ready_within).await?;
        if cluster.builder.auth {
            cluster.enable_auth().await?;
        }
        Ok(cluster)
    }

    /// Everything but the processes.
    fn lay_out(self, binaries: PathBuf) -> Result<Cluster, Error> {
        let ports: Vec<Ports> = (0..self.members).map(|index| self.ports(index)).collect();
        let all: Vec<u16> = ports
            .iter()
            .flat_map(|ports| [ports.client, ports.peer, ports.metrics])
            .collect();
        let address = PrivateAddress::reserve(&all)?;
        let storage = Storage::create()?;
        let guard = Guard::start(storage.path())?;
        let tls = TlsFiles::create(self.tls, address.ip(), storage.path())?;
        let access = Arc::new(Access {
            tls,
            ..Access::default()
        });
        let network = self.links.then(Network::start).transpose();
        let network = network.map_err(Error::io("start the thread of the links"))?;
        let mut cluster = Cluster {
            members: Vec::new(),
            network,
            guard,
            storage,
            access,
            address,
            binaries,
            builder: self,
        };
        for index in 0..cluster.builder.members {
            cluster.add_member(index)?;
        }
        let bootstrap = cluster.bootstrap("new");
        cluster
            .members
            .iter()
            .for_each(|member| member.set_bootstrap(bootstrap.clone()));
        Ok(cluster)
    }

    /// Without links the ports are those that etcd users know; with links out of the way of an etcd
    /// on 0.0.0.0.
    fn ports(&self, index: usize) -> Ports {
        let index = u16::try_from(index).unwrap_or(u16::MAX);
        let client = match (self.links, index) {
            (true, index) => index.saturating_mul(10).saturating_add(20_379),
            (false, 0) => 2_379,
            (false, index @ 1..=4) => 12_379 + 10_000 * index,
            (false, index) => index.saturating_mul(10).saturating_add(2_379),
        };
        Ports {
            client,
            peer: client + 1,
            metrics: client + 2,
        }
    }
}

/// The ports of one member on the cluster's address.
#[derive(Debug, Clone, Copy)]
struct Ports {
    client: u16,
    peer: u16,
    metrics: u16,
}

impl Cluster {
    /// Lays out one more member; nothing is started.
    pub(super) fn add_member(&mut self, index: usize) -> Result<(), Error> {
        let name = format!("m{index}");
        let ports = self.builder.ports(index);
        let doors = self.doors(index, ports)?;
        let urls = self.urls(ports, doors.as_ref());
        let data_dir = self.storage.path().join(&name);
        let launch = Launch {
            program: self.binaries.join("etcd"),
            wrapper: self
                .builder
                .slow_disks
                .get(&index)
                .copied()
                .map_or_else(Vec::new, slow_disk::wrapper),
            log: self.storage.path().join(format!("{name}.log")),
            group: self.guard.group(),
        };
        let mut flags = self.flags(&name, &urls);
        flags.push(format!("--data-dir={}", data_dir.display()));
        flags.extend(self.builder.extra_args.iter().cloned());
        self.members.push(Member {
            index,
            name,
            urls,
            doors,
            data_dir,
            launch,
            flags,
            bootstrap: Mutex::default(),
            access: Arc::clone(&self.access),
            process: Process::default(),
            id: AtomicU64::default(),
            removed: AtomicBool::default(),
            ready_within: self.builder.ready_within,
        });
        Ok(())
    }

    /// The flags that say which cluster a member joins; `state` is `new` or `existing`.
    pub(super) fn bootstrap(&self, state: &str) -> Vec<String> {
        let members = self
            .present()
            .map(|member| format!("{}={}", member.name, member.urls.peer));
        let members: Vec<String> = members.collect();
        vec![
            format!("--initial-cluster={}", members.join(",")),
            format!("--initial-cluster-state={state}"),
            format!("--initial-cluster-token={}", self.address.ip()),
        ]
    }

    fn doors(&self, index: usize, ports: Ports) -> Result<Option<Doors>, Error> {
        let Some(network) = &self.network else {
            return Ok(None);
        };
        let ip = self.address.ip();
        let open = |port| {
            let door = network.open(index, ip, SocketAddrV4::new(ip, port));
            door.map_err(Error::io(format!("open a proxy on {ip}")))
        };
        let (client, peer) = (open(ports.client)?, open(ports.peer)?);
        Ok(Some(Doors {
            fabric: Arc::clone(network.fabric()),
            client,
            peer,
        }))
    }

    fn urls(&self, ports: Ports, doors: Option<&Doors>) -> Urls {
        let (scheme, ip) = (self.access.scheme(), self.address.ip());
        let url = |port| format!("{scheme}://{ip}:{port}");
        let client = url(doors.map_or(ports.client, |doors| doors.client.port()));
        let peer = url(doors.map_or(ports.peer, |doors| doors.peer.port()));
        let metrics = if self.builder.listen_metrics {
            format!("http://{ip}:{}", ports.metrics)
        } else {
            client.clone()
        };
        let (direct_client, direct_peer) = (url(ports.client), url(ports.peer));
        Urls {
            client,
            direct_client,
            peer,
            direct_peer,
            metrics,
        }
    }

    fn flags(&self, name: &str, urls: &Urls) -> Vec<String> {
        let mut flags = vec![
            format!("--name={name}"),
            format!("--listen-client-urls={}", urls.direct_client),
            format!("--advertise-client-urls={}", urls.client),
            format!("--listen-peer-urls={}", urls.direct_peer),
            format!("--initial-advertise-peer-urls={}", urls.peer),
            "--logger=zap".to_owned(),
            "--log-outputs=stderr".to_owned(),
        ];
        flags.extend(
            self.builder
                .quota_backend_bytes
                .map(|bytes| format!("--quota-backend-bytes={bytes}")),
        );
        flags.extend(
            self.builder
                .listen_metrics
                .then(|| format!("--listen-metrics-urls={}", urls.metrics)),
        );
        // The cheapest password hash: what is tested is not bcrypt, and each login costs one.
        flags.extend(self.builder.auth.then(|| "--bcrypt-cost=4".to_owned()));
        flags.extend(self.access.tls.iter().flat_map(TlsFiles::flags));
        flags
    }

    async fn enable_auth(&self) -> Result<(), Error> {
        let credentials = Credentials {
            user: "root".to_owned(),
            password: "test-password".to_owned(),
        };
        let (user, password) = (credentials.user.clone(), credentials.password.clone());
        self.call_any("enabling authentication", async |client| {
            client
                .user_add(user.clone(), password.clone(), None)
                .await?;
            client.user_grant_role(user.clone(), "root").await?;
            client.auth_enable().await.map(drop)
        })
        .await?;
        // Set once, here.
        let _ = self.access.credentials.set(credentials);
        self.wait_ready(self.builder.ready_within).await
    }
}
