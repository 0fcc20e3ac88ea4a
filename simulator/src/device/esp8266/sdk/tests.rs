//! Each function of the list: arguments in, effect, result.

use esp8266::chip::{Configuration, Stop};
use esp8266::image::Program;

use super::*;
use crate::boards::yellow_duck;
use crate::device::port::Models;
use crate::events::{DeviceId, EventKind, JoinFailure, JoinOutcome, LinkLoss};
use crate::random::Seed;

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
    port: Rc<Port>,
    chip: Chip<Board>,
    sdk: Sdk,
}

fn port() -> Rc<Port> {
    let seed = Seed(1);
    Rc::new(Port::new(DeviceId(0), Models::of_board(&yellow_duck::BOARD, seed, "")))
}

/// A chip whose boot ROM has set up its data, with the SDK's stubs in a row and already started.
fn bench() -> Bench {
    let port = port();
    let flash = vec![0xFF; 1 << 20];
    let configuration = Configuration { mac: port.hardware_address, seed: 1 };
    let mut chip = Chip::new(configuration, Board::new(Rc::clone(&port), Instant::START));
    chip.stop_when_spinning = true;
    traps::ALL.into_iter().for_each(|address| chip.core.trap(address));
    assert!(matches!(chip.run(1_000_000_000), Stop::Spinning(_)), "there is nothing to boot");
    chip.core.cpu.a[1] = 0x3FFF_F000;
    chip.core.cpu.ps = 0x20;
    let stubs = FUNCTIONS[2..].iter().zip((STUBS..).step_by(16));
    let mut symbols: Vec<_> = stubs.map(|(name, address)| (address, 0, format!("sdk_{name}"))).collect();
    let own = [
        (BOOT, "sdk_boot"),
        (START, "sdk_start"),
        (PBUF_ALLOC, "pbuf_alloc"),
        (PBUF_FREE, "pbuf_free"),
        (ETHERNET_INPUT, "ethernet_input"),
        (MEMORY_IS_ENABLED, "user_iram_memory_is_enabled"),
        (HEAP, "_heap_start"),
    ];
    symbols.extend(own.map(|(address, name)| (address, 0, name.to_owned())));
    let program = Program { entry: BOOT, segments: Vec::new(), symbols };
    let image = Image::new(flash, Some(program), None).unwrap();
    let mut bench =
        Bench { sdk: Sdk::new(Rc::clone(&port), &image, [4, 1, 2, 3, 4, 5, 6], Instant::START), port, chip };
    bench.chip.core.cpu.pc = BOOT;
    assert_eq!(bench.sdk.enter(&mut bench.chip, BOOT, Instant::START), Answer::Started);
    assert_eq!(bench.chip.core.cpu.pc, START);
    bench
}

