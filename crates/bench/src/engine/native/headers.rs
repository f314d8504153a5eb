//! The headers of requests: written out once on a connection, and a byte each from then on.

use crate::http2::hpack::{index, put_integer, put_string};
use crate::request::OperationKind;

/// What the other side remembers of our headers unless it says less (RFC 9113, 6.5.2).
const TABLE_BYTES_DEFAULT: usize = 4096;

/// What an entry costs beside its name and value.
const ENTRY_BYTES: usize = 32;

/// The number of the first entry that is not in the static table.
const FIRST_DYNAMIC: usize = 62;

/// Calls that a load makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rpc {
    Put,
    Range,
    DeleteRange,
    Txn,
}

impl Rpc {
    /// The call of a kind of request; `None` where no single call makes it.
    pub(super) fn of(kind: OperationKind) -> Option<Self> {
        match kind {
            OperationKind::Put => Some(Self::Put),
            OperationKind::Range => Some(Self::Range),
            OperationKind::Delete => Some(Self::DeleteRange),
            OperationKind::Txn => Some(Self::Txn),
            _ => None,
        }
    }

    fn path(self) -> &'static str {
        match self {
            Self::Put => "/etcdserverpb.KV/Put",
            Self::Range => "/etcdserverpb.KV/Range",
            Self::DeleteRange => "/etcdserverpb.KV/DeleteRange",
            Self::Txn => "/etcdserverpb.KV/Txn",
        }
    }
}

const RPCS: usize = 4;

/// Writes the headers of requests on one connection.
#[derive(Debug)]
pub(super) struct RequestHeaders {
    scheme: u8,
    /// Beside the path: static index of the name (0: a name of its own), name and value.
    common: Vec<(usize, &'static str, String)>,
    /// Blocks of the calls that were made already.
    blocks: [Option<Vec<u8>>; RPCS],
    table: Table,
    /// A change of the table's size that the next block has to begin with.
    resized: Option<usize>,
}

/// What the other side remembers of our headers.
#[derive(Debug)]
struct Table {
    size_max: usize,
    bytes: usize,
    /// Entries so far; none is ever pushed out, since they are few.
    inserted: usize,
    /// Which of them the common headers are, once they were written.
    common_from: Option<usize>,
    paths: [Option<usize>; RPCS],
}

impl Table {
    fn new(size_max: usize) -> Self {
        Self {
            size_max,
            bytes: 0,
            inserted: 0,
            common_from: None,
            paths: [None; RPCS],
        }
    }

    /// The index of the entry that was the n-th.
    fn index(&self, nth: usize) -> usize {
        FIRST_DYNAMIC + self.inserted - 1 - nth
    }

    fn insert(&mut self, bytes: usize) -> usize {
        self.bytes += bytes;
        self.inserted += 1;
        self.inserted - 1
    }
}

impl RequestHeaders {
    pub(super) fn new(is_tls: bool, authority: &str, token: Option<&str>) -> Self {
        let agent = concat!("etcd-bench/", env!("CARGO_PKG_VERSION"));
        let mut common = vec![
            (index::AUTHORITY, ":authority", authority.to_owned()),
            (
                index::CONTENT_TYPE,
                "content-type",
                "application/grpc".to_owned(),
            ),
            (0, "te", "trailers".to_owned()),
            (index::USER_AGENT, "user-agent", agent.to_owned()),
        ];
        common.extend(token.map(|token| (0, "token", token.to_owned())));
        Self {
            scheme: if is_tls {
                index::SCHEME_HTTPS
            } else {
                index::SCHEME_HTTP
            },
            common,
            blocks: Default::default(),
            table: Table::new(TABLE_BYTES_DEFAULT),
            resized: None,
        }
    }

    /// The other side remembers so much at most. A larger table than the usual one is not used.
    pub(super) fn resize(&mut self, size: usize) {
        let size = size.min(TABLE_BYTES_DEFAULT);
        if size != self.table.size_max {
            // Emptied, and built up again as far as there is room.
            self.table = Table::new(size);
            self.blocks = Default::default();
            self.resized = Some(size);
        }
    }

    /// Appends the block of a call.
    pub(super) fn write(&mut self, rpc: Rpc, out: &mut Vec<u8>) {
        if let Some(Some(block)) = self.blocks.get(rpc as usize) {
            out.extend_from_slice(block);
            return;
        }
        self.write_out(rpc, out);
        // The indexes have moved.
        self.blocks = Default::default();
        if let Some(block) = self.block(rpc)
            && let Some(place) = self.blocks.get_mut(rpc as usize)
        {
            *place = Some(block);
        }
    }

