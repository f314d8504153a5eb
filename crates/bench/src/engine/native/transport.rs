//! The socket of a connection, in plain text or under TLS. Nothing here blocks.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;

use etcd_monitor_client::RawConnection;
use rustls::ClientConnection;

/// The socket.
#[derive(Debug)]
pub(super) struct Transport {
    stream: TcpStream,
    tls: Option<Box<ClientConnection>>,
}

impl Transport {
    /// Begins TLS where the connection wants it.
    pub(super) fn new(raw: RawConnection) -> io::Result<Self> {
        let tls = raw
            .tls
            .map(|tls| ClientConnection::new(tls.config, tls.name))
            .transpose()
            .map_err(io::Error::other)?;
        Ok(Self {
            stream: raw.stream,
            tls: tls.map(Box::new),
        })
    }

    pub(super) fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Bytes that came in: 0 at the end, `WouldBlock` where there are none now.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(tls) = &mut self.tls else {
            return self.stream.read(buffer);
        };
        let mut filled = 0;
        loop {
            let room = buffer.get_mut(filled..).unwrap_or_default();
            match tls.reader().read(room) {
                Ok(0) => return Ok(filled),
                Ok(bytes) => filled += bytes,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                // Cut off without a farewell: an end all the same, which the answers that are missing show.
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(filled),
                Err(error) => return Err(error),
            }
            match tls.read_tls(&mut self.stream) {
                Ok(0) => return Ok(filled),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock && filled > 0 => {
                    return Ok(filled);
                }
                Err(error) => return Err(error),
            }
            if let Err(error) = tls.process_new_packets() {
                // The other side hears why; that it may not listen changes nothing.
                let _ = tls.write_tls(&mut self.stream);
                return Err(io::Error::other(error));
            }
        }
    }

    /// Writes some of the bytes, or none with `WouldBlock`.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(tls) = &mut self.tls else {
            return self.stream.write(bytes);
        };
        let taken = tls.writer().write(bytes)?;
        match self.flush() {
            Err(error) if error.kind() != ErrorKind::WouldBlock => Err(error),
            _ if taken == 0 && !bytes.is_empty() => Err(ErrorKind::WouldBlock.into()),
            _ => Ok(taken),
        }
    }

    /// Writes what TLS has still to say; `WouldBlock` where not all of it could be.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        if let Some(tls) = &mut self.tls {
            while tls.wants_write() {
                if let Err(error) = tls.write_tls(&mut self.stream) {
                    return Err(self.explained(error));
                }
            }
        }
        Ok(())
    }

    /// Why nothing could be written: what the other side has said of it, where that came in. By TLS 1.3 a member says that it
    /// wants a certificate after the handshake, and closes, so that a write may fail before that is read.
    fn explained(&mut self, error: io::Error) -> io::Error {
        let is_closed = !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted);
        if let Some(tls) = self.tls.as_mut().filter(|_| is_closed) {
            while matches!(tls.read_tls(&mut self.stream), Ok(1..)) {
                if let Err(said) = tls.process_new_packets() {
                    return io::Error::other(said);
                }
            }
        }
        error
    }
}

#[cfg(test)]
mod tests {
    use etcd_monitor_client::{ClientError, ClientOptions, ClusterClient, Endpoint, Operation};
    use etcd_monitor_client::{ErrorKind as Kind, TlsOptions};
    use etcd_monitor_testkit::{Cluster, TlsMode};

    use super::*;

    #[tokio::test]
    async fn a_write_that_fails_tells_what_the_member_said() {
        let cluster = Cluster::builder().members(1).tls(TlsMode::Mutual);
        let cluster = cluster.start().await.unwrap();
        let endpoint = Endpoint::parse(cluster.member(0).client_url(), true).unwrap();
        let tls = TlsOptions::new().with_ca_file(cluster.ca_file().unwrap());
        let client = ClusterClient::new(ClientOptions::new().with_tls(tls)).unwrap();
        let raw = client.connection(&endpoint).raw_connection(None).await;
        let mut transport = Transport::new(raw.unwrap()).unwrap();
        transport.flush().unwrap();
        while transport.tls.as_ref().unwrap().is_handshaking() {
            // Nothing comes before we have said our part, which only the next write does.
            let read = transport.read(&mut [0; 1_024]);
            assert_eq!(read.unwrap_err().kind(), ErrorKind::WouldBlock);
            tokio::task::yield_now().await;
        }
        let error = loop {
            match transport.write(&[0; 64]) {
                Err(error) if error.kind() != ErrorKind::WouldBlock => break error,
                _ => tokio::task::yield_now().await,
            }
        };
        let error = ClientError::of_io(Operation::Connect, &endpoint, error);
        assert_eq!(error.kind(), Kind::Tls, "{error}");
        assert!(error.to_string().contains("--cert and --key"), "{error}");
    }
}
