//! Each function of the list: arguments in, effect, result.

use esp8266::chip::{Configuration, Stop};
use esp8266::image::Program;

use super::*;
use crate::board::{DataLine, DhtModel, NorFlash, Signal, Switch, Uart};
use crate::events::{DeviceId, EventKind, Level};
use crate::random::Seed;
use crate::target::port::Models;

const BOOT: u32 = 0x4010_0100;
const STUBS: u32 = 0x4010_0200;
const START: u32 = 0x4010_0F00;
const BACK: u32 = 0x4010_0F80;
const PBUF_ALLOC: u32 = 0x4010_0FA0;
const ETHERNET_INPUT: u32 = 0x4010_0FC0;
const TASK: u32 = 0x4010_0FE0;
const DATA: u32 = 0x3FFE_8000;

struct Bench {
    port: Rc<Port>,
    chip: Chip<Board>,
    sdk: Sdk,
}

fn port() -> Rc<Port> {
    let seed = Seed(1);
    Rc::new(Port::new(
        DeviceId(0),
        Models {
            data_line: DataLine::new(
                DhtModel::Dht22,
                Signal::Constant(215),
                Signal::Constant(456),
                seed.stream("sensor"),
            ),
            config_switch: Switch::new(Level::Low, seed.stream("config switch")),
            spare_switch: Switch::new(Level::Low, seed.stream("spare switch")),
            flash: NorFlash::new(seed, "flash"),
            uart: Uart::default(),
            random: seed.stream("random"),
        },
    ))
}

