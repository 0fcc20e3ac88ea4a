//! `report.html`: one page that tells what came of a case, for a browser, without a network.
//!
//! What it shows lies in it as JSON, made from the scenario, the verdicts and the records of the runs; [`page`] and
//! its scripts are files beside this one and are put into the page as they are. The same case gives the same bytes. A
//! page holds a bounded part of a long run (see [`kept`], [`thinned`]) and says what it leaves out.

mod curves;
pub(super) mod frame;
mod kept;
mod strips;
mod thinned;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;
use simulator_record::events::{EventKind, Kind};
use simulator_record::time::Instant;
use simulator_scenario::model::{self as scenario, Scenario, When};
use simulator_world::device::Coverage;

use super::artifacts::comparison as comparison_file;
use super::compare::{Comparison, Pair};
use super::evidence;
use super::lane::{Lane, News};
use super::record::{self, RecordError};
use super::{Failure, LogLine};
use crate::run::receipts::Receipt;
use crate::run::{Name, Results, Run};
use curves::{Curve, Curves};
use frame::Parts;
use kept::Kept;
use strips::Strips;

/// What is in the frame, and what the page does, file by file.
const PAGE: Parts = Parts {
    kind: "report",
    body: include_str!("page/report.html"),
    scripts: &[
        include_str!("page/common.js"),
        include_str!("page/head.js"),
        include_str!("page/draw.js"),
        include_str!("page/timeline.js"),
        include_str!("page/panes.js"),
        include_str!("page/main.js"),
    ],
};

/// How many bytes of a scenario's text a page shows; more is cut off at a line.
const MOST_SOURCE: usize = 200_000;
/// How many failures, expectations, faults' intervals and compared pairs each a page lists.
const MOST_LISTED: usize = 200;

/// What is known of a case once it is over, or was given up.
pub(super) struct Facts<'c> {
    pub(super) scenario: &'c Scenario,
    /// The case's name in reports.
    pub(super) name: &'c str,
    pub(super) seed: u64,
    /// The command that runs it again.
    pub(super) command: &'c str,
    pub(super) results: &'c Results,
    pub(super) comparisons: &'c [Comparison],
    pub(super) failures: &'c [Failure],
    /// Where and when it was given up, in words, if it was.
    pub(super) given_up: Option<&'c str>,
    /// Where a run's events lie.
    pub(super) record: &'c dyn Fn(Name, u32) -> PathBuf,
}

/// All that a page is made of.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Data<'a> {
    name: &'a str,
    file: &'a str,
    title: &'a str,
    description: Option<&'a str>,
    links: &'a [String],
    seed: u64,
    command: &'a str,
    /// In seconds since 1970.
    start: i64,
    /// In microseconds.
    duration: u64,
    /// `passed`, `failed` or `interrupted`.
    outcome: &'static str,
    interrupted: Option<&'a str>,
    source: &'a str,
    source_is_cut: bool,
    failures: Vec<FailureData<'a>>,
    failures_left_out: usize,
    expectations: Vec<ExpectationData<'a>>,
    faults: Vec<FaultData<'a>>,
    coverage: Option<&'a Coverage>,
    receipts: Vec<ReceiptData>,
    comparisons: Vec<ComparisonData<'a>>,
    lanes: Vec<(&'static str, &'static str)>,
    runs: Vec<RunData<'a>>,
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
    log: Vec<(u64, &'a str, Option<&'static str>)>,
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
    when: String,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct ComparisonData<'a> {
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
struct RunData<'a> {
    subject: Option<&'static str>,
    repetition: u32,
    /// How many runs the case had with this subject, and which of them failed.
    repetitions: usize,
    failed_repetitions: Option<String>,
    passed: bool,
    /// In microseconds.
    end: u64,
    events: u64,
    not_on_the_timeline: u64,
    counts: BTreeMap<Kind, u64>,
    /// Of what went wrong, by lane.
    bad: BTreeMap<&'static str, u64>,
    faults: Vec<FaultSpan>,
    strips: Strips,
    curves: Vec<Curve>,
    /// Each as JSON; they stand in an element of their own.
    #[serde(skip)]
    rows: Vec<String>,
    #[serde(skip)]
    of: &'a Run,
}

