//! Radios at register level: devices whose firmware brings its own 802.11, so that frames pass between it and the air.
//!
//! The air knows of such a radio only what it sends. It is one station: if it associates at another access point, or
//! under another address, the earlier association ends.

use std::sync::Arc;

use simulator_wlan::header::Mac;
use simulator_wlan::rate::Rate;

use super::{Port, StationId};
use simulator_record::time::Instant;

/// A radio at register level, numbered as they were added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RadioId(pub(crate) u32);

/// An 802.11 frame on the air, without frame check sequence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RadioFrame {
    /// 2.4 GHz channel, 1 to 14.
    pub channel: u8,
    /// How fast it is sent.
    pub rate: Rate,
    /// MAC header and body, encrypted if it is protected.
    pub bytes: Arc<[u8]>,
}

/// What comes of frames to and from radios.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RadioEvent {
    /// A frame has arrived at a radio's antenna.
    Heard {
        /// When its last bit has.
        at: Instant,
        /// Whose antenna.
        radio: RadioId,
        /// The frame; whether it is on the radio's channel and for the radio is the radio's to say.
        frame: RadioFrame,
        /// How strong it is, in dBm.
        signal: i8,
    },
    /// A frame was on the air, whoever heard it. Told only if [asked for](super::Air::record_frames).
    OnAir {
        /// When its last bit was.
        at: Instant,
        /// Who has sent it.
        from: Port,
        /// The frame.
        frame: RadioFrame,
        /// How strong it is for a radio, in dBm.
        signal: i8,
    },
    /// An Ethernet frame has come over the air and is to be [transmitted](super::Air::transmit) from here.
    Sent {
        /// When its last bit has come.
        at: Instant,
        /// A station at register level, or the access point of one.
        from: Port,
        /// Without check sequence.
        frame: Vec<u8>,
    },
}

/// What a radio hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Listening {
    /// It has not said: everything is handed to it.
    Everything,
    /// Frames on one channel.
    Channel(u8),
    /// Nothing.
    Nothing,
}

/// How many own addresses of a radio are kept in mind: those of its two interfaces, and a few that firmware has set.
const ADDRESSES: usize = 4;

/// A radio.
pub(super) struct Radio {
    /// As a station of Ethernet frames.
    pub(super) station: StationId,
    pub(super) listening: Listening,
    /// From which it has sent, the last last.
    addresses: Vec<Mac>,
    /// Access points that it has opened so far; each stays known.
    pub(super) opened: usize,
}

impl Radio {
    pub(super) fn new(station: StationId) -> Self {
        Self { station, listening: Listening::Everything, addresses: Vec::new(), opened: 0 }
    }

    pub(super) fn hears(&self, channel: u8) -> bool {
        match self.listening {
            Listening::Everything => true,
            Listening::Channel(its) => its == channel,
            Listening::Nothing => false,
        }
    }

    /// It has sent from this address.
    pub(super) fn sends_from(&mut self, address: Mac) {
        if self.addresses.last() != Some(&address) {
            self.addresses.retain(|known| *known != address);
            self.addresses.push(address);
            if self.addresses.len() > ADDRESSES {
                self.addresses.remove(0);
            }
        }
    }

    /// Whether it takes frames to this address for its own, as far as can be known.
    pub(super) fn is_at(&self, address: Mac) -> bool {
        self.addresses.contains(&address)
    }

    /// It is without power or in reset.
    pub(super) fn forget(&mut self) {
        self.addresses.clear();
        if self.listening != Listening::Everything {
            self.listening = Listening::Nothing;
        }
    }
}
