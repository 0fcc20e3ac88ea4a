//! What happens between stations and access points.

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
