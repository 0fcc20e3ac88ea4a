//! A part: one model on one pin, under the name by which scenarios and the record know it.
//!
//! A new kind of part is a model in a file of its own, a row of [`PartKind`] and of `Model`; the compiler names the
//! rest.

use std::cell::{Cell, RefCell, RefMut};
use std::sync::Arc;
use std::time::Duration;

use super::{DataLine, DhtModel, HostDrive, Led, Signal, Switch};
use simulator_record::events::{self, EventKind, Level, PinKind};
use simulator_record::random::Stream;
use simulator_record::time::Instant;

/// What kind of part it is, with what cannot change while it is soldered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartKind {
    /// A DHT22 or one of its kin, with a pull-up on its line.
    Dht(DhtModel),
    /// A switch that stays where it is put.
    Switch {
        /// The pin's level while it is on.
        on: Level,
    },
    /// A button, on while it is pressed.
    Button {
        /// The pin's level while it is pressed.
        on: Level,
    },
    /// An LED.
    Led {
        /// The pin's level that lights it.
        on: Level,
    },
}

impl PartKind {
    /// The level of its pin while it is on, pressed or lit; `None` for a part that is none of these.
    pub fn on_level(self) -> Option<Level> {
        match self {
            Self::Dht(_) => None,
            Self::Switch { on } | Self::Button { on } | Self::Led { on } => Some(on),
        }
    }

    /// What the record calls it where its pin changes; `None` for a sensor, whose line has events of its own.
    pub fn pin_kind(self) -> Option<PinKind> {
        match self {
            Self::Dht(_) => None,
            Self::Switch { .. } => Some(PinKind::Switch),
            Self::Button { .. } => Some(PinKind::Button),
            Self::Led { .. } => Some(PinKind::Led),
        }
    }
}

/// Where a part is soldered, and how it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Soldered {
    /// Its name; no two of a board have the same.
    pub name: Arc<str>,
    /// Its pin, 0 to 16; no two of a board have the same.
    pub gpio: u8,
    /// Which kind of part.
    pub kind: PartKind,
    /// A switch's position at the beginning; means nothing for others.
    pub on: bool,
}

/// What the world around a sensor is like at the beginning: tenths of a degree Celsius, and of a percent.
#[derive(Clone, Debug, PartialEq)]
pub struct Surroundings {
    /// Tenths of a degree Celsius.
    pub temperature: Signal,
    /// Tenths of a percent.
    pub humidity: Signal,
}

impl Default for Surroundings {
    /// 21.5 °C and 45.6 %.
    fn default() -> Self {
        Self { temperature: Signal::Constant(215), humidity: Signal::Constant(456) }
    }
}

/// One of a board's parts, in the order in which they are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PartId(pub usize);

/// A part at work.
pub struct Part {
    /// Its name.
    pub name: Arc<str>,
    /// Its pin.
    pub gpio: u8,
    kind: PartKind,
    model: RefCell<Model>,
    throws: Cell<u32>,
}

enum Model {
    Dht(Box<DataLine>),
    Contact(Box<Switch>),
    Led(Led),
}

impl Part {
    /// A part without power. `surroundings` is what a sensor measures; its random numbers come from `stream`.
    pub fn new(soldered: &Soldered, surroundings: &Surroundings, stream: Stream) -> Self {
        let Soldered { name, gpio, kind, on } = soldered;
        let model = match *kind {
            PartKind::Dht(model) => {
                let Surroundings { temperature, humidity } = surroundings.clone();
                Model::Dht(Box::new(DataLine::new(model, temperature, humidity, stream)))
            }
            PartKind::Switch { on: level } => Model::Contact(Box::new(Switch::new(level.when(*on), stream))),
            PartKind::Button { on: level } => Model::Contact(Box::new(Switch::new(level.when(false), stream))),
            PartKind::Led { on: level } => Model::Led(Led::new(level)),
        };
        Self { name: Arc::clone(name), gpio: *gpio, kind: *kind, model: RefCell::new(model), throws: Cell::new(0) }
    }

