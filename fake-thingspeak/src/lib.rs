//! A local ThingSpeak: the cloud side of a weather station, for simulations and for devices on a desk.
//!
//! * [`cloud`]: the service itself, without I/O: a request and the time go in, a reply and what was stored come out.
//! * [`certificates`]: a simulated certificate authority, and certificates that are good or bad in a known way.
//! * [`tls`]: TLS servers, one that repeats itself byte for byte from a seed and one for real sockets.
//! * [`flawed_handshake`]: a TLS server that leaves out or misplaces what makes TLS safe.
//! * [`legacy_tls`]: the TLS of old devices, which rustls refuses.
//! * [`attack`]: what an attacker does who answers in the cloud's place, by either of these.
//! * [`serve`]: one connection of HTTP/1.1 over any stream, with the faults that can be injected into it.
//!
//! Data runs `serve` → `cloud`; nothing in `cloud` knows of connections. Nothing here reads a clock or the operating
//! system's randomness, except the configuration for real sockets in [`tls`]. The program on real sockets, with MQTT
//! and pages for people, is the package `fake-thingspeak-server`.
//!
//! A channel, an update and a read, in process:
//!
//! ```
//! use std::net::{IpAddr, Ipv4Addr};
//!
//! use fake_thingspeak::cloud::{Cloud, NewChannel};
//! use http::Request;
//! use hyper::body::Bytes;
//! use time::macros::datetime;
//!
//! let now = datetime!(2026-01-01 12:00 UTC);
//! let client = IpAddr::V4(Ipv4Addr::LOCALHOST);
//! // The same seed gives the same channels and keys.
//! let mut cloud = Cloud::new([7; 32]);
//! let mut fields: [Option<String>; 8] = Default::default();
//! fields[0] = Some("temperature".to_owned());
//! let access = cloud.create_channel(NewChannel { name: "Pond".to_owned(), fields, public: true }, now);
//!
//! let update = Request::get(format!("/update?api_key={}&field1=21.5", access.write_key)).body(Bytes::new())?;
//! let handled = cloud.handle(&update, now, client);
//! assert_eq!(handled.stored[0].entry_id, 1);
//! assert_eq!(handled.reply.response(&update).body(), "1");
//!
//! let read = Request::get(format!("/channels/{}/fields/1/last", access.channel)).body(Bytes::new())?;
//! let handled = cloud.handle(&read, now, client);
//! assert_eq!(handled.reply.response(&read).body(), "21.5");
//! # Ok::<(), http::Error>(())
//! ```

pub mod attack;
pub mod certificates;
pub mod cloud;
pub mod flawed_handshake;
pub mod legacy_tls;
mod repeatable_random;
pub mod serve;
pub mod tls;
mod vocabulary;
