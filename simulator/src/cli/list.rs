//! `preflash list`: which scenarios there are.

use std::io::Write;
use std::path::PathBuf;

use serde::Serialize;
use simulator_scenario::Scenario;

use super::check::print_mistakes;
use super::files::load_all;
use super::find::find;
use super::{BAD_INPUT, DIM, OK, bad_input, written};

/// A scenario as other programs see it.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Entry<'a> {
    file: &'a str,
    title: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    links: &'a [String],
    seed: u64,
    /// Virtual time.
    duration_seconds: f64,
    expectations: usize,
}

impl<'a> From<&'a Scenario> for Entry<'a> {
    fn from(scenario: &'a Scenario) -> Self {
        Self {
            file: &scenario.file,
            title: &scenario.title,
            description: scenario.description.as_deref(),
            links: &scenario.links,
            seed: scenario.seed,
            duration_seconds: scenario.duration.as_secs_f64(),
            expectations: scenario.expectations.len(),
        }
    }
}

pub(super) fn list(paths: &[PathBuf], json: bool) -> u8 {
    let files = match find(paths, &[]) {
        Ok(files) => files,
        Err(error) => return bad_input(error),
    };
    let (good, bad) = load_all(&files);
    let result = if json { write_json(&good) } else { write_lines(&good) };
    print_mistakes(&bad);
    written(result, "the list", if bad.is_empty() { OK } else { BAD_INPUT })
}

fn write_lines(scenarios: &[Scenario]) -> std::io::Result<()> {
    let mut out = anstream::stdout().lock();
    let width = scenarios.iter().map(|scenario| scenario.file.chars().count()).max().unwrap_or(0);
    for Scenario { file, title, .. } in scenarios {
        let space = width - file.chars().count();
        writeln!(out, "{DIM}{file}{DIM:#}{:space$}  {title}", "")?;
    }
    Ok(())
}

fn write_json(scenarios: &[Scenario]) -> std::io::Result<()> {
    let entries: Vec<Entry<'_>> = scenarios.iter().map(Entry::from).collect();
    let mut out = std::io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, &entries)?;
    writeln!(out)
}