    /// The level that it gives the pin at `at`; `None` if it leaves that to others.
    pub fn level(&self, at: Instant) -> Option<Level> {
        match &*self.model.borrow() {
            Model::Dht(line) => Some(line.level(at)),
            Model::Contact(switch) => Some(switch.level(at)),
            Model::Led(_) => None,
        }
    }

    /// The device drives the pin from `at` on; returns what is to be recorded of it.
    pub fn drive(&self, at: Instant, drive: HostDrive) -> Option<EventKind> {
        match &mut *self.model.borrow_mut() {
            Model::Dht(line) => {
                line.drive(at, drive);
                None
            }
            Model::Contact(_) => None,
            Model::Led(led) => {
                let level = match drive {
                    HostDrive::Low => Some(Level::Low),
                    HostDrive::High => Some(Level::High),
                    HostDrive::Released => None,
                };
                let lit = led.drive(level)?;
                Some(self.pin_event(led.level(lit)))
            }
        }
    }

    /// The supply comes on.
    pub fn power_on(&self, at: Instant) {
        match &mut *self.model.borrow_mut() {
            Model::Dht(line) => line.power_on(at),
            Model::Contact(_) | Model::Led(_) => {}
        }
    }

    /// The supply goes away; the chip has been [reset](Part::reset_host).
    pub fn power_off(&self, at: Instant) {
        match &mut *self.model.borrow_mut() {
            Model::Dht(line) => line.power_off(at),
            Model::Contact(_) | Model::Led(_) => {}
        }
    }

    /// The chip is reset at `at` and lets go of the pin; what it did for later has not happened.
    pub fn reset_host(&self, at: Instant) {
        match &mut *self.model.borrow_mut() {
            Model::Dht(line) => line.reset_host(at),
            Model::Contact(_) => {}
            Model::Led(led) => drop(led.drive(None)),
        }
    }

    /// When it has something to tell by itself.
    pub fn report_due(&self) -> Option<Instant> {
        match &*self.model.borrow() {
            Model::Dht(line) => line.report_due(),
            Model::Contact(_) | Model::Led(_) => None,
        }
    }

    /// Takes the next of what it tells by itself up to `at`, and when that was.
    pub fn take_report(&self, at: Instant) -> Option<(Instant, EventKind)> {
        match &mut *self.model.borrow_mut() {
            Model::Dht(line) => line.take_report(at).map(|report| (report.ended, report.into_event(&self.name))),
            Model::Contact(_) | Model::Led(_) => None,
        }
    }

    /// The sensor that it is, with its wire.
    pub fn sensor(&self) -> Option<RefMut<'_, DataLine>> {
        RefMut::filter_map(self.model.borrow_mut(), |model| match model {
            Model::Dht(line) => Some(&mut **line),
            Model::Contact(_) | Model::Led(_) => None,
        })
        .ok()
    }

    /// A hand moves the switch or button that it is, whose contact bounces for so long. Returns the changes of its
    /// level to come: none if it stands so already, or is none.
    pub fn throw(&self, at: Instant, on: bool, bounce: Duration) -> Vec<(Instant, Level)> {
        self.throws.set(self.throws.get().wrapping_add(1));
        match (&mut *self.model.borrow_mut(), self.kind) {
            (Model::Contact(switch), PartKind::Switch { on: level } | PartKind::Button { on: level }) => {
                switch.set(at, level.when(on), bounce).to_vec()
            }
            _ => Vec::new(),
        }
    }

    /// How often it has been thrown: what an earlier throw announced and has not come yet does not come.
    pub fn throws(&self) -> u32 {
        self.throws.get()
    }

    /// What is recorded when the LED that it is goes dark.
    pub fn dark_event(&self) -> Option<EventKind> {
        match &*self.model.borrow() {
            Model::Led(led) => Some(self.pin_event(led.level(false))),
            Model::Dht(_) | Model::Contact(_) => None,
        }
    }

    /// What is recorded when its pin takes this level.
    pub fn pin_event(&self, level: Level) -> EventKind {
        let (Some(kind), Some(on)) = (self.kind.pin_kind(), self.kind.on_level()) else {
            unreachable!("a sensor's line has events of its own")
        };
        events::Pin { gpio: self.gpio, level, part: Arc::clone(&self.name), kind, on: level == on }.into()
    }
}
