//! One HTTP exchange: a request goes out, its reply is read to its end, the connection is done.
//!
//! [`exchange`] works over any byte stream, plain TCP and TLS alike. One buffer holds first the reply's head, then as
//! much of its body as fits; what does not fit is read and dropped, so that the server sees its reply taken. A body
//! ends as its head says: by `Content-Length`, by its last chunk, or with the connection.
//!
//! Not modelled: kept-alive connections, redirects, compression, trailers (skipped), time-outs (drop the future).
//! RFC 9110 (§10.2.3 `Retry-After`), RFC 9112 (§6 message body length, §7.1 chunked).

use core::fmt::Write as _;

use embassy_time::Duration;
use embedded_io_async::{Read, Write};
use heapless::String;

/// Replies with a longer body than this many bytes are given up.
const BODY_LIMIT: usize = 64 * 1024;
/// Header fields in a reply.
const MAX_FIELDS: usize = 32;
/// The last bytes of the buffer, never the body's: incoming bytes stand there before they are decoded.
const INCOMING: usize = 64;

/// A POST request.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The server's name, as in the settings.
    pub host: &'a str,
    /// The server's port; named in the request unless it is 80 or 443.
    pub port: u16,
    /// Path and query.
    pub path: &'a str,
    /// ThingSpeak's key, if it travels in the head.
    pub write_key: Option<&'a str>,
    /// Media type of the body.
    pub content_type: &'a str,
    /// The body.
    pub body: &'a [u8],
}

/// A reply, read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply<'b> {
    /// Status code, 200 to 999.
    pub status: u16,
    /// The server's clock, in seconds since 1970.
    pub date: Option<u64>,
    /// When the server wants to be asked again.
    pub retry_after: Option<RetryAfter>,
    /// The body, or its beginning as far as the buffer reaches.
    pub body: &'b [u8],
}

/// When a server wants to be asked again (RFC 9110 §10.2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryAfter {
    /// So many seconds after its reply.
    Seconds(u64),
    /// At this moment, in seconds since 1970.
    Date(u64),
}

impl Reply<'_> {
    /// How long the server asks to wait, from its reply on. A date is compared with the server's own clock, else with
    /// `now` (in seconds since 1970); without either it says nothing, and one that has passed says that there is no
    /// need.
    pub fn asks_to_wait(&self, now: Option<u64>) -> Option<Duration> {
        let seconds = match self.retry_after? {
            RetryAfter::Seconds(seconds) => seconds,
            RetryAfter::Date(at) => at.saturating_sub(self.date.or(now)?),
        };
        // So long that it makes no difference, and short enough to be counted on from now.
        Some(Duration::from_secs(seconds.min(u32::MAX.into())))
    }
}

/// Why there is no reply. Reads well after "could not store the reading: ".
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HttpError<E> {
    /// The stream failed.
    #[error("{0}")]
    Stream(E),
    /// The connection ended without a byte of reply.
    #[error("no reply")]
    NoReply,
    /// The connection ended before the reply did.
    #[error("the reply was cut short")]
    Truncated,
    /// The reply's head does not fit the buffer.
    #[error("the reply's head is too large")]
    HeadTooLarge,
    /// The reply's body is longer than 64 KiB.
    #[error("the reply is too large")]
    BodyTooLarge,
    /// The reply is not HTTP.
    #[error("the reply is malformed")]
    Malformed,
}

/// Sends `request` over `stream` and reads the reply into `buffer`, of which all but the last 64 bytes can hold the
/// body and all can hold the head. Neither closes nor resets the stream.
///
/// # Errors
/// Why there is no whole reply. The request may have been carried out nevertheless, unless the stream failed before
/// anything was written.
pub async fn exchange<'b, S: Read + Write>(
    stream: &mut S,
    request: &Request<'_>,
    buffer: &'b mut [u8],
) -> Result<Reply<'b>, HttpError<S::Error>> {
    send(stream, request).await?;
    receive(stream, buffer).await
}

async fn send<S: Write>(stream: &mut S, request: &Request<'_>) -> Result<(), HttpError<S::Error>> {
    let mut number = String::<20>::new();

    send_all(stream, &["POST ", request.path, " HTTP/1.1\r\nHost: ", request.host]).await?;
    if !matches!(request.port, 80 | 443) {
        write!(number, "{}", request.port).expect("a number of 64 bits has 20 digits at most");
        send_all(stream, &[":", &number]).await?;
    }
    send_all(stream, &["\r\nUser-Agent: yellow-duck/", env!("CARGO_PKG_VERSION")]).await?;
    if let Some(key) = request.write_key {
        send_all(stream, &["\r\nX-THINGSPEAKAPIKEY: ", key]).await?;
    }
    number.clear();
    write!(number, "{}", request.body.len()).expect("a number of 64 bits has 20 digits at most");
    send_all(stream, &["\r\nContent-Type: ", request.content_type, "\r\nContent-Length: ", &number]).await?;
    send_all(stream, &["\r\nConnection: close\r\n\r\n"]).await?;

    stream.write_all(request.body).await.map_err(HttpError::Stream)?;
    stream.flush().await.map_err(HttpError::Stream)
}

