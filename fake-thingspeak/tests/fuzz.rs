//! Requests that nobody would send, to every endpoint of the program on a real socket: whatever comes, the reply is one of
//! ThingSpeak's, and the server goes on.
//!
//! The requests are made of what the service knows (paths, parameters, keys, bodies in each of its formats) and of what it
//! does not (other numbers, other types, text that is none, JSON that is deep or cut off, bytes). CI tries a fixed number
//! of them, the same each time; `PREFLASH_FUZZ_CASES=100000 cargo test -p fake-thingspeak --test fuzz` tries more, and
//! others each time.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "clippy takes only functions marked as tests for tests, not what they share")]

use std::io::{Read, Write};
use std::net::Shutdown;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, RngAlgorithm, TestCaseResult, TestRng, TestRunner};
use serde_json::Value;
use server::{Server, connect};

mod server;

/// How many requests CI sends.
const CASES: u32 = 1_500;

/// All that is asked for, with `ID`, `FIELD`, `ENTRY` and `TALKBACK` to be filled in, and without the ending.
const PATHS: &[&str] = &[
    "/update",
    "/s/update",
    "/channels",
    "/channels/public",
    "/channels/ID",
    "/channels/ID/feeds",
    "/channels/ID/feed/last",
    "/channels/ID/feeds/ENTRY",
    "/channels/ID/feeds/entry/ENTRY",
    "/channels/ID/feeds/last_data_age",
    "/channels/ID/feeds/last_average",
    "/channels/ID/feeds/last_median",
    "/channels/ID/feeds/last_sum",
    "/channels/ID/fields/FIELD",
    "/channels/ID/field/FIELD/last",
    "/channels/ID/fields/FIELD/ENTRY",
    "/channels/ID/fields/FIELD/last_data_age",
    "/channels/ID/last_entry_id",
    "/channels/ID/status",
    "/channels/ID/status/last",
    "/channels/ID/bulk_update",
    "/users/duck",
    "/users/duck/channels",
    "/talkbacks/TALKBACK/commands",
    "/talkbacks/TALKBACK/commands/ENTRY",
    "/talkbacks/TALKBACK/commands/execute",
    "/talkbacks/TALKBACK/commands/last",
];

const NAMES: &[&str] = &[
    "api_key",
    "key",
    "field1",
    "field2",
    "8",
    "field9",
    "status",
    "lat",
    "long",
    "latitude",
    "longitude",
    "elevation",
    "created_at",
    "timezone",
    "offset",
    "talkback_key",
    "headers",
    "callback",
    "results",
    "days",
    "minutes",
    "start",
    "end",
    "min",
    "max",
    "round",
    "timescale",
    "sum",
    "average",
    "median",
    "start_entry_id",
    "end_entry_id",
    "metadata",
    "location",
    "prepend",
    "append",
    "page",
    "tag",
    "username",
    "distance",
    "name",
    "description",
    "tags",
    "url",
    "public_flag",
    "command_string",
    "position",
    "write_api_key",
    "time_format",
    "updates",
    "delta_t",
    "_method",
];

const VALUES: &[&str] = &[
    "",
    "0",
    "1",
    "-1",
    "60",
    "8001",
    "daily",
    "21.5",
    "1,5",
    "NaN",
    "inf",
    "-inf",
    "1e400",
    "99999999999999999999999",
    "true",
    "false",
    "null",
    "2026-01-01 00:00:00",
    "2026-01-01T00:00:00+24:00",
    "9999-12-31T23:59:59Z",
    "0000-00-00",
    "-9999999999",
    "1e9",
    "Europe/Berlin",
    "Mars/Olympus",
    "+14:00",
    "absolute",
    "relative",
    "PUT",
    "DELETE",
    "a.b[0]",
    "<script>",
    "\u{fc}",
    "\u{0}\u{7}",
    "\u{202e}",
    "%",
    "&=#?",
    "1,21.5,,|2,x",
    "IP_ADDRESS",
    "\\r\\n",
];

