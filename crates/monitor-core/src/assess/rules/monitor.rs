//! Whether the monitor itself can be believed.

use etcd_monitor_model::{AlertType, Finding, Severity, Subject, rule};

use super::{Context, Verdict, evidence};

/// The monitor's own timers fired late: it was stopped, or its machine is overloaded.
pub(super) fn late(context: &Context<'_>) -> Finding {
    let condition = context.snapshot.monitor;
    let verdict = Verdict::when(condition.is_late(), || {
        let cause = format!(
            "The monitor itself is late: its timers fired {:.1} s late, so failures of this cycle are unknown",
            condition.timer_lag_seconds
        );
        let value = format!(
            "{:.3} s late with a deadline of {:.3} s",
            condition.timer_lag_seconds, condition.deadline_seconds
        );
        let action = "Check the load of the monitor's own host, or whether the monitor was stopped";
        (
            cause,
            vec![evidence("timer of the monitor", value, context.now())],
            action.to_owned(),
        )
    });
    context.finding(
        rule::MONITOR_LATE,
        AlertType::Configuration,
        Severity::Info,
        Subject::monitor(),
        verdict,
    )
}
