//! Writing: `/update` with one entry, `bulk_update.json` with many.
//!
//! Of several reasons for a refusal the first counts, in this order: malformed, too large, key, too soon, a value too
//! long, a `created_at` that is taken. Too soon before taken: a device that repeats a write at once is told to wait
//! first, as by the service.

use std::collections::BTreeSet;
use std::net::IpAddr;

use http::{Request, StatusCode};
use hyper::body::Bytes;
use serde_json::Value;
use time::{Duration, OffsetDateTime};

use super::error::Failure;
use super::moment::{parse, parse_or_epoch, whole_seconds};
use super::parameters::{Parameters, json_body, key};
use super::render::{Answer, Cell, Record, entry_record, json, xml};
use super::route::Format;
use super::store::{Channel, Content, Place};
use super::{Profile, Stored};

/// The longest message in bytes: query and body of an update.
const MESSAGE: usize = 3_000;
/// The longest value in bytes, as the service's tables hold it. Ours: a longer one is refused, not cut.
const VALUE: usize = 255;
/// The most entries in a bulk update, for those who do not pay.
const BULK: usize = 960;

/// An update's size in bytes, as far as it is limited.
pub(super) fn check_size(request: &Request<Bytes>) -> Result<(), Failure> {
    let size = request.uri().query().map_or(0, str::len) + request.body().len();
    if size > MESSAGE { Err(Failure::TooLarge) } else { Ok(()) }
}

/// Stores the entry of an update in its channel.
pub(super) fn update(
    channel: &mut Channel,
    parameters: &Parameters,
    now: OffsetDateTime,
    client: IpAddr,
) -> Result<Place, Failure> {
    if channel.is_resting(now) {
        return Err(Failure::TooSoon);
    }
    let content = content(parameters, client)?;
    // A time that cannot be read is ignored, as by the server of 2015.
    let asked = parameters.first(&["created_at"]).and_then(parse);
    if asked.is_some_and(|created_at| channel.has(created_at)) {
        return Err(Failure::Conflict);
    }
    channel.last_write = Some(now);
    Ok(channel.add(asked.unwrap_or_else(|| whole_seconds(now)), content))
}

/// The reply to an update that was stored.
pub(super) fn updated(channel: &Channel, place: Place, format: Format, profile: Profile) -> Answer {
    let content = channel.entries.get(&place).expect("the entry has just been stored");
    let body = match format {
        Format::Json => json(&written(channel, place, content, profile)),
        Format::Xml => xml("feed", &written(channel, place, content, profile)),
        Format::Text | Format::Csv | Format::Unspecified => place.entry_id.to_string(),
    };
    Answer { status: StatusCode::OK, content_type: format.content_type(), cacheable: true, body }
}

/// A new entry with all that it could have, in the order of the profile.
fn written(channel: &Channel, place: Place, content: &Content, profile: Profile) -> Record {
    let id = ("channel_id", Cell::Integer(Some(channel.access.channel.into())));
    let all = entry_record(place, content, &[true; 8], true, true);
    let order: &[&str] = match profile {
        Profile::Docs => &["created_at", "entry_id", "field", "latitude", "longitude", "elevation", "status"],
        Profile::Recorded2019 => &["field", "created_at", "entry_id", "status", "latitude", "longitude", "elevation"],
    };
    let mut record = Record::new([id]);
    for prefix in order {
        record.0.extend(all.0.iter().filter(|(name, _)| name.starts_with(prefix)).cloned());
    }
    record
}

