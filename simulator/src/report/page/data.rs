//! What a page is made of, as its scripts read it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Serialize, Serializer};
use simulator_record::events::Kind;
use simulator_record::time::Instant;
use simulator_scenario::model as scenario;
use simulator_world::device::Coverage;

use super::bars::Timeline;
use super::curves::Curve;
use super::faults::{Faults, Then};
use crate::expectation::Verdict;
use crate::report::Failure;
use crate::report::artifacts::CaseFacts;
use crate::report::artifacts::comparison as comparison_file;
use crate::report::compare::{Comparison, Happening, Pair};
use crate::report::evidence;
use crate::report::lane::Lane;
use crate::run::receipts::Receipt;
use crate::run::{CaseOutcome, Name, Run};

/// How many bytes of a scenario's text a page shows; more is cut off at a line.
const MOST_SOURCE: usize = 200_000;
/// How many failures, expectations, faults, receipts and compared pairs each a page lists.
pub(super) const MOST_LISTED: usize = 200;

/// All that a page is made of.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Data<'a> {
    name: String,
    file: &'a str,
    title: &'a str,
    description: Option<&'a str>,
    links: &'a [String],
    /// As text: numbers of JavaScript hold no more than 53 bits.
    seed: String,
    command: &'a str,
    /// In seconds since 1970.
    start: i64,
    /// `passed`, `failed` or `interrupted`.
    outcome: &'static str,
    interrupted: Option<&'a str>,
    source: &'a str,
    source_is_cut: bool,
    failures: Vec<FailureData<'a>>,
    failures_left_out: usize,
    expectations: Vec<ExpectationData<'a>>,
    expectations_left_out: usize,
    faults: Vec<FaultData<'a>>,
    coverage: Option<Coverage>,
    receipts: Vec<ReceiptData>,
    receipts_left_out: usize,
    comparisons: Vec<ComparisonData<'a>>,
    lanes: Vec<(&'static str, &'static str)>,
    pub(super) runs: Vec<RunData>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct FailureData<'a> {
    expected: &'a str,
    because: Option<&'a str>,
    seen: &'a str,
    line: Option<u32>,
    /// In microseconds.
    at: Option<u64>,
    /// The place in `runs` of the run that it was in, if that is shown.
    run: Option<usize>,
    subject: Option<&'static str>,
    repetitions: Option<String>,
    /// What was in force at its moment, or at the end, if its run is shown.
    in_force: Option<Then>,
    report: Option<String>,
}

#[derive(Serialize)]
struct ExpectationData<'a> {
    text: &'a str,
    because: Option<&'a str>,
    line: Option<u32>,
    met: bool,
}

