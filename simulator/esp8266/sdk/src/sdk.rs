//! The vendor's SDK at function level: what the program calls of it, and what it calls of the program.
//!
//! The boundary is the list in `firmware/esp07/src/sdk.rs` (ESP8266 NONOS SDK 3.0). Tasks and timers are handed to the
//! boot ROM's functions of the same purpose, as the SDK itself does. Flash operations work on the board's flash chip.
//! The radio's requests go to the world; what the world says of them, and frames, reach the program in calls at task
//! level ([`Sdk::idles`]). The SDK's own memory (received frames, interfaces, events) lies where silicon has none,
//! so that it can be in nobody's way.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use esp8266::chip::Chip;
use esp8266::memory::LENT;
use esp8266::peripherals::Time;
use simulator_record::time::Instant;

use crate::call::{Call, Calls};
use crate::hardware_watchdog::HardwareWatchdog;
use crate::outside::Environment;
use crate::traps;
use crate::watchdog::SoftwareWatchdog;

mod buffers;
mod cache;
mod flash;
mod parameters;
mod radio;
mod start;
mod turns;

/// The SDK's memory.
const MEMORY: u32 = LENT.start;
/// Buffers for received frames, as many as the radio has.
const BUFFERS: u32 = 8;
const BUFFER_SIZE: u32 = 1_600;
/// Two interfaces of 68 bytes, then what is lent to the program for one call.
const INTERFACES: u32 = MEMORY + BUFFERS * BUFFER_SIZE;
const INTERFACE_SIZE: u32 = 72;
const EVENT: u32 = INTERFACES + 2 * INTERFACE_SIZE;
const RESET_INFORMATION: u32 = EVENT + 64;
/// The queue of the SDK's own task: two events.
const TASK_QUEUE: u32 = RESET_INFORMATION + 32;
/// What a scan has heard, a `struct bss_info` for each access point.
const SCANNED: u32 = TASK_QUEUE + 16;
const _: () = assert!(SCANNED + radio::MOST_HEARD * radio::BSS_INFO <= LENT.end);

/// The boot ROM's functions that the SDK's own stand on.
mod rom {
    pub const ETS_TASK: u32 = 0x4000_0DD0;
    pub const ETS_POST: u32 = 0x4000_0E24;
    pub const ETS_TIMER_SETFN: u32 = 0x4000_2C48;
    pub const ETS_TIMER_ARM: u32 = 0x4000_2CC4;
    pub const ETS_TIMER_DISARM: u32 = 0x4000_2D40;
    pub const ETS_TIMER_INIT: u32 = 0x4000_2E68;
    pub const SET_EXCEPTION_HANDLER: u32 = 0x4000_0454;
}

/// The boot ROM's priority of a program's task of priority 0; the SDK's own are above.
const TASK_PRIORITY: u32 = 21;
/// So many priorities there are for a program's tasks (`USER_TASK_PRIO_MAX`).
const PRIORITIES: u32 = 3;
/// The priority of the SDK's own task: above the program's, below the timers'.
const SDK_PRIORITY: u32 = 30;

/// Cycles that a function of the SDK takes at least, so that a program that goes round and round through one gets
/// nowhere in the end.
pub const ANSWER: u64 = 20;
/// Cycles that the SDK's handler of narrow accesses takes, roughly, besides the boot ROM's wrapper around it.
const NARROW_ACCESS: u64 = 50;

/// What came of a stop at one of the SDK's addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The program goes on.
    Done,
    /// The SDK is set up, and the program begins.
    Started,
    /// The flash works until then, and the program waits for it: see [`Sdk::flash_is_done`].
    Flash(Instant),
    /// The function touches the flash at this address while its cache is off.
    FlashOff(u32),
    /// The chip is to restart.
    Restart,
    /// The program has come to an exception that the SDK's handler takes: it [prints](crate::print_exception), writes
    /// down [why](crate::reset_information), and restarts the chip.
    Exception,
    /// An access that the SDK's handler of LoadStoreError cannot make good, which ends in a breakpoint.
    BadAccess,
    /// The program has jumped to where the SDK has nothing for it: what it did, in words.
    Astray(&'static str),
}

