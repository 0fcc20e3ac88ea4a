//! Whether two runs of the same case are the same, event by event.

use crate::events::Event;

use super::Outcome;

/// The first difference between two outcomes of the same case.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// In which of a sweep's repetitions.
    pub repetition: u32,
    /// The first run's event at that place, if it had one.
    pub first: Option<Event>,
    /// The second run's.
    pub second: Option<Event>,
}

/// Finds the first difference.
pub fn difference(first: &Outcome, second: &Outcome) -> Option<Difference> {
    let runs = first.runs.len().max(second.runs.len());
    (0..runs).find_map(|index| {
        let events = |outcome: &Outcome| outcome.runs.get(index).map(|run| run.events.clone()).unwrap_or_default();
        let (ours, theirs) = (events(first), events(second));
        let place = (0..ours.len().max(theirs.len())).find(|&place| ours.get(place) != theirs.get(place))?;
        Some(Difference {
            repetition: index as u32,
            first: ours.get(place).cloned(),
            second: theirs.get(place).cloned(),
        })
    })
}

impl Difference {
    /// The difference in words.
    pub fn describe(&self) -> String {
        let event = |event: &Option<Event>| match event {
            None => "nothing more".to_owned(),
            Some(event) => serde_json::to_string(event).expect("events are plain data"),
        };
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
