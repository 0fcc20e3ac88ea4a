//! The pages about the scenario language, about events and about what a run leaves behind against what they are made
//! from, and the language's example.

use std::path::Path;

use simulator_scenario::{Scenario, reference};

/// Compares a page that is checked in with what it is made from.
fn is_up_to_date(page: &str, made: &str) {
    let checked_in = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(page);
    let new = Path::new(env!("CARGO_TARGET_TMPDIR")).join(Path::new(page).file_name().expect("a page is a file"));
    std::fs::write(&new, made).expect("cargo's folder for tests can be written to");
    assert!(
        std::fs::read_to_string(&checked_in).unwrap_or_default() == made,
        "what {page} is made from has changed: cp {} docs/{page}",
        new.display()
    );
}

#[test]
fn the_page_about_the_language_is_the_grammar() {
    is_up_to_date("scenario-language.md", &reference());
}

#[test]
fn the_page_about_events_is_their_declarations() {
    is_up_to_date("events.md", &simulator::report::reference::events());
}

#[test]
fn the_page_about_what_a_run_leaves_has_the_table_of_the_files() {
    is_up_to_date("reference/output.md", &simulator::report::reference::output());
}

#[test]
fn the_example_on_the_page_is_a_scenario() {
    let page = reference();
    let example = page.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let scenario = Scenario::parse("example.toml", example, &|_| Err(String::new())).unwrap();
    assert!(simulator::run::run(&scenario, simulator_record::random::Seed(1)).passed());
}
