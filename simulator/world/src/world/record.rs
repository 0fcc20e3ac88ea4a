//! The record of a run: committed events, in order, never changed. Whoever drives the world takes them as they come.

use std::sync::Arc;

use simulator_record::events::{DeviceId, Event, EventKind};
use simulator_record::time::Instant;

/// Committed events, in order, until they are taken.
#[derive(Debug, Default)]
pub struct Record {
    untaken: Vec<Event>,
    /// How many have been committed.
    committed: u64,
    last: Instant,
}

impl Record {
    /// Commits an event. Time never runs backwards in a record.
    pub fn commit(&mut self, at: Instant, device: Option<DeviceId>, name: Option<Arc<str>>, kind: EventKind) {
        debug_assert!(self.last <= at, "an event would be committed before the last");
        self.untaken.push(Event { at, sequence: self.committed, device, name, kind });
        self.committed += 1;
        self.last = at;
    }

    /// The events that have not been taken yet.
    pub fn untaken(&self) -> &[Event] {
        &self.untaken
    }

    /// Takes them.
    pub fn take(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.untaken)
    }
}
