//! What the service remembers: channels with their entries, TalkBacks with their commands, tags.
//!
//! Everything that alters it is a [`Change`], and [`Store::apply`] makes it, or [`Store::add_entry`] the most frequent
//! one at less cost. So whatever keeps a store beyond the end of the program has to do two things: write down each
//! change, in order, before the reply that tells of it goes out ([`Store::take_changes`]), and apply them again at the
//! next start. Reading is of the store in memory.
//!
//! Costs: an entry takes some 90 bytes beside its texts. Reads of the newest entries, of a range of time, and of an
//! entry by its number cost as much as they return.

use std::collections::BTreeMap;

use time::OffsetDateTime;

use super::{Access, NewChannel};
pub(super) use channel::{Channel, Entry};
pub use packed::Packed;
pub use talkback::Command;
pub(super) use talkback::Talkback;

mod channel;
mod packed;
mod talkback;
#[cfg(test)]
mod tests;

/// The longest value of an entry in bytes, as the service's tables hold it.
pub(super) const LONGEST_VALUE: usize = 255;

/// How many values an entry can have.
pub(super) const VALUES: usize = 12;

/// What an entry says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Content {
    /// `field1` to `field8`.
    pub fields: [Option<String>; 8],
    /// `status`.
    pub status: Option<String>,
    /// Degrees.
    pub latitude: Option<String>,
    /// Degrees.
    pub longitude: Option<String>,
    /// Metres.
    pub elevation: Option<String>,
}

impl Content {
    fn values(&self) -> impl Iterator<Item = Option<&str>> {
        let rest = [&self.status, &self.latitude, &self.longitude, &self.elevation];
        self.fields.iter().chain(rest).map(Option::as_deref)
    }

    /// `field1` to `field8`, `status`, latitude, longitude, elevation.
    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut Option<String>> {
        let rest = [&mut self.status, &mut self.latitude, &mut self.longitude, &mut self.elevation];
        self.fields.iter_mut().chain(rest)
    }
}

/// What is to be known of a channel. Texts as their owner wrote them; an empty one is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// Whatever its owner keeps there.
    pub metadata: Option<String>,
    /// Degrees.
    pub latitude: Option<String>,
    /// Degrees.
    pub longitude: Option<String>,
    /// Metres.
    pub elevation: Option<String>,
    /// A page of its owner.
    pub url: Option<String>,
    /// The names of `field1` to `field8`; `None` where the channel does not use the field.
    pub fields: [Option<String>; 8],
    /// Words by which it is found.
    pub tags: Vec<String>,
    /// Whether anyone may read it without a key.
    pub public: bool,
}

impl From<NewChannel> for About {
    fn from(NewChannel { name, fields, public }: NewChannel) -> Self {
        Self { name, fields, public, ..Self::default() }
    }
}

/// One thing that became different. Applied in order to an empty store, the changes of another make it the same. Small:
/// each is moved a few times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// There is a new channel.
    ChannelCreated {
        /// Its number and keys.
        access: Access,
        /// What it is.
        about: Box<About>,
        /// When.
        at: OffsetDateTime,
    },
    /// A channel is described otherwise.
    ChannelDescribed {
        /// Its number.
        channel: u32,
        /// What it is now.
        about: Box<About>,
        /// When.
        at: OffsetDateTime,
    },
    /// A channel has no entries any more.
    ChannelCleared {
        /// Its number.
        channel: u32,
    },
    /// A channel is gone, with its entries.
    ChannelDeleted {
        /// Its number.
        channel: u32,
    },
    /// A channel has one more entry, whose number is the one after the last.
    EntryAdded {
        /// The channel's number.
        channel: u32,
        /// The entry's time, in whole seconds.
        created_at: OffsetDateTime,
        /// What it says.
        content: Packed,
        /// When it was written; the next write is possible 15 s later.
        written_at: OffsetDateTime,
    },
    /// A channel was last written to at some time, whether or not the entry is there any more. Never of a request: for
    /// programs that keep the state and not every change.
    ChannelWritten {
        /// Its number.
        channel: u32,
        /// When; the next write is possible 15 s later.
        at: OffsetDateTime,
    },
    /// There is a new TalkBack.
    TalkbackCreated {
        /// Its number.
        talkback: u32,
        /// Its key.
        key: String,
    },
    /// A command is new, or different.
    CommandSet {
        /// The TalkBack's number.
        talkback: u32,
        /// The command as it is now.
        command: Command,
    },
    /// A command is gone.
    CommandDeleted {
        /// The TalkBack's number.
        talkback: u32,
        /// The command's number.
        command: u64,
    },
    /// A TalkBack has no commands any more.
    CommandsCleared {
        /// The TalkBack's number.
        talkback: u32,
    },
    /// Numbers that were given before to what may be gone by now, so that none of them is given again. Never of a
    /// request: for programs that keep the state and not every change.
    NumbersGiven {
        /// The last channel's.
        channel: Option<u32>,
        /// The last TalkBack's.
        talkback: Option<u32>,
        /// The last command's; 0 if there was none.
        command: u64,
        /// All tags that were ever used, in the order of their first use.
        tags: Vec<String>,
    },
}

