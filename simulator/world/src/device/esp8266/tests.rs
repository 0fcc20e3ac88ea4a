//! Programs of a few instructions that come to grief, each in its own way, and what the world hears of it.

mod flash;
mod whole;

use esp8266::image::{self as format, Program, Segment};

use super::*;
use crate::boards::yellow_duck;
use crate::device::port::Models;
use esp8266_sdk::WATCHDOG_PERIOD;
use simulator_record::events::{self, BootCause, DeviceId, WatchdogKind};
use simulator_record::random::Seed;

/// Where things lie.
const BOOT: u32 = 0x4010_0000;
const PROGRAM: u32 = 0x4010_0100;
const FEED: u32 = 0x4010_0400;
const HALT: u32 = 0x4010_0410;
const STACK: u32 = 0x3FFE_9000;

/// Instructions, as GNU's assembler encodes them.
const ILL: u32 = 0x000000;
const J_SELF: u32 = 0xFF_FF06;
const RSIL_A2_3: u32 = 0x00_6320;
const RET: u32 = 0x000080;

fn movi(t: u32, value: i32) -> u32 {
    (value as u32 & 0xFF) << 16 | 0xA << 12 | (value as u32 >> 8 & 0xF) << 8 | t << 4 | 2
}

fn slli(r: u32, s: u32, amount: u32) -> u32 {
    let amount = 32 - amount;
    0x01_0000 | (amount >> 4) << 20 | r << 12 | s << 8 | (amount & 15) << 4
}

fn l32i(t: u32, s: u32, offset: u32) -> u32 {
    (offset / 4) << 16 | 2 << 12 | s << 8 | t << 4 | 2
}

fn s32i(t: u32, s: u32, offset: u32) -> u32 {
    (offset / 4) << 16 | 6 << 12 | s << 8 | t << 4 | 2
}

fn addi(t: u32, s: u32, amount: i8) -> u32 {
    u32::from(amount as u8) << 16 | 0xC << 12 | s << 8 | t << 4 | 2
}

fn add(r: u32, s: u32, t: u32) -> u32 {
    0x80_0000 | r << 12 | s << 8 | t << 4
}

/// `j` back over so many instructions, itself not counted.
fn j_back(instructions: i32) -> u32 {
    ((-3 * instructions - 4) as u32 & 0x3_FFFF) << 6 | 6
}

/// `bnez` back over so many instructions, itself not counted.
fn bnez_back(s: u32, instructions: i32) -> u32 {
    ((-3 * instructions - 4) as u32 & 0xFFF) << 12 | s << 8 | 0x56
}

/// `callx0`.
fn callx0(s: u32) -> u32 {
    0xC0 | s << 8
}

/// An address into a register: 12 bits, then the rest from the next register.
fn address(register: u32, value: u32) -> Vec<u32> {
    let (high, low) = ((value >> 20) as i32, value & 0xF_FFFF);
    let signed = |value: i32| if value > 0x7FF { value - 0x1000 } else { value };
    let (middle, low) = ((low >> 10) as i32, (low & 0x3FF) as i32);
    vec![
        movi(register, signed(high)),
        slli(register, register, 20),
        movi(12, middle),
        slli(12, 12, 10),
        add(register, register, 12),
        movi(12, low),
        add(register, register, 12),
    ]
}

fn bytes(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()[..3].to_vec()).collect()
}

/// A chip with a program whose `sdk_start` (or `user_init`) is these instructions.
struct Bench {
    port: Rc<Port>,
    target: Esp8266Target,
    now: Instant,
    events: Vec<(Instant, EventKind)>,
}

/// Names of an image that is linked against stubs.
const STUBBED: &[(u32, &str)] = &[
    (BOOT, "sdk_boot"),
    (PROGRAM, "sdk_start"),
    (FEED, "sdk_system_soft_wdt_feed"),
    (HALT, "cpu_halt"),
    (STACK, "firmware_stack"),
];

fn bench(words: &[u32]) -> Bench {
    bench_of(words, STUBBED)
}

