//! The page about the scenario language against the grammar that it is made from, and the example on it.

use std::path::Path;

use simulator::scenario::{Scenario, reference};

#[test]
fn the_checked_in_page_is_the_grammar() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/scenario-language.md");
    let made = Path::new(env!("CARGO_TARGET_TMPDIR")).join("scenario-language.md");
    std::fs::write(&made, reference()).unwrap();
    assert!(
        std::fs::read_to_string(&page).unwrap_or_default() == reference(),
        "the language has changed: cp {} docs/scenario-language.md",
        made.display()
    );
}

#[test]
fn the_example_on_the_page_is_a_scenario() {
    let page = reference();
    let example = page.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let scenario = Scenario::parse("example.toml", example, &|_| Err(String::new())).unwrap();
    assert!(simulator::run::run(&scenario, simulator::random::Seed(1)).passed());
}
