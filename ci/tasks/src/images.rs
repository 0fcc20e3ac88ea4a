//! The page of what published images do here, made from what their scenarios came to.
//!
//! `cargo ci images` runs the scenarios and compares the page with what their summary says; what it should be lies in
//! `target/images.md`.

use std::env;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::Value;

const PAGE: &str = "docs/reference/images.md";
/// Where scenarios lie, seen from the page.
const UP: &str = "../../";
const HEAD: &str = "# What published images do here

This page is made from the results of `cargo ci images`. Each row is a scenario, which says exactly what is tried and
what is expected; where an image fails as it does in the field, the failure is what is expected. A scenario is run with
each of its images. [Run an image of your own](../how-to/images.md) says where the images come from.
";
/// What a folder of scenarios is about, in the page's order. A folder without a row here is a mistake.
const FAMILIES: &[(&str, &str)] = &[
    ("scenarios/images/micropython", "MicroPython"),
    ("scenarios/images/circuitpython", "CircuitPython"),
    ("scenarios/images/nodemcu", "NodeMCU"),
    ("scenarios/images/espruino", "Espruino"),
    ("scenarios/images/punyforth", "Punyforth (ESP-Open-SDK)"),
    ("scenarios/images/esp-linker", "ESP-Linker (Arduino core 3)"),
    ("scenarios/images/esp8266basic", "ESP8266BASIC (Arduino core 2)"),
    ("scenarios/micropython", "The duck of the article of 2017, in MicroPython"),
    ("scenarios/micropython/field-bugs", "Field bugs, as they hit the duck of the article"),
];

/// Compares the page with what these summaries say.
pub fn run(summaries: &[&str]) -> ExitCode {
    match attempt(summaries) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("cargo ci: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn attempt(summaries: &[&str]) -> Result<(), String> {
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    let mut cases = Vec::new();
    for name in summaries {
        let file = target.join(name);
        let json: Value =
            serde_json::from_str(&read(&file)?).map_err(|error| format!("{}: {error}", file.display()))?;
        for case in json["cases"].as_array().into_iter().flatten() {
            let file = case["file"].as_str().ok_or("a case without a file")?;
            cases.push(Case::new(file, &read(Path::new(file))?, case)?);
        }
    }
    let made = page(&cases)?;
    if read(Path::new(PAGE)).is_ok_and(|page| page == made) {
        return Ok(());
    }
    let wanted = target.join("images.md");
    fs::write(&wanted, made).map_err(|error| format!("could not write {}: {error}", wanted.display()))?;
    Err(format!("{PAGE} is not what the scenarios came to: cp {} {PAGE}", wanted.display()))
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("could not read {}: {error}", path.display()))
}

/// A scenario and what it came to.
struct Case {
    file: String,
    title: String,
    passed: bool,
    images: Vec<String>,
}

impl Case {
    fn new(file: &str, scenario: &str, case: &Value) -> Result<Self, String> {
        let images = images(scenario);
        if images.is_empty() {
            return Err(format!("{file} runs no published image"));
        }
        let title = case["title"].as_str().ok_or_else(|| format!("{file} has no title"))?.to_owned();
        Ok(Self { file: file.to_owned(), title, passed: case["passed"] == Value::Bool(true), images })
    }
}

/// The published images that a scenario names, without folder and suffix.
fn images(scenario: &str) -> Vec<String> {
    let named = scenario.split("target/images/").skip(1);
    named.filter_map(|rest| Some(rest.split_once(".bin\"")?.0.to_owned())).collect()
}

fn page(cases: &[Case]) -> Result<String, String> {
    let family = |file: &str| Path::new(file).parent().map(|folder| folder.display().to_string()).unwrap_or_default();
    if let Some(case) = cases.iter().find(|case| !FAMILIES.iter().any(|(folder, _)| *folder == family(&case.file))) {
        return Err(format!("no section of {PAGE} is for {}: FAMILIES has none for its folder", case.file));
    }
    let mut text = HEAD.to_owned();
    for (folder, name) in FAMILIES {
        let rows: Vec<&Case> = cases.iter().filter(|case| family(&case.file) == *folder).collect();
        if rows.is_empty() {
            continue;
        }
        // A string takes all that is written to it.
        let _ = write!(text, "\n## {name}\n\n| images | what was seen | |\n|---|---|---|\n");
        for Case { file, title, passed, images } in rows {
            let outcome = if *passed { "passes" } else { "**fails**" };
            let _ = writeln!(text, "| {} | [{title}]({UP}{file}) | {outcome} |", images.join(", "));
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(file: &str, passed: bool) -> Case {
        Case { file: file.to_owned(), title: "It boots".to_owned(), passed, images: vec!["a-1".into(), "a-2".into()] }
    }

    #[test]
    fn a_row_says_which_images_did_what_and_how_it_went() {
        let made = page(&[case("scenarios/images/nodemcu/x.toml", true), case("scenarios/micropython/y.toml", false)]);
        let expected = format!(
            "{HEAD}\n## NodeMCU\n\n| images | what was seen | |\n|---|---|---|\n\
             | a-1, a-2 | [It boots](../../scenarios/images/nodemcu/x.toml) | passes |\n\
             \n## The duck of the article of 2017, in MicroPython\n\n| images | what was seen | |\n|---|---|---|\n\
             | a-1, a-2 | [It boots](../../scenarios/micropython/y.toml) | **fails** |\n"
        );
        assert_eq!(made, Ok(expected));
        assert!(page(&[case("scenarios/images/other/x.toml", true)]).unwrap_err().contains("no section"));
    }

    /// The page is made by a run with all images, which not every machine has; that a row is missing shows without.
    #[test]
    fn every_scenario_of_an_image_has_its_row() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let page = read(&root.join(PAGE)).unwrap();
        let mut rows = 0;
        for (folder, _) in FAMILIES {
            for entry in fs::read_dir(root.join(folder)).unwrap() {
                let file = entry.unwrap().file_name().into_string().unwrap();
                if file.ends_with(".toml") && !images(&read(&root.join(folder).join(&file)).unwrap()).is_empty() {
                    let row = format!("]({UP}{folder}/{file})");
                    assert!(page.contains(&row), "{PAGE} has no row of {folder}/{file}: run `cargo ci images`");
                    rows += 1;
                }
            }
        }
        assert_eq!(page.matches("| passes |").count() + page.matches("| **fails** |").count(), rows);
    }

    #[test]
    fn images_are_those_of_the_device_and_of_the_sweep() {
        let scenario =
            "[device]\nimage = \"../../target/images/a-1.bin\"\n[sweep]\nimages = [\"../../target/images/b.bin\"]";
        assert_eq!(images(scenario), ["a-1", "b"]);
    }
}
