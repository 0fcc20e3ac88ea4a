//! `preflash flash`: an image that has passed, put on a board by `esptool`.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use simulator_live::port::SerialPort;
use simulator_world::device::esp8266::Contents;

use super::outputs::{Content, Output};
use super::verify::{Gate, contents};
use super::{FAILED, GOOD, OK, bad_input, complain};
use crate::flashing::chip::{self, Chip};
use crate::flashing::esptool::Esptool;
use crate::flashing::failure::{Failure, Phase};
use crate::flashing::follow::{Heard, Wanted, follow};
use crate::flashing::page::{Page, WEB_TOOLS};
use crate::flashing::plan::Plan;
use crate::flashing::record::{Outcome, Record, Unvalidated};
use crate::validation::statement::{Resource, Verdict};
use crate::validation::{sha256, subjects};

/// The options of `preflash flash`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  preflash flash --port /dev/ttyUSB0              target/esp07/vendor, if validated.json says that it passed
  preflash flash --port COM4 firmware.bin --manifest release.json --policy policy.toml
  preflash flash --port /dev/ttyUSB0 firmware.bin --dry-run
                                                  prints the commands, and runs none
  preflash flash --port /dev/ttyUSB0 firmware.bin --unvalidated 'a bisection of the heap bug'
  preflash flash --page public firmware.bin       a folder with a page that flashes from a browser
  preflash flash --install-esptool                into an environment of preflash's own

Chip, MAC address and flash are read first; what does not fit is refused before anything is written. The first sector is
erased before all else and written last, so that what was interrupted does not boot. Sectors in which the device keeps
its settings are left alone, unless --erase is given. The board is reset then, and must say that it runs what was
flashed: the yellow duck's banner with the image's version, the text after --expect, or any line at all.

Exit codes:
  0    the board runs what has passed
  1    the image is not validated, the board cannot be flashed, or does not say what it should
  2    bad input, or no esptool 5")]
pub(super) struct FlashArgs {
    /// The image, named as for `preflash validate` [default: target/esp07/vendor]
    image: Option<PathBuf>,
    /// The board's serial port: /dev/ttyUSB0, COM4, rfc2217://HOST:PORT, socket://HOST:PORT
    #[arg(long, value_name = "PORT", required_unless_present_any = ["install_esptool", "page"])]
    port: Option<String>,
    /// The statement that `preflash validate` has written
    #[arg(long, value_name = "FILE", default_value = "validated.json")]
    manifest: PathBuf,
    /// What the image must have passed, as for `preflash verify`
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Flash the image although it is not validated, for this reason, which is written down
    #[arg(long, value_name = "REASON", value_parser = parse_reason)]
    unvalidated: Option<String>,
    /// Erase all of the flash first: settings, calibration, files
    #[arg(long)]
    erase: bool,
    /// Read back what was written and compare its digests, beside the comparison of hashes that esptool's stub makes
    #[arg(long)]
    read_back: bool,
    /// The rate while writing, in baud
    #[arg(long, value_name = "BAUD", default_value_t = 460_800)]
    baud: u32,
    /// DTR and RTS do not reach the chip: it waits for a download already, and you reset it by hand
    #[arg(long)]
    manual_reset: bool,
    /// What the board must say after its reset [default: the yellow duck's banner, or any line]
    #[arg(long, value_name = "TEXT")]
    expect: Option<String>,
    /// For how long the board is listened to at most; 0s does not listen
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = humantime::parse_duration)]
    listen: Duration,
    /// The rate of the firmware's log, in baud
    #[arg(long, value_name = "BAUD", default_value_t = 115_200)]
    log_baud: u32,
    /// The program esptool, version 5 or newer [default: the one that --install-esptool has installed, or the PATH's]
    #[arg(long, value_name = "FILE", env = "PREFLASH_ESPTOOL", hide_env_values = true)]
    esptool: Option<PathBuf>,
    /// Install esptool into an environment of preflash's own, with Python, and use that
    #[arg(long, conflicts_with = "esptool")]
    install_esptool: bool,
    /// Print the commands, and run none
    #[arg(long)]
    dry_run: bool,
    /// Instead of flashing: write a folder with a page that flashes the image from a browser, by ESP Web Tools
    #[arg(long, value_name = "DIR", conflicts_with_all = ["port", "dry_run"])]
    page: Option<PathBuf>,
    /// Where that page loads ESP Web Tools from: a URL, or a path from the folder
    #[arg(long, value_name = "URL", default_value = WEB_TOOLS, requires = "page")]
    web_tools: String,
    /// Where it is written down what was put on which board
    #[arg(long, value_name = "FILE", default_value = "flashed.json")]
    record: PathBuf,
}

