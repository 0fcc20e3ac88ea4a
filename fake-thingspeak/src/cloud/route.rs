//! What a request's path names: a resource and a format.

#[cfg(test)]
pub(crate) mod every;

/// What a path names. What is to be done with it is the method's to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Resource<'p> {
    /// `/update`: the channel that the key names.
    Update,
    /// `/channels/ID/bulk_update.json` and `.csv`.
    BulkUpdate { channel: u32, csv: bool },
    /// `/channels`: the channels of the user, with the user's key.
    Channels,
    /// `/channels/public`.
    PublicChannels,
    /// `/users/LOGIN`.
    User { login: &'p str },
    /// `/users/LOGIN/channels`.
    UserChannels { login: &'p str },
    /// `/channels/ID`.
    Channel { channel: u32 },
    /// `/channels/ID/feeds` and `/channels/ID/fields/N`; `field` counts from 1 to 8.
    Feeds { channel: u32, field: Option<usize> },
    /// `…/feeds/last` and `…/fields/N/last`.
    Last { channel: u32, field: Option<usize> },
    /// `…/feeds/ENTRY`, `…/feeds/entry/ENTRY` and `…/fields/N/ENTRY`.
    Entry { channel: u32, field: Option<usize>, entry_id: u64 },
    /// `…/feeds/last_data_age` and `…/fields/N/last_data_age`.
    LastAge { channel: u32, field: Option<usize> },
    /// `/channels/ID/last_entry_id`.
    LastEntryId { channel: u32 },
    /// `…/feeds/last_average` and its like; the parameter that goes with it.
    LastGroup { channel: u32, measure: &'static str },
    /// `/channels/ID/status`.
    Statuses { channel: u32 },
    /// `/channels/ID/status/last`, or with the number of an entry.
    Status { channel: u32, entry_id: Option<u64> },
    /// `/talkbacks/ID/commands`.
    Commands { talkback: u32 },
    /// `/talkbacks/ID/commands/COMMAND`.
    Command { talkback: u32, command: u64 },
    /// `/talkbacks/ID/commands/execute`.
    NextCommand { talkback: u32 },
    /// `/talkbacks/ID/commands/last`.
    LastCommand { talkback: u32 },
}

impl Resource<'_> {
    /// Whether it is one entry of a channel.
    pub(super) fn is_one_entry(self) -> bool {
        matches!(self, Self::Last { .. } | Self::Entry { .. } | Self::LastGroup { .. } | Self::Status { .. })
    }

    /// Whether it is read with the key of a channel.
    pub(super) fn is_of_a_channel(self) -> bool {
        self.is_one_entry()
            || matches!(
                self,
                Self::Feeds { .. } | Self::LastAge { .. } | Self::LastEntryId { .. } | Self::Statuses { .. }
            )
    }
}

/// How the reply is to look; the path's ending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// No ending: each operation has a format of its own for that.
    Unspecified,
    /// `.txt`.
    Text,
    /// `.json`.
    Json,
    /// `.xml`.
    Xml,
    /// `.csv`.
    Csv,
}

impl Format {
    /// The `Content-Type` of a reply in this format.
    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::Unspecified => "text/html; charset=utf-8",
            Self::Text => "text/plain; charset=utf-8",
            Self::Json => "application/json; charset=utf-8",
            Self::Xml => "application/xml; charset=utf-8",
            Self::Csv => "text/csv; charset=utf-8",
        }
    }

    /// This format, or `default` if the path named none.
    pub(super) fn or(self, default: Self) -> Self {
        if self == Self::Unspecified { default } else { self }
    }

    /// JSON, or XML if the path named that.
    pub(super) fn json_or_xml(self) -> Self {
        if self == Self::Xml { Self::Xml } else { Self::Json }
    }
}

/// The resource (`None`: there is no such path) and the format, which holds for the error as well.
pub(super) fn route(path: &str) -> (Option<Resource<'_>>, Format) {
    let path = path.trim_matches('/');
    let (path, format) = match path.rsplit_once('.') {
        Some((path, "json")) => (path, Format::Json),
        Some((path, "xml")) => (path, Format::Xml),
        Some((path, "csv")) => (path, Format::Csv),
        Some((path, "txt" | "text")) => (path, Format::Text),
        _ => (path, Format::Unspecified),
    };
    let segments: Vec<&str> = path.split('/').collect();
    let resource = match segments[..] {
        ["update"] | ["s", "update"] if !matches!(format, Format::Csv) => Some(Resource::Update),
        ["channels"] => Some(Resource::Channels),
        ["channels", "public"] => Some(Resource::PublicChannels),
        ["channels", channel, ref rest @ ..] => number(channel).and_then(|channel| of_channel(channel, rest, format)),
        ["users", login] => Some(Resource::User { login }),
        ["users", login, "channels"] => Some(Resource::UserChannels { login }),
        ["talkbacks", talkback, "commands", ref rest @ ..] => {
            number(talkback).and_then(|talkback| of_talkback(talkback, rest))
        }
        _ => None,
    };
    (resource, format)
}

fn of_channel(channel: u32, rest: &[&str], format: Format) -> Option<Resource<'static>> {
    match *rest {
        [] => Some(Resource::Channel { channel }),
        ["feeds" | "feed", ref rest @ ..] => of_feeds(channel, None, rest),
        ["fields" | "field", number, ref rest @ ..] => of_feeds(channel, Some(field(number)?), rest),
        ["last_entry_id"] => Some(Resource::LastEntryId { channel }),
        ["status" | "statuses"] => Some(Resource::Statuses { channel }),
        ["status" | "statuses", "last"] => Some(Resource::Status { channel, entry_id: None }),
        ["status" | "statuses", entry] => Some(Resource::Status { channel, entry_id: Some(number(entry)?) }),
        ["bulk_update"] => match format {
            Format::Json => Some(Resource::BulkUpdate { channel, csv: false }),
            Format::Csv => Some(Resource::BulkUpdate { channel, csv: true }),
            _ => None,
        },
        _ => None,
    }
}

