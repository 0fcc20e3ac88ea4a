//! Channels as their owner sees them: made, listed, looked at, described otherwise, emptied, deleted; and the list of
//! public ones for everybody.
//!
//! There is one user, to whom all channels belong. How interesting a channel is (`ranking`) goes by what is known of
//! it, as for the open-source server of 2015; so do the names of a channel and a field that were made without. What a
//! channel is to be stands in parameters of its own (`name`), as documented, or in `channel` (`channel[name]`), as in
//! the forms of that server; ours: of both, what stands in `channel` counts.
//!
//! Not modelled: watching, comments, windows.

use http::Method;

use super::User;
use super::aggregate::number;
use super::call::Call;
use super::error::Failure;
use super::keys::Keys;
use super::parameters::{Parameters, is_true};
use super::render::{Answer, Cell, FIELDS, Record, json, xml, xml_list};
use super::route::Format;
use super::store::{About, Change, Channel, Store};

const PER_PAGE: usize = 15;
/// The longest text about a channel in characters, as the service's tables hold it.
const LONGEST: usize = 255;
/// The longest metadata in bytes, as the service's tables hold it.
const LONGEST_METADATA: usize = 65_535;

/// Whether the call is the user's.
fn is_by(user: &User, call: &Call<'_>) -> Result<(), Failure> {
    if call.key() == Some(&user.key) { Ok(()) } else { Err(Failure::UserRefused) }
}

/// `/channels`: lists the user's channels, or makes one.
pub(super) fn channels(store: &mut Store, keys: &mut Keys, user: &User, call: &Call<'_>) -> Result<Answer, Failure> {
    match call.method {
        Method::GET => {
            is_by(user, call)?;
            let records = store.channels().map(|channel| record(channel, store, user, true, call)).collect();
            Ok(list("channels", records, call))
        }
        Method::POST => {
            is_by(user, call)?;
            let mut about = About::default();
            about.fields[0] = Some("Field Label 1".to_owned());
            described(&mut about, &call.parameters)?;
            if !call.allowance.has_channel(store.channels().count()) {
                return Err(Failure::PaymentRequired);
            }
            let access = keys.next_channel();
            let number = access.channel;
            if about.name.is_empty() {
                about.name = format!("Channel {number}");
            }
            store.apply(Change::ChannelCreated { access, about: Box::new(about), at: call.now });
            shown(store, number, user, true, call)
        }
        _ => Err(Failure::MethodInvalid),
    }
}

/// `/channels/ID`: shows, describes or deletes a channel.
pub(super) fn channel(store: &mut Store, number: u32, user: &User, call: &Call<'_>) -> Result<Answer, Failure> {
    let found = store.channel(number);
    match call.method {
        Method::GET => {
            let found = found.ok_or(Failure::NotFound)?;
            let owner = is_by(user, call).is_ok();
            if !owner && !call.behaviour.private_channels_are_described && !found.may_read(call.key()) {
                return Err(Failure::ReadRefused);
            }
            shown(store, number, user, owner, call)
        }
        Method::PUT => {
            is_by(user, call)?;
            let mut about = found.ok_or(Failure::NotFound)?.about.clone();
            described(&mut about, &call.parameters)?;
            store.apply(Change::ChannelDescribed { channel: number, about: Box::new(about), at: call.now });
            shown(store, number, user, true, call)
        }
        Method::DELETE => {
            is_by(user, call)?;
            let answer = shown(store, number, user, false, call)?;
            store.apply(Change::ChannelDeleted { channel: number });
            Ok(answer)
        }
        _ => Err(Failure::MethodInvalid),
    }
}

/// Takes a channel's entries away; they are counted from 1 again.
pub(super) fn clear(store: &mut Store, number: u32, user: &User, call: &Call<'_>) -> Result<Answer, Failure> {
    is_by(user, call)?;
    store.channel(number).ok_or(Failure::NotFound)?;
    store.apply(Change::ChannelCleared { channel: number });
    Ok(list("nil_classes", Vec::new(), call))
}

