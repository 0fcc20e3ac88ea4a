//! The cases of `preflash run`, on threads: begun in a good order, shown as they end, and given up when somebody has
//! had enough.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread;

use simulator_scenario::model::Scenario;
use tracing::info;

use super::super::Format;
use super::super::diagnostics;
use super::super::signals::{self, Cause, Interruption};
use super::{RunArgs, RunError, reader_is_gone};
use crate::report::{Begun, CaseReport, NotRun, Session, folder, terminal};
use crate::run::case::Case;
use crate::run::watch::{GivenUp, Stop, Watch};
use crate::run::{Subject, pool};

/// What came of the cases.
pub(super) struct Finished {
    pub(super) session: Session,
    /// What ended the run before its time.
    pub(super) cause: Option<Cause>,
    /// What kept the outcome of a case from being written or printed.
    pub(super) trouble: Option<RunError>,
    /// The case in which preflash itself came to grief; what it said of it has been printed.
    pub(super) bug: Option<String>,
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
pub(super) fn run(
    args: &RunArgs,
    subjects: &[Subject],
    scenarios: &[Scenario],
    cases: &[Case],
) -> Result<Finished, RunError> {
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
    match crate::run::results(scenario, case.seed, subjects, args.check_determinism, watch, Some(&draft)) {
        Ok(results) => {
            let report = draft.keep(&results)?;
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
