//! Putting on a board what has passed: what is written in which order, `esptool` that does it, and what it says.
//!
//! [`plan::Plan`] decides what is written where, from the contents that were validated. [`esptool::Esptool`] is the
//! program that writes; what it reads of the chip is parsed by [`chip`], and what it complains of becomes one of
//! [`failure::Failure`]. [`follow`] listens to what the board says after its reset, and [`record`] is what is kept of
//! all that. [`page`] makes
//! a page that does without esptool. Nothing of it is part of a run: it knows clocks, processes and ports.

pub mod chip;
pub mod esptool;
pub mod failure;
pub mod follow;
pub mod page;
pub mod plan;
pub mod record;
#[cfg(test)]
mod tests;
