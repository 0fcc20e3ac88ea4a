//! What the SDK does before it calls the program.

use esp8266::chip::Chip;

use super::{SDK_PRIORITY, Sdk, TASK_QUEUE, rom};
use crate::outside::Environment;
use crate::traps;
use simulator_record::time::Instant;

/// Exceptions whose handler the SDK's start-up replaces (`user_start`, NONOS SDK 3.0), and by what.
const HANDLERS: [(u32, u32); 7] = [
    (9, traps::FATAL_EXCEPTION),
    (0, traps::FATAL_EXCEPTION),
    (2, traps::FATAL_EXCEPTION),
    (3, traps::LOAD_STORE_ERROR),
    (28, traps::FATAL_EXCEPTION),
    (29, traps::FATAL_EXCEPTION),
    (8, traps::FATAL_EXCEPTION),
];

/// What of the data memory is the vendor's own, in a link of the firmware against NONOS SDK 3.0.6.
pub(super) const VENDORS_DATA: u32 = 23_920;
/// Where the data memory ends that programs and the SDK's heap share.
pub(super) const HEAP_END: u32 = 0x3FFF_C000;

impl Sdk {
    /// What the SDK does before it calls the program; `None` if that fails, see [`Chip::call_rom`].
    pub(super) fn set_up<O: Environment>(&mut self, chip: &mut Chip<O>, now: Instant) -> Option<()> {
        chip.core.memory.lend();
        chip.start_pll(false);
        // In this order, because the first makes the task that the timers' interrupt posts to.
        chip.call_rom(rom::ETS_TIMER_INIT, [0; 4])?;
        chip.call_rom(rom::ETS_TASK, [traps::WATCHDOG_TASK, SDK_PRIORITY, TASK_QUEUE, 2])?;
        for (cause, handler) in HANDLERS {
            chip.call_rom(rom::SET_EXCEPTION_HANDLER, [cause, handler, 0, 0])?;
        }
        chip.narrow_access_handler(traps::LOAD_STORE_ERROR);
        self.watchdog.rewind(now);
        self.hardware_watchdog.feed(now);
        Some(())
    }
}

/// What a program leaves of the data memory for the SDK's heap: an estimate, because the vendor's part is not in the
/// image, and for an image without names a round number.
pub(super) fn heap(start: Option<u32>) -> u32 {
    let start = start.unwrap_or(HEAP_END - 0x4000 - VENDORS_DATA);
    HEAP_END.saturating_sub(start).saturating_sub(VENDORS_DATA)
}
