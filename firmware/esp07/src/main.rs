//! The yellow duck on an ESP-07.
//!
//! ```text
//! SDK ─► user_pre_init, user_init ─► executor ─► firmware::run ─► board ─► registers (esp8266-hal)
//!  ▲        (this file)                 ▲                          ├─────► flash ──┐
//!  │                                    │ posts                    ├─────► radio ──┤
//!  │                                    │                          └─────► frames ─┤
//!  └── tasks, timers, radio ──► lwip ───┴──────────────────────────────────────────┴─► sdk: the vendor's functions
//! ```
//!
//! The vendor's SDK owns the chip: it starts it, runs the radio and calls tasks. The firmware is one future that one
//! such task polls, so that the radio keeps running between two polls. `firmware/toolchain` links it.
#![no_std]
#![no_main]

extern crate alloc;

mod board;
mod buffers;
mod cpu;
mod executor;
mod flash;
mod frames;
mod heap;
mod lwip;
mod pins;
mod radio;
mod sdk;
mod serial;
mod task_level;
mod wake;

use firmware::board::SETTINGS_SECTORS;
use firmware::mark;
// Linked for its feature: `rsa` reaches it through several others.
use spin as _;

use sdk::Partition;

/// By this a programmer knows the image, and where it keeps what it keeps.
#[unsafe(no_mangle)]
static FIRMWARE_MARK: [u8; mark::LENGTH] = mark::Mark::OWN.to_bytes();

/// What the SDK keeps in the last sectors of 1 MiB, and what it must leave alone. In data memory, because the SDK may
/// read it bytewise, and narrow loads from flash are not seen to yet.
static mut PARTITIONS: [Partition; 6] = [
    Partition { kind: sdk::PARTITION_CUSTOMER_BEGIN, address: 0, size: 0x1_0000 },
    Partition { kind: sdk::PARTITION_CUSTOMER_BEGIN + 1, address: 0x1_0000, size: SETTINGS_SECTORS.start - 0x1_0000 },
    Partition {
        kind: sdk::PARTITION_CUSTOMER_BEGIN + 2,
        address: SETTINGS_SECTORS.start,
        size: SETTINGS_SECTORS.end - SETTINGS_SECTORS.start,
    },
    Partition { kind: sdk::PARTITION_RF_CAL, address: 0xF_B000, size: 0x1000 },
    Partition { kind: sdk::PARTITION_PHY_DATA, address: 0xF_C000, size: 0x1000 },
    Partition { kind: sdk::PARTITION_SYSTEM_PARAMETER, address: 0xF_D000, size: 0x3000 },
];

/// The SDK's first call, before it reads its parameters.
///
/// # Panics
/// If the SDK refuses the partition table, which only a wrong table makes it do. It would stop by itself a little
/// later, and say less.
#[unsafe(no_mangle)]
extern "C" fn user_pre_init() {
    // SAFETY: called once, and only the SDK reads the table.
    let taken = unsafe {
        let table = &raw const PARTITIONS;
        sdk::system_partition_table_regist(table.cast(), 6, sdk::FLASH_MAP_1_MIB)
    };
    if !taken {
        // The SDK sets up its handlers between here and `user_init`, so this is done there again.
        cpu::see_to_narrow_accesses();
        panic!("the SDK refuses the partition table");
    }
}

/// Asked by the SDK: yes, take 16 KiB of the flash cache for memory. In instruction memory: it is asked while the cache
/// is off, in order to turn it on, at the start and after each flash operation.
#[unsafe(no_mangle)]
#[unsafe(link_section = ".iram.text.user_iram_memory_is_enabled")]
extern "C" fn user_iram_memory_is_enabled() -> u32 {
    1
}

/// The SDK's second call: all is set up, the tasks run once this has returned.
#[unsafe(no_mangle)]
extern "C" fn user_init() {
    cpu::see_to_narrow_accesses();
    // SAFETY: called once, before anything allocates.
    unsafe { heap::begin() };
    cpu::run_at_full_speed();
    serial::open();
    // Its words would stand between the log's.
    // SAFETY: nothing is handed over.
    unsafe { sdk::system_set_os_print(0) };
    radio::begin();
    executor::start();
}
