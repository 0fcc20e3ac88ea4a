//! `preflash sweep`: one scenario with many seeds.

use std::collections::BTreeSet;
use std::io::{self, IsTerminal, Write};
use std::num::NonZeroUsize;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::thread;

use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use sha2::{Digest, Sha256};
use simulator_scenario::Scenario;

use super::check::print_mistakes;
use super::outputs::{Content, FAILING, Output, OutputError};
use super::run::parse_jobs;
use super::signals::{self, Cause, Interruption};
use super::subjects::{OneSubjectArgs, SubjectError, with_images};
use super::{BAD_INPUT, BUG, ERROR, FAILED, Format, OK, bad_input, complain, written};
use crate::report::artifacts::InputFile;
use crate::run::case::{self, Seeds, Shard};
use crate::run::watch::Stop;
use crate::seeds::report::Sweep;
use crate::seeds::tally::Tally;
use crate::seeds::{self, Bug, Plan, Ran};

/// The options of `preflash sweep`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  preflash sweep my.toml --seeds 0..10000         on all processors, with a digest at the end
  preflash sweep my.toml --seeds 0..10000 --fail-fast
                                                  until the first failure
  preflash sweep my.toml --seeds 0..999999 --shard 3/10 --out shares/3
                                                  the third of ten machines' shares; preflash merge adds them up
  preflash sweep my.toml --seeds 0..99 --on chip  the ESP-07's own image on the emulated chip
  preflash sweep my.toml --seeds 0..1000 --format json
                                                  what sweep.json holds

What came of the seeds lies in the output folder: sweep.json, and failing-seeds.txt, whose seeds the next sweep runs
first; those that failed and are not among its seeds stay in the list. An expectation with `over-seeds = \"sometimes\"` must be met with one seed or more, all others with each.

Exit codes:
  0    each expectation was met as it must be
  1    some were not
  2    bad input
  130  interrupted (Ctrl-C, SIGINT); what was run until then is kept
  101  a bug in preflash")]