/// What the requests are filled in with.
struct World {
    address: String,
    channel: String,
    talkback: String,
    keys: [String; 4],
}

/// A request before it is written down.
#[derive(Clone, Debug)]
struct Case {
    method: String,
    path: String,
    ending: &'static str,
    query: Vec<(String, Vec<u8>)>,
    body: Body,
    content_type: Option<&'static str>,
    key: Option<Index>,
    /// A byte that is changed, and to what.
    damage: Option<(Index, u8)>,
}

#[derive(Clone, Debug)]
enum Body {
    None,
    Form(Vec<(String, Vec<u8>)>),
    Json(Value),
    /// Of JSON only the beginning.
    CutOff(Value, Index),
    Deep(usize),
    Bytes(Vec<u8>),
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![20 => select(NAMES).prop_map(str::to_owned), 1 => "[a-z\\[\\]%]{0,12}"]
}

/// A value as the parameters have it; `KEY` and a digit stand for a key.
fn value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        10 => select(VALUES).prop_map(|value| value.as_bytes().to_vec()),
        4 => (0..4).prop_map(|key| format!("KEY{key}").into_bytes()),
        2 => any::<i64>().prop_map(|number| number.to_string().into_bytes()),
        2 => any::<f64>().prop_map(|number| number.to_string().into_bytes()),
        1 => prop::collection::vec(any::<u8>(), 0..16),
        1 => (200_usize..400).prop_map(|length| vec![b'a'; length]),
        1 => Just(vec![b'9'; 3_100]),
    ]
}

fn pairs() -> impl Strategy<Value = Vec<(String, Vec<u8>)>> {
    prop::collection::vec((name(), value()), 0..6)
}

fn json() -> impl Strategy<Value = Value> {
    let text = value().prop_map(|value| Value::from(String::from_utf8_lossy(&value).into_owned()));
    let leaf = prop_oneof![
        4 => text,
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<f64>().prop_map(Value::from),
    ];
    let object = |value| {
        prop::collection::vec((name(), value), 0..6).prop_map(|pairs| Value::Object(pairs.into_iter().collect()))
    };
    let tree = leaf.prop_recursive(4, 32, 6, move |inner| {
        prop_oneof![prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array), object(inner)]
    });
    // An object of the right kind more often than not.
    let updates = prop::collection::vec(object(tree.clone().boxed()), 0..4).prop_map(Value::Array);
    let bulk = (updates, 0..4)
        .prop_map(|(updates, key)| serde_json::json!({ "write_api_key": format!("KEY{key}"), "updates": updates }));
    prop_oneof![2 => bulk, 3 => object(tree.clone().boxed()), 1 => tree]
}

fn body() -> impl Strategy<Value = Body> {
    prop_oneof![
        3 => Just(Body::None),
        6 => pairs().prop_map(Body::Form),
        6 => json().prop_map(Body::Json),
        1 => (json(), any::<Index>()).prop_map(|(value, end)| Body::CutOff(value, end)),
        1 => (1_usize..20_000).prop_map(Body::Deep),
        2 => prop::collection::vec(any::<u8>(), 0..64).prop_map(Body::Bytes),
    ]
}

