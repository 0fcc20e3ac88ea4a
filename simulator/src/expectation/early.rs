//! Runs that ended before their time: what was not met by then says so.

use super::Verdict;
use crate::events::{self, Event, EventKind};
use crate::scenario::words::times;

/// The event that ended the run before its time, if one did: it is the last.
pub(super) fn ended(events: &[Event]) -> Option<&Event> {
    events.last().filter(|event| matches!(event.kind, EventKind::CrashLoop(_) | EventKind::Livelock(_)))
}

/// Adds to whatever was not met that the run ended before its time, and why.
pub fn say_why_it_ended(verdicts: &mut [Verdict], events: &[Event]) {
    let Some(event) = ended(events) else { return };
    let why = match &event.kind {
        EventKind::CrashLoop(events::CrashLoop { crashes, .. }) => {
            format!("after the same crash {} in a row (`equal-crashes` says how many end it)", times((*crashes).into()))
        }
        _ => "in a livelock".to_owned(),
    };
    for failure in verdicts.iter_mut().filter_map(|verdict| verdict.failure.as_mut()) {
        failure.seen.push_str(&format!("; the run ended at {} s, {why}", event.at));
    }
}
