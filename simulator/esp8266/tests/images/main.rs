//! Others' firmware as it is published, unmodified, from the reset vector to its prompt, where it adds one and one.
//!
//! Ignored unless asked for (`cargo ci images`), because the images are not ours to keep: `ci/setup-images` fetches
//! them.

mod booted;

use booted::Booted;
use booted::board::type_in;
use esp8266::cpu::Cpu;

/// Sizes of flash that the images are for.
const ONE_MIB: usize = 1 << 20;
const FOUR_MIB: usize = 4 << 20;

impl Booted {
    /// Asks for a sum at the prompt; the answer stands between what was typed and the next prompt.
    #[track_caller]
    fn adds_one_and_one(&mut self, line: &str, answer: &str) {
        self.enter(line);
        self.wait_for(line, 5);
        self.wait_for(answer, 5);
        assert_eq!(self.resets, 0, "it was reset; sent: {}", self.sent);
    }
}

/// Boots an image to its Python prompt.
fn python(name: &str, banner: &str) -> Booted {
    let mut booted = Booted::new(name, FOUR_MIB);
    booted.wait_for(banner, 5);
    booted.wait_for(">>> ", 1);
    booted.adds_one_and_one("print(1+1)", "\r\n2\r\n>>> ");
    booted
}

#[test]
#[ignore = "needs published images; see ci/setup-images"]
fn micropython_1_9_3() {
    python("micropython-1.9.3", "MicroPython v1.9.3");
}

#[test]
#[ignore = "needs published images; see ci/setup-images"]
fn micropython_1_9_4() {
    python("micropython-1.9.4", "MicroPython v1.9.4");
}

/// The firmware's digest (over the flash window, by the ROM's MD5) is what its makers wrote into it; the flash has its
/// size; and a second lasts a second, by the MAC's counter as by the chip's clock.
#[test]
#[ignore = "needs published images; see ci/setup-images"]
fn micropython_finds_itself_whole_and_its_time_right() {
    let mut booted = python("micropython-1.9.4", "MicroPython v1.9.4");
    booted.enter("import esp, time; print(esp.check_fw(), esp.flash_size())");
    booted.wait_for("True 4194304\r\n>>> ", 5);
    booted.enter("a = time.ticks_us(); time.sleep(1); print(time.ticks_us() - a)");
    let before = booted.seen;
    booted.wait_for("- a)\r\n", 1);
    let start = booted.chip.now();
    booted.wait_for(">>> ", 5);
    let said: u64 = booted.sent[before..].lines().rev().nth(1).and_then(|line| line.parse().ok()).expect("a number");
    assert!((1_000_000..1_003_000).contains(&said), "{said} us by its own count");
    let took = booted.chip.now().nanoseconds() - start.nanoseconds();
    assert!((998_000_000..1_010_000_000).contains(&took), "{took} ns by the chip's clock");
}

/// What came of a run: what was sent, how much of it after each millisecond, and the state at the end.
struct End {
    sent: String,
    sent_by: Vec<usize>,
    cpu: Cpu,
    memory: [Vec<u8>; 2],
    answered: Vec<(&'static str, u64)>,
    /// Cycles in which nothing was executed.
    idle: u64,
}

impl End {
    /// Of an image at which these lines are typed, each after so many milliseconds.
    fn of(name: &str, size: usize, lines: &[(u64, &str)], skips: bool) -> Self {
        let mut booted = Booted::new(name, size);
        booted.chip.skips_waiting = skips;
        let mut sent_by = Vec::new();
        for (milliseconds, line) in lines {
            for _ in 0..*milliseconds {
                booted.step();
                sent_by.push(booted.sent.len());
            }
            booted.enter(line);
        }
        let core = &booted.chip.core;
        let memory = [(0x3FFE_8000, 0x1_8000), (0x4010_0000, 0x1_0000)].map(|(at, size)| core.memory.peek(at, size));
        let answered = booted.chip.answered().collect();
        Self { sent: booted.sent, sent_by, cpu: core.cpu.clone(), memory, answered, idle: core.idle }
    }

