//! Boots an image from its reset vector and prints what it sends on the serial port:
//!
//! ```console
//! $ cargo run --release -p esp8266 --example boot -- IMAGE [--seconds N] [--flash-size SIZE] [--type TEXT]...
//! ```
//!
//! IMAGE is a dump of the flash from its beginning, or an ELF file, which is laid into the flash as `esptool` does.
//! The flash has the size that the image's header says, or 4 MiB if the header says nothing that fits; `--flash-size
//! 1M` (256K to 16M) says otherwise, and writes it into the header as `esptool` does. The chip runs for N seconds of
//! its own time (10 if not said) or until it stops by itself. Each TEXT is typed with a carriage return behind it,
//! once nothing has been sent for half a second. What UART0 sends goes to standard output; how the run ended, and what
//! the program asked of the chip that is not modelled, to standard error.
//!
//! The exit code is 0 if the time is over, 1 if the chip has stopped before, and 2 if there is nothing to boot. Nothing
//! is connected to the pins, and nothing answers the radio. A chip that goes to sleep wakes up at once.

mod board;

use std::collections::VecDeque;
use std::io::Write;
use std::process::ExitCode;

use board::Board;
use esp8266::chip::{Chip, Configuration, Stop};
use esp8266::image::{elf, flash};
use esp8266::peripherals::{Time, describe};
use esp8266::rom;

/// How long nothing must have been sent before the next text is typed.
const SILENCE: Time = Time::from_milliseconds(500);

/// What is asked for.
struct Order {
    path: String,
    seconds: u32,
    flash_size: Option<usize>,
    texts: VecDeque<String>,
}

fn main() -> ExitCode {
    let order = match order(std::env::args().skip(1)) {
        Ok(order) => order,
        Err(reason) => return refuse(&reason),
    };
    let read = std::fs::read(&order.path).map_err(|error| error.to_string());
    let content = match read.and_then(|bytes| content(&bytes, order.flash_size)) {
        Ok(content) => content,
        Err(reason) => return refuse(&format!("could not boot {}: {reason}", order.path)),
    };
    let mac = [0x18, 0xFE, 0x34, 1, 2, 3];
    let mut chip = Chip::new(Configuration { mac, seed: 1 }, Board::new(content));
    chip.stop_when_spinning = true;
    let end = run(&mut chip, Time::from_milliseconds(1_000 * u64::from(order.seconds)), order.texts);
    for access in chip.core.bus.take_reports() {
        let name = describe(access.address).map_or("", |register| register.name);
        eprintln!("{access} {name}");
    }
    eprintln!("{} registers only keep what they are told", chip.core.bus.stored().count());
    for (name, why) in rom::without_effect() {
        if chip.answered().any(|(answered, _)| answered == name) {
            eprintln!("{name} does nothing: it {why}");
        }
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

fn order(mut arguments: impl Iterator<Item = String>) -> Result<Order, String> {
    const USAGE: &str = "usage: boot IMAGE [--seconds N] [--flash-size SIZE] [--type TEXT]...";
    let mut order = Order { path: String::new(), seconds: 10, flash_size: None, texts: VecDeque::new() };
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("{argument} wants a value\n{USAGE}"));
        match argument.as_str() {
            "--seconds" => {
                order.seconds = value()?.parse().map_err(
                    |_| "could not understand --seconds: a whole number of seconds of the chip's own time is wanted",
                )?;
            }
            "--flash-size" => {
                let text = value()?;
                let size = flash::SIZES.iter().find(|size| size.name == text).ok_or_else(|| {
                    let names: Vec<_> = flash::SIZES.iter().map(|size| size.name).collect();
                    format!("there is no flash size {text}: {}", names.join(", "))
                })?;
                order.flash_size = Some(size.bytes);
            }
            "--type" => order.texts.push_back(value()?),
            _ if !argument.starts_with('-') && order.path.is_empty() => order.path = argument,
            _ => return Err(format!("could not understand {argument}\n{USAGE}")),
        }
    }
    if order.path.is_empty() { Err(USAGE.to_owned()) } else { Ok(order) }
}

/// What a flash holds that this file was written into.
fn content(bytes: &[u8], size: Option<usize>) -> Result<Vec<u8>, String> {
    if bytes.starts_with(b"\x7fELF") {
        let program = elf::parse(bytes).map_err(|error| error.to_string())?;
        return flash::of_program(&program).map_err(|error| error.to_string());
    }
    flash::write_image(bytes, size).map_err(|error| error.to_string())
}

/// Runs up to `until`; the error says why the chip has stopped before.
fn run(chip: &mut Chip<Board>, until: Time, mut texts: VecDeque<String>) -> Result<(), String> {
    let mut last_sent = chip.now();
    while chip.now() < until {
        let stop = chip.run_until((chip.now() + Time::from_milliseconds(10)).min(until));
        let sent = std::mem::take(&mut chip.core.bus.outside.sent);
        let mut terminal = std::io::stdout().lock();
        terminal
            .write_all(&sent)
            .and_then(|()| terminal.flush())
            .map_err(|error| format!("nobody listens ({error})"))?;
        if !sent.is_empty() {
            last_sent = chip.now();
        } else if chip.now() >= last_sent + SILENCE
            && let Some(text) = texts.pop_front()
        {
            board::type_in(chip, &format!("{text}\r"));
            last_sent = chip.now();
        }
        match stop {
            Stop::Limit | Stop::Transmitted | Stop::Restarted | Stop::Reset(_) | Stop::DeepSleep(_) => {}
            Stop::Spinning(what) => return Err(format!("it loops for ever ({what})")),
            Stop::NotModelled(what) => return Err(format!("{what} of the boot ROM is not modelled")),
            Stop::NoRomFunction => return Err("the boot ROM has no function there".to_owned()),
            Stop::FlashOff(address) => return Err(format!("{address:#010x} was touched while the cache is off")),
            stop => return Err(format!("{stop:?}")),
        }
    }
    Ok(())
}
