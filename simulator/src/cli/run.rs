//! `preflash run`: scenarios against the real firmware in virtual time.

mod cases;

use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use clap::Args;
use simulator_scenario::model::Scenario;

use super::check::print_mistakes;
use super::files::load_all;
use super::find::{FindError, find};
use super::outputs::{Content, Output, OutputError};
use super::signals::Cause;
use super::subjects::{SubjectArgs, SubjectError, with_images};
use super::{BAD_INPUT, BUG, ERROR, FAILED, Format, OK, bad_input, closed, complain};
use crate::report::{NotRun, Session, folder, index, json, junit, terminal};
use crate::run::case::{self, Case, CaseError, Reproduce, Seeds, Shard};
use crate::run::{Subject, rig};
use cases::Finished;

/// The options of `preflash run`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  preflash run                                    run every scenario below ./scenarios
  preflash run scenarios/wifi --fail-fast         one folder, until the first failure
  preflash run my.toml --seeds 1..100             one scenario with a hundred seeds
  preflash run --junit report.xml --shard 2/4     the second quarter of all, with a report for CI
  preflash run --check-determinism                each twice; names the first event that differs
  preflash run my.toml --capture                  with all frames for Wireshark, and pins for GTKWave
  preflash run --on chip                          the ESP-07's own image on the emulated chip
  preflash run --on chip --image target/esp07/vendor
                                                  what is flashed, whole, with the vendor's SDK in it
  preflash run my.toml --on chip --image flash.bin --elf firmware.elf
                                                  a dump of a flash, with names for back traces
  preflash run scenarios/setup --on chip --image new.bin --against old.bin
                                                  two images, compared
  preflash run my.toml --on device --port /dev/ttyUSB0 --rig rig.toml
                                                  a real board, in real time
  preflash run scenarios/setup --on both          on this machine and on the chip, compared
  preflash run --on both --exclude scenarios/normal --check-determinism
                                                  all but one folder, each twice on both

In the project's folder, `cargo run --release -- run` stands for `preflash run`.

Exit codes:
  0    all expectations met
  1    some not met
  2    bad input
  129  the terminal was closed (SIGHUP)
  130  interrupted (Ctrl-C, SIGINT)
  141  standard output was closed before all was written
  143  terminated (SIGTERM)
  101  a bug in preflash
From 101 on, summary.json and the JUnit report hold what was run until then, and a scenario that was under way
has left what happened in it (but with 101, and not if a second signal ended it at once).")]
pub(super) struct RunArgs {
    /// Scenario files, or folders of them [default: scenarios]
    paths: Vec<PathBuf>,
    /// Leave out this scenario file, or all in this folder; may be given again
    #[arg(long, value_name = "PATH")]
    pub(super) exclude: Vec<PathBuf>,
    /// How many scenarios to run at once [default: one for each processor]
    #[arg(long, short, value_name = "N", value_parser = parse_jobs)]
    pub(super) jobs: Option<NonZeroUsize>,
    /// Run with this seed instead of each scenario's own
    #[arg(long, value_name = "N", conflicts_with = "seeds", value_parser = parse_seed)]
    seed: Option<u64>,
    /// Run each scenario with each of these seeds
    #[arg(long, value_name = "A..B", value_parser = case::parse_seeds)]
    pub(super) seeds: Option<Seeds>,
    /// Run only the K-th of N shares, for several machines
    #[arg(long, value_name = "K/N")]
    shard: Option<Shard>,
    /// Where to leave a folder for each scenario, and summary.json; what earlier runs of the same scenarios left there
    /// is replaced
    #[arg(long, value_name = "DIR", default_value = "target/preflash")]
    out: PathBuf,
    /// Also write a JUnit report; without times, so that the same run gives the same bytes
    #[arg(long, value_name = "FILE")]
    pub(super) junit: Option<PathBuf>,
    #[command(flatten)]
    pub(super) subjects: SubjectArgs,
    /// Keep all frames, too, in an air.pcapng for Wireshark, with the secrets of TLS inside, and the pins in a bus.vcd
    #[arg(long)]
    pub(super) capture: bool,
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

impl RunArgs {
    /// Those of a run of scenarios with an image on the chip, which leaves its output there.
    pub(super) fn on_chip(paths: &[PathBuf], image: &Path, elf: Option<&Path>, out: &Path) -> Self {
        Self {
            paths: paths.to_owned(),
            exclude: Vec::new(),
            jobs: None,
            seed: None,
            seeds: None,
            shard: None,
            out: out.to_owned(),
            junit: None,
            subjects: SubjectArgs::chip(image, elf),
            capture: false,
            check_determinism: false,
            fail_fast: false,
            format: Format::Human,
        }
    }
}

/// A number of threads: more than processors gain nothing, and thousands more than a machine has room for.
pub(super) fn parse_jobs(text: &str) -> Result<NonZeroUsize, &'static str> {
    const MOST: usize = 1_000;
    let jobs = text.parse().ok().filter(|jobs: &NonZeroUsize| jobs.get() <= MOST);
    jobs.ok_or("expected a number from 1 to 1000, such as 4")
}

