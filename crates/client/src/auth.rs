//! User and password: getting a token, replacing one that is refused, and not offering a refused password again and again.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use backon::ExponentialBackoff;
use http::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use tokio::io::AsyncReadExt;
use tokio::time::Instant;

use crate::error::{Cause, ErrorKind, classify_status};
use crate::link::Wire;
use crate::options::{Credentials, Password};
use crate::pause::pauses;
use crate::rpc::{self, AuthenticateRequest};

/// Pauses after a refused password. An attempt costs the member a bcrypt hash (about 70 ms of one core).
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// Largest password file that is read.
const MAX_PASSWORD_BYTES: u64 = 4096;

/// The token that calls carry now, shared by all calls to one member.
#[derive(Debug, Clone, Default)]
pub(crate) struct Token(Arc<Mutex<Option<HeaderValue>>>);

impl Token {
    pub(crate) fn get(&self) -> Option<HeaderValue> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn set(&self, token: Option<HeaderValue>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = token;
    }
}

/// Authenticates one user at one member.
#[derive(Debug)]
pub(crate) struct Authenticator {
    credentials: Credentials,
    token: Token,
    state: tokio::sync::Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// The member answered that authentication is not enabled.
    not_enabled: bool,
    refused: Option<Refused>,
    pauses: ExponentialBackoff,
}

#[derive(Debug)]
struct Refused {
    until: Instant,
    password: SecretString,
    cause: Cause,
}

impl Authenticator {
    pub(crate) fn new(credentials: Credentials, token: Token) -> Self {
        let state = State {
            not_enabled: false,
            refused: None,
            pauses: pauses(FIRST_PAUSE, LONGEST_PAUSE),
        };
        Self {
            credentials,
            token,
            state: tokio::sync::Mutex::new(state),
        }
    }

    /// Makes sure that there is a token, if the cluster wants one.
    pub(crate) async fn ensure(&self, wire: &Wire) -> Result<(), Cause> {
        if self.token.get().is_some() {
            return Ok(());
        }
        let mut state = self.state.lock().await;
        if state.not_enabled || self.token.get().is_some() {
            return Ok(());
        }
        self.authenticate(&mut state, wire).await
    }

    /// Replaces a token that a member refused, unless another call has done so meanwhile.
    pub(crate) async fn replace(
        &self,
        wire: &Wire,
        refused: Option<HeaderValue>,
    ) -> Result<(), Cause> {
        let mut state = self.state.lock().await;
        let now = self.token.get();
        if now.is_some() && now != refused {
            return Ok(());
        }
        self.token.set(None);
        self.authenticate(&mut state, wire).await
    }

    async fn authenticate(&self, state: &mut State, wire: &Wire) -> Result<(), Cause> {
        let password = read_password(&self.credentials.password).await?;
        if let Some(refused) = &state.refused
            && Instant::now() < refused.until
            && refused.password.expose_secret() == password.expose_secret()
        {
            return Err(refused.cause.clone());
        }
        let request = AuthenticateRequest {
            name: self.credentials.user.clone(),
            password: password.expose_secret().to_owned(),
        };
        match rpc::authenticate(wire.clone(), request).await {
            Ok(answer) => self.accepted(state, &answer.token),
            Err(status)
                if status
                    .message()
                    .starts_with("etcdserver: authentication is not enabled") =>
            {
                state.not_enabled = true;
                Ok(())
            }
            Err(status) => Err(self.failed(state, password, classify_status(&status))),
        }
    }

    fn accepted(&self, state: &mut State, token: &str) -> Result<(), Cause> {
        let mut token = HeaderValue::from_str(token).map_err(|_| {
            Cause::new(
                ErrorKind::BadAnswer,
                "the member answered an unusable token",
            )
        })?;
        token.set_sensitive(true);
        self.token.set(Some(token));
        *state = State {
            not_enabled: false,
            refused: None,
            pauses: pauses(FIRST_PAUSE, LONGEST_PAUSE),
        };
        Ok(())
    }

    fn failed(&self, state: &mut State, password: SecretString, mut cause: Cause) -> Cause {
        if matches!(
            cause.kind,
            ErrorKind::Unauthenticated | ErrorKind::PermissionDenied
        ) {
            cause.message = format!("user {}: {}", self.credentials.user, cause.message);
            let pause = state.pauses.next().unwrap_or(LONGEST_PAUSE);
            let until = Instant::now() + pause;
            state.refused = Some(Refused {
                until,
                password,
                cause: cause.clone(),
            });
        }
        cause
    }
}

async fn read_password(password: &Password) -> Result<SecretString, Cause> {
    match password {
        Password::Text(secret) => Ok(secret.clone()),
        Password::File(path) => read_file(path).await,
    }
}

async fn read_file(path: &Path) -> Result<SecretString, Cause> {
    let unusable = |reason: String| {
        let path = path.display();
        let message = format!(
            "the password file {path} cannot be used: {reason}; check path and permissions"
        );
        Cause::new(ErrorKind::Unauthenticated, message)
    };
    let read = async {
        let mut text = String::new();
        let file = tokio::fs::File::open(path).await?;
        file.take(MAX_PASSWORD_BYTES + 1)
            .read_to_string(&mut text)
            .await?;
        Ok::<_, std::io::Error>(text)
    };
    let text = read.await.map_err(|error| unusable(error.to_string()))?;
    if text.len() as u64 > MAX_PASSWORD_BYTES {
        return Err(unusable(format!(
            "it is larger than {MAX_PASSWORD_BYTES} bytes"
        )));
    }
    let line = text.strip_suffix('\n').unwrap_or(&text);
    Ok(line.strip_suffix('\r').unwrap_or(line).into())
}
