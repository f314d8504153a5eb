//! One member, asked everything at once.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use etcd_monitor_client::discovery::{Origin, Target};
use etcd_monitor_client::{ClientError, ClusterClient, Consistency, MemberClient};
use etcd_monitor_model::{
    EndpointOrigin, FailureKind, MemberId, MemberObservation, MembershipView, Probe, ProbeFailure,
    ReadAnswer,
};
use jiff::Timestamp;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};

use super::answers;
use super::pages::PageKeeper;
use crate::metrics_page::read_metrics_page;

/// The key that reads ask for. It need not exist: that the read is served is what counts.
const READ_KEY: &[u8] = b"etcd-monitor/probe";

/// How much earlier the calls go out than what can wait. The page: rendering it costs a member milliseconds of CPU,
/// which would be measured as the latency of its reads. The serializable read: it tells "no quorum" from "not served",
/// which is of interest only where the linearizable read is not back by then.
const HEAD_START: Duration = Duration::from_millis(100);

/// Asks one target five RPCs at once, a sixth where the linearizable read does not succeed at once, and then one page.
/// Ends 100 ms after the client's deadline at the latest.
pub(super) async fn observe(
    client: &ClusterClient,
    target: Target,
    pages: &PageKeeper,
) -> MemberObservation {
    let endpoint = target
        .endpoint
        .as_ref()
        .map_or(target.advertised.as_str(), |endpoint| endpoint.as_str());
    let mut seen = unasked(endpoint, &target);
    match (&target.refused, &target.endpoint) {
        // All calls at once make a future too large for the stack of a small task.
        (None, Some(endpoint)) => Box::pin(ask(&client.member(endpoint), &mut seen, pages)).await,
        (refused, _) => seen.status = Some(not_allowed(refused.as_deref())),
    }
    seen
}

pub(super) fn unasked(endpoint: &str, target: &Target) -> MemberObservation {
    MemberObservation {
        endpoint: endpoint.to_owned(),
        origin: match target.origin {
            Origin::Configured => EndpointOrigin::Configured,
            Origin::Discovered => EndpointOrigin::Discovered,
        },
        expected_member: target.member_id.map(MemberId),
        status: None,
        members_serializable: None,
        members_linearizable: None,
        alarms: None,
        read_linearizable: None,
        read_serializable: None,
        metrics: None,
        clock: None,
        trust: None,
        metrics_url: None,
    }
}

fn not_allowed<T>(reason: Option<&str>) -> Probe<T> {
    let message = reason
        .unwrap_or("the advertised URL is not usable")
        .to_owned();
    Probe {
        at: Timestamp::now(),
        took_seconds: 0.0,
        result: Err(ProbeFailure {
            kind: FailureKind::NotAllowed,
            message,
        }),
    }
}

async fn ask(member: &Arc<MemberClient>, seen: &mut MemberObservation, pages: &PageKeeper) {
    seen.metrics_url = member.metrics_url();
    let endpoint = seen.endpoint.clone();
    let (answered, calls_answered) = oneshot::channel();
    let calls = async {
        // On the heap: all calls at once make a large future.
        Box::pin(ask_calls(member, seen)).await;
        // The page may be under way already; then nobody waits.
        let _ = answered.send(());
    };
    let page = async {
        let _ = timeout(HEAD_START, calls_answered).await;
        let mut clock = None;
        let page = probe(member.dated_metrics_page(), |answer| {
            pages.offer(&endpoint, Timestamp::now(), &answer.text);
            clock = answer.date.and_then(|date| answers::clock(&date));
            read_metrics_page(&answer.text)
        });
        (page.await, clock)
    };
    let ((), (metrics, clock)) = tokio::join!(calls, page);
    seen.metrics = Some(metrics);
    seen.clock = clock;
}

async fn ask_calls(member: &Arc<MemberClient>, seen: &mut MemberObservation) {
    let (status, serializable, linearizable, alarms, (read, own_read)) = tokio::join!(
        probe(member.status(), answers::status),
        members(member, Consistency::Serializable),
        members(member, Consistency::Linearizable),
        probe(member.alarms(), answers::alarms),
        reads(member),
    );
    seen.status = Some(status);
    seen.members_serializable = Some(serializable);
    seen.members_linearizable = Some(linearizable);
    seen.alarms = Some(alarms);
    seen.read_linearizable = Some(read);
    seen.read_serializable = own_read;
}

/// The linearizable read, and the serializable one where the first failed or took longer than its head start: a member
/// answers both from its own data, so that the success of the first says all that the second could.
async fn reads(member: &Arc<MemberClient>) -> (Probe<ReadAnswer>, Option<Probe<ReadAnswer>>) {
    let mut linearizable = pin!(read(member, Consistency::Linearizable));
    let own = read(member, Consistency::Serializable);
    match timeout(HEAD_START, &mut linearizable).await {
        Ok(answer) if answer.result.is_ok() => (answer, None),
        Ok(failed) => (failed, Some(own.await)),
        Err(_) => {
            let (answer, own) = tokio::join!(linearizable, own);
            (answer, Some(own))
        }
    }
}

pub(super) async fn probe<A, T>(
    call: impl Future<Output = Result<A, ClientError>>,
    into: impl FnOnce(A) -> T,
) -> Probe<T> {
    let at = Timestamp::now();
    let began = Instant::now();
    let result = call
        .await
        .map(into)
        .map_err(|error| answers::failure(&error));
    Probe {
        at,
        took_seconds: began.elapsed().as_secs_f64(),
        result,
    }
}

/// A user who may not see the key is refused only after the quorum was confirmed and the read served: for the
/// question "does the read work" that is a yes.
async fn read(member: &Arc<MemberClient>, consistency: Consistency) -> Probe<ReadAnswer> {
    let mut read = probe(member.read(READ_KEY, consistency), |answer| {
        answers::read(&answer)
    })
    .await;
    if read
        .failure()
        .is_some_and(|failure| failure.kind == FailureKind::PermissionDenied)
    {
        read.result = Ok(ReadAnswer { revision: None });
    }
    read
}

async fn members(member: &Arc<MemberClient>, consistency: Consistency) -> Probe<MembershipView> {
    probe(member.member_list(consistency), answers::membership).await
}
