//! The program on real sockets, each module a side of it. One crate, so that all share how the program is started and
//! spoken to (`server`, which the benchmark uses as well, and `client`).
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "clippy takes only functions marked as tests for tests, not what they share")]

mod account;
mod attacks;
mod browser;
mod client;
mod clients;
mod command_line;
mod durability;
mod fuzz;
mod man_in_the_middle;
mod mqtt_listeners;
mod server;
mod standalone;
mod websocket;
