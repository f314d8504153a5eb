//! Asking one member.

mod contention;
mod feed;
mod kv;
mod leases;
mod writing;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use etcd_client::{Channel, Client, GetOptions};
use http::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::OnceCell;
use tokio::time::{Instant, timeout};
use tonic::Status;
use tower::util::BoxCloneSyncService;

use crate::answer::{
    AlarmAnswer, AlarmKind, HashKvAnswer, HealthAnswer, MemberEntry, MemberListAnswer, PageAnswer,
    ReadAnswer, StatusAnswer, VersionAnswer,
};
use crate::auth::{Authenticator, Token};
use crate::cluster::Shared;
use crate::endpoint::Endpoint;
use crate::error::{Cause, ClientError, ErrorKind, Operation, classify_status};
use crate::link::{Link, Wire};
use crate::message::clean;
use crate::options::ClientOptions;
use crate::rpc;
use crate::tls::TlsFiles;

pub use contention::{LeaderFeed, LeadershipAnswer, LockAnswer, OldestKeyAnswer};
pub use feed::{WatchEvent, WatchFeed, WatchNews, WatchQuery};
pub use kv::{DeleteAnswer, PutsAnswer, PutsQuery, RangeAnswer, RangeQuery};
pub use leases::{LeaseAnswer, RenewalAnswer, RenewalAnswers, RenewalSender};
pub use writing::KeyWatch;

/// Members in one list, URLs of one member, errors of one status that are taken at most; more is no answer of etcd.
const MAX_LISTED: usize = 256;
const MAX_URLS: usize = 16;
const MAX_ERRORS: usize = 16;

/// Whether an answer is confirmed by a quorum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Consistency {
    /// Confirmed by a quorum: fails without one.
    Linearizable,
    /// The member's own view, which may be old: needs only the member.
    Serializable,
}

/// Asks one member.
///
/// Every call ends within the deadline of the options. All calls can be dropped at any time without harm.
#[derive(Debug)]
pub struct MemberClient {
    endpoint: Endpoint,
    shared: Arc<Shared>,
    link: Arc<Link>,
    wire: Wire,
    token: Token,
    authenticator: Option<Authenticator>,
    etcd: OnceCell<EtcdClient>,
    /// Size of the last metrics page, for which the next one gets room: it is sent without its length.
    page_bytes: AtomicUsize,
}

impl MemberClient {
    pub(crate) fn new(endpoint: Endpoint, shared: Arc<Shared>) -> Self {
        let tls = endpoint.is_tls().then(|| Arc::clone(&shared.tls));
        let link = Arc::new(Link::new(endpoint.clone(), tls, shared.options.deadline));
        let token = Token::default();
        let wire = Wire::new(Arc::clone(&link), token.clone());
        let credentials = shared.options.credentials.clone();
        let authenticator =
            credentials.map(|credentials| Authenticator::new(credentials, token.clone()));
        Self {
            endpoint,
            shared,
            link,
            wire,
            token,
            authenticator,
            etcd: OnceCell::new(),
            page_bytes: AtomicUsize::new(0),
        }
    }

    pub(crate) fn options(&self) -> &ClientOptions {
        &self.shared.options
    }

    /// The TLS files, for an `https` endpoint.
    pub(crate) fn tls_files(&self) -> Option<&TlsFiles> {
        self.endpoint.is_tls().then_some(&*self.shared.tls)
    }

    /// A token, if there is a user; another one than `refused`.
    pub(crate) async fn token_for_raw(
        &self,
        refused: Option<&SecretString>,
    ) -> Result<Option<SecretString>, Cause> {
        let Some(authenticator) = &self.authenticator else {
            return Ok(None);
        };
        let refused = refused.and_then(|token| HeaderValue::from_str(token.expose_secret()).ok());
        match refused {
            None => authenticator.ensure(&self.wire).await?,
            refused => authenticator.replace(&self.wire, refused).await?,
        }
        let token = self.token.get();
        Ok(token.and_then(|token| token.to_str().ok().map(SecretString::from)))
    }

