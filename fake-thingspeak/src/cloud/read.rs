//! Reading a feed: a channel's entries, one field of them, their statuses.
//!
//! Which entries: of the time from `start`, else `minutes`, else `days` before now, until `end` or now; the newest
//! `results` of these. Without any of these parameters, the last 100 of the time that the profile looks back; each of
//! them lifts both limits, and no read shows more than 8000. `start_entry_id` and `end_entry_id` select by number
//! instead. Entries come in order of time.
//!
//! What of them: the fields that the channel has names for; then one row out of several (`aggregate`), then only rows
//! of which no number lies outside of `min` and `max`, then rounding.

use time::Duration;

use super::aggregate::{Measure, Row, aggregated, decimals, number, round};
use super::call::Call;
use super::render::{Answer, Cell, FIELDS, Record, csv, json, push_fields, push_location, xml};
use super::route::Format;
use super::store::{Channel, Entry};
use super::timestamps::parse;

const MOST_ROWS: usize = 8_000;
const DEFAULT_ROWS: usize = 100;

/// What of each entry is to be shown.
pub(super) struct Shown {
    entry_id: bool,
    fields: [bool; 8],
    status: bool,
    location: bool,
}

impl Shown {
    /// One field, or all that the channel uses.
    pub(super) fn of(channel: &Channel, field: Option<usize>, call: &Call<'_>) -> Self {
        let fields = std::array::from_fn(|index| {
            channel.about.fields[index].is_some() && field.is_none_or(|field| field == index + 1)
        });
        let parameters = &call.parameters;
        Self { entry_id: true, fields, status: parameters.is_true("status"), location: parameters.is_true("location") }
    }

    /// The status alone.
    pub(super) fn status() -> Self {
        Self { entry_id: true, fields: [false; 8], status: true, location: false }
    }

    /// Whether the channel uses the field and it is to be shown.
    pub(super) fn has_field(&self, field: usize) -> bool {
        self.fields[field - 1]
    }

    pub(super) fn record(&self, row: &Row, call: &Call<'_>) -> Record {
        let mut record = Record::new([("created_at", Cell::Time(Some(call.shown(row.created_at))))]);
        if self.entry_id {
            record.push("entry_id", Cell::Integer(row.entry_id));
        }
        push_fields(&mut record, &row.content, &self.fields);
        if self.location {
            push_location(&mut record, &row.content);
        }
        if self.status {
            record.push("status", Cell::Text(row.content.status.clone()));
        }
        if call.format == Format::Xml {
            // Rails' own number of the row, which it does not select and shows all the same.
            record.push("id", Cell::Integer(None));
        }
        record
    }

    /// The line above the rows in CSV.
    pub(super) fn names(&self, call: &Call<'_>) -> Record {
        let row = Row { created_at: call.now, entry_id: None, content: super::store::Content::default() };
        self.record(&row, call)
    }

    /// Whether all numbers that are to be shown lie in the bounds.
    fn lies_within(&self, row: &Row, min: Option<f64>, max: Option<f64>) -> bool {
        let shown = (0..8).filter(|index| self.fields[*index]);
        let mut numbers = shown.filter_map(|index| number(row.content.fields[index].as_deref()?));
        numbers.all(|number| min.is_none_or(|min| number >= min) && max.is_none_or(|max| number <= max))
    }
}

/// A channel's entries; `field` (1 to 8) restricts them to one field.
pub(super) fn feeds(channel: &Channel, field: Option<usize>, call: &Call<'_>) -> Answer {
    let mut shown = Shown::of(channel, field, call);
    let parameters = &call.parameters;
    let mut rows: Vec<Row> = selected(channel, DEFAULT_ROWS, call).into_iter().map(Row::from).collect();
    let decimals = decimals(parameters);
    let measure = Measure::of_feed(parameters);
    if let Some((measure, minutes)) = measure {
        rows = aggregated(&rows, measure, minutes, decimals);
        shown.entry_id = false;
    }
    let bound = |name| parameters.present(name).and_then(number);
    let (min, max) = (bound("min"), bound("max"));
    if min.is_some() || max.is_some() {
        rows.retain(|row| shown.lies_within(row, min, max));
    }
    if let (Some(decimals), None | Some((Measure::Timescale, _))) = (decimals, measure) {
        rows.iter_mut().for_each(|row| round(&mut row.content, decimals));
    }
    let about = about(channel, &shown, call);
    listed(about, &shown, &rows, call)
}