/// What is flashed without a name: the yellow duck.
const IMAGE: &str = "target/esp07/vendor";
/// What the yellow duck says first, with its version behind it.
const BANNER: &str = "yellow duck ";
/// The rate at which boot ROM and stub are spoken to until esptool asks for another one.
const ROM_BAUD: u32 = 115_200;

fn parse_reason(text: &str) -> Result<String, &'static str> {
    if text.trim().is_empty() { Err("a reason is a sentence, not nothing") } else { Ok(text.trim().to_owned()) }
}

/// Why nothing was flashed, and the exit code.
enum Refusal {
    /// Bad input.
    Input(String),
    /// The image, or the board.
    Failed(String),
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure.to_string())
    }
}

/// Flashes a board, and gives the exit code.
pub(super) fn flash(args: &FlashArgs) -> u8 {
    match attempt(args) {
        Ok(()) => OK,
        Err(Refusal::Input(wrong)) => bad_input(wrong),
        Err(Refusal::Failed(why)) => {
            let _ = bad_input(why);
            FAILED
        }
    }
}

fn attempt(args: &FlashArgs) -> Result<(), Refusal> {
    let input = |error: &dyn std::fmt::Display| Refusal::Input(error.to_string());
    if args.install_esptool {
        let esptool = Esptool::install().map_err(|error| input(&error))?;
        complain(format_args!("installed esptool {}", esptool.version));
    }
    if args.port.is_none() && args.page.is_none() {
        return Ok(());
    }
    let image = args.image.clone().unwrap_or_else(|| IMAGE.into());
    let contents = contents(&image).map_err(Refusal::Input)?;
    let passed = pass(args, &image, &contents)?;
    let plan = Plan::new(&contents, args.erase);
    if let Some(folder) = &args.page {
        return page(args, folder, &image, &contents, &plan, &passed);
    }
    let Some(port) = args.port.as_deref() else { return Ok(()) };
    let esptool = Esptool::find(args.esptool.as_deref()).map_err(|error| input(&error))?;
    let board = Board { esptool: &esptool, port, args };
    if args.dry_run {
        return board.print(&plan);
    }
    let mut record = Output::new(args.record.clone(), Content::Flashed).map_err(|error| input(&error))?;
    record.prepare().map_err(|error| input(&error))?;
    let chip = board.read()?;
    complain(format_args!(
        "{} {}, flash {}{} of {}",
        chip.kind,
        chip.mac,
        chip.flash.manufacturer,
        chip.flash.device,
        chip.flash.bytes.map_or_else(|| "unknown size".to_owned(), |bytes| format!("{} KiB", bytes >> 10))
    ));
    Failure::look_at(&chip, plan.size)?;
    let mut kept = Record {
        outcome: Outcome::Interrupted,
        port: port.to_owned(),
        chip,
        parts: subjects(&contents),
        erased: args.erase,
        manifest: passed.gate.as_ref().map(|gate| resource(args, gate)),
        unvalidated: passed.unvalidated,
        verified: None,
        heard: None,
        esptool: esptool.version.clone(),
        preflash: env!("CARGO_PKG_VERSION"),
    };
    let write = |kept: &Record| record.write(&kept.to_text()).map_err(|error| input(&error));
    // From here on the board is not what it was.
    write(&kept)?;
    kept.verified = Some(board.write(&plan, &contents)?);
    kept.outcome = Outcome::Written;
    write(&kept)?;
    if args.listen.is_zero() {
        complain(format_args!("flashed and compared; reset the board to start it"));
        return Ok(());
    }
    let heard = board.listen(&contents);
    kept.outcome = if heard.is_ok() { Outcome::Started } else { Outcome::NotHeard };
    kept.heard = heard.as_ref().ok().cloned();
    write(&kept)?;
    let line = heard?;
    let good = GOOD;
    complain(format_args!("{good}flashed:{good:#} the board runs what was written, and says {line:?}"));
    Ok(())
}

