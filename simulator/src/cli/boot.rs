//! `preflash boot`: an image without a scenario, its serial port on the terminal.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, value_parser};
use esp8266::image::flash::SIZES;
use simulator_record::events::{Event, EventKind};
use simulator_record::time::Instant;
use simulator_scenario::model::{LINE_ENDINGS, LineEnding};
use simulator_world::boards::{BOARDS, Board};
use simulator_world::device::esp8266::{Contents, ContentsError, Programming};
use simulator_world::input::Limit;

use super::live;
use super::{OK, bad_input, closed, complain};
use crate::boot::Session;
use crate::plain::{Network, Surroundings};

/// The options of `preflash boot`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  preflash boot firmware.bin                      ten seconds of it, on an ESP-07 without a network
  preflash boot firmware.bin --seconds 60 --wifi home:correct-horse
                                                  a minute of it, with a network around it
  preflash boot micropython.bin --flash-size 4M --type 'print(1 + 1)'
                                                  types a line when the prompt is there
  preflash boot micropython.bin < commands.txt    the same with a line after the other

  preflash boot micropython.bin --flash-size 4M --real-time
                                                  keys go in as they are typed

What the device sends at UART0 goes to standard output; what it did in the end, to standard error.

In real time Ctrl-] ends it; every other key goes to the device, Ctrl-C too.

Exit codes:
  0    the time is over
  2    there is nothing to boot, or an argument is wrong
  129  the terminal was closed (SIGHUP)
  130  interrupted (SIGINT)
  141  standard output was closed before
  143  terminated (SIGTERM)")]
pub(super) struct BootArgs {
    /// The image: a file that is flashed from the beginning of the flash on, a folder whose files say their offsets by
    /// their names (0x10000.bin), or a list of offsets and files
    image: PathBuf,
    /// The ELF file that it was made of, by which crashes name functions and lines
    #[arg(long, value_name = "FILE")]
    elf: Option<PathBuf>,
    /// How many seconds of the device's own time [default: 10, and without end in real time at a terminal]
    #[arg(long, value_name = "N")]
    seconds: Option<u32>,
    /// As fast as a real board, and no faster; what is typed on the terminal, or comes in at standard input, goes in as
    /// it comes
    #[arg(long, conflicts_with = "lines")]
    real_time: bool,
    /// A network that the device can hear: its name and WPA2 passphrase, or a name alone for an open one; may be given
    /// again
    #[arg(long, value_name = "NAME:PASSPHRASE", value_parser = parse_network)]
    wifi: Vec<Network>,
    /// Types this line when the device shows a prompt, or else has done nothing for two seconds; may be given again
    /// [default: the lines of standard input, if that is no terminal]
    #[arg(long = "type", value_name = "TEXT")]
    lines: Vec<String>,
    /// What is typed behind each line: cr, lf or crlf
    #[arg(long, value_name = "WHICH", default_value = "cr", value_parser = parse_line_ending)]
    line_ending: LineEnding,
    /// Size of the flash: 256K, 512K, 1M, 2M, 4M, 8M or 16M [default: what the image's header says, or 4M]
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    flash_size: Option<u32>,
    /// The board that the module is soldered to
    #[arg(long, value_name = "NAME", default_value = BOARDS[0].name)]
    board: String,
    /// Decides everything that is random
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = value_parser!(u64).range(..=i64::MAX as u64))]
    seed: u64,
}

/// How large an image may be.
pub(super) const LIMIT: Limit = Limit(16);
/// How long a device runs.
pub(super) const SECONDS: u32 = 10;

pub(super) fn parse_network(text: &str) -> Result<Network, Infallible> {
    let (name, passphrase) = text.split_once(':').map_or((text, None), |(name, passphrase)| (name, Some(passphrase)));
    Ok(Network { name: name.to_owned(), passphrase: passphrase.map(str::to_owned) })
}

pub(super) fn parse_size(text: &str) -> Result<u32, String> {
    let known = SIZES.iter().find(|size| size.name.eq_ignore_ascii_case(text));
    known.map(|size| size.bytes as u32).ok_or_else(|| {
        let names: Vec<&str> = SIZES.iter().map(|size| size.name).collect();
        format!("expected one of {}", names.join(", "))
    })
}

