//! Remote write: where the samples are sent as well, and read back from.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use etcd_monitor_history::{
    HttpAuth, HttpOptions, PrometheusQueryOptions, RemoteWriteOptions, Secret,
};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::file::read_text;
use super::range::within;

/// Less does not hold a minute of a large fleet; more than 64 GiB is a mistake.
const QUEUE_BYTES: RangeInclusive<u64> = (1 << 20)..=(64 << 30);

/// Remote write as written: it is on where a URL stands.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RemoteWriteFile {
    /// Where samples are sent.
    url: Option<SecretString>,
    /// File that holds this URL; for one that is a secret.
    url_file: Option<PathBuf>,
    /// Where they are read back from when no history file is kept: the URL before `/api/v1/query`.
    query_url: Option<SecretString>,
    /// User of the store, with `password_file`.
    user: Option<String>,
    /// File that holds the user's password.
    password_file: Option<PathBuf>,
    /// File that holds a token, in the place of user and password.
    bearer_token_file: Option<PathBuf>,
    /// Authority that signed the store's certificate (PEM).
    cacert: Option<PathBuf>,
    /// Further headers, such as a tenant's.
    headers: BTreeMap<String, SecretString>,
    /// Labels for every series, such as which of two daemons wrote it.
    labels: BTreeMap<String, String>,
    /// Bytes on disk of what waits for the store, 1 MiB to 64 GiB (default 128 MiB).
    queue_bytes: Option<u64>,
}

/// A checked remote write.
#[derive(Debug, Clone)]
pub struct RemoteWriteConfig {
    http: HttpOptions,
    query_url: Option<SecretString>,
    labels: Vec<(String, String)>,
    queue_bytes: Option<u64>,
    written: RemoteWriteFile,
}

impl PartialEq for RemoteWriteConfig {
    /// Equal where the same is written.
    fn eq(&self, other: &Self) -> bool {
        self.written.comparable() == other.written.comparable()
    }
}

impl RemoteWriteConfig {
    /// How to write, with the queue in this folder.
    pub(crate) fn write_options(&self, folder: PathBuf) -> RemoteWriteOptions {
        let mut options = RemoteWriteOptions::new(String::new(), folder);
        options.http = self.http.clone();
        options.external_labels.clone_from(&self.labels);
        options.queue_bytes_max = self.queue_bytes.unwrap_or(options.queue_bytes_max);
        options
    }

    /// How to read back; `None` where no URL for that is given.
    pub(crate) fn query_options(&self) -> Option<PrometheusQueryOptions> {
        let url = self.query_url.as_ref()?;
        let mut options = PrometheusQueryOptions::new(String::new());
        options.http = self.http.clone();
        options.http.url = url.clone();
        options.labels.clone_from(&self.labels);
        Some(options)
    }
}

impl RemoteWriteFile {
    /// Everything that is written, secrets as they are.
    fn comparable(&self) -> impl PartialEq + use<> {
        let open = |secret: &SecretString| secret.expose_secret().to_owned();
        let headers = self.headers.iter();
        (
            self.url.as_ref().map(open),
            self.query_url.as_ref().map(open),
            [
                self.url_file.clone(),
                self.password_file.clone(),
                self.bearer_token_file.clone(),
                self.cacert.clone(),
            ],
            self.user.clone(),
            headers
                .map(|(name, value)| (name.clone(), open(value)))
                .collect::<Vec<_>>(),
            self.labels.clone(),
            self.queue_bytes,
        )
    }
}