/// Stores the entries of a bulk update in `channel`: all of them or none.
pub(super) fn bulk_update(
    channel: &mut Channel,
    request: &Request<Bytes>,
    now: OffsetDateTime,
    client: IpAddr,
) -> Result<Vec<Place>, Failure> {
    let body = json_body(request)?;
    let parameters = Parameters::of_object(&body)?;
    let updates = body.get("updates").and_then(Value::as_array).ok_or(Failure::BadRequest)?;
    if updates.len() > BULK {
        return Err(Failure::TooLarge);
    }
    let key = parameters.first(&["write_api_key"]).or_else(|| key(request, &parameters));
    if key != Some(&channel.access.write_key) {
        return Err(Failure::AuthorizationRequired);
    }
    if channel.is_resting(now) {
        return Err(Failure::TooManyRequests);
    }
    if updates.is_empty() {
        return Err(Failure::BadRequest);
    }
    let updates: Vec<Parameters> = updates.iter().map(Parameters::of_object).collect::<Result<_, _>>()?;
    let times = times(&updates, now)?;
    let contents = updates.iter().map(|update| content(update, client)).collect::<Result<Vec<_>, _>>()?;
    let mut seen = BTreeSet::new();
    if times.iter().any(|time| channel.has(*time) || !seen.insert(*time)) {
        return Err(Failure::Conflict);
    }
    channel.last_write = Some(now);
    Ok(times.into_iter().zip(contents).map(|(time, content)| channel.add(time, content)).collect())
}

/// The times of a bulk update's entries: each its own `created_at`, or all of them a `delta_t` in seconds since the one
/// before. Ours, because the documentation leaves it open: the last of these is taken to be of `now`.
fn times(updates: &[Parameters], now: OffsetDateTime) -> Result<Vec<OffsetDateTime>, Failure> {
    if updates.iter().all(|update| update.first(&["created_at"]).is_some()) {
        let time = |update: &Parameters| update.first(&["created_at"]).and_then(parse_or_epoch);
        return updates.iter().map(|update| time(update).ok_or(Failure::BadRequest)).collect();
    }
    let mut time = whole_seconds(now);
    let mut times = Vec::with_capacity(updates.len());
    for update in updates.iter().rev() {
        let delta = update.number("delta_t").ok_or(Failure::BadRequest)?;
        times.push(time);
        time = time.checked_sub(Duration::seconds(delta.into())).ok_or(Failure::BadRequest)?;
    }
    times.reverse();
    Ok(times)
}

/// The reply to a bulk update that was stored.
pub(super) fn bulk_updated() -> Answer {
    Answer {
        status: StatusCode::ACCEPTED,
        content_type: Format::Json.content_type(),
        cacheable: true,
        body: r#"{"success":true}"#.to_owned(),
    }
}

/// What an entry's parameters say. Unknown ones say nothing.
fn content(parameters: &Parameters, client: IpAddr) -> Result<Content, Failure> {
    let value = |names: &[&str]| {
        let Some(text) = parameters.first(names) else { return Ok(None) };
        if text.len() > VALUE {
            return Err(Failure::BadRequest);
        }
        if text.eq_ignore_ascii_case("IP_ADDRESS") {
            return Ok(Some(client.to_string()));
        }
        // Clients that escape twice end their values with the two characters `\n`.
        let text = text.strip_suffix(r"\n").unwrap_or(text);
        Ok(Some(text.strip_suffix(r"\r").unwrap_or(text).to_owned()))
    };
    let mut fields: [Option<String>; 8] = Default::default();
    for (number, field) in (1..).zip(&mut fields) {
        *field = value(&[&format!("field{number}"), &number.to_string()])?;
    }
    Ok(Content {
        fields,
        status: value(&["status"])?,
        latitude: value(&["latitude", "lat"])?,
        longitude: value(&["longitude", "long"])?,
        elevation: value(&["elevation"])?,
    })
}

/// The entry at `place` as the outside sees it.
pub(super) fn stored(channel: &Channel, place: Place) -> Stored {
    let content = channel.entries.get(&place).cloned().unwrap_or_default();
    Stored {
        channel: channel.access.channel,
        entry_id: place.entry_id,
        created_at: place.created_at,
        fields: content.fields,
        status: content.status,
    }
}