async fn send_all<S: Write>(stream: &mut S, parts: &[&str]) -> Result<(), HttpError<S::Error>> {
    for part in parts {
        stream.write_all(part.as_bytes()).await.map_err(HttpError::Stream)?;
    }
    Ok(())
}

async fn receive<'b, S: Read>(stream: &mut S, buffer: &'b mut [u8]) -> Result<Reply<'b>, HttpError<S::Error>> {
    let mut filled = 0;
    let head = loop {
        match parse_head(&buffer[..filled]) {
            Err(BadHead) => return Err(HttpError::Malformed),
            // An interim reply announces the real one (RFC 9110 §15.2).
            Ok(Some(head)) if (100..200).contains(&head.status) => {
                buffer.copy_within(head.length..filled, 0);
                filled -= head.length;
            }
            Ok(Some(head)) => break head,
            Ok(None) if filled == buffer.len() => return Err(HttpError::HeadTooLarge),
            Ok(None) => match stream.read(&mut buffer[filled..]).await.map_err(HttpError::Stream)? {
                0 if filled == 0 => return Err(HttpError::NoReply),
                0 => return Err(HttpError::Truncated),
                count => filled += count,
            },
        }
    };
    buffer.copy_within(head.length..filled, 0);
    let mut arrived = filled - head.length;

    let room = buffer.len().saturating_sub(INCOMING);
    let mut body = BodyReader { framing: head.framing, kept: 0, total: 0 };
    // What has arrived stands behind what is kept; decoding never writes more than it has read.
    loop {
        let (start, end) = (body.kept, body.kept + arrived);
        body.take(buffer, start..end, room).map_err(|error| match error {
            BadBody::Malformed => HttpError::Malformed,
            BadBody::TooLarge => HttpError::BodyTooLarge,
        })?;
        if body.framing.is_over() {
            break;
        }
        match stream.read(&mut buffer[body.kept..]).await.map_err(HttpError::Stream)? {
            0 if body.framing == Framing::UntilClosed => break,
            0 => return Err(HttpError::Truncated),
            count => arrived = count,
        }
    }
    Ok(Reply { status: head.status, date: head.date, retry_after: head.retry_after, body: &buffer[..body.kept] })
}

/// A reply's head.
struct Head {
    status: u16,
    date: Option<u64>,
    retry_after: Option<RetryAfter>,
    framing: Framing,
    /// Bytes of the head, the empty line included.
    length: usize,
}

struct BadHead;

/// Parses a head; nothing if it is not all there yet.
fn parse_head(bytes: &[u8]) -> Result<Option<Head>, BadHead> {
    let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let mut response = httparse::Response::new(&mut fields);
    let httparse::Status::Complete(length) = response.parse(bytes).map_err(|_| BadHead)? else { return Ok(None) };
    let status = response.code.filter(|code| *code >= 100).ok_or(BadHead)?;

    let (mut date, mut retry_after) = (None, None);
    let mut content_length: Option<usize> = None;
    let mut chunked = false;
    for field in response.headers.iter() {
        let value = core::str::from_utf8(field.value).unwrap_or_default().trim();
        if field.name.eq_ignore_ascii_case("date") {
            date = parse_date(value);
        } else if field.name.eq_ignore_ascii_case("retry-after") {
            retry_after = parse_retry_after(value);
        } else if field.name.eq_ignore_ascii_case("content-length") {
            // Digits only: `parse` would take a plus sign (RFC 9110 §8.6).
            if value.is_empty() || !value.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(BadHead);
            }
            let stated = value.parse().map_err(|_| BadHead)?;
            if content_length.replace(stated).is_some_and(|before| before != stated) {
                return Err(BadHead);
            }
        } else if field.name.eq_ignore_ascii_case("transfer-encoding") {
            if chunked || !value.eq_ignore_ascii_case("chunked") {
                return Err(BadHead);
            }
            chunked = true;
        }
    }
    let framing = match (status, chunked, content_length) {
        (100..200 | 204 | 304, _, _) => Framing::Over,
        (_, true, None) => Framing::Chunked(Chunk::Size { so_far: 0, digits: 0 }),
        // Both at once is how requests are smuggled (RFC 9112 §6.3).
        (_, true, Some(_)) => return Err(BadHead),
        (_, false, Some(length)) => Framing::counted(length),
        (_, false, None) => Framing::UntilClosed,
    };
    Ok(Some(Head { status, date, retry_after, framing, length }))
}

