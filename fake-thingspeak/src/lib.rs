//! A local ThingSpeak: the cloud side of a weather station, for simulations and for devices on a desk.
//!
//! * [`cloud`]: the service itself, without I/O: a request and the time go in, a reply and what was stored come out.
//! * [`certificates`]: a simulated certificate authority, and certificates that are good or bad in a known way.
//! * [`tls`]: TLS servers, one that repeats itself byte for byte from a seed and one for real sockets.
//! * [`flawed_handshake`]: a TLS server that leaves out or misplaces what makes TLS safe.
//! * [`attack`]: what an attacker does who answers in the cloud's place, by either of these.
//! * [`serve`]: one connection of HTTP/1.1 over any stream, with the faults that can be injected into it.
//! * `mqtt`: a broker without I/O, through which devices publish to the cloud and hear of what it stores; with the feature
//!   `server`.
//! * `pages`: what people look at: channels, charts, and the page that injects faults; with the feature `server`.
//! * `injection`: what a person can make go wrong on a running server; with the feature `server`.
//! * `visitor`: who asks, and may see keys and set faults or not; with the feature `server`.
//!
//! Data runs `serve` → `cloud`; nothing in `cloud` knows of connections. Nothing here reads a clock or the operating
//! system's randomness except the stand-alone program (`main.rs`) and the configuration made for it in [`tls`].

pub mod attack;
pub mod certificates;
pub mod cloud;
pub mod flawed_handshake;
#[cfg(feature = "server")]
pub mod injection;
#[cfg(feature = "server")]
pub mod mqtt;
#[cfg(feature = "server")]
pub mod pages;
mod repeatable_random;
pub mod serve;
pub mod tls;
#[cfg(feature = "server")]
pub mod visitor;
mod vocabulary;
