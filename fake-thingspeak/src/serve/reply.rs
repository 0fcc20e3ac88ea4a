//! Replies as bytes: with their length, in chunks, or cut short.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::Response;
use http::header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING};
use hyper::body::{Body, Bytes, Frame, SizeHint};

/// How many bytes a truncated reply announces and never sends.
const MISSING: usize = 10;

/// A reply's body on its way into hyper, which sends a `Content-Length` if it is told the size and chunks if not.
pub(super) struct Reply {
    /// In the order of sending; those that are empty are none.
    pieces: [Bytes; 2],
    size_known: bool,
}

impl Reply {
    /// The body as it is.
    pub(super) fn whole(response: Response<Bytes>) -> Response<Self> {
        response.map(|body| Self { pieces: [body, Bytes::new()], size_known: true })
    }

    /// The body in two chunks, or one if it is a single byte.
    pub(super) fn chunked(response: Response<Bytes>) -> Response<Self> {
        response.map(|mut body| {
            let rest = body.split_off(body.len().div_ceil(2));
            Self { pieces: [body, rest], size_known: false }
        })
    }
}

impl Body for Reply {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = self.pieces.iter_mut().find(|piece| !piece.is_empty());
        Poll::Ready(next.map(|piece| Ok(Frame::data(std::mem::take(piece)))))
    }

    fn is_end_stream(&self) -> bool {
        self.size_known && self.pieces.iter().all(Bytes::is_empty)
    }

    fn size_hint(&self) -> SizeHint {
        match self.size_known {
            true => SizeHint::with_exact(self.pieces.iter().map(|piece| piece.len() as u64).sum()),
            false => SizeHint::default(),
        }
    }
}

/// A reply that breaks off, ready for the stream: its bytes, and what of the body is among them. hyper would not send a
/// length that is wrong.
pub(super) fn truncated(response: &Response<Bytes>) -> (Vec<u8>, Bytes) {
    let sent = response.body().slice(..response.body().len().div_ceil(2));
    let announced = response.body().len() + MISSING;
    let mut bytes = head(response, announced);
    bytes.extend_from_slice(&sent);
    (bytes, sent)
}

/// The last reply of a connection, ready for the stream.
pub(super) fn closing(response: &Response<Bytes>) -> Vec<u8> {
    let mut bytes = head(response, response.body().len());
    bytes.extend_from_slice(response.body());
    bytes
}

/// The head of a reply after which the connection is closed.
fn head(response: &Response<Bytes>, length: usize) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {}\r\n", response.status());
    for (name, value) in response.headers() {
        if ![CONTENT_LENGTH, CONNECTION, TRANSFER_ENCODING].contains(name) {
            let _ = write!(head, "{}: {}\r\n", title_case(name.as_str()), String::from_utf8_lossy(value.as_bytes()));
        }
    }
    let _ = write!(head, "Content-Length: {length}\r\nConnection: close\r\n\r\n");
    head.into_bytes()
}

/// `content-type` as `Content-Type`, as hyper does it for all other replies.
fn title_case(name: &str) -> String {
    let mut start = true;
    let upper = |c: char| {
        let c = if start { c.to_ascii_uppercase() } else { c };
        start = c == '-';
        c
    };
    name.chars().map(upper).collect()
}
