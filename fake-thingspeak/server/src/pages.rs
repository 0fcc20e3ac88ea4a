//! Pages for people: what the service's website shows of its channels, made by the server and kept current by it.
//!
//! [`respond`] finds out which page a request asks for and makes it out of what the API answers (`feed`), so that a
//! page never shows another value than the feed has. Charts (`chart`) are SVG, drawn for the size of their frame;
//! `options` is the table of their parameters. Pages work without scripts; with them, `live.js` fetches a page again
//! every so many seconds and exchanges what has changed. Nothing is loaded from anywhere else, and the
//! Content-Security-Policy says so (`reply`).
//!
//! Keys and the page that injects faults are only for the machine that the server runs on; [`Visitor`] tells which
//! requests come from there.
//!
//! The service answers `/channels/ID` and `/channels/public` in JSON where no format is named. So they are pages only
//! for a client that names HTML in its `Accept`, as browsers do.
//!
//! Not modelled: accounts, settings of a channel, MATLAB visualisations, several fields in one chart, export of a chart
//! as a picture (the SVG is one).

use std::net::IpAddr;

use http::header::ACCEPT;
use http::{Method, Request, Response, StatusCode};
use hyper::body::Bytes;
use time::OffsetDateTime;

use crate::visitor::{Control, Visitor};
use fake_thingspeak::cloud::{Cloud, Overview};
use feed::Refused;
use options::Options;

mod chart;
mod fault_page;
mod feed;
mod formatting;
mod layout;
mod list;
mod options;
mod reply;
mod show;
#[cfg(test)]
mod tests;

/// The page that `request` asks for; `None` if it is none of ours to answer.
///
/// `cloud` is asked as a client of the API asks it, and nothing is stored. The page that injects faults is for requests
/// that `control` admits.
pub fn respond(
    cloud: &mut Cloud,
    request: &Request<Bytes>,
    now: OffsetDateTime,
    client: IpAddr,
    control: Control<'_>,
) -> Option<Response<Bytes>> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return None;
    }
    let page = route(request)?;
    let visitor = Visitor::of(request, client);
    let query = request.uri().query().unwrap_or_default();
    Some(match page {
        Page::List { all } => reply::page(StatusCode::OK, &list::page(cloud, visitor.is_on_this_machine() && all, now)),
        Page::Channel(number) => {
            let key = options::key(query);
            match readable(cloud, number, key.as_deref()) {
                Ok(channel) => {
                    let shown = show::page(cloud, &channel, &Options::of(query), now);
                    shown.map_or_else(refused, |page| reply::page(StatusCode::OK, &page))
                }
                Err(reason) => refused(reason),
            }
        }
        Page::Chart { channel, field, picture } => {
            let options = Options::of(query);
            let drawn = readable(cloud, channel, options.key.as_deref())
                .and_then(|_| feed::read(cloud, channel, field, &options.feed, options.key.as_deref(), now));
            match drawn {
                Ok(feed) if picture => reply::picture(chart::draw(&feed, &options).into_string()),
                Ok(feed) => {
                    let every = options.dynamic.then_some(options.every);
                    let path = format!("/channels/{channel}/charts/{field}.svg?{query}");
                    reply::framed(&layout::bare(&feed.title(&options), every, &chart::figure(&feed, &options, &path)))
                }
                Err(reason) => refused(reason),
            }
        }
        Page::Faults if control.is_for(&visitor) => reply::page(StatusCode::OK, &fault_page::page()),
        Page::Faults => reply::page(
            StatusCode::FORBIDDEN,
            &layout::refusal("This page is for the server's own machine", fault_page::WHERE),
        ),
        Page::File(file) => reply::file(file),
    })
}

/// What there is to see.
#[derive(Debug, PartialEq)]
enum Page {
    /// Channels with their last values; `all` of them if the visitor may see them, or the public ones.
    List { all: bool },
    /// `/channels/ID`.
    Channel(u32),
    /// `/channels/ID/charts/N`, or the picture alone with `.svg`; `field` counts from 1 to 8.
    Chart { channel: u32, field: usize, picture: bool },
    /// `/_preflash/`: faults.
    Faults,
    /// A file that pages load.
    File(reply::File),
}

fn route(request: &Request<Bytes>) -> Option<Page> {
    let path = request.uri().path();
    if let Some(file) = reply::File::at(path) {
        return Some(Page::File(file));
    }
    let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
    match segments[..] {
        [""] => Some(Page::List { all: true }),
        ["_preflash"] | ["admin"] => Some(Page::Faults),
        ["channels", "public"] if is_browser(request) => Some(Page::List { all: false }),
        ["channels", channel] if is_browser(request) => Some(Page::Channel(number(channel)?)),
        ["channels", channel, "charts", field] => {
            let (field, picture) = field.strip_suffix(".svg").map_or((field, false), |field| (field, true));
            let field = number(field).filter(|field| (1..=8).contains(field))?;
            Some(Page::Chart { channel: number(channel)?, field: field as usize, picture })
        }
        _ => None,
    }
}

/// A path for each page and file, for tests that go over all of them. No catch-all: a new page does not compile before
/// it has a path here.
#[cfg(test)]
pub(crate) fn paths(channel: u32) -> Vec<String> {
    let path = |page: Page| match page {
        Page::List { all: true } => "/".to_owned(),
        Page::List { all: false } => "/channels/public".to_owned(),
        Page::Channel(channel) => format!("/channels/{channel}"),
        Page::Chart { channel, field, picture: false } => format!("/channels/{channel}/charts/{field}"),
        Page::Chart { channel, field, picture: true } => format!("/channels/{channel}/charts/{field}.svg"),
        Page::Faults => "/_preflash/".to_owned(),
        Page::File(file) => file.path().to_owned(),
    };
    let pages = [
        Page::List { all: true },
        Page::List { all: false },
        Page::Channel(channel),
        Page::Chart { channel, field: 1, picture: false },
        Page::Chart { channel, field: 1, picture: true },
        Page::Faults,
    ];
    pages.into_iter().chain(reply::File::ALL.map(Page::File)).map(path).collect()
}

/// A number without a sign.
fn number(text: &str) -> Option<u32> {
    if text.starts_with('+') { None } else { text.parse().ok() }
}

/// Whether the client can show a page, and says so.
fn is_browser(request: &Request<Bytes>) -> bool {
    let accepted = request.headers().get_all(ACCEPT).iter();
    accepted.filter_map(|value| value.to_str().ok()).any(|value| value.contains("text/html"))
}

/// The channel, if it is public or `key` opens it.
fn readable(cloud: &Cloud, number: u32, key: Option<&str>) -> Result<Overview, Refused> {
    let channel = cloud.channel(number).ok_or(Refused::NotFound)?;
    let access = &channel.access;
    let opened = channel.about.public || key.is_some_and(|key| key == access.read_key || key == access.write_key);
    if opened { Ok(channel) } else { Err(Refused::NeedsKey) }
}

fn refused(reason: Refused) -> Response<Bytes> {
    match reason {
        Refused::NotFound => {
            reply::page(StatusCode::NOT_FOUND, &layout::refusal("There is no such channel or field", ""))
        }
        Refused::NeedsKey => reply::page(StatusCode::FORBIDDEN, &layout::key_wanted()),
    }
}
