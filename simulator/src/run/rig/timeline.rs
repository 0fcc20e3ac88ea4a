//! What is still to be done in a run on a rig, in order of time.

use std::collections::BTreeMap;

use simulator_parts::SerialByte;
use simulator_record::time::Instant;
use simulator_world::world::Command;

use crate::director::Stage;

/// Something to be done.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Act {
    /// What the scenario's timeline says.
    Command(Command),
    /// A byte goes to the serial port.
    Key(u8),
}

/// What is still to be done.
#[derive(Debug)]
pub(super) struct Timeline {
    now: Instant,
    /// By time and then in the order in which it was scheduled.
    acts: BTreeMap<(Instant, u64), Act>,
    scheduled: u64,
}

impl Timeline {
    pub(super) fn new() -> Self {
        Self { now: Instant::START, acts: BTreeMap::new(), scheduled: 0 }
    }

    /// Time has gone on to `now`.
    pub(super) fn advance(&mut self, now: Instant) {
        self.now = self.now.max(now);
    }

    pub(super) fn add(&mut self, at: Instant, act: Act) {
        self.acts.insert((at, self.scheduled), act);
        self.scheduled += 1;
    }

    /// Bytes are typed, each at its time.
    pub(super) fn type_in(&mut self, bytes: impl IntoIterator<Item = SerialByte>) {
        for SerialByte { at, byte, .. } in bytes {
            self.add(at, Act::Key(byte));
        }
    }

    /// When the next is to be done.
    pub(super) fn next_at(&self) -> Option<Instant> {
        self.acts.keys().next().map(|(at, _)| *at)
    }

    /// Takes the next, if its time has come.
    pub(super) fn take_due(&mut self) -> Option<Act> {
        let entry = self.acts.first_entry()?;
        (entry.key().0 <= self.now).then(|| entry.remove())
    }
}

impl Stage for Timeline {
    fn now(&self) -> Instant {
        self.now
    }

    fn schedule(&mut self, at: Instant, command: Command) {
        self.add(at, Act::Command(command));
    }

    /// A rig cannot say what a step came to.
    fn schedule_step(&mut self, at: Instant, _: usize, command: Command) {
        self.schedule(at, command);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acts_come_in_their_order_when_their_time_has_come() {
        let mut timeline = Timeline::new();
        for (second, byte) in [(2, b'c'), (1, b'a'), (1, b'b')] {
            timeline.add(Instant::from_secs(second), Act::Key(byte));
        }
        assert_eq!((timeline.next_at(), timeline.take_due()), (Some(Instant::from_secs(1)), None));
        timeline.advance(Instant::from_secs(1));
        assert_eq!([timeline.take_due(), timeline.take_due()], [Some(Act::Key(b'a')), Some(Act::Key(b'b'))]);
        assert_eq!(timeline.take_due(), None);
        timeline.advance(Instant::from_secs(3));
        assert_eq!(timeline.take_due(), Some(Act::Key(b'c')));
        assert_eq!(timeline.next_at(), None);
    }
}
