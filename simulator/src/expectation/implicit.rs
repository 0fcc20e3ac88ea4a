//! What every run is expected to be without saying so: no crash, no reset by either watchdog (but for the one that
//! follows an allowed crash), no livelock.

use std::collections::BTreeSet;
use std::rc::Rc;

use simulator_record::events::{BootCause, DeviceId, Event, EventKind};
use simulator_scenario::model::Allow;
use simulator_scenario::words::times;

use super::{Failure, Few, Verdict};

/// Counts what may not happen.
#[derive(Default)]
pub(super) struct Implicit {
    crashes: Few,
    watchdog_resets: Few,
    livelocks: Few,
    /// Devices whose present start has ended with a crash.
    crashed: BTreeSet<Option<DeviceId>>,
}

impl Implicit {
    pub(super) fn see(&mut self, event: &Rc<Event>) {
        match &event.kind {
            EventKind::Crash(_) => {
                self.crashed.insert(event.device);
                self.crashes.add(event);
            }
            EventKind::Boot(boot) => {
                let by_crash = self.crashed.remove(&event.device);
                if matches!(boot.cause, BootCause::Watchdog | BootCause::SoftwareWatchdog) && !by_crash {
                    self.watchdog_resets.add(event);
                }
            }
            EventKind::Livelock(_) => self.livelocks.add(event),
            _ => {}
        }
    }

    /// Only what failed gives a verdict.
    pub(super) fn verdicts(&self, allow: Allow) -> Vec<Verdict> {
        let verdict = |text: &str, allowed: bool, events: &Few| {
            let first = events.first.first().filter(|_| !allowed)?;
            let seen = format!("it happened {}: {events}", times(events.count));
            Some(Verdict::missed(text, Failure::new(seen, first.at)))
        };
        [
            verdict("crash: never, in any run", allow.crash, &self.crashes),
            verdict("reset by the watchdog: never, in any run", allow.watchdog, &self.watchdog_resets),
            verdict("livelock: never, in any run", allow.livelock, &self.livelocks),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}