fn bench_of(words: &[u32], names: &[(u32, &str)]) -> Bench {
    let mut code = vec![0; 0x500];
    let program = bytes(words);
    let at = (PROGRAM - BOOT) as usize;
    code[at..at + program.len()].copy_from_slice(&program);
    let halt = bytes(&[RSIL_A2_3, J_SELF]);
    let at = (HALT - BOOT) as usize;
    code[at..at + halt.len()].copy_from_slice(&halt);
    let segments = vec![Segment { address: BOOT, bytes: code }];
    let mut first = format::flash::emit(2, 0x20, BOOT, &segments);
    first.resize(1 << 20, 0xFF);
    let mut symbols: Vec<_> = names.iter().map(|&(address, name)| (address, 0, name.to_owned())).collect();
    symbols.sort();
    let image = Image::new(first, Some(Program { entry: BOOT, segments, symbols }), None).unwrap();
    let seed = Seed(1);
    let port = Rc::new(Port::new(DeviceId(0), Models::of_board(&yellow_duck::BOARD, seed, "")));
    let mut target = Esp8266Target::new(Rc::clone(&port), Arc::new(image));
    target.start(Instant::START, BootCause::PowerOn);
    Bench { port, target, now: Instant::START, events: Vec::new() }
}

impl Bench {
    /// Runs until the chip resets itself, waits for nothing at all, or `until` has come.
    fn run_until(&mut self, until: Instant) -> Wait {
        loop {
            let progress = self.target.run(self.now);
            let events = self.port.take_outbox().into_iter().filter_map(|(at, output)| match output {
                Output::Event(kind) => Some((at, kind)),
                _ => None,
            });
            self.events.extend(events);
            match progress.wait {
                Wait::Until(Some(next)) if next < until => self.now = next.max(progress.local),
                wait => {
                    self.now = progress.local;
                    return wait;
                }
            }
        }
    }

    fn run(&mut self) -> Wait {
        self.run_until(Instant::from_secs(20))
    }

    /// The only crash.
    fn crash(&self) -> (&str, &CrashReport) {
        let crashes: Vec<_> = self
            .events
            .iter()
            .filter_map(|(_, kind)| match kind {
                EventKind::Crash(events::Crash { message, report: Some(report) }) => {
                    Some((message.as_str(), &**report))
                }
                _ => None,
            })
            .collect();
        let [crash] = crashes.as_slice() else { panic!("{:?}", self.events) };
        *crash
    }

    fn serial(&mut self) -> Vec<String> {
        let mut line = self.port.serial_line.borrow_mut();
        std::iter::from_fn(|| line.take_line(self.now + Duration::from_secs(1))).map(|line| line.text).collect()
    }
}

fn register(report: &CrashReport, name: &str) -> u32 {
    report.registers.iter().find(|(known, _)| *known == name).unwrap().1.0
}

#[test]
fn a_null_access_is_printed_by_the_sdk_and_ends_in_its_restart() {
    let mut bench = bench(&[movi(2, 0), movi(5, 77), l32i(3, 2, 8), RET]);
    assert!(matches!(bench.run(), Wait::Reset(BootCause::Exception)));
    let (message, report) = bench.crash();
    assert_eq!(message, "LoadProhibited (28) at 0x00000008 at 0x40100106 sdk_start");
    assert_eq!(report.exception.as_deref(), Some("LoadProhibited (28)"));
    assert_eq!(report.access.map(|access| access.0), Some(8));
    assert_eq!((register(report, "pc"), register(report, "epc1")), (PROGRAM + 6, PROGRAM + 6));
    assert_eq!((register(report, "a2"), register(report, "a5"), register(report, "a1")), (0, 77, 0x3FFF_FFF0));
    assert_eq!(report.trace.len(), 2, "the program and the boot ROM: {:?}", report.trace);
    let serial = bench.serial();
    let printed = [
        "Fatal exception 28(LoadProhibitedCause):",
        "epc1=0x40100106, epc2=0x00000000, epc3=0x00000000, excvaddr=0x00000008, depc=0x00000000",
    ];
    assert_eq!(serial[serial.len() - 2..], printed, "{serial:?}");

    bench.target.stop();
    bench.target.start(bench.now, BootCause::Exception);
    let running = bench.target.running.as_ref().unwrap();
    assert_eq!(running.sdk.reset_information(), [2, 28, PROGRAM + 6, 0, 0, 8, 0]);
    bench.target.stop();
    bench.target.start(bench.now, BootCause::Software);
    let running = bench.target.running.as_ref().unwrap();
    assert_eq!(running.sdk.reset_information(), [4, 0, 0, 0, 0, 0, 0], "that was another restart");
}

