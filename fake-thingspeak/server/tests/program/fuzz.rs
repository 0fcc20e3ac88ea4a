//! Requests that no sane client sends, to every endpoint of the program on a real socket: whatever comes, the reply is
//! one of ThingSpeak's, or a page, a picture or a file, and the server goes on.
//!
//! The requests are made of what the service knows (paths, parameters, keys, bodies in each of its formats) and of what
//! it does not (other numbers, other types, text that is none, JSON that is deep or cut off, bytes). CI tries a fixed
//! number of them, the same each time; `PREFLASH_FUZZ_CASES=100000 cargo test -p fake-thingspeak --test program fuzz`
//! tries more, and others each time.

use std::io::{Read, Write};
use std::net::Shutdown;

use crate::client::connect;
use crate::server::Server;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, RngAlgorithm, TestCaseResult, TestRng, TestRunner};
use serde_json::Value;
use words::{API, PAGES, Words};

#[path = "fuzz/frames.rs"]
mod frames;
#[path = "fuzz/words.rs"]
mod words;

/// How many requests CI sends to the API, and how many to what people look at.
const CASES: u32 = 1_500;
const PAGE_CASES: u32 = 800;

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
    host: &'static str,
    accept: Option<&'static str>,
    key: Option<Index>,
    /// A byte that is changed, and to what.
    damage: Option<(Index, u8)>,
}

#[derive(Clone, Debug)]
enum Body {
    None,
    Form(Vec<(String, Vec<u8>)>),
    /// With the boundary `x`.
    Parts(Vec<(String, Vec<u8>)>),
    Json(Value),
    /// Of JSON only the beginning.
    CutOff(Value, Index),
    Deep(usize),
    Bytes(Vec<u8>),
}

fn name(words: &'static Words) -> impl Strategy<Value = String> {
    prop_oneof![20 => select(words.names).prop_map(str::to_owned), 1 => "[a-z\\[\\]%]{0,12}"]
}

/// A value as the parameters have it; `KEY` and a digit stand for a key.
fn value(words: &'static Words) -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        10 => select(words.values).prop_map(|value| value.as_bytes().to_vec()),
        4 => (0..4).prop_map(|key| format!("KEY{key}").into_bytes()),
        2 => any::<i64>().prop_map(|number| number.to_string().into_bytes()),
        2 => any::<f64>().prop_map(|number| number.to_string().into_bytes()),
        1 => prop::collection::vec(any::<u8>(), 0..16),
        1 => (200_usize..400).prop_map(|length| vec![b'a'; length]),
        1 => Just(vec![b'9'; 3_100]),
    ]
}

fn pairs(words: &'static Words) -> impl Strategy<Value = Vec<(String, Vec<u8>)>> {
    prop::collection::vec((name(words), value(words)), 0..6)
}

