//! ThingSpeak's topics: where to publish what, and what to subscribe to.

use fake_thingspeak::cloud::EntryMessage;

/// What a message that is published there is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) channel: u32,
    /// 1 to 8; `None`: the message names its fields.
    pub(super) field: Option<usize>,
}

/// What a client subscribes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Filter {
    pub(super) channel: u32,
    pub(super) part: Part,
}

/// What of a channel's entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    /// All of an entry, in JSON.
    Feed,
    /// The value of one field (1 to 8).
    Field(usize),
    /// The value of each field, each by itself.
    Fields,
}

impl Target {
    /// `channels/ID/publish` and `channels/ID/publish/fields/fieldN`.
    pub(super) fn parse(topic: &str) -> Option<Self> {
        let segments: Vec<&str> = topic.split('/').collect();
        match segments[..] {
            ["channels", channel, "publish"] => Some(Self { channel: number(channel)?, field: None }),
            ["channels", channel, "publish", "fields", name] => {
                Some(Self { channel: number(channel)?, field: Some(field(name)?) })
            }
            _ => None,
        }
    }
}

impl Filter {
    /// `channels/ID/subscribe`, `channels/ID/subscribe/fields/fieldN` and `channels/ID/subscribe/fields/+`.
    pub(super) fn parse(filter: &str) -> Option<Self> {
        let segments: Vec<&str> = filter.split('/').collect();
        let (channel, part) = match segments[..] {
            ["channels", channel, "subscribe"] => (channel, Part::Feed),
            ["channels", channel, "subscribe", "fields", "+"] => (channel, Part::Fields),
            ["channels", channel, "subscribe", "fields", name] => (channel, Part::Field(field(name)?)),
            _ => return None,
        };
        Some(Self { channel: number(channel)?, part })
    }

    /// Whether it lets a channel's field (1 to 8), or its whole feed, pass.
    fn lets_pass(self, channel: u32, field: Option<usize>) -> bool {
        let part = match (self.part, field) {
            (Part::Feed, None) | (Part::Fields, Some(_)) => true,
            (Part::Field(wanted), Some(field)) => wanted == field,
            _ => false,
        };
        part && self.channel == channel
    }
}

/// Topics and payloads of the messages that pass `filters`; each message once, however many filters let it pass.
pub(super) fn messages<'n>(filters: &[Filter], message: &'n EntryMessage) -> impl Iterator<Item = (String, &'n str)> {
    let feed = (None, Some(message.feed.as_str()));
    let fields = (1..).map(Some).zip(message.fields.iter().map(Option::as_deref));
    std::iter::once(feed).chain(fields).filter_map(move |(field, payload)| {
        let passes = filters.iter().any(|filter| filter.lets_pass(message.channel, field));
        let topic = format!("channels/{}/subscribe", message.channel);
        let topic = field.map_or(topic.clone(), |field| format!("{topic}/fields/field{field}"));
        payload.filter(|_| passes).map(|payload| (topic, payload))
    })
}

/// A channel's number, as the service writes it.
fn number(text: &str) -> Option<u32> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    text.parse().ok().filter(|_| is_plain)
}

/// `field1` to `field8`.
fn field(text: &str) -> Option<usize> {
    let number = number(text.strip_prefix("field")?)?;
    usize::try_from(number).ok().filter(|field| (1..=8).contains(field))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_are_those_of_the_documentation() {
        let target = |channel, field| Some(Target { channel, field });
        for (topic, expected) in [
            ("channels/7/publish", target(7, None)),
            ("channels/7/publish/fields/field8", target(7, Some(8))),
            ("channels/7/publish/fields/field9", None),
            ("channels/7/publish/fields/field0", None),
            ("channels/7/publish/fields/+", None),
            ("channels/7/publish/", None),
            ("/channels/7/publish", None),
            ("channels/007/publish", None),
            ("channels/+7/publish", None),
            ("channels/4294967296/publish", None),
            ("channels/7/publish/WRITEKEY", None),
            ("", None),
        ] {
            assert_eq!(Target::parse(topic), expected, "{topic}");
        }
        let filter = |part| Some(Filter { channel: 7, part });
        for (text, expected) in [
            ("channels/7/subscribe", filter(Part::Feed)),
            ("channels/7/subscribe/fields/field1", filter(Part::Field(1))),
            ("channels/7/subscribe/fields/+", filter(Part::Fields)),
            ("channels/7/subscribe/fields/#", None),
            ("channels/7/subscribe/#", None),
            ("channels/+/subscribe", None),
            ("channels/7/publish", None),
            ("#", None),
        ] {
            assert_eq!(Filter::parse(text), expected, "{text}");
        }
    }

    #[test]
    fn one_hears_what_ones_filters_let_pass_and_no_message_twice() {
        let mut fields = [const { None }; 8];
        (fields[0], fields[2]) = (Some("1".to_owned()), Some(String::new()));
        let message = EntryMessage { channel: 7, feed: "{}".to_owned(), fields };
        let heard = |filters: &[&str]| {
            let filters: Vec<_> = filters.iter().filter_map(|filter| Filter::parse(filter)).collect();
            messages(&filters, &message)
                .map(|(topic, payload)| format!("{topic}={payload}"))
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(heard(&["channels/8/subscribe", "channels/8/subscribe/fields/+"]), "");
        assert_eq!(heard(&["channels/7/subscribe"]), "channels/7/subscribe={}");
        assert_eq!(heard(&["channels/7/subscribe/fields/field2"]), "");
        let both = "channels/7/subscribe/fields/field1=1 channels/7/subscribe/fields/field3=";
        assert_eq!(heard(&["channels/7/subscribe/fields/+", "channels/7/subscribe/fields/field1"]), both);
    }
}