    /// The endpoint that is asked.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// What the member says of itself (`Maintenance.Status`). Learners answer it too.
    pub async fn status(&self) -> Result<StatusAnswer, ClientError> {
        let answer = self.call(Operation::Status, || async {
            self.etcd()
                .await?
                .maintenance_client()
                .status()
                .await
                .map_err(into_status)
        });
        let answer = answer.await?;
        self.checked(Operation::Status, status_answer(&answer))
    }

    /// The members of the cluster. Without a quorum only the serializable list is answered; learners answer neither.
    ///
    /// Members before 3.5 do not know the difference and always answer the serializable one.
    pub async fn member_list(
        &self,
        consistency: Consistency,
    ) -> Result<MemberListAnswer, ClientError> {
        let linearizable = consistency == Consistency::Linearizable;
        let ask = || rpc::member_list(self.wire.clone(), linearizable);
        let answer = self.call(Operation::MemberList, ask).await?;
        self.checked(Operation::MemberList, member_list_answer(answer))
    }

    /// The active alarms, sorted. Learners do not answer this.
    pub async fn alarms(&self) -> Result<Vec<AlarmAnswer>, ClientError> {
        let answer = self
            .call(Operation::Alarms, || rpc::alarms(self.wire.clone()))
            .await?;
        Ok(alarm_answers(&answer))
    }

    /// The value of one key. The linearizable read proves that a quorum is reached through this member.
    pub async fn read(
        &self,
        key: &[u8],
        consistency: Consistency,
    ) -> Result<ReadAnswer, ClientError> {
        let answer = self.call(Operation::Read, || async {
            let mut options = GetOptions::new().with_limit(1);
            if consistency == Consistency::Serializable {
                options = options.with_serializable();
            }
            self.etcd()
                .await?
                .kv_client()
                .get(key, Some(options))
                .await
                .map_err(into_status)
        });
        let answer = answer.await?;
        self.checked(Operation::Read, read_answer(answer))
    }

    /// A hash of every key and value up to a revision, or up to the latest where it is 0. Learners do not answer this;
    /// where authentication is on, only root may ask.
    ///
    /// The member walks its whole key space for it and applies no write meanwhile, so that the call has a deadline of
    /// its own. Where that passes, the member goes on to the end.
    ///
    /// Ask for a revision above the one that it has compacted: of that one it tells, without looking, the hash that it
    /// made when it compacted, until it restarts.
    pub async fn hash_kv(
        &self,
        revision: i64,
        deadline: Duration,
    ) -> Result<HashKvAnswer, ClientError> {
        let answer = self.call_within(deadline, Operation::HashKv, || async {
            self.etcd()
                .await?
                .maintenance_client()
                .hash_kv(revision)
                .await
                .map_err(into_status)
        });
        let answer = answer.await?;
        self.checked(Operation::HashKv, hash_kv_answer(&answer))
    }

    /// The text of `/metrics`, for [`exposition::scan`](crate::exposition::scan). Needs no user.
    pub async fn metrics_page(&self) -> Result<Vec<u8>, ClientError> {
        self.dated_metrics_page().await.map(|page| page.text)
    }

    /// The same, with what the member's clock showed.
    pub async fn dated_metrics_page(&self) -> Result<PageAnswer, ClientError> {
        let limit = self.shared.options.metrics_limit_bytes;
        // A page is rarely smaller than the one before, and often a little larger.
        let expected = self.page_bytes.load(Ordering::Relaxed);
        let expected = expected.saturating_add(expected / 16);
        let page = async {
            self.shared
                .pages
                .metrics(&self.page_endpoint()?, limit, expected)
                .await
        };
        let page = self.page(Operation::MetricsPage, page).await?;
        self.page_bytes.store(page.text.len(), Ordering::Relaxed);
        Ok(page)
    }

    /// The member's own verdict (`/health`), where `/metrics` is served. Needs no user. Each call costs the member a
    /// linearizable read.
    pub async fn health(&self) -> Result<HealthAnswer, ClientError> {
        let page = async { self.shared.pages.health(&self.page_endpoint()?).await };
        self.page(Operation::Health, page).await
    }

