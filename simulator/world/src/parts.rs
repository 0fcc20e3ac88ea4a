//! Models of what is soldered to a chip: sensors on their wires, switches, buttons, LEDs, flash, serial port.
//!
//! A [`Part`] is one of them on its pin, under its name; which of them a board has is [`crate::boards`]'s. Each model
//! is a plain object: time is a parameter, nothing schedules itself, and where something will happen later the model
//! says when. Whatever carries the firmware (the host, an emulated chip) calls a model in the device's own time, which
//! only goes forward between two power-ups; the world calls it for faults, power and what people do.
//!
//! Not modelled: analogue levels, rise times, currents, temperature of anything but the sensor's surroundings.

pub mod data_line;
pub mod dht;
pub mod flash;
pub mod led;
pub mod part;
pub mod readings;
pub mod serial_line;
pub mod switch;

pub use data_line::{DataLine, HostDrive, SensorReport};
pub use dht::{DhtModel, ExactTiming, Lateness, MadeOfLateness, SensorFault};
pub use flash::NorFlash;
pub use led::Led;
pub use part::{Part, PartId, PartKind, Soldered, Surroundings};
pub use readings::{Recording, Signal};
pub use serial_line::{SerialByte, SerialLine};
pub use switch::Switch;
