//! Runs: one scenario, once, with one seed.
//!
//! A [`Case`] says what is run; [`run`] builds the world, lets the director carry out the timeline, and lets the
//! scenario's expectations judge what happens while it happens; what is recorded of it goes where it is to be kept.
//! Everything a run leaves behind is made from its [`CaseOutcome`] afterwards ([`crate::report`]).

pub mod build;
pub mod case;
pub mod determinism;
mod keep;
pub mod pool;
mod quiet;
pub mod receipts;
mod results;
pub mod rig;
mod subject;
mod sweep;
pub mod watch;

#[cfg(test)]
mod rates;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::mem;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use simulator_record::events::{Event, EventKind};
use simulator_record::random::Seed;
use simulator_record::recorder::{Edge, Frame, Recorder, SentByte};
use simulator_record::time::Instant;
use simulator_scenario::model::Scenario;
use simulator_world::device::Coverage;
use simulator_world::world::SentFrame;

use crate::director::Director;
use crate::expectation::{self, Failure, Judges, Verdict};

pub use case::Case;
pub use keep::Evidence;
use keep::{Keep, Kept};
pub use quiet::quietly;
use receipts::{Receipt, Receipts};
pub use results::{Results, SubjectOutcome, results};
pub use subject::{Executor, Name, On, Subject};
use sweep::{Point, Shown};
use watch::{GivenUp, Watch};

/// What came of a case.
#[derive(Clone, Debug)]
pub struct CaseOutcome {
    /// The runs it consists of: one, or one for each repetition of a sweep.
    pub runs: Vec<Run>,
}

/// One run.
#[derive(Clone, Debug)]
pub struct Run {
    /// Which of a sweep's repetitions, from 1; 0 is the run without intervention (and the only one without a sweep).
    pub repetition: u32,
    /// What happened, in order: all of it, or if it lies in a [record](Run::record) what reports ask for.
    pub events: Vec<Event>,
    /// Where all events lie, one JSON object a line, if they were recorded while the run went on.
    pub record: Option<PathBuf>,
    /// When the run ended.
    pub end: Instant,
    /// What became of each expectation, in the file's order, and then the implicit ones that failed.
    pub verdicts: Vec<Verdict>,
    /// What the emulated chip answered itself instead of running it as the device's code.
    pub coverage: Option<Coverage>,
    /// How often each fault, step and phone of the scenario had an effect, in the file's order by kind; none on a rig.
    pub receipts: Vec<Receipt>,
}

/// The events of a run as the record has them, one after the other.
type Lines<'r> = Box<dyn Iterator<Item = io::Result<String>> + 'r>;

/// An event as the record has it.
fn line(event: &Event) -> String {
    serde_json::to_string(event).expect("events are plain data")
}

impl CaseOutcome {
    /// Whether all expectations were met in all runs.
    pub fn passed(&self) -> bool {
        self.runs.iter().all(Run::passed)
    }

    /// The first run that failed, or the last one.
    pub fn first_failed_run(&self) -> &Run {
        let last = self.runs.last().expect("a case has at least one run");
        self.runs.iter().find(|run| !run.passed()).unwrap_or(last)
    }

    /// What the emulated chip answered itself in all runs together.
    pub fn coverage(&self) -> Option<Coverage> {
        let mut parts = self.runs.iter().filter_map(|run| run.coverage.as_ref());
        let mut all = parts.next()?.clone();
        parts.for_each(|coverage| all.add(coverage));
        Some(all)
    }

    /// How much virtual time was simulated.
    pub fn simulated(&self) -> Duration {
        self.runs.iter().map(|run| run.end.since_start()).sum()
    }
}

impl Run {
    /// Whether it was an image on the emulated chip whose own radio driver ran.
    pub fn ran_whole(&self) -> bool {
        self.coverage.as_ref().is_some_and(|coverage| coverage.sdk.is_empty())
    }

    /// Whether all expectations were met.
    pub fn passed(&self) -> bool {
        self.verdicts.iter().all(Verdict::is_met)
    }

    /// What was not met.
    pub fn failures(&self) -> impl Iterator<Item = (&Verdict, &Failure)> {
        let failed = self.verdicts.iter().filter(|verdict| !verdict.is_met());
        failed.filter_map(|verdict| Some((verdict, verdict.failure.as_ref()?)))
    }

