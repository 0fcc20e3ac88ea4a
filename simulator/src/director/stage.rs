//! Where a timeline is carried out.

use simulator_record::time::Instant;
use simulator_world::world::{Command, World};

/// What a [`Director`](super::Director) gives its commands to: a simulated world, or a rig with a real board.
pub trait Stage {
    /// The moment up to which things have happened.
    fn now(&self) -> Instant;

    /// Has something done at a moment that is not past.
    fn schedule(&mut self, at: Instant, command: Command);

    /// The same, of a step of the scenario by its place there.
    fn schedule_step(&mut self, at: Instant, step: usize, command: Command);
}

impl Stage for World {
    fn now(&self) -> Instant {
        self.now()
    }

    fn schedule(&mut self, at: Instant, command: Command) {
        self.schedule(at, command);
    }

    fn schedule_step(&mut self, at: Instant, step: usize, command: Command) {
        self.schedule_step(at, step, command);
    }
}
