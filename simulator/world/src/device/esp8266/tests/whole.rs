//! Whole images of a few instructions: what a reset leaves, how sleep ends, what is typed.

use super::*;
use simulator_parts::SerialByte;

/// A chip with a program that is started by the boot ROM.
struct Whole {
    port: Rc<Port>,
    target: WholeImageTarget,
    now: Instant,
}

fn whole(words: &[u32]) -> Whole {
    let mut code = bytes(words);
    // The core fetches ahead of the last instruction.
    code.resize(code.len().next_multiple_of(4) + 4, 0);
    let image = format::flash::emit(2, 0x20, BOOT, &[Segment { address: BOOT, bytes: code }]);
    let contents = Arc::new(Contents::of_image(&image, None).unwrap());
    let port = Rc::new(Port::new(DeviceId(0), Models::of_board(&yellow_duck::BOARD, Seed(1), "")));
    port.serial_line.borrow_mut().read_along();
    let target = WholeImageTarget::new(Rc::clone(&port), &contents);
    let mut whole = Whole { port, target, now: Instant::START };
    whole.start(BootCause::PowerOn);
    whole
}

impl Whole {
    fn start(&mut self, cause: BootCause) {
        self.target.start(self.now, cause);
    }

    /// Runs until the chip resets itself, or `until` has come.
    fn run_until(&mut self, until: Instant) -> Wait {
        loop {
            let progress = self.target.run(self.now);
            match progress.wait {
                Wait::Until(Some(next)) if next < until => self.now = next.max(progress.local),
                wait => {
                    self.now = progress.local;
                    return wait;
                }
            }
        }
    }

    /// What the program itself has sent, behind the boot ROM's text: control characters.
    fn sent(&self) -> Vec<u8> {
        let bytes = self.port.serial_line.borrow_mut().take_bytes(Instant::FAR_FUTURE);
        bytes.into_iter().filter(|byte| *byte < 8).collect()
    }
}

const UART: u32 = 0x6000_0000;
const RTC: u32 = 0x6000_0700;
const RTC_MEMORY: u32 = 0x6000_1200;

/// Counts its starts in the RTC's memory, sends the count, waits until it has been sent, and resets the chip.
fn counts_its_starts() -> Vec<u32> {
    let mut words = address(2, RTC_MEMORY);
    words.extend([l32i(4, 2, 0), addi(4, 4, 1), s32i(4, 2, 0)]);
    words.extend(address(3, UART));
    words.extend([s32i(4, 3, 0), movi(5, 1), slli(5, 5, 20), addi(5, 5, -1), bnez_back(5, 1)]);
    words.extend(address(6, RTC));
    words.extend([movi(7, 1), slli(7, 7, 31), s32i(7, 6, 0), J_SELF]);
    words
}

#[test]
fn a_reset_keeps_the_memory_of_the_rtc_and_power_that_goes_away_does_not() {
    let mut whole = whole(&counts_its_starts());
    for _ in 0..2 {
        assert!(matches!(whole.run_until(Instant::from_secs(20)), Wait::Restart(_)));
        whole.target.stop();
        whole.start(BootCause::Software);
    }
    assert!(matches!(whole.run_until(Instant::from_secs(20)), Wait::Restart(_)));
    whole.target.stop();
    whole.start(BootCause::PowerOn);
    assert!(matches!(whole.run_until(Instant::from_secs(20)), Wait::Restart(_)));
    assert_eq!(whole.sent(), [1, 2, 3, 1]);
}

#[test]
fn deep_sleep_ends_when_the_slow_counter_says() {
    let mut words = Vec::new();
    let mut set = |register: u32, value: &[u32]| {
        words.extend(address(2, RTC + register));
        words.extend(value);
        words.push(s32i(3, 2, 0));
    };
    set(0x44, &[movi(3, 0x20)]);
    set(0x18, &[movi(3, 8)]);
    let mut later = address(4, RTC + 0x1C);
    later.extend([l32i(3, 4, 0), movi(5, 1_000), add(3, 3, 5)]);
    set(0x04, &later);
    set(0x08, &[movi(3, 1), slli(3, 3, 20)]);
    words.push(J_SELF);
    let mut whole = whole(&words);
    let began = whole.now;
    assert!(matches!(whole.run_until(Instant::from_secs(20)), Wait::Reset(BootCause::DeepSleep)));
    let slept = whole.now.saturating_since(began);
    assert!(slept >= Duration::from_micros(7_028) && slept < Duration::from_millis(500), "{slept:?}");
}

/// Where the vendor's SDK writes down why it restarts: reason, EXCCAUSE, EPC1, EPC2, EPC3, EXCVADDR, DEPC.
const RST_INFO: u32 = 0x6000_1100;

