//! ThingSpeak without I/O: a request and the time go in, a reply and what was stored come out.
//!
//! [`Cloud::handle`] finds out what the path names (`route`), gathers parameters, key and time zone (`call`), lets the
//! operation work on the stored state (`store`), puts its outcome into the format that the path asks for (`render`,
//! `error`), and adds the headers (`reply`). Operations: one entry is written by `write`, many by `bulk`; feeds are
//! read by `read` and put together by `aggregate`, single things of a channel by `single`; `channels` is what their
//! owner does with them, `talkback` the queues of commands. `message` is what MQTT needs. Keys
//! and numbers come from a seed (`keys`).
//!
//! Follows MathWorks' API documentation, recordings of the service, and where both are silent the open-source server of
//! 2015. Where they differ, [`Profile`] chooses. Our own decision, because the service's is not
//! known: an entry whose `created_at` the channel already has is refused with 409 and stores nothing, alone or in bulk.
//!
//! The last entry is the one with the highest number, which was stored last, and not the newest by its time. A device
//! that stores old readings late has an old one for its last. So the server of 2015 has it in `last`, `status/last` and
//! `last_entry_id` (`entry_id desc`, or the channel's `last_entry_id`); the documentation says no more than "last".
//! Feeds and charts, and what is made of several entries (`last_average`), go by time. Pages show the same last values.
//!
//! A program that keeps the service beyond its own end asks for its [`Change`]s.
//!
//! Not modelled: more than one user.

use std::net::IpAddr;

use http::{Method, Request, Response, StatusCode};
use hyper::body::Bytes;
use time::{Duration, OffsetDateTime, UtcOffset};

use account::Account;
use call::Call;
use error::Failure;
use keys::Keys;
use profile::Behaviour;
use render::Answer;
use route::{Format, Resource, route};
use store::{Channel, Store};

pub use message::{AuthError, Device, EntryMessage, NotStored, Publication};
pub use profile::{Profile, UnknownProfile};
pub use reply::Draft;
#[cfg(test)]
pub(crate) use route::every::paths;
pub use store::{About, Change, Command, Content, Packed};
pub use zone::Zone;

mod account;
mod aggregate;
mod bulk;
mod call;
mod channels;
mod error;
mod keys;
mod message;
mod multipart;
mod nested;
mod parameters;
mod profile;
mod read;
mod render;
mod reply;
mod route;
mod single;
mod store;
mod talkback;
#[cfg(test)]
mod tests;
mod timestamps;
mod write;
mod zone;

/// The service: a user, channels with their keys and entries, TalkBacks.
#[derive(Clone, Debug)]
pub struct Cloud {
    profile: Profile,
    account: Account,
    keys: Keys,
    user: User,
    store: Store,
}

/// A channel that is to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewChannel {
    /// Its name.
    pub name: String,
    /// The names of `field1` to `field8`; `None` where the channel does not use the field.
    pub fields: [Option<String>; 8],
    /// Whether anyone may read it without a key.
    pub public: bool,
}

/// A channel's number and keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// Its number.
    pub channel: u32,
    /// The key that opens it for writing (and reading): 16 characters of `0-9A-Z`.
    pub write_key: String,
    /// The key that opens it for reading only.
    pub read_key: String,
}

/// A TalkBack's number and key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TalkbackAccess {
    /// Its number.
    pub talkback: u32,
    /// The key that opens it: 16 characters of `0-9A-Z`.
    pub key: String,
}

/// The user to whom all channels belong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The name, as it stands in URLs.
    pub login: String,
    /// The key with which channels are made, listed, described, emptied and deleted: 16 characters of `0-9A-Z`.
    pub key: String,
}

/// A channel as pages and lists show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overview {
    /// Its number and keys.
    pub access: Access,
    /// Its description.
    pub about: About,
    /// When it was made, in whole seconds.
    pub created_at: OffsetDateTime,
    /// When it was last described or written to.
    pub updated_at: OffsetDateTime,
    /// The number of the entry that was stored last; 0 if there is none.
    pub last_entry_id: u64,
    /// The value of each field that was stored last, whatever its time; `None` if it has none.
    pub last_values: [Option<String>; 8],
    /// The times of the entries with these values.
    pub last_times: [Option<OffsetDateTime>; 8],
}

