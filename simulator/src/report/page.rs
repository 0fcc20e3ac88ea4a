//! `report.html`: one page that tells what came of a case, for a browser, without a network.
//!
//! What it shows lies in it as JSON ([`data`]), made from the scenario, the verdicts and the records of the runs;
//! [`page`] and its scripts are files beside this one and are put into the page as they are. The same case gives the
//! same bytes. A page holds a bounded part of a long run (see [`kept`], [`thinned`], [`faults`]) and says what it
//! leaves out. Of a sweep it shows one repetition, with each subject the same: that of the first failure.

mod bars;
mod curves;
mod data;
mod faults;
pub(super) mod frame;
mod kept;
mod thinned;

use std::collections::BTreeMap;
use std::path::Path;

use simulator_record::events::{EventKind, Kind};
use simulator_record::time::Instant;
use simulator_scenario::model::Scenario;

use super::Failure;
use super::artifacts::CaseFacts;
use super::evidence;
use super::lane::{Lane, News};
use super::record::{self, RecordError};
use crate::run::{Name, Run};
use bars::Timeline;
use curves::Curves;
use data::{Data, RunData};
use faults::Faults;
use frame::Parts;
use kept::Kept;

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

/// The page of a case.
///
/// # Errors
/// If a record cannot be read.
pub(super) fn page(facts: &CaseFacts<'_>) -> Result<String, RecordError> {
    let several = facts.results.outcomes.len() > 1;
    let repetition = facts.failures.first().map_or(0, Failure::repetition);
    let mut runs = Vec::new();
    for on in &facts.results.outcomes {
        let all = &on.outcome.runs;
        let Some(run) = all.iter().find(|run| run.repetition == repetition).or(all.first()) else { continue };
        let subject = several.then_some(on.name);
        let failed: Vec<u32> = all.iter().filter(|run| !run.passed()).map(|run| run.repetition).collect();
        let failures = failures_of(facts, subject, run.repetition);
        let mut data = run_data(&(facts.record)(on.name, run.repetition), run, facts.scenario, &failures)?;
        data.subject = subject;
        data.memory_note = memory_note(on.outcome.coverage().is_some(), &data);
        data.repetitions = all.len();
        data.failed_repetitions = (all.len() > 1 && !failed.is_empty()).then(|| evidence::repetitions(&failed));
        runs.push(data);
    }
    let data = Data::new(facts, runs);
    let json = serde_json::to_string(&data).expect("a page's data is plain");
    let rows = data.runs.iter().map(|run| format!("[{}]", run.rows.join(",\n")));
    let elements: Vec<String> = [json].into_iter().chain(rows).map(|json| frame::data(&json)).collect();
    Ok(frame::page(&PAGE, &facts.scenario.title, &elements))
}

/// Why nothing is shown of a program's memory, if nothing is known of it.
fn memory_note(on_chip: bool, run: &RunData) -> Option<&'static str> {
    match (run.counts.contains_key(&Kind::Memory), on_chip) {
        (true, _) => None,
        (false, true) => Some(
            "heap and stack: not known; the image's ELF file (--elf) may tell where that stands, once it has run for a second",
        ),
        (false, false) => Some("heap and stack: not measured, because no chip was emulated"),
    }
}

/// The failures of a run, by their places among those of the case: the first ones, as many as a page lists.
fn failures_of(facts: &CaseFacts<'_>, subject: Option<Name>, repetition: u32) -> Vec<(usize, Option<Instant>)> {
    let listed = facts.failures.iter().take(data::MOST_LISTED).enumerate();
    let of_run = listed.filter(|(_, failure)| data::is_of(failure, subject, repetition));
    of_run.map(|(place, failure)| (place, failure.at)).collect()
}

/// Around how many failures' moments a page holds more than elsewhere.
const MOST_MOMENTS: usize = 10;

/// What a page has of a run: its events go by once.
fn run_data(
    file: &Path,
    run: &Run,
    scenario: &Scenario,
    failures: &[(usize, Option<Instant>)],
) -> Result<RunData, RecordError> {
    let moments = failures.iter().filter_map(|(_, at)| *at).take(MOST_MOMENTS).collect();
    let (mut timeline, mut kept) = (Timeline::new(), Kept::new(moments));
    let mut curves = Curves::new(scenario.start.unix_timestamp(), run.end.as_micros());
    let (mut counts, mut bad): (BTreeMap<Kind, u64>, BTreeMap<&str, u64>) = Default::default();
    let mut faults = Faults::new(failures, run.end);
    for event in record::read(file)? {
        let event = event?;
        *counts.entry(event.kind.kind()).or_default() += 1;
        if News::of(&event.kind) == News::Bad {
            *bad.entry(Lane::of(&event.kind).word()).or_default() += 1;
        }
        if let EventKind::Fault(fault) = &event.kind {
            faults.see(event.at, fault);
        }
        curves.see(&event);
        let strip = timeline.see(&event);
        kept.see(&event, strip);
    }
    timeline.finish(run.end);
    faults.finish();
    Ok(RunData {
        subject: None,
        repetition: run.repetition,
        repetitions: 1,
        failed_repetitions: None,
        end: run.end.as_micros(),
        events: kept.total(),
        not_on_the_timeline: timeline.left_out(),
        counts,
        bad,
        faults,
        strips: timeline,
        curves: curves.into_curves(),
        memory_note: None,
        rows: kept.into_rows(),
    })
}
