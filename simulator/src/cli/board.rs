//! `preflash board`: a board on a serial line, in real time.

use std::io::{self, BufRead, Write};
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use clap::{Args, ValueEnum, value_parser};
use simulator_live::flash_file::FlashFile;
use simulator_live::line::{Command as Say, Event as Came, Events, Line};
use simulator_live::session::Session;
use simulator_live::{rfc2217, tcp};
use simulator_record::random::Seed;
use simulator_record::time::Instant;
use simulator_scenario::Scenario;
use simulator_world::boards::BOARDS;
use simulator_world::device::esp8266::Contents;
use simulator_world::input;
use simulator_world::world::Command;

use super::boot::{self, LIMIT, board_of, parse_network, parse_size};
use super::{bad_input, complain, live};
use crate::director::Director;
use crate::plain::{Network, Surroundings};
use crate::run::build;

/// The options of `preflash board`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  preflash board --serial rfc2217:4000 --flash-file duck.flash
                                  a blank board, which esptool resets by DTR and RTS:
                                  esptool --port rfc2217://127.0.0.1:4000 write-flash 0 my.bin
  preflash board micropython.bin --flash-size 4M --serial pty
                                  prints a pseudo-terminal's name, for miniterm, mpremote, picocom
  preflash board --serial tcp:4000 --boot download --flash-file duck.flash
                                  waits for a download:
                                  esptool --port socket://127.0.0.1:4000 flash-id
  preflash board firmware.bin --serial pty --wifi home:correct-horse
                                  a network around it, with a router, a name server and the cloud
  preflash board --serial pty --scenario my.toml
                                  the world of a scenario, in real time; nothing is judged

The first line of standard output is what programs for serial ports take as the port's name; what
happens to the board goes to standard error. Sockets are open to programs on this computer alone,
one at a time. At standard input `reset` presses the reset button, `download` presses it with GPIO0
held low, `quit` ends the session.

Exit codes:
  0    the session was over
  2    a file or argument is wrong, or a file could not be written
  129  the terminal was closed (SIGHUP)
  130  interrupted (Ctrl-C, SIGINT)
  143  terminated (SIGTERM)")]
pub(super) struct BoardArgs {
    /// The image: a file as it is flashed from the beginning of the flash on, a folder whose files say their offsets by
    /// their names (0x10000.bin), or a list of offsets and files [default: the flash is blank, or the scenario's]
    image: Option<PathBuf>,
    /// What the serial port is: `pty`, a pseudo-terminal; `tcp:PORT`, its bytes on a TCP connection; `rfc2217:PORT`,
    /// the same with baud rate, DTR and RTS. Port 0 takes a free one
    #[arg(long, value_name = "PORT", value_parser = Serial::from_str)]
    serial: Serial,
    /// Keeps the flash in this file, byte by byte. If it is there already, the board goes on with it
    #[arg(long, value_name = "FILE")]
    flash_file: Option<PathBuf>,
    /// Size of the flash: 256K, 512K, 1M, 2M, 4M, 8M or 16M [default: what the image's header says, or 4M]
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    flash_size: Option<u32>,
    /// What the chip does when power comes
    #[arg(long, value_enum, default_value_t = Boot::Flash)]
    boot: Boot,
    /// A network that the device can hear: its name and WPA2 passphrase, or a name alone for an open one; may be given
    /// again
    #[arg(long, value_name = "NAME:PASSPHRASE", value_parser = parse_network)]
    wifi: Vec<Network>,
    /// The board that the module is soldered to [default: yellow-duck]
    #[arg(long, value_name = "NAME")]
    board: Option<String>,
    /// Decides everything that is random [default: 1, or the scenario's]
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(..=i64::MAX as u64))]
    seed: Option<u64>,
    /// The scenario whose world is around the board; its first device is the board
    #[arg(long, value_name = "FILE", conflicts_with_all = ["wifi", "board"])]
    scenario: Option<PathBuf>,
}

/// What a chip does when power comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Boot {
    /// It boots from its flash
    Flash,
    /// It waits for a download over its serial port, as with GPIO0 held low
    Download,
}

/// What a serial port is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Serial {
    Pty,
    Tcp(u16),
    Rfc2217(u16),
}

impl FromStr for Serial {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = "expected pty, tcp:PORT or rfc2217:PORT with a port from 0 to 65535";
        match text.split_once(':') {
            None if text == "pty" => Ok(Self::Pty),
            Some(("tcp", port)) => port.parse().map(Self::Tcp).map_err(|_| wrong),
            Some(("rfc2217", port)) => port.parse().map(Self::Rfc2217).map_err(|_| wrong),
            _ => Err(wrong),
        }
    }
}

impl Serial {
    /// Opens it, and gives what programs call it.
    fn open(self) -> io::Result<(String, Line)> {
        let mut name = String::new();
        let line = match self {
            #[cfg(unix)]
            Self::Pty => Line::open(|events| {
                let (path, output) = simulator_live::pty::open(events)?;
                name = path.display().to_string();
                Ok(output)
            })?,
            #[cfg(not(unix))]
            Self::Pty => return Err(io::Error::other("only Unix systems have pseudo-terminals")),
            Self::Tcp(port) => Line::open(|events| {
                let (address, output) = tcp::open(port, events)?;
                name = format!("socket://{address}");
                Ok(output)
            })?,
            Self::Rfc2217(port) => Line::open(|events| {
                let (address, output) = rfc2217::open(port, events)?;
                name = format!("rfc2217://{address}");
                Ok(output)
            })?,
        };
        Ok((name, line))
    }
}

