//! A station looks which access points there are (IEEE 802.11-2016 §11.1.4), without joining one.
//!
//! Only for stations that are not radios at register level; those scan by themselves.
//!
//! Not modelled: access points that are heard by chance only; a hidden one answers who asks for its name.

use std::collections::BTreeMap;

use super::access_point::{AccessPointConfig, Protection};
use super::station::SENSITIVITY;
use super::{Air, Mac, StationId};
use simulator_record::time::Instant;

/// An access point that a scan has heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// The network's name.
    pub name: String,
    /// The access point's hardware address.
    pub bssid: Mac,
    /// Its channel.
    pub channel: u8,
    /// How strong it is, in dBm.
    pub signal: i8,
    /// How it is protected.
    pub protection: Protection,
}

impl Heard {
    fn of(config: &AccessPointConfig) -> Self {
        let AccessPointConfig { ref name, bssid, channel, signal, ref security, .. } = *config;
        Self { name: name.clone(), bssid, channel, signal, protection: security.protection() }
    }
}

/// Scans under way, and those that have ended and were not taken.
#[derive(Default)]
pub(super) struct Scans {
    /// When each ends, whose it is, and which name it asks for.
    under_way: BTreeMap<(Instant, StationId), Option<String>>,
    ended: Vec<(StationId, Vec<Heard>)>,
}

impl Scans {
    pub(super) fn next_event(&self) -> Option<Instant> {
        self.under_way.first_key_value().map(|((at, _), _)| *at)
    }

    /// A station does something else: what it has heard is told to nobody.
    pub(super) fn forget(&mut self, station: StationId) {
        self.under_way.retain(|(_, its), _| *its != station);
    }
}

impl Air {
    /// A station looks for access points on all channels: of all names, or of this. It takes as long as the scan of a
    /// join; [`Air::take_scans`] then tells what it has heard. A join, a power cut or another scan ends it untold.
    pub fn scan(&mut self, at: Instant, station: StationId, name: Option<&str>) {
        self.scans.forget(station);
        let ends = self.stations[station.0 as usize].scan_ends(at);
        self.scans.under_way.insert((ends, station), name.map(str::to_owned));
    }

    pub(super) fn advance_scans(&mut self, at: Instant) {
        while let Some(entry) = self.scans.under_way.first_entry().filter(|entry| entry.key().0 <= at) {
            let ((_, station), name) = entry.remove_entry();
            let of_name = |config: &AccessPointConfig| match &name {
                Some(name) => config.name == *name,
                None => !config.features.is_hidden,
            };
            let up = self.access_points.iter().filter(|access_point| access_point.is_up());
            let heard = up.map(|access_point| &access_point.config);
            let highest = self.stations[station.0 as usize].country.highest_channel();
            let is_heard = |config: &AccessPointConfig| config.signal >= SENSITIVITY && config.channel <= highest;
            let heard = heard.filter(|config| is_heard(config) && of_name(config)).map(Heard::of);
            self.scans.ended.push((station, heard.collect()));
        }
    }

    /// Takes the scans that have ended since the last time, in order.
    pub fn take_scans(&mut self) -> Vec<(StationId, Vec<Heard>)> {
        std::mem::take(&mut self.scans.ended)
    }
}
