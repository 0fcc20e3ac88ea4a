//! `bus.vcd`: the pins as a logic analyser would show them, for GTKWave, PulseView and sigrok.
//!
//! A Value Change Dump (IEEE 1364-2005, section 18) in microseconds from the run's beginning. Each device is a module
//! with a wire for its supply, for what its UART sends, and for the pin of each of its parts. A pin that nobody drives
//! and nothing pulls, as without power, is `z`; one of which nothing is known yet is `x`.
//!
//! Events tell of a transaction when it is over, and of a byte when its stop bit is; so changes wait until nothing
//! earlier can come.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter};
use std::time::Duration;

use simulator_parts::PartKind;
use simulator_record::events::{Event, EventKind, Level, PowerState};
use simulator_record::recorder::{Recorder, SentByte};
use simulator_record::time::Instant;
use simulator_scenario::model::Scenario;
use vcd::{IdCode, SimulationCommand, TimescaleUnit, Value, Writer};

use super::{Artifact, Made};

pub(super) const BUS: Artifact = Artifact {
    file: "bus.vcd",
    about: "with `--capture`: supply, serial port and pins of each device in microseconds, for GTKWave, PulseView and `sigrok-cli`",
    made: Made::Captured(|file, scenario| Ok(Box::new(Bus::new(file, scenario)?))),
};

/// A change is written once this much later is told of: no transaction of a sensor and no byte takes longer.
const SETTLED: u64 = 2_000_000;

/// The wires of a device.
struct Wires {
    power: IdCode,
    tx: IdCode,
    parts: Vec<Part>,
}

struct Part {
    name: String,
    wire: IdCode,
    /// A sensor's line has a pull-up, so that it is high while nobody pulls it low.
    is_sensor: bool,
}

/// Writes changes while a run goes on.
struct Bus {
    writer: Writer<BufWriter<File>>,
    devices: Vec<Wires>,
    /// What each wire is at, as far as it is written.
    levels: BTreeMap<IdCode, Value>,
    /// What is not written yet, by microseconds and then in the order in which it came.
    waiting: BTreeMap<(u64, u64), (IdCode, Value)>,
    came: u64,
    /// The last timestamp that is written.
    written: u64,
}

impl Bus {
    fn new(file: File, scenario: &Scenario) -> io::Result<Self> {
        let mut writer = Writer::new(BufWriter::new(file));
        // A date of its own would make each run another file.
        writer.date("1970-01-01T00:00:00Z")?;
        writer.version(&format!("preflash {}", env!("CARGO_PKG_VERSION")))?;
        writer.comment("time 0 is the beginning of the run")?;
        writer.timescale(1, TimescaleUnit::US)?;
        let (mut devices, mut levels) = (Vec::new(), BTreeMap::new());
        for (number, device) in scenario.devices.iter().enumerate() {
            let name = device.name.clone().unwrap_or_else(|| format!("device{number}").into());
            writer.add_module(&identifier(&name))?;
            let mut wire = |name: &str, level: Value| -> io::Result<IdCode> {
                let id = writer.add_wire(1, name)?;
                levels.insert(id, level);
                Ok(id)
            };
            let (power, tx) = (wire("power", Value::V0)?, wire("uart_tx", Value::Z)?);
            let mut parts = Vec::new();
            for part in &device.parts {
                let soldered = &part.soldered;
                let level = match soldered.kind {
                    PartKind::Dht(_) => Value::Z,
                    PartKind::Switch { on } => value(on.when(soldered.on)),
                    PartKind::Button { on } => value(on.when(false)),
                    PartKind::Led { .. } => Value::X,
                };
                let wire = wire(&format!("{}_gpio{}", identifier(&soldered.name), soldered.gpio), level)?;
                let is_sensor = matches!(soldered.kind, PartKind::Dht(_));
                parts.push(Part { name: soldered.name.to_string(), wire, is_sensor });
            }
            writer.upscope()?;
            devices.push(Wires { power, tx, parts });
        }
        writer.enddefinitions()?;
        writer.timestamp(0)?;
        writer.begin(SimulationCommand::Dumpvars)?;
        for (wire, level) in &levels {
            writer.change_scalar(*wire, *level)?;
        }
        writer.end()?;
        Ok(Self { writer, devices, levels, waiting: BTreeMap::new(), came: 0, written: 0 })
    }

