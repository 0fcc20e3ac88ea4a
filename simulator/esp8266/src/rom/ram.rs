//! Where the boot ROM keeps its data: in the last 16 KiB of data RAM, filled at each reset.
//!
//! Only what programs are known to look at, or what functions share, has its place; the rest of the ROM's data is
//! absent. Addresses: Espressif's `eagle.rom.addr.v6.ld`, and what the community found (pvvx, "RAM_BIOS").

use super::call::{Call, Trouble};
use super::{aes, phy};
use crate::memory::Memory;

/// `_xtos_exc_handler_table`: 64 assembly handlers, by EXCCAUSE.
pub const EXCEPTION_TABLE: u32 = 0x3FFF_C000;
/// `_xtos_c_handler_table`: 64 C handlers, by EXCCAUSE.
pub const C_TABLE: u32 = 0x3FFF_C100;
/// Which interrupts are enabled (word 0), and which of them the running handler's priority permits (word 1).
pub const INTERRUPT_MASKS: u32 = 0x3FFF_C200;
/// Handlers and arguments of interrupts, the highest number first; then in the same order which interrupts may
/// interrupt each handler, and its own bit.
pub const INTERRUPT_TABLE: u32 = 0x3FFF_C208;
/// State of `rand`, 64 bits.
pub const RANDOM: u32 = 0x3FFF_C3A0;
/// Priority of the task that runs, a byte.
pub const TASK_PRIORITY: u32 = 0x3FFF_C6FC;
/// CPU cycles a microsecond.
pub const CYCLES_PER_MICROSECOND: u32 = 0x3FFF_C704;
/// Mode of the watchdog and its two parameters.
pub const WATCHDOG: u32 = 0x3FFF_C708;
/// `flashchip`: pointer to the description of the flash, which follows it.
pub const FLASH_CHIP: u32 = 0x3FFF_C714;
/// Pointer to the table of the PHY's functions, which follows it.
pub const PHY_FUNCTIONS: u32 = 0x3FFF_C730;
/// The PHY's table of decibels, 16 bytes.
pub const PHY_DECIBELS: u32 = 0x3FFF_CBD0;
/// Where the registers of the PHY's internal bus stand in what is read of it, 8 bytes.
pub const PHY_PBUS_SLOTS: u32 = 0x3FFF_CCE0;
/// `Te0`, a table of AES: 256 words.
pub const AES_TE0: u32 = 0x3FFF_CCF0;
/// `rcons`: 10 bytes.
pub const AES_RCONS: u32 = 0x3FFF_D0F0;
/// `Td0`: 256 words.
pub const AES_TD0: u32 = 0x3FFF_D100;
/// `Td4s`: 256 bytes.
pub const AES_TD4S: u32 = 0x3FFF_D500;
/// Idle function and its argument, then the mask of tasks with events.
pub const IDLE: u32 = 0x3FFF_DAB0;
/// 32 tasks of 16 bytes: function, queue, {size, write, read, count} as bytes, mask.
pub const TASKS: u32 = 0x3FFF_DAC0;
/// PS before `ets_intr_lock`.
pub const LOCKED_PS: u32 = 0x3FFF_DCC0;
/// `user_start_fptr`: where the loaded program begins.
pub const USER_START: u32 = 0x3FFF_DCD0;
/// Output of `ets_printf`: at +12 `putc1`, at +16 `putc2`.
pub const PRINTF: u32 = 0x3FFF_DD3C;
/// First timer, by its time.
pub const TIMERS: u32 = 0x3FFF_DDB0;
/// Queue of the timers' task.
pub const TIMER_QUEUE: u32 = 0x3FFF_DDC0;
/// The watchdog's timer.
pub const WATCHDOG_TIMER: u32 = 0x3FFF_DDE0;
/// `UartDev`; at +64 the number of the UART that characters go to.
pub const UART: u32 = 0x3FFF_DE10;
/// Where received characters are kept.
pub const RECEIVE_BUFFER: u32 = 0x3FFF_DE60;
/// GPIO: pending pins, handler, its argument; at +16 the kinds of the pins' interrupts as bytes.
pub const GPIO: u32 = 0x3FFF_DFD0;