    /// The events as the record has them.
    fn lines(&self) -> io::Result<Lines<'_>> {
        match &self.record {
            None => Ok(Box::new(self.events.iter().map(|event| Ok(line(event))))),
            Some(file) => Ok(Box::new(BufReader::new(File::open(file)?).lines())),
        }
    }

    /// The lines of the serial log, with the times at which they had left the device. Of several devices each line has
    /// its device's name in front.
    ///
    /// # Errors
    /// If the record cannot be read any more, or not on from a line.
    pub fn serial(&self) -> io::Result<SerialLines<'_>> {
        if self.record.is_none() {
            return Ok(Box::new(self.events.iter().filter_map(|event| match &event.kind {
                EventKind::Serial(serial) => {
                    Some(Ok((event.at, named(event.name.as_deref(), serial.line.as_str().into()))))
                }
                _ => None,
            })));
        }
        Ok(Box::new(self.lines()?.filter_map(|line| match line {
            // Most lines are of other events, and none of those has this in it.
            Ok(line) if !line.contains("\"event\":\"serial\"") => None,
            Ok(line) => serde_json::from_str::<Event>(&line).map(serial_line).map_err(io::Error::from).transpose(),
            Err(error) => Some(Err(error)),
        })))
    }
}

/// Lines of a serial log, each with the time at which it had left the device.
type SerialLines<'r> = Box<dyn Iterator<Item = io::Result<(Instant, Cow<'r, str>)>> + 'r>;

/// The line of an event, if it is one of the serial log.
fn serial_line(event: Event) -> Option<(Instant, Cow<'static, str>)> {
    let EventKind::Serial(serial) = event.kind else { return None };
    Some((event.at, Cow::Owned(named(event.name.as_deref(), serial.line.into()).into_owned())))
}

/// A line of the serial log of one of several devices: with its name in front.
fn named<'l>(name: Option<&str>, line: Cow<'l, str>) -> Cow<'l, str> {
    match name {
        Some(name) => Cow::Owned(format!("{name}: {line}")),
        None => line,
    }
}

/// Runs a scenario with a seed: once, or once for each repetition of its sweep. Everything that happens stays in
/// memory.
///
/// # Panics
/// Never: nobody can give up a run that nobody watches.
pub fn run(scenario: &Scenario, seed: Seed) -> CaseOutcome {
    match run_watched(scenario, seed, &Executor::Host, &Watch::default()) {
        Ok(outcome) => outcome,
        Err(_) => unreachable!("nobody else has the watch"),
    }
}

/// The same with an executor of choice, for somebody who watches.
///
/// # Errors
/// If it was given up: what was run until then.
pub fn run_watched(
    scenario: &Scenario,
    seed: Seed,
    executor: &Executor,
    watch: &Watch,
) -> Result<CaseOutcome, GivenUp<CaseOutcome>> {
    run_kept(scenario, seed, executor, watch, Keep::Memory)
}

fn run_kept(
    scenario: &Scenario,
    seed: Seed,
    executor: &Executor,
    watch: &Watch,
    keep: Keep<'_>,
) -> Result<CaseOutcome, GivenUp<CaseOutcome>> {
    let outcome = |run| CaseOutcome { runs: vec![run] };
    match &scenario.sweep {
        None => match run_once(scenario, seed, 0, None, executor, watch, keep) {
            Ok(Finished { run, .. }) => Ok(outcome(run)),
            Err(GivenUp(run)) => Err(GivenUp(Box::new(outcome(*run)))),
        },
        Some(sweep) => sweep::run(scenario, sweep, seed, executor, watch, keep),
    }
}

/// A run, and what only a sweep wants to know of it.
struct Finished {
    run: Run,
    shown: Shown,
}

