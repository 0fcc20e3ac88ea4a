//! Reading one thing of a channel: its last entry, an entry by its number, the last of some entries together, how old
//! the last one is and which number it has.
//!
//! The last entry is the one that was stored last, whatever its time; of a field it is the last that has a value there
//! (see [`cloud`](super) for why).

use super::aggregate::{Measure, Row, aggregated, decimals, minutes, round};
use super::call::Call;
use super::error::Failure;
use super::read::Shown;
use super::render::{Answer, Cell, Record, csv, json, push_fields, push_location, xml};
use super::route::Format;
use super::store::{Channel, Entry};

/// How many entries `last_average` and its like are of at most.
const MOST_OF_A_GROUP: i64 = 100;

/// The last entry, or the last with a value in `field` (1 to 8).
pub(super) fn last(channel: &Channel, field: Option<usize>, call: &Call<'_>) -> Result<Answer, Failure> {
    let entry = match field {
        Some(field) => channel.last_with(field),
        None => channel.last(),
    };
    one(channel, field, entry, call)
}

/// The entry with a number, or its value in `field` (1 to 8).
pub(super) fn entry(
    channel: &Channel,
    field: Option<usize>,
    entry_id: u64,
    call: &Call<'_>,
) -> Result<Answer, Failure> {
    one(channel, field, channel.entry(entry_id), call)
}

/// What the last entry, or the one with a number, says in its status.
pub(super) fn status(channel: &Channel, entry_id: Option<u64>, call: &Call<'_>) -> Result<Answer, Failure> {
    let entry = entry_id.map_or_else(|| channel.last(), |entry_id| channel.entry(entry_id));
    let entry = entry.ok_or(Failure::NoEntry)?;
    if call.format == Format::Text {
        let status = entry.content.status.as_deref().unwrap_or_default();
        return Ok(Answer::ok(Format::Text, between_texts(status, call)));
    }
    Ok(shown(&Shown::status(), &Row::from(entry), call))
}

/// A single entry. A field of it alone is shown bare where the path names no format.
fn one(channel: &Channel, field: Option<usize>, entry: Option<Entry>, call: &Call<'_>) -> Result<Answer, Failure> {
    let mut row = Row::from(entry.ok_or(Failure::NoEntry)?);
    if let Some(decimals) = decimals(&call.parameters) {
        round(&mut row.content, decimals);
    }
    let what = Shown::of(channel, field, call);
    match (call.format, field) {
        (Format::Text | Format::Unspecified, Some(field)) if what.has_field(field) => {
            let value = row.content.fields[field - 1].as_deref().unwrap_or_default();
            Ok(Answer::ok(call.format, between_texts(value, call)))
        }
        (Format::Text | Format::Unspecified, Some(_)) => Err(Failure::NoEntry),
        _ => Ok(shown(&what, &row, call)),
    }
}

/// A row in the format of the path; in text it is JSON, as the Arduino library reads it.
fn shown(what: &Shown, row: &Row, call: &Call<'_>) -> Answer {
    let record = what.record(row, call);
    let format = call.format.or(Format::Json);
    let body = match format {
        Format::Xml => xml("feed", &record),
        Format::Csv => csv(&record, std::slice::from_ref(&record)),
        Format::Json | Format::Text | Format::Unspecified => json(&record),
    };
    Answer::ok(format, body)
}

/// `text` between what the request wants before and after it.
fn between_texts(text: &str, call: &Call<'_>) -> String {
    let wanted = |name| call.parameters.first(&[name]).unwrap_or_default();
    format!("{}{text}{}", wanted("prepend"), wanted("append"))
}

/// Sum, average or median of the last entries; the parameter of that name is both how many and of how many minutes.
/// What comes of the last of these pieces of time is shown, with everything that an entry could have.
pub(super) fn last_group(channel: &Channel, name: &'static str, call: &Call<'_>) -> Result<Answer, Failure> {
    let measure = Measure::called(name).ok_or(Failure::NotFound)?;
    let minutes = minutes(call.parameters.present(name).ok_or(Failure::NoEntry)?);
    let entries = usize::try_from(minutes.min(MOST_OF_A_GROUP)).map_err(|_| Failure::NoEntry)?;
    let rows: Vec<Row> = channel.between(None, None, entries).into_iter().map(Row::from).collect();
    let rows = aggregated(&rows, measure, minutes, decimals(&call.parameters));
    let row = rows.last().ok_or(Failure::NoEntry)?;
    let mut record = Record::new([("channel_id", Cell::Integer(None))]);
    push_fields(&mut record, &row.content, &[true; 8]);
    record.push("created_at", Cell::Time(Some(call.shown(row.created_at))));
    record.push("entry_id", Cell::Integer(None));
    record.push("status", Cell::Text(None));
    push_location(&mut record, &row.content);
    let format = call.format.or(Format::Json);
    let body = match format {
        Format::Xml => xml("feed", &record),
        Format::Csv => csv(&record, std::slice::from_ref(&record)),
        // There is no field of which the value could be shown.
        Format::Text => between_texts("", call),
        Format::Json | Format::Unspecified => json(&record),
    };
    Ok(Answer::ok(format, body))
}

/// How many seconds ago the last entry was, or the last with a value in `field` (1 to 8).
pub(super) fn last_age(channel: &Channel, field: Option<usize>, call: &Call<'_>) -> Result<Answer, Failure> {
    let entry = match field {
        Some(field) => channel.last_with(field),
        None => channel.last(),
    };
    let age = (call.now - entry.ok_or(Failure::NoEntry)?.created_at).whole_seconds().to_string();
    let record = Record::new([("last_data_age", Cell::text(&age)), ("last_data_age_units", Cell::text("s"))]);
    let format = call.format.or(Format::Json);
    let body = match format {
        Format::Text => age,
        Format::Xml => xml("channel", &record),
        Format::Csv => csv(&record, std::slice::from_ref(&record)),
        Format::Json | Format::Unspecified => json(&record),
    };
    Ok(Answer::ok(format, body))
}

/// The number of the last entry; 0 if there is none.
pub(super) fn last_entry_id(channel: &Channel, call: &Call<'_>) -> Answer {
    let number = channel.last_entry_id();
    let body = match call.format {
        Format::Xml => format!(r#"<xml class="last_entry_id">{number}</xml>"#),
        _ => number.to_string(),
    };
    Answer::ok(call.format, body)
}
