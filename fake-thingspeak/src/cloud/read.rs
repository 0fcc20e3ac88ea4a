//! Reading: a channel's entries, one field of them, and the last of them.
//!
//! Without any of `results`, `days`, `minutes` and `start`, a read shows the last 100 entries of the last 24 h; each of
//! these lifts the 24 h, and no read shows more than 8000. Entries come in order of time.

use http::StatusCode;
use time::{Duration, OffsetDateTime};

use super::moment::parse;
use super::parameters::Parameters;
use super::render::{Answer, Cell, FIELDS, Record, csv, entry_record, json, xml, xml_feeds};
use super::route::Format;
use super::store::{Channel, Content, Place};

const MOST_ROWS: usize = 8_000;
const DEFAULT_ROWS: usize = 100;

/// What of each entry is to be shown.
struct Shown {
    fields: [bool; 8],
    status: bool,
    location: bool,
}

impl Shown {
    /// One field, or all that the channel uses.
    fn of(channel: &Channel, field: Option<usize>, parameters: &Parameters) -> Self {
        let fields = match field {
            Some(field) => std::array::from_fn(|index| index + 1 == field),
            None => std::array::from_fn(|index| channel.about.fields[index].is_some()),
        };
        Self { fields, status: parameters.is_true("status"), location: parameters.is_true("location") }
    }

    fn record(&self, place: Place, content: &Content) -> Record {
        entry_record(place, content, &self.fields, self.status, self.location)
    }
}

/// A channel's entries; `field` (1 to 8) restricts them to one field.
pub(super) fn feeds(
    channel: &Channel,
    field: Option<usize>,
    parameters: &Parameters,
    now: OffsetDateTime,
    format: Format,
) -> Answer {
    let shown = Shown::of(channel, field, parameters);
    let rows: Vec<Record> =
        selected(channel, parameters, now).into_iter().map(|(place, content)| shown.record(place, content)).collect();
    let format = format.or(Format::Json);
    let body = match format {
        Format::Csv => csv(&shown.record(EMPTY, &Content::default()), &rows),
        Format::Xml => xml_feeds(&about(channel, &shown), &rows),
        Format::Json | Format::Text | Format::Unspecified => {
            json(&Record::new([("channel", Cell::Record(about(channel, &shown))), ("feeds", Cell::List(rows))]))
        }
    };
    ok(format, body)
}

/// The last entry (by time); without one, `-1`. A `field` alone is shown bare where the path names no format.
pub(super) fn last(channel: &Channel, field: Option<usize>, parameters: &Parameters, format: Format) -> Answer {
    let Some((place, content)) = channel.entries.last_key_value() else {
        return ok(format.or(Format::Json), "-1".to_owned());
    };
    let shown = Shown::of(channel, field, parameters);
    let record = shown.record(*place, content);
    let body = match (format, field) {
        (Format::Text | Format::Unspecified, Some(field)) => content.fields[field - 1].clone().unwrap_or_default(),
        // The Arduino library reads JSON from `feeds/last.txt`.
        (Format::Text | Format::Unspecified, None) | (Format::Json, _) => json(&record),
        (Format::Xml, _) => xml("feed", &record),
        (Format::Csv, _) => csv(&record, std::slice::from_ref(&record)),
    };
    let format = if field.is_none() { format.or(Format::Json) } else { format };
    ok(format, body)
}

/// A place for a header line, of which only the names count.
const EMPTY: Place = Place { created_at: OffsetDateTime::UNIX_EPOCH, entry_id: 0 };

fn ok(format: Format, body: String) -> Answer {
    Answer { status: StatusCode::OK, content_type: format.content_type(), cacheable: true, body }
}

/// The entries that the parameters ask for.
fn selected<'c>(channel: &'c Channel, parameters: &Parameters, now: OffsetDateTime) -> Vec<(Place, &'c Content)> {
    let results = parameters.number("results").map(|results| results as usize);
    let ago = |duration| now.saturating_sub(duration);
    let days = parameters.number("days").map(|days| ago(Duration::days(days.into())));
    let minutes = parameters.number("minutes").map(|minutes| ago(Duration::minutes(minutes.into())));
    let start = parameters.first(&["start"]).and_then(parse);
    let asked = start.or(minutes).or(days);
    let since = match (asked, results) {
        (Some(since), _) => Some(since),
        (None, Some(_)) => None,
        (None, None) => Some(ago(Duration::DAY)),
    };
    let until = parameters.first(&["end"]).and_then(parse);
    let rows = results.unwrap_or(if asked.is_some() { MOST_ROWS } else { DEFAULT_ROWS }).min(MOST_ROWS);

    // From the newest back, so that a long channel costs no more than a short one.
    let mut selected: Vec<_> = channel
        .entries
        .iter()
        .rev()
        .map(|(place, content)| (*place, content))
        .skip_while(|(place, _)| until.is_some_and(|until| place.created_at > until))
        .take_while(|(place, _)| since.is_none_or(|since| place.created_at >= since))
        .take(rows)
        .collect();
    selected.reverse();
    selected
}

/// What a feed says of its channel.
fn about(channel: &Channel, shown: &Shown) -> Record {
    let last_write = channel.last_write.unwrap_or(channel.created_at);
    let last_entry_id = (channel.last_entry_id > 0).then_some(channel.last_entry_id);
    let mut record = Record::new([
        ("id", Cell::Integer(Some(channel.access.channel.into()))),
        ("name", Cell::text(&channel.about.name)),
        ("latitude", Cell::Decimal(Some("0.0".to_owned()))),
        ("longitude", Cell::Decimal(Some("0.0".to_owned()))),
    ]);
    for (index, name) in channel.about.fields.iter().enumerate() {
        if let (true, Some(name)) = (shown.fields[index], name) {
            record.push(FIELDS[index], Cell::text(name));
        }
    }
    record.push("created_at", Cell::Time(channel.created_at));
    record.push("updated_at", Cell::Time(last_write));
    record.push("last_entry_id", Cell::Integer(last_entry_id));
    record
}