/// What the entries of a channel say in their status.
pub(super) fn statuses(channel: &Channel, call: &Call<'_>) -> Answer {
    let rows: Vec<Row> = selected(channel, MOST_ROWS, call).into_iter().map(Row::from).collect();
    let mut about = Record::new([("name", Cell::text(&channel.about.name))]);
    push_channel_location(&mut about, channel, call);
    listed(about, &Shown::status(), &rows, call)
}

/// Rows in the format of the path.
fn listed(mut about: Record, shown: &Shown, rows: &[Row], call: &Call<'_>) -> Answer {
    let format = call.format.or(Format::Json);
    let records: Vec<Record> = rows.iter().map(|row| shown.record(row, call)).collect();
    let body = match format {
        Format::Csv => csv(&shown.names(call), &records),
        Format::Xml => {
            about.push("feeds", Cell::List("feed", records));
            xml("channel", &about)
        }
        Format::Json | Format::Text | Format::Unspecified => {
            json(&Record::new([("channel", Cell::Record(about)), ("feeds", Cell::List("feed", records))]))
        }
    };
    Answer::ok(format, body)
}

/// The entries that the parameters ask for; `default_rows` of them if they do not say how many.
fn selected(channel: &Channel, default_rows: usize, call: &Call<'_>) -> Vec<Entry> {
    let parameters = &call.parameters;
    let results = parameters.number("results").map(|results| results as usize);
    let numbers = (parameters.number("start_entry_id"), parameters.number("end_entry_id"));
    if let (first @ Some(_), last) | (first @ None, last @ Some(_)) = numbers {
        let last = last.map_or_else(|| channel.last_entry_id(), u64::from);
        let rows = results.unwrap_or(MOST_ROWS).min(MOST_ROWS);
        return channel.numbered(first.unwrap_or(1).into()..=last, rows);
    }
    let ago = |duration| call.now.saturating_sub(duration);
    let days = parameters.number("days").map(|days| ago(Duration::days(days.into())));
    let minutes = parameters.number("minutes").map(|minutes| ago(Duration::minutes(minutes.into())));
    let time = |name| parameters.first(&[name]).and_then(|text| parse(text, &call.zone));
    let (start, end) = (time("start"), time("end"));
    let since = start.or(minutes).or(days);
    let back = if results.is_some() { None } else { call.behaviour.window.map(ago) };
    let lifted = start.or(end).or(days).or(minutes.filter(|_| call.behaviour.minutes_lift_the_row_limit)).is_some();
    let rows = results.unwrap_or(if lifted { MOST_ROWS } else { default_rows }).min(MOST_ROWS);
    channel.between(since.or(back), Some(end.unwrap_or(call.now)), rows)
}

/// What a feed says of its channel.
fn about(channel: &Channel, shown: &Shown, call: &Call<'_>) -> Record {
    let about = &channel.about;
    let mut record =
        Record::new([("id", Cell::Integer(Some(channel.access.channel.into()))), ("name", Cell::text(&about.name))]);
    if let Some(description) = &about.description {
        record.push("description", Cell::text(description));
    }
    push_channel_location(&mut record, channel, call);
    for (index, name) in about.fields.iter().enumerate() {
        if let (true, Some(name)) = (shown.fields[index], name) {
            record.push(FIELDS[index], Cell::text(name));
        }
    }
    record.push("created_at", Cell::Time(Some(call.shown(channel.created_at))));
    record.push("updated_at", Cell::Time(Some(call.shown(channel.updated_at))));
    if let Some(elevation) = &about.elevation {
        record.push("elevation", Cell::text(elevation));
    }
    let last_entry_id = Some(channel.last_entry_id()).filter(|last| *last > 0);
    record.push("last_entry_id", Cell::Integer(last_entry_id));
    if call.parameters.is_true("metadata") {
        record.push("metadata", Cell::Text(about.metadata.clone()));
    }
    record
}

/// The channel's place, or the one that the profile shows for a channel without a place.
fn push_channel_location(record: &mut Record, channel: &Channel, call: &Call<'_>) {
    let about = &channel.about;
    for (name, degrees) in [("latitude", &about.latitude), ("longitude", &about.longitude)] {
        if let Some(degrees) = degrees.as_deref().or(call.behaviour.nowhere) {
            record.push(name, Cell::Decimal(Some(degrees.to_owned())));
        }
    }
}
