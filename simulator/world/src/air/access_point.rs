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

use super::{Mac, StationId};
use simulator_record::time::Instant;

/// How a network is protected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Security {
    /// Not at all.
    Open,
    /// WPA2 with this passphrase of 8 to 63 characters, or pre-shared key of 64 hexadecimal digits. Only like fits
    /// like: the key that a passphrase stands for is not worked out.
    Wpa2(String),
}

/// What an access point is set up to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessPointConfig {
    /// Network name (SSID), 1 to 32 bytes.
    pub name: String,
    /// Its hardware address, no other's.
    pub bssid: Mac,
    /// 2.4 GHz channel, 1 to 13.
    pub channel: u8,
    /// How it is protected.
    pub security: Security,
    /// How strong stations receive it, in dBm; below [`super::station::SENSITIVITY`] they do not.
    pub signal: i8,
    /// How many stations may join; the next is refused. An ESP8266's own access point takes 4 unless told otherwise.
    pub capacity: usize,
}

/// What an access point does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessPointState {
    /// It serves.
    On,
    /// It is not there.
    Off,
    /// It refuses to take new stations and serves those it has.
    Refusing,
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
        matches!(self.state, AccessPointState::On | AccessPointState::Refusing)
    }

    pub(super) fn takes_one_more(&self) -> bool {
        self.state == AccessPointState::On && self.members.len() < self.config.capacity
    }

    pub(super) fn is_member(&self, mac: Mac, station: StationId) -> bool {
        self.members.get(&mac) == Some(&station)
    }
}