/// The file that keeps the flash, if one is named.
fn flash_file(args: &BoardArgs) -> Result<Option<FlashFile>, String> {
    let Some(path) = &args.flash_file else { return Ok(None) };
    let opened = FlashFile::open(path.clone());
    opened.map(Some).map_err(|error| format!("could not keep the flash in {}: {error}", path.display()))
}

/// What the flash holds when power comes.
fn contents(args: &BoardArgs, scenario: &Scenario) -> Result<Contents, String> {
    let read = |path: &PathBuf| input::bytes(path, LIMIT).map_err(|error| error.to_string());
    if let Some(file) = args.flash_file.as_ref().filter(|file| file.exists()) {
        if let Some(image) = &args.image {
            return Err(format!(
                "{} is there already, and the board goes on with what it holds: leave {} out, or name another file",
                file.display(),
                image.display()
            ));
        }
        let contents = read(file).and_then(|bytes| Contents::of_dump(bytes).map_err(|error| error.to_string()));
        let contents = contents.map_err(|reason| format!("could not go on with {}: {reason}", file.display()))?;
        return match args.flash_size {
            Some(size) if size != contents.size() => Err(format!(
                "the flash in {} has {} KiB, not {}: leave --flash-size out",
                file.display(),
                contents.size() >> 10,
                size >> 10
            )),
            _ => Ok(contents),
        };
    }
    if let Some(image) = &args.image {
        return boot::contents(image, None, args.flash_size).map_err(|error| error.to_string());
    }
    match scenario.devices.first().and_then(|device| device.firmware.as_ref()) {
        Some(image) => image.contents().map(|contents| Contents::clone(&contents)).map_err(|error| error.to_string()),
        None => Ok(Contents::erased(args.flash_size)),
    }
}

/// The scenario whose world is around the board.
fn scenario(args: &BoardArgs) -> Result<Scenario, String> {
    match &args.scenario {
        Some(file) => Scenario::load(file).map_err(|mistakes| mistakes.render(false).trim_end().to_owned()),
        None => {
            let board = board_of(args.board.as_deref().unwrap_or(BOARDS[0].name))?;
            Surroundings { board, networks: args.wifi.clone(), seed: args.seed.unwrap_or(1) }.scenario()
        }
    }
}

/// Reads commands from standard input, for as long as there are any.
fn heed_commands(events: Events) {
    let read = move || {
        for line in io::stdin().lock().lines() {
            let Ok(line) = line else { return };
            let command = match line.trim() {
                "" => continue,
                "reset" => Say::Reset,
                "download" => Say::Download,
                "quit" => Say::Quit,
                other => {
                    complain(format_args!("there is no command {other:?}: it is one of reset, download, quit"));
                    continue;
                }
            };
            if !events.put(Came::Say(command)) {
                return;
            }
        }
    };
    // Without a thread there are no commands.
    let _ = std::thread::Builder::new().name("commands".to_owned()).spawn(read);
}

/// Is a board until it is told to end, and gives the exit code.
pub(super) fn board(args: &BoardArgs) -> u8 {
    let signals = match live::Signals::heed() {
        Ok(signals) => signals,
        Err(wrong) => return bad_input(wrong),
    };
    // Before it is read: afterwards it is another's no more.
    let flash_file = match flash_file(args) {
        Ok(file) => file,
        Err(wrong) => return bad_input(wrong),
    };
    let prepared = scenario(args).and_then(|scenario| Ok((Arc::new(contents(args, &scenario)?), scenario)));
    let (contents, scenario) = match prepared {
        Ok(prepared) => prepared,
        Err(wrong) => return bad_input(wrong),
    };
    let (name, line) = match args.serial.open() {
        Ok(opened) => opened,
        Err(error) => return bad_input(format_args!("could not open the serial port {}: {error}", shown(args.serial))),
    };
    let seed = Seed(args.seed.unwrap_or(scenario.seed));
    let (mut world, port) = build::board(&scenario, seed, &contents);
    let device = port.device;
    let mut director = args.scenario.is_some().then(|| Director::new(&scenario, seed, &mut world));
    if director.is_none() {
        world.schedule(Instant::START, Command::Power { device, on: true });
    }
    let events = line.events();
    let mut session = Session::new(world, device, port, line);
    if args.boot == Boot::Download {
        session.hold_for_download();
    }
    if let Some(file) = flash_file
        && let Err(error) = session.keep_flash(file)
    {
        return bad_input(error);
    }
    let mut out = io::stdout().lock();
    if writeln!(out, "{name}").and_then(|()| out.flush()).is_err() {
        return super::closed("the serial port's name was written");
    }
    drop(out);
    heed_commands(events);
    let end = if args.scenario.is_some() { Instant::START + scenario.duration } else { Instant::FAR_FUTURE };
    let code = signals.run(&mut session, end, |event, world| {
        if let Some(director) = &mut director {
            director.observe(event, world);
        }
        if live::is_told(&event.kind) {
            complain(format_args!("{} {}", event.at, event.kind));
        }
    });
    live::tell_lost(&session);
    code
}

/// A serial port as it was asked for.
fn shown(serial: Serial) -> String {
    match serial {
        Serial::Pty => "pty".to_owned(),
        Serial::Tcp(port) => format!("tcp:{port}"),
        Serial::Rfc2217(port) => format!("rfc2217:{port}"),
    }
}