#[test]
fn wild_and_illegal_things_are_named() {
    for (words, expected) in [
        (vec![ILL], "IllegalInstruction (0) at 0x40100100 sdk_start"),
        (vec![movi(2, 1), s32i(2, 2, 0)], "LoadStoreAlignment (9) at 0x00000001 at 0x40100103 sdk_start"),
        (vec![movi(2, 0), s32i(2, 2, 0)], "StoreProhibited (29) at 0x00000000 at 0x40100103 sdk_start"),
    ] {
        let mut bench = bench(&words);
        assert!(matches!(bench.run(), Wait::Reset(BootCause::Exception)), "{expected}");
        assert_eq!(bench.crash().0, expected);
    }
}

#[test]
fn a_store_to_flash_and_a_jump_to_null_leave_the_chip_to_its_watchdog() {
    let mut to_flash = address(2, 0x4021_0000);
    to_flash.push(s32i(2, 2, 0));
    let mut bench = bench(&to_flash);
    assert!(matches!(bench.run(), Wait::Until(None)));
    assert!(bench.crash().0.starts_with("LoadStoreError (3) at 0x40210000 at 0x40100115"), "{}", bench.crash().0);

    let mut bench = self::bench(&[movi(2, 0), callx0(2), RET]);
    assert!(matches!(bench.run(), Wait::Until(None)));
    let (message, report) = bench.crash();
    assert_eq!(message, "InstFetchProhibited (20) at 0x00000000 at 0x00000000, called by sdk_start");
    assert_eq!(report.trace[1].address.0, PROGRAM + 6);
}

#[test]
fn who_does_not_return_to_the_sdk_is_bitten_by_its_watchdog() {
    let mut bench = bench(&[J_SELF]);
    assert!(matches!(bench.run(), Wait::Reset(BootCause::SoftwareWatchdog)));
    let [(at, EventKind::Watchdog(events::Watchdog { which, report: Some(report) }))] = bench.events.as_slice() else {
        panic!("{:?}", bench.events)
    };
    assert_eq!((*which, register(report, "pc")), (WatchdogKind::Software, PROGRAM));
    assert!((Instant::from_millis(5_900)..Instant::from_millis(6_200)).contains(at), "{at}");
    bench.target.stop();
    bench.target.start(bench.now, BootCause::SoftwareWatchdog);
    assert_eq!(bench.target.running.as_ref().unwrap().sdk.reset_information()[..3], [3, 0, PROGRAM]);
}

#[test]
fn with_interrupts_masked_only_the_hardware_watchdog_bites() {
    let mut bench = bench(&[RSIL_A2_3, J_SELF]);
    assert!(matches!(bench.run(), Wait::Until(None)));
    assert!(bench.events.is_empty(), "{:?}", bench.events);
    assert!(bench.now >= bench.target.watchdog_resets_at());
    let report = bench.target.report().unwrap();
    assert_eq!((register(&report, "pc"), report.trace[0].function.as_deref()), (PROGRAM + 3, Some("sdk_start")));
}