/// `/channels/public`: a page of the public channels, perhaps only those with a tag, of a user or near a place.
pub(super) fn public(store: &Store, user: &User, call: &Call<'_>) -> Result<Answer, Failure> {
    let parameters = &call.parameters;
    let page = parameters.number("page").unwrap_or(1) as usize;
    let skipped = page.checked_sub(1).ok_or(Failure::NotFound)?.saturating_mul(PER_PAGE);
    let tag = parameters.present("tag");
    let login = parameters.present("username");
    let near = Area::of(parameters);
    let mut found: Vec<&Channel> = store
        .channels()
        .filter(|channel| channel.about.public)
        .filter(|channel| tag.is_none_or(|tag| channel.about.tags.iter().any(|other| other == tag)))
        .filter(|_| login.is_none_or(|login| login == user.login))
        .filter(|channel| near.as_ref().is_none_or(|near| near.contains(&channel.about)))
        .collect();
    found.sort_by_key(|channel| {
        (std::cmp::Reverse((ranking(&channel.about), channel.updated_at)), channel.access.channel)
    });
    let count = |number: usize| Cell::Integer(Some(number as u64));
    let pagination = Record::new([
        ("current_page", count(page)),
        ("per_page", count(PER_PAGE)),
        ("total_entries", count(found.len())),
    ]);
    let channels = found.into_iter().skip(skipped).take(PER_PAGE);
    let channels = channels.map(|channel| record(channel, store, user, false, call)).collect();
    let reply = Record::new([("pagination", Cell::Record(pagination)), ("channels", Cell::List("channel", channels))]);
    Ok(response(&reply, call))
}

/// `/users/LOGIN/channels`: the user's public channels, and with the user's key the private ones as well.
pub(super) fn of_user(store: &Store, login: &str, user: &User, call: &Call<'_>) -> Result<Answer, Failure> {
    if login != user.login {
        return Err(Failure::NotFound);
    }
    let all = is_by(user, call).is_ok();
    let channels = store.channels().filter(|channel| all || channel.about.public);
    let channels = channels.map(|channel| record(channel, store, user, false, call)).collect();
    Ok(response(&Record::new([("channels", Cell::List("channel", channels))]), call))
}

/// `/users/LOGIN`: what everybody may know of the user. Ours: a user is as old as the first channel.
pub(super) fn user(store: &Store, login: &str, user: &User, call: &Call<'_>) -> Result<Answer, Failure> {
    if login != user.login {
        return Err(Failure::NotFound);
    }
    let since = store.channels().map(|channel| channel.created_at).min();
    let user = Record::new([
        ("id", Cell::Integer(Some(1))),
        ("login", Cell::text(login)),
        ("created_at", Cell::Time(since.map(|since| call.shown(since)))),
    ]);
    let format = call.format.json_or_xml();
    Ok(Answer::ok(format, if format == Format::Xml { xml("user", &user) } else { json(&user) }))
}

/// What is alike about the two lists of channels with something around them.
fn response(reply: &Record, call: &Call<'_>) -> Answer {
    let format = call.format.json_or_xml();
    Answer::ok(format, if format == Format::Xml { xml("response", reply) } else { json(reply) })
}

fn list(name: &'static str, records: Vec<Record>, call: &Call<'_>) -> Answer {
    let format = call.format.json_or_xml();
    let body = if format == Format::Xml { xml_list(name, "channel", records) } else { json(&records) };
    Answer::ok(format, body)
}

fn shown(store: &Store, number: u32, user: &User, owner: bool, call: &Call<'_>) -> Result<Answer, Failure> {
    let channel = store.channel(number).ok_or(Failure::NotFound)?;
    let record = record(channel, store, user, owner, call);
    let format = call.format.json_or_xml();
    let body = if format == Format::Xml { xml("channel", &record) } else { json(&record) };
    Ok(Answer::ok(format, body))
}

/// A channel, with what only its owner may see.
fn record(channel: &Channel, store: &Store, user: &User, owner: bool, call: &Call<'_>) -> Record {
    let about = &channel.about;
    let mut record = Record::new([
        ("id", Cell::Integer(Some(channel.access.channel.into()))),
        ("name", Cell::text(&about.name)),
        ("description", Cell::Text(about.description.clone())),
    ]);
    if owner {
        record.push("metadata", Cell::Text(about.metadata.clone()));
    }
    record.push("latitude", Cell::Decimal(about.latitude.clone()));
    record.push("longitude", Cell::Decimal(about.longitude.clone()));
    record.push("created_at", Cell::Time(Some(call.shown(channel.created_at))));
    record.push("elevation", Cell::Text(about.elevation.clone()));
    record.push("last_entry_id", Cell::Integer(Some(channel.last_entry_id()).filter(|last| *last > 0)));
    record.push("ranking", Cell::Integer(Some(ranking(about))));
    record.push("username", Cell::text(&user.login));
    let tag =
        |name: &String| Record::new([("id", Cell::Integer(Some(store.tag(name).into()))), ("name", Cell::text(name))]);
    record.push("tags", Cell::List("tag", about.tags.iter().map(tag).collect()));
    if owner {
        let key = |key: &str, writes| Record::new([("api_key", Cell::text(key)), ("write_flag", Cell::Truth(writes))]);
        let keys = vec![key(&channel.access.write_key, true), key(&channel.access.read_key, false)];
        record.push("api_keys", Cell::List("api_key", keys));
    }
    record
}

