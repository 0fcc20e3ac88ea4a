//! What happens between stations and access points.

use std::fmt;

use super::declare::event;
use super::vocabulary::{vocabulary, writes_its_word};
use super::{Row, Vocabulary};

vocabulary! {
    /// Why a network could not be joined.
    pub enum JoinFailure {
        /// No access point of that name was heard.
        NotFound = "not found",
        /// The four-way handshake failed.
        WrongPassphrase = "wrong passphrase",
        /// The network is open instead of WPA2, or the reverse.
        SecurityMismatch = "security mismatch",
        /// The access point refused.
        Refused = "refused",
        /// The access point stopped answering.
        Timeout = "timeout",
    }
}

/// What came of an attempt to join a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum JoinOutcome {
    /// It is joined.
    Joined,
    /// It is not, and why.
    Failed(JoinFailure),
}

impl JoinOutcome {
    /// All words, in the order in which they are told: "joined", and those of [`JoinFailure`].
    pub const ROWS: [Row<Self>; JoinFailure::ROWS.len() + 1] = {
        let mut rows = [("joined", Self::Joined, "It is joined."); JoinFailure::ROWS.len() + 1];
        let mut index = 0;
        while index < JoinFailure::ROWS.len() {
            let (word, failure, about) = JoinFailure::ROWS[index];
            index += 1;
            rows[index] = (word, Self::Failed(failure), about);
        }
        rows
    };
}

impl Vocabulary for JoinOutcome {
    const ALL: &'static [Row<Self>] = &Self::ROWS;

    fn word(self) -> &'static str {
        match self {
            Self::Joined => "joined",
            Self::Failed(failure) => failure.word(),
        }
    }
}

writes_its_word!(JoinOutcome);

impl<T> From<Result<T, JoinFailure>> for JoinOutcome {
    fn from(result: Result<T, JoinFailure>) -> Self {
        result.map_or_else(Self::Failed, |_| Self::Joined)
    }
}

vocabulary! {
    /// Why a station is no longer joined.
    pub enum LinkLoss {
        /// No beacons for too long.
        BeaconTimeout = "beacon timeout",
        /// The access point sent it away.
        Deauthenticated = "deauthenticated",
        /// It left.
        Left = "left",
        /// It lost power or was reset.
        Power = "power",
    }
}

event! {
    /// The device's attempt to join a network ended.
    pub struct Join {
        /// The network's name.
        network: String,
        /// The access point's hardware address, if it is joined.
        #[serde(skip_serializing_if = "Option::is_none")]
        bssid: Option<String>,
        /// What came of it.
        outcome: JoinOutcome,
        /// The status code with which the access point refused (IEEE 802.11-2020 table 9-50), if it did.
        #[serde(skip_serializing_if = "Option::is_none")]
        status: Option<u16>,
    }
}

impl Join {
    /// Whether an access point has heard of the attempt: one that ended before was known to the device alone.
    pub fn is_heard_of(&self) -> bool {
        !matches!(self.outcome, JoinOutcome::Failed(JoinFailure::NotFound | JoinFailure::SecurityMismatch))
    }
}

impl fmt::Display for Join {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { network, bssid, outcome, status } = self;
        write!(f, "attempt to join `{network}`: {outcome}")?;
        if let Some(bssid) = bssid {
            write!(f, " at {bssid}")?;
        }
        match status {
            Some(status) => write!(f, ", status {status}"),
            None => Ok(()),
        }
    }
}

event! {
    /// The device is no longer joined.
    pub struct LinkLost {
        /// The network's name.
        network: String,
        /// The hardware address of the access point that it was joined to.
        bssid: String,
        /// Why.
        reason: LinkLoss,
    }
}

impl fmt::Display for LinkLost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "link to `{}` lost: {}", self.network, self.reason)
    }
}

event! {
    /// An access point appeared or went away, the world's or the device's own.
    pub struct AccessPoint {
        /// Its network's name.
        network: String,
        /// Its hardware address.
        bssid: String,
        /// Whether it is there.
        on: bool,
    }
}

impl fmt::Display for AccessPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { network, bssid, on } = self;
        write!(f, "access point `{network}` ({bssid}) {}", if *on { "appears" } else { "goes away" })
    }
}
