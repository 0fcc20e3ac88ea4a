//! The list of channels. On the machine that the server runs on it has their keys and what to type, elsewhere only what
//! is public.

use maud::{Markup, html};
use time::OffsetDateTime;

use super::layout::{self, LOCAL};
use fake_thingspeak::cloud::{Cloud, Overview};

/// How often the page looks for news, in seconds.
const EVERY: u32 = 15;

/// The list; with keys if `local`.
pub(super) fn page(cloud: &Cloud, local: bool, now: OffsetDateTime) -> Markup {
    let channels: Vec<Overview> =
        cloud.channels().into_iter().filter(|channel| local || channel.about.public).collect();
    layout::page(
        "Channels",
        Some((EVERY, now)),
        &html! {
            h1 { "Channels" }
            @if channels.is_empty() {
                p.muted { "There are no " @if !local { "public " } "channels." }
            }
            div.cards data-part="channels" {
                @for channel in &channels { (card(channel, local, now)) }
            }
            @if local {
                (service_keys(cloud))
            } @else {
                p.muted { "Keys are shown at the machine that the server runs on, under http://localhost." }
            }
        },
    )
}

fn card(channel: &Overview, local: bool, now: OffsetDateTime) -> Markup {
    let Overview { access, about, last_values, .. } = channel;
    let key = if about.public { String::new() } else { format!("?api_key={}", access.read_key) };
    let base = format!("/channels/{}", access.channel);
    html! {
        article.card {
            h2 { a href=(format!("{base}{key}")) { (about.name) } }
            p.muted {
                "Channel " (access.channel) " · " (if about.public { "public" } else { "private" }) " · "
                (entries(channel.last_entry_id))
                @if channel.last_entry_id > 0 { " · " (layout::age(channel.updated_at, now)) }
            }
            dl.values {
                @for (name, value) in about.fields.iter().zip(last_values) {
                    @if let Some(name) = name {
                        div { dt { (name) } dd { (value.as_deref().unwrap_or("–")) } }
                    }
                }
            }
            @if local {
                dl.keys {
                    div { dt { "Write key" } dd { code { (access.write_key) } } }
                    div { dt { "Read key" } dd { code { (access.read_key) } } }
                }
            }
            p.links {
                a href=(format!("{base}{key}")) { "Page" }
                @for format in ["json", "csv", "xml"] {
                    a href=(format!("{base}/feeds.{format}{key}")) { (format.to_uppercase()) }
                }
            }
        }
    }
}

/// How many entries there are.
pub(super) fn entries(count: u64) -> String {
    match count {
        0 => "no entries".to_owned(),
        1 => "1 entry".to_owned(),
        count => format!("{count} entries"),
    }
}

/// What opens the rest of the service.
fn service_keys(cloud: &Cloud) -> Markup {
    let user = cloud.user();
    let talkbacks = cloud.talkbacks();
    html! {
        section.card {
            h2 { "Keys of the service" }
            p.muted { "Keys are shown because you sit at the machine that the server runs on." }
            dl.keys {
                div { dt { "User key of " (user.login) } dd { code { (user.key) } } }
                @for talkback in &talkbacks {
                    div { dt { "TalkBack " (talkback.talkback) } dd { code { (talkback.key) } } }
                }
            }
            @if let Some(channel) = cloud.channels().first() {
                p { "To store a value:" }
                pre data-origin=(LOCAL) { "curl '" (LOCAL) "/update?api_key=" (channel.access.write_key) "&field1=21.5'" }
            }
        }
    }
}
