//! A channel's entries in the order of their time, findable by their numbers as well.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use time::{Duration, OffsetDateTime};

use super::packed::Packed;
use super::{About, Content};
use crate::cloud::Access;

/// An entry of a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cloud) struct Entry {
    /// Counts from 1.
    pub(in crate::cloud) entry_id: u64,
    /// In UTC and whole seconds.
    pub(in crate::cloud) created_at: OffsetDateTime,
    pub(in crate::cloud) content: Content,
}

/// Channels are read in order of time, and entries of the same second in order of arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    /// Seconds since 1970.
    created_at: i64,
    entry_id: u64,
}

/// A channel.
#[derive(Clone, Debug)]
pub(in crate::cloud) struct Channel {
    pub(in crate::cloud) access: Access,
    pub(in crate::cloud) about: About,
    pub(in crate::cloud) created_at: OffsetDateTime,
    /// When it was last described or written to.
    pub(in crate::cloud) updated_at: OffsetDateTime,
    entries: BTreeMap<Place, Packed>,
    /// The times of the entries by their numbers: that of entry 1 first.
    times: Vec<i64>,
    /// The last entry with a value in each field.
    last_with: [Option<u64>; 8],
    last_write: Option<OffsetDateTime>,
}

impl Channel {
    pub(super) fn new(access: Access, about: About, created_at: OffsetDateTime) -> Self {
        Self {
            access,
            about,
            created_at,
            updated_at: created_at,
            entries: BTreeMap::new(),
            times: Vec::new(),
            last_with: [None; 8],
            last_write: None,
        }
    }

    pub(super) fn clear(&mut self) {
        self.entries.clear();
        self.times.clear();
        self.last_with = [None; 8];
    }

    /// Adds the entry with the next number, which was written at `written_at`. Returns the number.
    pub(super) fn add(&mut self, created_at: OffsetDateTime, content: Packed, written_at: OffsetDateTime) -> u64 {
        let created_at = created_at.unix_timestamp();
        self.times.push(created_at);
        let entry_id = self.last_entry_id();
        for (last, value) in self.last_with.iter_mut().zip(content.values()) {
            if value.is_some() {
                *last = Some(entry_id);
            }
        }
        self.entries.insert(Place { created_at, entry_id }, content);
        self.note_write(written_at);
        entry_id
    }

    /// Notes when it was last written to.
    pub(super) fn note_write(&mut self, at: OffsetDateTime) {
        self.last_write = Some(at);
        self.updated_at = at;
    }

    /// Whether a write at `now` comes sooner than `interval` after the last one that was accepted.
    pub(in crate::cloud) fn is_resting(&self, now: OffsetDateTime, interval: Duration) -> bool {
        self.last_write.is_some_and(|last| now < last.saturating_add(interval))
    }

    /// Whether there is an entry of that second.
    pub(in crate::cloud) fn has(&self, created_at: OffsetDateTime) -> bool {
        self.entries.range(second(created_at)).next().is_some()
    }

    /// Whether `key` opens the channel for reading; a public channel is open to all.
    pub(in crate::cloud) fn may_read(&self, key: Option<&str>) -> bool {
        self.about.public || self.is_opened_by(key)
    }

    /// Whether `key` is one of the channel's own.
    pub(in crate::cloud) fn is_opened_by(&self, key: Option<&str>) -> bool {
        key.is_some_and(|key| key == self.access.read_key || key == self.access.write_key)
    }

    /// The number of the entry that was added last; 0 if there is none.
    pub(in crate::cloud) fn last_entry_id(&self) -> u64 {
        self.times.len() as u64
    }

    /// The entry with this number.
    pub(in crate::cloud) fn entry(&self, entry_id: u64) -> Option<Entry> {
        let index = usize::try_from(entry_id.checked_sub(1)?).ok()?;
        let place = Place { created_at: *self.times.get(index)?, entry_id };
        Some(entry(&place, self.entries.get(&place)?))
    }

    /// The entry that was added last.
    pub(in crate::cloud) fn last(&self) -> Option<Entry> {
        self.entry(self.last_entry_id())
    }

    /// The entry that was added last of those with a value in `field` (1 to 8).
    pub(in crate::cloud) fn last_with(&self, field: usize) -> Option<Entry> {
        self.entry((*self.last_with.get(field - 1)?)?)
    }

    /// All entries in order of their time.
    pub(in crate::cloud) fn entries(&self) -> impl Iterator<Item = Entry> {
        self.entries.iter().map(|(place, content)| entry(place, content))
    }

    /// The newest `most` entries from `since` until `until`, both included, in order of their time. Costs as much as it
    /// returns, however many there are.
    pub(in crate::cloud) fn between(
        &self,
        since: Option<OffsetDateTime>,
        until: Option<OffsetDateTime>,
        most: usize,
    ) -> Vec<Entry> {
        let since = since.map_or(i64::MIN, |since| {
            // An entry at 12:00:00 is none since 12:00:00.5.
            since.unix_timestamp() + i64::from(since.nanosecond() > 0)
        });
        let until = until.map_or(i64::MAX, OffsetDateTime::unix_timestamp);
        if since > until {
            return Vec::new();
        }
        let from = Place { created_at: since, entry_id: 0 };
        let to = Place { created_at: until, entry_id: u64::MAX };
        let mut found: Vec<_> =
            self.entries.range(from..=to).rev().take(most).map(|(place, content)| entry(place, content)).collect();
        found.reverse();
        found
    }

    /// The newest `most` of the entries with these numbers, in order of their time.
    pub(in crate::cloud) fn numbered(&self, numbers: RangeInclusive<u64>, most: usize) -> Vec<Entry> {
        let first = (*numbers.start()).max(1);
        let last = (*numbers.end()).min(self.last_entry_id());
        let place = |entry_id: u64| {
            let index = usize::try_from(entry_id - 1).ok()?;
            Some(Place { created_at: *self.times.get(index)?, entry_id })
        };
        let mut places: Vec<Place> = (first..=last).filter_map(place).collect();
        if let Some(older) = places.len().checked_sub(most).filter(|older| *older > 0) {
            if older == places.len() {
                return Vec::new();
            }
            places.select_nth_unstable(older);
            places.drain(..older);
        }
        places.sort_unstable();
        places.iter().filter_map(|place| Some(entry(place, self.entries.get(place)?))).collect()
    }
}

fn second(created_at: OffsetDateTime) -> RangeInclusive<Place> {
    let created_at = created_at.unix_timestamp();
    Place { created_at, entry_id: 0 }..=Place { created_at, entry_id: u64::MAX }
}

fn entry(place: &Place, content: &Packed) -> Entry {
    let created_at = OffsetDateTime::from_unix_timestamp(place.created_at).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    Entry { entry_id: place.entry_id, created_at, content: content.content() }
}