/// How much is known of a channel: 15 for its name alone.
fn ranking(about: &About) -> u64 {
    let points = [
        (15, !about.name.is_empty()),
        (20, about.description.is_some()),
        (15, about.latitude.is_some() && about.longitude.is_some()),
        (15, about.url.is_some()),
        (20, !about.tags.is_empty()),
    ];
    points.into_iter().filter(|(_, known)| *known).map(|(points, _)| points).sum()
}

/// Alters what the parameters name.
fn described(about: &mut About, parameters: &Parameters<'_>) -> Result<(), Failure> {
    let given = |names: &[&str]| parameters.first_in("channel", names).or_else(|| parameters.first(names));
    let text = |names: &[&str], longest: usize| match given(names) {
        Some(text) if text.chars().count() > longest => Err(Failure::TooLong),
        text => Ok(text.map(|text| Some(text.to_owned()).filter(|text| !text.is_empty()))),
    };
    if let Some(Some(name)) = text(&["name"], LONGEST)? {
        about.name = name;
    }
    if let Some(metadata) = text(&["metadata"], LONGEST_METADATA)? {
        about.metadata = metadata;
    }
    let texts = [
        (&mut about.description, ["description", "description"]),
        (&mut about.latitude, ["latitude", "lat"]),
        (&mut about.longitude, ["longitude", "long"]),
        (&mut about.elevation, ["elevation", "elevation"]),
        (&mut about.url, ["url", "url"]),
    ];
    for (slot, names) in texts {
        if let Some(value) = text(&names, LONGEST)? {
            *slot = value;
        }
    }
    for (name, slot) in FIELDS.into_iter().zip(&mut about.fields) {
        if let Some(value) = text(&[name], LONGEST)? {
            *slot = value;
        }
    }
    // A form beside those of the channel, on the same page.
    if let Some(tags) = given(&["tags"]).or_else(|| parameters.first_in("tags", &["name"])) {
        let mut names: Vec<String> = Vec::new();
        for name in tags.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            if name.chars().count() > LONGEST {
                return Err(Failure::TooLong);
            }
            if names.iter().all(|other| other != name) {
                names.push(name.to_owned());
            }
        }
        about.tags = names;
    }
    if let Some(public) = given(&["public_flag"]) {
        about.public = is_true(public);
    }
    Ok(())
}

/// The part of the world that a search is about.
struct Area {
    latitude: f64,
    longitude: f64,
    kilometres: f64,
}

impl Area {
    fn of(parameters: &Parameters<'_>) -> Option<Self> {
        let value = |name| parameters.present(name).and_then(number);
        Some(Self { latitude: value("latitude")?, longitude: value("longitude")?, kilometres: value("distance")? })
    }

    /// Whether a channel lies in it, as the crow flies over a sphere.
    fn contains(&self, about: &About) -> bool {
        const RADIUS: f64 = 6_371.0;
        let degrees = |text: &Option<String>| text.as_deref().and_then(number);
        let (Some(latitude), Some(longitude)) = (degrees(&about.latitude), degrees(&about.longitude)) else {
            return false;
        };
        let (from, to) = (self.latitude.to_radians(), latitude.to_radians());
        let across = ((to - from) / 2.0).sin().powi(2);
        let along = ((longitude - self.longitude).to_radians() / 2.0).sin().powi(2);
        let chord = (across + from.cos() * to.cos() * along).clamp(0.0, 1.0);
        2.0 * RADIUS * chord.sqrt().asin() <= self.kilometres
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_is_near_over_a_sphere() {
        // From the open-source server's tests: 60 N 60 E lies within 100 km of 59.8 N 60.2 E.
        let near = Area { latitude: 59.8, longitude: 60.2, kilometres: 100.0 };
        let at = |latitude: &str, longitude: &str| About {
            latitude: Some(latitude.to_owned()),
            longitude: Some(longitude.to_owned()),
            ..About::default()
        };
        assert!(near.contains(&at("60", "60")));
        assert!(!near.contains(&at("10", "10")));
        assert!(!near.contains(&About::default()));
        // Around the back.
        let date_line = Area { latitude: 0.0, longitude: 179.9, kilometres: 50.0 };
        assert!(date_line.contains(&at("0", "-179.9")));
    }
}
