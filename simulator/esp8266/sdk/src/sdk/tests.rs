//! Each function of the list: arguments in, effect, result.

mod board;
mod flash;
mod frames;
mod radio;

use esp8266::chip::{Configuration, Stop};

use board::{Board, Output};

use super::start::{HEAP_END, VENDORS_DATA};
use super::*;
use crate::outside::{AccessPoint, AuthMode};
use crate::watchdog::Expiry;
use simulator_record::events::{JoinFailure, JoinOutcome, LinkLoss};

const BOOT: u32 = 0x4010_0100;
const STUBS: u32 = 0x4010_0200;
const START: u32 = 0x4010_0F00;
const BACK: u32 = 0x4010_0F80;
const PBUF_ALLOC: u32 = 0x4010_0FA0;
const ETHERNET_INPUT: u32 = 0x4010_0FC0;
const TASK: u32 = 0x4010_0FE0;
const PBUF_FREE: u32 = 0x4010_1000;
const MEMORY_IS_ENABLED: u32 = 0x4010_1020;
const HEAP: u32 = 0x3FFF_3000;
const DATA: u32 = 0x3FFE_8000;

struct Bench {
    chip: Chip<Board>,
    sdk: Sdk,
}

/// A chip whose boot ROM has set up its data, with the SDK's stubs in a row and already started.
fn bench() -> Bench {
    let mut chip = Chip::new(Configuration { mac: board::ADDRESS, seed: 1 }, Board::new());
    chip.stop_when_spinning = true;
    traps::ALL.into_iter().for_each(|address| chip.core.trap(address));
    assert!(matches!(chip.run(1_000_000_000), Stop::Spinning(_)), "there is nothing to boot");
    chip.core.cpu.a[1] = 0x3FFF_F000;
    chip.core.cpu.ps = 0x20;
    let stubs = FUNCTIONS[1..].iter().zip((STUBS..).step_by(16));
    let mut symbols: Vec<_> = stubs.map(|(name, address)| (address, format!("sdk_{name}"))).collect();
    let own = [
        (BOOT, "sdk_boot"),
        (START, "sdk_start"),
        (PBUF_ALLOC, "pbuf_alloc"),
        (PBUF_FREE, "pbuf_free"),
        (ETHERNET_INPUT, "ethernet_input"),
        (MEMORY_IS_ENABLED, "user_iram_memory_is_enabled"),
        (HEAP, "_heap_start"),
    ];
    symbols.extend(own.map(|(address, name)| (address, name.to_owned())));
    let address_of = |wanted: &str| symbols.iter().find(|(_, name)| name == wanted).map(|(address, _)| *address);
    let start = Start { at: Instant::START, uptime: Duration::ZERO, reset_information: [4, 1, 2, 3, 4, 5, 6] };
    let mut bench = Bench { sdk: Sdk::new(start, address_of), chip };
    bench.chip.core.cpu.pc = BOOT;
    assert_eq!(bench.sdk.enter(&mut bench.chip, BOOT), Answer::Started);
    assert_eq!(bench.chip.core.cpu.pc, START);
    bench
}

impl Bench {
    fn begin(&mut self, name: &str, arguments: &[u32]) -> Answer {
        let index = FUNCTIONS[1..].iter().position(|known| *known == name).unwrap();
        let cpu = &mut self.chip.core.cpu;
        cpu.a[2..8].fill(0);
        cpu.a[2..2 + arguments.len()].copy_from_slice(arguments);
        cpu.a[0] = BACK;
        let stub = STUBS + 16 * index as u32;
        cpu.pc = stub;
        self.sdk.enter(&mut self.chip, stub)
    }

    /// Calls a function that comes back at once, and returns its result.
    fn call(&mut self, name: &str, arguments: &[u32]) -> u32 {
        assert_eq!(self.begin(name, arguments), Answer::Done, "{name}");
        if self.chip.core.cpu.pc == MEMORY_IS_ENABLED {
            self.answer_for_memory();
        }
        assert_eq!(self.chip.core.cpu.pc, BACK, "{name} returns");
        self.chip.core.cpu.a[2]
    }

    /// What the SDK calls next, when all that it has sent is on the air.
    fn next_call(&mut self) -> Option<Call> {
        self.sdk.next_call(&mut self.chip, Instant::from_secs(60))
    }