    /// The versions of program, cluster and storage (`/version`), from the client port. Needs no user.
    pub async fn version(&self) -> Result<VersionAnswer, ClientError> {
        self.page(
            Operation::Version,
            self.shared.pages.version(&self.endpoint),
        )
        .await
    }

    /// Where its metrics page is asked, as a URL; `None` where the pattern of `metrics_url` gives none for it.
    pub fn metrics_url(&self) -> Option<String> {
        let endpoint = self.page_endpoint().ok()?;
        Some(format!(
            "{}/metrics",
            endpoint.as_str().trim_end_matches('/')
        ))
    }

    fn page_endpoint(&self) -> Result<Endpoint, Cause> {
        match &self.shared.options.metrics_url {
            None => Ok(self.endpoint.clone()),
            Some(url) => url
                .for_endpoint(&self.endpoint)
                .map_err(|error| Cause::new(ErrorKind::Other, error.to_string())),
        }
    }

    async fn page<T>(
        &self,
        operation: Operation,
        page: impl Future<Output = Result<T, Cause>>,
    ) -> Result<T, ClientError> {
        let deadline = self.shared.options.deadline;
        let answer = timeout(deadline, page).await.unwrap_or_else(|_| {
            let waited = deadline.as_secs_f64();
            let message = format!("no whole answer within {waited} s; the member hangs, is cut off, or sends without end");
            Err(Cause::new(ErrorKind::TimedOut, message))
        });
        self.checked(operation, answer)
    }

    /// Makes a call within the deadline, with a token if there is a user.
    async fn call<A, F, R>(&self, operation: Operation, ask: F) -> Result<A, ClientError>
    where
        F: Fn() -> R,
        R: Future<Output = Result<A, Status>>,
    {
        self.call_within(self.shared.options.deadline, operation, ask)
            .await
    }

    async fn call_within<A, F, R>(
        &self,
        deadline: Duration,
        operation: Operation,
        ask: F,
    ) -> Result<A, ClientError>
    where
        F: Fn() -> R,
        R: Future<Output = Result<A, Status>>,
    {
        let began = Instant::now();
        let answer = timeout(deadline, self.attempt(ask)).await;
        self.checked(
            operation,
            answer.unwrap_or_else(|_| Err(self.link.timed_out(began, deadline))),
        )
    }

    async fn attempt<A, F, R>(&self, ask: F) -> Result<A, Cause>
    where
        F: Fn() -> R,
        R: Future<Output = Result<A, Status>>,
    {
        let Some(authenticator) = &self.authenticator else {
            return ask().await.map_err(|status| classify_status(&status));
        };
        authenticator.ensure(&self.wire).await?;
        let token = self.token.get();
        let cause = match ask().await {
            Ok(answer) => return Ok(answer),
            Err(status) => classify_status(&status),
        };
        if cause.kind != ErrorKind::Unauthenticated {
            return Err(cause);
        }
        authenticator.replace(&self.wire, token).await?;
        ask().await.map_err(|status| classify_status(&status))
    }

    fn checked<A>(&self, operation: Operation, answer: Result<A, Cause>) -> Result<A, ClientError> {
        answer.map_err(|cause| ClientError::new(operation, Some(&self.endpoint), cause))
    }

    async fn etcd(&self) -> Result<&Client, Status> {
        let make = || async {
            let channel = Channel::Custom(BoxCloneSyncService::new(self.wire.clone()));
            Client::from_channel(channel, None)
                .await
                .map(EtcdClient)
                .map_err(into_status)
        };
        self.etcd
            .get_or_try_init(make)
            .await
            .map(|client| &client.0)
    }
}

/// etcd's own client has no `Debug`.
struct EtcdClient(Client);

impl std::fmt::Debug for EtcdClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EtcdClient")
    }
}

/// etcd-client's error has no source of its own, but holds the status, which has.
fn into_status(error: etcd_client::Error) -> Status {
    match error {
        etcd_client::Error::GRpcStatus(status) => status,
        other => Status::unknown(other.to_string()),
    }
}

fn bad(reason: &str) -> Cause {
    Cause::new(
        ErrorKind::BadAnswer,
        format!("{reason}; check that this is etcd's client port"),
    )
}

