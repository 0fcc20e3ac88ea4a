//! The world around a chip, in virtual time: [parts] on the pins of [boards], the [air] between access points and
//! stations, the [internet] behind them, people with [phones](phone), what executes firmware ([device]), and the
//! [world] that has the clock and hands on what passes between all of these.
//!
//! It knows nothing of scenarios and reports. Whoever drives a [`World`](world::World) gives it
//! [commands](world::Command) and reads the record.
//!
//! A switch that is thrown, with a contact that bounces:
//!
//! ```
//! use std::time::Duration;
//!
//! use simulator_record::events::Level;
//! use simulator_record::random::Seed;
//! use simulator_record::time::Instant;
//! use simulator_world::parts::Switch;
//!
//! let mut switch = Switch::new(Level::Low, Seed(1).stream("config switch"));
//! let at = Instant::from_secs(5);
//! let changes = switch.set(at, Level::High, Duration::from_millis(8)).to_vec();
//! assert!(changes.len() % 2 == 1, "it ends where it was put");
//! assert_eq!(switch.level(at + Duration::from_millis(8)), Level::High);
//! ```

pub mod air;
pub mod boards;
pub mod device;
pub mod input;
pub mod internet;
pub mod parts;
pub mod phone;
pub mod world;
