//! Silences: what people have asked not to be told, by this route and by `etcd-monitor silence` alike.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use etcd_monitor_alerting::{
    Alert, AlertState, AlertsView, Matcher, MutedBy, Silence, SilenceState,
};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::configuration::Nothing;
use super::{Named, author};
use crate::access::Caller;
use crate::body::Body;
use crate::page;
use crate::parameters::Parameters;
use crate::problem::Problem;
use crate::source::Source;

/// Which silences are asked for.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// Whether those that are over are told too.
    #[serde(default)]
    #[param(default = false)]
    expired: bool,
    /// The most of a page.
    #[param(minimum = 1, maximum = 1_000, default = 100)]
    limit: Option<usize>,
    /// A cursor: `next` of the page before.
    after: Option<String>,
}

/// A silence that is to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewSilence {
    /// What is silenced: alerts that all of these match, such as `cluster=prod` and `member=~"m[12]"`.
    #[schema(min_items = 1, example = json!(["cluster=prod"]))]
    matchers: Vec<String>,
    /// How long it lasts. Either this or `ends_at`.
    #[schema(nullable = false, exclusive_minimum = 0)]
    duration_seconds: Option<f64>,
    /// When it begins. Left out, or in the past: now.
    #[schema(nullable = false)]
    starts_at: Option<Timestamp>,
    /// When it ends. Either this or `duration_seconds`.
    #[schema(nullable = false)]
    ends_at: Option<Timestamp>,
    /// Why.
    comment: String,
    /// Who says so; counts where the caller has no name, and is needed there.
    #[schema(nullable = false)]
    author: Option<String>,
}

/// A silence, and where it stands.
#[derive(Debug, Serialize, ToSchema)]
struct SilenceLine {
    id: String,
    /// What is silenced: alerts that all of these match.
    matchers: Vec<String>,
    starts_at: Timestamp,
    ends_at: Timestamp,
    author: String,
    /// Why.
    comment: String,
    state: SilenceState,
}

/// A page of silences, in the order in which they end.
#[derive(Debug, Serialize, ToSchema)]
struct Silences {
    silences: Vec<SilenceLine>,
    /// The cursor to the page after; null where there is none.
    next: Option<String>,
}

impl SilenceLine {
    fn of(silence: Silence, now: Timestamp) -> Self {
        Self {
            state: silence.state_at(now),
            matchers: silence.matchers.iter().map(ToString::to_string).collect(),
            id: silence.id,
            starts_at: silence.starts_at,
            ends_at: silence.ends_at,
            author: silence.author,
            comment: silence.comment,
        }
    }
}

/// What people have asked not to be told, in the order in which it ends.
#[utoipa::path(
    get,
    path = "/api/v1/silences",
    tag = "Silences",
    params(Wanted),
    responses(
        (status = 200, description = "A page of silences", body = Silences),
        (status = 404, description = "`no_mutes`: this monitor keeps none"),
        (status = 503, description = "`mutes_unavailable`: the file cannot be read or changed"),
    )
)]
pub(crate) async fn list(
    State(source): State<Source>,
    Parameters(wanted): Parameters<Wanted>,
) -> Result<Response, Problem> {
    let limit = page::limit(wanted.limit)?;
    let after = wanted.after.as_deref().map(cursor).transpose()?;
    let now = Timestamp::now();
    let mut silences = source.mutes()?.read(now).await?.silences;
    silences.retain(|silence| wanted.expired || silence.ends_at > now);
    silences.sort_by(|one, other| place(one).cmp(&place(other)));
    if let Some((ends_at, id)) = after {
        silences.retain(|silence| place(silence) > (ends_at, id));
    }
    let (silences, more) = page::first(silences, limit);
    let next = silences.last().filter(|_| more).map(cursor_after);
    let silences = silences
        .into_iter()
        .map(|silence| SilenceLine::of(silence, now))
        .collect();
    Ok(Json(Silences { silences, next }).into_response())
}

/// Where a silence is in the list.
fn place(silence: &Silence) -> (Timestamp, &str) {
    (silence.ends_at, &silence.id)
}

fn cursor_after(silence: &Silence) -> String {
    format!("{}_{}", silence.ends_at, silence.id)
}