/// `None` where it is off.
pub(super) fn check(file: &RemoteWriteFile) -> Result<Option<RemoteWriteConfig>, String> {
    let Some(url) = url(file)? else {
        return off(file).map(|()| None);
    };
    if let Some(bytes) = file.queue_bytes {
        within("remote_write.queue_bytes", bytes, &QUEUE_BYTES)?;
    }
    let mut http = HttpOptions::new(String::new());
    http.url = url;
    http.auth = auth(file)?;
    let headers = file.headers.iter();
    http.headers = headers
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    http.ca_file.clone_from(&file.cacert);
    let labels = file.labels.iter();
    Ok(Some(RemoteWriteConfig {
        http,
        query_url: file.query_url.clone(),
        labels: labels
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect(),
        queue_bytes: file.queue_bytes,
        written: file.clone(),
    }))
}

/// Without a URL nothing else may stand there: it would do nothing.
fn off(file: &RemoteWriteFile) -> Result<(), String> {
    if file.comparable() == RemoteWriteFile::default().comparable() {
        return Ok(());
    }
    Err(
        "remote_write: url or url_file is missing, for example http://127.0.0.1:8428/api/v1/write"
            .to_owned(),
    )
}

fn url(file: &RemoteWriteFile) -> Result<Option<SecretString>, String> {
    match (&file.url, &file.url_file) {
        (Some(_), Some(_)) => Err("remote_write: url and url_file: give one of them".to_owned()),
        (Some(url), None) => Ok(Some(url.clone())),
        (None, Some(path)) => url_in(path).map(Some),
        (None, None) => Ok(None),
    }
}

fn url_in(path: &Path) -> Result<SecretString, String> {
    let read = read_text(path);
    let text =
        read.map_err(|error| format!("remote_write.url_file {}: {error}", path.display()))?;
    Ok(text.trim().into())
}

fn auth(file: &RemoteWriteFile) -> Result<HttpAuth, String> {
    match (&file.user, &file.password_file, &file.bearer_token_file) {
        (None, None, None) => Ok(HttpAuth::None),
        (Some(user), Some(path), None) => Ok(HttpAuth::Basic {
            user: user.clone(),
            password: Secret::File(path.clone()),
        }),
        (None, None, Some(path)) => Ok(HttpAuth::Bearer(Secret::File(path.clone()))),
        (_, _, Some(_)) => Err(
            "remote_write: bearer_token_file stands alone, without user and password_file"
                .to_owned(),
        ),
        _ => Err("remote_write: user and password_file belong together".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(yaml: &str) -> Result<Option<RemoteWriteConfig>, String> {
        check(&serde_saphyr::from_str(yaml).unwrap())
    }

    #[test]
    fn it_is_off_without_a_url_and_refuses_what_would_do_nothing() {
        assert!(check(&RemoteWriteFile::default()).unwrap().is_none());
        let error = checked("labels: {site: a}").unwrap_err();
        assert!(error.contains("url"), "{error}");
    }

    #[test]
    fn a_url_a_tenant_and_a_token_are_taken_and_not_shown() {
        let yaml = "url: http://u:hidden@127.0.0.1/w\nquery_url: http://127.0.0.1\nbearer_token_file: /t\n\
                    headers: {X-Scope-OrgID: hidden}\nlabels: {replica: a}\nqueue_bytes: 1048576\n";
        let config = checked(yaml).unwrap().unwrap();
        let options = config.write_options("/queue".into());
        assert_eq!(options.queue_bytes_max, 1 << 20);
        assert_eq!(
            options.external_labels,
            [("replica".to_owned(), "a".to_owned())]
        );
        assert!(config.query_options().is_some());
        assert!(!format!("{config:?}").contains("hidden"));
        assert!(config == checked(yaml).unwrap().unwrap());
        assert!(
            config
                != checked(&yaml.replace("hidden}", "other}"))
                    .unwrap()
                    .unwrap()
        );
    }

    #[test]
    fn credentials_that_contradict_each_other_are_refused() {
        for wrong in [
            "user: a",
            "password_file: /p",
            "user: a\nbearer_token_file: /t\npassword_file: /p",
        ] {
            assert!(
                checked(&format!("url: http://a/\n{wrong}\n")).is_err(),
                "{wrong}"
            );
        }
    }
}