/// A seed.
fn parse_seed(text: &str) -> Result<u64, &'static str> {
    text.parse().map_err(|_| "expected a number from 0 to 18446744073709551615 (64 bits)")
}

/// Why the scenarios could not be run, or the outcome not be kept.
#[derive(Debug, thiserror::Error)]
enum RunError {
    #[error(transparent)]
    Find(#[from] FindError),
    #[error(transparent)]
    Cases(#[from] CaseError),
    #[error(transparent)]
    Clash(#[from] folder::Clash),
    #[error(transparent)]
    Subject(#[from] SubjectError),
    #[error("{0} goes with a simulated world only: a real board does nothing twice in the same way")]
    NotOnDevice(&'static str),
    #[error("no scenario was run: each needs something that the rig cannot do")]
    AllSkipped,
    #[error(transparent)]
    Folder(#[from] folder::WriteError),
    #[error(transparent)]
    Output(#[from] OutputError),
    #[error("could not print the results: {0}")]
    Print(#[from] io::Error),
    #[error("{0}")]
    Purpose(String),
    #[error("could not prepare for interruption: {0}")]
    Signals(#[source] io::Error),
}

/// Runs the scenarios and says how they went.
pub(super) fn run(args: &RunArgs) -> u8 {
    run_for(args, None)
}

/// What else somebody wants of a run.
pub(super) trait Purpose {
    /// Looks at what is to be run, before anything is. An error says why it is not.
    fn before(&mut self, scenarios: &[Scenario], subjects: &[Subject]) -> Result<(), String>;

    /// Takes note of what came of it, if nobody interrupted it. An error says why that was not possible.
    fn after(&mut self, session: &Session) -> Result<(), String>;
}

/// The same for a purpose of somebody else's, if there is one.
pub(super) fn run_for(args: &RunArgs, purpose: Option<&mut dyn Purpose>) -> u8 {
    match attempt(args, purpose) {
        Ok(code) => code,
        Err(trouble) => bad_input(trouble),
    }
}

fn attempt(args: &RunArgs, mut purpose: Option<&mut dyn Purpose>) -> Result<u8, RunError> {
    args.subjects.check()?;
    if args.subjects.is_device() {
        let asked = [
            ("--check-determinism", args.check_determinism),
            ("--seeds", args.seeds.is_some()),
            ("--capture", args.capture),
        ];
        if let Some((option, _)) = asked.into_iter().find(|(_, asked)| *asked) {
            return Err(RunError::NotOnDevice(option));
        }
    }
    let (scenarios, mistaken) = load_all(&find(&args.paths, &args.exclude)?);
    if !mistaken.is_empty() {
        // Nothing runs: a run that left out a file would look as if all was well.
        print_mistakes(&mistaken);
        return Ok(BAD_INPUT);
    }
    let scenarios = with_images(scenarios, &args.paths)?;
    let seeds = match (args.seed, &args.seeds) {
        (Some(seed), _) => Seeds::One(seed),
        (None, Some(seeds)) => seeds.clone(),
        (None, None) => Seeds::Own,
    };
    let mut cases = case::cases(&scenarios, &seeds, args.shard, reproduce(args))?;
    folder::refuse_clashes(scenarios.iter().map(|scenario| (scenario.file.as_str(), scenario.devices.as_slice())))?;
    let subjects = args.subjects.subjects(&scenarios)?;
    if let Some(purpose) = &mut purpose {
        purpose.before(&scenarios, &subjects).map_err(RunError::Purpose)?;
    }
    let (summary, index_page, junit) = outputs(args)?;
    if args.shard.is_none() {
        // Of a share nobody knows whether what lies there is another share's.
        for scenario in &scenarios {
            folder::clear_earlier(&args.out, scenario)?;
        }
    }

    let skipped = skip(&mut cases, &scenarios, &subjects);
    if args.format == Format::Human {
        for case in &skipped {
            terminal::write_skipped(&mut anstream::stdout().lock(), case)?;
        }
    }
    let all_skipped = cases.is_empty() && !skipped.is_empty();
    let began = wall_clock();
    let Finished { mut session, cause, trouble, bug } = cases::run(args, &subjects, &scenarios, &cases)?;
    session.not_run.extend(skipped);
    session.on_a_rig = args.subjects.is_device();
    let text = json::Summary::of(&session).to_text();
    // Each is tried, whatever became of the others, and the first trouble is the one to tell.
    let kept = [
        Some(summary.write(&text)),
        Some(index_page.write(&index::page(&session))),
        junit.map(|output| output.write(&junit::to_xml(&session))),
    ];
    let lost = kept.into_iter().flatten().find_map(Result::err).map(RunError::from);
    let trouble = trouble.or(lost);
    if let Some(case) = bug {
        if let Some(trouble) = trouble {
            bad_input(trouble);
        }
        complain(format_args!(
            "{ERROR}error:{ERROR:#} a bug in preflash ended the run of {case}, and all others with it"
        ));
        return Ok(BUG);
    }
    if let Some(trouble) = trouble {
        return Err(trouble);
    }
    if all_skipped {
        return Err(RunError::AllSkipped);
    }
    if let Some(purpose) = purpose.filter(|_| !session.interrupted) {
        purpose.after(&session).map_err(RunError::Purpose)?;
    }
    let printed = match args.format {
        Format::Json => io::stdout().write_all(text.as_bytes()),
        Format::Human => terminal::write_totals(&mut anstream::stdout().lock(), &session, args.shard, began.elapsed()),
    };
    let cause = cause.filter(|_| session.interrupted);
    let reader_is_gone = reader_is_gone(printed)?;
    if reader_is_gone || cause == Some(Cause::Closed) {
        let kept = args.out.join("summary.json");
        let code = closed(match session.not_run.len() - session.skipped() {
            0 => format!("the results were written; they are in {}", kept.display()),
            left => format!("all was run; {left} not run, the others are in {}", kept.display()),
        });
        return Ok(cause.map_or(code, Cause::code));
    }
    Ok(match cause {
        Some(cause) => cause.code(),
        None if session.passed() => OK,
        None => FAILED,
    })
}

/// Takes away the cases that need what the rig cannot do.
fn skip(cases: &mut Vec<Case>, scenarios: &[Scenario], subjects: &[Subject]) -> Vec<NotRun> {
    let mut skipped = Vec::new();
    for rig in subjects.iter().filter_map(Subject::rig) {
        cases.retain(|case| {
            let scenario = &scenarios[case.scenario];
            let needs = rig::needs(scenario, rig);
            let can = needs.is_empty();
            if !can {
                skipped.push(NotRun::skipped(case, scenario, needs));
            }
            can
        });
    }
    skipped
}

impl RunArgs {
    /// The options that a case's outcome depends on, each with a space before it.
    pub(super) fn options(&self) -> String {
        let twice = if self.check_determinism { " --check-determinism" } else { "" };
        self.subjects.again() + twice
    }

    /// Whether each case is run twice.
    pub(super) fn twice(&self) -> bool {
        self.check_determinism
    }
}

/// How a case is run again: as this run was started, by cargo or not, with the options that its outcome depends on.
fn reproduce(args: &RunArgs) -> Reproduce {
    let options = args.options();
    // cargo says so to what it runs.
    let by_cargo = std::env::var_os("CARGO").is_some();
    Reproduce {
        program: if by_cargo { Reproduce::default().program } else { "preflash" },
        options,
        images: args.subjects.image_files(),
    }
}

/// `summary.json`, `index.html` and the JUnit report, if one is wanted: all can be written, and what an earlier run
/// left of them is gone.
fn outputs(args: &RunArgs) -> Result<(Output, Output, Option<Output>), OutputError> {
    let mut summary = Output::new(args.out.join("summary.json"), Content::Summary)?;
    let mut index = Output::new(args.out.join("index.html"), Content::Index)?;
    let mut junit = args.junit.clone().map(|path| Output::new(path, Content::Junit)).transpose()?;
    summary.prepare()?;
    index.prepare()?;
    if let Some(junit) = &mut junit {
        junit.prepare()?;
        junit.is_not(&summary)?;
        junit.is_not(&index)?;
        junit.clear()?;
    }
    summary.clear()?;
    index.clear()?;
    Ok((summary, index, junit))
}

/// Whether the reader of what is printed has gone.
fn reader_is_gone(printed: io::Result<()>) -> io::Result<bool> {
    match printed {
        Ok(()) => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(true),
        Err(error) => Err(error),
    }
}

#[expect(clippy::disallowed_methods, reason = "the totals tell a person how long it took; nothing in a run sees it")]
fn wall_clock() -> std::time::Instant {
    std::time::Instant::now()
}
