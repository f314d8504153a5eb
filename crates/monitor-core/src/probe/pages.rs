//! Pages of members that are kept as they came, for the black box.

use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use crate::black_box::RawPage;

/// Longest page that is kept; etcd's has a fifth.
const PAGE_BYTES_MAX: usize = 1 << 20;

/// Keeps the pages of the endpoints that somebody wants, until they are taken.
#[derive(Debug, Default)]
pub(super) struct PageKeeper {
    wanted: Vec<String>,
    kept: Mutex<Vec<RawPage>>,
}

impl PageKeeper {
    /// Keeps the pages of these endpoints alone from now on.
    pub(super) fn want(&mut self, endpoints: Vec<String>) {
        self.wanted = endpoints;
    }

    /// Takes note of a page that a member gave.
    pub(super) fn offer(&self, endpoint: &str, at: Timestamp, page: &[u8]) {
        let wanted = self.wanted.iter().any(|wanted| wanted == endpoint);
        if !wanted || page.len() > PAGE_BYTES_MAX {
            return;
        }
        let page = RawPage {
            endpoint: endpoint.to_owned(),
            at,
            text: String::from_utf8_lossy(page).into_owned(),
        };
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push(page);
    }

    /// What was kept since the last time.
    pub(super) fn take(&mut self) -> Vec<RawPage> {
        let kept = self.kept.get_mut();
        std::mem::take(kept.unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_wanted_is_kept_and_only_once() {
        let mut keeper = PageKeeper::default();
        keeper.offer("a", Timestamp::UNIX_EPOCH, b"before");
        keeper.want(vec!["a".to_owned()]);
        keeper.offer("a", Timestamp::UNIX_EPOCH, b"text \xff");
        keeper.offer("b", Timestamp::UNIX_EPOCH, b"another");
        keeper.offer("a", Timestamp::UNIX_EPOCH, &vec![b'x'; PAGE_BYTES_MAX + 1]);
        let texts: Vec<String> = keeper.take().into_iter().map(|page| page.text).collect();
        assert_eq!(texts, ["text \u{fffd}"]);
        assert!(keeper.take().is_empty());
    }
}
