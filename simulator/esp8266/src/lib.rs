//! The ESP8266 as a program sees it.
//!
//! [`isa`] says what an instruction word means. Nothing here knows of scenarios, networks or the world outside of the
//! chip.

pub mod isa;