/// The board of that name.
pub(super) fn board_of(name: &str) -> Result<&'static Board, String> {
    BOARDS.into_iter().find(|board| board.name == name).ok_or_else(|| {
        let names: Vec<&str> = BOARDS.iter().map(|board| board.name).collect();
        format!("there is no board {name:?}: it is one of {}", names.join(", "))
    })
}

fn parse_line_ending(text: &str) -> Result<LineEnding, String> {
    let known = LINE_ENDINGS.iter().find(|(name, ..)| *name == text);
    known.map(|(_, bytes, _)| *bytes).ok_or_else(|| {
        let names: Vec<&str> = LINE_ENDINGS.iter().map(|(name, ..)| *name).collect();
        format!("expected one of {}", names.join(", "))
    })
}

/// Boots the image and gives the exit code.
pub(super) fn boot(args: &BootArgs) -> u8 {
    let board = match board_of(&args.board) {
        Ok(board) => board,
        Err(wrong) => return bad_input(wrong),
    };
    let around = match (Surroundings { board, networks: args.wifi.clone(), seed: args.seed }).scenario() {
        Ok(around) => around,
        Err(wrong) => return bad_input(wrong),
    };
    let contents = match contents(&args.image, args.elf.as_deref(), args.flash_size) {
        Ok(contents) => Arc::new(contents),
        Err(error) => return bad_input(error),
    };
    if args.real_time {
        return live::at_the_terminal(&contents, &around, args.seconds);
    }
    let lines = match lines(&args.lines, args.line_ending) {
        Ok(lines) => lines,
        Err(error) => return bad_input(format_args!("could not read what is to be typed: {error}")),
    };
    let mut session = Session::new(&contents, &around, lines);
    let end = Instant::START + Duration::from_secs(args.seconds.unwrap_or(SECONDS).into());
    let mut done = Done::default();
    while let Some(bytes) = session.step(end) {
        done.observe(session.take_events());
        if !bytes.is_empty() {
            let mut out = io::stdout().lock();
            if out.write_all(&bytes).and_then(|()| out.flush()).is_err() {
                return closed("the time was over");
            }
        }
    }
    done.tell(&session);
    OK
}

/// What is to be in the flash.
pub(super) fn contents(image: &Path, elf: Option<&Path>, size: Option<u32>) -> Result<Contents, ContentsError> {
    let mut wanted = Programming::read(image)?;
    if let Some(elf) = elf {
        wanted.name_by(elf)?;
    }
    if let Some(size) = size {
        wanted.set_flash_size(size);
    }
    Contents::new(wanted)
}

/// What is to be typed, with its ending behind each line.
fn lines(given: &[String], ending: LineEnding) -> io::Result<Vec<Vec<u8>>> {
    let mut text = String::new();
    if given.is_empty() && !io::stdin().is_terminal() {
        io::stdin().lock().read_to_string(&mut text)?;
    }
    let lines = given.iter().map(String::as_str).chain(text.lines());
    Ok(lines.map(|line| format!("{line}{ending}").into_bytes()).collect())
}

/// Whether an event is one of many, of which nobody wants to read each.
pub(super) fn is_frequent(kind: &EventKind) -> bool {
    matches!(
        kind,
        EventKind::Serial(_) | EventKind::Flash(_) | EventKind::Sensor(_) | EventKind::Pin(_) | EventKind::Memory(_)
    )
}

/// What a device did.
#[derive(Default)]
struct Done {
    counts: BTreeMap<String, u32>,
    told: Vec<String>,
    unknown: u32,
}

impl Done {
    fn observe(&mut self, events: Vec<Event>) {
        for event in events {
            *self.counts.entry(event.kind.kind().name()).or_default() += 1;
            match &event.kind {
                EventKind::NotModelled(_) => self.unknown += 1,
                kind if is_frequent(kind) => {}
                kind => self.told.push(format!("{} {kind}", event.at)),
            }
        }
    }

    fn tell(&self, session: &Session) {
        complain(format_args!("\n--- what happened"));
        for line in &self.told {
            complain(format_args!("{line}"));
        }
        let counts: Vec<String> = self.counts.iter().map(|(name, count)| format!("{count} {name}")).collect();
        complain(format_args!("--- events: {}", counts.join(", ")));
        if self.unknown > 0 {
            complain(format_args!("--- {} accesses to registers that are not modelled", self.unknown));
        }
        if session.untyped() > 0 {
            complain(format_args!(
                "--- {} lines were not typed: the device has not waited for them for long enough",
                session.untyped()
            ));
        }
    }
}