/// A chip whose boot ROM has set up its data, with the SDK's stubs in a row and already started.
fn bench() -> Bench {
    let port = port();
    let flash = vec![0xFF; 1 << 20];
    let configuration = Configuration { flash: &flash, mac: port.hardware_address, seed: 1 };
    let mut chip = Chip::new(configuration, Board::new(Rc::clone(&port), Instant::START));
    chip.stop_when_spinning = true;
    traps::ALL.into_iter().for_each(|address| chip.core.trap(address));
    assert!(matches!(chip.run(1_000_000_000), Stop::Spinning(_)), "there is nothing to boot");
    chip.core.cpu.a[1] = 0x3FFF_F000;
    chip.core.cpu.ps = 0x20;
    let stubs = FUNCTIONS[2..].iter().zip((STUBS..).step_by(16));
    let mut symbols: Vec<_> = stubs.map(|(name, address)| (address, 0, format!("sdk_{name}"))).collect();
    let own =
        [(BOOT, "sdk_boot"), (START, "sdk_start"), (PBUF_ALLOC, "pbuf_alloc"), (ETHERNET_INPUT, "ethernet_input")];
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
        assert_eq!(self.chip.core.cpu.pc, BACK, "{name} returns");
        self.chip.core.cpu.a[2]
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
fn partitions_and_the_reconnect_policy_are_taken_and_mean_nothing_here() {
    let mut bench = bench();
    assert_eq!(bench.call("system_partition_table_regist", &[DATA, 6, 2]), 1);
    assert_eq!(bench.call("wifi_station_set_reconnect_policy", &[0]), 1);
    assert_eq!(bench.output(), []);
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
    assert_eq!(bench.sdk.watchdog.expire(expires), super::super::watchdog::Expiry::Ask);
    bench.call("system_soft_wdt_feed", &[]);
    assert!(bench.port.watchdog_fed.get() >= Instant::from_secs(1));
    assert_eq!(bench.sdk.watchdog.expire(bench.sdk.watchdog.expires()), super::super::watchdog::Expiry::Ask);
}

#[test]
fn the_sdks_task_answers_what_the_watchdog_asks() {
    let mut bench = bench();
    let before = bench.chip.core.cpu.a;
    bench.sdk.ask_for_a_sign_of_life(&mut bench.chip);
    assert_eq!(bench.chip.core.cpu.a, before, "an interrupt leaves the registers alone");
    bench.run_to(traps::WATCHDOG_TASK);
    let now = Instant::from_secs(9);
    bench.sdk.give_a_sign_of_life(now);
    assert_eq!(bench.port.watchdog_fed.get(), now);
}

#[test]
fn flash_is_erased_written_and_read() {
    let mut bench = bench();
    let finish = |bench: &mut Bench, answer| {
        let Answer::Flash(until) = answer else { panic!("{answer:?}") };
        bench.sdk.finish_flash(until);
        until
    };
    bench.poke(DATA, b"settings");
    let answer = bench.begin("spi_flash_write", &[0xF_7000, DATA, 8]);
    let written = finish(&mut bench, answer);
    bench.chip.core.cpu.cycles += 80_000_000;
    assert!(written < Instant::from_secs(1));
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

    bench.port.radio.borrow_mut().joined = Some(Err(JoinError::WrongPassphrase));
    let call = bench.sdk.next_call(&mut bench.chip).unwrap();
    assert_eq!(call.function, handler);
    assert_eq!(bench.word(call.arguments[0]), 1, "disconnected");
    assert_eq!(bench.chip.core.memory.peek(call.arguments[0] + 4 + 39, 1), [204]);
    bench.sdk.returned(&mut bench.chip, 0);

    bench.call("wifi_station_connect", &[]);
    bench.port.radio.borrow_mut().joined = Some(Ok(()));
    let call = bench.sdk.next_call(&mut bench.chip).unwrap();
    assert_eq!(bench.word(call.arguments[0]), 0, "connected");
    bench.sdk.returned(&mut bench.chip, 0);

    bench.port.radio.borrow_mut().lost = Some(LinkLoss::BeaconTimeout);
    let call = bench.sdk.next_call(&mut bench.chip).unwrap();
    assert_eq!(bench.chip.core.memory.peek(call.arguments[0] + 4 + 39, 1), [200]);
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
    assert_eq!(bench.call("ieee80211_output_pbuf", &[INTERFACES, pbuf]), 0);
    assert_eq!(bench.output(), [Output::Frame(b"frame".to_vec())]);
}

/// Takes one frame in up to the program's `ethernet_input`; returns the radio's buffer.
fn receive(bench: &mut Bench, frame: &[u8]) -> u32 {
    bench.port.frames.borrow_mut().push_back(frame.to_vec());
    let allocation = bench.sdk.next_call(&mut bench.chip).unwrap();
    assert_eq!((allocation.function, allocation.arguments), (PBUF_ALLOC, [3, frame.len() as u32, 2]));
    let pbuf = DATA + 0x200;
    bench.sdk.returned(&mut bench.chip, pbuf);
    let input = bench.sdk.next_call(&mut bench.chip).unwrap();
    assert_eq!((input.function, input.arguments[..2].to_vec()), (ETHERNET_INPUT, vec![pbuf, INTERFACES]));
    let buffer = bench.word(pbuf + 4);
    assert_eq!(bench.chip.core.memory.peek(buffer, frame.len()), frame);
    assert_eq!(bench.word(pbuf + 8), (frame.len() as u32) << 16 | frame.len() as u32);
    bench.sdk.returned(&mut bench.chip, 0);
    buffer
}

#[test]
fn frames_come_in_through_as_many_buffers_as_the_radio_has() {
    let mut bench = bench();
    let buffers: Vec<u32> = (0..BUFFERS).map(|_| receive(&mut bench, b"a frame")).collect();
    bench.port.frames.borrow_mut().push_back(b"one more".to_vec());
    assert!(bench.sdk.next_call(&mut bench.chip).is_none(), "all buffers are in use");
    bench.call("system_pp_recycle_rx_pkt", &[buffers[3]]);
    bench.port.frames.borrow_mut().clear();
    assert_eq!(receive(&mut bench, b"later"), buffers[3]);
    bench.call("system_pp_recycle_rx_pkt", &[0xFFFF_FFFF]);
}

#[test]
fn a_frame_that_the_program_has_no_room_for_is_lost_and_its_buffer_free() {
    let mut bench = bench();
    bench.port.frames.borrow_mut().push_back(b"lost".to_vec());
    bench.sdk.next_call(&mut bench.chip).unwrap();
    bench.sdk.returned(&mut bench.chip, 0);
    assert_eq!(receive(&mut bench, b"next"), MEMORY);
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
    let events =
        bench.output().iter().filter(|output| matches!(output, Output::Event(EventKind::Crash { .. }))).count();
    assert_eq!(events, 0);
}
