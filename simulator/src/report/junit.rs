//! JUnit XML: a test case for each scenario and seed, the failures with their evidence.
//!
//! It holds no times and no date on purpose, and its paths lead on from the output folder, so that the same scenarios,
//! seeds and binary give the same bytes.

use std::path::Path;

use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};

use super::{CaseReport, NotRun, Session};

/// The report of all cases as JUnit XML; those that were not run are skipped.
pub fn to_xml(session: &Session) -> String {
    let mut suite = TestSuite::new("preflash");
    for report in &session.reports {
        suite.add_test_case(case(report));
    }
    for case in &session.not_run {
        let why = match &case.given_up {
            None if !case.needs.is_empty() => format!("needs {}", case.needs.join("; ")),
            Some(begun) => {
                format!("interrupted at {} s; what happened until then: {}", begun.reached, begun.folder.display())
            }
            None => session.why_not_run().to_owned(),
        };
        suite.add_test_case(not_run(case, &why));
    }
    let mut xml = Report::new("preflash");
    xml.add_test_suite(suite);
    xml.to_string().expect("a report without custom events is always well-formed")
}

fn not_run(case: &NotRun, why: &str) -> TestCase {
    let mut status = TestCaseStatus::skipped();
    status.set_message(why);
    let mut skipped = TestCase::new(case.title.clone(), status);
    skipped.set_classname(case.name.clone());
    skipped.add_property(Property::new("file", case.file.clone()));
    skipped.add_property(Property::new("seed", case.seed.to_string()));
    skipped
}

fn case(report: &CaseReport) -> TestCase {
    let mut status = match report.failures.as_slice() {
        [] => TestCaseStatus::success(),
        [first, ..] => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_message(format!("expected {}", first.expected));
            status
        }
    };
    if !report.passed() {
        status.set_description(report.evidence(Path::new("")));
    }
    let mut case = TestCase::new(report.title.clone(), status);
    case.set_classname(report.name.clone());
    case.add_property(Property::new("file", report.file.clone()));
    case.add_property(Property::new("seed", report.seed.to_string()));
    case.add_property(Property::new("simulated-seconds", report.simulated.as_secs_f64().to_string()));
    case
}
