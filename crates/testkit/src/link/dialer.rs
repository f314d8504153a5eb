//! Who dialled a connection.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddrV4;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;

use super::Node;

/// The header in which etcd names the sending member (hex id) on streams and raft requests.
const HEADER: &str = "x-server-from:";

/// More than the headers of any raft request.
const HEADER_BYTES: usize = 4096;

/// A dialler that has sent nothing after this is taken for a client.
const HEADER_LIMIT: Duration = Duration::from_millis(500);

/// The processes and ids of the members.
#[derive(Debug, Default)]
pub(crate) struct Roster {
    seats: Mutex<BTreeMap<usize, Seat>>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Seat {
    pid: u32,
    id: u64,
}

impl Roster {
    /// Says that a member now runs as `pid`.
    pub(crate) fn set_pid(&self, member: usize, pid: u32) {
        self.seats().entry(member).or_default().pid = pid;
    }

    /// Says that a member now has this id.
    pub(crate) fn set_id(&self, member: usize, id: u64) {
        self.seats().entry(member).or_default().id = id;
    }

    /// Who dialled `stream`: the member whose process holds the socket of its other end, which
    /// works with TLS; else the member that its first request names; else a client.
    pub(super) async fn dialer(&self, stream: &TcpStream) -> Node {
        if let Some(member) = self.socket_owner(stream) {
            return Node::Member(member);
        }
        match self.named_member(stream).await {
            Some(member) => Node::Member(member),
            None => Node::Clients,
        }
    }

    fn socket_owner(&self, stream: &TcpStream) -> Option<usize> {
        let dialer = ipv4(stream.peer_addr().ok()?)?;
        let door = ipv4(stream.local_addr().ok()?)?;
        let table = fs::read_to_string("/proc/net/tcp").ok()?;
        let inode = socket_inode(&table, dialer, door)?;
        let link = format!("socket:[{inode}]");
        let seats = self.seats().clone();
        seats
            .into_iter()
            .find(|(_, seat)| holds(seat.pid, &link))
            .map(|(member, _)| member)
    }

    async fn named_member(&self, stream: &TcpStream) -> Option<usize> {
        let mut head = vec![0; HEADER_BYTES];
        let length = timeout(HEADER_LIMIT, stream.peek(&mut head))
            .await
            .ok()?
            .ok()?;
        let id = server_from(&head[..length])?;
        self.seats()
            .iter()
            .find(|(_, seat)| seat.id == id)
            .map(|(member, _)| *member)
    }

    fn seats(&self) -> MutexGuard<'_, BTreeMap<usize, Seat>> {
        // The map is valid after every statement, so a panic of another holder does no harm.
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn ipv4(address: std::net::SocketAddr) -> Option<SocketAddrV4> {
    match address {
        std::net::SocketAddr::V4(address) => Some(address),
        std::net::SocketAddr::V6(_) => None,
    }
}

/// The inode of the socket that is bound to `local` and connected to `remote`, from the text of
/// `/proc/net/tcp`.
fn socket_inode(table: &str, local: SocketAddrV4, remote: SocketAddrV4) -> Option<u64> {
    let (local, remote) = (kernel_form(local), kernel_form(remote));
    table.lines().skip(1).find_map(|line| {
        let mut fields = line.split_ascii_whitespace().skip(1);
        let fits = fields.next()? == local && fields.next()? == remote;
        fits.then(|| fields.nth(6))??.parse().ok()
    })
}

/// An address as `/proc/net/tcp` prints it: the four bytes as one number of the machine, then the
/// port.
fn kernel_form(address: SocketAddrV4) -> String {
    format!(
        "{:08X}:{:04X}",
        u32::from_ne_bytes(address.ip().octets()),
        address.port()
    )
}

/// Whether a process has a descriptor that links to `link`. One that is gone or belongs to another
/// user has none.
fn holds(pid: u32, link: &str) -> bool {
    let Ok(descriptors) = fs::read_dir(format!("/proc/{pid}/fd")) else {
        return false;
    };
    let mut targets = descriptors
        .flatten()
        .filter_map(|entry| fs::read_link(entry.path()).ok());
    targets.any(|target| target.as_os_str() == link)
}

/// The member id in the header of a plain-text request.
fn server_from(head: &[u8]) -> Option<u64> {
    let text = String::from_utf8_lossy(head).to_ascii_lowercase();
    let value = text.lines().find_map(|line| line.strip_prefix(HEADER))?;
    u64::from_str_radix(value.trim(), 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[test]
    fn the_sender_is_read_from_a_raft_request() {
        let head = b"POST /raft HTTP/1.1\r\nHost: m0\r\nX-Server-From: 8e9e05c52164694d\r\n\r\n";
        assert_eq!(server_from(head), Some(0x8e9e_05c5_2164_694d));
        assert_eq!(server_from(b"\x16\x03\x01 TLS"), None);
        assert_eq!(
            server_from(b"GET / HTTP/1.1\r\nX-Server-From: none\r\n"),
            None
        );
    }

    #[tokio::test]
    async fn the_owner_of_a_socket_is_found() {
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .expect("bound");
        let address = listener.local_addr().expect("an address");
        let (dialled, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
        let (_dialled, (accepted, _)) = (dialled.expect("dialled"), accepted.expect("accepted"));
        let roster = Roster::default();
        roster.set_pid(0, 1);
        assert_eq!(roster.socket_owner(&accepted), None);
        roster.set_pid(7, std::process::id());
        assert_eq!(roster.dialer(&accepted).await, Node::Member(7));
    }
}
