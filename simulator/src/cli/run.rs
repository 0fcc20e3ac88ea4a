//! `preflash run`: scenarios against the real firmware in virtual time.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use clap::Args;
use simulator_scenario::model::Scenario;
use tracing::info;

use super::check::print_mistakes;
use super::diagnostics;
use super::files::load_all;
use super::find::{FindError, find};
use super::outputs::{Content, Output, OutputError};
use super::signals::{self, Cause, Interruption};
use super::subjects::{SubjectArgs, SubjectError, with_images};
use super::{BAD_INPUT, BUG, ERROR, FAILED, Format, OK, bad_input, closed, complain};
use crate::report::{Begun, CaseReport, NotRun, Session, folder, index, json, junit, terminal};
use crate::run::case::{self, Case, CaseError, Reproduce, Seeds, Shard};
use crate::run::watch::{GivenUp, Stop, Watch};
use crate::run::{self, Subject, pool, rig};

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
    let Finished { mut session, cause, trouble, bug } = run_all(args, &subjects, &scenarios, &cases)?;
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

/// What came of the cases.
struct Finished {
    session: Session,
    /// What ended the run before its time.
    cause: Option<Cause>,
    /// What kept the outcome of a case from being written or printed.
    trouble: Option<RunError>,
    /// The case in which preflash itself came to grief; what it said of it has been printed.
    bug: Option<String>,
}

/// What came of one of the cases.
enum CaseResult {
    /// It was run.
    Run(Box<CaseReport>),
    /// It was given up, and what happened until then was kept.
    GivenUp(Begun),
    /// It was given up after a failure that ended the run. Which others were under way then is chance, so nothing was
    /// kept.
    Dropped,
}

/// Runs the cases until all are run or somebody has had enough: the user (Ctrl-C), the reader of the output, or
/// `--fail-fast` after a failure. What was run until then is kept, even if something could not be written.
fn run_all(args: &RunArgs, subjects: &[Subject], scenarios: &[Scenario], cases: &[Case]) -> Result<Finished, RunError> {
    let (stop, interruption) = (Stop::default(), Interruption::default());
    signals::heed(&stop, &interruption).map_err(RunError::Signals)?;
    let jobs = match args.subjects.is_device() {
        // There is one board.
        true => NonZeroUsize::MIN,
        false => args.jobs.or_else(|| thread::available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN),
    };
    // A bar would be drawn over what a person is asked.
    let bar = !diagnostics::are_on() && !args.subjects.is_device();
    let progress = terminal::Progress::new(cases.len(), bar);
    let (mut reports, mut run, mut given_up) = (Vec::new(), BTreeSet::new(), BTreeMap::new());
    let (mut trouble, mut bug) = (None, None);
    // After a failure that ends the run no later case is told of: which others were finished by then is chance.
    let mut ended = false;
    let work = |index: usize| {
        let scenario = &scenarios[cases[index].scenario];
        let watch = Arc::new(Watch::new(stop.clone()));
        progress.begin(index, scenario, Arc::clone(&watch));
        let result = run_case(&cases[index], scenario, args, subjects, &watch, &interruption);
        progress.end(index);
        result
    };
    let ran = pool::run(&order(args, subjects, scenarios, cases), jobs, &stop, work, |index, result| {
        if ended {
            return;
        }
        let human = args.format == Format::Human;
        let shown = result.and_then(|result| {
            let printed = match result {
                CaseResult::Run(report) => {
                    let print = || terminal::write_case(&mut anstream::stdout().lock(), &report, &args.out);
                    let printed = progress.advance(|| if human { print() } else { Ok(()) });
                    ended = args.fail_fast && !report.passed();
                    run.insert(index);
                    reports.push(*report);
                    printed
                }
                CaseResult::GivenUp(begun) => {
                    let case = NotRun::new(&cases[index], &scenarios[cases[index].scenario], None);
                    let print = || terminal::write_given_up(&mut anstream::stdout().lock(), &case, &begun, &args.out);
                    let printed = progress.advance(|| if human { print() } else { Ok(()) });
                    given_up.insert(index, begun);
                    printed
                }
                CaseResult::Dropped => Ok(()),
            };
            Ok(reader_is_gone(printed)?)
        });
        match shown {
            Ok(false) => {}
            Ok(true) => interruption.note_closed(),
            Err(failed) => trouble = trouble.take().or(Some(failed)),
        }
        if ended || trouble.is_some() || interruption.cause().is_some() {
            stop.request();
        }
    });
    progress.finish();
    if let Err(pool::Panicked(index)) = ran {
        bug = Some(cases[index].name(&scenarios[cases[index].scenario]).to_string());
    }
    let left = cases.iter().enumerate().filter(|(index, _)| !run.contains(index));
    let not_run: Vec<_> =
        left.map(|(index, case)| NotRun::new(case, &scenarios[case.scenario], given_up.remove(&index))).collect();
    let cause = interruption.cause();
    let interrupted = (bug.is_some() || cause.is_some()) && !not_run.is_empty();
    Ok(Finished { session: Session { reports, not_run, interrupted, on_a_rig: false }, cause, trouble, bug })
}

/// In which order to begin the cases. On the chip a run takes long, so that one that is begun last may keep everybody
/// waiting while the other processors idle: the longest come first there, sweeps before all others, because nobody
/// knows yet how often they repeat. With `--fail-fast` they come in their own order, in which the first failure is
/// looked for.
fn order(args: &RunArgs, subjects: &[Subject], scenarios: &[Scenario], cases: &[Case]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..cases.len()).collect();
    if subjects.iter().any(Subject::is_slow) && !args.fail_fast {
        order.sort_by_key(|&index| {
            let scenario = &scenarios[cases[index].scenario];
            Reverse((scenario.sweep.is_some(), scenario.duration))
        });
    }
    order
}

/// Runs a case and writes its folder, also if it is given up because of an interruption.
fn run_case(
    case: &Case,
    scenario: &Scenario,
    args: &RunArgs,
    subjects: &[Subject],
    watch: &Watch,
    interruption: &Interruption,
) -> Result<CaseResult, RunError> {
    let span = tracing::info_span!(target: "run", "case", scenario = scenario.file, seed = case.seed.0);
    let _entered = span.enter();
    info!(target: "run", "begins");
    let draft = folder::Draft::new(&args.out, case, scenario, subjects.len() > 1)?.with_captures(args.capture);
    match run::results(scenario, case.seed, subjects, args.check_determinism, watch, Some(&draft)) {
        Ok(results) => {
            // The evidence is read where it lies now.
            let report = CaseReport::new(case, scenario, &results);
            draft.keep(&results)?;
            info!(target: "run", passed = report.passed(), "ends");
            Ok(CaseResult::Run(Box::new(report)))
        }
        Err(GivenUp(results)) => {
            draft.check()?;
            info!(target: "run", "is given up");
            if interruption.cause().is_none() {
                return Ok(CaseResult::Dropped);
            }
            Ok(CaseResult::GivenUp(draft.keep_given_up(&results)?))
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the totals tell a person how long it took; nothing in a run sees it")]
fn wall_clock() -> std::time::Instant {
    std::time::Instant::now()
}
