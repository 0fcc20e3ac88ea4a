//! `preflash check`: all mistakes of all files, without running any.

use std::io::Write;
use std::path::PathBuf;

use serde::Serialize;
use simulator_scenario::{Diagnostic, Diagnostics};

use super::files::load_all;
use super::find::find;
use super::{BAD_INPUT, ERROR, GOOD, OK, bad_input, complain, written};

/// The outcome as other programs see it.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Outcome<'a> {
    files: usize,
    mistakes: Vec<Mistake<'a>>,
}

/// A mistake as other programs see it.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Mistake<'a> {
    file: &'a str,
    /// From 1; absent if the file could not be read. Columns count characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<u32>,
    message: &'a str,
    /// What is to be said at that place.
    #[serde(skip_serializing_if = "str::is_empty")]
    label: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<&'a str>,
}

impl<'a> Mistake<'a> {
    fn of(diagnostics: &'a Diagnostics, mistake: &'a Diagnostic) -> Self {
        // What is wrong with the whole file has no text to underline.
        let place = (!mistake.label.is_empty()).then(|| diagnostics.place(mistake));
        Self {
            file: &diagnostics.file,
            line: place.map(|place| place.line),
            column: place.map(|place| place.column),
            message: &mistake.message,
            label: &mistake.label,
            help: mistake.help.as_deref(),
        }
    }
}

/// Checks the files and tells their mistakes: to people on standard error, to programs on standard output.
pub(super) fn check(paths: &[PathBuf], json: bool) -> u8 {
    let files = match find(paths, &[]) {
        Ok(files) => files,
        Err(error) => return bad_input(error),
    };
    let (good, bad) = load_all(&files);
    let code = if bad.is_empty() { OK } else { BAD_INPUT };
    if json {
        let mistakes =
            bad.iter().flat_map(|file| file.mistakes().iter().map(|mistake| Mistake::of(file, mistake))).collect();
        return written(write_json(&Outcome { files: files.len(), mistakes }), "the mistakes", code);
    }
    if bad.is_empty() {
        complain(format_args!("{GOOD}ok{GOOD:#}: {}", count(good.len(), "scenario")));
        return code;
    }
    print_mistakes(&bad);
    let mistakes = bad.iter().map(|diagnostics| diagnostics.mistakes().len()).sum();
    complain(format_args!(
        "{ERROR}{}{ERROR:#} in {} of {}",
        count(mistakes, "mistake"),
        count(bad.len(), "file"),
        files.len()
    ));
    code
}

fn write_json(outcome: &Outcome<'_>) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, outcome)?;
    writeln!(out)
}

/// Prints the mistakes of some files to standard error, each with an excerpt.
pub(crate) fn print_mistakes(bad: &[Diagnostics]) {
    for diagnostics in bad {
        complain(format_args!("{}", diagnostics.render(true)));
    }
}

/// "1 file", "2 files".
fn count(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}