fn json(words: &'static Words) -> impl Strategy<Value = Value> {
    let text = value(words).prop_map(|value| Value::from(String::from_utf8_lossy(&value).into_owned()));
    let leaf = prop_oneof![
        4 => text,
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<f64>().prop_map(Value::from),
    ];
    let object = move |value| {
        prop::collection::vec((name(words), value), 0..6).prop_map(|pairs| Value::Object(pairs.into_iter().collect()))
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

fn body(words: &'static Words) -> impl Strategy<Value = Body> {
    prop_oneof![
        3 => Just(Body::None),
        6 => pairs(words).prop_map(Body::Form),
        2 => pairs(words).prop_map(Body::Parts),
        6 => json(words).prop_map(Body::Json),
        1 => (json(words), any::<Index>()).prop_map(|(value, end)| Body::CutOff(value, end)),
        1 => (1_usize..20_000).prop_map(Body::Deep),
        2 => prop::collection::vec(any::<u8>(), 0..64).prop_map(Body::Bytes),
    ]
}

fn case(words: &'static Words) -> impl Strategy<Value = Case> {
    let method = prop_oneof![
        6 => Just("GET"), 6 => Just("POST"), 1 => Just("PUT"), 1 => Just("DELETE"), 1 => Just("HEAD"), 1 => Just("OPTIONS"),
        1 => Just("PATCH"), 1 => Just("TRACE"), 1 => Just("BREW"),
    ];
    let id = || prop_oneof![9 => Just("ID".to_owned()), 1 => select(&["0", "4294967295", "4294967296", "-1", "%31", "x"][..]).prop_map(str::to_owned)];
    let path = prop_oneof![
        20 => (select(words.paths), id(), 0_u8..10, 0_u64..4).prop_map(|(path, id, field, entry)| {
            path.replace("ID", &id).replace("FIELD", &field.to_string()).replace("ENTRY", &entry.to_string())
        }),
        1 => "(/[a-z0-9.%+-]{0,9}){0,6}".prop_map(|path| format!("/{path}")),
    ];
    let ending = select(words.endings);
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
    let host = select(&["x", "localhost", "127.0.0.1:8080", ""][..]);
    let accept = prop::option::of(select(&["text/html", "*/*", "application/json, text/html;q=0.1", ";;,"][..]));
    let key = prop::option::of(any::<Index>());
    let damage = prop::option::weighted(0.1, (any::<Index>(), any::<u8>()));
    let parts = (method, path, ending, pairs(words), body(words), content_type, (host, accept), key, damage);
    parts.prop_map(|(method, path, ending, query, body, content_type, (host, accept), key, damage)| Case {
        method: method.to_owned(),
        path,
        ending,
        query,
        body,
        content_type,
        host,
        accept,
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
            Body::Parts(pairs) => {
                let part = |(name, value): &(String, Vec<u8>)| {
                    let head = format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n");
                    let value = str::from_utf8(value).map_or(value.clone(), |text| self.filled(text).into_bytes());
                    [head.as_bytes(), &value, b"\r\n"].concat()
                };
                [pairs.iter().flat_map(part).collect(), b"--x--".to_vec()].concat()
            }
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
            "{} {target} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: {}\r\n",
            case.method,
            case.host,
            body.len()
        );
        if let Some(accept) = case.accept {
            request += &format!("Accept: {accept}\r\n");
        }
        // Of another type, parts would be no more than bytes.
        let parts = matches!(case.body, Body::Parts(_)).then_some("multipart/form-data; boundary=x");
        if let Some(content_type) = parts.or(case.content_type) {
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

/// Whether a reply is one that ThingSpeak could have given, or a page.
fn judge(case: &Case, reply: &[u8]) -> TestCaseResult {
    // If the length was damaged, the request may never have ended.
    if case.damage.is_some() && reply.is_empty() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(reply);
    let (head, body) = text.split_once("\r\n\r\n").ok_or_else(|| TestCaseError::fail(format!("no reply: {text:?}")))?;
    let status: u16 = head.get(9..12).and_then(|status| status.parse().ok()).unwrap_or_default();
    let known = [200, 202, 304, 400, 401, 403, 404, 405, 409, 413, 414, 421, 422, 426, 429, 431];
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
            let is_page = body.starts_with("<!DOCTYPE html>");
            prop_assert!(status < 400 || bare || body.starts_with("error_") || is_page, "{}", text);
            prop_assert!(!is_page || body.ends_with("</html>"), "{}", text);
            if is_page {
                is_markup(body)?;
            }
        }
        "image/svg+xml" => {
            prop_assert!(body.starts_with("<svg ") && body.trim_end().ends_with("</svg>"), "{}", text);
            is_markup(body)?;
        }
        "text/css; charset=utf-8" => prop_assert!(body.contains("@media"), "{}", text),
        // JSON for a function of the page's, or one of our scripts.
        "application/javascript; charset=utf-8" | "text/javascript; charset=utf-8" => {
            prop_assert!(body.contains('('), "{}", text)
        }
        _ => prop_assert!(false, "{}", text),
    }
    Ok(())
}

/// Whether what others have written stays text, and what is drawn has a place.
fn is_markup(body: &str) -> TestCaseResult {
    for foreign in ["<script>", " onload=\""] {
        prop_assert!(!body.contains(foreign), "{:?} in {}", foreign, body);
    }
    let control = body.find(|c: char| c.is_ascii_control() && !"\t\r\n\u{7f}".contains(c));
    prop_assert_eq!(control, None, "{}", body);
    for name in ["x", "y", "x1", "x2", "y1", "y2", "width", "height", "d"] {
        for value in body.split(&format!(" {name}=\"")).skip(1).filter_map(|rest| rest.split('"').next()) {
            let is_place = value.chars().all(|c| c.is_ascii_digit() || "-.,% MmLlHhVvCcSsQqTtAaZze".contains(c));
            prop_assert!(is_place, "{}=\"{}\" in {}", name, value, body);
        }
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

impl World {
    /// A server, and what it says of itself.
    fn start() -> (Server, Self) {
        let mut server = Server::start(&["serve", "--listen", "0", "--seed", "7", "--write-interval", "0"]);
        let word = |name| server.line(name).split_whitespace().next().unwrap_or_default().to_owned();
        let channel = word("channel ");
        let keys = [word("write key "), word("read key "), word("user key "), "ABCDEFGHIJKLMNOP".to_owned()];
        let (talkback, http) = (word("talkback "), word("http "));
        server.lines = None;
        let address = http.strip_prefix("http://").unwrap().to_owned();
        (server, Self { address, channel, talkback, keys })
    }

    /// What comes back for a request that makes sense.
    fn ask(&self, request: &str, body: &str) -> String {
        let head =
            format!("{request} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {}", body.len());
        String::from_utf8(self.send(format!("{head}\r\nContent-Type: application/json\r\n\r\n{body}").as_bytes()))
            .unwrap()
    }
}

/// Tries requests: the same ones in CI, and by hand more and others.
fn run<T: Strategy>(cases: u32, strategy: &T, test: impl Fn(T::Value) -> TestCaseResult) {
    let by_hand = std::env::var("PREFLASH_FUZZ_CASES").ok().and_then(|cases| cases.parse().ok());
    let config = Config { cases: by_hand.unwrap_or(cases), failure_persistence: None, ..Config::default() };
    let mut runner = match by_hand {
        Some(_) => TestRunner::new(config),
        None => TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha)),
    };
    if let Err(error) = runner.run(strategy, test) {
        panic!("{error}");
    }
}

#[test]
fn every_reply_is_one_of_thingspeaks_whatever_is_asked() {
    let (_server, world) = World::start();
    run(CASES, &case(&API), |case| judge(&case, &world.send(&world.bytes(&case))));
    // It still does its work. The channel may have been deleted on the way.
    let made = world.ask(&format!("POST /channels.json?api_key={}&field1=a", world.keys[2]), "");
    assert!(made.starts_with("HTTP/1.1 200 OK\r\n"), "{made}");
}

#[test]
fn every_page_is_a_page_whatever_is_asked_and_stored() {
    let (_server, world) = World::start();
    let entry = prop::option::of((value(&PAGES), value(&PAGES)));
    let entries = std::cell::Cell::new(0);
    run(PAGE_CASES, &(case(&PAGES), entry), |(case, entry)| {
        if let Some((one, two)) = entry {
            let pairs = [("field1".to_owned(), one), ("field2".to_owned(), two)];
            let stored = world.ask(&format!("POST /update?api_key={}&{}", world.keys[0], form(&pairs)), "");
            prop_assert!(stored.starts_with("HTTP/1.1 200 ") || stored.starts_with("HTTP/1.1 4"), "{}", stored);
            entries.set(entries.get() + 1);
        }
        judge(&case, &world.send(&world.bytes(&case)))?;
        // Some of them set faults, which strike the next request.
        let cleared = world.ask("DELETE /_preflash/faults", "");
        prop_assert!(cleared.ends_with("\r\n\r\n{\"faults\":[]}"), "{}", cleared);
        Ok(())
    });
    assert!(entries.get() > 0);
    // It still does its work. The channel may have been deleted on the way.
    let page = world.ask("GET /", "");
    assert!(page.starts_with("HTTP/1.1 200 ") && page.ends_with("</html>"), "{page}");
}
