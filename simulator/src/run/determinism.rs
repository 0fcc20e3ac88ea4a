//! Whether two runs of the same case are the same, event by event.
//!
//! The second is compared while it goes on, line by line as the record has them, so that only one of the two has to be
//! kept.

use std::cell::{Cell, RefCell};
use std::io;

use simulator_record::events::Event;
use simulator_record::recorder::Recorder;
use simulator_record::time::Instant;

use super::{CaseOutcome, Lines};

/// The first difference between two outcomes of the same case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// In which of a sweep's repetitions.
    pub repetition: u32,
    /// The first run's event at that place as the record has it, if it had one.
    pub first: Option<String>,
    /// The second run's.
    pub second: Option<String>,
}

/// A case that is run once more.
pub(super) struct Repeat<'f> {
    first: &'f CaseOutcome,
    /// Which runs of the first have been seen again.
    seen: RefCell<Vec<u32>>,
    found: RefCell<Option<Difference>>,
    failed: Cell<bool>,
}

impl<'f> Repeat<'f> {
    pub(super) fn of(first: &'f CaseOutcome) -> Self {
        Self { first, seen: RefCell::default(), found: RefCell::default(), failed: Cell::new(false) }
    }

    /// Begins to compare a run.
    pub(super) fn run(&self, repetition: u32) -> io::Result<RepeatedRun<'_>> {
        self.seen.borrow_mut().push(repetition);
        let lines = match self.first.runs.iter().find(|run| run.repetition == repetition) {
            Some(run) => run.lines()?,
            None => Box::new(std::iter::empty()),
        };
        Ok(RepeatedRun { repeat: self, repetition, lines })
    }

    /// The first run's record cannot be read any more.
    pub(super) fn failed(&self, _: io::Error) {
        self.failed.set(true);
    }

    /// The first difference, once all is run.
    pub(super) fn difference(self) -> Option<Difference> {
        let seen = self.seen.into_inner();
        self.found.into_inner().or_else(|| {
            // The first had a run more.
            let run = self.first.runs.iter().find(|run| !seen.contains(&run.repetition))?;
            let first = run.lines().ok()?.next()?.ok()?;
            Some(Difference { repetition: run.repetition, first: Some(first), second: None })
        })
    }
}

/// A run of a case that is run once more.
pub(super) struct RepeatedRun<'r> {
    repeat: &'r Repeat<'r>,
    repetition: u32,
    lines: Lines<'r>,
}

impl RepeatedRun<'_> {
    fn compare(&mut self, second: Option<String>) -> io::Result<()> {
        let mut found = self.repeat.found.borrow_mut();
        if found.is_some() {
            return Ok(());
        }
        let first = self.lines.next().transpose()?;
        if first != second {
            *found = Some(Difference { repetition: self.repetition, first, second });
        }
        Ok(())
    }
}

impl Recorder for RepeatedRun<'_> {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        self.compare(Some(super::line(event)))
    }

    fn finish(&mut self) -> io::Result<()> {
        self.compare(None)
    }
}

impl Difference {
    /// When it is, in virtual time.
    pub fn at(&self) -> Option<Instant> {
        let event: serde_json::Value = serde_json::from_str(self.first.as_ref().or(self.second.as_ref())?).ok()?;
        event["at"].as_u64().map(Instant::from_nanos)
    }

    /// The difference in words.
    pub fn describe(&self) -> String {
        let event = |event: &Option<String>| event.clone().unwrap_or_else(|| "nothing more".to_owned());
        let repetition = match self.repetition {
            0 => String::new(),
            number => format!(" in repetition {number}"),
        };
        let first = event(&self.first);
        let second = event(&self.second);
        format!(
            "two runs of the same seed differ{repetition}; the first event that differs:\n  once:  {first}\n  again: {second}"
        )
    }
}

/// Finds the first difference between outcomes that are known already.
#[cfg(test)]
pub(super) fn difference(first: &CaseOutcome, second: &CaseOutcome) -> Option<Difference> {
    let repeat = Repeat::of(first);
    for run in &second.runs {
        let mut again = repeat.run(run.repetition).unwrap();
        run.events.iter().for_each(|event| again.event(event).unwrap());
        again.finish().unwrap();
    }
    repeat.difference()
}