/// An entry as a request left it in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The channel's number.
    pub channel: u32,
    /// The entry's number in the channel, from 1.
    pub entry_id: u64,
    /// The entry's time, in whole seconds.
    pub created_at: OffsetDateTime,
    /// The values of `field1` to `field8`.
    pub fields: [Option<String>; 8],
    /// The value of `status`.
    pub status: Option<String>,
    /// Whether it came in bulk. MQTT's subscribers are not told of such entries.
    pub in_bulk: bool,
}

/// What came of a request.
#[derive(Clone, Debug)]
pub struct Handled {
    /// The reply, to be made when it goes out.
    pub reply: Draft,
    /// What was stored, in the order of storing.
    pub stored: Vec<Stored>,
    /// Why the request was refused, in plain words: a reply may say no more than `0`.
    pub refused: Option<&'static str>,
}

/// A refusal that the request did not deserve, for faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// As if the last write had been less than 15 s ago.
    TooSoon,
    /// As if the key were wrong.
    Key,
    /// As if the request were too large.
    TooLarge,
    /// With this status.
    Status(u16),
}

impl Cloud {
    /// A service without channels, whose keys and numbers come from `seed`.
    pub fn new(seed: [u8; 32]) -> Self {
        let keys = Keys::from_seed(seed);
        let (profile, account) = (Profile::default(), Account::default());
        Self { profile, account, user: keys.user(), keys, store: Store::default() }
    }

    /// The same service as it was at another time.
    pub fn with_profile(mut self, profile: Profile) -> Self {
        self.profile = profile;
        self
    }

    /// The same service for an account that may write more often: a channel's writer waits so long between two writes,
    /// instead of 15 s.
    pub fn with_write_interval(mut self, interval: Duration) -> Self {
        self.account.write_interval = interval;
        self
    }

    /// The same service for an account that may have so many channels (4 for a free one): a request for one more is
    /// refused with 402. [`create_channel`](Self::create_channel) is no request, and is not refused.
    pub fn with_max_channels(mut self, most: u32) -> Self {
        self.account.channels = Some(most);
        self
    }

    /// The same service for an account that may store so many messages a year (three million for a free one), counted
    /// from now on and with what [`restore`](Self::restore) adds: one more is refused with 402.
    pub fn with_message_quota(mut self, messages: u64) -> Self {
        self.account.messages = Some(messages);
        self
    }

    /// The user, to whom all channels belong.
    pub fn user(&self) -> &User {
        &self.user
    }

    /// Makes a channel; the same seed and order of creation give the same number and keys.
    pub fn create_channel(&mut self, channel: NewChannel, now: OffsetDateTime) -> Access {
        self.create_channel_with_key(channel, None, now)
    }

    /// The same with a write key of choice, of 16 capital letters and digits, if one is given.
    pub fn create_channel_with_key(
        &mut self,
        channel: NewChannel,
        write_key: Option<&str>,
        now: OffsetDateTime,
    ) -> Access {
        let mut access = self.keys.next_channel();
        if let Some(key) = write_key {
            access.write_key = key.to_owned();
        }
        let at = timestamps::whole_seconds(now);
        self.store.apply(Change::ChannelCreated { access: access.clone(), about: Box::new(channel.into()), at });
        access
    }

    /// Makes a TalkBack without commands.
    pub fn create_talkback(&mut self) -> TalkbackAccess {
        let access = self.keys.next_talkback();
        self.store.apply(Change::TalkbackCreated { talkback: access.talkback, key: access.key.clone() });
        access
    }

    /// All channels by their numbers.
    pub fn channels(&self) -> Vec<Overview> {
        self.store.channels().map(overview).collect()
    }

    /// A channel; `None` if there is none of that number.
    pub fn channel(&self, channel: u32) -> Option<Overview> {
        self.store.channel(channel).map(overview)
    }

    /// All TalkBacks by their numbers.
    pub fn talkbacks(&self) -> Vec<TalkbackAccess> {
        let access = |(talkback, it): (u32, &store::Talkback)| TalkbackAccess { talkback, key: it.key.clone() };
        self.store.talkbacks().map(access).collect()
    }

    /// The entries of a channel in order of their time; `None` if there is no such channel.
    pub fn entries(&self, channel: u32) -> Option<Vec<Stored>> {
        let entries = self.store.channel(channel)?.entries();
        Some(entries.map(|entry| write::as_stored(channel, entry)).collect())
    }

    /// From now on remembers its changes until they are taken.
    pub fn keep_changes(&mut self) {
        self.store.keep_changes();
    }

