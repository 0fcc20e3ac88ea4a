//! An access point: its name, how it is protected, whether it answers, and who has joined it.
//!
//! It may be one of the world's with a router behind it, or a device's own in configuration mode; what lies behind it
//! is the same to its stations.
//!
//! Several access points may have one name, as a mesh or a repeater does: a station that joins takes the strongest, and
//! stays there until it loses it.
//!
//! Not modelled: channels that disturb each other, access points that hand stations over.

use std::collections::BTreeMap;
use std::time::Duration;

use simulator_wlan::management::{STATUS_ELEMENT, STATUS_FULL};
use simulator_wlan::rate::Rate;

use super::{Mac, StationId};
use simulator_record::time::Instant;

/// How a network is protected, or what a station brings for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Security {
    /// Not at all.
    Open,
    /// WPA2 with this passphrase of 8 to 63 characters, or pre-shared key of 64 hexadecimal digits. Only like fits
    /// like: the key that a passphrase stands for is not worked out. That is what stations bring.
    Wpa2(String),
    /// The same of a network that would take stations of WPA, too, and so encrypts with TKIP what is for all: routers
    /// call it WPA/WPA2 mixed.
    Mixed(String),
    /// The same of a network that would take stations of WPA3, too: routers call it WPA2/WPA3 transition.
    Transition(String),
    /// WPA3 alone: nobody is let in who does not know SAE.
    Wpa3(String),
    /// WPA alone, with TKIP for all frames: nobody is let in.
    Wpa(String),
    /// WEP: nobody is let in.
    Wep,
}

impl Security {
    /// The same without its passphrase.
    pub fn protection(&self) -> Protection {
        match self {
            Self::Open => Protection::Open,
            Self::Wpa2(_) => Protection::Wpa2,
            Self::Mixed(_) => Protection::Mixed,
            Self::Transition(_) => Protection::Transition,
            Self::Wpa3(_) => Protection::Wpa3,
            Self::Wpa(_) => Protection::Wpa,
            Self::Wep => Protection::Wep,
        }
    }

    /// The passphrase, if there is one.
    pub(super) fn passphrase(&self) -> Option<&str> {
        match self {
            Self::Wpa2(passphrase)
            | Self::Mixed(passphrase)
            | Self::Transition(passphrase)
            | Self::Wpa3(passphrase)
            | Self::Wpa(passphrase) => Some(passphrase),
            Self::Open | Self::Wep => None,
        }
    }

    /// Whether a station that brings `given` can try to join.
    pub(super) fn fits(&self, given: &Self) -> bool {
        match self {
            Self::Open => *given == Self::Open,
            // A driver that does not know SAE tries its pre-shared key there, too, and is refused.
            Self::Wpa2(_) | Self::Mixed(_) | Self::Transition(_) | Self::Wpa3(_) => given.passphrase().is_some(),
            Self::Wpa(_) | Self::Wep => false,
        }
    }
}

/// Which rates an access point has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RadioMode {
    /// 802.11b: up to 11 Mbit/s.
    B,
    /// 802.11b/g: up to 54 Mbit/s.
    #[default]
    G,
    /// 802.11b/g/n: up to 72 Mbit/s.
    N,
    /// 802.11n, and no station that cannot do it.
    NOnly,
}

impl RadioMode {
    /// Its word, and what that means.
    pub const fn row(self) -> (&'static str, Self, &'static str) {
        match self {
            Self::B => ("b", self, "802.11b: up to 11 Mbit/s."),
            Self::G => ("g", self, "802.11b/g: up to 54 Mbit/s."),
            Self::N => (
                "n",
                self,
                "802.11b/g/n, one stream of 20 MHz. Without WMM, which is not modelled, an ESP8266 joins as a station of 802.11n and sends at the rates of 802.11g.",
            ),
            Self::NOnly => {
                ("n-only", self, "The same, and a station that does not ask for 802.11n is refused with status 27.")
            }
        }
    }

    /// Whether its stations may use 802.11n.
    pub(super) fn has_high_throughput(self) -> bool {
        matches!(self, Self::N | Self::NOnly)
    }
}

/// How a network is protected, without its passphrase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// Not at all.
    Open,
    /// WPA2.
    Wpa2,
    /// WPA2 with TKIP for what is for all.
    Mixed,
    /// WPA2 and WPA3.
    Transition,
    /// WPA3.
    Wpa3,
    /// WPA.
    Wpa,
    /// WEP.
    Wep,
}

