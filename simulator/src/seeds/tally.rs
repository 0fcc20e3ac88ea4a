//! What is added up over seeds.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use simulator_record::events::{Event, EventKind};
use simulator_scenario::model::{OverSeeds, Scenario};

use super::histogram::Histogram;
use crate::run::{CaseOutcome, Name};

/// So many of the worst seeds are named.
const WORST: usize = 10;
/// So many seeds that failed are kept, the lowest ones.
const FAILING: usize = 1_000;

/// What is noted of a seed while it is run.
#[derive(Debug, Default)]
pub struct Noted {
    /// `created_at` of each entry with a reading, and when it was stored, by the run and its channel.
    entries: BTreeMap<(u32, u32), Vec<(i64, u64)>>,
    /// How many runs have begun: a scenario with a sweep of its own has many.
    runs: u32,
    /// The place of the last event in its run.
    last: Option<u64>,
}

impl Noted {
    /// Notes an event.
    pub fn note(&mut self, event: &Event) {
        if self.last.is_none_or(|last| event.sequence <= last) {
            self.runs += 1;
        }
        self.last = Some(event.sequence);
        if let EventKind::Stored(stored) = &event.kind
            && stored.fields.iter().any(Option::is_some)
        {
            let at = event.at.as_nanos() / 1_000_000;
            self.entries.entry((self.runs, stored.channel)).or_default().push((stored.created_at, at));
        }
    }
}

/// What became of an expectation over all seeds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Expected {
    /// The line in the file; none for what every scenario expects.
    pub line: Option<u32>,
    /// In words.
    pub expected: String,
    /// Whether one seed is enough.
    pub sometimes: bool,
    /// With how many seeds it was not met.
    pub failed: u64,
    /// The lowest of them, and what was seen then.
    pub first: Option<(u64, String)>,
}

/// One of the worst seeds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Worst {
    /// The seed.
    pub seed: u64,
    /// How many expectations were not met.
    pub failures: u64,
    /// The longest gap between readings, in milliseconds.
    pub longest_gap: u64,
}

/// What came of many seeds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Tally {
    /// The version of preflash.
    pub version: String,
    /// The scenario's file as it was named.
    pub scenario: String,
    /// Its title.
    pub title: String,
    /// SHA-256 of all files that it was read from.
    pub inputs: String,
    /// What executed the firmware, `host` or `chip`.
    pub on: String,
    /// SHA-256 of the chip's image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// The first and the last seed.
    pub seeds: (u64, u64),
    /// How many were run.
    pub ran: u64,
    /// How many of them failed.
    pub failed: u64,
    /// Each expectation, in the file's order, then those of every scenario that failed.
    pub expectations: Vec<Expected>,
    /// The worst seeds first.
    pub worst: Vec<Worst>,
    /// Milliseconds between two readings of a channel, by their `created_at`.
    pub gaps: Histogram,
    /// Milliseconds from a reading's `created_at`, which counts whole seconds, until it was stored.
    pub latencies: Histogram,
    /// Entries with a reading for each run of each seed, as a distribution.
    pub entries: Histogram,
    /// Seeds that failed, the lowest 1,000.
    pub failing: BTreeSet<u64>,
    /// Unix time, in milliseconds, of the run's beginning.
    start: i64,
}