/// Round keys of the one decryption at a time, 176 bytes.
pub const AES_CONTEXT: u32 = 0x3FFF_EA80;

/// From an interrupt's handler to which others may interrupt it.
pub const PRIORITIES: u32 = 0x78;

/// End of the data that programs and the functions here are known to use. What lies behind it, up to [`END`], belongs
/// to functions that a program on the vendor's SDK does not call (SIP, the download protocol, the allocator): the SDK's
/// start-up has its stack there.
pub const KNOWN_END: u32 = GPIO + 32;
/// End of the ROM's data, which begins at `EXCEPTION_TABLE`.
pub const END: u32 = 0x3FFF_EB30;

/// Default handlers.
mod handler {
    pub const UNHANDLED_EXCEPTION: u32 = 0x4000_DC44;
    pub const SYSCALL: u32 = 0x4000_DBE4;
    pub const LEVEL_1: u32 = 0x4000_048C;
    pub const ALLOCA: u32 = 0x4000_DBE0;
    pub const CAUSE_3: u32 = 0x4000_0590;
    pub const P_NONE: u32 = 0x4000_DBF8;
    pub const UNHANDLED_INTERRUPT: u32 = 0x4000_DC3C;
}

/// Fills the ROM's data as a reset does.
pub(super) fn initialize(memory: &mut Memory) {
    let zeros = vec![0; (END - EXCEPTION_TABLE) as usize];
    memory.poke(EXCEPTION_TABLE, &zeros);
    let mut put = |address: u32, value: u32| memory.poke(address, &value.to_le_bytes());
    for cause in 0..64 {
        let assembly = match cause {
            1 => handler::SYSCALL,
            4 => handler::LEVEL_1,
            5 => handler::ALLOCA,
            12..=15 => handler::CAUSE_3,
            _ => handler::UNHANDLED_EXCEPTION,
        };
        put(EXCEPTION_TABLE + 4 * cause, assembly);
        put(C_TABLE + 4 * cause, handler::P_NONE);
    }
    put(INTERRUPT_MASKS + 4, u32::MAX);
    for interrupt in 0..15 {
        put(interrupt_entry(interrupt), handler::UNHANDLED_INTERRUPT);
        put(interrupt_entry(interrupt) + 4, interrupt);
        let higher = u32::MAX << (interrupt + 1).min(14);
        put(interrupt_entry(interrupt) + PRIORITIES, higher);
        put(interrupt_entry(interrupt) + PRIORITIES + 4, 1 << interrupt);
    }
    put(RANDOM, 1);
    put(TASK_PRIORITY, 0xFF);
    put(CYCLES_PER_MICROSECOND, 80);
    put(WATCHDOG, u32::MAX);
    put(WATCHDOG + 4, 6);
    put(WATCHDOG + 8, 12);
    put(FLASH_CHIP, FLASH_CHIP + 4);
    for (index, field) in [0x16_40EF, 0x40_0000, 0x1_0000, 0x1000, 0x100, 0xFFFF].into_iter().enumerate() {
        put(FLASH_CHIP + 4 + 4 * index as u32, field);
    }
    phy::initialize(memory);
    aes::initialize(memory);
}

/// Where handler and argument of interrupt `number` (0 to 14) stand.
pub const fn interrupt_entry(number: u32) -> u32 {
    INTERRUPT_TABLE + 8 * (14 - number)
}

/// The description of the flash that `flashchip` points to.
#[derive(Clone, Copy, Debug)]
pub(super) struct FlashChip {
    pub size: u32,
    pub block: u32,
    pub sector: u32,
    pub page: u32,
}

impl FlashChip {
    pub(super) fn read(call: &mut Call<'_>) -> Result<Self, Trouble> {
        let at = call.word(FLASH_CHIP)?;
        Ok(Self {
            size: call.word(at.wrapping_add(4))?,
            block: call.word(at.wrapping_add(8))?,
            sector: call.word(at.wrapping_add(12))?,
            page: call.word(at.wrapping_add(16))?,
        })
    }
}