    /// Runs it with and without loops that wait passed over, which must come to the same; gives the cycles that were.
    fn is_the_same(name: &str, size: usize, lines: &[(u64, &str)]) -> u64 {
        let [skipping, executing] = [true, false].map(|skips| Self::of(name, size, lines, skips));
        assert_eq!(skipping.sent, executing.sent, "{name}");
        assert_eq!(skipping.sent_by, executing.sent_by, "{name}: bytes come at other times");
        assert_eq!(skipping.cpu, executing.cpu, "{name}");
        assert!(skipping.memory == executing.memory, "{name}: memory differs");
        assert_eq!(skipping.answered, executing.answered, "{name}");
        skipping.idle - executing.idle
    }
}

/// What it sends while it sleeps, works and waits at its prompt, in each millisecond, and the state it ends in, do not
/// depend on whether loops that wait are passed over.
#[test]
#[ignore = "needs published images; see ci/setup-images"]
fn passing_over_waiting_comes_to_the_same() {
    let lines = [
        (3_000, "import time, os"),
        (1_777, "time.sleep(3); print(time.ticks_us())"),
        (1_777, "os.urandom(4)"),
        (1_777, "time.sleep_us(70123)"),
        (2_777, ""),
    ];
    let passed_over = End::is_the_same("micropython-1.9.4", FOUR_MIB, &lines);
    // Three seconds of sleep.
    assert!(passed_over > 200_000_000, "{passed_over} cycles passed over");
}

/// The same of all the others while they start.
#[test]
#[ignore = "needs published images; see ci/setup-images"]
fn passing_over_waiting_comes_to_the_same_for_all() {
    let images = [
        ("micropython-1.9.3", FOUR_MIB),
        ("micropython-1.10.0", FOUR_MIB),
        ("micropython-blinka-0.0.0", FOUR_MIB),
        ("vanguard-rainbow-0.1.0", FOUR_MIB),
        ("circuitpython-2.3.1", FOUR_MIB),
        ("circuitpython-3.0.0-beta.1", FOUR_MIB),
        ("nodemcu-1.5.4.1", FOUR_MIB),
        ("espruino-1v99", FOUR_MIB),
        ("punyforth-0.5", FOUR_MIB),
        ("esp8266basic-3.0alpha", ONE_MIB),
        ("esp-linker-1.4.2", FOUR_MIB),
    ];
    for (name, size) in images {
        End::is_the_same(name, size, &[(1_777, ""), (1_000, "1"), (222, "")]);
    }
}

/// With a library for CircuitPython's hardware on top.
#[test]
#[ignore = "needs published images; see ci/setup-images"]
fn micropython_with_blinka() {
    python("micropython-blinka-0.0.0", "MicroPython v1.9.4-dirty");
}

#[test]
#[ignore = "needs published images; see ci/setup-images"]
fn micropython_1_10() {
    python("micropython-1.10.0", "MicroPython v1.10");
}

/// A MicroPython with a file system that holds a program.
#[test]
#[ignore = "needs published images; see ci/setup-images"]
fn vanguard_with_rainbow() {
    python("vanguard-rainbow-0.1.0", "MicroPython v1.9.3");
}

/// It says nothing until a key tells it that somebody is there, and shows its prompt after another.
fn circuit_python(name: &str, banner: &str) {
    let mut booted = Booted::new(name, FOUR_MIB);
    booted.wait_for("boot.py output:", 5);
    booted.pass(1_000);
    booted.enter("");
    booted.wait_for("Press any key to enter the REPL", 1);
    booted.enter("");
    booted.wait_for(banner, 5);
    booted.wait_for(">>> ", 1);
    booted.adds_one_and_one("print(1+1)", "\r\n2\r\n>>> ");
}

#[test]
#[ignore = "needs published images; see ci/setup-images"]
fn circuit_python_2_3_1() {
    circuit_python("circuitpython-2.3.1", "Adafruit CircuitPython 2.3.1");
}

#[test]
#[ignore = "needs published images; see ci/setup-images"]
fn circuit_python_3() {
    circuit_python("circuitpython-3.0.0-beta.1", "Adafruit CircuitPython 3.0.0-beta.1");
}

/// It makes a file system first, which takes 45 ms for each of some 900 sectors.
#[test]
#[ignore = "needs published images; see ci/setup-images"]
fn node_mcu() {
    let mut booted = Booted::new("nodemcu-1.5.4.1", FOUR_MIB);
    booted.wait_for("powered by Lua 5.1.4 on SDK 1.5.4.1", 60);
    booted.wait_for("\n> ", 1);
    booted.adds_one_and_one("print(1+1)", "\n2\r\n> ");
}

/// It is loaded by Espressif's second loader, and finds the radio's data only because they were written for it.
#[test]
#[ignore = "needs published images; see ci/setup-images"]
fn espruino() {
    let mut booted = Booted::new("espruino-1v99", FOUR_MIB);
    booted.wait_for("espruino.com", 5);
    booted.wait_for("\n>", 2);
    booted.adds_one_and_one("print(1+1);", "\n2\r\n=undefined\r\n>");
}

/// On esp-open-rtos with rBoot, with an interpreter that reads its strings out of the flash byte by byte.
#[test]
#[ignore = "needs published images; see ci/setup-images"]
fn punyforth() {
    let mut booted = Booted::new("punyforth-0.5", FOUR_MIB);
    booted.wait_for("Loading Punyforth", 5);
    booted.wait_for("(stack)", 5);
    booted.pass(100);
    // It sends nothing back of what is typed, and a line ends with a line feed.
    type_in(&mut booted.chip, "1 1 + .\n");
    booted.wait_for("2(stack)", 1);
    assert_eq!(booted.resets, 0);
}

/// A BASIC that is asked on pages: it has no prompt on the serial port.
#[test]
#[ignore = "needs published images; see ci/setup-images"]
fn esp8266_basic() {
    let mut booted = Booted::new("esp8266basic-3.0alpha", ONE_MIB);
    booted.wait_for("HTTP Port: 80", 20);
    booted.wait_for("ESP Basic 3.0.Alpha 69", 1);
    assert_eq!(booted.resets, 0);
}

/// A sketch on the Arduino core, with its loader; it has no prompt.
#[test]
#[ignore = "needs published images; see ci/setup-images"]
fn arduino_sketch() {
    let mut booted = Booted::new("esp-linker-1.4.2", FOUR_MIB);
    booted.wait_for("ESP-Linker v1.3.9 (ESP8266) Starting...", 5);
    booted.wait_for("AP active: ESP_Link", 2);
    booted.wait_for("ESP-Linker ready.", 1);
    assert_eq!(booted.resets, 0);
}