/// How the SDK starts.
#[derive(Clone, Copy, Debug)]
pub struct Start {
    /// When the chip was started, in the world's time.
    pub at: Instant,
    /// What the clock shows beyond what has passed since then.
    pub uptime: Duration,
    /// What `system_get_rst_info` tells of why, see [`reset_information`](crate::reset_information).
    pub reset_information: [u32; 7],
}

/// The SDK's state.
pub struct Sdk {
    start: Start,
    functions: BTreeMap<u32, &'static str>,
    /// What the emulation starts the program at, behind the mark in the boot stub.
    program: Option<u32>,
    pbuf_alloc: Option<u32>,
    pbuf_free: Option<u32>,
    ethernet_input: Option<u32>,
    /// `user_iram_memory_is_enabled`.
    memory_is_enabled: Option<u32>,
    /// What comes after that function's answer.
    cache_opens: Option<cache::Then>,
    /// How often each function was called.
    called: BTreeMap<&'static str, u64>,
    watchdog: SoftwareWatchdog,
    hardware_watchdog: HardwareWatchdog,
    calls: Calls,
    handler: u32,
    mode: u8,
    /// The program has said what the radio is to do.
    mode_is_set: bool,
    /// The SDK joins the network in its parameters by itself.
    auto_connect: bool,
    /// The SDK writes to the serial port.
    prints: bool,
    /// Bytes of the SDK's heap.
    heap: u32,
    station: Option<(String, String)>,
    /// A join has been asked for and not been answered.
    joining: bool,
    joined: bool,
    /// What is to be called when the scan under way has ended.
    scanning: Option<u32>,
    /// The program has left a network, and has not been told yet that it did.
    has_left: bool,
    /// Joins that a wrong passphrase has ended.
    refusals: usize,
    /// Frames of handshakes that are to be sent.
    handshake_frames: u32,
    /// What the radio has in hand to send: the program's records, and when each will be sent.
    sending: VecDeque<(Instant, u32)>,
    buffers: [bool; BUFFERS as usize],
    /// What a call under way is for.
    under_way: Option<Purpose>,
    next: VecDeque<(Purpose, Call)>,
}

/// What a call into the program is for.
enum Purpose {
    Event,
    /// `pbuf_alloc` for a copy of a frame in this buffer.
    Copy {
        buffer: u32,
        length: u32,
    },
    /// `pbuf_alloc` for a frame in this buffer.
    Frame {
        buffer: u32,
        length: u32,
    },
    Input,
    /// `pbuf_alloc` for a frame of a handshake.
    Handshake,
    /// `pbuf_free` of a frame that has been sent.
    Sent,
}

/// The functions that are answered here.
const FUNCTIONS: &[&str] = &[
    "sdk_boot",
    "system_partition_table_regist",
    "system_os_task",
    "system_os_post",
    "system_get_time",
    "system_get_rst_info",
    "system_restart",
    "system_soft_wdt_feed",
    "system_update_cpu_freq",
    "system_set_os_print",
    "system_get_free_heap_size",
    "ets_timer_setfn",
    "ets_timer_arm_new",
    "ets_timer_disarm",
    "spi_flash_erase_sector",
    "spi_flash_write",
    "spi_flash_read",
    "wifi_set_event_handler_cb",
    "wifi_set_opmode_current",
    "wifi_set_sleep_type",
    "wifi_get_macaddr",
    "wifi_station_get_auto_connect",
    "wifi_station_set_auto_connect",
    "wifi_station_set_config_current",
    "wifi_station_set_reconnect_policy",
    "wifi_station_connect",
    "wifi_station_disconnect",
    "wifi_station_get_rssi",
    "wifi_station_scan",
    "wifi_softap_set_config_current",
    "eagle_lwip_getif",
    "ieee80211_output_pbuf",
    "system_pp_recycle_rx_pkt",
];

