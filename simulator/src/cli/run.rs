//! `preflash run`: scenarios against the real firmware in virtual time.

use std::fs;
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::thread;

use clap::{Args, ValueEnum};

use super::check::print_mistakes;
use super::files::{FilesError, load_all, scenario_files};
use super::{BAD_INPUT, FAILED, OK, bad_input};
use crate::report::{CaseReport, folder, json, junit, terminal};
use crate::run::case::{self, Case, Seeds, Shard};
use crate::run::{self, determinism, pool};
use crate::scenario::model::Scenario;

/// The options of `preflash run`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  preflash run                                    run every scenario below ./scenarios
  preflash run scenarios/faults --fail-fast       one folder, until the first failure
  preflash run my.toml --seeds 1..100             one scenario with a hundred seeds
  preflash run --junit report.xml --shard 2/4     the second quarter of all, with a report for CI
  preflash run --check-determinism                each twice; names the first event that differs

Exit codes: 0 all expectations met, 1 some not met, 2 bad input, 101 a bug in preflash.")]
pub(super) struct RunArgs {
    /// Scenario files, or folders of them
    #[arg(default_value = "scenarios")]
    paths: Vec<PathBuf>,
    /// How many scenarios to run at once [default: one for each processor]
    #[arg(long, short)]
    jobs: Option<NonZeroUsize>,
    /// Run with this seed instead of each scenario's own
    #[arg(long, conflicts_with = "seeds")]
    seed: Option<u64>,
    /// Run each scenario with each of these seeds
    #[arg(long, value_name = "A..B", value_parser = case::parse_seeds)]
    seeds: Option<Seeds>,
    /// Run only the K-th of N shares, for several machines
    #[arg(long, value_name = "K/N")]
    shard: Option<Shard>,
    /// Where to leave a folder for each scenario, and summary.json
    #[arg(long, value_name = "DIR", default_value = "target/preflash")]
    out: PathBuf,
    /// Also write a JUnit report
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Run each scenario twice and fail if a single event differs
    #[arg(long)]
    check_determinism: bool,
    /// Begin no more scenarios after the first failure
    #[arg(long)]
    fail_fast: bool,
    /// What to print: lines for people, or one JSON document
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Human,
    Json,
}

/// Why the scenarios could not be run, or the outcome not be kept.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Files(#[from] FilesError),
    #[error(transparent)]
    Folder(#[from] folder::WriteError),
    #[error("could not write {}: {source}", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("could not print the results: {0}")]
    Print(#[from] io::Error),
}

/// Runs the scenarios and says how they went.
pub(super) fn run(args: &RunArgs) -> u8 {
    match attempt(args) {
        Ok(code) => code,
        Err(trouble) => bad_input(trouble),
    }
}

fn attempt(args: &RunArgs) -> Result<u8, Trouble> {
    let (scenarios, mistaken) = load_all(&scenario_files(&args.paths)?);
    if !mistaken.is_empty() {
        // Nothing runs: a run that left out a file would look as if all was well.
        print_mistakes(&mistaken);
        return Ok(BAD_INPUT);
    }
    let seeds = match (args.seed, &args.seeds) {
        (Some(seed), _) => Seeds::One(seed),
        (None, Some(seeds)) => seeds.clone(),
        (None, None) => Seeds::Own,
    };
    let cases = case::cases(&scenarios, &seeds, args.shard);
    let jobs = args.jobs.or_else(|| thread::available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN);
    let began = wall_clock();
    let progress = terminal::Progress::new(cases.len());
    let mut reports = Vec::with_capacity(cases.len());
    let mut trouble = None;
    pool::run(
        cases.len(),
        jobs,
        |index| run_case(&cases[index], &scenarios, args),
        |_, result| {
            let shown = result.and_then(|report| {
                let human = args.format == Format::Human;
                progress.advance(|| {
                    if human { terminal::write_case(&mut anstream::stdout().lock(), &report) } else { Ok(()) }
                })?;
                reports.push(report);
                Ok(())
            });
            match shown {
                Ok(()) => !args.fail_fast || reports.last().is_none_or(CaseReport::passed),
                Err(failed) => {
                    trouble = Some(failed);
                    false
                }
            }
        },
    );
    progress.finish();
    if let Some(trouble) = trouble {
        return Err(trouble);
    }
    let summary = json::Summary::of(&reports).to_text();
    write_file(&args.out.join("summary.json"), &summary)?;
    if let Some(path) = &args.junit {
        write_file(path, &junit::to_xml(&reports))?;
    }
    match args.format {
        Format::Json => io::stdout().write_all(summary.as_bytes())?,
        Format::Human => {
            let left = cases.len() - reports.len();
            terminal::write_totals(&mut anstream::stdout().lock(), &reports, left, began.elapsed())?;
        }
    }
    Ok(if reports.iter().all(CaseReport::passed) { OK } else { FAILED })
}

fn run_case(case: &Case, scenarios: &[Scenario], args: &RunArgs) -> Result<CaseReport, Trouble> {
    let scenario = &scenarios[case.scenario];
    let outcome = run::run(scenario, case.seed);
    let difference =
        args.check_determinism.then(|| determinism::difference(&outcome, &run::run(scenario, case.seed))).flatten();
    let folder = folder::write(&args.out, case, scenario, &outcome)?;
    Ok(CaseReport::new(case, scenario, &outcome, difference, folder))
}

/// Writes a file whole, with the folders above it.
fn write_file(path: &Path, text: &str) -> Result<(), Trouble> {
    let write = || {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut draft = path.as_os_str().to_owned();
        draft.push(".new");
        fs::write(&draft, text)?;
        fs::rename(&draft, path)
    };
    write().map_err(|source| Trouble::File { path: path.to_owned(), source })
}

#[expect(clippy::disallowed_methods, reason = "the totals tell a person how long it took; nothing in a run sees it")]
fn wall_clock() -> std::time::Instant {
    std::time::Instant::now()
}