    /// The changes since the last call, in order. None of them may be lost once a reply has gone out that was made
    /// after it. Empty unless they are kept.
    pub fn take_changes(&mut self) -> Vec<Change> {
        self.store.take_changes()
    }

    /// Applies the changes of another service, in order.
    pub fn restore(&mut self, changes: impl IntoIterator<Item = Change>) {
        for change in changes {
            match &change {
                Change::ChannelCreated { access, .. } => self.keys.skip_channel(access.channel),
                Change::TalkbackCreated { talkback, .. } => self.keys.skip_talkback(*talkback),
                Change::NumbersGiven { channel, talkback, .. } => {
                    channel.iter().for_each(|channel| self.keys.skip_channel(*channel));
                    talkback.iter().for_each(|talkback| self.keys.skip_talkback(*talkback));
                }
                // The time of writing is not kept for each entry; `created_at` is mostly the same.
                Change::EntryAdded { created_at, .. } => self.account.count(1, *created_at),
                _ => {}
            }
            self.store.apply(change);
        }
    }

    /// Handles `request`, which came from `client` and arrives `now`.
    ///
    /// Whatever the request is, the reply is one of ThingSpeak's, and never a 500.
    pub fn handle(&mut self, request: &Request<Bytes>, now: OffsetDateTime, client: IpAddr) -> Handled {
        let now = now.checked_to_offset(UtcOffset::UTC).unwrap_or(now);
        let (resource, format) = route(request.uri().path());
        if request.method() == Method::OPTIONS {
            let reply = self.draft(Answer::ok(format, String::new()), true);
            return Handled { reply, stored: Vec::new(), refused: None };
        }
        let (behaviour, allowance) = (self.behaviour(), self.account.allowance(now));
        let mut stored = Vec::new();
        let call = resource.ok_or(Failure::NotFound).and_then(|resource| {
            let call = Call::of(request, resource, format, now, client, behaviour, allowance)?;
            Ok((resource, call))
        });
        let outcome = match &call {
            Ok((resource, call)) => self.carry_out(*resource, call, &mut stored),
            Err(failure) => Err(*failure),
        };
        self.account.count(stored.len(), now);
        let refused = outcome.as_ref().err().map(|failure| failure.reason());
        let mut answer = outcome.unwrap_or_else(|failure| self.failed(failure, resource, format));
        let mut headers = true;
        if let Ok((_, call)) = &call {
            answer = with_callback(answer, call);
            headers = call.parameters.first(&["headers"]) != Some("false");
        }
        Handled { reply: self.draft(answer, headers), stored, refused }
    }

    /// The reply of a service that refuses `request` for a reason of its own; nothing is stored.
    pub fn refuse(&mut self, request: &Request<Bytes>, refusal: Refusal) -> Response<Bytes> {
        let (resource, format) = route(request.uri().path());
        let failure = match (refusal, resource) {
            (Refusal::TooSoon, Some(Resource::Update)) => Failure::TooSoon,
            (Refusal::TooSoon, _) => Failure::TooManyRequests,
            (Refusal::Key, Some(Resource::Update)) => Failure::WriteRefused,
            (Refusal::Key, Some(resource)) if resource.is_of_a_channel() => Failure::ReadRefused,
            (Refusal::Key, Some(Resource::Channels | Resource::Channel { .. })) => Failure::UserRefused,
            (Refusal::Key, _) => Failure::AuthorizationRequired,
            (Refusal::TooLarge, _) => Failure::TooLarge,
            (Refusal::Status(status), _) => Failure::from_status(status),
        };
        let answer = self.failed(failure, resource, format);
        self.draft(answer, true).response(request)
    }

    /// The reply to bytes that are no request: no HTTP, or more than is read.
    pub fn reject(&mut self, status: StatusCode) -> Response<Bytes> {
        let answer = self.failed(Failure::from_status(status.as_u16()), None, Format::Unspecified);
        reply::response(self.draft(answer, true), None)
    }