    /// That has returned.
    fn returned(&mut self, result: u32) {
        self.sdk.returned(&mut self.chip, Instant::START, result);
    }

    /// Answers what the SDK asks before it opens the flash cache.
    fn answer_for_memory(&mut self) {
        assert_eq!((self.chip.core.cpu.pc, self.chip.core.cpu.a[0]), (MEMORY_IS_ENABLED, traps::CACHE_ANSWER));
        assert_eq!(self.chip.core.memory.flash_window(), None, "the cache is off meanwhile");
        self.chip.core.cpu.a[2] = 1;
        assert!(self.sdk.memory_asked(&mut self.chip));
    }

    fn poke(&mut self, address: u32, bytes: &[u8]) {
        assert!(self.chip.core.memory.poke(address, bytes));
    }

    fn word(&self, address: u32) -> u32 {
        u32::from_le_bytes(record(&self.chip, address))
    }

    fn board(&mut self) -> &mut Board {
        &mut self.chip.core.bus.outside
    }

    fn output(&mut self) -> Vec<Output> {
        std::mem::take(&mut self.board().output)
    }

    /// Runs until the program's function `function` is called.
    fn run_to(&mut self, function: u32) {
        self.chip.core.trap(function);
        self.chip.core.cpu.pc = rom_task_loop();
        self.chip.core.cpu.a[13] = 0;
        let limit = self.chip.core.cpu.cycles + 80_000_000;
        assert_eq!(self.chip.run(limit), Stop::Trap(function));
    }
}

fn rom_task_loop() -> u32 {
    esp8266::rom::TASK_LOOP
}

fn station() -> Vec<u8> {
    let mut record = vec![0; 116];
    record[..4].copy_from_slice(b"home");
    record[32..45].copy_from_slice(b"correct horse");
    record
}

#[test]
fn a_partition_table_is_looked_at() {
    let right = [[100, 0, 0xF_B000], [4, 0xF_B000, 0x1000], [5, 0xF_C000, 0x1000], [6, 0xF_D000, 0x3000]];
    let register = |table: &[[u32; 3]], map: u32| {
        let mut bench = bench();
        let words: Vec<u8> = table.iter().flatten().flat_map(|word| word.to_le_bytes()).collect();
        bench.poke(DATA, &words);
        bench.call("system_partition_table_regist", &[DATA, table.len() as u32, map])
    };
    assert_eq!(register(&right, 2), 1);
    assert_eq!(register(&right, 4), 0, "of another flash");
    assert_eq!(register(&right[..3], 2), 0, "nowhere for the SDK's parameters");
    for (index, field, value, why) in [
        (0, 1, 0x800, "not on a sector"),
        (0, 2, 0xF_B800, "not a whole sector"),
        (0, 2, 0xF_C000, "overlaps the next"),
        (1, 2, 0x2000, "RF_CAL is one sector"),
        (3, 2, 0x4000, "beyond the end"),
        (3, 1, 0xF_E000, "beyond the end"),
    ] {
        let mut wrong = right;
        wrong[index][field] = value;
        assert_eq!(register(&wrong, 2), 0, "{why}");
    }
}

#[test]
fn the_sdk_prints_until_it_is_told_not_to() {
    let printed = |bench: &mut Bench| String::from_utf8_lossy(&std::mem::take(&mut bench.board().printed)).into_owned();
    let mut bench = bench();
    bench.call("wifi_set_opmode_current", &[1]);
    bench.chip.drain(0);
    // Behind what the boot ROM has printed.
    let text = printed(&mut bench);
    assert!(text.ends_with("mode : sta\r\n"), "{text}");
    bench.call("system_set_os_print", &[0]);
    bench.call("wifi_set_opmode_current", &[2]);
    bench.chip.drain(0);
    assert_eq!(printed(&mut bench), "");
}

#[test]
fn the_sdk_tells_its_addresses_and_its_heap() {
    let mut bench = bench();
    for (interface, first) in [(0, 0x18), (1, 0x1A)] {
        assert_eq!(bench.call("wifi_get_macaddr", &[interface, DATA]), 1);
        assert_eq!(bench.chip.core.memory.peek(DATA, 6), [first, 0xFE, 0x34, 0, 0, 0]);
    }
    assert_eq!(bench.call("system_get_free_heap_size", &[]), HEAP_END - HEAP - VENDORS_DATA);
}