#[test]
fn who_feeds_for_ever_lets_the_world_have_its_turn() {
    // It counts between its calls: a test of nothing but calls takes minutes.
    let mut words = address(3, FEED);
    words.extend([callx0(3), movi(4, 2047), slli(4, 4, 4), addi(4, 4, -1), bnez_back(4, 1), j_back(5)]);
    let mut bench = bench(&words);
    let first = bench.target.run(Instant::START);
    let Wait::Until(Some(next)) = first.wait else { panic!("{first:?}") };
    assert!(next >= Instant::START + LONGEST_RUN && first.local == next, "{next}");
    assert!(matches!(bench.run(), Wait::Until(Some(at)) if at >= Instant::from_secs(20)));
    assert!(bench.events.is_empty(), "{:?}", bench.events);
}

#[test]
fn who_returns_into_a_function_of_the_sdk_for_ever_lets_the_world_have_its_turn() {
    const JX_A0: u32 = 0x0000A0;
    let mut bench = bench(&[address(0, FEED), vec![JX_A0]].concat());
    let progress = bench.target.run(Instant::START);
    let Wait::Until(Some(next)) = progress.wait else { panic!("{progress:?}") };
    assert!(next >= Instant::START + LONGEST_RUN && progress.local == next, "{next}");
}

#[test]
fn a_stack_at_the_beginning_of_memory_is_no_trouble_of_ours() {
    let names: Vec<_> =
        STUBBED.iter().map(|&(at, name)| (if name == "firmware_stack" { 16 } else { at }, name)).collect();
    let mut bench = bench_of(&[ILL], &names);
    bench.run();
    assert!(bench.crash().0.starts_with("IllegalInstruction (0) at "), "{}", bench.crash().0);
}

#[test]
fn who_idles_is_fed_by_the_sdk() {
    let mut bench = bench(&[RET]);
    assert!(matches!(bench.run_until(Instant::from_secs(60)), Wait::Until(Some(_))));
    assert!(bench.events.is_empty(), "{:?}", bench.events);
    let resets_at = bench.target.watchdog_resets_at();
    assert!(resets_at >= Instant::from_secs(50) + WATCHDOG_PERIOD, "{resets_at}");
}

#[test]
fn a_panics_words_are_the_crashs() {
    let mut words = vec![movi(2, 6), slli(2, 2, 28)];
    for byte in "boot: hello\npanic: no such duck at src/pond.rs:7\r\n".bytes() {
        words.extend([movi(3, byte.into()), s32i(3, 2, 0)]);
    }
    words.extend(address(4, HALT));
    words.push(callx0(4));
    let mut bench = bench(&words);
    assert!(matches!(bench.run(), Wait::Until(None)));
    let (message, report) = bench.crash();
    assert_eq!(message, "no such duck at src/pond.rs:7");
    assert_eq!(report.trace[0].function.as_deref(), Some("cpu_halt"));
    assert_eq!(report.trace[1].function.as_deref(), Some("sdk_start"));
}

#[test]
fn lines_come_whole_at_any_rate() {
    // CLKDIV for 9,600, 74,880 and 921,600 baud at 80 MHz, whose cycle takes 12.5 ns.
    for clkdiv in [8_333, 1_068, 87] {
        let mut words = address(3, clkdiv);
        words.extend([movi(2, 6), slli(2, 2, 28), s32i(3, 2, 0x14)]);
        for byte in "one line\r\nanother\r\n".bytes() {
            words.extend([movi(3, byte.into()), s32i(3, 2, 0)]);
        }
        words.push(RET);
        let mut bench = bench(&words);
        bench.run_until(Instant::from_secs(1));
        let mut line = bench.port.serial_line.borrow_mut();
        let lines: Vec<_> = std::iter::from_fn(|| line.take_line(bench.now)).collect();
        let [.., one, another, _] = lines.as_slice() else { panic!("{lines:?}") };
        assert_eq!((one.text.as_str(), another.text.as_str()), ("one line", "another"));
        let nine_bytes = u64::from(clkdiv) * 9 * 10 * 25 / 2;
        assert_eq!(another.at.saturating_since(one.at).as_nanos(), u128::from(nine_bytes), "CLKDIV {clkdiv}");
    }
}

