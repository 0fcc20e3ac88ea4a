//! A whole image restarts itself: not by a reset of the chip, but by a jump to the boot ROM's reset vector.
//!
//! That is how the vendor's SDK restarts, whether the program asks for it (`system_restart`), an exception has nobody
//! to handle it, or its software watchdog bites. Devices keep their state, and the hardware still says why it was last
//! reset. Why the SDK restarts it writes down for itself at the beginning of its part of the RTC's memory (`struct
//! rst_info`, ESP8266 Non-OS SDK API Reference, `system_get_rst_info`).

use esp8266::chip::Chip;
use esp8266::registers::Registers;

use super::crash;
use super::outside::Board;
use super::symbols::Symbols;
use simulator_record::events::{self, BootCause, EventKind, WatchdogKind};

/// Where `rst_info` lies in the RTC's memory: reason, EXCCAUSE, EPC1, EPC2, EPC3, EXCVADDR, DEPC.
const RST_INFO: usize = 0x100;

/// Why a program has jumped to the reset vector, and what is to be told of it besides. One that says nothing of it, or
/// does not use the vendor's SDK, just restarts.
pub(super) fn cause(chip: &Chip<Board>, symbols: &Symbols) -> (BootCause, Option<EventKind>) {
    let mut words = chip.core.bus.rtc_memory()[RST_INFO..].chunks_exact(4);
    let mut next = || words.next().and_then(|word| word.first_chunk()).map_or(0, |word| u32::from_le_bytes(*word));
    let [reason, exccause, epc1, _, _, excvaddr] = core::array::from_fn(|_| next());
    match reason {
        EXCEPTION => {
            let registers = registers(chip, epc1, exccause, excvaddr);
            let report = crash::report(&registers, &chip.core.memory, symbols, true);
            let message = format!("{} at {}", crash::exception_in_words(&registers), crash::place(&report));
            let crash = events::Crash { message, report: Some(Box::new(report)) };
            (BootCause::Exception, Some(crash.into()))
        }
        SOFTWARE_WATCHDOG => {
            let registers = registers(chip, epc1, exccause, excvaddr);
            let report = crash::report(&registers, &chip.core.memory, symbols, false);
            let bite = events::Watchdog { which: WatchdogKind::Software, report: Some(Box::new(report)) };
            (BootCause::SoftwareWatchdog, Some(bite.into()))
        }
        _ => (BootCause::Software, None),
    }
}

/// Reasons as the SDK numbers them.
const EXCEPTION: u32 = 2;
const SOFTWARE_WATCHDOG: u32 = 3;

/// The registers of the program that was interrupted at `epc1`, as far as they can be found.
fn registers(chip: &Chip<Board>, epc1: u32, exccause: u32, excvaddr: u32) -> Registers {
    let (cpu, memory) = (&chip.core.cpu, &chip.core.memory);
    let registers = Registers::interrupted(cpu, memory, epc1);
    let registers = registers.unwrap_or_else(|| Registers { pc: epc1, ..Registers::now(cpu) });
    Registers { epc1, exccause, excvaddr, ..registers }
}
