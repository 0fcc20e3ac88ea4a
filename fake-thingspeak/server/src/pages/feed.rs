//! What the API says of a channel, as pages use it: the same reply that any client gets, read again.

use std::net::{IpAddr, Ipv4Addr};

use http::{Request, StatusCode};
use hyper::body::Bytes;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::options::Options;
use fake_thingspeak::cloud::Cloud;

/// Why a page shows nothing of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// There is no such channel, or it does not use the field.
    NotFound,
    /// It is private, and the key does not open it.
    NeedsKey,
}

/// One field of a channel's feed.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Feed {
    /// The channel's name.
    pub(super) channel: String,
    /// The field's name.
    pub(super) field: String,
    /// In order of time.
    pub(super) entries: Vec<Entry>,
}

/// An entry's value of the field, or one made of several entries.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    /// In the zone that the request names.
    pub(super) at: OffsetDateTime,
    /// The value as it was written; `None` if the entry has none.
    pub(super) value: Option<String>,
    /// Whether it is made of the entries of a piece of time.
    pub(super) made: bool,
}

impl Feed {
    /// What stands above the chart.
    pub(super) fn title<'f>(&'f self, options: &'f Options) -> std::borrow::Cow<'f, str> {
        options.title.as_deref().unwrap_or(&self.channel).into()
    }
}

/// Reads `field` (1 to 8) of a channel with the feed parameters of `query`.
pub(super) fn read(
    cloud: &mut Cloud,
    channel: u32,
    field: usize,
    query: &str,
    key: Option<&str>,
    now: OffsetDateTime,
) -> Result<Feed, Refused> {
    let reply = ask(cloud, &format!("/channels/{channel}/fields/{field}.json"), query, key, now)?;
    let name = format!("field{field}");
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let entry = |entry: &Value| {
        let at = OffsetDateTime::parse(entry["created_at"].as_str()?, &Rfc3339).ok()?;
        Some(Entry { at, value: text(&entry[&name]), made: entry.get("entry_id").is_none() })
    };
    Ok(Feed {
        channel: text(&reply["channel"]["name"]).unwrap_or_default(),
        field: text(&reply["channel"][&name]).ok_or(Refused::NotFound)?,
        entries: reply["feeds"].as_array().into_iter().flatten().filter_map(entry).collect(),
    })
}

/// What the API answers, in JSON.
pub(super) fn ask(
    cloud: &mut Cloud,
    path: &str,
    query: &str,
    key: Option<&str>,
    now: OffsetDateTime,
) -> Result<Value, Refused> {
    let mut request = Request::get(format!("{path}?{query}"));
    if let Some(key) = key {
        request = request.header("thingspeakapikey", key);
    }
    // Only a query that was taken apart and put together again gets here, and a key of letters and digits.
    let request = request.body(Bytes::new()).map_err(|_| Refused::NotFound)?;
    let response = cloud.handle(&request, now, IpAddr::V4(Ipv4Addr::LOCALHOST)).reply.response(&request);
    match response.status() {
        StatusCode::OK => serde_json::from_slice(response.body()).map_err(|_| Refused::NotFound),
        StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED => Err(Refused::NeedsKey),
        _ => Err(Refused::NotFound),
    }
}