fn status_answer(answer: &etcd_client::StatusResponse) -> Result<StatusAnswer, Cause> {
    let header = answer
        .header()
        .ok_or_else(|| bad("the status has no header"))?;
    let version = clean(answer.version());
    let reports_applied = answer.raft_applied_index() > 0 || !is_before_3_4(&version);
    Ok(StatusAnswer {
        cluster_id: header.cluster_id(),
        member_id: header.member_id(),
        revision: header.revision(),
        raft_term: answer.raft_term(),
        raft_index: answer.raft_index(),
        raft_applied_index: reports_applied.then(|| answer.raft_applied_index()),
        leader: Some(answer.leader()).filter(|id| *id != 0),
        is_learner: answer.is_learner(),
        db_size_bytes: answer.db_size(),
        db_size_in_use_bytes: answer.raft_used_db_size(),
        db_quota_bytes: Some(answer.db_size_quota()).filter(|quota| *quota != 0),
        storage_version: Some(clean(answer.storage_version())).filter(|text| !text.is_empty()),
        downgrade_target: answer
            .downgrade_info()
            .filter(|downgrade| downgrade.enabled())
            .map(|downgrade| clean(downgrade.target_version())),
        errors: answer
            .errors()
            .iter()
            .take(MAX_ERRORS)
            .map(|text| clean(text))
            .collect(),
        version,
    })
}

fn is_before_3_4(version: &str) -> bool {
    ["3.0.", "3.1.", "3.2.", "3.3."]
        .iter()
        .any(|old| version.starts_with(old))
}

fn member_list_answer(answer: rpc::MemberListResponse) -> Result<MemberListAnswer, Cause> {
    let header = answer
        .header
        .ok_or_else(|| bad("the member list has no header"))?;
    if answer.members.len() > MAX_LISTED {
        return Err(bad("the member list has more than 256 members"));
    }
    let mut members: Vec<_> = answer.members.into_iter().map(member_entry).collect();
    members.sort_by_key(|member| member.id);
    Ok(MemberListAnswer {
        cluster_id: header.cluster_id,
        members,
    })
}

fn member_entry(member: rpc::Member) -> MemberEntry {
    let urls = |urls: Vec<String>| urls.iter().take(MAX_URLS).map(|url| clean(url)).collect();
    MemberEntry {
        id: member.id,
        name: clean(&member.name),
        client_urls: urls(member.client_urls),
        peer_urls: urls(member.peer_urls),
        is_learner: member.is_learner,
    }
}

fn alarm_answers(answer: &rpc::AlarmResponse) -> Vec<AlarmAnswer> {
    let kind = |alarm| match alarm {
        1 => AlarmKind::NoSpace,
        2 => AlarmKind::Corrupt,
        _ => AlarmKind::Unknown,
    };
    let mut alarms: Vec<_> = answer
        .alarms
        .iter()
        .take(MAX_LISTED)
        .map(|alarm| AlarmAnswer {
            member: Some(alarm.member_id).filter(|id| *id != 0),
            kind: kind(alarm.alarm),
        })
        .collect();
    alarms.sort_unstable();
    alarms
}

fn hash_kv_answer(answer: &etcd_client::HashKvResponse) -> Result<HashKvAnswer, Cause> {
    let header = answer
        .header()
        .ok_or_else(|| bad("the hash has no header"))?;
    Ok(HashKvAnswer {
        cluster_id: header.cluster_id(),
        member_id: header.member_id(),
        revision: header.revision(),
        hash: answer.hash(),
        compact_revision: answer.compact_version(),
        hash_revision: Some(answer.hash_revision()).filter(|revision| *revision > 0),
    })
}

fn read_answer(mut answer: etcd_client::GetResponse) -> Result<ReadAnswer, Cause> {
    let header = answer
        .take_header()
        .ok_or_else(|| bad("the answer has no header"))?;
    let value = answer.take_kvs().pop().map(|pair| pair.into_key_value().1);
    Ok(ReadAnswer {
        cluster_id: header.cluster_id(),
        member_id: header.member_id(),
        revision: header.revision(),
        value,
    })
}