impl Sdk {
    /// The SDK of a program whose names have the addresses that `address_of` tells.
    pub fn new(start: Start, address_of: impl Fn(&str) -> Option<u32>) -> Self {
        let address = |name: &str| {
            // The stub's own name stands where the vendor's would in a link against its archives.
            if name == "sdk_boot" {
                address_of(name)
            } else {
                address_of(&format!("sdk_{name}")).or_else(|| address_of(name))
            }
        };
        let functions = FUNCTIONS.iter().filter_map(|name| Some((address(name)?, *name))).collect();
        Self {
            start,
            functions,
            program: address_of("sdk_start"),
            pbuf_alloc: address_of("pbuf_alloc"),
            pbuf_free: address_of("pbuf_free"),
            memory_is_enabled: address_of("user_iram_memory_is_enabled"),
            cache_opens: None,
            ethernet_input: address_of("ethernet_input"),
            called: BTreeMap::new(),
            watchdog: SoftwareWatchdog::new(start.at),
            hardware_watchdog: HardwareWatchdog::new(start.at),
            calls: Calls::default(),
            handler: 0,
            mode: 0,
            mode_is_set: false,
            auto_connect: true,
            prints: true,
            heap: start::heap(address_of("_heap_start")),
            station: None,
            joining: false,
            joined: false,
            scanning: None,
            has_left: false,
            refusals: 0,
            handshake_frames: 0,
            sending: VecDeque::new(),
            buffers: [false; BUFFERS as usize],
            under_way: None,
            next: VecDeque::new(),
        }
    }

    /// Where the chip is to [stop](esp8266::chip::Stop::Trap), for [`enter`](Self::enter) to answer.
    pub fn addresses(&self) -> Vec<u32> {
        self.functions.keys().copied().chain(traps::ALL).collect()
    }

    /// What `system_get_rst_info` tells.
    pub fn reset_information(&self) -> [u32; 7] {
        self.start.reset_information
    }