#[test]
fn the_program_is_asked_before_the_cache_is_opened() {
    let mut bench = bench();
    let window = bench.chip.core.memory.flash_window();
    bench.poke(DATA, b"word");
    let answer = bench.begin("spi_flash_write", &[0xF_7000, DATA, 4]);
    let Answer::Flash(until) = answer else { panic!("{answer:?}") };
    bench.sdk.finish_flash(&mut bench.chip, until);
    bench.sdk.end_flash(&mut bench.chip, 0);
    bench.answer_for_memory();
    assert_eq!((bench.chip.core.cpu.pc, bench.chip.core.cpu.a[2]), (BACK, 0));
    assert_eq!(bench.chip.core.memory.flash_window(), window);
    assert!(!bench.sdk.memory_asked(&mut bench.chip), "nothing is asked any more");
}

#[test]
fn a_task_gets_what_is_posted_until_its_queue_is_full() {
    let mut bench = bench();
    let (task, queue) = (0x4010_0E00, DATA);
    assert_eq!(bench.call("system_os_task", &[task, 0, queue, 2]), 1);
    assert_eq!(bench.call("system_os_post", &[0, 7, 8]), 1);
    assert_eq!(bench.call("system_os_post", &[0, 9, 10]), 1);
    assert_eq!(bench.call("system_os_post", &[0, 11, 12]), 0, "it has room for two");
    bench.run_to(task);
    let event = bench.chip.core.cpu.a[2];
    assert_eq!((bench.word(event), bench.word(event + 4)), (7, 8));
}

#[test]
fn an_armed_timer_calls_its_function_and_a_disarmed_one_does_not() {
    let mut bench = bench();
    let (timer, function) = (DATA + 0x100, 0x4010_0E00);
    bench.call("ets_timer_setfn", &[timer, function, 0x1234]);
    bench.call("ets_timer_arm_new", &[timer, 5, 0, 1]);
    let before = bench.chip.now();
    bench.run_to(function);
    assert_eq!(bench.chip.core.cpu.a[2], 0x1234);
    let waited = bench.chip.now().nanoseconds() - before.nanoseconds();
    assert!((4_900_000..5_200_000).contains(&waited), "{waited} ns");

    bench.call("ets_timer_arm_new", &[timer, 5_000, 0, 0]);
    let before = bench.chip.now();
    bench.run_to(function);
    let waited = bench.chip.now().nanoseconds() - before.nanoseconds();
    assert!((4_900_000..5_200_000).contains(&waited), "5,000 µs; {waited} ns");

    bench.call("ets_timer_arm_new", &[timer, 5, 0, 1]);
    bench.call("ets_timer_disarm", &[timer]);
    bench.chip.core.cpu.pc = rom_task_loop();
    let limit = bench.chip.core.cpu.cycles + 80_000_000;
    assert_eq!(bench.chip.run(limit), Stop::Limit);
}

#[test]
fn the_time_is_microseconds_since_the_start() {
    let mut bench = bench();
    let first = bench.call("system_get_time", &[]);
    bench.chip.core.cpu.cycles += 80_000;
    let passed = bench.call("system_get_time", &[]) - first;
    assert!((1_000..=1_001).contains(&passed), "80,000 cycles at 80 MHz are 1,000 µs, not {passed}");
}

#[test]
fn the_reset_information_is_what_the_last_run_left() {
    let mut bench = bench();
    let record = bench.call("system_get_rst_info", &[]);
    let words: Vec<u32> = (0..7).map(|index| bench.word(record + 4 * index)).collect();
    assert_eq!(words, [4, 1, 2, 3, 4, 5, 6]);
}

#[test]
fn a_restart_and_the_clock_are_the_chips() {
    let mut bench = bench();
    assert_eq!(bench.begin("system_restart", &[]), Answer::Restart);
    assert_eq!(bench.call("system_update_cpu_freq", &[160]), 1);
    let cycles = |bench: &Bench| bench.chip.core.bus.clock().cycle(Time::from_milliseconds(1_000));
    let double = cycles(&bench);
    bench.call("system_update_cpu_freq", &[80]);
    assert!(double > cycles(&bench), "{double}");
}

