//! A scenario, checked: what the world is, what happens to it and what must come of it.
//!
//! Values here are whole and consistent: names that are used are defined, intervals do not end before they begin,
//! passphrases have a length that WPA2 allows. Times are durations since the scenario began. What the file's own words
//! were is gone, but for the places that a report points to.

mod devices;
mod expectations;
mod faults;
mod phones;
mod targets;

use std::sync::Arc;
use std::time::Duration;

use crate::units::PerMillion;

pub use devices::*;
pub use expectations::*;
pub use faults::*;
pub use phones::*;
pub use targets::*;

use simulator_parts::PartId;
use simulator_record::events::DeviceId;
use time::OffsetDateTime;
use time::macros::datetime;

use super::matcher::Matcher;
use super::units::{Dbm, DeciCelsius, DeciPercent};

/// A scenario.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// The file as it was named on the command line, for reports.
    pub file: String,
    /// The file's text, for reports that show lines of it.
    pub source: Arc<str>,
    /// A sentence.
    pub title: String,
    /// What happened in the field.
    pub description: Option<String>,
    /// Where it was reported.
    pub links: Vec<String>,
    /// Where all randomness comes from; default 1.
    pub seed: u64,
    /// The calendar at virtual time 0; default 2026-01-01T00:00:00Z.
    pub start: OffsetDateTime,
    /// When the run ends.
    pub duration: Duration,
    /// What the run may contain without failing.
    pub allow: Allow,
    /// After how many equal crashes in a row the run ends before its time.
    pub equal_crashes: EqualCrashes,
    /// The devices, one or more; each one's number is its place here.
    pub devices: Vec<Device>,
    /// The access points in reach.
    pub networks: Vec<Network>,
    /// What lies between router and servers.
    pub internet: Internet,
    /// The cloud.
    pub cloud: Cloud,
    /// People with phones.
    pub phones: Vec<Phone>,
    /// What goes wrong, in the file's order.
    pub faults: Vec<Fault>,
    /// What people do, in the file's order.
    pub steps: Vec<Step>,
    /// How the run is repeated, if it is.
    pub sweep: Option<Sweep>,
    /// What may differ between the targets where it is run on both.
    pub targets: Targets,
    /// What must come of it, in the file's order.
    pub expectations: Vec<Expectation>,
    /// The files that it was read from, its own first; none if it was not read from a disk.
    pub sources: Vec<Source>,
}

/// A file that a scenario was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its path as it was found.
    pub file: String,
    /// SHA-256 of its text.
    pub sha256: [u8; 32],
    /// The text, of the scenario itself.
    pub text: Option<Arc<str>>,
}

impl Scenario {
    /// The calendar at the beginning of a scenario that says nothing of it.
    pub const USUAL_START: OffsetDateTime = datetime!(2026-01-01 00:00:00 UTC);

    /// All images that it runs.
    pub fn images(&self) -> impl Iterator<Item = &FlashImage> {
        let swept = match &self.sweep {
            Some(Sweep::Images(images)) => images.as_slice(),
            Some(Sweep::CutPowerAtEachFlashOperation { .. }) | None => &[],
        };
        self.devices.iter().filter_map(|device| device.firmware.as_ref()).chain(swept)
    }
}

/// What the run may contain; by default a crash, a watchdog reset, a livelock and a storm of requests each fail any
/// scenario.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allow {
    /// Panics of the firmware.
    pub crash: bool,
    /// Resets by the watchdog.
    pub watchdog: bool,
    /// The end of the run by a device that wakes itself without time passing.
    pub livelock: bool,
    /// More requests of a kind than any device in order makes.
    pub request_storm: bool,
}

/// After how many equal crashes in a row a run ends before its time; `None` for never.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EqualCrashes {
    /// Of starts that end with a crash.
    pub crash: Option<u32>,
    /// Of starts that nothing but a watchdog ends.
    pub watchdog: Option<u32>,
}

impl EqualCrashes {
    /// Of what is not allowed: enough to see that it will not stop, and some seconds of computing at most.
    pub const DEFAULT: u32 = 10;

    /// What a file says (0 for never); if it says nothing, [`DEFAULT`](Self::DEFAULT) for what it does not allow.
    pub fn new(said: Option<u32>, allow: Allow) -> Self {
        let limit = |allowed: bool| match said {
            Some(count) => Some(count).filter(|count| *count > 0),
            None => (!allowed).then_some(Self::DEFAULT),
        };
        Self { crash: limit(allow.crash), watchdog: limit(allow.watchdog) }
    }
}

/// Where something stands in the scenario's file, both from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line.
    pub line: u32,
    /// The column, in characters.
    pub column: u32,
}

/// How a value goes over time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Course<T> {
    /// It stays.
    Constant(T),
    /// From one value to another in a straight line, then it stays.
    Ramp {
        /// At the beginning (of the scenario, or of the step that sets it).
        from: T,
        /// At the end.
        to: T,
        /// How long it takes; more than 0.
        over: Duration,
    },
    /// Up and down once a calendar day, as a sine.
    Daily {
        /// In the middle.
        mean: T,
        /// Highest minus mean, in tenths; never negative.
        swing: T,
        /// Time of day, since midnight UTC, at which the value is highest.
        warmest: Duration,
    },
    /// Recorded values: each holds from its time, counted from the beginning, until the next. Ascending, never empty;
    /// the first also holds before its time. Where there is none, the sensor does not answer.
    Recording(Vec<(Duration, Option<T>)>),
}

