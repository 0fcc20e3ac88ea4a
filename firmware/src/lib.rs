//! The yellow duck: an ESP-07 weather station that reports to ThingSpeak, without a board in it.
#![no_std]

pub mod board;
pub mod settings;
pub mod store;

#[cfg(test)]
extern crate std;
