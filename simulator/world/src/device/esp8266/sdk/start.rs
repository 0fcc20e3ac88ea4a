//! What the SDK does before it calls the program, and what the vendor's start-up code does where it is in the image.

use esp8266::chip::Chip;

use super::{SDK_PRIORITY, Sdk, TASK_QUEUE, cache, rom};
use crate::device::esp8266::image::Image;
use crate::device::esp8266::outside::Board;
use crate::device::esp8266::traps;
use simulator_record::time::Instant;

/// Size of the data memory that programs have.
const DATA_MEMORY_SIZE: u32 = 0x1_4000;

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

/// What the vendor's start-up code needs to know of its image.
#[derive(Clone, Copy)]
pub(super) struct VendorsStart {
    pub vectors: Option<u32>,
    pub bss: Option<(u32, u32)>,
    /// Where it returns to in the end.
    pub back: u32,
}

impl Sdk {
    /// What the SDK does before it calls the program; `None` if that fails, see [`Chip::call_rom`].
    pub(super) fn set_up(&mut self, chip: &mut Chip<Board>, now: Instant) -> Option<()> {
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

    /// The vendor's start-up code, as far as it shows: the flash cache, own vectors, zeroed memory, then the program.
    pub(super) fn start_vendors(&mut self, chip: &mut Chip<Board>) -> Option<()> {
        let back = chip.core.cpu.a[0];
        if self.ask_for_memory(chip, cache::Then::Start(back)) {
            return Some(());
        }
        self.go_on_starting(chip, true)
    }

    pub(super) fn go_on_starting(&mut self, chip: &mut Chip<Board>, is_memory: bool) -> Option<()> {
        Self::open_cache(chip, is_memory)?;
        let cpu = &mut chip.core.cpu;
        let back = cpu.a[0];
        if let Some(vendors) = &mut self.vendors {
            vendors.back = back;
            cpu.vecbase = vendors.vectors.unwrap_or(cpu.vecbase);
            if let Some((start, end)) = vendors.bss {
                let length = end.saturating_sub(start).min(DATA_MEMORY_SIZE);
                chip.core.memory.poke(start, &vec![0; length as usize]);
            }
        }
        match self.user_pre_init {
            Some(function) => (chip.core.cpu.pc, chip.core.cpu.a[0]) = (function, traps::PRE_INIT_RETURN),
            None => self.pre_initialised(chip),
        }
        Some(())
    }

    /// `user_pre_init` has returned.
    pub(in super::super) fn pre_initialised(&mut self, chip: &mut Chip<Board>) {
        let back = self.vendors.map_or(0, |vendors| vendors.back);
        chip.core.cpu.a[0] = back;
        chip.core.cpu.pc = self.user_init.unwrap_or(back);
    }
}

/// What a program leaves of the data memory for the SDK's heap: an estimate, if the vendor's part is not in the image,
/// and for an image without names a round number.
pub(super) fn heap(image: &Image) -> u32 {
    let vendors = if image.is_vendors() { 0 } else { VENDORS_DATA };
    let start = image.address_of("_heap_start").unwrap_or(HEAP_END - 0x4000 - vendors);
    HEAP_END.saturating_sub(start).saturating_sub(vendors)
}