impl Bench {
    fn begin(&mut self, name: &str, arguments: &[u32]) -> Answer {
        let index = FUNCTIONS[2..].iter().position(|known| *known == name).unwrap();
        let cpu = &mut self.chip.core.cpu;
        cpu.a[2..8].fill(0);
        cpu.a[2..2 + arguments.len()].copy_from_slice(arguments);
        cpu.a[0] = BACK;
        let stub = STUBS + 16 * index as u32;
        cpu.pc = stub;
        self.sdk.enter(&mut self.chip, stub, Instant::START)
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

    fn output(&self) -> Vec<Output> {
        self.port.take_outbox().into_iter().map(|(_, output)| output).collect()
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
fn the_reconnect_policy_and_the_radios_sleep_are_taken_and_mean_nothing_here() {
    let mut bench = bench();
    assert_eq!(bench.call("wifi_station_set_reconnect_policy", &[0]), 1);
    assert_eq!(bench.call("wifi_set_sleep_type", &[0]), 1);
    assert_eq!(bench.output(), []);
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
fn a_program_that_says_nothing_of_the_radio_gets_the_stored_mode() {
    let mut bench = bench();
    bench.sdk.start_stored_mode(&mut bench.chip, Instant::START);
    let network = "ESP_000000".to_owned();
    let open = Output::StartAccessPoint { network, passphrase: String::new(), channel: 1 };
    assert_eq!(bench.output(), [open]);
    bench.sdk.start_stored_mode(&mut bench.chip, Instant::START);
    assert_eq!(bench.output(), [], "once");
    let mut bench = self::bench();
    bench.call("wifi_set_opmode_current", &[0]);
    bench.sdk.start_stored_mode(&mut bench.chip, Instant::START);
    assert_eq!(bench.output(), []);
    assert_eq!(bench.call("wifi_station_get_auto_connect", &[]), 1, "as on a new board");
    assert_eq!(bench.call("wifi_station_set_auto_connect", &[0]), 1);
    assert_eq!(bench.call("wifi_station_get_auto_connect", &[]), 0);
}

#[test]
fn the_sdk_prints_until_it_is_told_not_to() {
    let printed = |bench: &Bench| {
        let lines = bench.port.take_reports(Instant::from_secs(3_600)).into_iter();
        lines.map(|(_, report)| report.to_string()).collect::<Vec<_>>()
    };
    let mut bench = bench();
    bench.call("wifi_set_opmode_current", &[1]);
    bench.chip.drain(0);
    // Behind what the boot ROM has printed.
    let lines = printed(&bench);
    assert!(lines.last().is_some_and(|line| line.ends_with("mode : sta`")), "{lines:?}");
    bench.call("system_set_os_print", &[0]);
    bench.call("wifi_set_opmode_current", &[2]);
    bench.chip.drain(0);
    assert_eq!(printed(&bench), [""; 0]);
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
    let cycles =
        |bench: &Bench| bench.chip.core.bus.clock().cycle(esp8266::peripherals::Time::from_milliseconds(1_000));
    let double = cycles(&bench);
    bench.call("system_update_cpu_freq", &[80]);
    assert!(double > cycles(&bench), "{double}");
}

#[test]
fn feeding_starts_both_watchdogs_anew() {
    let mut bench = bench();
    bench.chip.core.cpu.cycles += 80_000_000;
    let expires = bench.sdk.watchdog.expires();
    assert_eq!(bench.sdk.watchdog.expire(expires), super::super::watchdog::Expiry::Post);
    bench.call("system_soft_wdt_feed", &[]);
    assert!(bench.sdk.hardware_watchdog.fed_at() >= Instant::from_secs(1));
    assert_eq!(bench.sdk.watchdog.expire(bench.sdk.watchdog.expires()), super::super::watchdog::Expiry::Post);
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

#[test]
fn flash_is_erased_written_and_read() {
    let mut bench = bench();
    let finish = |bench: &mut Bench, answer| {
        let Answer::Flash(until) = answer else { panic!("{answer:?}") };
        bench.sdk.finish_flash(&mut bench.chip, until);
        until
    };
    bench.poke(DATA, b"settings");
    let answer = bench.begin("spi_flash_write", &[0xF_7000, DATA, 8]);
    let written = finish(&mut bench, answer);
    bench.chip.core.cpu.cycles += 80_000_000;
    assert!(written < Instant::from_secs(1));
    assert_eq!(bench.chip.core.memory.flash()[0xF_7000..][..8], *b"settings", "the cache shows it");
    let read = esp8266::serial_flash::Command { opcode: 0x03, address: 0xF_7000, data: &[], length: 8 };
    let flash = esp8266::peripherals::SpiBus::flash(&mut bench.chip.core.bus.outside).unwrap();
    assert_eq!(flash.command(read, 1_000_000_000).unwrap().bytes, b"settings", "and so do commands");
    assert_eq!(bench.call("spi_flash_read", &[0xF_7000, DATA + 0x100, 8]), 0);
    assert_eq!(bench.chip.core.memory.peek(DATA + 0x100, 8), b"settings");
    let answer = bench.begin("spi_flash_erase_sector", &[0xF7]);
    finish(&mut bench, answer);
    bench.chip.core.cpu.cycles += 80_000_000;
    assert_eq!(bench.call("spi_flash_read", &[0xF_7000, DATA + 0x100, 8]), 0);
    assert_eq!(bench.chip.core.memory.peek(DATA + 0x100, 8), [0xFF; 8]);
    let began = bench.output().iter().filter(|output| matches!(output, Output::FlashBegan { .. })).count();
    assert_eq!(began, 2);
}

#[test]
fn flash_operations_that_make_no_sense_fail() {
    let mut bench = bench();
    assert_eq!(bench.call("spi_flash_read", &[0x10_0000, DATA, 4]), 1, "behind the end");
    assert_eq!(bench.call("spi_flash_read", &[0, DATA, u32::MAX]), 1, "more than there is");
    assert_eq!(bench.call("spi_flash_write", &[0x10_0000, DATA, 4]), 1, "behind the end");
    assert_eq!(bench.call("spi_flash_write", &[0xF_7001, DATA, 4]), 1, "not a word's address");
    assert_eq!(bench.call("spi_flash_write", &[0xF_7000, 0x2000_0000, 4]), 1, "from where no memory is");
    assert_eq!(bench.call("spi_flash_erase_sector", &[0x100]), 1, "behind the end");
}

/// What the program's exception handler would find: cause, address and place.
fn exception(bench: &Bench) -> (u32, u32, u32) {
    let cpu = &bench.chip.core.cpu;
    assert_eq!(cpu.pc, cpu.vecbase + 0x50, "the user vector is entered");
    (cpu.exccause, cpu.excvaddr, cpu.epc[0])
}

#[test]
fn flash_goes_to_and_from_words_of_ram_only() {
    let mut bench = bench();
    assert_eq!(bench.call("spi_flash_read", &[0, 0, 4]), 1, "to nowhere");
    let trouble = |function: &str, arguments: &[u32]| {
        let mut bench = self::bench();
        assert_eq!(bench.begin(function, arguments), Answer::Done);
        exception(&bench)
    };
    assert_eq!(trouble("spi_flash_read", &[0xF_7000, DATA + 2, 8]), (9, DATA + 2, flash::SPI_READ));
    assert_eq!(trouble("spi_flash_write", &[0xF_7000, DATA + 1, 8]), (9, DATA + 1, flash::SPI_WRITE));
    assert_eq!(trouble("spi_flash_read", &[0xF_7000, 0x4021_0000, 8]), (3, 0x4021_0000, flash::SPI_READ));
    assert_eq!(
        trouble("spi_flash_read", &[0xF_7000, 0x3FFF_FFF8, 12]),
        (3, 0x4000_0000, flash::SPI_READ),
        "into the ROM"
    );
    // The cache is off while the flash is written.
    assert_eq!(bench.begin("spi_flash_write", &[0xF_7000, 0x4021_0000, 8]), Answer::FlashOff(0x4021_0000));
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
fn joining_tells_the_world_the_network_and_the_program_the_outcome() {
    let mut bench = bench();
    let handler = 0x4010_0E00;
    bench.call("wifi_set_event_handler_cb", &[handler]);
    assert_eq!(bench.call("wifi_set_opmode_current", &[1]), 1);
    assert_eq!(bench.call("wifi_station_connect", &[]), 0, "no network has been named");
    bench.poke(DATA, &station());
    assert_eq!(bench.call("wifi_station_set_config_current", &[DATA]), 1);
    assert_eq!(bench.call("wifi_station_connect", &[]), 1);
    let join = Output::Join { network: "home".to_owned(), passphrase: Some("correct horse".to_owned()) };
    assert_eq!(bench.output(), [join]);

    bench.port.radio.borrow_mut().joined = Some(JoinOutcome::Failed(JoinFailure::WrongPassphrase));
    let call = bench.next_call().unwrap();
    assert_eq!(call.function, handler);
    assert_eq!(bench.word(call.arguments[0]), 1, "disconnected");
    assert_eq!(bench.chip.core.memory.peek(call.arguments[0] + 4 + 39, 1), [204]);
    bench.returned(0);

    for reason in [15, 202, 204] {
        bench.call("wifi_station_connect", &[]);
        bench.port.radio.borrow_mut().joined = Some(JoinOutcome::Failed(JoinFailure::WrongPassphrase));
        let call = bench.next_call().unwrap();
        assert_eq!(bench.chip.core.memory.peek(call.arguments[0] + 4 + 39, 1), [reason], "as routers differ");
        bench.returned(0);
    }

    bench.call("wifi_station_connect", &[]);
    bench.port.radio.borrow_mut().joined = Some(JoinOutcome::Joined);
    let call = bench.next_call().unwrap();
    assert_eq!(bench.word(call.arguments[0]), 0, "connected");
    bench.returned(0);

    bench.port.radio.borrow_mut().lost = Some(LinkLoss::BeaconTimeout);
    let call = bench.next_call().unwrap();
    assert_eq!(bench.chip.core.memory.peek(call.arguments[0] + 4 + 39, 1), [200]);
}

#[test]
fn that_the_station_has_left_is_told_when_it_joins_again() {
    let mut bench = bench();
    bench.call("wifi_set_event_handler_cb", &[0x4010_0E00]);
    bench.poke(DATA, &station());
    bench.call("wifi_station_set_config_current", &[DATA]);
    bench.call("wifi_station_connect", &[]);
    bench.call("wifi_station_disconnect", &[]);
    assert!(bench.next_call().is_none());
    bench.call("wifi_station_connect", &[]);
    bench.port.radio.borrow_mut().joined = Some(JoinOutcome::Joined);
    for event in [[1, 8], [0, 0]] {
        let call = bench.next_call().unwrap();
        let reason = bench.chip.core.memory.peek(call.arguments[0] + 4 + 39, 1)[0];
        assert_eq!([bench.word(call.arguments[0]), reason.into()], event);
        bench.returned(0);
    }
}

#[test]
fn leaving_and_the_signal_are_the_radios() {
    let mut bench = bench();
    assert_eq!(bench.call("wifi_station_get_rssi", &[]) as i32, 31, "nothing is joined");
    bench.port.radio.borrow_mut().signal = Some(-67);
    assert_eq!(bench.call("wifi_station_get_rssi", &[]) as i32, -67);
    bench.port.radio.borrow_mut().up = true;
    assert_eq!(bench.call("wifi_station_disconnect", &[]), 1);
    assert!(!bench.port.radio.borrow().up);
    assert_eq!(bench.output(), [Output::Leave]);
}

#[test]
fn the_access_point_opens_with_name_passphrase_and_channel() {
    let mut bench = bench();
    let mut record = vec![0; 108];
    record[..11].copy_from_slice(b"yellow-duck");
    record[32..41].copy_from_slice(b"helloduck");
    record[97] = 6;
    bench.poke(DATA, &record);
    assert_eq!(bench.call("wifi_softap_set_config_current", &[DATA]), 1);
    let (network, passphrase) = ("yellow-duck".to_owned(), "helloduck".to_owned());
    assert_eq!(bench.output(), [Output::StartAccessPoint { network, passphrase, channel: 6 }]);
}

#[test]
fn an_interface_is_there_while_its_mode_is_on() {
    let mut bench = bench();
    assert_eq!(bench.call("eagle_lwip_getif", &[0]), 0);
    bench.call("wifi_set_opmode_current", &[1]);
    let station = bench.call("eagle_lwip_getif", &[0]);
    assert_eq!((station, bench.call("eagle_lwip_getif", &[1])), (INTERFACES, 0));
    bench.call("wifi_set_opmode_current", &[2]);
    assert_eq!(
        (bench.call("eagle_lwip_getif", &[0]), bench.call("eagle_lwip_getif", &[1])),
        (0, INTERFACES + INTERFACE_SIZE)
    );
}

#[test]
fn a_frame_goes_out_as_it_is() {
    let mut bench = bench();
    let (pbuf, payload) = (DATA, DATA + 0x100);
    bench.poke(payload, b"frame");
    let record: Vec<u8> = [0, payload, 5 << 16 | 5].iter().flat_map(|word: &u32| word.to_le_bytes()).collect();
    bench.poke(pbuf, &record);
    bench.poke(pbuf + 14, &[1, 0]);
    assert_eq!(bench.call("ieee80211_output_pbuf", &[INTERFACES, pbuf]), 0);
    assert_eq!(bench.output(), [Output::Frame(b"frame".to_vec())]);
    assert_eq!(bench.chip.core.memory.peek(pbuf + 14, 2), [2, 0], "the radio is an owner until it is sent");
    let now = Instant::START + Duration::from_nanos(bench.chip.now().nanoseconds());
    assert!(bench.sdk.next_call(&mut bench.chip, now + Duration::from_micros(500)).is_none(), "not sent yet");
    assert!(bench.sdk.next_sent().unwrap() < now + Duration::from_micros(510));
    let call = bench.next_call().unwrap();
    assert_eq!((call.function, call.arguments[0]), (PBUF_FREE, pbuf));
    bench.returned(1);
    for taken in [0; 8].into_iter().chain([1]) {
        assert_eq!(bench.call("ieee80211_output_pbuf", &[INTERFACES, pbuf]), taken, "it has eight buffers");
    }
}

/// Takes one frame in up to the program's `ethernet_input`; returns the radio's buffer.
fn receive(bench: &mut Bench, frame: &[u8]) -> u32 {
    bench.port.frames.borrow_mut().push_back(frame.to_vec());
    let allocation = bench.next_call().unwrap();
    assert_eq!((allocation.function, allocation.arguments), (PBUF_ALLOC, [3, frame.len() as u32, 2]));
    let pbuf = DATA + 0x200;
    bench.returned(pbuf);
    let input = bench.next_call().unwrap();
    assert_eq!((input.function, input.arguments[..2].to_vec()), (ETHERNET_INPUT, vec![pbuf, INTERFACES]));
    let buffer = bench.word(pbuf + 4);
    assert_eq!(bench.chip.core.memory.peek(buffer, frame.len()), frame);
    assert_eq!(bench.word(pbuf + 8), (frame.len() as u32) << 16 | frame.len() as u32);
    bench.returned(0);
    buffer
}

#[test]
fn frames_come_in_through_as_many_buffers_as_the_radio_has() {
    let mut bench = bench();
    let buffers: Vec<u32> = (0..BUFFERS).map(|_| receive(&mut bench, b"a frame")).collect();
    bench.port.frames.borrow_mut().push_back(b"one more".to_vec());
    assert!(bench.next_call().is_none(), "all buffers are in use");
    bench.call("system_pp_recycle_rx_pkt", &[buffers[3]]);
    bench.port.frames.borrow_mut().clear();
    assert_eq!(receive(&mut bench, b"later"), buffers[3]);
    bench.call("system_pp_recycle_rx_pkt", &[0xFFFF_FFFF]);
}

/// The exception that a store to a null record ends in.
fn crashed(bench: &Bench) -> bool {
    exception(bench) == (29, 4, rom_task_loop())
}

#[test]
fn a_frame_that_the_program_has_no_record_for_is_its_end() {
    let mut bench = bench();
    bench.port.frames.borrow_mut().push_back(b"a frame".to_vec());
    bench.next_call().unwrap();
    bench.returned(0);
    assert!(crashed(&bench));
    assert!(bench.next_call().is_none());
}

/// What the SDK asks for next: length and kind.
fn asked(bench: &mut Bench) -> [u32; 2] {
    let call = bench.next_call().unwrap();
    assert_eq!((call.function, call.arguments[0]), (PBUF_ALLOC, 3));
    [call.arguments[1], call.arguments[2]]
}

#[test]
fn an_access_point_asks_for_a_copy_of_what_is_for_all_and_goes_on_without() {
    let mut bench = bench();
    bench.call("wifi_set_opmode_current", &[2]);
    let (to_all, to_us) = ([0xFF; 60], [0x1A; 60]);
    bench.port.frames.borrow_mut().extend([to_all.to_vec(), to_us.to_vec()]);
    assert_eq!(asked(&mut bench), [60, 0], "a copy");
    bench.returned(0);
    assert_eq!(asked(&mut bench), [60, 2], "there was no room for it; the record");
    bench.returned(DATA + 0x200);
    assert_eq!(bench.next_call().unwrap().function, ETHERNET_INPUT);
    bench.returned(0);
    assert_eq!(asked(&mut bench), [60, 2], "what is for the device alone is not copied");

    let mut bench = self::bench();
    bench.call("wifi_set_opmode_current", &[2]);
    bench.port.frames.borrow_mut().push_back(to_all.to_vec());
    asked(&mut bench);
    let (copy, payload) = (DATA + 0x200, DATA + 0x300);
    bench.poke(copy + 4, &payload.to_le_bytes());
    bench.returned(copy);
    assert_eq!(bench.chip.core.memory.peek(payload, 60), to_all);
    assert_eq!(asked(&mut bench), [60, 2]);
    bench.returned(DATA + 0x400);
    assert_eq!(bench.next_call().unwrap().function, ETHERNET_INPUT);
    bench.returned(0);
    let freed = bench.next_call().unwrap();
    assert_eq!((freed.function, freed.arguments[0]), (PBUF_FREE, copy), "sent");
}

#[test]
fn a_station_that_joins_takes_two_frames_of_a_handshake() {
    let mut bench = bench();
    bench.port.radio.borrow_mut().handshakes = 1;
    for room in [DATA + 0x200, DATA + 0x400] {
        assert_eq!(asked(&mut bench), [256, 0]);
        bench.returned(room);
        let freed = bench.next_call().unwrap();
        assert_eq!((freed.function, freed.arguments[0]), (PBUF_FREE, room));
        bench.returned(1);
    }
    assert!(bench.next_call().is_none());
    bench.port.radio.borrow_mut().handshakes = 1;
    asked(&mut bench);
    bench.returned(0);
    assert!(crashed(&bench), "the SDK does not look what it got");
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
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../firmware/esp07/src/sdk.rs");
    let source = std::fs::read_to_string(path).unwrap();
    let declared = source.lines().skip_while(|line| !line.starts_with("unsafe extern \"C\" {"));
    let mut declared: Vec<&str> =
        declared.filter_map(|line| line.trim_start().strip_prefix("pub fn ")?.split('(').next()).collect();
    let mut answered = FUNCTIONS[2..].to_vec();
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

#[test]
fn nothing_else_is_told() {
    let bench = bench();
    let events = bench.output().iter().filter(|output| matches!(output, Output::Event(EventKind::Crash(_)))).count();
    assert_eq!(events, 0);
}
