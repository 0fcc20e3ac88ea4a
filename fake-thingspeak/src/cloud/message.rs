//! The service as MQTT sees it: devices and their passwords, entries that are published, and messages to subscribers.
//!
//! Follows MathWorks' documentation of MQTT (`mqtt-basics`, `publishtoachannelfeed`, `subscribetoachannelfeed`). An
//! entry that is published is an update with the channel's write key, limits and all. Ours, because the documentation
//! leaves it open: a message in JSON has the names and the order of an update's reply.

use std::net::IpAddr;

use http::{HeaderValue, Method, Request, Uri};
use hyper::body::Bytes;
use percent_encoding::{NON_ALPHANUMERIC, percent_encode};
use time::OffsetDateTime;

use super::error::Failure;
use super::render::{Cell, FIELDS, Record, json, push_fields, push_location};
use super::{Cloud, Stored};

/// What a message that is published may name, beside `field1` to `field8`.
const NAMES: [&str; 7] = ["lat", "latitude", "long", "longitude", "elevation", "status", "created_at"];

/// A client that may publish and subscribe in all channels of the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Client identifier, and user name as well: 23 letters and digits.
    pub client_id: String,
    /// Its password: 24 letters and digits.
    pub password: String,
}

/// Why a client is no device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// No device has this client identifier.
    #[error("no device has this client identifier")]
    Client,
    /// The device has another user name or password.
    #[error("the user name or the password is wrong")]
    Password,
}