fn case() -> impl Strategy<Value = Case> {
    let method = prop_oneof![
        6 => Just("GET"), 6 => Just("POST"), 1 => Just("PUT"), 1 => Just("DELETE"), 1 => Just("HEAD"), 1 => Just("OPTIONS"),
        1 => Just("PATCH"), 1 => Just("TRACE"), 1 => Just("BREW"),
    ];
    let id = || prop_oneof![9 => Just("ID".to_owned()), 1 => select(&["0", "4294967295", "4294967296", "-1", "%31", "x"][..]).prop_map(str::to_owned)];
    let path = prop_oneof![
        20 => (select(PATHS), id(), 0_u8..10, 0_u64..4).prop_map(|(path, id, field, entry)| {
            path.replace("ID", &id).replace("FIELD", &field.to_string()).replace("ENTRY", &entry.to_string())
        }),
        1 => "(/[a-z0-9.%+-]{0,9}){0,6}".prop_map(|path| format!("/{path}")),
    ];
    let ending = select(&["", ".json", ".xml", ".csv", ".txt", ".html"][..]);
    let content_type = prop::option::of(select(
        &[
            "application/x-www-form-urlencoded",
            "application/json",
            "application/json; charset=utf-8",
            "text/plain",
            "multipart/form-data; boundary=x",
            "",
        ][..],
    ));
    let key = prop::option::of(any::<Index>());
    let damage = prop::option::weighted(0.1, (any::<Index>(), any::<u8>()));
    let parts = (method, path, ending, pairs(), body(), content_type, key, damage);
    parts.prop_map(|(method, path, ending, query, body, content_type, key, damage)| Case {
        method: method.to_owned(),
        path,
        ending,
        query,
        body,
        content_type,
        key,
        damage,
    })
}

fn form(pairs: &[(String, Vec<u8>)]) -> String {
    let encoded = |bytes: &[u8]| {
        let byte = |byte: &u8| {
            if byte.is_ascii_alphanumeric() { char::from(*byte).to_string() } else { format!("%{byte:02X}") }
        };
        bytes.iter().map(byte).collect::<String>()
    };
    pairs
        .iter()
        .map(|(name, value)| format!("{}={}", encoded(name.as_bytes()), encoded(value)))
        .collect::<Vec<_>>()
        .join("&")
}

impl World {
    fn filled(&self, text: &str) -> String {
        let text = text.replace("ID", &self.channel).replace("TALKBACK", &self.talkback);
        (0..4).fold(text, |text, key| text.replace(&format!("KEY{key}"), &self.keys[key]))
    }

