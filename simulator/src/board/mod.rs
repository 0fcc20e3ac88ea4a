//! What is soldered to a yellow duck: the sensor on its wire, switches, flash, serial port.
//!
//! Each model is a plain object: time is a parameter, nothing schedules itself, and where something will happen later
//! the model says when. Whatever carries the firmware (the host, an emulated chip) calls a model in the device's own
//! time, which only goes forward between two power-ups; the world calls it for faults, power and hands. LD1 needs no
//! model: its pin's level is all there is to it.
//!
//! Not modelled: analogue levels, rise times, currents, temperature of anything but the sensor's surroundings.

pub mod data_line;
pub mod dht;
pub mod flash;
pub mod readings;
pub mod serial_line;
pub mod switch;

pub use data_line::{DataLine, HostDrive, SensorReport};
pub use dht::{DhtModel, ExactTiming, Lateness, SensorFault};
pub use flash::NorFlash;
pub use readings::{Recording, Signal};
pub use serial_line::SerialLine;
pub use switch::Switch;
