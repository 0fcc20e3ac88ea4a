//! preflash: run ESP8266 firmware against a simulated world before it is flashed.

pub mod boot;
pub mod cli;
pub mod director;
pub mod expectation;
pub mod flashing;
mod import;
pub mod plain;
pub mod report;
pub mod run;
pub mod seeds;
mod shrink;
pub mod validation;
