//! The calls that we make with messages of our own.
//!
//! `MemberList`, because etcd-client 0.21 cannot ask for the linearizable one. `Alarm`, because etcd-client 0.21 reads
//! the alarm kinds of an answer as a Rust enum without checking them, which is undefined behaviour on a kind it does not
//! know. `Authenticate`, because its own refresh would neither read a password file again nor back off. `LeaseKeepAlive`, because
//! etcd-client takes a stream for each lease.

use http::uri::PathAndQuery;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::client::Grpc;
use tonic::{Request, Status, Streaming};
use tonic_prost::ProstCodec;

use crate::link::Wire;

/// Largest answer that is decoded. A member list of 64 members with long URLs has about 30 KB.
pub(crate) const MAX_ANSWER_BYTES: usize = 4 << 20;

#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(crate) struct Header {
    #[prost(uint64, tag = "1")]
    pub(crate) cluster_id: u64,
    #[prost(uint64, tag = "2")]
    pub(crate) member_id: u64,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(crate) struct MemberListRequest {
    #[prost(bool, tag = "1")]
    pub(crate) linearizable: bool,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct MemberListResponse {
    #[prost(message, optional, tag = "1")]
    pub(crate) header: Option<Header>,
    #[prost(message, repeated, tag = "2")]
    pub(crate) members: Vec<Member>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Member {
    #[prost(uint64, tag = "1")]
    pub(crate) id: u64,
    #[prost(string, tag = "2")]
    pub(crate) name: String,
    #[prost(string, repeated, tag = "3")]
    pub(crate) peer_urls: Vec<String>,
    #[prost(string, repeated, tag = "4")]
    pub(crate) client_urls: Vec<String>,
    #[prost(bool, tag = "5")]
    pub(crate) is_learner: bool,
}

/// All fields at their defaults mean: GET, of all members, all kinds.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(crate) struct AlarmRequest {}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct AlarmResponse {
    #[prost(message, repeated, tag = "2")]
    pub(crate) alarms: Vec<AlarmMember>,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(crate) struct AlarmMember {
    #[prost(uint64, tag = "1")]
    pub(crate) member_id: u64,
    #[prost(int32, tag = "2")]
    pub(crate) alarm: i32,
}

// The derived `Debug` would print the password.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(crate) struct AuthenticateRequest {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(string, tag = "2")]
    pub(crate) password: String,
}

impl std::fmt::Debug for AuthenticateRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuthenticateRequest")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(crate) struct AuthenticateResponse {
    #[prost(string, tag = "2")]
    pub(crate) token: String,
}

impl std::fmt::Debug for AuthenticateResponse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuthenticateResponse")
            .finish_non_exhaustive()
    }
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(crate) struct KeepAliveRequest {
    #[prost(int64, tag = "1")]
    pub(crate) id: i64,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(crate) struct KeepAliveResponse {
    #[prost(int64, tag = "2")]
    pub(crate) id: i64,
    #[prost(int64, tag = "3")]
    pub(crate) ttl: i64,
}

pub(crate) async fn member_list(
    wire: Wire,
    linearizable: bool,
) -> Result<MemberListResponse, Status> {
    unary(
        wire,
        "/etcdserverpb.Cluster/MemberList",
        MemberListRequest { linearizable },
    )
    .await
}

pub(crate) async fn alarms(wire: Wire) -> Result<AlarmResponse, Status> {
    unary(wire, "/etcdserverpb.Maintenance/Alarm", AlarmRequest {}).await
}

pub(crate) async fn authenticate(
    wire: Wire,
    request: AuthenticateRequest,
) -> Result<AuthenticateResponse, Status> {
    unary(wire, AUTHENTICATE, request).await
}

/// Returns when the first answer comes.
pub(crate) async fn keep_alive(
    wire: Wire,
    requests: mpsc::Receiver<KeepAliveRequest>,
) -> Result<Streaming<KeepAliveResponse>, Status> {
    let mut grpc = Grpc::new(wire).max_decoding_message_size(MAX_ANSWER_BYTES);
    let path = PathAndQuery::from_static("/etcdserverpb.Lease/LeaseKeepAlive");
    let requests = Request::new(ReceiverStream::new(requests));
    let codec = ProstCodec::<KeepAliveRequest, KeepAliveResponse>::default();
    let answers = grpc.streaming(requests, path, codec).await?;
    Ok(answers.into_inner())
}

/// The one call that carries no token.
pub(crate) const AUTHENTICATE: &str = "/etcdserverpb.Auth/Authenticate";

async fn unary<Q, A>(wire: Wire, path: &'static str, request: Q) -> Result<A, Status>
where
    Q: prost::Message + 'static,
    A: prost::Message + Default + 'static,
{
    let mut grpc = Grpc::new(wire).max_decoding_message_size(MAX_ANSWER_BYTES);
    let path = PathAndQuery::from_static(path);
    let answer = grpc
        .unary(Request::new(request), path, ProstCodec::<Q, A>::default())
        .await?;
    Ok(answer.into_inner())
}
