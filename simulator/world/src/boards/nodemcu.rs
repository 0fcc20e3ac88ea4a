//! A NodeMCU development kit 1.0 with an ESP-12: its blue LED and its FLASH button (schematic of 2014, `LED1`, `KEY1`).

use super::{Board, PartOfBoard};
use simulator_parts::PartKind;
use simulator_record::events::Level;

/// The board.
pub const BOARD: Board = Board {
    name: "nodemcu",
    about: "A NodeMCU: the LED `led` on GPIO2, lit by a low level, and the button `flash` on GPIO0.",
    parts: &[
        PartOfBoard { name: "led", gpio: 2, kind: PartKind::Led { on: Level::Low } },
        PartOfBoard { name: "flash", gpio: 0, kind: PartKind::Button { on: Level::Low } },
    ],
};
