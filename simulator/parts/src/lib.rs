//! Models of what is soldered to a chip: sensors on their wires, switches, buttons, LEDs, flash, serial port.
//!
//! A [`Part`] is one of them on its pin, under its name; which of them a board has is for the board to say. Each model
//! is a plain object: time is a parameter, nothing schedules itself, and where something will happen later the model
//! says when. Whatever carries the firmware (the host, an emulated chip) calls a model in the device's own time, which
//! only goes forward between two power-ups; a world calls it for faults, power and what people do.
//!
//! Not modelled: analogue levels, rise times, currents other than a supply's, temperature of anything but the sensor's
//! surroundings.
//!
//! A DHT22 that is read by hand: no board, no world, only its line and a time that goes on by microseconds:
//!
//! ```
//! use std::time::Duration;
//!
//! use simulator_parts::{DataLine, DhtModel, HostDrive, Signal};
//! use simulator_record::events::Level;
//! use simulator_record::random::Seed;
//! use simulator_record::time::Instant;
//!
//! // 21.5 °C and 45.6 %.
//! let (temperature, humidity) = (Signal::Constant(215), Signal::Constant(456));
//! let mut line = DataLine::new(DhtModel::Am2302, temperature, humidity, Seed(1).stream("sensor"));
//! line.power_on(Instant::START);
//!
//! // The start pulse.
//! let mut now = Instant::from_secs(2);
//! line.drive(now, HostDrive::Low);
//! now += Duration::from_millis(2);
//! line.drive(now, HostDrive::Released);
//!
//! let mut wait_for = |level: Level| {
//!     let since = now;
//!     while line.level(now) != level {
//!         now += Duration::from_micros(1);
//!     }
//!     now.saturating_since(since)
//! };
//! // The sensor answers, then each bit is as long high as it is worth.
//! wait_for(Level::Low);
//! wait_for(Level::High);
//! wait_for(Level::Low);
//! let mut bytes = [0_u8; 5];
//! for byte in &mut bytes {
//!     for _ in 0..8 {
//!         wait_for(Level::High);
//!         let high = wait_for(Level::Low);
//!         *byte = *byte << 1 | u8::from(high > Duration::from_micros(50));
//!     }
//! }
//! let [humidity_high, humidity_low, temperature_high, temperature_low, checksum] = bytes;
//! assert_eq!(u16::from_be_bytes([humidity_high, humidity_low]), 456);
//! assert_eq!(u16::from_be_bytes([temperature_high, temperature_low]), 215);
//! assert_eq!(bytes[..4].iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte)), checksum);
//! ```

mod data_line;
mod dht;
pub mod flash;
mod led;
mod part;
pub mod readings;
pub mod serial_line;
pub mod supply;
mod switch;

pub use data_line::{DataLine, HostDrive, SensorReport};
pub use dht::{DhtModel, ExactTiming, Lateness, MadeOfLateness, SensorFault};
pub use flash::NorFlash;
pub use led::Led;
pub use part::{Part, PartId, PartKind, Soldered, Surroundings};
pub use readings::{Recording, Signal};
pub use serial_line::{SerialByte, SerialLine};
pub use supply::Supply;
pub use switch::Switch;
