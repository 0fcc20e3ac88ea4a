//! A reply that somebody wrote, sent in the place of the cloud's: what a proxy, a load balancer, a login page or a
//! server's next version answers.
//!
//! It goes to the stream as it is written, in pieces if that is wanted, and the connection is closed behind it: so a
//! length that is wrong can be said, and a reply that stops anywhere.

use std::fmt::Write as _;
use std::time::Duration;

use http::{HeaderName, HeaderValue, StatusCode};

/// A reply as somebody wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenReply {
    /// Whether the request is handled first, and what it brings stored.
    pub stores: bool,
    /// The status, 200 to 599.
    pub status: u16,
    /// Headers in the order of their sending. What is not among them and a client needs is added: `Date`,
    /// `Content-Length` (unless there is a `Transfer-Encoding`) and `Connection: close`.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
    /// In which pieces head and body are sent; `None` for one.
    pub pieces: Option<Pieces>,
    /// After how many bytes of head and body the connection is closed; `None` for all of them.
    pub close_after: Option<usize>,
}

/// How a reply is cut into pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pieces {
    /// How many bytes a piece has; 1 or more.
    pub bytes: usize,
    /// How long nothing is sent between two of them.
    pub pause: Duration,
}

impl Default for WrittenReply {
    /// An empty 200.
    fn default() -> Self {
        Self { stores: false, status: 200, headers: Vec::new(), body: String::new(), pieces: None, close_after: None }
    }
}

/// Why a header cannot be sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadHeader {
    /// The name.
    #[error("`{0}` is no name of a header: it has letters of ASCII, digits and `-`, such as Retry-After")]
    Name(String),
    /// The value.
    #[error("the value of `{0}` has control characters: a header is one line")]
    Value(String),
}

/// Whether a header can be sent.
///
/// # Errors
/// If it would break the reply's head (RFC 9110 §5.1, §5.5).
pub fn check_header(name: &str, value: &str) -> Result<(), BadHeader> {
    HeaderName::try_from(name).map_err(|_| BadHeader::Name(name.to_owned()))?;
    HeaderValue::try_from(value).map_err(|_| BadHeader::Value(name.to_owned()))?;
    Ok(())
}

impl WrittenReply {
    /// The word by which files, orders and pages have it.
    pub const WORD: &str = "reply";
    /// What the cloud does with it, in a sentence.
    pub const ABOUT: &str = "Answers as it is written here, in the place of ThingSpeak.";

    /// Head and body as they are sent, up to where the connection is closed. `date` is the value of `Date`.
    pub(super) fn bytes(&self, date: &str) -> Vec<u8> {
        let reason = StatusCode::from_u16(self.status).ok().and_then(|status| status.canonical_reason());
        let mut head = format!("HTTP/1.1 {} {}\r\n", self.status, reason.unwrap_or("Unknown"));
        let has = |wanted: &str| self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(wanted));
        let mut add = |name: &str, value: &str| {
            let _ = write!(head, "{name}: {value}\r\n");
        };
        if !has("Date") {
            add("Date", date);
        }
        self.headers.iter().for_each(|(name, value)| add(name, value));
        if !has("Content-Length") && !has("Transfer-Encoding") {
            add("Content-Length", &self.body.len().to_string());
        }
        if !has("Connection") {
            add("Connection", "close");
        }
        head.push_str("\r\n");
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(self.body.as_bytes());
        bytes.truncate(self.close_after.unwrap_or(usize::MAX));
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_needs_is_added_unless_it_is_there() {
        let plain = WrittenReply { body: "1".to_owned(), ..WrittenReply::default() };
        let expected = "HTTP/1.1 200 OK\r\nDate: now\r\nContent-Length: 1\r\nConnection: close\r\n\r\n1";
        assert_eq!(plain.bytes("now"), expected.as_bytes());
        let own = [("date", "then"), ("content-length", "9"), ("connection", "keep-alive")];
        let headers = own.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let wrong = WrittenReply { status: 301, headers, ..plain };
        let expected =
            "HTTP/1.1 301 Moved Permanently\r\ndate: then\r\ncontent-length: 9\r\nconnection: keep-alive\r\n\r\n1";
        assert_eq!(wrong.bytes("now"), expected.as_bytes());
        assert_eq!(WrittenReply { close_after: Some(8), ..wrong }.bytes("now"), b"HTTP/1.1");
    }

    #[test]
    fn a_header_is_a_name_and_one_line() {
        assert_eq!(check_header("Retry-After", "5"), Ok(()));
        assert_eq!(check_header("Retry After", "5"), Err(BadHeader::Name("Retry After".to_owned())));
        assert_eq!(check_header("X", "a\r\nb"), Err(BadHeader::Value("X".to_owned())));
    }
}
