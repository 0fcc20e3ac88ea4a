//! A channel's own page: what it is, its charts, its last entries, and how to get at them.

use maud::{Markup, html};
use time::OffsetDateTime;

use super::feed::{self, Feed, Refused};
use super::formatting::date_and_time;
use super::layout::LOCAL;
use super::options::Options;
use super::{chart, layout, list};
use fake_thingspeak::cloud::{Cloud, Overview};

/// How many entries the charts show.
const CHARTED: u32 = 60;
/// How many entries the table shows.
const LISTED: usize = 10;

/// The page. Of a chart's parameters it takes `timezone`, `offset`, `update` and the key.
pub(super) fn page(
    cloud: &mut Cloud,
    channel: &Overview,
    asked: &Options,
    now: OffsetDateTime,
) -> Result<Markup, Refused> {
    let about = &channel.about;
    let number = channel.access.channel;
    let key = asked.key.as_deref();
    let mut fields = Vec::new();
    for (index, name) in about.fields.iter().enumerate() {
        if name.is_some() {
            let query = asked.with(&[("results", &CHARTED.to_string()), ("title", ""), ("yaxis", "")]);
            let source = format!("/channels/{number}/charts/{}.svg?{query}", index + 1);
            let options = Options::of(&query);
            fields.push((index, feed::read(cloud, number, index + 1, &options.feed, key, now)?, options, source));
        }
    }
    let listed = Listed::read(cloud, number, asked, now)?;
    Ok(layout::page(
        &about.name,
        Some((asked.every, now)),
        &html! {
            div.title {
                h1 { (about.name) }
                p.muted data-part="summary" {
                    "Channel " (number) " · " (if about.public { "public" } else { "private" }) " · "
                    (list::entries(channel.last_entry_id))
                    @if channel.last_entry_id > 0 { " · last write " (layout::age(channel.updated_at, now)) }
                }
                (described(channel))
            }
            div.cards.wide {
                @for (index, feed, options, source) in &fields {
                    (field(channel, *index, feed, &chart::figure(feed, options, source), asked, now))
                }
            }
            (listed.table(channel))
            (ways(number, asked))
        },
    ))
}

/// What its owner says of the channel.
fn described(channel: &Overview) -> Markup {
    let about = &channel.about;
    // A page of the owner's, and not a script.
    let url = about.url.as_deref().filter(|url| url.starts_with("http://") || url.starts_with("https://"));
    html! {
        @if let Some(text) = &about.description { p { (text) } }
        @if let Some(url) = url { p { a href=(url) rel="noreferrer nofollow" { (url) } } }
        @if let (Some(latitude), Some(longitude)) = (&about.latitude, &about.longitude) {
            p.muted {
                "At " (latitude) "°, " (longitude) "°"
                @if let Some(elevation) = &about.elevation { ", " (elevation) " m" }
            }
        }
        @if !about.tags.is_empty() {
            ul.tags { @for tag in &about.tags { li { (tag) } } }
        }
    }
}

/// One field: its last value, and its chart. The last is what was stored last; where that is not the end of the chart,
/// the page says so.
fn field(
    channel: &Overview,
    index: usize,
    feed: &Feed,
    figure: &Markup,
    asked: &Options,
    now: OffsetDateTime,
) -> Markup {
    let base = format!("/channels/{}", channel.access.channel);
    let number = index + 1;
    let query = asked.with(&[("results", &CHARTED.to_string())]);
    let newest = feed.entries.iter().rev().find(|entry| entry.value.is_some()).map(|entry| entry.at);
    let elsewhere = channel.last_times[index].filter(|time| newest.is_none_or(|newest| newest != *time));
    html! {
        section.card.field {
            div.reading data-part=(format!("field{number}")) {
                h2 { (feed.field) }
                p.value { (channel.last_values[index].as_deref().unwrap_or("–")) }
                @if let Some(time) = elsewhere { p.muted { "stored last, of another time: " (layout::age(time, now)) } }
            }
            (figure)
            p.links {
                a href=(format!("{base}/charts/{number}?{query}&dynamic=true")) { "Chart" }
                @for format in ["json", "csv"] {
                    a href=(format!("{base}/fields/{number}.{format}?{query}")) { (format.to_uppercase()) }
                }
            }
        }
    }
}

/// The last entries of a channel.
struct Listed {
    rows: Vec<serde_json::Value>,
    zone: String,
}

impl Listed {
    fn read(cloud: &mut Cloud, channel: u32, asked: &Options, now: OffsetDateTime) -> Result<Self, Refused> {
        let query = asked.with(&[("results", &LISTED.to_string()), ("status", "true")]);
        let reply = feed::ask(cloud, &format!("/channels/{channel}/feeds.json"), &query, asked.key.as_deref(), now)?;
        let rows = reply["feeds"].as_array().cloned().unwrap_or_default();
        Ok(Self { rows, zone: asked.zone_name.clone() })
    }

    /// The newest first.
    fn table(&self, channel: &Overview) -> Markup {
        let used: Vec<(String, &str)> = (1..)
            .zip(&channel.about.fields)
            .filter_map(|(number, name)| Some((format!("field{number}"), name.as_deref()?)))
            .collect();
        let with_status = self.rows.iter().any(|row| row["status"].is_string());
        let text = |row: &serde_json::Value, name: &str| row[name].as_str().unwrap_or("–").to_owned();
        html! {
            section.card data-part="entries" {
                h2 { "Last entries" }
                @if self.rows.is_empty() {
                    p.muted { "Nothing has been written yet." }
                } @else {
                    div.scroll tabindex="0" role="region" aria-label="Last entries" {
                        table {
                            thead {
                                tr {
                                    th scope="col" { "Entry" }
                                    th scope="col" { "Time (" (self.zone) ")" }
                                    @for (_, name) in &used { th scope="col" { (name) } }
                                    @if with_status { th scope="col" { "Status" } }
                                }
                            }
                            tbody {
                                @for row in self.rows.iter().rev() {
                                    tr {
                                        td { (row["entry_id"]) }
                                        td { (shown_time(&row["created_at"])) }
                                        @for (field, _) in &used { td.number { (text(row, field)) } }
                                        @if with_status { td.status { (text(row, "status")) } }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn shown_time(time: &serde_json::Value) -> String {
    let text = time.as_str().unwrap_or_default();
    let parsed = OffsetDateTime::parse(text, &time::format_description::well_known::Rfc3339);
    parsed.map_or_else(|_| text.to_owned(), date_and_time)
}

/// How to get at the channel.
fn ways(number: u32, asked: &Options) -> Markup {
    let key = asked.key.as_deref().map(|key| format!("&api_key={key}")).unwrap_or_default();
    let frame = format!(
        "<iframe width=\"450\" height=\"260\" style=\"border: 1px solid #cccccc;\"\n  \
         src=\"{LOCAL}/channels/{number}/charts/1?results=60&dynamic=true{key}\"></iframe>"
    );
    html! {
        section.card {
            h2 { "Use it" }
            p.links {
                @for format in ["json", "csv", "xml"] {
                    a href=(format!("/channels/{number}/feeds.{format}?results=100{key}")) {
                        "Feed as " (format.to_uppercase())
                    }
                }
            }
            p { "In a page of yours:" }
            pre data-origin=(LOCAL) { (frame) }
        }
    }
}
