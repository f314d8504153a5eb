//! The thresholds of the rules about certificates and clocks.

use serde::{Deserialize, Serialize};

/// Thresholds of the rules about certificates and clocks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct TrustParameters {
    /// Days before its end from which a certificate is worth knowing of.
    pub expiry_info_days: f64,
    /// Days before its end from which a certificate is a warning.
    pub expiry_warning_days: f64,
    /// Share of a certificate's lifetime (0 to 1) that must be left at most as well, so that one which is made anew every
    /// day or every month is not told of all its life. 1: only the days count.
    pub expiry_info_share: f64,
    /// The same for the warning.
    pub expiry_warning_share: f64,
    /// Age in seconds beyond which what a port showed says nothing of what it shows now.
    pub certificate_max_age_seconds: f64,
    /// Seconds by which a clock may differ, beyond what the measurement leaves open.
    pub clock_skew_seconds: f64,
}

impl Default for TrustParameters {
    fn default() -> Self {
        Self {
            expiry_info_days: 30.0,
            expiry_warning_days: 7.0,
            expiry_info_share: 0.25,
            expiry_warning_share: 1.0 / 12.0,
            certificate_max_age_seconds: 3_600.0,
            clock_skew_seconds: 1.0,
        }
    }
}

impl TrustParameters {
    /// Refuses values with which a rule could never be true, or always.
    pub(in crate::assess) fn check(&self) -> Result<(), String> {
        let positive = [
            ("expiry_info_days", self.expiry_info_days),
            ("expiry_warning_days", self.expiry_warning_days),
            (
                "certificate_max_age_seconds",
                self.certificate_max_age_seconds,
            ),
            ("clock_skew_seconds", self.clock_skew_seconds),
        ];
        for (key, value) in positive {
            if !(value > 0.0 && value.is_finite()) {
                return Err(format!("trust.{key}: {value} is not a number above 0"));
            }
        }
        let shares = [
            ("expiry_info_share", self.expiry_info_share),
            ("expiry_warning_share", self.expiry_warning_share),
        ];
        for (key, share) in shares {
            if !(share > 0.0 && share <= 1.0) {
                return Err(format!(
                    "trust.{key}: {share} is not a share above 0 and up to 1; for example 0.25"
                ));
            }
        }
        if self.expiry_info_days < self.expiry_warning_days {
            return Err("trust.expiry_info_days: it is below expiry_warning_days".to_owned());
        }
        Ok(())
    }
}