/// What a device publishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Publication<'a> {
    /// To a channel: `field1=21.5&status=ok`, percent-encoded like a form.
    Feed(&'a [u8]),
    /// To one field (1 to 8): the bare value.
    Field(usize, &'a [u8]),
}

/// Why nothing was stored of what was published; reads well after "not stored: ".
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotStored(&'static str);

const NO_CHANNEL: NotStored = NotStored("there is no such channel");

impl From<Failure> for NotStored {
    fn from(failure: Failure) -> Self {
        Self(failure.reason())
    }
}

/// The messages about one entry to the subscribers of its channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryMessage {
    /// The channel's number.
    pub channel: u32,
    /// The entry in JSON, with the fields that the channel has.
    pub feed: String,
    /// The value of each field that the entry has one of.
    pub fields: [Option<String>; 8],
}

impl Cloud {
    /// The devices: two, because a client identifier is connected only once, and a program may publish and subscribe at
    /// the same time.
    pub fn devices(&self) -> [Device; 2] {
        self.keys.devices()
    }

    /// Whether a client is one of the devices.
    ///
    /// # Errors
    /// Which of the three things that it says of itself is wrong.
    pub fn admit(&self, client_id: &str, user: Option<&str>, password: Option<&[u8]>) -> Result<(), AuthError> {
        let devices = self.devices();
        let device = devices.iter().find(|device| device.client_id == client_id).ok_or(AuthError::Client)?;
        let fits = user == Some(device.client_id.as_str()) && password == Some(device.password.as_bytes());
        if fits { Ok(()) } else { Err(AuthError::Password) }
    }

    /// Stores what a device publishes to `channel`; it came from `client` and arrives `now`.
    ///
    /// # Errors
    /// Says why nothing was stored. The device is not told.
    pub fn publish(
        &mut self,
        channel: u32,
        publication: Publication<'_>,
        now: OffsetDateTime,
        client: IpAddr,
    ) -> Result<Stored, NotStored> {
        let key = self.store.channel(channel).map(|channel| channel.access.write_key.clone());
        let key = key.ok_or(NO_CHANNEL)?;
        let (Publication::Feed(message) | Publication::Field(_, message)) = publication;
        if message.len() > self.behaviour().message {
            return Err(Failure::TooLarge.into());
        }
        let form = match publication {
            Publication::Feed(message) => {
                documented(str::from_utf8(message).map_err(|_| Failure::InvalidByteSequence)?)
            }
            Publication::Field(field, value) => format!("field{field}={}", percent_encode(value, NON_ALPHANUMERIC)),
        };
        let mut request = Request::new(Bytes::from(form));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = Uri::from_static("/update");
        let key: HeaderValue = key.parse().map_err(|_| NO_CHANNEL)?;
        request.headers_mut().insert("x-thingspeakapikey", key);
        let mut handled = self.handle(&request, now, client);
        handled.stored.pop().ok_or(NotStored(handled.refused.unwrap_or_default()))
    }

    /// The messages about an entry; `None` if there is no such entry. Subscribers are not told of entries that were
    /// stored in bulk; the caller has to look ([`Stored::in_bulk`]).
    pub fn entry_message(&self, channel: u32, entry_id: u64) -> Option<EntryMessage> {
        let there = self.store.channel(channel)?;
        let entry = there.entry(entry_id)?;
        let shown = there.about.fields.each_ref().map(Option::is_some);
        let mut all = Record::new([
            ("created_at", Cell::Time(Some(entry.created_at))),
            ("entry_id", Cell::Integer(Some(entry.entry_id))),
        ]);
        push_fields(&mut all, &entry.content, &shown);
        push_location(&mut all, &entry.content);
        all.push("status", Cell::Text(entry.content.status.clone()));
        let mut record = Record::new([("channel_id", Cell::Integer(Some(channel.into())))]);
        for prefix in self.behaviour().order_of_an_entry {
            record.0.extend(all.0.iter().filter(|(name, _)| name.starts_with(prefix)).cloned());
        }
        Some(EntryMessage { channel, feed: json(&record), fields: entry.content.fields })
    }
}

/// Of a form, what the documentation of MQTT has; what else `/update` takes is not for messages.
fn documented(form: &str) -> String {
    let is_documented = |name: &str| FIELDS.contains(&name) || NAMES.contains(&name);
    let pairs = form.trim_end_matches(['\r', '\n']).split('&');
    let known: Vec<_> = pairs.filter(|pair| is_documented(pair.split('=').next().unwrap_or_default())).collect();
    known.join("&")
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;
    use crate::cloud::NewChannel;

    const NOW: OffsetDateTime = datetime!(2026-01-01 12:00:00.25 UTC);
    const CLIENT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn cloud() -> (Cloud, u32) {
        let mut cloud = Cloud::new([1; 32]);
        let mut fields = [const { None }; 8];
        (fields[0], fields[1]) = (Some("temperature".to_owned()), Some("humidity".to_owned()));
        let access = cloud.create_channel(NewChannel { name: "duck".to_owned(), fields, public: false }, NOW);
        (cloud, access.channel)
    }

    #[test]
    fn only_devices_are_admitted() {
        let (cloud, _) = cloud();
        let [one, other] = cloud.devices();
        assert_ne!(one, other);
        let admit =
            |id: &str, user: Option<&str>, password: Option<&str>| cloud.admit(id, user, password.map(str::as_bytes));
        assert_eq!(admit(&one.client_id, Some(&one.client_id), Some(&one.password)), Ok(()));
        for (user, password) in [
            (Some(one.client_id.as_str()), Some(other.password.as_str())),
            (Some(one.client_id.as_str()), None),
            (Some(other.client_id.as_str()), Some(one.password.as_str())),
            (None, Some(one.password.as_str())),
            (None, None),
        ] {
            assert_eq!(admit(&one.client_id, user, password), Err(AuthError::Password));
        }
        assert_eq!(admit("", Some(&one.client_id), Some(&one.password)), Err(AuthError::Client));
    }

    #[test]
    fn what_is_published_is_stored_like_an_update() {
        let (mut cloud, channel) = cloud();
        let message =
            b"field1=21.5&1=7&field2=a%26b+c&field9=x&talkback_key=A&_method=DELETE&status=ok&lat=1&api_key=B\n";
        let stored = cloud.publish(channel, Publication::Feed(message), NOW, CLIENT).unwrap();
        assert_eq!(
            (stored.entry_id, stored.fields[0].as_deref(), stored.fields[1].as_deref()),
            (1, Some("21.5"), Some("a&b c"))
        );
        let too_soon = cloud.publish(channel, Publication::Field(3, b"9"), NOW, CLIENT).unwrap_err();
        assert_eq!(too_soon.to_string(), Failure::TooSoon.reason());
        let later = NOW + time::Duration::seconds(15);
        let stored = cloud.publish(channel, Publication::Field(3, "50 % & mehr ü".as_bytes()), later, CLIENT).unwrap();
        assert_eq!(stored.fields[2].as_deref(), Some("50 % & mehr ü"));
        let message = cloud.entry_message(channel, 1).unwrap();
        let expected = format!(
            r#"{{"channel_id":{channel},"created_at":"2026-01-01T12:00:00Z","entry_id":1,"field1":"21.5","field2":"a&b c","latitude":"1","longitude":null,"elevation":null,"status":"ok"}}"#
        );
        assert_eq!(
            (message.feed, message.fields[0].as_deref(), message.fields[2].as_deref()),
            (expected, Some("21.5"), None)
        );
        assert_eq!((cloud.entry_message(channel, 3), cloud.entry_message(1, 1)), (None, None));
    }

    #[test]
    fn a_message_too_many_is_not_stored() {
        let (cloud, channel) = cloud();
        let mut cloud = cloud.with_message_quota(1).with_write_interval(time::Duration::ZERO);
        let mut publish =
            || cloud.publish(channel, Publication::Field(1, b"9"), NOW, CLIENT).map(|stored| stored.entry_id);
        assert_eq!([publish(), publish()], [Ok(1), Err(Failure::PaymentRequired.into())]);
    }

    #[test]
    fn what_is_not_stored_says_why() {
        let (mut cloud, channel) = cloud();
        let mut publish =
            |channel, message: &[u8]| cloud.publish(channel, Publication::Feed(message), NOW, CLIENT).err();
        let because = |failure: Failure| Some(failure.into());
        assert_eq!(publish(1, b"field1=1"), Some(NO_CHANNEL));
        assert_eq!(publish(channel, &[b'a'; 3001]), because(Failure::TooLarge));
        assert_eq!(publish(channel, b"field1=\xff"), because(Failure::InvalidByteSequence));
        assert_eq!(publish(channel, b"field1=%ff"), because(Failure::InvalidByteSequence));
        assert_eq!(publish(channel, format!("field1={}", "a".repeat(256)).as_bytes()), because(Failure::TooLong));
        assert_eq!(publish(channel, b"field1=1&created_at=2026-01-01T00:00:00Z"), None);
        let later = NOW + time::Duration::seconds(15);
        let again = Publication::Feed(b"field1=2&created_at=2026-01-01T00:00:00Z");
        assert_eq!(cloud.publish(channel, again, later, CLIENT), Err(Failure::Conflict.into()));
        let garbled = cloud.publish(channel, Publication::Field(1, b"\xff"), later, CLIENT);
        assert_eq!(garbled, Err(Failure::InvalidByteSequence.into()));
        assert_eq!(cloud.entries(channel).unwrap().len(), 1);
    }
}
