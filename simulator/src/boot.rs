//! An image on a board without a scenario: what is typed goes in, what it sends comes out.
//!
//! Time is virtual here, and goes as fast as it can.

use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use simulator_record::events::{DeviceId, Event, EventKind};
use simulator_record::random::Seed;
use simulator_record::time::Instant;
use simulator_scenario::Scenario;
use simulator_scenario::model::TYPING;
use simulator_world::device::Port;
use simulator_world::device::esp8266::Contents;
use simulator_world::world::{Command, World};

use crate::run::build;

/// So long nothing has been sent behind a prompt, which is a line without an end, before the next line is typed.
const SILENCE: Duration = Duration::from_millis(200);
/// So long where there is no prompt: nothing has been sent, nothing written to the flash, and the device not started.
const PATIENCE: Duration = Duration::from_secs(2);
/// Nothing is typed earlier: images switch their serial port on and off while they start.
const FIRST_TYPED: Duration = Duration::from_secs(1);

/// A device that runs.
pub struct Session {
    world: World,
    port: Rc<Port>,
    lines: VecDeque<Vec<u8>>,
    /// What has happened and has not been taken.
    events: Vec<Event>,
    /// When the last line has been typed.
    typed: Instant,
    /// When the flash was last written to, or the device last started.
    stirred: Instant,
    /// Whether what it has sent since the last line was typed ends without a line end.
    prompts: bool,
}

const DEVICE: DeviceId = DeviceId(0);

impl Session {
    /// A device with that in its flash, to which power comes at once. `lines` are typed one after the other, each when
    /// the device has fallen silent.
    pub fn new(contents: &Arc<Contents>, around: &Scenario, lines: impl IntoIterator<Item = Vec<u8>>) -> Self {
        let (mut world, port) = build::board(around, Seed(around.seed), contents);
        port.serial_line.borrow_mut().read_along();
        world.schedule(Instant::START, Command::Power { device: DEVICE, on: true });
        Self {
            world,
            port,
            lines: lines.into_iter().collect(),
            events: Vec::new(),
            typed: Instant::START,
            stirred: Instant::START,
            prompts: false,
        }
    }

    /// Does the next thing, and hands out what the device has sent by then; `None` if nothing happens before `end`.
    pub fn step(&mut self, end: Instant) -> Option<Vec<u8>> {
        let next = self.world.next_at().filter(|at| *at <= end)?;
        if next >= self.ready_at()
            && self.world.listens(DEVICE)
            && let Some(bytes) = self.lines.pop_front()
        {
            // The device may have run ahead up to there.
            self.typed = next + TYPING * bytes.len() as u32;
            self.prompts = false;
            let keys = (1..).zip(bytes).map(|(place, byte)| (TYPING * place, byte)).collect();
            self.world.schedule(next, Command::Type { device: DEVICE, keys });
        }
        self.world.step();
        let events = self.world.take_events();
        let stirs = |event: &&Event| matches!(event.kind, EventKind::Flash(_) | EventKind::Boot(_));
        self.stirred = events.iter().filter(stirs).map(|event| event.at).fold(self.stirred, Instant::max);
        self.events.extend(events);
        let sent = self.port.serial_line.borrow_mut().take_bytes(self.world.now());
        if let Some(last) = sent.last() {
            self.prompts = *last != b'\n';
        }
        Some(sent)
    }

    /// When the next line may be typed, if nothing more is heard of the device until then: what is typed at one that
    /// starts, sleeps or writes to its flash is lost.
    fn ready_at(&self) -> Instant {
        let silent = self.port.serial_line.borrow().silent_at().max(self.typed);
        let ready = if self.prompts { silent + SILENCE } else { silent.max(self.stirred) + PATIENCE };
        ready.max(Instant::START + FIRST_TYPED)
    }

    /// Takes what has happened since the last time.
    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// Lines that have not been typed.
    pub fn untyped(&self) -> usize {
        self.lines.len()
    }
}
