//! The thresholds of membership, learners, elections and data.

use serde::{Deserialize, Serialize};

/// Thresholds of the rules about membership, learners, elections and data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ConsensusParameters {
    /// Cycles in a row in which member lists must differ, or two members lead one term, before it is said: in one
    /// cycle the answers may be from before and after a change.
    pub disagreement_cycles: u32,
    /// How long a member may be listed without having started, in seconds.
    pub not_started_seconds: f64,
    /// How long a learner that is behind may apply nothing, in seconds.
    pub learner_unmoved_seconds: f64,
    /// How long a member may be a learner that has not caught up, in seconds.
    pub learner_seconds: f64,
    /// How long a learner that has caught up may wait to be promoted before it is a warning, in seconds.
    pub learner_ready_seconds: f64,
    /// How far back the signs of a leader's fall are looked for, in seconds.
    pub election_window_seconds: f64,
    /// Duration of a WAL sync from which it can cost a leader its office, in seconds: etcd's followers wait one second
    /// for a heartbeat by default.
    pub stall_seconds: f64,
    /// How long a member counts as compared after HashKV found it equal, in seconds: where its revisions do not tell.
    pub hash_valid_seconds: f64,
    /// How far back restarts are counted to one rolling restart, in seconds.
    pub roll_window_seconds: f64,
    /// Longest pause between two members of a rolling restart, in seconds.
    pub roll_gap_seconds: f64,
    /// How long the restarting member may be away in a rolling restart before it counts as down, in seconds.
    pub roll_member_seconds: f64,
    /// How long no member must have restarted, in seconds, before a restart makes it worth while to hash the data. No
    /// longer than `roll_window_seconds`, in which restarts are remembered.
    pub restart_quiet_seconds: f64,
}

impl Default for ConsensusParameters {
    fn default() -> Self {
        Self {
            disagreement_cycles: 3,
            not_started_seconds: 300.0,
            learner_unmoved_seconds: 300.0,
            learner_seconds: 1_800.0,
            learner_ready_seconds: 1_800.0,
            election_window_seconds: 120.0,
            stall_seconds: 0.5,
            hash_valid_seconds: 43_200.0,
            roll_window_seconds: 3_600.0,
            roll_gap_seconds: 300.0,
            roll_member_seconds: 600.0,
            restart_quiet_seconds: 600.0,
        }
    }
}

impl ConsensusParameters {
    /// Refuses values with which a rule could never be true, or always: the message names the key and its range.
    pub fn check(&self) -> Result<(), String> {
        if self.disagreement_cycles < 2 {
            return Err(format!(
                "disagreement_cycles: {} is below 2, where one cycle's answers may be from before and after a change; for example 3",
                self.disagreement_cycles
            ));
        }
        let durations = [
            ("not_started_seconds", self.not_started_seconds),
            ("learner_unmoved_seconds", self.learner_unmoved_seconds),
            ("learner_seconds", self.learner_seconds),
            ("learner_ready_seconds", self.learner_ready_seconds),
            ("election_window_seconds", self.election_window_seconds),
            ("stall_seconds", self.stall_seconds),
            ("hash_valid_seconds", self.hash_valid_seconds),
            ("roll_window_seconds", self.roll_window_seconds),
            ("roll_gap_seconds", self.roll_gap_seconds),
            ("roll_member_seconds", self.roll_member_seconds),
            ("restart_quiet_seconds", self.restart_quiet_seconds),
        ];
        for (key, seconds) in durations {
            if !(seconds > 0.0 && seconds.is_finite()) {
                return Err(format!(
                    "{key}: {seconds} is not a time above 0 s; for example 300"
                ));
            }
        }
        if self.restart_quiet_seconds > self.roll_window_seconds {
            return Err(format!(
                "restart_quiet_seconds: {} is above roll_window_seconds ({}), after which restarts are forgotten; for example 600",
                self.restart_quiet_seconds, self.roll_window_seconds
            ));
        }
        Ok(())
    }
}
