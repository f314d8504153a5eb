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
                tls.write_tls(&mut self.stream)?;
            }
        }
        Ok(())
    }
}
