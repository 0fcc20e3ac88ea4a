//! What is told of many seeds: `sweep.json`, and the digest that people read.

use std::io::{self, Write};

use serde::{Deserialize, Serialize};

use super::histogram::Histogram;
use super::tally::{Expected, Tally};
use crate::run::case::Shard;

/// `sweep.json`: the tally, and whose it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Sweep {
    /// Whether each expectation was met as it must be.
    pub passed: bool,
    /// Which share it is, `2/4`; none for the whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<Shard>,
    /// Whether it ended before all seeds were run.
    pub interrupted: bool,
    /// How often seeds fail, at least and at most, with a confidence of 95 % (Wilson's interval).
    pub failure_rate: [f64; 2],
    /// What was added up.
    #[serde(flatten)]
    pub tally: Tally,
}

impl Sweep {
    /// A report of a tally.
    pub fn new(tally: Tally, shard: Option<Shard>, interrupted: bool) -> Self {
        let whole = shard.is_none() && !interrupted;
        let passed = tally.missed(whole).next().is_none();
        Self { passed, shard, interrupted, failure_rate: wilson(tally.failed, tally.ran), tally }
    }

    /// As a file.
    pub fn to_text(&self) -> String {
        serde_json::to_string_pretty(self).expect("a report is plain data") + "\n"
    }

    /// For people.
    ///
    /// # Errors
    /// Whatever the writer says.
    pub fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let tally = &self.tally;
        let (good, bad) = (anstyle::AnsiColor::Green.on_default().bold(), anstyle::AnsiColor::Red.on_default().bold());
        let share = self.shard.as_ref().map(|shard| format!(", share {shard}")).unwrap_or_default();
        let word = if self.passed { format!("{good}PASS{good:#}") } else { format!("{bad}FAIL{bad:#}") };
        writeln!(
            out,
            "{word}  {}  ({}, seeds {}..{}{share})",
            tally.title, tally.scenario, tally.seeds.0, tally.seeds.1
        )?;
        writeln!(out, "      {} of {} seeds failed{}", tally.failed, tally.ran, rate(tally.failed, tally.ran))?;
        for it in &tally.expectations {
            let place = it.line.map(|line| format!("  ({}:{line})", tally.scenario)).unwrap_or_default();
            writeln!(out, "      {:<11}{}{place}", self.word(it), it.expected)?;
            if let Some((seed, seen)) = &it.first {
                writeln!(out, "                 missed with {} seeds{}", it.failed, rate(it.failed, tally.ran))?;
                writeln!(out, "                 seed {seed} saw {seen}")?;
            }
        }
        for (what, histogram, unit) in
            [("gaps", &tally.gaps, "s"), ("latencies", &tally.latencies, "s"), ("entries", &tally.entries, "")]
        {
            write_distribution(out, what, histogram, unit)?;
        }
        for worst in tally.worst.iter().filter(|worst| worst.failures > 0) {
            let gap = worst.longest_gap / 1_000;
            writeln!(out, "      seed {:<10} {} not met, longest gap {gap} s", worst.seed, worst.failures)?;
        }
        Ok(())
    }

    fn word(&self, it: &Expected) -> &'static str {
        match (it.sometimes, it.failed) {
            (false, 0) => "always",
            (true, failed) if failed < self.tally.ran => "sometimes",
            (true, _) if self.shard.is_some() || self.interrupted => "not yet",
            (true, _) => "NEVER",
            (false, _) => "NOT ALWAYS",
        }
    }
}

fn write_distribution(out: &mut impl Write, what: &str, histogram: &Histogram, unit: &str) -> io::Result<()> {
    let Some(summary) = histogram.summary() else { return Ok(()) };
    let [least, median, high, most] = summary.map(|value| match unit {
        "s" => format!("{}.{:03} s", value / 1_000, value % 1_000),
        _ => value.to_string(),
    });
    writeln!(out, "      {what:<11}min {least}, median {median}, p95 {high}, max {most}")
}

/// ` (0.1 %; 95 % between 0.0 % and 0.6 %)`.
fn rate(failed: u64, ran: u64) -> String {
    if ran == 0 {
        return String::new();
    }
    let [low, high] = wilson(failed, ran).map(|share| share * 100.0);
    format!(" ({:.2} %; 95 % between {low:.2} % and {high:.2} %)", failed as f64 * 100.0 / ran as f64)
}

/// Wilson's interval for a share, with a confidence of 95 %, rounded to six digits.
fn wilson(failed: u64, ran: u64) -> [f64; 2] {
    if ran == 0 {
        return [0.0, 1.0];
    }
    let (n, z) = (ran as f64, 1.959_964_f64);
    let share = failed as f64 / n;
    let middle = share + z * z / (2.0 * n);
    let half = z * (share * (1.0 - share) / n + z * z / (4.0 * n * n)).sqrt();
    let bound = |at: f64| ((at / (1.0 + z * z / n)).clamp(0.0, 1.0) * 1e6).round() / 1e6;
    [bound(middle - half), bound(middle + half)]
}

#[cfg(test)]
mod tests {
    use super::wilson;

    #[test]
    fn intervals_are_wilsons() {
        // Brown, Cai and DasGupta, Interval Estimation for a Binomial Proportion (2001): n = 10, none and half of them.
        assert_eq!(wilson(0, 10), [0.0, 0.277_533]);
        assert_eq!(wilson(5, 10), [0.236_593, 0.763_407]);
        assert_eq!(wilson(0, 0), [0.0, 1.0]);
    }
}