/// A Wi-Fi network's access point. Those of one name have one router behind them, unless its settings differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// Its name (SSID), 1 to 32 bytes.
    pub name: String,
    /// 8 to 63 bytes, or 64 hexadecimal digits; `None` for an open network.
    pub passphrase: Option<String>,
    /// How it is protected; default WPA2 with a passphrase, else open.
    pub security: Protection,
    /// Default nothing special.
    pub features: Features,
    /// Its hardware address; no two are the same.
    pub bssid: [u8; 6],
    /// 2.4 GHz channel, 1 to 14; default 6.
    pub channel: u8,
    /// As the device receives it; default -60 dBm.
    pub signal: Dbm,
    /// What the router behind it is set up to.
    pub router: RouterSettings,
}

/// What lies between router and servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Internet {
    /// One way, router to server; default 20 ms.
    pub latency: Duration,
}

/// The cloud.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cloud {
    /// What it shows as its certificate; default a good one with a P-256 key that the root has signed.
    pub certificate: CertificateProfile,
    /// When it speaks the TLS of old devices; default off.
    pub legacy_tls: Policy,
    /// The write key of the first device's channel; default drawn from the seed.
    pub write_key: Option<String>,
    /// The name it answers to; default api.thingspeak.com.
    pub host: String,
    /// A port that it answers at besides 80 and 443.
    pub port: Option<CloudPort>,
}

pub use fake_thingspeak::certificates::{
    KeyType, Kind as CertificateKind, Link as CertificateLink, Profile as CertificateProfile,
    Signer as CertificateSigner,
};
pub use fake_thingspeak::legacy_tls::Policy;

pub use simulator_world::air::{Features, Protection, RadioMode};
pub use simulator_world::device::Turn;
pub use simulator_world::internet::{CloudPort, RouterSettings};

/// When something begins.
#[derive(Clone, Debug)]
pub enum Begin {
    /// At this time.
    At(Duration),
    /// Once something has happened.
    After(Box<Trigger>),
}

/// When something ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// With the run.
    Never,
    /// At this time.
    At(Duration),
    /// So long after it began.
    For(Duration),
}

/// The `count`-th event that matches, and then a delay.
#[derive(Clone, Debug)]
pub struct Trigger {
    /// Which events count.
    pub matcher: Matcher,
    /// Which of them it is, from 1.
    pub count: u32,
    /// The delay.
    pub plus: Duration,
    /// Whether each one after it counts, too.
    pub each: bool,
}

/// What people do at a time.
#[derive(Clone, Debug)]
pub struct Step {
    /// When.
    pub when: When,
    /// The device that it is done to.
    pub device: DeviceId,
    /// What.
    pub action: Action,
    /// How likely it is, each time; certain if `None`.
    pub probability: Option<PerMillion>,
    /// Whether a run fails in which it never had an effect.
    pub require_effect: bool,
    /// Where it stands in the file.
    pub place: Place,
}

/// When a step happens, or a fault begins.
#[derive(Clone, Debug)]
pub enum When {
    /// Once, at this time.
    At(Duration),
    /// Once, after something has happened.
    After(Box<Trigger>),
    /// Again and again, first at `from`.
    Every {
        /// Between two times; a millisecond or more.
        period: Duration,
        /// The first time; default one period after the beginning.
        from: Duration,
        /// No later than this; default the end.
        until: Option<Duration>,
    },
}

/// From one typed byte to the next, unless a step says otherwise: somewhat slower than 115,200 baud, which devices keep
/// up with.
pub const TYPING: Duration = Duration::from_micros(200);

/// The bytes that end a typed line.
pub type LineEnding = &'static str;

/// What may end a typed line, by its word. MicroPython, NodeMCU and Espruino want a carriage return, Punyforth and
/// ESP-Linker a line feed.
pub const LINE_ENDINGS: [(&str, LineEnding, &str); 3] = [
    ("cr", "\r", "A carriage return."),
    ("lf", "\n", "A line feed."),
    ("crlf", "\r\n", "A carriage return and a line feed, as a terminal program sends it."),
];

/// What people do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// To the supply.
    Power(PowerAction),
    /// Press and release the reset button.
    PressReset,
    /// To a switch.
    Switch {
        /// Which of the device's parts.
        part: PartId,
        /// Where to.
        on: bool,
        /// How long its contact bounces; default 0.
        bounce: Duration,
    },
    /// Press a button and let go of it.
    Press {
        /// Which of the device's parts.
        part: PartId,
        /// How long it is pressed; more than 0.
        length: Duration,
        /// How long its contact bounces, each time; default 0.
        bounce: Duration,
    },
    /// To the serial port: what is typed there, and how long after the step each byte has arrived.
    Type(Vec<(Duration, u8)>),
    /// To the serial port, too: a program that waits for an answer after each turn.
    Converse(Vec<Turn>),
    /// To the air around a sensor; what is `None` stays as it is.
    Readings {
        /// Which of the device's parts.
        part: PartId,
        /// The temperature from now on.
        temperature: Option<Course<DeciCelsius>>,
        /// The humidity from now on.
        humidity: Option<Course<DeciPercent>>,
    },
}

/// What is done to the supply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PowerAction {
    /// Comes on.
    On,
    /// Goes off.
    Off,
    /// Goes off and comes on again so much later.
    CutFor(Duration),
    /// Dips for so long: the chip resets, the sensor goes on.
    BrownOut(Duration),
}

/// The run again and again, each time with one thing different; every repetition must pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sweep {
    /// The n-th repetition cuts power in the middle of the n-th flash operation of the window.
    CutPowerAtEachFlashOperation {
        /// The window opens.
        from: Duration,
        /// The window closes.
        until: Duration,
        /// How long power stays off.
        off_for: Duration,
    },
    /// The n-th repetition runs the n-th of these in the place of the first device's image.
    Images(Vec<FlashImage>),
}
