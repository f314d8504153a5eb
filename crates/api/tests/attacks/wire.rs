//! Speaking to a server byte by byte.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// For whatever must happen; it is over far sooner where it does.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

/// All that comes of some bytes, until the server ends the connection.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) text: String,
}

impl Reply {
    /// The status of the only answer, 0 where there is none.
    pub(crate) fn status(&self) -> u16 {
        assert!(self.answers() <= 1, "several answers: {}", self.text);
        let line = self.text.lines().next().unwrap_or_default();
        let code = line.split(' ').nth(1).unwrap_or("0");
        code.parse().unwrap_or_else(|_| panic!("{}", self.text))
    }

    pub(crate) fn answers(&self) -> usize {
        self.text.matches("HTTP/1.1 ").count() + self.text.matches("HTTP/1.0 ").count()
    }

    /// The code of a problem document.
    pub(crate) fn code(&self) -> &str {
        let rest = self.text.split_once("\"code\":\"").map(|(_, rest)| rest);
        rest.and_then(|rest| rest.split('"').next())
            .unwrap_or_default()
    }

    pub(crate) fn head(&self) -> &str {
        self.text.split("\r\n\r\n").next().unwrap_or_default()
    }
}

/// Sends bytes, and reads until the server ends the connection.
pub(crate) async fn send(server: SocketAddr, bytes: impl AsRef<[u8]>) -> Reply {
    let mut stream = TcpStream::connect(server).await.unwrap();
    // A server that has seen enough takes no more.
    let _ = stream.write_all(bytes.as_ref()).await;
    read_to_end(&mut stream).await
}

pub(crate) async fn read_to_end(stream: &mut TcpStream) -> Reply {
    let mut bytes = Vec::new();
    let read = tokio::time::timeout(LIMIT, stream.read_to_end(&mut bytes)).await;
    match read.expect("the server ends the connection") {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {}
        Err(error) => panic!("{error}"),
    }
    Reply {
        text: String::from_utf8_lossy(&bytes).into_owned(),
    }
}
