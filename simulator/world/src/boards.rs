//! Boards: which parts are soldered to which pins, and what they are called. Data alone; the models are in
//! [`simulator_parts`].
//!
//! A new board is one file here and one row of [`BOARDS`].

pub mod bare;
pub mod nodemcu;
pub mod yellow_duck;

use simulator_parts::{PartKind, Soldered};

/// A board that scenarios know by name.
#[derive(Debug)]
pub struct Board {
    /// As scenarios have it.
    pub name: &'static str,
    /// What it is, in a sentence.
    pub about: &'static str,
    /// What is soldered to its pins.
    pub parts: &'static [PartOfBoard],
}

/// A part of a board.
#[derive(Clone, Copy, Debug)]
pub struct PartOfBoard {
    /// As scenarios and the record have it.
    pub name: &'static str,
    /// Its pin.
    pub gpio: u8,
    /// What it is.
    pub kind: PartKind,
}

/// All boards; the first is the one of a scenario that names none.
pub const BOARDS: [&Board; 3] = [&yellow_duck::BOARD, &nodemcu::BOARD, &bare::BOARD];

impl From<&PartOfBoard> for Soldered {
    /// The part with its switch off.
    fn from(part: &PartOfBoard) -> Self {
        Self { name: part.name.into(), gpio: part.gpio, kind: part.kind, on: false }
    }
}
