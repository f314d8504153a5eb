//! A search for people.

use std::fmt::Write as _;

use super::{Probe, ProbeVerdict, Purpose, SloLimit, SloReport};

impl SloReport {
    /// The answer, and the probes that led to it.
    pub fn to_table(&self) -> String {
        let mut text = String::new();
        let target = &self.options.target;
        let mut line = |name: &str, value: &str| {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{name:<13}{value}");
        };
        line("workload", &self.workload);
        line("endpoints", &self.endpoints.join(", "));
        let percentile = target.percentile.as_str();
        line(
            "target",
            &format!("{percentile} of {} ms at most", 1e3 * target.seconds),
        );
        let _ = writeln!(
            text,
            "\n{:<9}{:>11}{:>9}{:>12}{:>10}{:>10}{:>10}{:>7}  VERDICT",
            "PROBE", "RATE", "SECONDS", "ANSWERS/S", "p50 (ms)", "p99 (ms)", "LATE (ms)", "OVER"
        );
        for probe in &self.probes {
            probe.row(&mut text);
        }
        text.push('\n');
        self.ending(&mut text);
        text
    }

    fn ending(&self, text: &mut String) {
        let mut line = |name: &str, value: &str| {
            let _ = writeln!(text, "{name:<13}{value}");
        };
        for doubt in &self.doubts {
            line("note", doubt);
        }
        if let Some(why) = &self.ended_early {
            line("ended early", why);
        }
        line("limit", self.limit.describe());
        line("result", &self.result());
    }

    /// The answer in a line.
    pub fn result(&self) -> String {
        let percentile = self.options.target.percentile.as_str();
        let Some(rate) = self.rate_per_second else {
            let lowest = self
                .ceiling_per_second
                .map_or("?".to_owned(), |rate| format!("{rate:.1}"));
            return format!("no rate is known to hold; {lowest}/s does not");
        };
        if !self.is_verified {
            return format!("{rate:.1}/s held in a probe, NOT VERIFIED");
        }
        let median = self
            .median_seconds
            .map_or("?".to_owned(), |seconds| format!("{:.3}", 1e3 * seconds));
        format!(
            "{rate:.1}/s, VERIFIED: it held {} times, median {percentile} {median} ms",
            self.options.verifications
        )
    }
}

impl Probe {
    fn row(&self, text: &mut String) {
        let milliseconds = |seconds: Option<f64>| {
            seconds.map_or("-".to_owned(), |seconds| format!("{:.3}", 1e3 * seconds))
        };
        let answers = self
            .figures
            .per_second
            .map_or("-".to_owned(), |rate| format!("{rate:.1}"));
        let verdict = match &self.why {
            Some(why) => format!("{}: {why}", self.verdict.describe()),
            None => self.verdict.describe().to_owned(),
        };
        let _ = writeln!(
            text,
            "{:<9}{:>11.1}{:>9.1}{answers:>12}{:>10}{:>10}{:>10}{:>7}  {verdict}",
            self.purpose.as_str(),
            self.rate_per_second,
            self.seconds,
            milliseconds(self.figures.p50_seconds),
            milliseconds(self.figures.p99_seconds),
            milliseconds(self.figures.lateness_p99_seconds),
            format!("{}/{}", self.windows.over, self.windows.of),
        );
    }
}

impl Purpose {
    /// In a word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ramp => "ramp",
            Self::Bisect => "bisect",
            Self::Confirm => "confirm",
            Self::Verify => "verify",
        }
    }
}

impl ProbeVerdict {
    /// In words.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Missed => "missed",
            Self::GeneratorLate => "generator limit",
        }
    }
}

impl SloLimit {
    /// In words.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Target => "the cluster misses the target above it",
            Self::Generator => "the generator is late above it: the cluster may hold more",
            Self::MostAsked => "no higher rate was to be tried: the cluster may hold more",
            Self::Unknown => "not known: it ended before anything limited it",
        }
    }
}