/// When a fault was in force.
#[derive(Serialize)]
struct FaultSpan {
    name: String,
    from: u64,
    to: u64,
}

/// The page of a case.
///
/// # Errors
/// If a record cannot be read.
pub(super) fn page(facts: &Facts<'_>) -> Result<String, RecordError> {
    let several = facts.results.outcomes.len() > 1;
    let mut runs = Vec::new();
    for on in &facts.results.outcomes {
        // The first that failed is the one to look at.
        let all = &on.outcome.runs;
        let Some(run) = all.iter().find(|run| !run.passed()).or(all.first()) else { continue };
        let subject = several.then_some(on.name);
        let failed: Vec<u32> = all.iter().filter(|run| !run.passed()).map(|run| run.repetition).collect();
        let moments = moments(facts, subject, run.repetition);
        let mut data = run_data(&(facts.record)(on.name, run.repetition), run, facts.scenario, moments)?;
        data.subject = subject.map(Name::word);
        data.repetitions = all.len();
        data.failed_repetitions = (all.len() > 1 && !failed.is_empty()).then(|| evidence::repetitions(&failed));
        runs.push((subject, data));
    }
    let source = source(&facts.scenario.source);
    let verdicts = runs.first().map(|(_, run)| run.of.verdicts.as_slice()).unwrap_or_default();
    let expectations = verdicts.iter().filter(|verdict| verdict.place.is_some()).take(MOST_LISTED);
    let data = Data {
        name: facts.name,
        file: &facts.scenario.file,
        title: &facts.scenario.title,
        description: facts.scenario.description.as_deref(),
        links: &facts.scenario.links,
        seed: facts.seed,
        command: facts.command,
        start: facts.scenario.start.unix_timestamp(),
        duration: Instant::START.max(Instant::START + facts.scenario.duration).as_micros(),
        outcome: match (facts.given_up, facts.failures) {
            (Some(_), _) => "interrupted",
            (None, []) => "passed",
            (None, _) => "failed",
        },
        interrupted: facts.given_up,
        source,
        source_is_cut: source.len() < facts.scenario.source.len(),
        failures: facts.failures.iter().take(MOST_LISTED).map(|failure| failure_data(failure, facts, &runs)).collect(),
        failures_left_out: facts.failures.len().saturating_sub(MOST_LISTED),
        expectations: expectations
            .map(|verdict| ExpectationData {
                text: &verdict.text,
                because: verdict.because.as_deref(),
                line: verdict.place.map(|place| place.line),
                met: verdict.is_met(),
            })
            .collect(),
        faults: facts.scenario.faults.iter().take(MOST_LISTED).map(fault_data).collect(),
        coverage: runs.iter().find_map(|(_, run)| run.of.coverage.as_ref()),
        receipts: runs.first().map_or_else(Vec::new, |(_, run)| receipts(run.of)),
        comparisons: facts.comparisons.iter().map(comparison_data).collect(),
        lanes: Lane::ALL.iter().map(|lane| (lane.word(), lane.label())).collect(),
        runs: runs.into_iter().map(|(_, run)| run).collect(),
    };
    let json = serde_json::to_string(&data).expect("a page's data is plain");
    let rows = data.runs.iter().map(|run| format!("[{}]", run.rows.join(",\n")));
    let elements: Vec<String> = [json].into_iter().chain(rows).map(|json| frame::data(&json)).collect();
    Ok(frame::page(&PAGE, &facts.scenario.title, &elements))
}

/// The moments in a run around which its page holds more than elsewhere.
fn moments(facts: &Facts<'_>, subject: Option<Name>, repetition: u32) -> Vec<Instant> {
    let of_run = |failure: &&Failure| {
        (failure.subject.is_none() || failure.subject == subject) && failure.repetition() == repetition
    };
    facts.failures.iter().filter(of_run).filter_map(|failure| failure.at).take(10).collect()
}

