//! `index.html`: one page about a whole run, beside `summary.json`: a row for each scenario, which of its seeds passed,
//! and what failed in how many of them.

use std::path::Path;

use serde::Serialize;

use super::page::frame::{self, Parts};
use super::{CaseReport, NotRun, Session};
use crate::run::case;

const PAGE: Parts =
    Parts { kind: "index", body: include_str!("page/index.html"), scripts: &[include_str!("page/index.js")] };

/// How many failures of a scenario are told, the most frequent first.
const MOST_FAILURES: usize = 20;
/// How many cases of a scenario that were not run are told.
const MOST_NOT_RUN: usize = 10;

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Data<'a> {
    passed: usize,
    failed: usize,
    not_run: usize,
    interrupted: bool,
    groups: Vec<Group<'a>>,
}

/// The cases of one scenario.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Group<'a> {
    file: &'a str,
    title: &'a str,
    /// Below the output folder.
    folder: String,
    /// Whether each seed has a folder of its own inside.
    named: bool,
    failed: usize,
    /// Seed, as text (numbers of JavaScript hold no more than 53 bits), and whether it passed.
    cases: Vec<(String, bool)>,
    failures: Vec<Failed<'a>>,
    failures_left_out: usize,
    /// The first that were not run, and those that were begun.
    not_run: Vec<Left>,
    not_run_count: usize,
}

/// What failed in some of the seeds.
#[derive(Serialize)]
struct Failed<'a> {
    expected: &'a str,
    line: Option<u32>,
    /// In how many.
    count: usize,
    /// The first of them, and what was seen there.
    seed: String,
    seen: &'a str,
    /// The last of them: with two subjects a seed may fail twice in the same way.
    #[serde(skip)]
    last: u64,
}

#[derive(Serialize)]
struct Left {
    seed: String,
    why: String,
    page: Option<String>,
}

/// The page of a session.
pub fn page(session: &Session) -> String {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for report in &session.reports {
        group(&mut groups, &report.file, &report.title).add(report);
    }
    for case in &session.not_run {
        let group = group(&mut groups, &case.file, &case.title);
        group.not_run_count += 1;
        if case.given_up.is_some() || group.not_run.len() < MOST_NOT_RUN {
            group.not_run.push(left(case, session));
        }
    }
    for group in &mut groups {
        group.failures.sort_by_key(|failed| std::cmp::Reverse(failed.count));
        group.failures_left_out = group.failures.len().saturating_sub(MOST_FAILURES);
        group.failures.truncate(MOST_FAILURES);
    }
    let failed = session.failed();
    let passed = session.reports.len() - failed;
    let title = format!("{passed} passed, {failed} failed");
    let data = Data { passed, failed, not_run: session.not_run.len(), interrupted: session.interrupted, groups };
    let data = serde_json::to_string(&data).expect("a page's data is plain");
    frame::page(&PAGE, &title, &[frame::data(&data)])
}

/// The group of a scenario. Its cases come one after the other.
fn group<'g, 'a>(groups: &'g mut Vec<Group<'a>>, file: &'a str, title: &'a str) -> &'g mut Group<'a> {
    let last = groups.last().is_some_and(|group| group.file == file).then(|| groups.len() - 1);
    let place = last.or_else(|| groups.iter().position(|group| group.file == file)).unwrap_or(groups.len());
    if place == groups.len() {
        groups.push(Group {
            file,
            title,
            folder: slashed(&case::folder(file)),
            named: false,
            failed: 0,
            cases: Vec::new(),
            failures: Vec::new(),
            failures_left_out: 0,
            not_run: Vec::new(),
            not_run_count: 0,
        });
    }
    &mut groups[place]
}

impl<'a> Group<'a> {
    fn add(&mut self, report: &'a CaseReport) {
        self.named |= slashed(&report.folder) != self.folder;
        self.failed += usize::from(!report.passed());
        self.cases.push((report.seed.to_string(), report.passed()));
        for failure in &report.failures {
            let same = |failed: &&mut Failed<'_>| (failed.line, failed.expected) == (failure.line, &failure.expected);
            match self.failures.iter_mut().find(same) {
                Some(failed) => {
                    failed.count += usize::from(failed.last != report.seed);
                    failed.last = report.seed;
                }
                None => self.failures.push(Failed {
                    expected: &failure.expected,
                    line: failure.line,
                    count: 1,
                    seed: report.seed.to_string(),
                    seen: &failure.seen,
                    last: report.seed,
                }),
            }
        }
    }
}

fn left(case: &NotRun, session: &Session) -> Left {
    let why = match (&case.given_up, case.needs.as_slice()) {
        (Some(begun), _) => format!("interrupted at {} s", begun.reached),
        (None, []) => session.why_not_run().to_owned(),
        (None, needs) => needs.join("; "),
    };
    Left {
        seed: case.seed.to_string(),
        why,
        page: case.given_up.as_ref().map(|begun| format!("{}/report.html", slashed(&begun.folder))),
    }
}

/// A path as an address has it.
fn slashed(path: &Path) -> String {
    path.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/")
}