impl Tally {
    pub(super) fn new(scenario: &Scenario, on: Name, image: Option<String>, seeds: &RangeInclusive<u64>) -> Self {
        let mut inputs = Sha256::new();
        scenario.sources.iter().for_each(|source| inputs.update(source.sha256));
        let expectations = scenario.expectations.iter().map(|expectation| Expected {
            line: Some(expectation.place.line),
            expected: expectation.text.clone(),
            sometimes: expectation.over_seeds == OverSeeds::Sometimes,
            failed: 0,
            first: None,
        });
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            scenario: scenario.file.clone(),
            title: scenario.title.clone(),
            inputs: hex::encode(inputs.finalize()),
            on: on.word().to_owned(),
            image,
            seeds: (*seeds.start(), *seeds.end()),
            ran: 0,
            failed: 0,
            expectations: expectations.collect(),
            worst: Vec::new(),
            gaps: Histogram::default(),
            latencies: Histogram::default(),
            entries: Histogram::default(),
            failing: BTreeSet::new(),
            start: (scenario.start.unix_timestamp_nanos() / 1_000_000) as i64,
        }
    }

    /// Adds what came of a seed.
    pub(super) fn add(&mut self, seed: u64, outcome: &CaseOutcome, noted: Noted) {
        self.ran += 1;
        let mut missed: BTreeSet<(Option<u32>, &str)> = BTreeSet::new();
        for verdict in outcome.runs.iter().flat_map(|run| &run.verdicts) {
            let Some(failure) = &verdict.failure else { continue };
            let line = verdict.place.map(|place| place.line);
            if !missed.insert((line, verdict.text.as_str())) {
                // In another repetition.
                continue;
            }
            let known = self.expectations.iter_mut().find(|it| it.line == line && it.expected == verdict.text);
            let first = Some((seed, failure.seen.clone()));
            match known {
                Some(known) => {
                    known.failed += 1;
                    known.first = lowest(known.first.take(), first);
                }
                None => self.expectations.push(Expected {
                    line,
                    expected: verdict.text.clone(),
                    sometimes: false,
                    failed: 1,
                    first,
                }),
            }
        }
        if !outcome.passed() {
            self.failed += 1;
            self.failing.insert(seed);
        }
        let mut longest_gap = 0;
        // Of each run by itself: what comes of one has nothing to do with another.
        let mut counts = vec![0; noted.runs.max(1) as usize];
        for ((run, _), mut entries) in noted.entries {
            counts[run.saturating_sub(1) as usize] += entries.len() as u64;
            for (created, stored) in &entries {
                let since = created * 1_000 - self.start;
                self.latencies.add(stored.saturating_sub(u64::try_from(since).unwrap_or(0)));
            }
            entries.sort_unstable();
            for pair in entries.windows(2) {
                let gap = (pair[1].0 - pair[0].0).unsigned_abs() * 1_000;
                self.gaps.add(gap);
                longest_gap = longest_gap.max(gap);
            }
        }
        counts.into_iter().for_each(|count| self.entries.add(count));
        let failures = outcome.runs.iter().flat_map(|run| run.failures()).count() as u64;
        self.worst.push(Worst { seed, failures, longest_gap });
        self.tidy();
    }

    /// Adds what came of other seeds of the same scenario.
    ///
    /// # Errors
    /// What is not the same.
    pub fn merge(&mut self, other: &Self) -> Result<(), String> {
        let none = "none".to_owned();
        let same = [
            ("version of preflash", &self.version, &other.version),
            ("scenario", &self.scenario, &other.scenario),
            ("text of the scenario, or a file that it names,", &self.inputs, &other.inputs),
            ("place where it ran", &self.on, &other.on),
            ("image", self.image.as_ref().unwrap_or(&none), other.image.as_ref().unwrap_or(&none)),
        ];
        if let Some((what, ours, theirs)) = same.into_iter().find(|(_, ours, theirs)| ours != theirs) {
            return Err(format!("the {what} is not the same: {ours} and {theirs}"));
        }
        if self.seeds != other.seeds {
            let ((a, b), (c, d)) = (self.seeds, other.seeds);
            return Err(format!("the seeds are not the same: {a}..{b} and {c}..{d}"));
        }
        self.ran += other.ran;
        self.failed += other.failed;
        for theirs in &other.expectations {
            match self.expectations.iter_mut().find(|it| it.line == theirs.line && it.expected == theirs.expected) {
                Some(ours) => {
                    ours.failed += theirs.failed;
                    ours.first = lowest(ours.first.take(), theirs.first.clone());
                }
                None => self.expectations.push(theirs.clone()),
            }
        }
        self.gaps.merge(&other.gaps);
        self.latencies.merge(&other.latencies);
        self.entries.merge(&other.entries);
        self.worst.extend(other.worst.iter().cloned());
        self.failing.extend(&other.failing);
        self.tidy();
        Ok(())
    }

    /// The same order and the same size, whatever came first.
    fn tidy(&mut self) {
        self.worst.sort_by_key(|it| (std::cmp::Reverse((it.failures, it.longest_gap)), it.seed));
        self.worst.truncate(WORST);
        while self.failing.len() > FAILING {
            self.failing.pop_last();
        }
        // Those of the file keep its order; the others come behind, by their words.
        self.expectations.sort_by(|a, b| {
            let key = |it: &Expected| (it.line.is_none(), it.line, it.line.is_none().then(|| it.expected.clone()));
            key(a).cmp(&key(b))
        });
    }

    /// Expectations that were not met as they must be over all seeds; `whole` says that all seeds are here, without
    /// which nothing can be said of `sometimes`.
    pub fn missed(&self, whole: bool) -> impl Iterator<Item = &Expected> {
        let missed = move |it: &&Expected| if it.sometimes { whole && it.failed == self.ran } else { it.failed > 0 };
        self.expectations.iter().filter(missed)
    }
}

/// The one with the lower seed.
fn lowest(one: Option<(u64, String)>, other: Option<(u64, String)>) -> Option<(u64, String)> {
    match (one, other) {
        (Some(one), Some(other)) => Some(if other.0 < one.0 { other } else { one }),
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use simulator_record::events::Stored;
    use simulator_record::time::Instant;

    #[test]
    fn runs_of_a_scenarios_own_sweep_are_not_mixed() {
        let mut noted = Noted::default();
        for _ in 0..2 {
            for (sequence, second) in [(0, 10), (1, 70)] {
                let fields = [Some("20.5".to_owned()), None, None, None, None, None, None, None];
                let stored = Stored { channel: 1, entry_id: sequence, created_at: second, fields, status: None };
                let at = Instant::from_secs(second as u64);
                noted.note(&Event { at, sequence, device: None, name: None, kind: stored.into() });
            }
        }
        let text = "title = 't'\nduration = '2m'\nstart = 1970-01-01T00:00:00Z\n[[expect]]\nevent.boot = {}\n";
        let scenario =
            Scenario::parse("t.toml", text, &|_| Err(String::new())).unwrap_or_else(|error| panic!("{error}"));
        let mut tally = Tally::new(&scenario, Name::Host, None, &(0..=0));
        tally.add(0, &CaseOutcome { runs: Vec::new() }, noted);
        // A minute between the two entries of each run, and none between those of different runs.
        let summary = |histogram: &Histogram| histogram.summary().unwrap();
        assert_eq!(summary(&tally.gaps)[0], 60_000);
        assert_eq!(summary(&tally.entries), [2; 4]);
    }
}
