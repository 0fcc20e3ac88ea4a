//! Boots an image from its reset vector and prints what it sends on the serial port:
//!
//! ```console
//! $ cargo run --release -p esp8266 --example boot -- IMAGE [SECONDS]
//! ```
//!
//! IMAGE is a dump of the flash from its beginning, or an ELF file, which is laid into the flash as `esptool` does. The
//! chip runs for SECONDS of its own time (10 if not said) or until it stops by itself. What UART0 sends goes to
//! standard output; how the run ended, and what the program asked of the chip that is not modelled, to standard error.
//!
//! The exit code is 0 if the time is over, 1 if the chip has stopped before, and 2 if there is nothing to boot. Nothing
//! is connected to the pins, and nothing answers the radio. A chip that goes to sleep wakes up at once.

use std::io::Write;
use std::ops::Range;
use std::process::ExitCode;

use esp8266::chip::{Chip, Configuration, Stop};
use esp8266::image::{elf, flash};
use esp8266::peripherals::{Drive, Pins, Radio, SerialOut, SpiBus, Time, describe};
use esp8266::serial_flash::{FlashChip, PlainCells, SerialFlash};

/// A flash, and a terminal at UART0; strapped for booting from flash.
struct Board {
    flash: SerialFlash<PlainCells>,
    sent: Vec<u8>,
}

impl Pins for Board {
    fn levels(&mut self, _: u64) -> u32 {
        0x1_7FFF
    }

    fn drive(&mut self, _: u8, _: Drive, _: u64) {}
}

impl SpiBus for Board {
    fn flash(&mut self) -> Option<&mut dyn FlashChip> {
        Some(&mut self.flash)
    }
}

impl Radio for Board {}

impl SerialOut for Board {
    fn send(&mut self, uart: u8, byte: u8, _: Range<u64>) {
        if uart == 0 {
            self.sent.push(byte);
        }
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (path, seconds) = match arguments.as_slice() {
        [path] => (path, Ok(10_u32)),
        [path, seconds] => (path, seconds.parse()),
        _ => return refuse("usage: boot IMAGE [SECONDS]"),
    };
    let Ok(seconds) = seconds else {
        return refuse("could not understand SECONDS: a whole number of seconds of the chip's own time is wanted");
    };
    let content = std::fs::read(path).map_err(|error| error.to_string()).and_then(|bytes| content(&bytes));
    let content = match content {
        Ok(content) => content,
        Err(reason) => return refuse(&format!("could not boot {path}: {reason}")),
    };
    let board = Board { flash: SerialFlash::new(PlainCells::new(content)), sent: Vec::new() };
    let mut chip = Chip::new(Configuration { mac: [0x18, 0xFE, 0x34, 1, 2, 3], seed: 1 }, board);
    chip.stop_when_spinning = true;
    let end = run(&mut chip, Time::from_milliseconds(1_000 * u64::from(seconds)));
    for access in chip.core.bus.take_reports() {
        let name = describe(access.address).map_or("", |register| register.name);
        eprintln!("{access} {name}");
    }
    match end {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            let at = chip.now().nanoseconds() as f64 / 1e9;
            eprintln!("the chip stopped after {at:.3} s at {:#010x}: {reason}", chip.core.cpu.pc);
            ExitCode::FAILURE
        }
    }
}

fn refuse(reason: &str) -> ExitCode {
    eprintln!("{reason}");
    ExitCode::from(2)
}

/// What a flash holds that this file was written into.
fn content(bytes: &[u8]) -> Result<Vec<u8>, String> {
    const SMALLEST: usize = 1 << 20;
    const LARGEST: usize = 1 << 24;
    if bytes.starts_with(b"\x7fELF") {
        let program = elf::parse(bytes).map_err(|error| error.to_string())?;
        return flash::of_program(&program).map_err(|error| error.to_string());
    }
    if bytes.len() > LARGEST {
        return Err("it is larger than any flash, which has 16 MiB at most".to_owned());
    }
    flash::parse(bytes, 0).map_err(|error| error.to_string())?;
    let mut content = bytes.to_vec();
    content.resize(bytes.len().next_power_of_two().max(SMALLEST), 0xFF);
    Ok(content)
}

/// Runs up to `until`; the error says why the chip has stopped before.
fn run(chip: &mut Chip<Board>, until: Time) -> Result<(), String> {
    while chip.now() < until {
        let stop = chip.run_until((chip.now() + Time::from_milliseconds(10)).min(until));
        let sent = std::mem::take(&mut chip.core.bus.outside.sent);
        let mut terminal = std::io::stdout().lock();
        terminal
            .write_all(&sent)
            .and_then(|()| terminal.flush())
            .map_err(|error| format!("nobody listens ({error})"))?;
        match stop {
            Stop::Limit | Stop::Transmitted | Stop::Reset(_) | Stop::DeepSleep(_) => {}
            Stop::Spinning(what) => return Err(format!("it loops for ever ({what})")),
            Stop::NotModelled(what) => return Err(format!("{what} of the boot ROM is not modelled")),
            Stop::NoRomFunction => return Err("the boot ROM has no function there".to_owned()),
            Stop::FlashOff(address) => return Err(format!("{address:#010x} was touched while the cache is off")),
            stop => return Err(format!("{stop:?}")),
        }
    }
    Ok(())
}