#[test]
fn a_stack_that_runs_over_its_end_is_told_once_and_goes_on() {
    let mut words = address(1, STACK + 32);
    words.extend([addi(1, 1, -16), s32i(0, 1, 0), addi(1, 1, -16), s32i(0, 1, 0), addi(1, 1, -16)]);
    words.extend([s32i(0, 1, 0), addi(1, 1, -16), s32i(0, 1, 0), J_SELF]);
    let mut bench = bench(&words);
    assert!(matches!(bench.run(), Wait::Reset(BootCause::SoftwareWatchdog)), "it goes on");
    let (message, report) = bench.crash();
    let expected = "the firmware's stack overflows into 0x3ffe8ff0 at ";
    assert!(message.starts_with(expected) && message.ends_with("; nothing on the chip notices"), "{message}");
    assert_eq!(report.remarks, ["the stack pointer is 16 bytes below the end of the firmware's stack, at 0x3ffe9000"]);
}

/// All data memory is the program's, up to the boot ROM's: a frame that comes in is none of it.
#[test]
fn what_the_emulation_keeps_for_the_sdk_is_in_nobodys_memory() {
    let functions = [(PROGRAM + 3, "pbuf_alloc"), (PROGRAM + 6, "ethernet_input")];
    let names = [STUBBED, &functions].concat();
    let mut bench = bench_of(&[RET; 3], &names);
    bench.run_until(Instant::from_secs(1));
    let memory = |bench: &Bench| {
        let running = bench.target.running.as_ref().unwrap();
        running.chip.core.memory.peek(0x3FFE_8000, 0x1_4000)
    };
    let before = memory(&bench);
    bench.port.frames.borrow_mut().extend([vec![0xAA; 60], vec![0xBB; 1_500]]);
    bench.run_until(Instant::from_secs(2));
    assert!(bench.port.frames.borrow().is_empty(), "both were taken");
    assert!(bench.events.is_empty(), "{:?}", bench.events);
    assert!(memory(&bench) == before);
}

#[test]
fn the_sdks_handler_makes_narrow_accesses_good_and_nothing_else() {
    const MEMSET: u32 = 0x4000_18A4;
    let iram = PROGRAM + 0x200;
    // s8i a3, a2, 1 to instruction memory, l8ui a4, a2, 1 from there; then the same by the boot ROM's memset.
    let mut words = address(2, iram);
    words.extend([movi(3, 0x5A), 0x01_4232, 0x01_0242, addi(1, 1, -16), s32i(0, 1, 0), addi(2, 2, 8), movi(4, 3)]);
    words.extend(address(5, MEMSET));
    words.extend([callx0(5), l32i(0, 1, 0), addi(1, 1, 16), RET]);
    let mut bench = bench(&words);
    bench.run_until(Instant::from_secs(1));
    assert!(bench.events.is_empty(), "{:?}", bench.events);
    let running = bench.target.running.as_ref().unwrap();
    assert_eq!(running.chip.core.memory.peek(iram, 4), [0, 0x5A, 0, 0]);
    assert_eq!(running.chip.core.memory.peek(iram + 8, 4), [0x5A, 0x5A, 0x5A, 0]);
}

#[test]
fn what_is_not_modelled_is_told_once_with_its_name() {
    let mut words = address(2, 0x6000_0B04);
    words.extend([l32i(3, 2, 0), l32i(3, 2, 0), RET]);
    let mut bench = bench(&words);
    bench.run_until(Instant::from_secs(1));
    let told: Vec<String> = bench
        .events
        .iter()
        .filter_map(|(_, kind)| match kind {
            EventKind::NotModelled(access) => Some(access.to_string()),
            _ => None,
        })
        .collect();
    assert_eq!(told, ["not modelled: read of 0x60000b04 (SLC) by the instruction at 0x40100115, sdk_start"]);
    bench.target.stop();
    let coverage = bench.target.coverage().unwrap();
    assert_eq!(coverage.not_modelled.len(), 1);
    assert_eq!(coverage.sdk, [("sdk_boot", 1)].into());
    assert_eq!(coverage.boot_rom.get("boot_from_flash"), Some(&1));
}