    fn write_out(&mut self, rpc: Rpc, out: &mut Vec<u8>) {
        if let Some(size) = self.resized.take() {
            put_integer(out, 0x20, 5, 0);
            put_integer(out, 0x20, 5, size);
        }
        out.extend_from_slice(&[index::METHOD_POST, self.scheme]);
        let table = &mut self.table;
        let cost = |name: &str, value: &str| name.len() + value.len() + ENTRY_BYTES;
        let path_cost = cost(":path", rpc.path());
        if let Some(nth) = table.paths[rpc as usize] {
            put_integer(out, 0x80, 7, table.index(nth));
        } else {
            let has_room = table.bytes + path_cost <= table.size_max;
            put_literal(out, has_room, index::PATH, ":path", rpc.path());
            if has_room {
                table.paths[rpc as usize] = Some(table.insert(path_cost));
            }
        }
        let all: usize = self
            .common
            .iter()
            .map(|(_, name, value)| cost(name, value))
            .sum();
        if let Some(from) = table.common_from {
            for nth in from..from + self.common.len() {
                put_integer(out, 0x80, 7, table.index(nth));
            }
            return;
        }
        let has_room = table.bytes + all <= table.size_max;
        for (index, name, value) in &self.common {
            put_literal(out, has_room, *index, name, value);
            if has_room {
                let nth = table.insert(cost(name, value));
                table.common_from.get_or_insert(nth);
            }
        }
    }

    /// The block of a call that consists of indexes alone; `None` where not all of it is remembered.
    fn block(&self, rpc: Rpc) -> Option<Vec<u8>> {
        let path = self.table.paths[rpc as usize]?;
        let from = self.table.common_from?;
        let mut block = vec![index::METHOD_POST, self.scheme];
        put_integer(&mut block, 0x80, 7, self.table.index(path));
        for nth in from..from + self.common.len() {
            put_integer(&mut block, 0x80, 7, self.table.index(nth));
        }
        Some(block)
    }
}

fn put_literal(out: &mut Vec<u8>, is_kept: bool, index: usize, name: &str, value: &str) {
    if is_kept {
        put_integer(out, 0x40, 6, index);
    } else {
        put_integer(out, 0x00, 4, index);
    }
    if index == 0 {
        put_string(out, name.as_bytes());
    }
    put_string(out, value.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http2::hpack::Decoder;

    fn read(
        decoder: &mut Decoder,
        headers: &mut RequestHeaders,
        rpc: Rpc,
    ) -> (usize, Vec<(String, String)>) {
        let mut block = Vec::new();
        headers.write(rpc, &mut block);
        let mut found = Vec::new();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        decoder
            .decode(&block, |name, value| found.push((text(name), text(value))))
            .unwrap();
        (block.len(), found)
    }

    fn assert_request(found: &[(String, String)], path: &str, token: Option<&str>) {
        let value = |wanted: &str| {
            let found = found.iter().find(|(name, _)| name == wanted);
            found.map(|(_, value)| value.as_str())
        };
        assert_eq!(value(":method"), Some("POST"));
        assert_eq!(value(":path"), Some(path));
        assert_eq!(value(":authority"), Some("10.0.0.1:2379"));
        assert_eq!(value("content-type"), Some("application/grpc"));
        assert_eq!(value("te"), Some("trailers"));
        assert_eq!(value("token"), token);
        // Pseudo headers come first.
        let last_pseudo = found.iter().rposition(|(name, _)| name.starts_with(':'));
        assert_eq!(last_pseudo, Some(3));
    }

    #[test]
    fn every_call_is_read_as_meant_in_any_order_and_later_ones_are_short() {
        let mut headers = RequestHeaders::new(false, "10.0.0.1:2379", Some("abc.12"));
        let mut decoder = Decoder::new(4096);
        for rpc in [
            Rpc::Put,
            Rpc::Put,
            Rpc::Txn,
            Rpc::Put,
            Rpc::Range,
            Rpc::DeleteRange,
            Rpc::Txn,
            Rpc::Put,
        ] {
            let (_, found) = read(&mut decoder, &mut headers, rpc);
            assert_request(&found, rpc.path(), Some("abc.12"));
        }
        let (length, found) = read(&mut decoder, &mut headers, Rpc::Put);
        assert_request(&found, Rpc::Put.path(), Some("abc.12"));
        assert_eq!(length, 8);
    }

    #[test]
    fn a_table_that_shrinks_or_is_none_at_all_is_honoured() {
        for size in [0, 100, 300, 4096, 1 << 20] {
            let mut headers = RequestHeaders::new(true, "10.0.0.1:2379", None);
            let mut decoder = Decoder::new(4096);
            read(&mut decoder, &mut headers, Rpc::Put);
            headers.resize(size);
            for rpc in [Rpc::Put, Rpc::Range, Rpc::Put, Rpc::Range] {
                let (_, found) = read(&mut decoder, &mut headers, rpc);
                assert_request(&found, rpc.path(), None);
                assert_eq!(found[1].1, "https");
            }
            headers.resize(4096);
            let (_, found) = read(&mut decoder, &mut headers, Rpc::Put);
            assert_request(&found, Rpc::Put.path(), None);
        }
    }
}
