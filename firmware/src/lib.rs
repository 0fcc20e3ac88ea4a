//! The yellow duck: an ESP-07 weather station that reports to ThingSpeak, without a board in it.
//!
//! [`run()`] is all of it: a target builds a [`Board`](board::Board), keeps [`Resources`] in static memory, polls, and
//! restarts the device when `run` returns.
#![no_std]

pub mod backoff;
pub mod board;
mod boot;
mod connection;
mod dhcp;
mod floor;
pub mod http;
mod listener;
pub mod mark;
mod network;
mod own_frame;
pub mod passphrase;
pub mod portal;
mod random;
pub mod readings;
mod resources;
mod run;
mod sampling;
pub mod serial_log;
pub mod settings;
mod shared;
mod sntp;
mod station;
pub mod store;
pub mod tls;
mod uploader;
pub mod wall_clock;

pub use boot::VERSION;
pub use resources::Resources;
pub use run::{ACCESS_POINT_ADDRESS, FUTURE_BUDGET, Restart, SETUP_NETWORK, run};

#[cfg(test)]
extern crate std;
#[cfg(test)]
mod testing;
