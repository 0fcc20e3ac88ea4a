//! A simulated world in real time, and what of it the computer around it can touch: a device's serial port.
//!
//! ```text
//! world ◄─ pace ─► line ─► pseudo-terminal | TCP | RFC 2217 | terminal
//! ```
//!
//! [`session::Session`] lets a [`World`](simulator_world::world::World) go on as fast as a clock on the wall, hands it
//! what comes in on a [`line::Line`] and puts out what its device sends. [`port::SerialPort`] is the other way round:
//! the end of a line at which a real board is. It is the only part of preflash in which a run depends on a clock. Where
//! the computer does not keep up, the world is slower; it is never made to catch up.

pub mod flash_file;
pub mod line;
pub mod pace;
pub mod port;
pub mod programmer;
#[cfg(unix)]
pub mod pty;
pub mod rfc2217;
pub mod session;
pub mod tcp;
#[cfg(unix)]
pub mod terminal;