    fn change(&mut self, at: u64, wire: IdCode, level: Value) {
        self.waiting.insert((at, self.came), (wire, level));
        self.came += 1;
    }

    /// Writes all changes until then.
    fn write_until(&mut self, until: u64) -> io::Result<()> {
        while let Some(entry) = self.waiting.first_entry().filter(|entry| entry.key().0 <= until) {
            let ((at, _), (wire, level)) = entry.remove_entry();
            if self.levels.insert(wire, level) == Some(level) {
                continue;
            }
            // Time does not go back.
            let at = at.max(self.written);
            if at > self.written {
                self.writer.timestamp(at)?;
                self.written = at;
            }
            self.writer.change_scalar(wire, level)?;
        }
        Ok(())
    }
}

impl Recorder for Bus {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        let now = event.at.as_micros();
        self.write_until(now.saturating_sub(SETTLED))?;
        let Some(wires) = event.device.and_then(|device| self.devices.get(device.0 as usize)) else { return Ok(()) };
        let of = |name: &str| wires.parts.iter().find(|part| part.name == name).map(|part| part.wire);
        let mut changes: Vec<(u64, IdCode, Value)> = Vec::new();
        match &event.kind {
            EventKind::Power(power) => {
                let (supply, pulled) = match power.state {
                    PowerState::On => (Value::V1, Value::V1),
                    // Below what the chip needs, and enough for what pulls.
                    PowerState::BrownOut => (Value::X, Value::V1),
                    PowerState::Off => (Value::V0, Value::Z),
                };
                let lines = wires.parts.iter().filter(|part| part.is_sensor).map(|part| part.wire);
                changes.push((now, wires.power, supply));
                changes.extend(lines.chain([wires.tx]).map(|wire| (now, wire, pulled)));
            }
            EventKind::Pin(pin) => changes.extend(of(&pin.part).map(|wire| (now, wire, value(pin.level)))),
            EventKind::Sensor(sensor) => {
                // The event comes with the last edge; the first one is falling, and they alternate.
                let length = sensor.edges.last().copied().unwrap_or(0);
                let begun = now.saturating_sub(length.into());
                if let Some(wire) = of(&sensor.part) {
                    let levels = [Value::V0, Value::V1].into_iter().cycle();
                    let edges = sensor.edges.iter().zip(levels);
                    changes.extend(edges.map(|(edge, level)| (begun + u64::from(*edge), wire, level)));
                }
            }
            _ => {}
        }
        for (at, wire, level) in changes {
            self.change(at, wire, level);
        }
        Ok(())
    }

    fn wants_bytes(&self) -> bool {
        true
    }

    fn byte(&mut self, sent: SentByte) -> io::Result<()> {
        let SentByte { at, device, byte, bit } = sent;
        let Some(tx) = self.devices.get(device.0 as usize).map(|wires| wires.tx) else { return Ok(()) };
        for (at, level) in bits(at, byte, bit) {
            self.change(at.as_micros(), tx, value(level));
        }
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        self.write_until(u64::MAX)?;
        self.writer.flush()
    }
}

/// A byte with one start bit, eight bits from the lowest on, and one stop bit, which is over at `over`: when the line
/// takes which level.
fn bits(over: Instant, byte: u8, bit: Duration) -> impl Iterator<Item = (Instant, Level)> {
    let data = (0..8).map(move |place| if byte >> place & 1 == 1 { Level::High } else { Level::Low });
    let levels = std::iter::once(Level::Low).chain(data).chain([Level::High]);
    levels.enumerate().map(move |(place, level)| (over - bit * (10 - place as u32), level))
}

fn value(level: Level) -> Value {
    match level {
        Level::Low => Value::V0,
        Level::High => Value::V1,
    }
}

/// A name without what a file of this kind has no room for.
fn identifier(name: &str) -> String {
    name.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_is_ten_bits_from_the_lowest_on() {
        let over = Instant::START + Duration::from_micros(1_000);
        let levels: Vec<(u64, Level)> =
            bits(over, 0b0100_0001, Duration::from_micros(100)).map(|(at, level)| (at.as_micros(), level)).collect();
        let high: Vec<u64> = levels.iter().filter(|(_, level)| *level == Level::High).map(|(at, _)| *at).collect();
        assert_eq!((levels.len(), levels[0]), (10, (0, Level::Low)));
        assert_eq!(high, [100, 700, 900]);
    }
}
