//! Channels, their keys and their entries, in memory.

use std::collections::BTreeMap;

use time::{Duration, OffsetDateTime};

use super::{Access, NewChannel};

/// How long a channel's writer waits between two writes: 15 s for those who do not pay.
pub(super) const WRITE_INTERVAL: Duration = Duration::seconds(15);

/// An entry of a channel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Content {
    pub(super) fields: [Option<String>; 8],
    pub(super) status: Option<String>,
    pub(super) latitude: Option<String>,
    pub(super) longitude: Option<String>,
    pub(super) elevation: Option<String>,
}

/// An entry's place: channels are read in order of time, and entries of the same second in order of arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) created_at: OffsetDateTime,
    pub(super) entry_id: u64,
}

/// A channel.
#[derive(Clone, Debug)]
pub(super) struct Channel {
    pub(super) access: Access,
    pub(super) about: NewChannel,
    pub(super) created_at: OffsetDateTime,
    pub(super) entries: BTreeMap<Place, Content>,
    pub(super) last_entry_id: u64,
    /// When the last write was accepted; one that was refused does not count.
    pub(super) last_write: Option<OffsetDateTime>,
}

impl Channel {
    pub(super) fn new(access: Access, about: NewChannel, created_at: OffsetDateTime) -> Self {
        Self { access, about, created_at, entries: BTreeMap::new(), last_entry_id: 0, last_write: None }
    }

    /// Whether a write at `now` comes too soon after the last one.
    pub(super) fn is_resting(&self, now: OffsetDateTime) -> bool {
        self.last_write.is_some_and(|last| now < last.saturating_add(WRITE_INTERVAL))
    }

    /// Whether there is an entry of that second.
    pub(super) fn has(&self, created_at: OffsetDateTime) -> bool {
        let from = Place { created_at, entry_id: 0 };
        let until = Place { created_at, entry_id: u64::MAX };
        self.entries.range(from..=until).next().is_some()
    }

    /// Adds an entry; its place is what it is known by from now on.
    pub(super) fn add(&mut self, created_at: OffsetDateTime, content: Content) -> Place {
        self.last_entry_id += 1;
        let place = Place { created_at, entry_id: self.last_entry_id };
        self.entries.insert(place, content);
        place
    }

    /// Whether `key` opens the channel for reading; a public channel is open to all.
    pub(super) fn may_read(&self, key: Option<&str>) -> bool {
        self.about.public || key.is_some_and(|key| key == self.access.read_key || key == self.access.write_key)
    }
}
