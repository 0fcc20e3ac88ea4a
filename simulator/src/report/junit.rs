//! JUnit XML: a test case for each scenario and seed, the failures with their evidence.

use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};

use super::CaseReport;

/// The report of all cases as JUnit XML.
pub fn to_xml(reports: &[CaseReport]) -> String {
    let mut suite = TestSuite::new("preflash");
    for report in reports {
        suite.add_test_case(case(report));
    }
    let mut xml = Report::new("preflash");
    xml.add_test_suite(suite);
    xml.to_string().expect("a report without custom events is always well-formed")
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
        status.set_description(report.evidence());
    }
    let mut case = TestCase::new(report.title.clone(), status);
    case.set_classname(report.name.clone());
    case.add_property(Property::new("file", report.file.clone()));
    case.add_property(Property::new("seed", report.seed.to_string()));
    case.add_property(Property::new("simulated-seconds", report.simulated.as_secs_f64().to_string()));
    case
}
