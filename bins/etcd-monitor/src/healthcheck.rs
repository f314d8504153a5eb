//! `etcd-monitor healthcheck`: asks a daemon how it is, for containers that have no other program to ask it with.

mod tls;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use url::{Position, Url};

use crate::cli::HealthcheckArgs;
use crate::logging;

/// For everything; a daemon that takes longer is of no use.
const LIMIT: Duration = Duration::from_secs(3);

/// As much as is read of an answer: the verdict on a few hundred clusters.
const ANSWER_BYTES_MAX: u64 = 64 << 10;

/// How much of an answer that is not 200 is shown.
const SHOWN_CHARS: usize = 300;

const EXIT_USAGE: u8 = 2;

/// Asks, and says by the exit code how it is. Never panics; what is wrong goes to stderr.
pub(crate) fn run(arguments: &HealthcheckArgs) -> ExitCode {
    let url = match url(arguments) {
        Ok(url) => url,
        Err(error) => {
            logging::fatal(&error);
            return ExitCode::from(EXIT_USAGE);
        }
    };
    match ask(&url, arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            logging::fatal(&error);
            ExitCode::FAILURE
        }
    }
}

fn url(arguments: &HealthcheckArgs) -> anyhow::Result<Url> {
    let port = arguments.api_port.unwrap_or(8080);
    let written = arguments.url.clone();
    let written = written.unwrap_or_else(|| format!("http://127.0.0.1:{port}/health"));
    let url = Url::parse(&written).with_context(|| format!("--url {written:?} is not a URL"))?;
    match url.scheme() {
        "http" => Ok(url),
        "https" if arguments.cacert.is_some() => Ok(url),
        "https" => bail!("--url {written}: https wants --cacert, the certificate to trust"),
        _ => bail!("--url {written:?} is neither http nor https"),
    }
}

fn ask(url: &Url, arguments: &HealthcheckArgs) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let answer =
        runtime.block_on(async { tokio::time::timeout(LIMIT, answer(url, arguments)).await });
    // A name that resolves slowly must not hold up the end.
    runtime.shutdown_background();
    let answer = answer.unwrap_or_else(|_| bail!("no answer within {} s", LIMIT.as_secs()));
    answer
        .and_then(|answer| healthy(&answer))
        .with_context(|| format!("{url}"))
}

async fn answer(url: &Url, arguments: &HealthcheckArgs) -> anyhow::Result<Vec<u8>> {
    let addresses = url.socket_addrs(|| None)?;
    let stream = TcpStream::connect(addresses.as_slice()).await?;
    if url.scheme() == "https" {
        exchange(tls::handshake(stream, url, arguments).await?, url).await
    } else {
        exchange(stream, url).await
    }
}

async fn exchange<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    url: &Url,
) -> anyhow::Result<Vec<u8>> {
    let host = &url[Position::BeforeHost..Position::AfterPort];
    let path = &url[Position::BeforePath..Position::AfterQuery];
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    stream.flush().await?;
    let mut answer = Vec::new();
    let read = stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer).await;
    // A connection that ends without ceremony after the answer is no fault of the daemon's health.
    match read {
        Err(error) if answer.is_empty() => Err(error.into()),
        _ => Ok(answer),
    }
}

fn healthy(answer: &[u8]) -> anyhow::Result<()> {
    let text = String::from_utf8_lossy(answer);
    let status = text
        .strip_prefix("HTTP/1.")
        .and_then(|rest| rest.get(2..5)?.parse::<u16>().ok());
    match status {
        Some(200) => Ok(()),
        Some(status) => bail!("it answers {status}: {}", shown(body(&text))),
        None => bail!("what answers there does not speak HTTP: {}", shown(&text)),
    }
}

fn body(answer: &str) -> &str {
    answer
        .split_once("\r\n\r\n")
        .map_or(answer, |(_, body)| body)
}

/// Whatever answered may be anybody: nothing that steers a terminal is shown.
fn shown(text: &str) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().take(SHOWN_CHARS).map(plain).collect()
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        arguments: HealthcheckArgs,
    }

    fn url_of(arguments: &[&str]) -> anyhow::Result<String> {
        let line = Line::parse_from([&["healthcheck"], arguments].concat());
        Ok(url(&line.arguments)?.to_string())
    }

    #[test]
    fn it_asks_this_host_unless_told_otherwise() {
        assert_eq!(url_of(&[]).unwrap(), "http://127.0.0.1:8080/health");
        assert_eq!(
            url_of(&["--api-port", "9"]).unwrap(),
            "http://127.0.0.1:9/health"
        );
        assert!(url_of(&["--url", "ftp://a/"]).is_err());
        let error = url_of(&["--url", "https://a/"]).unwrap_err().to_string();
        assert!(error.contains("--cacert"), "{error}");
    }

    #[test]
    fn only_200_is_healthy_and_nothing_that_answers_steers_the_terminal() {
        assert!(healthy(b"HTTP/1.1 200 OK\r\n\r\n{}").is_ok());
        let ill = healthy(b"HTTP/1.1 503 no\r\n\r\nstalled\x1b[2J").unwrap_err();
        assert_eq!(ill.to_string(), "it answers 503: stalled [2J");
        assert!(healthy(b"SSH-2.0-x\r\n").is_err());
        assert!(healthy(b"").is_err());
    }
}