#[derive(Serialize)]
struct FaultData<'a> {
    name: &'a str,
    line: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct ComparisonData<'a> {
    /// Which repetition the rows are of.
    repetition: Option<u32>,
    first: &'static str,
    other: &'static str,
    agrees: bool,
    tolerance: f64,
    may_differ: Vec<&'static str>,
    rows: Vec<PairData<'a>>,
    left_out: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct PairData<'a> {
    aspect: &'static str,
    first: Option<(u64, &'a str)>,
    other: Option<(u64, &'a str)>,
    later: Option<f64>,
    differs: Option<&'static str>,
    allowed: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct RunData {
    #[serde(serialize_with = "word")]
    pub(super) subject: Option<Name>,
    pub(super) repetition: u32,
    /// How many runs the case had with this subject, and which of them failed.
    pub(super) repetitions: usize,
    pub(super) failed_repetitions: Option<String>,
    /// In microseconds.
    pub(super) end: u64,
    pub(super) events: u64,
    pub(super) not_on_the_timeline: u64,
    pub(super) counts: BTreeMap<Kind, u64>,
    /// Of what went wrong, by lane.
    pub(super) bad: BTreeMap<&'static str, u64>,
    pub(super) faults: Faults,
    pub(super) strips: Timeline,
    pub(super) curves: Vec<Curve>,
    /// Why nothing is shown of the program's memory.
    pub(super) memory_note: Option<&'static str>,
    /// Each as JSON; they stand in an element of their own.
    #[serde(skip)]
    pub(super) rows: Vec<String>,
}

impl<'a> Data<'a> {
    /// All of it: what is known of a case, and what is shown of its runs.
    pub(super) fn new(facts: &CaseFacts<'a>, runs: Vec<RunData>) -> Self {
        let scenario = facts.scenario;
        let outcomes = || facts.results.outcomes.iter().map(|on| &on.outcome);
        let all_runs = || outcomes().flat_map(|outcome| &outcome.runs);
        let first = all_runs().next();
        let key = |verdict: &'a Verdict| (verdict.place.map(|place| place.line), verdict.text.as_str());
        // What is not met in one of many runs is not met.
        let unmet: BTreeSet<_> =
            all_runs().flat_map(|run| &run.verdicts).filter(|verdict| !verdict.is_met()).map(key).collect();
        let verdicts = first.map_or(&[][..], |run| &run.verdicts);
        let expectations = || verdicts.iter().filter(|verdict| verdict.place.is_some());
        let source = source(&scenario.source);
        let failures = facts.failures.iter().take(MOST_LISTED).enumerate();
        let shown = runs.first().map(|run| run.repetition);
        Self {
            name: facts.case.name(scenario).to_string(),
            file: &scenario.file,
            title: &scenario.title,
            description: scenario.description.as_deref(),
            links: &scenario.links,
            seed: facts.case.seed.0.to_string(),
            command: facts.command,
            start: scenario.start.unix_timestamp(),
            outcome: match (facts.given_up, facts.failures) {
                (Some(_), _) => "interrupted",
                (None, []) => "passed",
                (None, _) => "failed",
            },
            interrupted: facts.given_up,
            source,
            source_is_cut: source.len() < scenario.source.len(),
            failures: failures.map(|(place, failure)| failure_data(place, failure, facts, &runs)).collect(),
            failures_left_out: facts.failures.len().saturating_sub(MOST_LISTED),
            expectations: expectations()
                .take(MOST_LISTED)
                .map(|verdict| ExpectationData {
                    text: &verdict.text,
                    because: verdict.because.as_deref(),
                    line: verdict.place.map(|place| place.line),
                    met: !unmet.contains(&key(verdict)),
                })
                .collect(),
            expectations_left_out: expectations().count().saturating_sub(MOST_LISTED),
            faults: scenario.faults.iter().take(MOST_LISTED).map(fault_data).collect(),
            coverage: outcomes().find_map(CaseOutcome::coverage),
            receipts: first.map_or_else(Vec::new, receipts),
            receipts_left_out: first.map_or(0, |run| run.receipts.len().saturating_sub(MOST_LISTED)),
            comparisons: facts.comparisons.iter().map(|comparison| comparison_data(comparison, shown)).collect(),
            lanes: Lane::ALL.iter().map(|lane| (lane.word(), lane.label())).collect(),
            runs,
        }
    }
}

/// Whether a failure is of a run: what subjects do not agree on is of each of them.
pub(super) fn is_of(failure: &Failure, subject: Option<Name>, repetition: u32) -> bool {
    (failure.subject.is_none() || failure.subject == subject) && failure.repetition() == repetition
}

fn word<S: Serializer>(name: &Option<Name>, serializer: S) -> Result<S::Ok, S::Error> {
    name.map(Name::word).serialize(serializer)
}

/// As much of a scenario's text as a page shows.
fn source(text: &str) -> &str {
    if text.len() <= MOST_SOURCE {
        return text;
    }
    let end = text[..text.floor_char_boundary(MOST_SOURCE)].rfind('\n').unwrap_or(0);
    &text[..end]
}

fn failure_data<'a>(place: usize, failure: &'a Failure, facts: &CaseFacts<'_>, runs: &[RunData]) -> FailureData<'a> {
    let run = runs.iter().position(|run| is_of(failure, run.subject, run.repetition));
    let several = facts.results.outcomes.iter().any(|on| on.outcome.runs.len() > 1);
    let report = failure.report.as_ref().map(|report| {
        let trace: Vec<String> = report.trace.iter().map(ToString::to_string).collect();
        format!("{}\n{}\n{}", report.remarks.join("\n"), evidence::registers(report), trace.join("\n"))
    });
    FailureData {
        expected: &failure.expected,
        because: failure.because.as_deref(),
        seen: &failure.seen,
        line: failure.line,
        at: failure.at.map(Instant::as_micros),
        run,
        subject: failure.subject.map(Name::word),
        repetitions: several.then(|| evidence::repetitions(&failure.repetitions)),
        in_force: run.and_then(|run| runs[run].faults.at_failure(place)).cloned(),
        report: report.map(|text| text.trim().to_owned()),
    }
}

fn fault_data(fault: &scenario::Fault) -> FaultData<'_> {
    FaultData { name: &fault.name, line: fault.place.line }
}

fn comparison_data(comparison: &Comparison, shown: Option<u32>) -> ComparisonData<'_> {
    let all = &comparison.repetitions;
    let repetition = all.iter().find(|repetition| Some(repetition.number) == shown).or(all.first());
    let pairs = repetition.into_iter().flat_map(|repetition| &repetition.sequences);
    let pairs = pairs.flat_map(|sequence| sequence.pairs.iter().map(|pair| (sequence.aspect, pair)));
    let mut rows: Vec<PairData<'_>> = pairs.map(|(aspect, pair)| pair_data(aspect.word(), pair, comparison)).collect();
    rows.sort_by_key(|row| row.first.or(row.other).map(|(at, _)| at));
    // What differs is what somebody looks for.
    let left_out = rows.len().saturating_sub(MOST_LISTED);
    let mut room = MOST_LISTED.saturating_sub(rows.iter().filter(|row| row.differs.is_some()).count());
    rows.retain(|row| {
        let keep = row.differs.is_some() || room > 0;
        room = room.saturating_sub(usize::from(row.differs.is_none()));
        keep
    });
    rows.truncate(MOST_LISTED);
    ComparisonData {
        repetition: repetition.map(|repetition| repetition.number),
        first: comparison.first.word(),
        other: comparison.other.word(),
        agrees: comparison.agrees(),
        tolerance: comparison.targets.tolerance.as_secs_f64(),
        may_differ: comparison.targets.may_differ.iter().map(|aspect| aspect.word()).collect(),
        rows,
        left_out,
    }
}

