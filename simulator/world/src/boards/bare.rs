//! A module alone, an ESP-07 or ESP-12, with nothing soldered to its pins but what it needs to boot.

use super::Board;

/// The board.
pub const BOARD: Board = Board { name: "bare", about: "A module alone, without any part.", parts: &[] };
