//! An event in the words of reports: one line, for people.

use crate::events::{Event, EventKind};

/// What happened, in one line, and to which of several devices.
pub fn describe(event: &Event) -> String {
    match &event.kind {
        EventKind::NotModelled(_) => format!("not modelled: {event}"),
        _ => event.to_string(),
    }
}
