//! What is done to a member while it does not run: another version, or other bytes in its database.

use std::fs;

use tokio::task::spawn_blocking;

use super::Cluster;
use crate::binaries::etcd_binaries;
use crate::error::Error;

impl Cluster {
    /// Ends a member, starts it again as this version of etcd on the same data, and waits until it is ready: a step of
    /// an upgrade.
    ///
    /// # Errors
    /// No binaries of that version, or [`Error::NotReady`], for instance because etcd refuses the step.
    pub async fn change_version(&mut self, index: usize, version: &str) -> Result<(), Error> {
        let wanted = version.to_owned();
        let binaries = spawn_blocking(move || etcd_binaries(&wanted)).await;
        let binaries = binaries.map_err(|error| Error::operation("finding etcd", error))??;
        self.members[index].terminate().await?;
        self.members[index].launch.program = binaries.join("etcd");
        self.members[index].restart().await
    }

    /// Replaces bytes in the database file of a member that does not run, wherever they stand. etcd has no checksum over
    /// its data, so it starts with what is there then.
    ///
    /// # Errors
    /// [`Error::Usage`] when the member runs, the lengths differ or the bytes are not in the file.
    pub fn tamper(&self, index: usize, from: &[u8], to: &[u8]) -> Result<(), Error> {
        let member = self.member(index);
        if member.pid().is_some() || from.is_empty() || from.len() != to.len() {
            let advice = "tamper needs a member that does not run, and as many bytes as before";
            return Err(Error::Usage(advice.to_owned()));
        }
        let path = member.data_dir().join("member/snap/db");
        let place = path.display();
        let mut bytes = fs::read(&path).map_err(Error::io(format!("read {place}")))?;
        if replace(&mut bytes, from, to) == 0 {
            return Err(Error::Usage(format!("{place} does not hold these bytes")));
        }
        fs::write(&path, bytes).map_err(Error::io(format!("write {place}")))
    }
}

/// Replaces every occurrence, and says how many there were.
fn replace(bytes: &mut [u8], from: &[u8], to: &[u8]) -> usize {
    let mut count = 0;
    let mut at = 0;
    while at + from.len() <= bytes.len() {
        if &bytes[at..at + from.len()] == from {
            bytes[at..at + from.len()].copy_from_slice(to);
            count += 1;
            at += from.len();
        } else {
            at += 1;
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_occurrence_is_replaced() {
        let mut bytes = *b"abcabab";
        assert_eq!(replace(&mut bytes, b"ab", b"xy"), 3);
        assert_eq!(&bytes, b"xycxyxy");
        assert_eq!(replace(&mut bytes, b"ab", b"xy"), 0);
    }
}
