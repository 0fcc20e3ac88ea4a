//! Pages, pictures and the files that they need as replies of HTTP.
//!
//! The Content-Security-Policy lets a page load what this server has and nothing else, and run no script but the two
//! that are files here: whatever a device writes into a channel stays text. Only a chart may be framed by pages from
//! elsewhere; the page that injects faults by none.

use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use http::{Response, StatusCode};
use hyper::body::Bytes;
use maud::Markup;

/// What all pages may do; the sources that may frame them are added to it.
macro_rules! policy {
    ($ancestors:literal) => {
        concat!(
            "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; ",
            "frame-src 'self'; form-action 'self'; base-uri 'none'",
            $ancestors
        )
    };
}

/// What a picture or file may do when it is opened by itself: nothing.
const ALONE: &str = "default-src 'none'; sandbox";

/// A page of the website.
pub(super) fn page(status: StatusCode, page: &Markup) -> Response<Bytes> {
    reply(status, "text/html; charset=utf-8", policy!("; frame-ancestors 'none'"), shown(&page.0))
}

/// A page that others may frame: websites, and files from a disk, which even `frame-ancestors *` would keep out.
pub(super) fn framed(page: &Markup) -> Response<Bytes> {
    reply(StatusCode::OK, "text/html; charset=utf-8", policy!(""), shown(&page.0))
}

/// A chart alone.
pub(super) fn picture(svg: String) -> Response<Bytes> {
    reply(StatusCode::OK, "image/svg+xml", ALONE, shown(&svg))
}

/// What may stand in a page or a picture. A value may hold control characters, and a picture with one is no XML (XML
/// 1.0 §2.2) and is not drawn at all.
fn shown(markup: &str) -> String {
    let is_foreign = |c: char| c < ' ' && !matches!(c, '\t' | '\n' | '\r') || matches!(c, '\u{fffe}' | '\u{ffff}');
    markup.replace(is_foreign, "\u{fffd}")
}

/// What pages are made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum File {
    Style,
    Live,
    Faults,
    Icon,
}

impl File {
    pub(super) const ALL: [Self; 4] = [Self::Style, Self::Live, Self::Faults, Self::Icon];

    /// The file's path on the server.
    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::Style => "/_preflash/pages/style.css",
            Self::Live => "/_preflash/pages/live.js",
            Self::Faults => "/_preflash/pages/faults.js",
            Self::Icon => "/_preflash/pages/duck.svg",
        }
    }

    /// The file with that path.
    pub(super) fn at(path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|file| file.path() == path)
    }
}

pub(super) fn file(file: File) -> Response<Bytes> {
    let (content_type, text) = match file {
        File::Style => ("text/css; charset=utf-8", include_str!("style.css")),
        File::Live => ("text/javascript; charset=utf-8", include_str!("live.js")),
        File::Faults => ("text/javascript; charset=utf-8", include_str!("faults.js")),
        File::Icon => ("image/svg+xml", include_str!("duck.svg")),
    };
    reply(StatusCode::OK, content_type, ALONE, text)
}

fn reply(
    status: StatusCode,
    content_type: &'static str,
    policy: &'static str,
    body: impl Into<Bytes>,
) -> Response<Bytes> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    let headers = [
        (CONTENT_TYPE, content_type),
        (CONTENT_SECURITY_POLICY, policy),
        (CACHE_CONTROL, "no-cache"),
        // A path may have a key in it.
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    response.headers_mut().extend(headers.map(|(name, value)| (name, HeaderValue::from_static(value))));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_xml_cannot_hold_is_replaced() {
        let picture = picture("<svg><text>a\0b\u{7}\n\u{ffff}\u{fc}</text></svg>".to_owned());
        assert_eq!(picture.body(), "<svg><text>a\u{fffd}b\u{fffd}\n\u{fffd}\u{fc}</text></svg>");
    }
}
