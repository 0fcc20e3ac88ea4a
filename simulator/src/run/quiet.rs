//! A case of which nothing is kept but what somebody notes while it goes on: for many runs of one scenario.

use std::cell::RefCell;
use std::io;
use std::path::PathBuf;
use std::rc::Rc;

use simulator_record::events::{Event, Kind};
use simulator_record::random::Seed;
use simulator_record::recorder::Recorder;
use simulator_scenario::model::Scenario;

use super::watch::{GivenUp, Watch};
use super::{CaseOutcome, Evidence, Executor, Keep, Name, run_kept};

/// Runs a scenario with a seed, and tells `note` each event of each of its runs; the outcome has
/// verdicts and no events.
///
/// # Errors
/// If it was given up: what was run until then.
pub fn quietly<T: 'static>(
    scenario: &Scenario,
    seed: Seed,
    executor: &Executor,
    watch: &Watch,
    notes: T,
    note: fn(&mut T, &Event),
) -> Result<(CaseOutcome, T), GivenUp<CaseOutcome>> {
    let noting = Noting { notes: Rc::new(RefCell::new(notes)), note };
    let subject = executor.name();
    let outcome = run_kept(scenario, seed, executor, watch, Keep::Evidence { place: &noting, subject })?;
    let notes = Rc::try_unwrap(noting.notes).map(RefCell::into_inner);
    Ok((outcome, notes.unwrap_or_else(|_| unreachable!("a run's recorder goes with the run"))))
}

struct Noting<T> {
    notes: Rc<RefCell<T>>,
    note: fn(&mut T, &Event),
}

impl<T: 'static> Evidence for Noting<T> {
    fn open(&self, _: Name, _: u32) -> io::Result<Box<dyn Recorder>> {
        Ok(Box::new(Noted { notes: Rc::clone(&self.notes), note: self.note }))
    }

    fn events(&self, _: Name, _: u32) -> PathBuf {
        PathBuf::new()
    }

    fn asks_for(&self, _: Kind) -> bool {
        false
    }

    fn failed(&self, _: io::Error) {}
}

struct Noted<T> {
    notes: Rc<RefCell<T>>,
    note: fn(&mut T, &Event),
}

impl<T> Recorder for Noted<T> {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        (self.note)(&mut self.notes.borrow_mut(), event);
        Ok(())
    }
}
