//! The world around a chip, in virtual time: [parts](simulator_parts) on the pins of [boards], the [air] between
//! access points and stations, the [internet] behind them, people with [phones](phone), what executes firmware
//! ([device]), and the [world] that has the clock and hands on what passes between all of these.
//!
//! It knows nothing of scenarios and reports. Whoever drives a [`World`](world::World) gives it
//! [commands](world::Command) and reads the record.
//!
//! A switch of a board that is thrown, with a contact that bounces:
//!
//! ```
//! use std::time::Duration;
//!
//! use simulator_record::events::{DeviceId, Level};
//! use simulator_record::random::Seed;
//! use simulator_record::time::Instant;
//! use simulator_world::boards::yellow_duck;
//! use simulator_world::device::port::{Models, Port};
//!
//! let port = Port::new(DeviceId(0), Models::of_board(&yellow_duck::BOARD, Seed(1), ""));
//! let switch = port.parts.iter().find(|part| &*part.name == "config").expect("the board has it");
//! let (at, bounces) = (Instant::from_secs(5), Duration::from_millis(8));
//! let changes = switch.throw(at, true, bounces);
//! assert!(changes.len() % 2 == 1, "it ends where it was put");
//! assert_eq!(port.level(switch.gpio, at + bounces), Some(Level::High));
//! ```

pub mod air;
pub mod boards;
pub mod device;
pub mod input;
pub mod internet;
pub mod phone;
pub mod world;
