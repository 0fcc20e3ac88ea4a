//! Writing one entry: `/update`.
//!
//! Of several reasons for a refusal the first counts, in this order: too large, malformed, key, too soon, no message
//! left, a value too long, a `created_at` that is taken. Too soon before taken: a device that repeats a write at once
//! is told to wait first, as by the service.

use std::net::IpAddr;

use super::call::Call;
use super::error::Failure;
use super::parameters::Parameters;
use super::render::{Answer, Cell, Record, json, push_fields, push_location, xml};
use super::route::Format;
use super::store::{Content, Entry, LONGEST_VALUE, Store, VALUES};
use super::timestamps::{parse, whole_seconds};
use super::{Stored, talkback};

/// Stores the entry of an update in the channel that the key opens.
pub(super) fn update(store: &mut Store, call: &Call<'_>, stored: &mut Vec<Stored>) -> Result<Answer, Failure> {
    let channel = call.key().and_then(|key| store.writable(key)).ok_or(Failure::WriteRefused)?;
    let lifted = call.behaviour.lifting_the_rate_limit.iter().any(|name| call.parameters.present(name).is_some());
    if channel.is_resting(call.now, call.allowance.write_interval) && !lifted {
        return Err(Failure::TooSoon);
    }
    if !call.allowance.has_messages(1) {
        return Err(Failure::PaymentRequired);
    }
    let content = content(&call.parameters, call.client)?;
    // A time that cannot be read is ignored, as by the server of 2015.
    let asked = call.parameters.first(&["created_at"]).and_then(|text| parse(text, &call.zone));
    if call.behaviour.times_are_unique && asked.is_some_and(|created_at| channel.has(created_at)) {
        return Err(Failure::Conflict);
    }
    let number = channel.access.channel;
    let created_at = asked.unwrap_or_else(|| whole_seconds(call.now));
    let entry = store.add_entry(number, created_at, content, call.now).ok_or(Failure::NotFound)?;
    let answer = match call.parameters.present("talkback_key") {
        Some(key) => talkback::execute_beside_an_update(store, key, call),
        None => updated(number, &entry, call),
    };
    // The only one, and large.
    stored.reserve_exact(1);
    stored.push(as_stored(number, entry));
    Ok(answer)
}

/// The reply to an update that was stored.
fn updated(channel: u32, entry: &Entry, call: &Call<'_>) -> Answer {
    let body = match call.format {
        Format::Json => json(&written(channel, entry, call)),
        Format::Xml => xml("feed", &written(channel, entry, call)),
        Format::Text | Format::Csv | Format::Unspecified => entry.entry_id.to_string(),
    };
    Answer::ok(call.format, body)
}

/// A new entry with all that it could have, in the order of the profile.
fn written(channel: u32, entry: &Entry, call: &Call<'_>) -> Record {
    let mut all = Record::new([
        ("created_at", Cell::Time(Some(call.shown(entry.created_at)))),
        ("entry_id", Cell::Integer(Some(entry.entry_id))),
    ]);
    push_fields(&mut all, &entry.content, &[true; 8]);
    push_location(&mut all, &entry.content);
    all.push("status", Cell::Text(entry.content.status.clone()));
    let mut record = Record::new([("channel_id", Cell::Integer(Some(channel.into())))]);
    for prefix in call.behaviour.order_of_an_entry {
        record.0.extend(all.0.iter().filter(|(name, _)| name.starts_with(prefix)).cloned());
    }
    record
}

/// What an entry's parameters say. Unknown ones say nothing. One pass, as an entry could have many more values than a
/// request has.
pub(super) fn content(parameters: &Parameters<'_>, client: IpAddr) -> Result<Content, Failure> {
    let mut found: [Option<(&str, Called)>; VALUES] = [None; VALUES];
    for (name, value) in parameters.iter() {
        let Some((index, called)) = place(name) else { continue };
        // Of two names of the same thing the full one counts, and of two values the last.
        if called == Called::InFull || found[index].is_none_or(|(_, before)| before == Called::InShort) {
            found[index] = Some((value, called));
        }
    }
    let mut content = Content::default();
    for (slot, found) in content.values_mut().zip(found) {
        *slot = found.map(|(text, _)| value(text, client)).transpose()?;
    }
    Ok(content)
}

/// By which of its names a value goes.
#[derive(Clone, Copy, PartialEq)]
enum Called {
    InFull,
    InShort,
}

/// Which of an entry's values `name` is, in the order of [`Content::values_mut`].
fn place(name: &str) -> Option<(usize, Called)> {
    let (digit, called) = match name {
        "status" => return Some((8, Called::InFull)),
        "latitude" => return Some((9, Called::InFull)),
        "lat" => return Some((9, Called::InShort)),
        "longitude" => return Some((10, Called::InFull)),
        "long" => return Some((10, Called::InShort)),
        "elevation" => return Some((11, Called::InFull)),
        _ => match name.strip_prefix("field") {
            Some(digit) => (digit, Called::InFull),
            None => (name, Called::InShort),
        },
    };
    match *digit.as_bytes() {
        [digit @ b'1'..=b'8'] => Some((usize::from(digit - b'1'), called)),
        _ => None,
    }
}

/// A value as it is stored. Ours: one that is too long is refused, not cut.
fn value(text: &str, client: IpAddr) -> Result<String, Failure> {
    if text.len() > LONGEST_VALUE {
        return Err(Failure::TooLong);
    }
    if text.eq_ignore_ascii_case("IP_ADDRESS") {
        return Ok(client.to_string());
    }
    // Clients that escape twice end their values with the two characters `\n`.
    let text = text.strip_suffix(r"\n").unwrap_or(text);
    Ok(text.strip_suffix(r"\r").unwrap_or(text).to_owned())
}

/// The entry as the outside sees it.
pub(super) fn as_stored(channel: u32, entry: Entry) -> Stored {
    Stored {
        channel,
        entry_id: entry.entry_id,
        created_at: entry.created_at,
        fields: entry.content.fields,
        status: entry.content.status,
        in_bulk: false,
    }
}
