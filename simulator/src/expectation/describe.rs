//! An event in the words of reports: one line, for people.

use crate::events::EventKind;

/// What happened, in one line.
pub fn describe(event: &EventKind) -> String {
    match event {
        EventKind::NotModelled(access) => format!("not modelled: {access}"),
        other => other.to_string(),
    }
}
