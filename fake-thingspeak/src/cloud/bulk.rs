//! Writing many entries at once: `bulk_update.json` and `bulk_update.csv`. All of them are stored, or none.
//!
//! Of several reasons for a refusal the first counts, in this order: malformed, too many, key, too soon, no entry,
//! too few messages left, a time that is none, a value too long, a `created_at` that is taken.
//!
//! In CSV, entries stand between `|`, and the values of each between `,`: time, eight fields, latitude, longitude,
//! elevation, status. Values at the end may be missing, and what stands after the last one is refused. A value cannot
//! hold a comma or a bar, unless it is quoted (RFC 4180 §2).

use std::collections::BTreeSet;

use http::StatusCode;
use serde_json::Value;
use time::{Duration, OffsetDateTime};

use super::Stored;
use super::call::Call;
use super::error::Failure;
use super::parameters::{Parameters, json_body};
use super::render::Answer;
use super::route::Format;
use super::store::Store;
use super::timestamps::{parse_or_epoch, whole_seconds};
use super::write::{as_stored, content};

/// The most entries at once, with a free account.
const MOST: usize = 960;

/// The columns of an entry in CSV, after its time.
const COLUMNS: [&str; 12] = [
    "field1",
    "field2",
    "field3",
    "field4",
    "field5",
    "field6",
    "field7",
    "field8",
    "latitude",
    "longitude",
    "elevation",
    "status",
];

/// Stores the entries of a bulk update in `channel`.
pub(super) fn update(
    store: &mut Store,
    number: u32,
    csv: bool,
    call: &Call<'_>,
    stored: &mut Vec<Stored>,
) -> Result<Answer, Failure> {
    let channel = store.channel(number).ok_or(Failure::NotFound)?;
    let updates = if csv { csv_updates(call)? } else { json_updates(call)? };
    if updates.len() > MOST {
        return Err(Failure::TooLarge);
    }
    let key = call.parameters.first(&["write_api_key"]).or_else(|| call.key());
    if key != Some(&channel.access.write_key) {
        return Err(Failure::AuthorizationRequired);
    }
    if channel.is_resting(call.now, call.allowance.write_interval) {
        return Err(Failure::TooManyRequests);
    }
    if updates.is_empty() {
        return Err(Failure::BadRequest);
    }
    if !call.allowance.has_messages(updates.len()) {
        return Err(Failure::PaymentRequired);
    }
    let times = times(&updates, call)?;
    let contents = updates.iter().map(|update| content(update, call.client)).collect::<Result<Vec<_>, _>>()?;
    let mut seen = BTreeSet::new();
    if call.behaviour.times_are_unique && times.iter().any(|time| channel.has(*time) || !seen.insert(*time)) {
        return Err(Failure::Conflict);
    }
    for (created_at, content) in times.into_iter().zip(contents) {
        let entry = store.add_entry(number, created_at, content, call.now);
        stored.extend(entry.map(|entry| Stored { in_bulk: true, ..as_stored(number, entry) }));
    }
    Ok(Answer {
        status: StatusCode::ACCEPTED,
        content_type: Format::Json.content_type(),
        cacheable: true,
        body: r#"{"success":true}"#.to_owned(),
    })
}

fn json_updates(call: &Call<'_>) -> Result<Vec<Parameters<'static>>, Failure> {
    let body = json_body(call.request)?;
    let updates = body.get("updates").and_then(Value::as_array).ok_or(Failure::BadRequest)?;
    if updates.len() > MOST {
        return Err(Failure::TooLarge);
    }
    updates.iter().map(|update| Parameters::default().with_object(update)).collect()
}

/// The entries in CSV as if they had come in JSON.
fn csv_updates(call: &Call<'_>) -> Result<Vec<Parameters<'static>>, Failure> {
    let time = match call.parameters.first(&["time_format"]) {
        Some("absolute") => "created_at",
        Some("relative") => "delta_t",
        _ => return Err(Failure::BadRequest),
    };
    let updates = call.parameters.first(&["updates"]).ok_or(Failure::BadRequest)?;
    let mut all = Vec::new();
    for row in rows(updates)? {
        if all.len() == MOST {
            return Err(Failure::TooLarge);
        }
        let mut update = Parameters::default();
        let mut values = row.iter();
        update.set(time, values.next().map_or("", |time| time.trim()));
        for name in COLUMNS {
            if let Some(value) = values.next().filter(|value| !value.is_empty()) {
                update.set(name, value);
            }
        }
        if values.next().is_some() {
            return Err(Failure::BadRequest);
        }
        all.push(update);
    }
    Ok(all)
}

/// Rows of values. An empty row is none.
fn rows(text: &str) -> Result<Vec<Vec<String>>, Failure> {
    let mut rows = vec![vec![String::new()]];
    let mut characters = text.trim().chars().peekable();
    let mut quoted = false;
    while let Some(c) = characters.next() {
        let row = rows.last_mut().expect("there is always a row");
        let value = row.last_mut().expect("a row begins with a value");
        match c {
            '"' if quoted && characters.next_if_eq(&'"').is_some() => value.push('"'),
            '"' if quoted => quoted = false,
            '"' if value.is_empty() => quoted = true,
            '|' if !quoted => rows.push(vec![String::new()]),
            ',' if !quoted => row.push(String::new()),
            c => value.push(c),
        }
    }
    rows.retain(|row| row.iter().any(|value| !value.trim().is_empty()));
    if quoted { Err(Failure::BadRequest) } else { Ok(rows) }
}

/// The times of a bulk update's entries: each its own `created_at`, or all of them a `delta_t` in seconds since the one
/// before. Ours, because the documentation leaves it open: the last of these is taken to be of now.
fn times(updates: &[Parameters<'_>], call: &Call<'_>) -> Result<Vec<OffsetDateTime>, Failure> {
    if updates.iter().all(|update| update.first(&["created_at"]).is_some()) {
        let time =
            |update: &Parameters<'_>| update.first(&["created_at"]).and_then(|text| parse_or_epoch(text, &call.zone));
        return updates.iter().map(|update| time(update).ok_or(Failure::BadRequest)).collect();
    }
    let mut time = whole_seconds(call.now);
    let mut times = Vec::with_capacity(updates.len());
    for update in updates.iter().rev() {
        let delta = update.number("delta_t").ok_or(Failure::BadRequest)?;
        times.push(time);
        time = time.checked_sub(Duration::seconds(delta.into())).ok_or(Failure::BadRequest)?;
    }
    times.reverse();
    Ok(times)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_between_commas_and_rows_between_bars() {
        let text = "2026-01-01 00:00:00 UTC,21.5,,\"a, \"\"b\"\" | c\"|5,x\"y\"|,,|";
        let expected: [&[&str]; 2] = [&["2026-01-01 00:00:00 UTC", "21.5", "", "a, \"b\" | c"], &["5", "x\"y\""]];
        assert_eq!(rows(text).unwrap(), expected);
        assert_eq!(rows("1,\"2"), Err(Failure::BadRequest));
        assert!(rows("").unwrap().is_empty());
    }
}