fn of_feeds(channel: u32, field: Option<usize>, rest: &[&str]) -> Option<Resource<'static>> {
    match (rest, field) {
        ([], _) => Some(Resource::Feeds { channel, field }),
        (["last"], _) => Some(Resource::Last { channel, field }),
        (["last_data_age"], _) => Some(Resource::LastAge { channel, field }),
        (["last_entry_id"], None) => Some(Resource::LastEntryId { channel }),
        (["last_average"], None) => Some(Resource::LastGroup { channel, measure: "average" }),
        (["last_median"], None) => Some(Resource::LastGroup { channel, measure: "median" }),
        (["last_sum"], None) => Some(Resource::LastGroup { channel, measure: "sum" }),
        ([entry], _) | (["entry", entry], None) => Some(Resource::Entry { channel, field, entry_id: number(entry)? }),
        _ => None,
    }
}

fn of_talkback(talkback: u32, rest: &[&str]) -> Option<Resource<'static>> {
    match *rest {
        [] => Some(Resource::Commands { talkback }),
        ["execute"] => Some(Resource::NextCommand { talkback }),
        ["last"] => Some(Resource::LastCommand { talkback }),
        [command] => Some(Resource::Command { talkback, command: number(command)? }),
        _ => None,
    }
}

/// A number without a sign.
fn number<N: std::str::FromStr>(text: &str) -> Option<N> {
    if text.starts_with('+') { None } else { text.parse().ok() }
}

/// `1` or `field1`.
fn field(text: &str) -> Option<usize> {
    number(text.strip_prefix("field").unwrap_or(text)).filter(|field| (1..=8).contains(field))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_to_resources() {
        let channel = 9;
        let feeds = |field| Some(Resource::Feeds { channel, field });
        let last = |field| Some(Resource::Last { channel, field });
        let entry = |field, entry_id| Some(Resource::Entry { channel, field, entry_id });
        let cases = [
            ("/update", Some(Resource::Update), Format::Unspecified),
            ("/update.json", Some(Resource::Update), Format::Json),
            ("/update/", Some(Resource::Update), Format::Unspecified),
            ("/update.csv", None, Format::Csv),
            ("/channels/9/feeds.json", feeds(None), Format::Json),
            ("/channels/9/feed/last.txt", last(None), Format::Text),
            ("/channels/9/fields/8.csv", feeds(Some(8)), Format::Csv),
            ("/channels/9/field/field1/last", last(Some(1)), Format::Unspecified),
            ("/channels/9/feeds/12.xml", entry(None, 12), Format::Xml),
            ("/channels/9/feeds/entry/12", entry(None, 12), Format::Unspecified),
            ("/channels/9/fields/2/12", entry(Some(2), 12), Format::Unspecified),
            ("/channels/9/feeds/last_sum", Some(Resource::LastGroup { channel, measure: "sum" }), Format::Unspecified),
            (
                "/channels/9/fields/2/last_data_age.txt",
                Some(Resource::LastAge { channel, field: Some(2) }),
                Format::Text,
            ),
            ("/channels/9/last_entry_id.json", Some(Resource::LastEntryId { channel }), Format::Json),
            ("/channels/9/status/last.json", Some(Resource::Status { channel, entry_id: None }), Format::Json),
            ("/channels/9/status.json", Some(Resource::Statuses { channel }), Format::Json),
            ("/channels/9/fields/9.json", None, Format::Json),
            ("/channels/9/fields/0.json", None, Format::Json),
            ("/channels/9/feeds/soon", None, Format::Unspecified),
            ("/channels/4294967296/feeds.json", None, Format::Json),
            ("/channels/-1/feeds", None, Format::Unspecified),
            ("/channels/+9/feeds", None, Format::Unspecified),
            ("/channels/9/bulk_update.json", Some(Resource::BulkUpdate { channel, csv: false }), Format::Json),
            ("/channels/9/bulk_update.csv", Some(Resource::BulkUpdate { channel, csv: true }), Format::Csv),
            ("/channels/9/bulk_update", None, Format::Unspecified),
            ("/channels.json", Some(Resource::Channels), Format::Json),
            ("/channels/9", Some(Resource::Channel { channel }), Format::Unspecified),
            ("/channels/public.xml", Some(Resource::PublicChannels), Format::Xml),
            ("/users/duck.json", Some(Resource::User { login: "duck" }), Format::Json),
            ("/users/a.b/channels.json", Some(Resource::UserChannels { login: "a.b" }), Format::Json),
            ("/talkbacks/3/commands", Some(Resource::Commands { talkback: 3 }), Format::Unspecified),
            ("/talkbacks/3/commands/execute", Some(Resource::NextCommand { talkback: 3 }), Format::Unspecified),
            ("/talkbacks/3/commands/last.xml", Some(Resource::LastCommand { talkback: 3 }), Format::Xml),
            ("/talkbacks/3/commands/18.json", Some(Resource::Command { talkback: 3, command: 18 }), Format::Json),
            ("/talkbacks/3", None, Format::Unspecified),
            ("/", None, Format::Unspecified),
            ("/update.jpeg", None, Format::Unspecified),
        ];
        for (path, resource, format) in cases {
            assert_eq!(route(path), (resource, format), "{path}");
        }
    }
}
