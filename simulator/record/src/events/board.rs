//! What happens on the board: serial port, pins, the sensor's bus, the flash chip.

use std::fmt;
use std::sync::Arc;

use super::declare::event;
use super::vocabulary::vocabulary;

vocabulary! {
    /// A logic level on a pin.
    pub enum Level {
        /// 0 V.
        Low = "low",
        /// 3.3 V.
        High = "high",
    }
}

impl Level {
    /// The other one.
    pub fn opposite(self) -> Self {
        match self {
            Self::Low => Self::High,
            Self::High => Self::Low,
        }
    }

    /// The level of a pin that has this one while something is on, and the other one while it is off.
    pub fn when(self, on: bool) -> Self {
        if on { self } else { self.opposite() }
    }
}

vocabulary! {
    /// What stands at a pin whose level is recorded.
    pub enum PinKind {
        /// An LED; on while it is lit.
        Led = "led",
        /// A switch; on in one of its two positions.
        Switch = "switch",
        /// A button; on while it is pressed.
        Button = "button",
    }
}

impl PinKind {
    /// In a sentence: "LED".
    pub fn name(self) -> &'static str {
        match self {
            Self::Led => "LED",
            Self::Switch => "switch",
            Self::Button => "button",
        }
    }
}

vocabulary! {
    /// How the sensor answered.
    pub enum SensorOutcome {
        /// With a measurement.
        Answered = "answered",
        /// With a wrong checksum.
        BadChecksum = "bad-checksum",
        /// Not at all.
        Silent = "silent",
        /// Not at all: it has not settled since power-up.
        Settling = "settling",
        /// Not at all: it still measures, for 0.43 s after each answer.
        TooSoon = "too-soon",
        /// Not at all: the start pulse was too short.
        ShortStart = "short-start",
    }
}

vocabulary! {
    /// What changes flash.
    pub enum FlashOperation {
        /// Sectors set to all ones.
        Erase = "erase",
        /// Bits cleared.
        Write = "write",
    }
}

event! {
    /// A line left the serial port completely; `at` is when its last byte had.
    pub struct Serial {
        /// The line without its end.
        line: String,
    }
}

impl fmt::Display for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.line)
    }
}

event! {
    /// The pin of an LED, a switch or a button changed.
    pub struct Pin {
        /// Its GPIO number.
        gpio: u8,
        /// Its level from now on.
        level: Level,
        /// The part's name on its board.
        #[serde(with = "super::shared")]
        part: Arc<str>,
        /// What kind of part it is.
        kind: PinKind,
        /// Whether it is lit, on or pressed from now on.
        on: bool,
    }
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let goes = match (self.kind, self.on) {
            (PinKind::Led | PinKind::Switch, true) => "goes on",
            (PinKind::Led | PinKind::Switch, false) => "goes off",
            (PinKind::Button, true) => "is pressed",
            (PinKind::Button, false) => "is let go",
        };
        write!(f, "the {} `{}` {goes}", self.kind.name(), self.part)
    }
}

event! {
    /// A transaction on the sensor's wire ended.
    pub struct Sensor {
        /// The sensor's name on its board.
        #[serde(with = "super::shared")]
        part: Arc<str>,
        /// How the sensor answered.
        outcome: SensorOutcome,
        /// What it sent, in tenths of a degree Celsius, if it did: what it measured after the answer before, or after
        /// power-up.
        #[serde(skip_serializing_if = "Option::is_none")]
        temperature: Option<i32>,
        /// What it sent, in tenths of a percent, if it did.
        #[serde(skip_serializing_if = "Option::is_none")]
        humidity: Option<u32>,
        /// When the wire's level changed, in microseconds after the first, falling, edge, which itself stands at 0;
        /// falling and rising ones alternate.
        edges: Vec<u32>,
    }
}

impl fmt::Display for Sensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the sensor `{}`: {}", self.part, self.outcome)?;
        if let (Some(temperature), Some(humidity)) = (self.temperature, self.humidity) {
            write!(f, " {} °C {} %", tenths(temperature.into()), tenths(humidity.into()))?;
        }
        Ok(())
    }
}

/// Writes tenths with their decimal only where there is one: `21.5`, `-3`.
pub fn tenths(value: i64) -> String {
    let sign = if value < 0 { "-" } else { "" };
    let magnitude = value.unsigned_abs();
    match magnitude % 10 {
        0 => format!("{sign}{}", magnitude / 10),
        decimal => format!("{sign}{}.{decimal}", magnitude / 10),
    }
}

event! {
    /// An erase or a write of the flash ended.
    pub struct Flash {
        /// Counts them since the scenario began, from 1.
        number: u32,
        /// Which.
        operation: FlashOperation,
        /// In bytes.
        address: u32,
        /// In bytes.
        length: u32,
        /// Power went away before it was finished.
        torn: bool,
        /// How often that of its sectors has been erased which has been most often, this time included.
        erasures: u32,
    }
}

impl fmt::Display for Flash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, operation, address, length, torn, .. } = self;
        let torn = if *torn { ", torn" } else { "" };
        write!(f, "flash operation {number}: {operation} of {length} bytes at {address:#x}{torn}")
    }
}
