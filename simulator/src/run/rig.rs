//! Runs on a rig: a scenario in real time with a real board at the other end of a serial port.
//!
//! A [`Rig`] is a port and what can be done around the board ([`Description`], a TOML file of its owner): reset by DTR
//! and RTS, power and switches by commands, the rest by a person who is asked. [`needs`] says before a run what a
//! scenario needs that the rig cannot do; such a scenario is not run. What is run is judged by the same expectations
//! over the same kinds of events as in a simulated world, of which a rig sees only what comes out of the serial port,
//! what reaches the cloud, and what it does itself.

mod cloud_faults;
mod feed;
mod means;
mod needs;
mod prompt;
mod session;
mod timeline;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use serde::{Deserialize, Deserializer, de};
use simulator_live::port::SerialPort;

pub use needs::needs;
use prompt::Prompter;
pub(super) use session::run;

/// A board at a serial port, and what can be done around it.
#[derive(Debug)]
pub struct Rig {
    /// What can be done.
    description: Description,
    /// The open port.
    port: Mutex<SerialPort>,
    /// Who is asked what has to be done by hand.
    prompter: Mutex<Prompter>,
}

/// The port cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("could not open the serial port {port}: {reason}{advice}")]
pub struct PortError {
    port: String,
    reason: std::io::Error,
    advice: &'static str,
}

impl Rig {
    /// Opens the port.
    ///
    /// # Errors
    /// If it is not there, is in use, or may not be opened.
    pub fn open(port: &str, description: Description) -> Result<Self, PortError> {
        let opened = SerialPort::open(port, description.baud).map_err(|reason| {
            let advice = match reason.kind() {
                std::io::ErrorKind::PermissionDenied => "; on Linux, members of the group `dialout` may open it",
                std::io::ErrorKind::NotFound => "; `ls /dev/serial/by-id` lists those that are plugged in on Linux",
                _ => "",
            };
            PortError { port: port.to_owned(), reason, advice }
        })?;
        Ok(Self { description, port: Mutex::new(opened), prompter: Mutex::default() })
    }
}

/// The file of a rig.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct File {
    #[serde(default)]
    rig: Description,
}

/// What can be done around a board.
///
/// ```toml
/// [rig]
/// power = { on = "uhubctl -l 1-1 -a on", off = "uhubctl -l 1-1 -a off" }
/// networks = ["home"]
/// feed = "http://192.168.1.5:8080/channels/1/feeds.json"
///
/// [rig.parts]
/// config = "prompt"
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Description {
    /// The rate of the firmware's serial port, in baud.
    baud: u32,
    /// How the board is reset.
    reset: Reset,
    /// How its supply is switched, if it can be.
    power: Option<Switching>,
    /// How parts on its pins are moved, by their names: switches and buttons.
    parts: BTreeMap<String, Switching>,
    /// Names of the Wi-Fi networks that are there, with the passphrases of the scenarios.
    networks: Vec<String>,
    /// The board has been set up as the `[settings]` of the scenarios say.
    settings: bool,
    /// The image that the board has been flashed with.
    flashed: Option<PathBuf>,
    /// Somebody with a phone is there and does what is asked.
    phones: Option<Prompt>,
    /// Where the channel's entries are read: `http://…/channels/N/feeds.json`, with a read key if it needs one.
    feed: Option<String>,
    /// The fake ThingSpeak at which faults of the cloud are set: `http://HOST:PORT`.
    cloud: Option<String>,
    /// A scenario that takes longer is not run.
    #[serde(deserialize_with = "duration")]
    longest: Duration,
}

impl Default for Description {
    fn default() -> Self {
        Self {
            baud: 115_200,
            reset: Reset::DtrRts,
            power: None,
            parts: BTreeMap::new(),
            networks: Vec::new(),
            settings: false,
            flashed: None,
            phones: None,
            feed: None,
            cloud: None,
            longest: Duration::from_hours(1),
        }
    }
}

impl Description {
    /// Reads one from a file's text.
    ///
    /// # Errors
    /// What is wrong, with its place.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text).map(|file: File| file.rig)
    }
}

/// How a board is reset.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Reset {
    /// RTS pulls the reset pin, as on the usual boards.
    DtrRts,
    /// A person presses the button.
    Prompt,
    /// This command does.
    Command(String),
    /// It is not.
    None,
}

/// How something is switched on and off.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged, expecting = "expected \"prompt\" or { on = \"COMMAND\", off = \"COMMAND\" }")]
enum Switching {
    /// A person does it.
    Prompt(Prompt),
    /// These commands do.
    Commands(Commands),
}

/// Commands of a shell.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Commands {
    on: String,
    off: String,
}

/// The word for what a person is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Prompt {
    Prompt,
}

fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    humantime::parse_duration(&text).map_err(|error| de::Error::custom(format!("{error}; expected a time such as 10m")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rig_is_read_and_mistakes_are_told_with_their_place() {
        let text = "[rig]\nreset = { command = 'usbrelay R=1' }\npower = 'prompt'\nlongest = '10m'\n\
                    [rig.parts]\nconfig = { on = 'a', off = 'b' }\n";
        let rig = Description::parse(text).unwrap();
        assert_eq!(rig.reset, Reset::Command("usbrelay R=1".to_owned()));
        assert_eq!(rig.power, Some(Switching::Prompt(Prompt::Prompt)));
        assert_eq!(rig.longest, Duration::from_mins(10));
        let commands = Commands { on: "a".to_owned(), off: "b".to_owned() };
        assert_eq!(rig.parts["config"], Switching::Commands(commands));
        assert_eq!(Description::parse("").unwrap(), Description::default());
        for (wrong, said) in [
            ("[rig]\npower = 'on'\n", "expected \"prompt\" or { on"),
            ("[rig]\nreset = 'button'\n", "unknown variant `button`"),
            ("[rig]\nlongest = 'soon'\n", "expected a time such as 10m"),
            ("[rig]\nspeed = 9600\n", "unknown field `speed`"),
        ] {
            let error = Description::parse(wrong).unwrap_err().to_string();
            assert!(error.contains(said) && error.contains("line 2"), "{error}");
        }
    }
}
