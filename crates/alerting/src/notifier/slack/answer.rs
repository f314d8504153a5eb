//! What Slack's Web API answers.

use serde::Deserialize;

use super::Posted;

/// An answer of the Web API, which comes with the status 200 in either case.
pub(super) enum Answer {
    Done(Posted),
    /// With Slack's code, such as `channel_not_found`.
    Refused(String),
}

#[derive(Deserialize)]
struct Raw {
    ok: bool,
    #[serde(default)]
    error: String,
    #[serde(default)]
    channel: String,
    #[serde(default)]
    ts: String,
}

impl Answer {
    /// `None`: the text is no answer of Slack's.
    pub(super) fn parse(body: &str) -> Option<Self> {
        let raw: Raw = serde_json::from_str(body).ok()?;
        if raw.ok {
            let (channel, ts) = (raw.channel, raw.ts);
            return Some(Self::Done(Posted { channel, ts }));
        }
        Some(Self::Refused(raw.error))
    }
}

/// Whether another attempt may work after this code.
pub(super) fn is_temporary(code: &str) -> bool {
    matches!(
        code,
        "ratelimited"
            | "rate_limited"
            | "message_limit_exceeded"
            | "internal_error"
            | "fatal_error"
            | "service_unavailable"
            | "request_timeout"
            | "team_added_to_org"
    )
}

/// What to do about a code, of the Web API or of an incoming webhook.
pub(super) fn advice(code: &str) -> Option<&'static str> {
    Some(match code {
        "invalid_auth" | "not_authed" | "account_inactive" | "token_revoked" | "token_expired"
        | "no_permission" => {
            "the bot's token is not valid (any more): install the app anew and give its xoxb- token"
        }
        "not_allowed_token_type" => "give the bot's token (xoxb-…), not one of another kind",
        "missing_scope" => "give the bot the scope chat:write and install the app anew",
        "channel_not_found" => "check the channel, and invite the bot to it where it is private",
        "not_in_channel" => "invite the bot to the channel: /invite @BOT",
        "is_archived" | "channel_is_archived" => "the channel is archived: give another one",
        "restricted_action" | "action_prohibited" | "posting_to_general_channel_denied" => {
            "an administrator of the workspace forbids it to write there"
        }
        "no_service" | "no_service_id" | "no_team" | "invalid_token" | "team_disabled" => {
            "the incoming webhook was removed or disabled: make a new one"
        }
        _ => return None,
    })
}
