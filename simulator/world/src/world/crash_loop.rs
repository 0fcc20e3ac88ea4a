//! Devices that do nothing but crash, each time in the same way: after so many times a run has nothing more to show.
//!
//! A start counts if a crash or a watchdog ended it; two are equal if the last words of both are (of a watchdog, where
//! it found the firmware). Any other start in between, by power, by the button or because the firmware asked for it,
//! begins a new count.

use simulator_record::events::{self, BootCause, CrashReport, DeviceId, EventKind};

/// After how many equal crashes in a row the world ends; `None` for never.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CrashLimits {
    /// Of starts that end with a crash.
    pub crash: Option<u32>,
    /// Of starts that nothing but a watchdog ends.
    pub watchdog: Option<u32>,
}

/// What ended a start.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Ending {
    Crash(String),
    Watchdog(String),
}

/// One device's crashes.
#[derive(Debug, Default)]
struct Life {
    /// Of the start under way.
    ending: Option<Ending>,
    /// Of the start before, and how many before that ended in the same way, itself included.
    last: Option<(Ending, u32)>,
}

/// The crashes of all devices.
#[derive(Debug, Default)]
pub(super) struct CrashLoops {
    pub limits: CrashLimits,
    lives: Vec<Life>,
    crashes: u32,
}

impl CrashLoops {
    /// How many starts have ended so, of all devices.
    pub(super) fn crashes(&self) -> u32 {
        self.crashes
    }

    /// Something has happened to a device.
    pub(super) fn observe(&mut self, device: DeviceId, event: &EventKind) {
        match event {
            EventKind::Crash(events::Crash { message, .. }) => {
                self.life(device).ending = Some(Ending::Crash(message.clone()))
            }
            EventKind::Watchdog(events::Watchdog { which, report }) => {
                let found = report.as_deref().and_then(function).map(|function| format!(" in {function}"));
                let words = format!("the {which} bites{}", found.unwrap_or_default());
                // A crash says more than the watchdog that follows it.
                self.life(device).ending.get_or_insert(Ending::Watchdog(words));
            }
            _ => {}
        }
    }

    /// A device is about to start, for this cause: what ends the world, if its limit is reached.
    pub(super) fn starts(&mut self, device: DeviceId, cause: BootCause) -> Option<EventKind> {
        let CrashLimits { crash, watchdog } = self.limits;
        let life = self.life(device);
        let last = life.last.take();
        let ending = life.ending.take()?;
        match cause {
            BootCause::Watchdog | BootCause::SoftwareWatchdog | BootCause::Exception => {}
            BootCause::PowerOn | BootCause::External | BootCause::Software | BootCause::DeepSleep => return None,
        }
        let crashes = last.filter(|(before, _)| *before == ending).map_or(0, |(_, count)| count) + 1;
        let (limit, message) = match &ending {
            Ending::Crash(message) => (crash, message.clone()),
            Ending::Watchdog(message) => (watchdog, message.clone()),
        };
        life.last = Some((ending, crashes));
        self.crashes += 1;
        limit
            .is_some_and(|limit| crashes >= limit)
            .then_some(EventKind::CrashLoop(events::CrashLoop { crashes, message }))
    }

    fn life(&mut self, device: DeviceId) -> &mut Life {
        let index = device.0 as usize;
        if self.lives.len() <= index {
            self.lives.resize_with(index + 1, Life::default);
        }
        &mut self.lives[index]
    }
}

/// The innermost function that a report knows.
fn function(report: &CrashReport) -> Option<&str> {
    report.trace.iter().find_map(|entry| entry.function.as_deref())
}

#[cfg(test)]
mod tests {
    use super::*;
    use simulator_record::events::WatchdogKind;

    const DEVICE: DeviceId = DeviceId(0);

    fn loops(crash: u32, watchdog: u32) -> CrashLoops {
        CrashLoops { limits: CrashLimits { crash: Some(crash), watchdog: Some(watchdog) }, ..CrashLoops::default() }
    }

    fn crash(message: &str) -> EventKind {
        EventKind::Crash(events::Crash { message: message.to_owned(), report: None })
    }

    const BITE: EventKind = EventKind::Watchdog(events::Watchdog { which: WatchdogKind::Hardware, report: None });

    /// The crashes in a row, if the world ends with the start that these events and this reset end.
    fn ends(loops: &mut CrashLoops, events: &[EventKind], cause: BootCause) -> Option<u32> {
        events.iter().for_each(|event| loops.observe(DEVICE, event));
        loops.starts(DEVICE, cause).map(|event| match event {
            EventKind::CrashLoop(events::CrashLoop { crashes, .. }) => crashes,
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn equal_crashes_in_a_row_are_counted_whoever_resets_the_chip_after_them() {
        let mut loops = loops(3, 9);
        assert_eq!(ends(&mut loops, &[], BootCause::PowerOn), None);
        assert_eq!(ends(&mut loops, &[crash("one"), BITE], BootCause::Watchdog), None);
        assert_eq!(ends(&mut loops, &[crash("one")], BootCause::Exception), None);
        assert_eq!(ends(&mut loops, &[crash("other")], BootCause::Exception), None, "another begins anew");
        assert_eq!(ends(&mut loops, &[crash("other")], BootCause::Exception), None);
        assert_eq!(ends(&mut loops, &[crash("other"), BITE], BootCause::Watchdog), Some(3));
        assert_eq!(loops.crashes(), 5);
    }

    #[test]
    fn a_start_for_any_other_reason_begins_a_new_count() {
        for cause in [BootCause::PowerOn, BootCause::External, BootCause::Software] {
            let mut loops = loops(2, 2);
            assert_eq!(ends(&mut loops, &[crash("one")], BootCause::Exception), None);
            assert_eq!(ends(&mut loops, &[crash("one")], cause), None, "{cause:?}");
            assert_eq!(ends(&mut loops, &[crash("one")], BootCause::Exception), None, "{cause:?}");
            assert_eq!(ends(&mut loops, &[crash("one")], BootCause::Exception), Some(2), "{cause:?}");
        }
    }

    #[test]
    fn a_firmware_that_hangs_again_and_again_has_a_limit_of_its_own() {
        let mut loops = loops(2, 3);
        for expected in [None, None, Some(3)] {
            assert_eq!(ends(&mut loops, &[BITE], BootCause::Watchdog), expected);
        }
        loops.limits = CrashLimits::default();
        assert_eq!(ends(&mut loops, &[BITE], BootCause::Watchdog), None, "no limit");
    }

    #[test]
    fn each_device_is_counted_alone() {
        let mut loops = loops(2, 2);
        for device in [DeviceId(0), DeviceId(1)] {
            loops.observe(device, &crash("one"));
            assert_eq!(loops.starts(device, BootCause::Exception), None);
        }
    }
}