/// A date as in RFC 9110 §5.6.7 (`IMF-fixdate`), in seconds since 1970.
fn parse_date(value: &str) -> Option<u64> {
    chrono::DateTime::parse_from_rfc2822(value).ok()?.timestamp().try_into().ok()
}

/// A number of seconds, however large, or a date.
fn parse_retry_after(value: &str) -> Option<RetryAfter> {
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(RetryAfter::Seconds(value.parse().unwrap_or(u64::MAX)));
    }
    parse_date(value).map(RetryAfter::Date)
}

/// Where a body stands, and where it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    Over,
    Counted(usize),
    Chunked(Chunk),
    UntilClosed,
}

/// Where a chunked body stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Chunk {
    /// In the digits of a chunk's size.
    Size { so_far: usize, digits: u8 },
    /// Behind the size, up to the end of the line.
    Extension { size: usize },
    /// In the data.
    Data { left: usize },
    /// In the end of line behind the data.
    DataEnd,
    /// In the trailer, at the start of a line (which may be the empty last one), or in one.
    Trailer { line_empty: bool },
}

impl Framing {
    fn counted(length: usize) -> Self {
        if length == 0 { Self::Over } else { Self::Counted(length) }
    }

    fn is_over(self) -> bool {
        self == Self::Over
    }
}

#[derive(Debug, PartialEq, Eq)]
enum BadBody {
    Malformed,
    TooLarge,
}

/// Takes a body out of its framing, in place.
struct BodyReader {
    framing: Framing,
    /// Bytes of body at the buffer's start.
    kept: usize,
    /// Bytes of body that came.
    total: usize,
}

impl BodyReader {
    /// Decodes what stands at `arrived` and moves its body to the end of what is kept, as far as `room` reaches.
    fn take(&mut self, buffer: &mut [u8], arrived: core::ops::Range<usize>, room: usize) -> Result<(), BadBody> {
        let mut at = arrived.start;
        while at < arrived.end {
            let data = match self.framing {
                Framing::Over => break,
                Framing::UntilClosed => arrived.end - at,
                Framing::Counted(left) | Framing::Chunked(Chunk::Data { left }) => left.min(arrived.end - at),
                Framing::Chunked(chunk) => {
                    self.framing = chunk.next(buffer[at])?;
                    at += 1;
                    continue;
                }
            };
            self.total += data;
            if self.total > BODY_LIMIT {
                return Err(BadBody::TooLarge);
            }
            let fits = data.min(room.saturating_sub(self.kept));
            buffer.copy_within(at..at + fits, self.kept);
            self.kept += fits;
            at += data;
            self.framing = match self.framing {
                Framing::Counted(left) => Framing::counted(left - data),
                Framing::Chunked(Chunk::Data { left }) if left == data => Framing::Chunked(Chunk::DataEnd),
                Framing::Chunked(Chunk::Data { left }) => Framing::Chunked(Chunk::Data { left: left - data }),
                framing => framing,
            };
        }
        Ok(())
    }
}

impl Chunk {
    /// Takes one byte of framing.
    fn next(self, byte: u8) -> Result<Framing, BadBody> {
        let next = match (self, byte) {
            (Self::Size { so_far, digits }, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => {
                let digit = match byte {
                    b'0'..=b'9' => byte - b'0',
                    _ => (byte | 0x20) - b'a' + 10,
                };
                if digits == 8 {
                    return Err(BadBody::TooLarge);
                }
                Self::Size { so_far: so_far * 16 + usize::from(digit), digits: digits + 1 }
            }
            (Self::Size { digits: 0, .. }, _) => return Err(BadBody::Malformed),
            (Self::Size { so_far, .. }, b'\r' | b';' | b' ' | b'\t') => Self::Extension { size: so_far },
            (Self::Size { so_far: size, .. } | Self::Extension { size }, b'\n') => match size {
                0 => Self::Trailer { line_empty: true },
                left => Self::Data { left },
            },
            (Self::Size { .. }, _) => return Err(BadBody::Malformed),
            (Self::Extension { size }, _) => Self::Extension { size },
            (Self::DataEnd, b'\r') => Self::DataEnd,
            (Self::DataEnd, b'\n') => Self::Size { so_far: 0, digits: 0 },
            (Self::DataEnd | Self::Data { .. }, _) => return Err(BadBody::Malformed),
            (Self::Trailer { line_empty: true }, b'\n') => return Ok(Framing::Over),
            (Self::Trailer { line_empty: false }, b'\n') => Self::Trailer { line_empty: true },
            (Self::Trailer { line_empty }, b'\r') => Self::Trailer { line_empty },
            (Self::Trailer { .. }, _) => Self::Trailer { line_empty: false },
        };
        Ok(Framing::Chunked(next))
    }
}

#[cfg(test)]
mod tests;