/// Counts its starts, sends the count, writes down that reason and jumps to the reset vector.
fn restarts_by_a_jump(reason: i32) -> Vec<u32> {
    let mut words = address(2, RTC_MEMORY);
    words.extend([l32i(4, 2, 0), addi(4, 4, 1), s32i(4, 2, 0)]);
    words.extend(address(3, UART));
    words.extend([s32i(4, 3, 0), movi(5, 1), slli(5, 5, 20), addi(5, 5, -1), bnez_back(5, 1)]);
    words.extend(address(2, RST_INFO));
    words.extend([movi(4, reason), s32i(4, 2, 0), movi(4, 28), s32i(4, 2, 4), movi(4, 0x123), s32i(4, 2, 20)]);
    words.extend(address(4, PROGRAM));
    words.push(s32i(4, 2, 8));
    words.extend(address(5, 0x4000_0080));
    words.push(callx0(5));
    words
}

/// What a device has put out of restarts up to `until`.
fn restarts(whole: &mut Whole, until: Instant) -> Vec<(BootCause, Option<EventKind>)> {
    whole.run_until(until);
    let outputs = whole.port.take_outbox().into_iter();
    let restarts = outputs.filter_map(|(_, output)| match output {
        Output::Restarted { cause, event } => Some((cause, event.map(|event| *event))),
        _ => None,
    });
    restarts.collect()
}

#[test]
fn a_jump_to_the_reset_vector_is_a_restart_in_which_the_chip_runs_on() {
    let mut whole = whole(&restarts_by_a_jump(0));
    let told = restarts(&mut whole, Instant::from_secs(1));
    assert!(told.len() > 2, "{told:?}");
    assert!(told.iter().all(|told| *told == (BootCause::Software, None)), "{told:?}");
    assert_eq!(whole.sent()[..3], [1, 2, 3], "the RTC's memory has kept the count");
}

#[test]
fn the_boot_rom_says_after_a_jump_why_the_hardware_was_last_reset() {
    let mut whole = whole(&restarts_by_a_jump(0));
    restarts(&mut whole, Instant::from_secs(1));
    let lines = whole.port.take_reports(Instant::from_secs(1));
    let causes = lines.iter().filter_map(|(_, report)| match report {
        EventKind::Serial(events::Serial { line }) => line.split_once("rst cause:").map(|(_, cause)| cause.to_owned()),
        _ => None,
    });
    let causes: Vec<String> = causes.collect();
    assert!(causes.len() > 2 && causes.iter().all(|cause| cause.starts_with("1, boot mode:(3,")), "{causes:?}");
}

#[test]
fn what_the_sdk_has_written_down_tells_an_exception() {
    let mut whole = whole(&restarts_by_a_jump(2));
    let told = restarts(&mut whole, Instant::from_secs(1));
    let (cause, Some(EventKind::Crash(crash))) = &told[0] else { panic!("{told:?}") };
    assert_eq!(*cause, BootCause::Exception);
    assert_eq!(crash.message, "LoadProhibited (28) at 0x00000123 at 0x40100100");
}

#[test]
fn what_the_sdk_has_written_down_tells_its_watchdog() {
    let mut whole = whole(&restarts_by_a_jump(3));
    let told = restarts(&mut whole, Instant::from_secs(1));
    let (cause, Some(EventKind::Watchdog(bite))) = &told[0] else { panic!("{told:?}") };
    assert_eq!((*cause, bite.which), (BootCause::SoftwareWatchdog, WatchdogKind::Software));
    assert_eq!(crash::place(bite.report.as_ref().unwrap()), "0x40100100");
}

/// Sends back what it receives.
fn echoes() -> Vec<u32> {
    let beqz_back = |s: u32, instructions: i32| (bnez_back(s, instructions) & !0xFF) | 0x16;
    let mut words = address(2, UART);
    words.extend([l32i(4, 2, 0x1C), slli(4, 4, 24), beqz_back(4, 2), l32i(4, 2, 0), s32i(4, 2, 0), j_back(5)]);
    words
}

/// What was typed before is gone when the boot ROM sets up the serial port.
#[test]
fn what_is_typed_arrives_but_not_at_a_chip_without_power() {
    let mut whole = whole(&echoes());
    let typed = |whole: &Whole, at: Instant, byte: u8| {
        whole.port.typed.borrow_mut().push_back(SerialByte { at, byte, bit: None });
    };
    typed(&whole, Instant::from_secs(1), 5);
    whole.run_until(Instant::from_secs(2));
    assert_eq!(whole.sent(), [5]);
    whole.target.stop();
    typed(&whole, Instant::from_secs(3), 6);
    typed(&whole, Instant::from_secs(6), 7);
    whole.now = Instant::from_secs(5);
    whole.start(BootCause::PowerOn);
    whole.run_until(Instant::from_secs(7));
    assert_eq!(whole.sent(), [7]);
}

#[test]
fn gpio0_held_low_at_a_reset_boots_for_download() {
    let mut whole = whole(&echoes());
    let text = |whole: &Whole| {
        let bytes = whole.port.serial_line.borrow_mut().take_bytes(Instant::FAR_FUTURE);
        String::from_utf8_lossy(&bytes).into_owned()
    };
    whole.run_until(Instant::from_secs(1));
    assert!(text(&whole).contains("rst cause:1, boot mode:(3,"));
    whole.port.held_low.set(1);
    whole.target.stop();
    whole.start(BootCause::External);
    whole.port.held_low.set(0);
    whole.run_until(Instant::from_secs(2));
    assert!(text(&whole).contains("rst cause:2, boot mode:(1,"));
}