impl Protection {
    /// Its word, and what that means.
    pub const fn row(self) -> (&'static str, Self, &'static str) {
        let about = match self {
            Self::Open => "Not at all.",
            Self::Wpa2 => "WPA2 with a pre-shared key: CCMP.",
            Self::Mixed => {
                "WPA/WPA2 mixed, as many routers come: stations join by WPA2, and what is for all is encrypted with TKIP. Stations that can WPA only are refused."
            }
            Self::Transition => {
                "WPA2/WPA3 transition, as newer routers come: stations may bring a pre-shared key or SAE, and may protect their management frames. An ESP8266 joins by WPA2."
            }
            Self::Wpa3 => {
                "WPA3 alone: SAE, with protected management frames. An ESP8266 tries its passphrase as for WPA2, and is `refused` with status 43 (SDK 2) or 40 (SDK 3)."
            }
            Self::Wpa => {
                "WPA alone, with TKIP, as routers of 2004 come. TKIP for a pair's own frames is not modelled: it lets nobody in, `security mismatch`."
            }
            Self::Wep => "WEP: it is there and lets nobody in, `security mismatch`.",
        };
        let word = match self {
            Self::Open => "open",
            Self::Wpa2 => "wpa2",
            Self::Mixed => "wpa-wpa2",
            Self::Transition => "wpa2-wpa3",
            Self::Wpa3 => "wpa3",
            Self::Wpa => "wpa",
            Self::Wep => "wep",
        };
        (word, self, about)
    }

    /// Whether it goes with a passphrase.
    pub fn has_passphrase(self) -> bool {
        self.with(None).passphrase().is_some()
    }

    /// What an access point is set up to; `passphrase` is its own, if there is one.
    pub fn with(self, passphrase: Option<&str>) -> Security {
        let passphrase = || passphrase.unwrap_or_default().to_owned();
        match self {
            Self::Open => Security::Open,
            Self::Wpa2 => Security::Wpa2(passphrase()),
            Self::Mixed => Security::Mixed(passphrase()),
            Self::Transition => Security::Transition(passphrase()),
            Self::Wpa3 => Security::Wpa3(passphrase()),
            Self::Wpa => Security::Wpa(passphrase()),
            Self::Wep => Security::Wep,
        }
    }
}

/// What else an access point can be set up to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Features {
    /// Its beacons do not tell its name; who asks for it by name is answered.
    pub is_hidden: bool,
    /// So often the key for what is for all is renewed; `None` for never.
    pub group_rekey: Option<Duration>,
    /// Its rates.
    pub mode: RadioMode,
}

/// What an access point is set up to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessPointConfig {
    /// Network name (SSID), 1 to 32 bytes.
    pub name: String,
    /// Its hardware address, no other's.
    pub bssid: Mac,
    /// 2.4 GHz channel, 1 to 14.
    pub channel: u8,
    /// How it is protected.
    pub security: Security,
    /// How strong stations receive it, in dBm; below [`super::station::SENSITIVITY`] they do not.
    pub signal: i8,
    /// How many stations may join; the next is refused. An ESP8266's own access point takes 4 unless told otherwise.
    pub capacity: usize,
    /// What else there is.
    pub features: Features,
}

impl AccessPointConfig {
    /// The rate of data between it and a station: the weaker the signal, the slower what comes through.
    pub fn data_rate(&self) -> Rate {
        match self.signal {
            -80.. if self.features.mode == RadioMode::B => Rate::ELEVEN_MEGABITS,
            _ if self.features.mode == RadioMode::B => Rate::ONE_MEGABIT,
            -68.. => Rate::FIFTY_FOUR_MEGABITS,
            -80.. => Rate::TWENTY_FOUR_MEGABITS,
            -87.. => Rate::SIX_MEGABITS,
            _ => Rate::ONE_MEGABIT,
        }
    }
}

/// What an access point does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessPointState {
    /// It serves.
    On,
    /// It is not there.
    Off,
    /// It refuses to take new stations and serves those it has.
    Refusing {
        /// The status code that it tells them (IEEE 802.11-2020 table 9-50).
        status: u16,
    },
    /// It sends, beacons too, but hears nothing.
    Deaf,
}

/// An access point in the air.
pub(super) struct AccessPoint {
    pub(super) config: AccessPointConfig,
    pub(super) state: AccessPointState,
    /// It is the own one of a radio at register level, which frames reach and come from.
    pub(super) is_radio: bool,
    /// When it last came up; it knows nothing from before.
    pub(super) up_since: Instant,
    /// Who has joined.
    pub(super) members: BTreeMap<Mac, StationId>,
}

impl AccessPoint {
    pub(super) fn new(config: AccessPointConfig, at: Instant) -> Self {
        Self { config, state: AccessPointState::On, is_radio: false, up_since: at, members: BTreeMap::new() }
    }

    pub(super) fn is_up(&self) -> bool {
        self.state != AccessPointState::Off
    }

    pub(super) fn hears(&self) -> bool {
        matches!(self.state, AccessPointState::On | AccessPointState::Refusing { .. })
    }

    /// Whether it takes one more station; if not, the status code that it tells it.
    pub(super) fn admits(&self) -> Result<(), u16> {
        match self.state {
            AccessPointState::Refusing { status } => Err(status),
            // Nobody knows SAE, and SDK 3 sends no element for keys that it does not know.
            _ if matches!(self.config.security, Security::Wpa3(_)) => Err(STATUS_ELEMENT),
            _ if self.members.len() >= self.config.capacity => Err(STATUS_FULL),
            _ => Ok(()),
        }
    }

    pub(super) fn is_member(&self, mac: Mac, station: StationId) -> bool {
        self.members.get(&mac) == Some(&station)
    }
}
