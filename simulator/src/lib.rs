//! preflash: run ESP8266 firmware against a simulated world before it is flashed.

pub mod air;
pub mod board;
pub mod boards;
pub mod cli;
pub mod device;
pub mod director;
pub mod expectation;
pub mod input;
pub mod internet;
pub mod phone;
pub mod report;
pub mod run;
pub mod scenario;
pub mod world;

pub use simulator_record::{events, random, recorder, time};
