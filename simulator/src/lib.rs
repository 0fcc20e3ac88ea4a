//! preflash: run ESP8266 firmware against a simulated world before it is flashed.

pub mod cli;
pub mod director;
pub mod expectation;
pub mod report;
pub mod run;
pub mod scenario;

pub use simulator_record::{events, random, recorder, time};
pub use simulator_world::{air, boards, device, input, internet, parts, phone, world};