fn pair_data<'a>(aspect: &'static str, pair: &'a Pair, comparison: &Comparison) -> PairData<'a> {
    let side = |side: &'a Option<Happening>| {
        side.as_ref().map(|happening| (happening.at.as_micros(), happening.what.as_str()))
    };
    PairData {
        aspect,
        first: side(&pair.first),
        other: side(&pair.other),
        later: pair.later(),
        differs: pair.difference.map(|(_, how)| comparison_file::word(how)),
        allowed: pair.difference.is_none_or(|(aspect, _)| comparison.allows(aspect)),
    }
}

/// How often each fault, step and phone had an effect.
#[derive(Serialize)]
struct ReceiptData {
    what: String,
    line: u32,
    begun: u64,
    applied: u64,
    nothing: Option<&'static str>,
}

fn receipts(run: &Run) -> Vec<ReceiptData> {
    // Those without effect are what somebody looks for.
    let mut all: Vec<&Receipt> = run.receipts.iter().collect();
    all.sort_by_key(|receipt| receipt.applied > 0);
    let of = |receipt: &&Receipt| ReceiptData {
        what: receipt.what(),
        line: receipt.line,
        begun: receipt.begun,
        applied: receipt.applied,
        nothing: receipt.nothing(),
    };
    all.iter().take(MOST_LISTED).map(of).collect()
}
