//! Whether two runs of the same case are the same, event by event.

use crate::events::Event;

use super::{Outcome, Run};

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
pub fn difference<'a>(first: &'a Outcome, second: &'a Outcome) -> Option<Difference> {
    let runs = first.runs.len().max(second.runs.len());
    (0..runs).find_map(|index| {
        let [ours, theirs] = [first, second].map(|outcome| outcome.runs.get(index));
        let events = |run: Option<&'a Run>| run.map_or(&[][..], |run| &run.events);
        let (our_events, their_events) = (events(ours), events(theirs));
        let same = our_events.iter().zip(their_events).take_while(|(ours, theirs)| ours == theirs).count();
        (same < our_events.len().max(their_events.len())).then(|| Difference {
            repetition: ours.or(theirs).map_or(0, |run| run.repetition),
            first: our_events.get(same).cloned(),
            second: their_events.get(same).cloned(),
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