pub(super) struct SweepArgs {
    /// The scenario
    file: PathBuf,
    /// The seeds, both ends included
    #[arg(long, value_name = "A..B", value_parser = case::parse_seeds)]
    seeds: Seeds,
    /// Run only the K-th of N shares, for several machines
    #[arg(long, value_name = "K/N")]
    shard: Option<Shard>,
    /// How many to run at once [default: one for each processor]
    #[arg(long, short, value_name = "N", value_parser = parse_jobs)]
    jobs: Option<NonZeroUsize>,
    /// Where to leave sweep.json and failing-seeds.txt [default: target/preflash-sweep/ and the scenario's path]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// The file of seeds that failed, which are run first [default: failing-seeds.txt in the output folder]
    #[arg(long, value_name = "FILE")]
    failing: Option<PathBuf>,
    /// Begin no more after the first failure
    #[arg(long)]
    fail_fast: bool,
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
    #[error(transparent)]
    Output(#[from] OutputError),
    #[error("could not read {path}: {reason}", path = path.display())]
    Failing { path: PathBuf, reason: String },
    #[error("could not prepare for interruption: {0}")]
    Signals(#[source] io::Error),
}

pub(super) fn sweep(args: &SweepArgs) -> u8 {
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

fn attempt(args: &SweepArgs, scenario: Scenario) -> Result<u8, Trouble> {
    let scenarios = with_images(vec![scenario], std::slice::from_ref(&args.file))?;
    let scenario = &scenarios[0];
    let (executor, image) = args.subject.executor(&scenarios)?;
    let Seeds::Range(range) = &args.seeds else { unreachable!("the argument is a range") };
    let out = args.out.clone().unwrap_or_else(|| Path::new("target/preflash-sweep").join(case::folder(&scenario.file)));
    let failing = args.failing.clone().unwrap_or_else(|| out.join("failing-seeds.txt"));
    let first = read_failing(&failing)?;
    let mut report = Output::new(out.join("sweep.json"), Content::Sweep)?;
    let mut list = Output::new(failing, Content::Failing)?;
    report.prepare()?;
    list.prepare()?;
    report.is_not(&list)?;
    report.clear()?;
    let (stop, interruption) = (Stop::default(), Interruption::default());
    signals::heed(&stop, &interruption).map_err(Trouble::Signals)?;
    let jobs = args.jobs.or_else(|| thread::available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN);
    let plan = Plan {
        scenario,
        executor: &executor,
        image: digest(&image),
        seeds: range.clone(),
        first,
        shard: args.shard,
        jobs,
        fail_fast: args.fail_fast,
    };
    let bar = Bar::new(share(range, args.shard));
    let Ran { tally, left } = match seeds::run(&plan, &stop, &bar) {
        Ok(ran) => ran,
        Err(Bug(seed)) => {
            bar.0.finish_and_clear();
            complain(format_args!("{ERROR}error:{ERROR:#} a bug in preflash ended the sweep with seed {seed}"));
            return Ok(BUG);
        }
    };
    bar.0.finish_and_clear();
    let interrupted = stop.requested() || args.fail_fast && tally.failed > 0;
    list.write(&failing_text(&tally, &left))?;
    let sweep = Sweep::new(tally, args.shard, interrupted);
    report.write(&sweep.to_text())?;
    let code = interruption.cause().map_or(if sweep.passed { OK } else { FAILED }, Cause::code);
    Ok(print(&sweep, args.format, code))
}

/// SHA-256 of what an image's files have in them; none without files. Where they lie does not matter.
fn digest(files: &[InputFile]) -> Option<String> {
    let mut all = Sha256::new();
    for file in files {
        all.update(file.sha256.as_deref().unwrap_or_default());
    }
    (!files.is_empty()).then(|| hex::encode(all.finalize()))
}

/// Prints a report.
pub(super) fn print(sweep: &Sweep, format: Format, code: u8) -> u8 {
    let printed = match format {
        Format::Json => io::stdout().write_all(sweep.to_text().as_bytes()),
        Format::Human => sweep.write(&mut anstream::stdout().lock()),
    };
    written(printed, "the digest", code)
}

/// How many of these seeds a share has.
pub(super) fn share(seeds: &RangeInclusive<u64>, shard: Option<Shard>) -> u128 {
    let count = u128::from(seeds.end() - seeds.start()) + 1;
    shard.map_or(count, |shard| {
        let (number, of) = shard.place();
        (count + (of - number) as u128) / of as u128
    })
}

/// The list of seeds that failed, those among them that failed before and were not run again.
pub(super) fn failing_text(tally: &Tally, left: &BTreeSet<u64>) -> String {
    let mut text = format!("{FAILING} in {}, one a line; the next sweep runs them first.\n", tally.scenario);
    for seed in tally.failing.union(left) {
        text += &format!("{seed}\n");
    }
    text
}

fn read_failing(path: &Path) -> Result<Vec<u64>, Trouble> {
    let failed = |reason: String| Trouble::Failing { path: path.to_owned(), reason };
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error.to_string())),
    };
    let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
    let seed = |(number, line): (u32, &str)| {
        line.trim()
            .parse()
            .map_err(|_| failed(format!("line {number}: `{line}` is no seed, a number from 0 to 18446744073709551615")))
    };
    lines.map(seed).collect()
}

/// How many seeds are done, on a terminal.
struct Bar(ProgressBar);

impl Bar {
    fn new(count: u128) -> Self {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        if !io::stderr().is_terminal() {
            return Self(ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden()));
        }
        let style = ProgressStyle::with_template("{bar:30} {pos}/{len} seeds, {per_sec}, {msg}still {eta}")
            .expect("the template is well-formed");
        Self(ProgressBar::with_draw_target(Some(count), ProgressDrawTarget::stderr()).with_style(style))
    }
}

impl seeds::Progress for Bar {
    fn done(&self, failed: bool) {
        self.0.inc(1);
        if failed {
            self.0.set_message("some failed, ");
        }
    }
}