#[test]
fn feeding_starts_both_watchdogs_anew() {
    let mut bench = bench();
    bench.chip.core.cpu.cycles += 80_000_000;
    let expires = bench.sdk.watchdog.expires();
    assert_eq!(bench.sdk.watchdog.expire(expires), Expiry::Post);
    bench.call("system_soft_wdt_feed", &[]);
    assert!(bench.sdk.hardware_watchdog.fed_at() >= Instant::from_secs(1));
    assert_eq!(bench.sdk.watchdog.expire(bench.sdk.watchdog.expires()), Expiry::Post);
}

#[test]
fn the_sdks_task_answers_what_the_watchdog_asks() {
    let mut bench = bench();
    let before = bench.chip.core.cpu.a;
    bench.sdk.post_watchdog_task(&mut bench.chip);
    assert_eq!(bench.chip.core.cpu.a, before, "an interrupt leaves the registers alone");
    bench.run_to(traps::WATCHDOG_TASK);
    let now = Instant::from_secs(9);
    bench.sdk.watchdog_task_ran(now);
    assert_eq!(bench.sdk.hardware_watchdog.fed_at(), now);
}

/// What the program's exception handler would find: cause, address and place.
fn exception(bench: &Bench) -> (u32, u32, u32) {
    let cpu = &bench.chip.core.cpu;
    assert_eq!(cpu.pc, cpu.vecbase + 0x50, "the user vector is entered");
    (cpu.exccause, cpu.excvaddr, cpu.epc[0])
}

#[test]
fn what_the_roms_functions_refuse_ends_as_in_the_rom() {
    let mut bench = bench();
    assert_eq!(bench.begin("ets_timer_setfn", &[DATA + 1, TASK, 0]), Answer::Done);
    assert_eq!(exception(&bench), (9, DATA + 1, rom::ETS_TIMER_SETFN));
    // A timer that is armed already: the ROM complains, and loops for ever.
    let mut bench = self::bench();
    bench.call("ets_timer_setfn", &[DATA, TASK, 0]);
    bench.call("ets_timer_arm_new", &[DATA, 100, 0, 1]);
    assert_eq!(bench.begin("ets_timer_arm_new", &[DATA, 100, 0, 1]), Answer::Done);
    assert_eq!(bench.chip.run(u64::MAX), Stop::Spinning("endless loop after trouble"));
}

#[test]
fn tasks_have_three_priorities() {
    let mut bench = bench();
    for priority in [3, 0xFF] {
        assert_eq!(bench.call("system_os_task", &[TASK, priority, DATA, 2]), 0);
        assert_eq!(bench.call("system_os_post", &[priority, 1, 2]), 0);
    }
    assert_eq!(bench.call("system_os_task", &[TASK, 0x102, DATA, 2]), 1, "a byte");
}

#[test]
fn calls_are_counted_by_name() {
    let mut bench = bench();
    bench.call("system_get_time", &[]);
    bench.call("system_get_time", &[]);
    assert_eq!(bench.sdk.called(), &[("sdk_boot", 1), ("system_get_time", 2)].into());
}

#[test]
fn the_list_is_that_of_the_firmwares_boundary() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../firmware/esp07/src/sdk.rs");
    let source = std::fs::read_to_string(path).unwrap();
    let declared = source.lines().skip_while(|line| !line.starts_with("unsafe extern \"C\" {"));
    let mut declared: Vec<&str> =
        declared.filter_map(|line| line.trim_start().strip_prefix("pub fn ")?.split('(').next()).collect();
    let mut answered = FUNCTIONS[1..].to_vec();
    declared.sort_unstable();
    answered.sort_unstable();
    assert_eq!(declared, answered);
}

#[test]
fn an_exceptions_handler_is_the_sdks() {
    let bench = bench();
    // `_xtos_c_handler_table`.
    assert_eq!(bench.word(0x3FFF_C100 + 4 * 28), traps::FATAL_EXCEPTION);
    assert_eq!(bench.word(0x3FFF_C100 + 4 * 3), traps::LOAD_STORE_ERROR);
}