    fn behaviour(&self) -> &'static Behaviour {
        self.profile.behaviour()
    }

    fn carry_out(
        &mut self,
        resource: Resource<'_>,
        call: &Call<'_>,
        stored: &mut Vec<Stored>,
    ) -> Result<Answer, Failure> {
        let Self { store, keys, user, .. } = self;
        match resource {
            Resource::Channels => channels::channels(store, keys, user, call),
            Resource::Channel { channel } => channels::channel(store, channel, user, call),
            Resource::Feeds { channel, field: None } if call.method == Method::DELETE => {
                channels::clear(store, channel, user, call)
            }
            Resource::Commands { talkback } => talkback::commands(store, talkback, call),
            Resource::Command { talkback, command } => talkback::command(store, talkback, command, call),
            Resource::NextCommand { talkback } => talkback::execute(store, talkback, call),
            Resource::Update if call.method == Method::GET || call.method == Method::POST => {
                write::update(store, call, stored)
            }
            Resource::BulkUpdate { channel, csv } if call.method == Method::POST => {
                bulk::update(store, channel, csv, call, stored)
            }
            Resource::Update | Resource::BulkUpdate { .. } => Err(Failure::MethodInvalid),
            // All others can only be read.
            _ if call.method != Method::GET => Err(Failure::MethodInvalid),
            Resource::PublicChannels => channels::public(store, user, call),
            Resource::User { login } => channels::user(store, login, user, call),
            Resource::UserChannels { login } => channels::of_user(store, login, user, call),
            Resource::LastCommand { talkback } => talkback::last(store, talkback, call),
            Resource::Feeds { channel, field } => Ok(read::feeds(readable(store, channel, call)?, field, call)),
            Resource::Statuses { channel } => Ok(read::statuses(readable(store, channel, call)?, call)),
            Resource::Last { channel, field } => single::last(readable(store, channel, call)?, field, call),
            Resource::Entry { channel, field, entry_id } => {
                single::entry(readable(store, channel, call)?, field, entry_id, call)
            }
            Resource::Status { channel, entry_id } => single::status(readable(store, channel, call)?, entry_id, call),
            Resource::LastAge { channel, field } => single::last_age(readable(store, channel, call)?, field, call),
            Resource::LastEntryId { channel } => Ok(single::last_entry_id(readable(store, channel, call)?, call)),
            Resource::LastGroup { channel, measure } => {
                single::last_group(readable(store, channel, call)?, measure, call)
            }
        }
    }

    /// The reply to a failure, in the format of the path or what the resource has instead.
    fn failed(&self, failure: Failure, resource: Option<Resource<'_>>, format: Format) -> Answer {
        let format = match resource {
            // Its good replies are JSON too.
            Some(Resource::BulkUpdate { .. }) => Format::Json,
            // Where text is the format by default, the error is text, too.
            None
            | Some(
                Resource::Update
                | Resource::Last { field: Some(_), .. }
                | Resource::Entry { field: Some(_), .. }
                | Resource::LastEntryId { .. }
                | Resource::Commands { .. }
                | Resource::Command { .. }
                | Resource::NextCommand { .. }
                | Resource::LastCommand { .. },
            ) => format,
            Some(_) => format.or(Format::Json),
        };
        failure.answer(resource, format, self.behaviour())
    }

    fn draft(&mut self, answer: Answer, headers: bool) -> Draft {
        Draft { answer, headers, id: self.keys.next_request(), behaviour: self.behaviour() }
    }
}

/// The channel, if the call may read it.
fn readable<'s>(store: &'s Store, channel: u32, call: &Call<'_>) -> Result<&'s Channel, Failure> {
    let channel = store.channel(channel).ok_or(Failure::NotFound)?;
    if channel.may_read(call.key()) { Ok(channel) } else { Err(Failure::ReadRefused) }
}

/// JSON as a call of the function that the request names (JSONP).
fn with_callback(answer: Answer, call: &Call<'_>) -> Answer {
    match call.callback() {
        Ok(Some(callback)) if answer.content_type == Format::Json.content_type() => Answer {
            body: format!("{callback}({})", answer.body),
            content_type: "application/javascript; charset=utf-8",
            ..answer
        },
        _ => answer,
    }
}

fn overview(channel: &Channel) -> Overview {
    let last: [_; 8] = std::array::from_fn(|index| channel.last_with(index + 1));
    Overview {
        access: channel.access.clone(),
        about: channel.about.clone(),
        created_at: channel.created_at,
        updated_at: channel.updated_at,
        last_entry_id: channel.last_entry_id(),
        last_times: last.each_ref().map(|entry| Some(entry.as_ref()?.created_at)),
        last_values: std::array::from_fn(|index| last[index].as_ref()?.content.fields[index].clone()),
    }
}