    fn bytes(&self, case: &Case) -> Vec<u8> {
        let body = match &case.body {
            Body::None => Vec::new(),
            Body::Form(pairs) => self.filled(&form(pairs)).into_bytes(),
            Body::Json(value) => self.filled(&value.to_string()).into_bytes(),
            Body::CutOff(value, end) => {
                let mut text = self.filled(&value.to_string()).into_bytes();
                text.truncate(end.index(text.len()));
                text
            }
            Body::Deep(depth) => [vec![b'['; *depth], vec![b']'; *depth]].concat(),
            Body::Bytes(bytes) => bytes.clone(),
        };
        let target = self.filled(&format!("{}{}?{}", case.path, case.ending, form(&case.query)));
        let mut request = format!(
            "{} {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n",
            case.method,
            body.len()
        );
        if let Some(content_type) = case.content_type {
            request += &format!("Content-Type: {content_type}\r\n");
        }
        if let Some(key) = &case.key {
            request += &format!("X-THINGSPEAKAPIKEY: {}\r\n", self.keys[key.index(4)]);
        }
        let mut bytes = [request.as_bytes(), b"\r\n", &body].concat();
        if let Some((place, byte)) = case.damage {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        bytes
    }

    /// The whole of what comes back.
    fn send(&self, request: &[u8]) -> Vec<u8> {
        let mut stream = connect(&self.address);
        // A server that has heard enough may close before it has heard all.
        let _ = stream.write_all(request);
        let _ = stream.shutdown(Shutdown::Write);
        let mut reply = Vec::new();
        match stream.read_to_end(&mut reply) {
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => {}
            Err(error) => panic!("no reply: {error}"),
        }
        reply
    }
}

/// Whether a reply is one that ThingSpeak could have given.
fn judge(case: &Case, reply: &[u8]) -> TestCaseResult {
    let text = String::from_utf8_lossy(reply);
    let (head, body) = text.split_once("\r\n\r\n").ok_or_else(|| TestCaseError::fail(format!("no reply: {text:?}")))?;
    let status: u16 = head.get(9..12).and_then(|status| status.parse().ok()).unwrap_or_default();
    let known = [200, 202, 304, 400, 401, 404, 405, 409, 413, 414, 421, 422, 429, 431];
    prop_assert!(known.contains(&status), "{}", text);
    prop_assert!(std::str::from_utf8(reply).is_ok(), "{}", text);
    let header = |name: &str| {
        head.lines()
            .find_map(|line| line.split_once(": ").filter(|(found, _)| found.eq_ignore_ascii_case(name)))
            .map(|(_, value)| value)
    };
    // Neither a HEAD nor a browser's question whether it may ask has a body.
    if ["HEAD", "OPTIONS"].contains(&case.method.as_str()) || case.damage.is_some() {
        return Ok(());
    }
    prop_assert_eq!(header("Content-Length").and_then(|length| length.parse().ok()), Some(body.len()), "{}", text);
    // An Arduino may ask for a reply without headers.
    let Some(kind) = header("Content-Type") else {
        prop_assert!(wants_no_headers(case), "{}", text);
        return Ok(());
    };
    let bare = ["-1", "0"].contains(&body);
    match kind {
        "application/json; charset=utf-8" => {
            let value: Value =
                serde_json::from_str(body).map_err(|error| TestCaseError::fail(format!("{error}: {text}")))?;
            if status >= 400 && !bare {
                prop_assert_eq!(&value["status"], &Value::from(status.to_string()), "{}", text);
                prop_assert!(
                    value["error"]["error_code"].as_str().is_some_and(|code| code.starts_with("error_")),
                    "{}",
                    text
                );
            }
        }
        "application/xml; charset=utf-8" => {
            prop_assert!(bare || body.starts_with('<') && body.trim_end().ends_with('>'), "{}", text)
        }
        "text/html; charset=utf-8" | "text/plain; charset=utf-8" | "text/csv; charset=utf-8" => {
            prop_assert!(
                status < 400 || bare || body.starts_with("error_") || body.starts_with("<!DOCTYPE html>"),
                "{}",
                text
            );
        }
        // JSON for a function of the page's.
        "application/javascript; charset=utf-8" | "text/javascript; charset=utf-8" => {
            prop_assert!(body.contains('('), "{}", text)
        }
        _ => prop_assert!(false, "{}", text),
    }
    Ok(())
}

/// Whether the request asks for a reply without headers, or may do so somewhere in its JSON.
fn wants_no_headers(case: &Case) -> bool {
    let asked = |pairs: &[(String, Vec<u8>)]| pairs.iter().any(|(name, value)| name == "headers" && value == b"false");
    let in_body = match &case.body {
        Body::Form(pairs) => asked(pairs),
        Body::Json(value) => value.to_string().contains(r#""headers":"#),
        _ => false,
    };
    asked(&case.query) || in_body
}

#[test]
fn every_reply_is_one_of_thingspeaks_whatever_is_asked() {
    let server = Server::start(&["serve", "--listen", "0", "--seed", "7", "--write-interval", "0"]);
    let word = |name| server.line(name).split_whitespace().next().unwrap_or_default().to_owned();
    let channel = word("channel ");
    let keys = [word("write key "), word("read key "), word("user key "), "ABCDEFGHIJKLMNOP".to_owned()];
    let (talkback, http) = (word("talkback "), word("http "));
    let address = http.strip_prefix("http://").unwrap().to_owned();
    let world = World { address, channel, talkback, keys };

    let by_hand = std::env::var("PREFLASH_FUZZ_CASES").ok().and_then(|cases| cases.parse().ok());
    let config = Config { cases: by_hand.unwrap_or(CASES), failure_persistence: None, ..Config::default() };
    let mut runner = match by_hand {
        Some(_) => TestRunner::new(config),
        None => TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha)),
    };
    let outcome = runner.run(&case(), |case| judge(&case, &world.send(&world.bytes(&case))));
    if let Err(error) = outcome {
        panic!("{error}");
    }
    // It still does its work. The channel may have been deleted on the way.
    let made = format!(
        "POST /channels.json?api_key={}&field1=a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        world.keys[2]
    );
    assert!(world.send(made.as_bytes()).starts_with(b"HTTP/1.1 200 OK\r\n"));
}
