//! The record of a run: committed events, in order, never changed.

use crate::events::{DeviceId, Event, EventKind};
use crate::time::Instant;

/// Committed events, in order.
#[derive(Debug, Default)]
pub struct Record {
    events: Vec<Event>,
}

impl Record {
    /// Commits an event. Time never runs backwards in a record.
    pub fn commit(&mut self, at: Instant, device: Option<DeviceId>, kind: EventKind) {
        debug_assert!(
            self.events.last().is_none_or(|last| last.at <= at),
            "an event would be committed before the last"
        );
        self.events.push(Event { at, sequence: self.events.len() as u64, device, kind });
    }

    /// All events so far.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// The events, for those who come after the run.
    pub fn into_events(self) -> Vec<Event> {
        self.events
    }
}
