use super::policy::{Policy, Warnings};
use super::statement::{Resource, Statement, StatementError, TestResult, Verdict};
use super::verify::{Missing, missing};
use super::*;

fn part(name: &str, offset: u32, bytes: &[u8]) -> Resource {
    Resource::of(name.to_owned(), bytes).with(OFFSET, Value::from(format!("{offset:#07x}")))
}

fn parts() -> Vec<Resource> {
    vec![part("0x00000.bin", 0, b"first"), part("0x10000.bin", 0x10000, b"second")]
}

/// Two parts passed `a/one.toml` and, with a warning, `a/two.toml`.
fn statement() -> Statement {
    let scenario = |name: &str| Resource::of(name.to_owned(), name.as_bytes()).with(SEEDS, Value::from(vec![1]));
    let result = TestResult {
        result: Verdict::Warned,
        configuration: vec![scenario("a/one.toml"), scenario("a/two.toml")],
        passed_tests: vec!["a/one.toml".to_owned()],
        warned_tests: vec!["a/two.toml, seed 7".to_owned()],
        ..TestResult::default()
    };
    Statement::new(parts(), result)
}

fn unchanged(name: &str) -> Option<String> {
    Some(sha256(name.as_bytes()))
}

fn policy(text: &str) -> Policy {
    Policy::parse(text).unwrap()
}

#[test]
fn the_image_that_passed_is_validated_and_a_statement_survives_being_written() {
    let text = statement().to_text();
    let read = Statement::parse(&text).unwrap();
    assert_eq!(read, statement());
    assert_eq!(missing(&parts(), &read, &Policy::default(), unchanged), []);
    // Scenarios that are not here say nothing.
    assert_eq!(missing(&parts(), &read, &Policy::default(), |_| None), []);
}

#[test]
fn another_image_is_not_validated() {
    let told = |parts: &[Resource]| missing(parts, &statement(), &Policy::default(), unchanged);
    let [first, second] = <[Resource; 2]>::try_from(parts()).unwrap();
    let (name, offset) = ("0x10000.bin".to_owned(), 0x10000);
    let changed = part(&name, offset, b"secone");
    assert_eq!(told(&[first.clone(), changed]), [Missing::Changed { part: name.clone(), offset }]);
    let moved = part("0x11000.bin", 0x11000, b"second");
    let expected = Missing::Moved { part: "0x11000.bin".to_owned(), offset: 0x11000, validated: offset };
    assert_eq!(told(&[first.clone(), moved]), [expected]);
    assert_eq!(told(std::slice::from_ref(&first)), [Missing::Absent { part: name, offset }]);
    let more = part("0x20000.bin", 0x20000, b"third");
    let expected = Missing::Unknown { part: "0x20000.bin".to_owned(), offset: 0x20000 };
    assert_eq!(told(&[first, second, more]), [expected]);
}

#[test]
fn what_failed_or_changed_since_validates_nothing() {
    let mut failed = statement();
    failed.predicate.result = Verdict::Failed;
    assert_eq!(missing(&parts(), &failed, &Policy::default(), unchanged).len(), 1);
    failed.predicate.failed_tests.push("a/three.toml".to_owned());
    let told = missing(&parts(), &failed, &Policy::default(), unchanged);
    assert_eq!(told, [Missing::Failed("a/three.toml".to_owned())]);
    let now = |name: &str| Some(sha256(if name == "a/two.toml" { b"changed" } else { name.as_bytes() }));
    let told = missing(&parts(), &statement(), &Policy::default(), now);
    assert_eq!(told, [Missing::Outdated("a/two.toml".to_owned())]);
}

#[test]
fn a_policy_wants_scenarios_and_may_refuse_warnings() {
    let told = |text: &str| missing(&parts(), &statement(), &policy(text), unchanged);
    assert_eq!(told("require = ['a', './a/one.toml', 'a/two.toml']"), []);
    assert_eq!(told("require = ['a/on']"), [Missing::Required("a/on".to_owned())]);
    assert_eq!(told("require = ['b/']"), [Missing::Required("b/".to_owned())]);
    assert_eq!(told("warnings = 'refuse'"), [Missing::Warned("a/two.toml, seed 7".to_owned())]);
    assert_eq!(policy("").warnings, Warnings::Allow);
    assert!(Policy::parse("requires = []").unwrap_err().to_string().contains("requires"));
}

#[test]
fn what_is_no_statement_is_refused() {
    let text = statement().to_text();
    let kind = |text: &str| Statement::parse(text).unwrap_err().to_string();
    assert!(kind("[]").contains("no test-result statement"), "{}", kind("[]"));
    assert!(kind(&text.replace("Statement/v1", "Statement/v2")).contains("_type"));
    assert!(kind(&text.replace("test-result/v0.1", "vsa/v1")).contains("predicateType"));
    let without_offset = text.replace("flash-offset", "offset");
    assert!(matches!(Statement::parse(&without_offset), Err(StatementError::NoSubjects)));
}
