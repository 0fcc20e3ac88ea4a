//! `preflash shrink`: the smallest scenario that still fails, and its limits.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;
use simulator_record::random::Seed;
use simulator_scenario::Scenario;

use super::check::print_mistakes;
use super::new_files::{self, NewFileError};
use super::signals::{self, Interruption};
use super::subjects::{OneSubjectArgs, SubjectError, with_images};
use super::{BAD_INPUT, Format, GOOD, OK, bad_input, complain, written};
use crate::run::case::shell_path;
use crate::run::watch::Stop;
use crate::shrink::limits::Limit;
use crate::shrink::{self, Shrunk, Trial};

/// The options of `preflash shrink`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  preflash shrink my.toml                         my.min.toml, and what was left out
  preflash shrink my.toml --seed 7 -o small.toml  with the seed with which it fails
  preflash shrink my.toml --line 42               of several expectations that fail, the one in line 42
  preflash shrink my.toml --on chip --runs 200    as the ESP-07's own image fails on the emulated chip
  preflash shrink my.toml --format json           the same for other programs

Faults, steps, phones, networks and tables go first, then keys, then numbers become round; a smaller scenario counts
if the same expectation fails and no other that did not before, and if it passes without its faults where the whole
scenario does. Then each value that is left is varied alone.

Exit codes:
  0    the scenario is written
  2    nothing fails, or a file or argument is wrong; nothing is written
  130  interrupted (Ctrl-C, SIGINT); the smallest one until then is written")]
