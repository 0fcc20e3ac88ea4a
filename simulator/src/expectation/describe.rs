//! An event in the words of reports: one line, for people who know the board.

use crate::events::{EventKind, Level, Pin};
use crate::scenario::matcher::LED_GPIO;

/// What happened, in one line.
pub fn describe(event: &EventKind) -> String {
    match event {
        EventKind::Pin(Pin { gpio: LED_GPIO, level: Level::High }) => "the LED goes on".to_owned(),
        EventKind::Pin(Pin { gpio: LED_GPIO, level: Level::Low }) => "the LED goes off".to_owned(),
        EventKind::NotModelled(access) => format!("not modelled: {access}"),
        other => other.to_string(),
    }
}
