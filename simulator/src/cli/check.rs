//! `preflash check`: all mistakes of all files, without running any.

use std::path::PathBuf;

use super::files::{load_all, scenario_files};
use super::{BAD_INPUT, ERROR, GOOD, OK, bad_input};
use crate::scenario::Diagnostics;

pub(super) fn check(paths: &[PathBuf]) -> u8 {
    let files = match scenario_files(paths) {
        Ok(files) => files,
        Err(error) => return bad_input(error),
    };
    let (good, bad) = load_all(&files);
    if bad.is_empty() {
        anstream::eprintln!("{GOOD}ok{GOOD:#}: {}", count(good.len(), "scenario"));
        return OK;
    }
    print_mistakes(&bad);
    let mistakes = bad.iter().map(|diagnostics| diagnostics.mistakes().len()).sum();
    anstream::eprintln!(
        "{ERROR}{}{ERROR:#} in {} of {}",
        count(mistakes, "mistake"),
        count(bad.len(), "file"),
        files.len()
    );
    BAD_INPUT
}

/// Prints the mistakes of some files to standard error, each with an excerpt.
pub(crate) fn print_mistakes(bad: &[Diagnostics]) {
    for diagnostics in bad {
        anstream::eprintln!("{}", diagnostics.render(true));
    }
}

/// "1 file", "2 files".
fn count(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}