    /// Which functions were called, and how often.
    pub fn called(&self) -> &BTreeMap<&'static str, u64> {
        &self.called
    }

    /// The chip has stopped at `address`, one of [`addresses`](Self::addresses).
    pub fn enter<O: Environment>(&mut self, chip: &mut Chip<O>, address: u32) -> Answer {
        chip.core.cpu.cycles += ANSWER;
        let now = self.now(chip);
        match address {
            traps::RETURN => match self.calls.end(chip) {
                Some(result) => self.returned(chip, now, result),
                None => return Answer::Astray("jumped to where calls from the SDK return to"),
            },
            traps::CACHE_ANSWER if self.memory_asked(chip) => {}
            traps::CACHE_ANSWER => return Answer::Astray("jumped to where an answer to the SDK returns to"),
            traps::WATCHDOG_TASK => {
                self.watchdog_task_ran(now);
                chip.return_from_function(0);
            }
            traps::FATAL_EXCEPTION => return Answer::Exception,
            traps::LOAD_STORE_ERROR if chip.do_narrow_access() => chip.core.cpu.cycles += NARROW_ACCESS,
            traps::LOAD_STORE_ERROR => return Answer::BadAccess,
            _ => {
                let Some(&name) = self.functions.get(&address) else {
                    return Answer::Astray("jumped to where the SDK has no function");
                };
                *self.called.entry(name).or_default() += 1;
                // Where a function of the ROM has not returned, the program goes on there.
                return self.answer_function(chip, name, address, now).unwrap_or(Answer::Done);
            }
        }
        Answer::Done
    }

    /// The chip's moment in the world.
    fn now<O: Environment>(&self, chip: &Chip<O>) -> Instant {
        self.start.at + Duration::from_nanos(chip.now().nanoseconds())
    }

    /// Lets time pass up to `until` without the core doing anything.
    fn pass_time<O: Environment>(&self, chip: &mut Chip<O>, until: Instant) {
        let until = Time::from_nanoseconds(until.saturating_since(self.start.at).as_nanos() as u64);
        let cycle = chip.core.bus.clock().cycle(until);
        chip.core.cpu.cycles = chip.core.cpu.cycles.max(cycle);
    }

    fn answer_function<O: Environment>(
        &mut self,
        chip: &mut Chip<O>,
        name: &str,
        address: u32,
        now: Instant,
    ) -> Option<Answer> {
        let [first, second, third, fourth] = chip.arguments();
        let result = match name {
            "sdk_boot" => {
                self.set_up(chip, now)?;
                chip.core.cpu.pc = self.program.unwrap_or(address);
                return Some(Answer::Started);
            }
            "system_os_task" => match second & 0xFF {
                priority @ 0..PRIORITIES => {
                    chip.call_rom(rom::ETS_TASK, [first, priority + TASK_PRIORITY, third, fourth])?;
                    1
                }
                _ => 0,
            },
            "system_os_post" => match first & 0xFF {
                priority @ 0..PRIORITIES => {
                    u32::from(chip.call_rom(rom::ETS_POST, [priority + TASK_PRIORITY, second, third, 0])? == 0)
                }
                _ => 0,
            },
            "ets_timer_setfn" => chip.call_rom(rom::ETS_TIMER_SETFN, [first, second, third, 0])?,
            "ets_timer_arm_new" => {
                let milliseconds = if fourth & 0xFF != 0 { second } else { second.div_ceil(1_000) };
                chip.call_rom(rom::ETS_TIMER_ARM, [first, milliseconds, third & 0xFF, 0])?
            }
            "ets_timer_disarm" => chip.call_rom(rom::ETS_TIMER_DISARM, [first, 0, 0, 0])?,
            "system_get_time" => (now.saturating_since(self.start.at) + self.start.uptime).as_micros() as u32,
            "system_get_rst_info" => {
                let record: Vec<u8> = self.start.reset_information.iter().flat_map(|word| word.to_le_bytes()).collect();
                chip.core.memory.poke(RESET_INFORMATION, &record);
                RESET_INFORMATION
            }
            "system_restart" => return Some(Answer::Restart),
            "system_soft_wdt_feed" => {
                self.watchdog.feed();
                self.hardware_watchdog.feed(now);
                0
            }
            "system_update_cpu_freq" => {
                chip.start_pll(first & 0xFF == 160);
                1
            }
            "spi_flash_erase_sector" => return Some(self.erase_flash(chip, now, first)),
            "spi_flash_write" => return Some(self.write_flash(chip, now, first, second, third)),
            "spi_flash_read" => return Some(self.read_flash(chip, now, first, second, third)),
            "system_partition_table_regist" => Self::register_partitions(chip, first, second, third),
            "system_set_os_print" => {
                self.prints = first & 0xFF != 0;
                0
            }
            // Less what the radio has taken, which is not modelled.
            "system_get_free_heap_size" => self.heap,
            "ieee80211_output_pbuf" => self.output_frame(chip, now, second),
            "system_pp_recycle_rx_pkt" => {
                if let Some(buffer) = first.checked_sub(MEMORY).map(|offset| offset / BUFFER_SIZE)
                    && let Some(used) = self.buffers.get_mut(buffer as usize)
                {
                    *used = false;
                }
                0
            }
            _ => self.answer_radio(chip, name, [first, second], now),
        };
        chip.return_from_function(result);
        Some(Answer::Done)
    }
}

/// A record in the program's memory; what is not mapped is zero.
fn record<const SIZE: usize, O>(chip: &Chip<O>, address: u32) -> [u8; SIZE] {
    let mut record = [0; SIZE];
    let bytes = chip.core.memory.peek(address, SIZE);
    record[..bytes.len()].copy_from_slice(&bytes);
    record
}

#[cfg(test)]
mod tests;