fn run_once(
    scenario: &Scenario,
    seed: Seed,
    repetition: u32,
    different: Option<&Point>,
    executor: &Executor,
    watch: &Watch,
    keep: Keep<'_>,
) -> Result<Finished, GivenUp<Run>> {
    let other = match different {
        Some(Point::Image(image)) => {
            let mut other = scenario.clone();
            other.devices[0].firmware = Some(image.clone());
            Some(other)
        }
        Some(Point::Intervention { .. }) | None => None,
    };
    let scenario = other.as_ref().unwrap_or(scenario);
    let mut world = build::world_on(scenario, seed, executor);
    let mut director = Director::new(scenario, seed, &mut world);
    if let Some(Point::Intervention { at, command }) = different {
        world.schedule(*at, command.clone());
    }
    let mut shown = Shown::default();
    let limits = expectation::limits(scenario);
    let mut judges = Judges::new(scenario, &limits, repetition == 0);
    let mut kept = Kept::default();
    let mut receipts = Receipts::new(scenario);
    let mut end = Instant::START + scenario.duration;
    let mut recorder = keep.open(repetition);
    let mut wants_bytes = false;
    if let Ok(recorder) = &recorder {
        world.record_frames(recorder.wants_frames());
        if recorder.wants_bytes() {
            world.record_bytes();
            wants_bytes = true;
        }
    }
    let mut failed = recorder.as_mut().err().map(|error| mem::replace(error, io::ErrorKind::Other.into()));
    while let Some(at) = world.next_at().filter(|at| *at <= end && failed.is_none()) {
        if !watch.goes_on(repetition, at, world.crashes()) {
            break;
        }
        world.step();
        receipts.steps(world.take_steps_done());
        for event in world.take_events() {
            let event = Rc::new(event);
            judges.see(&event);
            receipts.see(&event);
            director.observe(&event, &mut world);
            if keep.keeps(&event) {
                kept.add(&event);
            }
            failed = failed.or(record(&mut recorder, &event).err());
        }
        if wants_bytes {
            failed = failed.or(record_bytes(&mut recorder, world.take_bytes(at)).err());
        }
        shown.flash_operations.extend(world.take_flash_operations());
        for line in world.take_secrets() {
            failed = failed.or(recorder.as_mut().ok().and_then(|recorder| recorder.secret(&line).err()));
        }
        for SentFrame { at, link, medium, bytes } in world.take_frames() {
            let frame = Frame { at, link: &link, medium, bytes: &bytes };
            failed = failed.or(recorder.as_mut().ok().and_then(|recorder| recorder.frame(frame).err()));
        }
    }
    let last = if world.next_at().is_some_and(|at| at <= end) { world.now() } else { end };
    failed = failed.or(record_bytes(&mut recorder, world.take_bytes(last)).err());
    failed = failed.or(recorder.as_mut().ok().and_then(|recorder| recorder.finish().err()));
    drop(recorder);
    let given_up = failed.is_some() || world.next_at().is_some_and(|at| at <= end);
    if let Some(error) = failed {
        keep.failed(error);
    }
    let coverage = world.coverage();
    end = if given_up { world.now() } else { world.ended().map_or(end, |ended| ended.min(end)) };
    let receipts = receipts.finish(director.arrivals(), end, |rule| world.frames_slowed(rule));
    world.finish(end);
    let mut verdicts = if given_up { Vec::new() } else { judges.verdicts(end) };
    if !given_up && repetition == 0 {
        // A repetition of a sweep may well take away what they need.
        verdicts.extend(receipts::verdicts(&receipts));
    }
    let events = kept.into_events();
    let run = Run { repetition, events, record: keep.record(repetition), end, verdicts, coverage, receipts };
    if given_up { Err(GivenUp(Box::new(run))) } else { Ok(Finished { run, shown }) }
}

/// Hands bytes of serial ports to whoever records the run.
fn record_bytes(recorder: &mut io::Result<Box<dyn Recorder + '_>>, bytes: Vec<SentByte>) -> io::Result<()> {
    let Ok(recorder) = recorder else { return Ok(()) };
    bytes.into_iter().try_for_each(|sent| recorder.byte(sent))
}

/// Hands an event to whoever records the run.
fn record(recorder: &mut io::Result<Box<dyn Recorder + '_>>, event: &Event) -> io::Result<()> {
    let Ok(recorder) = recorder else { return Ok(()) };
    recorder.event(event)?;
    if let (EventKind::Pin(pin), Some(device)) = (&event.kind, event.device) {
        recorder.edge(Edge { at: event.at, device, pin: pin.gpio, level: pin.level })?;
    }
    Ok(())
}
