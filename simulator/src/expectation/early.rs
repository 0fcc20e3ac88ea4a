//! Runs that ended before their time: what was not met by then says so.

use simulator_record::events::{Event, EventKind};
use simulator_scenario::words::times;

use super::Verdict;

/// Whether an event ends a run before its time.
pub(super) fn ends(event: &Event) -> bool {
    matches!(event.kind, EventKind::CrashLoop(_) | EventKind::Livelock(_))
}

/// Adds to whatever was not met that the run ended before its time with this event, and why.
pub(super) fn say_why_it_ended(verdicts: &mut [Verdict], event: &Event) {
    let why = match &event.kind {
        EventKind::CrashLoop(crash_loop) => {
            let crashes = times(crash_loop.crashes.into());
            format!("after the same crash {crashes} in a row (`equal-crashes` says how many end it)")
        }
        _ => "in a livelock".to_owned(),
    };
    for failure in verdicts.iter_mut().filter_map(|verdict| verdict.failure.as_mut()) {
        failure.seen.push_str(&format!("; the run ended at {} s, {why}", event.at));
    }
}