/// Writes a folder with a page.
fn page(
    args: &FlashArgs,
    folder: &Path,
    image: &Path,
    contents: &Contents,
    plan: &Plan,
    Passed { gate, unvalidated }: &Passed,
) -> Result<(), Refusal> {
    // A statement that does not validate these bytes is none of the page's.
    let gate = gate.as_ref().filter(|_| unvalidated.is_none());
    let said = match (gate, unvalidated) {
        (Some(gate), _) => format!("These bytes have passed their scenarios: {}.", gate.cases()),
        (None, Some(why)) => format!("These bytes are not validated. Reason: {}", why.reason),
        (None, None) => String::new(),
    };
    let version = gate.map(|gate| sha256(gate.text.as_bytes())[..12].to_owned());
    let name = image.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let page = Page {
        name: if contents.mark().is_some() { "Yellow duck" } else { &name },
        said: &said,
        version: version.as_deref().unwrap_or("unvalidated"),
        statement: gate.map(|gate| gate.text.as_str()),
        tools: &args.web_tools,
        plan,
    };
    let fails = |error| Refusal::Input(format!("could not write {}: {error}", folder.display()));
    page.write(folder).map_err(fails)?;
    complain(format_args!("{} has the page; serve it by HTTPS, or from this computer", folder.display()));
    if contents.mark().is_some() {
        complain(format_args!(
            "the image has the vendor's SDK in it, whose licence is for the ESP8266 only: look at it before you publish"
        ));
    }
    Ok(())
}

/// What lets an image pass.
struct Passed {
    /// The statement that it was held against, if there is one.
    gate: Option<Gate>,
    /// What went past that.
    unvalidated: Option<Unvalidated>,
}

/// A statement as a record names it.
fn resource(args: &FlashArgs, gate: &Gate) -> Resource {
    let result = serde_json::to_value(gate.statement.predicate.result).unwrap_or_default();
    Resource::of(args.manifest.display().to_string(), gate.text.as_bytes()).with("result", result)
}

/// Lets a validated image pass, and another one for a reason.
fn pass(args: &FlashArgs, image: &Path, contents: &Contents) -> Result<Passed, Refusal> {
    let (gate, missing) = match Gate::look(contents, &args.manifest, args.policy.as_deref()) {
        Ok(gate) if gate.missing.is_empty() => {
            complain(format_args!("{} is validated: {}", image.display(), gate.cases()));
            if gate.statement.predicate.result == Verdict::Warned {
                complain(format_args!("warning: some of them touched what is not modelled; the statement names it"));
            }
            return Ok(Passed { gate: Some(gate), unvalidated: None });
        }
        Ok(gate) => {
            let missing: Vec<String> = gate.missing.iter().map(ToString::to_string).collect();
            (Some(gate), missing)
        }
        Err(wrong) => (None, vec![wrong]),
    };
    if let Some(reason) = &args.unvalidated {
        complain(format_args!("warning: not validated, and flashed all the same: {reason}"));
        return Ok(Passed { gate, unvalidated: Some(Unvalidated { reason: reason.clone(), missing }) });
    }
    let lines: String = missing.iter().map(|what| format!("\n  {what}")).collect();
    Err(Refusal::Failed(format!(
        "{} is not validated by {}, and is not flashed:{lines}\nvalidate it (preflash validate), or say why it is to be \
         flashed all the same (--unvalidated REASON)",
        image.display(),
        args.manifest.display()
    )))
}

