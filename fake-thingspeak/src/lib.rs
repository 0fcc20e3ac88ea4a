//! A local ThingSpeak: the cloud side of a weather station, for simulations and for devices on a desk.
//!
//! * [`cloud`]: the service itself, without I/O: a request and the time go in, a reply and what was stored come out.
//! * [`certificates`]: a simulated certificate authority, and certificates that are good or bad in a known way.
//! * [`tls`]: TLS servers, one that repeats itself byte for byte from a seed and one for real sockets.
//! * [`flawed_handshake`]: a TLS server that leaves out or misplaces what makes TLS safe.
//! * [`attack`]: what an attacker does who answers in the cloud's place, by either of these.
//! * [`serve`]: one connection of HTTP/1.1 over any stream, with the faults that can be injected into it.
//!
//! Data runs `serve` → `cloud`; nothing in `cloud` knows of connections. Nothing here reads a clock or the operating
//! system's randomness, except the configuration for real sockets in [`tls`]. The program on real sockets, with MQTT and pages
//! for people, is the package `fake-thingspeak-server`.

pub mod attack;
pub mod certificates;
pub mod cloud;
pub mod flawed_handshake;
mod repeatable_random;
pub mod serve;
pub mod tls;
mod vocabulary;