/// What a page has of a run: its events go by once.
fn run_data<'a>(
    file: &Path,
    run: &'a Run,
    scenario: &Scenario,
    moments: Vec<Instant>,
) -> Result<RunData<'a>, RecordError> {
    let end = run.end.as_micros();
    let (mut strips, mut kept) = (Strips::default(), Kept::new(moments));
    let mut curves = Curves::new(scenario.start.unix_timestamp(), end);
    let (mut counts, mut bad): (BTreeMap<Kind, u64>, BTreeMap<&str, u64>) = Default::default();
    let (mut faults, mut open): (Vec<FaultSpan>, Vec<(String, u64)>) = Default::default();
    for event in record::read(file)? {
        let event = event?;
        *counts.entry(event.kind.kind()).or_default() += 1;
        if News::of(&event.kind) == News::Bad {
            *bad.entry(Lane::of(&event.kind).word()).or_default() += 1;
        }
        if let EventKind::Fault(fault) = &event.kind {
            match fault.action.as_str() {
                "begins" => open.push((fault.rule.clone(), event.at.as_micros())),
                "ends" => {
                    if let Some(place) = open.iter().position(|(rule, _)| *rule == fault.rule) {
                        let (name, from) = open.remove(place);
                        faults.push(FaultSpan { name, from, to: event.at.as_micros() });
                    }
                }
                _ => {}
            }
        }
        curves.see(&event);
        let strip = strips.see(&event);
        kept.see(&event, strip);
    }
    strips.finish(run.end);
    faults.extend(open.into_iter().map(|(name, from)| FaultSpan { name, from, to: end }));
    faults.sort_by_key(|fault| fault.from);
    faults.truncate(MOST_LISTED);
    Ok(RunData {
        subject: None,
        repetition: run.repetition,
        repetitions: 1,
        failed_repetitions: None,
        passed: run.passed(),
        end,
        events: kept.total(),
        not_on_the_timeline: strips.left_out(),
        counts,
        bad,
        faults,
        strips,
        curves: curves.into_curves(),
        rows: kept.into_rows(),
        of: run,
    })
}

/// As much of a scenario's text as a page shows.
fn source(text: &str) -> &str {
    if text.len() <= MOST_SOURCE {
        return text;
    }
    let end = text[..text.floor_char_boundary(MOST_SOURCE)].rfind('\n').unwrap_or(0);
    &text[..end]
}

fn failure_data<'a>(failure: &'a Failure, facts: &Facts<'_>, runs: &[(Option<Name>, RunData<'_>)]) -> FailureData<'a> {
    let subject = failure.subject;
    let is_it = |(name, run): &(Option<Name>, RunData<'_>)| {
        (subject.is_none() || *name == subject) && run.repetition == failure.repetition()
    };
    let several = facts.results.outcomes.iter().any(|on| on.outcome.runs.len() > 1);
    let report = failure.report.as_ref().map(|report| {
        let trace: Vec<String> = report.trace.iter().map(ToString::to_string).collect();
        format!("{}\n{}\n{}", report.remarks.join("\n"), evidence::registers(report), trace.join("\n"))
    });
    let line = |log: &'a LogLine| (log.at.as_micros(), log.line.as_str(), log.subject.map(Name::word));
    FailureData {
        expected: &failure.expected,
        because: failure.because.as_deref(),
        seen: &failure.seen,
        line: failure.line,
        at: failure.at.map(Instant::as_micros),
        run: runs.iter().position(is_it),
        subject: subject.map(Name::word),
        repetitions: several.then(|| evidence::repetitions(&failure.repetitions)),
        log: failure.log.iter().map(line).collect(),
        report: report.map(|text| text.trim().to_owned()),
    }
}

fn fault_data(fault: &scenario::Fault) -> FaultData<'_> {
    let when = match &fault.when {
        When::At(at) => format!("from {}", humantime::format_duration(*at)),
        When::After(trigger) => format!("after {trigger}"),
        When::Every { period, .. } => format!("every {}", humantime::format_duration(*period)),
    };
    FaultData { name: &fault.name, line: fault.place.line, when }
}

fn comparison_data(comparison: &Comparison) -> ComparisonData<'_> {
    let pairs = comparison.repetitions.first().into_iter().flat_map(|repetition| &repetition.sequences);
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
    let side = |side: &'a Option<super::compare::Happening>| {
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
