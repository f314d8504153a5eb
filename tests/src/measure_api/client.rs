//! A client that costs little beside what it measures.

use std::net::SocketAddr;

use anyhow::{Context, ensure};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// One connection that is kept.
pub(super) struct Connection {
    stream: BufReader<TcpStream>,
    body: Vec<u8>,
}

impl Connection {
    pub(super) async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream: BufReader::with_capacity(64 << 10, stream),
            body: Vec::new(),
        })
    }

    /// Asks, reads the whole answer, and says how long its body is.
    pub(super) async fn get(&mut self, path: &str) -> anyhow::Result<usize> {
        self.ask(path).await?;
        let bytes = self.head().await?.context("the answer has no length")?;
        self.body.resize(bytes, 0);
        self.stream.read_exact(&mut self.body).await?;
        Ok(bytes)
    }

    pub(super) async fn ask(&mut self, path: &str) -> anyhow::Result<()> {
        let request = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
        Ok(self.stream.write_all(request.as_bytes()).await?)
    }

    /// Reads the head of an answer; the length of what follows, where it is said.
    pub(super) async fn head(&mut self) -> anyhow::Result<Option<usize>> {
        let mut line = String::new();
        self.stream.read_line(&mut line).await?;
        ensure!(line.contains(" 200 "), "answered {line:?}");
        let mut length = None;
        loop {
            line.clear();
            self.stream.read_line(&mut line).await?;
            let Some((name, value)) = line.split_once(':') else {
                return Ok(length);
            };
            if name.eq_ignore_ascii_case("content-length") {
                length = Some(value.trim().parse()?);
            }
        }
    }

    /// Reads what comes; 0 at the end.
    pub(super) async fn read(&mut self, buffer: &mut [u8]) -> anyhow::Result<usize> {
        Ok(self.stream.read(buffer).await?)
    }
}
