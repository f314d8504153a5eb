//! Changing the members of a running cluster.

use std::fs;
use std::io::ErrorKind;
use std::sync::atomic::Ordering;
use std::time::Duration;

use etcd_client::{Client, MemberAddOptions};

use super::{Cluster, Member};
use crate::error::Error;
use crate::wait;

/// Between two tries of a change. etcd counts a refusal as a request that failed by its own fault, and so does whoever
/// watches it: no more of them than of somebody who tries again by hand.
const CHANGE_PERIOD: Duration = Duration::from_secs(2);

/// etcd refuses membership changes in the first 5 s after its members connected, and a promotion
/// until the learner has caught up.
const SETTLE_LIMIT: Duration = Duration::from_mins(2);

/// What etcd says of any change that may succeed later.
const NOT_YET: [&str; 3] = ["unhealthy cluster", "no leader", "leader changed"];

/// The promotion of a learner that still catches up.
const LEARNER_NOT_YET: &str = "in sync with leader";

/// An id is made of the URL and the second of the addition, so a member that is added, removed and
/// added again within one second would get the id that was removed, which etcd refuses with this.
const ADD_NOT_YET: &str = "member not found";

impl Cluster {
    /// Kills a member, removes it from the cluster, deletes its data, adds it again under the same
    /// name and URLs, and waits until it is ready: what an operator does with a broken disk. Its id
    /// changes.
    ///
    /// # Errors
    /// etcd's refusal, for instance where the others have no quorum.
    pub async fn wipe_and_replace(&self, index: usize) -> Result<(), Error> {
        let member = self.member(index);
        self.take_out(member).await?;
        wipe(member)?;
        self.announce(member, false).await?;
        member.removed.store(false, Ordering::Release);
        member.set_bootstrap(self.bootstrap("existing"));
        member.start()?;
        member.wait_ready(self.builder.ready_within).await
    }

    /// Adds a learner, waits until it follows the leader, and returns its index.
    pub async fn add_learner(&mut self) -> Result<usize, Error> {
        let index = self.members.len();
        self.add_member(index)?;
        let member = self.member(index);
        self.announce(member, true).await?;
        member.set_bootstrap(self.bootstrap("existing"));
        member.start()?;
        member.wait_ready(self.builder.ready_within).await?;
        Ok(index)
    }

    /// Makes a learner a voting member, as soon as etcd finds that it has caught up.
    pub async fn promote(&self, index: usize) -> Result<(), Error> {
        let id = self.member(index).id();
        self.change(
            "promoting a learner",
            Some(LEARNER_NOT_YET),
            async |client| client.member_promote(id).await.map(drop),
        )
        .await
    }

    /// Takes a member out of the cluster and kills it. Its index stays taken.
    pub async fn remove(&self, index: usize) -> Result<(), Error> {
        self.take_out(self.member(index)).await
    }

    async fn take_out(&self, member: &Member) -> Result<(), Error> {
        member.kill().await?;
        let id = member.id();
        self.change("removing a member", None, async |client| {
            client.member_remove(id).await.map(drop)
        })
        .await?;
        member.removed.store(true, Ordering::Release);
        Ok(())
    }

    /// Tells the cluster about a member that is going to start.
    async fn announce(&self, member: &Member, learner: bool) -> Result<(), Error> {
        self.change("adding a member", Some(ADD_NOT_YET), async |client| {
            let options = learner.then(|| MemberAddOptions::new().with_is_learner());
            client
                .member_add([member.peer_url()], options)
                .await
                .map(drop)
        })
        .await
    }

    /// Sends a change to the leader, whose view of the members is the newest, as long as etcd says
    /// "not yet".
    async fn change(
        &self,
        operation: &str,
        not_yet: Option<&str>,
        mut call: impl AsyncFnMut(&mut Client) -> Result<(), etcd_client::Error>,
    ) -> Result<(), Error> {
        let outcome = wait::until_every(CHANGE_PERIOD, SETTLE_LIMIT, async || {
            let Some(leader) = self.leader_index().await else {
                return Err("there is no leader".to_owned());
            };
            match self.member(leader).call(operation, &mut call).await {
                Err(error) if is_not_yet(&error, not_yet) => Err(error.to_string()),
                outcome => Ok(outcome),
            }
        });
        outcome
            .await
            .unwrap_or_else(|reason| Err(Error::operation(operation, reason)))
    }
}

fn is_not_yet(error: &Error, of_this_change: Option<&str>) -> bool {
    let text = error.to_string();
    NOT_YET
        .into_iter()
        .chain(of_this_change)
        .any(|reason| text.contains(reason))
}

fn wipe(member: &Member) -> Result<(), Error> {
    match fs::remove_dir_all(member.data_dir()) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(Error::io(format!("remove {}", member.data_dir().display()))(error))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}
