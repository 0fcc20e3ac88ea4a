//! An image on a board without a scenario: what is typed goes in, what it sends comes out.
//!
//! Time is virtual here, and goes as fast as it can.

use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use simulator_record::events::{DeviceId, Event};
use simulator_record::random::Seed;
use simulator_record::time::Instant;
use simulator_scenario::Scenario;
use simulator_scenario::model::TYPING;
use simulator_world::device::esp8266::Contents;
use simulator_world::device::{Coverage, Port};
use simulator_world::world::{Command, World};

use crate::run::build;

/// So long nothing has been sent before the next line is typed.
const SILENCE: Duration = Duration::from_millis(200);
/// Nothing is typed earlier: images switch their serial port on and off while they start.
const FIRST_TYPED: Duration = Duration::from_secs(1);
/// A device that runs.
pub struct Session {
    world: World,
    port: Rc<Port>,
    lines: VecDeque<Vec<u8>>,
    /// When the last line has been typed.
    typed: Instant,
}

const DEVICE: DeviceId = DeviceId(0);

impl Session {
    /// A device with that in its flash, to which power comes at once. `lines` are typed one after the other, each when
    /// the device has fallen silent.
    pub fn new(contents: &Arc<Contents>, around: &Scenario, lines: impl IntoIterator<Item = Vec<u8>>) -> Self {
        let (mut world, port) = build::board(around, Seed(around.seed), contents);
        port.serial_line.borrow_mut().read_along();
        world.schedule(Instant::START, Command::Power { device: DEVICE, on: true });
        Self { world, port, lines: lines.into_iter().collect(), typed: Instant::START }
    }

    /// Virtual time.
    pub fn now(&self) -> Instant {
        self.world.now()
    }

    /// Does the next thing, and hands out what the device has sent by then; `None` if nothing happens before `end`.
    pub fn step(&mut self, end: Instant) -> Option<Vec<u8>> {
        let next = self.world.next_at().filter(|at| *at <= end)?;
        let silent = self.port.serial_line.borrow().silent_at().max(self.typed) + SILENCE;
        if next >= silent.max(Instant::START + FIRST_TYPED)
            && let Some(bytes) = self.lines.pop_front()
        {
            // The device may have run ahead up to there.
            self.typed = next + TYPING * bytes.len() as u32;
            let keys = (1..).zip(bytes).map(|(place, byte)| (TYPING * place, byte)).collect();
            self.world.schedule(next, Command::Type { device: DEVICE, keys });
        }
        self.world.step();
        Some(self.port.serial_line.borrow_mut().take_bytes(self.world.now()))
    }

    /// Takes what has happened since the last time.
    pub fn take_events(&mut self) -> Vec<Event> {
        self.world.take_events()
    }

    /// Lines that have not been typed.
    pub fn untyped(&self) -> usize {
        self.lines.len()
    }

    /// What was answered instead of run.
    pub fn coverage(&self) -> Option<Coverage> {
        self.world.coverage()
    }
}
