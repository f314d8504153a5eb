//! The port of a fake member: gRPC and pages, HTTP/1 and HTTP/2.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use etcd_client::proto::{
    PbAlarmMember, PbAlarmRequest, PbAlarmResponse, PbMember, PbMemberListRequest,
    PbMemberListResponse, PbRangeRequest, PbRangeResponse, PbResponseHeader, PbStatusRequest,
    PbStatusResponse,
};
use etcd_client::{AlarmAction, AlarmType};
use http::{Request, Response, StatusCode};
use hyper::body::{Bytes, Frame, Incoming, SizeHint};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::sleep;
use tonic::body::Body;
use tonic::server::{Grpc, UnaryService};
use tonic::{Code, Status};
use tonic_prost::ProstCodec;

use super::script::{Answers, FakePeer, FakeRoute, Page, Script};

/// After a failed accept: out of descriptors, most likely, and at once it would fail again.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves until it is aborted; its connections end with it.
pub(super) async fn run(listener: TcpListener, script: Arc<Script>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => drop(connections.spawn(serve(stream, Arc::clone(&script)))),
                Err(_) => sleep(ACCEPT_PAUSE).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(stream: TcpStream, script: Arc<Script>) {
    let service = service_fn(move |request| {
        let script = Arc::clone(&script);
        async move { Ok::<_, Infallible>(answer(request, &script).await) }
    });
    let builder = auto::Builder::new(TokioExecutor::new());
    // A client that breaks off is not an error of the fake.
    let _ = builder
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn answer(request: Request<Incoming>, script: &Script) -> Response<Body> {
    let route = route(request.uri().path());
    script.arrive(route).await;
    match route {
        FakeRoute::Status => unary(request, script, route, status).await,
        FakeRoute::MemberList => unary(request, script, route, member_list).await,
        FakeRoute::Alarm => unary(request, script, route, alarm).await,
        FakeRoute::Range => unary(request, script, route, range).await,
        FakeRoute::Metrics => page(script.answers().metrics.clone()),
        FakeRoute::Health => page(script.answers().health.clone()),
        FakeRoute::Version => page(script.answers().version.clone()),
        FakeRoute::Other => other(&request),
    }
}

fn route(path: &str) -> FakeRoute {
    match path {
        "/etcdserverpb.Maintenance/Status" => FakeRoute::Status,
        "/etcdserverpb.Cluster/MemberList" => FakeRoute::MemberList,
        "/etcdserverpb.Maintenance/Alarm" => FakeRoute::Alarm,
        "/etcdserverpb.KV/Range" => FakeRoute::Range,
        "/metrics" => FakeRoute::Metrics,
        "/health" => FakeRoute::Health,
        "/version" => FakeRoute::Version,
        _ => FakeRoute::Other,
    }
}

fn other(request: &Request<Incoming>) -> Response<Body> {
    let content_type = request.headers().get(http::header::CONTENT_TYPE);
    if content_type.is_some_and(|value| value.as_bytes().starts_with(b"application/grpc")) {
        return Status::unimplemented("the fake member does not know this call").into_http();
    }
    page(Page::with_code(404, "404 page not found\n"))
}

/// Answers a unary call with what `respond` makes of the script, unless the route is refused.
async fn unary<Q, A>(
    request: Request<Incoming>,
    script: &Script,
    route: FakeRoute,
    respond: impl Fn(PbResponseHeader, &Answers, Q) -> Result<A, Status>,
) -> Response<Body>
where
    Q: prost::Message + Default + Send + 'static,
    A: prost::Message + Send + 'static,
{
    let call = |question: Q| {
        let answers = script.answers();
        if let Some((code, message)) = answers.refusals.get(&route) {
            return Err(Status::new(Code::from_i32(*code), message));
        }
        respond(header(script, &answers), &answers, question)
    };
    Grpc::new(ProstCodec::<A, Q>::default())
        .unary(Call(call), request)
        .await
}

/// A function as a gRPC service.
struct Call<F>(F);

impl<Q, A, F: FnMut(Q) -> Result<A, Status>> UnaryService<Q> for Call<F> {
    type Response = A;
    type Future = Ready<Result<tonic::Response<A>, Status>>;

    fn call(&mut self, request: tonic::Request<Q>) -> Self::Future {
        ready((self.0)(request.into_inner()).map(tonic::Response::new))
    }
}

fn header(script: &Script, answers: &Answers) -> PbResponseHeader {
    PbResponseHeader {
        cluster_id: script.cluster_id,
        member_id: script.member_id,
        revision: answers.revision,
        raft_term: answers.status.raft_term,
    }
}

#[allow(clippy::unnecessary_wraps, reason = "all answers have one type")]
fn status(
    header: PbResponseHeader,
    answers: &Answers,
    _: PbStatusRequest,
) -> Result<PbStatusResponse, Status> {
    let status = answers.status.clone();
    Ok(PbStatusResponse {
        header: Some(header),
        version: status.version,
        db_size: status.db_size,
        leader: status.leader,
        raft_index: status.raft_index,
        raft_term: status.raft_term,
        raft_applied_index: status.raft_applied_index,
        errors: status.errors,
        db_size_in_use: status.db_size_in_use,
        is_learner: status.is_learner,
        storage_version: status.storage_version,
        db_size_quota: status.db_size_quota,
        downgrade_info: None,
    })
}

#[allow(clippy::unnecessary_wraps, reason = "all answers have one type")]
fn member_list(
    header: PbResponseHeader,
    answers: &Answers,
    _: PbMemberListRequest,
) -> Result<PbMemberListResponse, Status> {
    let members = answers.members.iter().cloned().map(member).collect();
    Ok(PbMemberListResponse {
        header: Some(header),
        members,
    })
}

fn member(peer: FakePeer) -> PbMember {
    PbMember {
        id: peer.id,
        name: peer.name,
        peer_ur_ls: peer.peer_urls,
        client_ur_ls: peer.client_urls,
        is_learner: peer.is_learner,
    }
}

fn alarm(
    header: PbResponseHeader,
    answers: &Answers,
    question: PbAlarmRequest,
) -> Result<PbAlarmResponse, Status> {
    if question.action != AlarmAction::Get as i32 {
        return Err(Status::unimplemented("the fake member only lists alarms"));
    }
    let alarms = answers
        .alarms
        .iter()
        .map(|(member_id, kind)| PbAlarmMember {
            member_id: *member_id,
            alarm: AlarmType::from(*kind) as i32,
        });
    Ok(PbAlarmResponse {
        header: Some(header),
        alarms: alarms.collect(),
    })
}

#[allow(clippy::unnecessary_wraps, reason = "all answers have one type")]
fn range(
    header: PbResponseHeader,
    _: &Answers,
    _: PbRangeRequest,
) -> Result<PbRangeResponse, Status> {
    Ok(PbRangeResponse {
        header: Some(header),
        kvs: Vec::new(),
        more: false,
        count: 0,
    })
}

fn page(page: Page) -> Response<Body> {
    let mut response = Response::new(Body::new(Repeated {
        content: page.content,
        left: page.length,
    }));
    *response.status_mut() = StatusCode::from_u16(page.code).unwrap_or(StatusCode::OK);
    let text = http::HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, text);
    response
}

/// A body that repeats its content until it is long enough.
struct Repeated {
    content: Bytes,
    left: u64,
}

impl hyper::body::Body for Repeated {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let length = (self.content.len() as u64).min(self.left);
        if length == 0 {
            return Poll::Ready(None);
        }
        self.left -= length;
        // Not longer than the content, which has a length in memory.
        let end = usize::try_from(length).unwrap_or(self.content.len());
        Poll::Ready(Some(Ok(Frame::data(self.content.slice(..end)))))
    }

    /// Becomes the `Content-Length` of a page that is not endless.
    fn size_hint(&self) -> SizeHint {
        let known = self.left <= self.content.len() as u64;
        if known {
            SizeHint::with_exact(self.left)
        } else {
            SizeHint::default()
        }
    }
}
