//! What a request's path asks for: an operation and a format.

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    /// `/update`: one entry into the channel that the key names.
    Update,
    /// `/channels/ID/bulk_update`: many entries at once.
    BulkUpdate { channel: u32 },
    /// `/channels/ID/feeds`.
    Feeds { channel: u32 },
    /// `/channels/ID/feeds/last`.
    LastFeed { channel: u32 },
    /// `/channels/ID/fields/N`; `field` counts from 1 to 8.
    Field { channel: u32, field: usize },
    /// `/channels/ID/fields/N/last`.
    LastField { channel: u32, field: usize },
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
}

/// The operation (`None`: there is no such path) and the format, which holds for the error as well.
pub(super) fn route(path: &str) -> (Option<Operation>, Format) {
    let path = path.trim_matches('/');
    let (path, format) = match path.rsplit_once('.') {
        Some((path, "json")) => (path, Format::Json),
        Some((path, "xml")) => (path, Format::Xml),
        Some((path, "csv")) => (path, Format::Csv),
        Some((path, "txt")) => (path, Format::Text),
        _ => (path, Format::Unspecified),
    };
    let segments: Vec<&str> = path.split('/').collect();
    let operation = match segments[..] {
        ["update"] | ["s", "update"] if !matches!(format, Format::Csv) => Some(Operation::Update),
        ["channels", channel, ref rest @ ..] => {
            channel.parse().ok().and_then(|channel| of_channel(channel, rest, format))
        }
        _ => None,
    };
    (operation, format)
}

fn of_channel(channel: u32, rest: &[&str], format: Format) -> Option<Operation> {
    let field = |text: &str| text.parse().ok().filter(|field| (1..=8).contains(field));
    match *rest {
        ["feeds" | "feed"] => Some(Operation::Feeds { channel }),
        ["feeds" | "feed", "last"] => Some(Operation::LastFeed { channel }),
        ["fields" | "field", number] => field(number).map(|field| Operation::Field { channel, field }),
        ["fields" | "field", number, "last"] => field(number).map(|field| Operation::LastField { channel, field }),
        ["bulk_update"] if format == Format::Json => Some(Operation::BulkUpdate { channel }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_to_operations() {
        let cases = [
            ("/update", Some(Operation::Update), Format::Unspecified),
            ("/update.json", Some(Operation::Update), Format::Json),
            ("/update/", Some(Operation::Update), Format::Unspecified),
            ("/update.csv", None, Format::Csv),
            ("/channels/9/feeds.json", Some(Operation::Feeds { channel: 9 }), Format::Json),
            ("/channels/9/feed/last.txt", Some(Operation::LastFeed { channel: 9 }), Format::Text),
            ("/channels/9/fields/8.csv", Some(Operation::Field { channel: 9, field: 8 }), Format::Csv),
            ("/channels/9/field/1/last", Some(Operation::LastField { channel: 9, field: 1 }), Format::Unspecified),
            ("/channels/9/fields/9.json", None, Format::Json),
            ("/channels/9/fields/0.json", None, Format::Json),
            ("/channels/4294967296/feeds.json", None, Format::Json),
            ("/channels/-1/feeds", None, Format::Unspecified),
            ("/channels/9/bulk_update.json", Some(Operation::BulkUpdate { channel: 9 }), Format::Json),
            ("/channels/9/bulk_update", None, Format::Unspecified),
            ("/", None, Format::Unspecified),
            ("/update.jpeg", None, Format::Unspecified),
        ];
        for (path, operation, format) in cases {
            assert_eq!(route(path), (operation, format), "{path}");
        }
    }
}