pub(super) struct ShrinkArgs {
    /// The scenario
    file: PathBuf,
    /// The scenario to write, in the same folder if it names files [default: the file's name with .min.toml]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Run with this seed instead of the scenario's own
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Of several expectations that fail, the one in this line
    #[arg(long, value_name = "N")]
    line: Option<u32>,
    /// How many runs it may take at most
    #[arg(long, value_name = "N", default_value_t = 2_000)]
    runs: u32,
    /// Replace a file that is there
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    subject: OneSubjectArgs,
    /// What to print: lines for people, or one JSON document
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Subject(#[from] SubjectError),
    #[error("could not shrink {file}: {reason}", file = file.display())]
    Shrink { file: PathBuf, reason: String },
    #[error(transparent)]
    Write(#[from] NewFileError),
    #[error("could not prepare for interruption: {0}")]
    Signals(#[source] std::io::Error),
}

/// What came of it, for other programs.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Report<'a> {
    file: String,
    output: String,
    seed: u64,
    on: &'static str,
    fails: &'a str,
    line: Option<u32>,
    seen: &'a str,
    left_out: &'a [String],
    rounded: Vec<Rounded<'a>>,
    limits: Vec<Varied<'a>>,
    runs: u32,
    finished: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Rounded<'a> {
    place: &'a str,
    was: &'a str,
    is: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Varied<'a> {
    place: &'a str,
    value: &'a str,
    says: &'a str,
}

pub(super) fn shrink(args: &ShrinkArgs) -> u8 {
    let scenario = match Scenario::load(&args.file) {
        Ok(scenario) => scenario,
        Err(mistakes) => {
            print_mistakes(&[mistakes]);
            return BAD_INPUT;
        }
    };
    match attempt(args, scenario) {
        Ok(code) => code,
        Err(trouble) => bad_input(trouble),
    }
}

/// A scenario's text; of one that is like another or has parameters, with everything in its place, so that it can
/// be left out.
fn in_its_place(file: &Path, text: String) -> Result<String, String> {
    let is_whole = text
        .parse::<toml_edit::DocumentMut>()
        .is_ok_and(|document| ["like", "parameters"].iter().all(|key| !document.contains_key(key)));
    if is_whole {
        return Ok(text);
    }
    let folder = file.parent().unwrap_or(Path::new(""));
    let read = |name: &str| fs::read_to_string(folder.join(name)).map_err(|error| error.to_string());
    Scenario::flat(&file.display().to_string(), &text, &read).map_err(|mistakes| mistakes.render(false))
}

fn attempt(args: &ShrinkArgs, scenario: Scenario) -> Result<u8, Trouble> {
    let scenarios = with_images(vec![scenario], std::slice::from_ref(&args.file))?;
    let (executor, _) = args.subject.executor(&scenarios)?;
    let own_seed = scenarios[0].seed;
    let failed = |reason: String| Trouble::Shrink { file: args.file.clone(), reason };
    let output = args.output.clone().unwrap_or_else(|| args.file.with_extension("min.toml"));
    if output.extension().is_none_or(|extension| extension != "toml") {
        return Err(failed(format!("{} is no scenario's name: it ends in .toml", output.display())));
    }
    if !args.force && output.exists() {
        return Err(NewFileError::There(output).into());
    }
    let text = fs::read_to_string(&args.file).map_err(|error| failed(error.to_string()))?;
    let text = in_its_place(&args.file, text).map_err(failed)?;
    let (stop, interruption) = (Stop::default(), Interruption::default());
    signals::heed(&stop, &interruption).map_err(Trouble::Signals)?;
    let seed = Seed(args.seed.unwrap_or(own_seed));
    let mut trial = Trial { file: &args.file, executor: &executor, seed, stop, runs_left: args.runs, runs: 0 };
    let mut shrunk = shrink::shrink(&text, args.line, &mut trial).map_err(failed)?;
    if seed.0 != own_seed {
        shrunk.text = with_seed(&shrunk.text, seed.0);
    }
    let folder = output.parent().unwrap_or(Path::new(""));
    let read = |name: &str| fs::read_to_string(folder.join(name)).map_err(|error| error.to_string());
    Scenario::parse(&output.display().to_string(), &shrunk.text, &read)
        .map_err(|mistakes| failed(format!("in its place it would have mistakes:\n{}", mistakes.render(false))))?;
    new_files::write(&[(output.clone(), shrunk.text.clone())], std::slice::from_ref(&args.file), args.force)?;
    let code = interruption.cause().map_or(OK, signals::Cause::code);
    if args.format == Format::Json {
        let rounded = shrunk.rounded.iter().map(|(place, was, is)| Rounded { place, was, is }).collect();
        let varied = |limit| -> Varied<'_> {
            let Limit { place, value, says }: &Limit = limit;
            Varied { place, value, says }
        };
        let report = Report {
            file: args.file.display().to_string(),
            output: output.display().to_string(),
            seed: seed.0,
            on: executor.name().word(),
            fails: &shrunk.failing.text,
            line: shrunk.failing.line,
            seen: &shrunk.failing.seen,
            left_out: &shrunk.left_out,
            rounded,
            limits: shrunk.limits.iter().map(varied).collect(),
            runs: trial.runs,
            finished: shrunk.finished,
        };
        let text = serde_json::to_string_pretty(&report).expect("a report is plain data") + "\n";
        return Ok(written(
            std::io::Write::write_all(&mut std::io::stdout().lock(), text.as_bytes()),
            "the report",
            code,
        ));
    }
    let seed_again = if i64::try_from(seed.0).is_err() { format!(" --seed {}", seed.0) } else { String::new() };
    let again = args.subject.again() + &seed_again;
    let printed = print(&shrunk, &output, trial.runs, &again);
    Ok(written(printed, "what was found", code))
}

fn print(shrunk: &Shrunk, output: &Path, runs: u32, again: &str) -> std::io::Result<()> {
    use std::io::Write as _;

    let mut out = anstream::stdout().lock();
    let line = shrunk.failing.line.map(|line| format!("  (line {line})")).unwrap_or_default();
    writeln!(out, "fails     {}{line}", shrunk.failing.text)?;
    writeln!(out, "saw       {}", shrunk.failing.seen)?;
    for part in &shrunk.left_out {
        writeln!(out, "left out  {part}")?;
    }
    for (place, was, is) in &shrunk.rounded {
        writeln!(out, "rounded   {place}: {was} became {is}")?;
    }
    for Limit { place, value, says } in &shrunk.limits {
        writeln!(out, "limit     {place} (now {value}): {says}")?;
    }
    if !shrunk.finished {
        writeln!(out, "not all was tried: --runs allows more")?;
    }
    drop(out);
    let path = output.display().to_string();
    complain(format_args!(
        "{GOOD}written{GOOD:#}: {path}, after {runs} runs\nrun it: preflash run {}{again}",
        shell_path(&path)
    ));
    Ok(())
}

/// The scenario with a seed of its own; one that TOML has no number for is told in a comment.
fn with_seed(text: &str, seed: u64) -> String {
    let Ok(number) = i64::try_from(seed) else { return format!("# It fails with `--seed {seed}`.\n{text}") };
    let mut document: toml_edit::DocumentMut = text.parse().expect("what was shrunk is TOML");
    document["seed"] = toml_edit::value(number);
    document.to_string()
}