/// Everything that the service remembers.
#[derive(Clone, Debug, Default)]
pub(super) struct Store {
    channels: BTreeMap<u32, Channel>,
    by_write_key: BTreeMap<String, u32>,
    talkbacks: BTreeMap<u32, Talkback>,
    by_talkback_key: BTreeMap<String, u32>,
    /// Numbers of tags, in the order of their first use.
    tags: BTreeMap<String, u32>,
    last_command: u64,
    /// `None` if changes are not kept.
    changes: Option<Vec<Change>>,
}

impl Store {
    /// From now on remembers its changes until they are taken.
    pub(super) fn keep_changes(&mut self) {
        self.changes.get_or_insert_default();
    }

    /// The changes since the last call.
    pub(super) fn take_changes(&mut self) -> Vec<Change> {
        self.changes.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Makes a change. One of a channel or TalkBack that there is none of changes nothing.
    pub(super) fn apply(&mut self, change: Change) {
        match &change {
            Change::ChannelCreated { access, about, at } => {
                self.by_write_key.insert(access.write_key.clone(), access.channel);
                self.number_tags(&about.tags);
                self.channels.insert(access.channel, Channel::new(access.clone(), (**about).clone(), *at));
            }
            Change::ChannelDescribed { channel, about, at } => {
                self.number_tags(&about.tags);
                if let Some(channel) = self.channels.get_mut(channel) {
                    channel.about.clone_from(about);
                    channel.updated_at = *at;
                }
            }
            Change::ChannelCleared { channel } => {
                if let Some(channel) = self.channels.get_mut(channel) {
                    channel.clear();
                }
            }
            Change::ChannelDeleted { channel } => {
                if let Some(channel) = self.channels.remove(channel) {
                    self.by_write_key.remove(&channel.access.write_key);
                }
            }
            Change::EntryAdded { channel, created_at, content, written_at } => {
                if let Some(channel) = self.channels.get_mut(channel) {
                    channel.add(*created_at, content.clone(), *written_at);
                }
            }
            Change::ChannelWritten { channel, at } => {
                if let Some(channel) = self.channels.get_mut(channel) {
                    channel.note_write(*at);
                }
            }
            Change::TalkbackCreated { talkback, key } => {
                self.by_talkback_key.insert(key.clone(), *talkback);
                self.talkbacks.insert(*talkback, Talkback::new(key.clone()));
            }
            Change::CommandSet { talkback, command } => {
                self.last_command = self.last_command.max(command.id);
                if let Some(talkback) = self.talkbacks.get_mut(talkback) {
                    talkback.set(command.clone());
                }
            }
            Change::CommandDeleted { talkback, command } => {
                if let Some(talkback) = self.talkbacks.get_mut(talkback) {
                    talkback.remove(*command);
                }
            }
            Change::CommandsCleared { talkback } => {
                if let Some(talkback) = self.talkbacks.get_mut(talkback) {
                    talkback.clear();
                }
            }
            Change::NumbersGiven { command, tags, .. } => {
                self.last_command = self.last_command.max(*command);
                self.number_tags(tags);
            }
        }
        if let Some(changes) = &mut self.changes {
            changes.push(change);
        }
    }

    /// Makes [`Change::EntryAdded`], and hands the new entry back; `None` if there is no such channel. Only a store
    /// that remembers its changes copies the content.
    pub(super) fn add_entry(
        &mut self,
        channel: u32,
        created_at: OffsetDateTime,
        content: Content,
        written_at: OffsetDateTime,
    ) -> Option<Entry> {
        let created_at = OffsetDateTime::from_unix_timestamp(created_at.unix_timestamp()).unwrap_or(created_at);
        let packed = Packed::of(&content);
        let kept = self.changes.is_some().then(|| packed.clone());
        let entry_id = self.channels.get_mut(&channel)?.add(created_at, packed, written_at);
        if let (Some(changes), Some(content)) = (&mut self.changes, kept) {
            changes.push(Change::EntryAdded { channel, created_at, content, written_at });
        }
        Some(Entry { entry_id, created_at, content })
    }

    fn number_tags(&mut self, tags: &[String]) {
        for tag in tags {
            let next = u32::try_from(self.tags.len()).unwrap_or(u32::MAX - 1) + 1;
            self.tags.entry(tag.clone()).or_insert(next);
        }
    }

    pub(super) fn channel(&self, channel: u32) -> Option<&Channel> {
        self.channels.get(&channel)
    }

    /// All channels by their numbers.
    pub(super) fn channels(&self) -> impl Iterator<Item = &Channel> {
        self.channels.values()
    }

    /// The channel that `key` opens for writing.
    pub(super) fn writable(&self, key: &str) -> Option<&Channel> {
        self.channels.get(self.by_write_key.get(key)?)
    }

    pub(super) fn talkback(&self, talkback: u32) -> Option<&Talkback> {
        self.talkbacks.get(&talkback)
    }

    /// The number of the TalkBack that `key` opens.
    pub(super) fn talkback_of(&self, key: &str) -> Option<u32> {
        self.by_talkback_key.get(key).copied()
    }

    /// All TalkBacks by their numbers.
    pub(super) fn talkbacks(&self) -> impl Iterator<Item = (u32, &Talkback)> {
        self.talkbacks.iter().map(|(number, talkback)| (*number, talkback))
    }

    /// The number for the next command.
    pub(super) fn next_command(&self) -> u64 {
        self.last_command + 1
    }

    /// The number of a tag; 0 for one that was never used.
    pub(super) fn tag(&self, tag: &str) -> u32 {
        self.tags.get(tag).copied().unwrap_or_default()
    }
}
