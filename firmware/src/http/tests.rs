//! Exchanges over a stream in memory that hands out a reply in pieces of any size.

use std::format;
use std::string::{String, ToString};
use std::vec;
use std::vec::Vec;

use embassy_futures::block_on;
use embedded_io_async::{ErrorKind, ErrorType};
use proptest::prelude::*;

use super::*;

struct Wire {
    reply: Vec<u8>,
    at: usize,
    step: usize,
    sent: Vec<u8>,
}

impl ErrorType for Wire {
    type Error = ErrorKind;
}

impl Read for Wire {
    async fn read(&mut self, buf: &mut [u8]) -> Result<usize, ErrorKind> {
        let count = buf.len().min(self.step).min(self.reply.len() - self.at);
        buf[..count].copy_from_slice(&self.reply[self.at..][..count]);
        self.at += count;
        Ok(count)
    }
}

impl Write for Wire {
    async fn write(&mut self, buf: &[u8]) -> Result<usize, ErrorKind> {
        let count = buf.len().min(self.step);
        self.sent.extend_from_slice(&buf[..count]);
        Ok(count)
    }

    async fn flush(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}

const REQUEST: Request<'static> = Request {
    host: "api.thingspeak.com",
    port: 443,
    path: "/update.json",
    write_key: Some("ABCDEFGHIJKLMNOP"),
    content_type: "application/x-www-form-urlencoded",
    body: b"field1=21.5",
};

/// Status, date, body.
type Outcome = Result<(u16, Option<u64>, String), HttpError<ErrorKind>>;

fn ask_with(reply: &[u8], step: usize, room: usize) -> Outcome {
    let mut wire = Wire { reply: reply.to_vec(), at: 0, step, sent: Vec::new() };
    let mut buffer = vec![0; room];
    let reply = block_on(exchange(&mut wire, &REQUEST, &mut buffer))?;
    Ok((reply.status, reply.date, String::from_utf8_lossy(reply.body).to_string()))
}

/// The outcome must not depend on how the bytes arrive.
fn ask(reply: &str) -> Outcome {
    let whole = ask_with(reply.as_bytes(), usize::MAX, 512);
    for step in [1, 2, 3, 7] {
        assert_eq!(ask_with(reply.as_bytes(), step, 512), whole, "in steps of {step}: {reply}");
    }
    whole
}

fn good(status: u16, body: &str) -> Outcome {
    Ok((status, None, body.to_string()))
}

fn sent(request: &Request<'_>) -> String {
    let mut wire =
        Wire { reply: b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_vec(), at: 0, step: 5, sent: Vec::new() };
    block_on(exchange(&mut wire, request, &mut [0; 256])).unwrap();
    String::from_utf8(wire.sent).unwrap()
}

#[test]
fn a_request_is_whole() {
    assert_eq!(
        sent(&REQUEST),
        format!(
            "POST /update.json HTTP/1.1\r\nHost: api.thingspeak.com\r\nUser-Agent: yellow-duck/{}\r\n\
             X-THINGSPEAKAPIKEY: ABCDEFGHIJKLMNOP\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: 11\r\nConnection: close\r\n\r\nfield1=21.5",
            env!("CARGO_PKG_VERSION")
        )
    );
}

#[test]
fn an_odd_port_is_named_and_a_key_may_be_absent() {
    let text = sent(&Request { host: "192.168.4.2", port: 8080, write_key: None, ..REQUEST });
    assert!(text.contains("\r\nHost: 192.168.4.2:8080\r\n"), "{text}");
    assert!(!text.contains("APIKEY"), "{text}");
}

