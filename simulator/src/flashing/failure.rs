//! What keeps a board from being flashed, in words that say what to do.

use super::chip::{Chip, ChipError};
use super::esptool::{Ran, last_line};

/// Why a board was not flashed. Before [`Failure::Stopped`] with `writing`, nothing of its flash was touched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// No port of that name.
    #[error("there is no port {port}: is the adapter plugged in? {}", others(.found))]
    NoPort {
        /// Its name.
        port: String,
        /// Ports that there are.
        found: Vec<String>,
    },
    /// Another program has it.
    #[error("{0} is in use by another program, perhaps a serial terminal: close that first")]
    Busy(String),
    /// A server for serial ports that hangs up.
    #[error("the other end of {0} hangs up: another program uses the port behind it, or it does not speak RFC 2217")]
    HungUp(String),
    /// The user may not open it.
    #[error(
        "permission to open {0} is denied: on most systems the port belongs to the group dialout (uucp on some), which \
         you join by `sudo usermod -a -G dialout $USER` and logging in anew"
    )]
    NotAllowed(String),
    /// There is a port, and no boot ROM answers.
    #[error(
        "nothing answers at {port}: hold GPIO0 to ground while the board is reset, so that its boot ROM waits for a \
         download (boards with DTR and RTS do that by themselves; others need a button or a wire, and --manual-reset); \
         GPIO15 to ground, GPIO2 and CH_PD high, RX to TX and TX to RX, a common ground, 3.3 V{}. esptool says: {said}",
        if *.booted { ". The chip does start, but not for a download: GPIO0 was not low" } else { "" }
    )]
    Silent {
        /// The port.
        port: String,
        /// Whether the boot ROM was heard to start something else.
        booted: bool,
        /// What esptool says.
        said: String,
    },
    /// Another chip.
    #[error("the chip is an {0}, and the image is for the ESP8266")]
    OtherChip(String),
    /// The flash does not say what it is.
    #[error(
        "the flash is of a kind that esptool does not know (manufacturer {manufacturer}, device {device}), so that its \
         size is not known{}",
        if matches!(.manufacturer.as_str(), "ff" | "00") { ": it does not answer at all; look at its wiring" } else { "" }
    )]
    UnknownFlash {
        /// Its manufacturer's number.
        manufacturer: String,
        /// Its own number.
        device: String,
    },
    /// Too small a flash.
    #[error("the flash has {} KiB, and the image is for one with {} KiB", .has >> 10, .needs >> 10)]
    SmallFlash {
        /// Bytes that there are.
        has: u32,
        /// Bytes that there must be.
        needs: u32,
    },
    /// The chip went away in the middle.
    #[error(
        "the chip answered and then stopped, in the middle of {during}: the usual cause is a supply that dips when the \
         chip draws 300 mA and more (an adapter's own 3.3 V is often too weak; put 100 µF or more beside the module), \
         then a loose wire, then a rate too high for the line (--baud 115200){}. esptool says: {said}",
        if *.writing { "; what is in the flash now does not boot: flash again" } else { "; nothing was written" }
    )]
    Stopped {
        /// What was being done.
        during: &'static str,
        /// Whether something was written or erased by then.
        writing: bool,
        /// What esptool says.
        said: String,
    },
    /// What is in the flash is not what was written.
    #[error(
        "what is in the flash at {0:#x} is not what was written: flash again; if it happens again, the flash is worn"
    )]
    Different(u32),
    /// What esptool says of the chip is not understood.
    #[error("could not understand this esptool: {0}")]
    Unclear(#[from] ChipError),
    /// Something else.
    #[error("esptool failed: {0}")]
    Other(String),
}

/// What was being done when esptool failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Asking the chip who it is.
    Reading,
    /// Erasing and writing.
    Writing,
    /// Reading back.
    Verifying,
}

impl Failure {
    /// What esptool's complaints mean. `found` are the ports that this computer has.
    pub fn of(ran: &Ran, phase: Phase, port: &str, found: Vec<String>) -> Self {
        let said = ran.stderr.trim();
        let port = port.to_owned();
        if let Some(chip) = between(said, "This chip is ", ", not ESP8266") {
            return Self::OtherChip(chip.to_owned());
        }
        if let Some((_, reason)) = said.split_once("the port is busy or doesn't exist.") {
            let says = |words: &[&str]| words.iter().any(|word| reason.contains(word));
            // What Linux, macOS and Windows say through Python.
            if says(&["exclusively lock", "Errno 16]", "Resource busy", "Access is denied", "Errno 11]"]) {
                return Self::Busy(port);
            }
            if says(&["Errno 13]", "Permission denied"]) {
                return Self::NotAllowed(port);
            }
            if says(&["Errno 2]", "FileNotFoundError", "Errno 111]", "Connection refused"]) {
                return Self::NoPort { port, found };
            }
            let reason = reason.trim().trim_start_matches('(').lines().next().unwrap_or_default();
            return Self::Other(format!("could not open {port}: {}", reason.trim_end_matches(')')));
        }
        let during = match phase {
            Phase::Reading => "asking it who it is",
            Phase::Writing => "erasing and writing",
            Phase::Verifying => "reading back",
        };
        let first = said.lines().find_map(|line| line.split_once("fatal error occurred: "));
        let said = first.map_or_else(|| last_line(ran), |(_, said)| said.trim().to_owned());
        let was_connected = ran.stdout.contains("Connected to ");
        let writing = phase != Phase::Reading;
        if said.contains("MD5 of file does not match") || said.contains("Write failed, the written flash region") {
            return Self::Different(written_at(&ran.stdout).unwrap_or_default());
        }
        // esptool ends without a word when a connection is closed at once.
        if ran.stderr.trim().is_empty() && !ran.stdout.contains("Connecting") && port.contains("://") {
            return Self::HungUp(port);
        }
        if said.starts_with("Failed to connect") && !writing {
            return Self::Silent { port, booted: said.contains("Wrong boot mode"), said };
        }
        if writing || was_connected {
            return Self::Stopped { during, writing, said };
        }
        Self::Other(said)
    }

    /// What keeps this chip from being flashed for a flash of `needs` bytes.
    ///
    /// # Errors
    /// [`Failure`], if something does.
    pub fn look_at(chip: &Chip, needs: u32) -> Result<(), Self> {
        // The ESP8285 is an ESP8266 with its flash in the package.
        if !chip.kind.starts_with("ESP8266") && !chip.kind.starts_with("ESP8285") {
            return Err(Self::OtherChip(chip.kind.clone()));
        }
        match chip.flash.bytes {
            None => Err(Self::UnknownFlash {
                manufacturer: chip.flash.manufacturer.clone(),
                device: chip.flash.device.clone(),
            }),
            Some(has) if has < needs => Err(Self::SmallFlash { has, needs }),
            Some(_) => Ok(()),
        }
    }
}

/// The address of what was being written last.
fn written_at(stdout: &str) -> Option<u32> {
    let (_, address) = stdout.rsplit_once(" at 0x")?;
    let digits = address.split(|c: char| !c.is_ascii_hexdigit()).next()?;
    u32::from_str_radix(digits, 16).ok()
}

fn between<'t>(text: &'t str, before: &str, behind: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once(behind).map(|(found, _)| found)
}

fn others(found: &[String]) -> String {
    if found.is_empty() {
        "This computer has no serial port now".to_owned()
    } else {
        format!("There is {}", found.join(", "))
    }
}
