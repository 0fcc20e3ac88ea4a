//! What the user's account has: how often its channels may be written to, how many there may be, and how many messages
//! a year.
//!
//! Follows the service's "License FAQ". Ours, where that is silent: a year is one of the calendar, in UTC; every entry
//! that is stored is a message, each of a bulk update as well; and a request for more than is left is refused with
//! `error_payment_required`, and nothing of it is stored. Entries that are taken away give no messages back.

use std::collections::BTreeMap;

use time::{Duration, OffsetDateTime};

/// How long a channel's writer waits between two writes, with a free account.
const WRITE_INTERVAL: Duration = Duration::seconds(15);

/// An account.
#[derive(Clone, Debug)]
pub(super) struct Account {
    pub(super) write_interval: Duration,
    pub(super) channels: Option<u32>,
    pub(super) messages: Option<u64>,
    /// How many messages came in each year, if they are limited.
    used: BTreeMap<i32, u64>,
}

/// What a call may do with it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Allowance {
    /// How long a channel's writer waits between two writes.
    pub(super) write_interval: Duration,
    /// How many channels there may be.
    pub(super) channels: Option<u32>,
    /// How many messages are left this year.
    pub(super) messages: Option<u64>,
}

impl Default for Account {
    fn default() -> Self {
        Self { write_interval: WRITE_INTERVAL, channels: None, messages: None, used: BTreeMap::new() }
    }
}

impl Account {
    /// What is left of it.
    pub(super) fn allowance(&self, now: OffsetDateTime) -> Allowance {
        let used = || self.used.get(&now.year()).copied().unwrap_or_default();
        let messages = self.messages.map(|messages| messages.saturating_sub(used()));
        Allowance { write_interval: self.write_interval, channels: self.channels, messages }
    }

    /// Notes messages that were stored at `at`.
    pub(super) fn count(&mut self, messages: usize, at: OffsetDateTime) {
        if self.messages.is_some() && messages > 0 {
            let used = self.used.entry(at.year()).or_default();
            *used = used.saturating_add(messages as u64);
        }
    }
}

impl Allowance {
    /// Whether so many messages more may be stored.
    pub(super) fn has_messages(&self, messages: usize) -> bool {
        self.messages.is_none_or(|left| messages as u64 <= left)
    }

    /// Whether there may be one channel more than there are.
    pub(super) fn has_channel(&self, there: usize) -> bool {
        self.channels.is_none_or(|most| (there as u64) < u64::from(most))
    }
}