#[test]
fn content_length_ends_a_body() {
    assert_eq!(ask("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n42"), good(200, "42"));
    assert_eq!(ask("HTTP/1.1 200 OK\r\ncontent-length:2\r\n\r\n42 and more"), good(200, "42"));
    assert_eq!(ask("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), good(200, ""));
    assert_eq!(ask("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n42"), Err(HttpError::Truncated));
}

#[test]
fn the_last_chunk_ends_a_body() {
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n";
    assert_eq!(ask(&format!("{head}2\r\n12\r\n00A;x=\"y\"\r\n3456789012\r\n0\r\n\r\n")), good(200, "123456789012"));
    assert_eq!(ask(&format!("{head}1\r\n7\r\n0\r\nX: y\r\nZ: 1\r\n\r\nmore")), good(200, "7"));
    assert_eq!(ask(&format!("{head}1\n7\n0\n\n")), good(200, "7"));
    assert_eq!(ask(&format!("{head}2\r\n12\r\n")), Err(HttpError::Truncated));
    assert_eq!(ask(&format!("{head}2\r\n12\r\n0\r\n")), Err(HttpError::Truncated));
    assert_eq!(ask(&format!("{head}2\r\n123\r\n0\r\n\r\n")), Err(HttpError::Malformed));
    assert_eq!(ask(&format!("{head}\r\n12")), Err(HttpError::Malformed));
    assert_eq!(ask(&format!("{head}-1\r\n12")), Err(HttpError::Malformed));
    assert_eq!(ask(&format!("{head}ffffffff\r\n12")), Err(HttpError::Truncated));
    assert_eq!(ask(&format!("{head}fffffffff\r\n12")), Err(HttpError::BodyTooLarge));
}

#[test]
fn the_end_of_the_connection_ends_a_body() {
    assert_eq!(ask("HTTP/1.0 200 OK\r\n\r\n123"), good(200, "123"));
    assert_eq!(ask("HTTP/1.0 200 OK\r\n\r\n"), good(200, ""));
    assert_eq!(ask("HTTP/1.1 204 No Content\r\n\r\nodd"), good(204, ""));
}

#[test]
fn a_reply_that_stops_early_is_no_reply() {
    assert_eq!(ask(""), Err(HttpError::NoReply));
    assert_eq!(ask("HTTP/1.1 200 OK\r\nContent-Le"), Err(HttpError::Truncated));
}

#[test]
fn an_interim_reply_is_passed_over() {
    let text = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n5";
    assert_eq!(ask(text), good(200, "5"));
}

#[test]
fn the_date_is_read() {
    let text = |date: &str| format!("HTTP/1.1 200 OK\r\ndAtE: {date}\r\nContent-Length: 0\r\n\r\n");
    let date = |value: &str| ask(&text(value)).unwrap().1;
    assert_eq!(date("Thu, 01 Jan 2026 00:05:00 GMT"), Some(1_767_225_900));
    assert_eq!(date("yesterday"), None);
    assert_eq!(date("Wed, 31 Dec 1969 23:59:59 GMT"), None);
}

#[test]
fn what_is_not_http_is_malformed() {
    for text in [
        "SSH-2.0-OpenSSH\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\n42",
        "HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\n42",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n42",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n42",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n42",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n42",
        "HTTP/1.1 099 Odd\r\n\r\n",
    ] {
        assert_eq!(ask(text), Err(HttpError::Malformed), "{text}");
    }
}

#[test]
fn a_large_head_is_refused_and_a_large_body_is_cut() {
    let long = "x".repeat(600);
    assert_eq!(ask(&format!("HTTP/1.1 200 OK\r\nX: {long}\r\n\r\n")), Err(HttpError::HeadTooLarge));

    for step in [1, 100, usize::MAX] {
        let text = format!("HTTP/1.1 404 Not Found\r\nContent-Length: 600\r\n\r\n{long}");
        let (status, _, body) = ask_with(text.as_bytes(), step, 512).unwrap();
        assert_eq!((status, body.as_str()), (404, &long[..448]));
        let text = format!("HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n258\r\n{long}\r\n0\r\n\r\n");
        assert_eq!(ask_with(text.as_bytes(), step, 512).unwrap().2, long[..448]);
    }

    let endless = format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(BODY_LIMIT + 1));
    assert_eq!(ask_with(endless.as_bytes(), 1000, 512), Err(HttpError::BodyTooLarge));
}

proptest! {
    #[test]
    fn any_bytes_give_an_answer(reply: Vec<u8>, step in 1usize..40, room in 0usize..300) {
        let _ = ask_with(&reply, step, room);
    }

    #[test]
    fn any_chunking_gives_the_same_body(pieces in prop::collection::vec("[a-z]{1,40}", 0..8), step in 1usize..40) {
        let mut reply = String::from("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        for piece in &pieces {
            reply.push_str(&format!("{:x}\r\n{piece}\r\n", piece.len()));
        }
        reply.push_str("0\r\n\r\n");
        prop_assert_eq!(ask_with(reply.as_bytes(), step, 512), good(200, &pieces.concat()));
    }
}

#[test]
fn an_exchange_takes_little_memory() {
    let mut wire = Wire { reply: Vec::new(), at: 0, step: 1, sent: Vec::new() };
    let mut buffer = [0; 256];
    let size = size_of_val(&exchange(&mut wire, &REQUEST, &mut buffer));
    std::println!("exchange: {size} bytes");
    assert!(size <= 800, "the future of exchange() has {size} bytes");
}

/// What a reply with these header lines asks for, when the device's own clock says `now`.
fn asked(lines: &str, now: Option<u64>) -> Option<u64> {
    let reply = format!("HTTP/1.1 503 Service Unavailable\r\n{lines}Content-Length: 0\r\n\r\n");
    let mut wire = Wire { reply: reply.into_bytes(), at: 0, step: 7, sent: Vec::new() };
    let mut buffer = [0; 512];
    let reply = block_on(exchange(&mut wire, &REQUEST, &mut buffer)).unwrap();
    reply.asks_to_wait(now).map(|wait| wait.as_secs())
}

#[test]
fn a_server_says_when_to_ask_again_in_seconds_or_as_a_date() {
    const DATE: &str = "Date: Thu, 01 Jan 2026 00:00:00 GMT\r\n";
    const NOW: Option<u64> = Some(1_767_225_600);
    assert_eq!(asked("", NOW), None);
    assert_eq!(asked("Retry-After: 120\r\n", None), Some(120));
    assert_eq!(asked("retry-after:0\r\n", None), Some(0));
    let ten_minutes_later = "Retry-After: Thu, 01 Jan 2026 00:10:00 GMT\r\n";
    // The server's clock and its date go together, whatever the device's clock says.
    assert_eq!(asked(&format!("{DATE}{ten_minutes_later}"), Some(0)), Some(600));
    assert_eq!(asked(ten_minutes_later, NOW), Some(600));
    assert_eq!(asked(ten_minutes_later, None), None);
    assert_eq!(asked(&format!("{DATE}Retry-After: Wed, 31 Dec 2025 23:00:00 GMT\r\n"), None), Some(0));
    for nonsense in ["", "-1", "+5", "1.5", "soon", "12 s", "Thu, 99 Jan 2026 00:10:00 GMT"] {
        assert_eq!(asked(&format!("Retry-After: {nonsense}\r\n"), NOW), None, "{nonsense:?}");
    }
    for huge in ["99999999999999999999999999", "18446744073709551615"] {
        assert_eq!(asked(&format!("Retry-After: {huge}\r\n"), NOW), Some(u32::MAX.into()), "{huge}");
    }
}