/// A board at the other end of a serial port, with what programs it.
struct Board<'a> {
    esptool: &'a Esptool,
    port: &'a str,
    args: &'a FlashArgs,
}

impl Board<'_> {
    /// The arguments of a run of esptool. A rate that was set stays with the stub, and the next run would not find it
    /// there; so that is set in the last one alone.
    fn arguments(&self, before: &str, after: &str, baud: u32, command: Vec<String>) -> Vec<String> {
        let before = if self.args.manual_reset { "no-reset" } else { before };
        let baud = baud.to_string();
        let options = ["--chip", "esp8266", "--port", self.port, "--baud", &baud, "--before", before, "--after", after];
        options.iter().map(|word| (*word).to_owned()).chain(command).collect()
    }

    fn reading(&self) -> Vec<String> {
        self.arguments("default-reset", "no-reset-stub", ROM_BAUD, vec!["flash-id".to_owned()])
    }

    fn erasure(&self, plan: &Plan) -> Vec<String> {
        self.arguments("no-reset", "no-reset-stub", ROM_BAUD, plan.erasure())
    }

    fn writing(&self, plan: &Plan, folder: &Path) -> Vec<String> {
        let command = plan.writing(|piece| folder.join(piece.file()).display().to_string());
        // Without a reset the stub is what reads back, at the rate that esptool begins with.
        let (after, baud) = match (self.args.read_back, self.args.manual_reset) {
            (true, true) => ("no-reset-stub", ROM_BAUD),
            _ => ("no-reset", self.args.baud),
        };
        self.arguments("no-reset", after, baud, command)
    }

    fn reading_back(&self, offset: u32, length: usize, file: &Path) -> Vec<String> {
        let command =
            ["read-flash".to_owned(), format!("{offset:#x}"), format!("{length:#x}"), file.display().to_string()];
        let (after, baud) =
            if self.args.manual_reset { ("no-reset-stub", ROM_BAUD) } else { ("no-reset", self.args.baud) };
        self.arguments("default-reset", after, baud, command.to_vec())
    }

    /// Prints the commands that would be run.
    fn print(&self, plan: &Plan) -> Result<(), Refusal> {
        let mut text = String::new();
        for arguments in [self.reading(), self.erasure(plan), self.writing(plan, Path::new("DIR"))] {
            text += &format!("{}\n", self.esptool.line(&arguments));
        }
        text += "# where DIR has\n";
        for piece in &plan.pieces {
            let digest = sha256(&piece.bytes);
            text += &format!("#   {} {:7} bytes, SHA-256 {digest}: {}\n", piece.file(), piece.bytes.len(), piece.what);
        }
        if super::written(std::io::Write::write_all(&mut std::io::stdout(), text.as_bytes()), "the commands", OK) == OK
        {
            Ok(())
        } else {
            Err(Refusal::Input("the commands were not written".to_owned()))
        }
    }

    /// Runs esptool; what it complains of becomes words.
    fn run(&self, arguments: &[String], phase: Phase, show: bool) -> Result<String, Refusal> {
        let ran = self.esptool.run(arguments, show).map_err(|error| Refusal::Input(error.to_string()))?;
        if ran.succeeded {
            return Ok(ran.stdout);
        }
        Err(Failure::of(&ran, phase, self.port, simulator_live::port::names()).into())
    }

    /// Asks the chip who it is.
    fn read(&self) -> Result<Chip, Refusal> {
        let said = self.run(&self.reading(), Phase::Reading, false)?;
        chip::parse(&said).map_err(|error| Failure::from(error).into())
    }

    /// Erases, writes and compares; how it was compared.
    fn write(&self, plan: &Plan, contents: &Contents) -> Result<&'static str, Refusal> {
        let fails = |what: &str, error: std::io::Error| Refusal::Input(format!("could not write {what}: {error}"));
        let folder = tempfile::Builder::new().prefix("preflash-").tempdir();
        let folder = folder.map_err(|error| fails("a folder for esptool", error))?;
        for piece in &plan.pieces {
            let file = piece.file();
            fs::write(folder.path().join(&file), &piece.bytes).map_err(|error| fails(&file, error))?;
        }
        if let Some(kept) = &plan.kept {
            complain(format_args!("{:#x} to {:#x} is kept: the device's settings", kept.start, kept.end - 1));
        }
        self.run(&self.erasure(plan), Phase::Writing, false)?;
        let said = self.run(&self.writing(plan, folder.path()), Phase::Writing, true)?;
        // Each piece, by the stub; the boot ROM alone would compare nothing and say nothing.
        let verified = said.lines().filter(|line| line.trim() == "Hash of data verified.").count();
        if verified != plan.pieces.len() {
            let what = format!("it has compared {verified} of {} pieces with the flash", plan.pieces.len());
            return Err(Failure::Other(what).into());
        }
        if !self.args.read_back {
            return Ok("hashes by esptool's stub");
        }
        for (part, subject) in contents.parts().iter().zip(subjects(contents)) {
            let file = folder.path().join("back.bin");
            self.run(&self.reading_back(part.offset, part.bytes.len(), &file), Phase::Verifying, true)?;
            let back = fs::read(&file).map_err(|error| Refusal::Input(format!("could not read back: {error}")))?;
            if subject.sha256() != Some(&sha256(&back)) {
                return Err(Failure::Different(part.offset).into());
            }
        }
        Ok("read back")
    }

    /// Resets the board, and hears what it says: the line that was waited for.
    fn listen(&self, contents: &Contents) -> Result<String, Refusal> {
        let gone =
            |error| Refusal::Failed(format!("flashed and compared, but {} cannot be listened to: {error}", self.port));
        let mut port = SerialPort::open(self.port, self.args.log_baud).map_err(gone)?;
        if self.args.manual_reset || !port.has_lines() {
            complain(format_args!("release GPIO0 and reset the board"));
        } else {
            // What was said before the reset is not what is waited for.
            port.reset(|port| while port.receive(Duration::ZERO).is_some_and(|received| received.bytes.is_ok()) {})
                .map_err(gone)?;
        }
        let wanted = match (&self.args.expect, contents.mark()) {
            (Some(text), _) => Wanted::Text(text.clone()),
            (None, Some(_)) => Wanted::Banner(BANNER),
            (None, None) => Wanted::Line,
        };
        let image: Vec<&[u8]> = contents.parts().iter().map(|part| part.bytes.as_slice()).collect();
        let limit = self.args.listen;
        let heard = follow(&port, &wanted, &image, limit, |line| complain(format_args!("| {line}"))).map_err(gone)?;
        let waited = match wanted {
            Wanted::Line => "a line of text".to_owned(),
            Wanted::Text(text) => format!("{text:?}"),
            Wanted::Banner(banner) => format!("{banner:?} and its version"),
        };
        match heard {
            Heard::Wanted(line) => Ok(line),
            Heard::OtherVersion(line) => Err(Refusal::Failed(format!(
                "flashed and compared, but the board says {line:?}, a version that is not in the image: it runs \
                 something else"
            ))),
            Heard::Nothing { lines } => Err(Refusal::Failed(format!(
                "flashed and compared, but within {} the board did not say {waited}, in {lines} lines at {} baud: look at \
                 its supply, at GPIO0 (high), GPIO2 (high) and GPIO15 (low), and at the rate (--log-baud)",
                humantime::format_duration(limit),
                self.args.log_baud
            ))),
        }
    }
}
