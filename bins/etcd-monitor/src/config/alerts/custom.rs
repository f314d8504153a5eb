//! Rules of the user's own.

use etcd_monitor_alerting::{Rule, SeverityPolicy};
use etcd_monitor_model::rule;
use serde::Deserialize;

use super::rules::{RuleFile, RuleSet};
use crate::config::place::{At, Remark};