fn cursor(text: &str) -> Result<(Timestamp, &str), Problem> {
    let bad = || page::bad_cursor("after");
    let (ends_at, id) = text.rsplit_once('_').ok_or_else(bad)?;
    Ok((ends_at.parse().map_err(|_| bad())?, id))
}

/// Silences alerts.
///
/// Answered once it is kept and alerting goes by it.
#[utoipa::path(
    post,
    path = "/api/v1/silences",
    tag = "Silences",
    request_body = NewSilence,
    responses(
        (status = 201, description = "The silence", body = SilenceLine),
        (status = 404, description = "`no_mutes`: this monitor keeps none"),
        (status = 409, description = "`too_many_silences`: as many as are kept are there already"),
        (status = 503, description = "`mutes_unavailable`: the file cannot be read or changed"),
    )
)]
pub(crate) async fn add(
    State(source): State<Source>,
    Extension(caller): Extension<Caller>,
    Body(wanted): Body<NewSilence>,
) -> Result<Response, Problem> {
    let now = Timestamp::now();
    let silence = checked(&wanted, &caller, now)?;
    let desk = source.mutes()?;
    let added = silence.clone();
    desk.change(move |file| file.add_silence(added, now))
        .await?;
    desk.shown(|view| is_shown(view, &silence, now)).await;
    let line = SilenceLine::of(silence, now);
    Ok((StatusCode::CREATED, Json(line)).into_response())
}

fn checked(wanted: &NewSilence, caller: &Caller, now: Timestamp) -> Result<Silence, Problem> {
    let matchers = wanted.matchers.iter().map(|text| matcher(text));
    let matchers = matchers.collect::<Result<Vec<_>, _>>()?;
    let starts_at = wanted.starts_at.unwrap_or(now).max(now);
    let ends_at = ends_at(wanted, starts_at)?;
    let author = author(caller, wanted.author.as_deref())?;
    Silence::new(matchers, starts_at, ends_at, author, &wanted.comment)
        .map_err(|error| Problem::bad_body(&error.to_string()))
}

fn matcher(text: &str) -> Result<Matcher, Problem> {
    text.parse()
        .map_err(|error| Problem::bad_body(&format!("matchers: {error}")))
}

fn ends_at(wanted: &NewSilence, starts_at: Timestamp) -> Result<Timestamp, Problem> {
    match (wanted.duration_seconds, wanted.ends_at) {
        (None, Some(ends_at)) => Ok(ends_at),
        (Some(seconds), None) => SignedDuration::try_from_secs_f64(seconds)
            .ok()
            .filter(SignedDuration::is_positive)
            .and_then(|duration| starts_at.checked_add(duration).ok())
            .ok_or_else(|| {
                let reason = format!("duration_seconds: {seconds} is no time that a silence lasts");
                Problem::bad_body(&reason)
            }),
        _ => Err(Problem::bad_body(
            "say how long it lasts with one of duration_seconds and ends_at",
        )),
    }
}

/// Ends a silence now.
#[utoipa::path(
    delete,
    path = "/api/v1/silences/{id}",
    tag = "Silences",
    params(("id" = String, Path, description = "The id of a silence")),
    request_body = Nothing,
    responses(
        (status = 200, description = "The silence that is over", body = SilenceLine),
        (status = 404, description = "`silence_unknown`: no silence has this id; `no_mutes`: this monitor keeps none"),
        (status = 409, description = "`silence_over`: it is over already"),
        (status = 503, description = "`mutes_unavailable`: the file cannot be read or changed"),
    )
)]
pub(crate) async fn expire(
    State(source): State<Source>,
    Named(id): Named,
) -> Result<Response, Problem> {
    let now = Timestamp::now();
    let desk = source.mutes()?;
    let of_file = id.clone();
    let silence = desk
        .change(move |file| file.expire_silence(&of_file, now))
        .await?;
    let by_it = MutedBy::Silence(id);
    desk.shown(|view| {
        view.active
            .iter()
            .all(|it| it.muted_by.as_ref() != Some(&by_it))
    })
    .await;
    Ok(Json(SilenceLine::of(silence, now)).into_response())
}

/// Whether every alert that it mutes says that something does.
fn is_shown(view: &AlertsView, silence: &Silence, now: Timestamp) -> bool {
    let told = |alert: &&Alert| alert.state == AlertState::Firing && silence.mutes(alert, now);
    let mut muted = view.active.iter().filter(told);
    muted.all(|alert| alert.muted_by.is_some())
}
