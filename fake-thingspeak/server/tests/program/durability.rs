//! `kill -9` at any moment under load loses nothing that was acknowledged.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::client::{ask, connect};
use crate::server::Server;
use serde_json::Value;

const KILLS: usize = 100;
/// Clients that send one update after the other; one more adds commands to the TalkBack.
const CLIENTS: usize = 8;

/// What the server said it has, by number.
#[derive(Default)]
struct Acknowledged {
    entries: BTreeMap<u64, String>,
    commands: BTreeMap<u64, String>,
}

/// How to get at what is tested.
#[derive(Clone, Default, PartialEq, Debug)]
struct Keys {
    channel: String,
    write: String,
    talkback: String,
    talkback_key: String,
}

fn start(file: &Path) -> (Server, Keys, String) {
    let file = file.to_str().unwrap();
    let server = Server::start(&["serve", "--listen", "0", "--data", file, "--write-interval", "0"]);
    let first = |text: String| text.split(' ').next().unwrap().to_owned();
    let (channel, write) = (first(server.line("channel")), server.line("write key"));
    let talkback = server.line("talkback");
    let (talkback, key) = talkback.split_once(" (its key ").unwrap();
    let keys =
        Keys { channel, write, talkback: talkback.to_owned(), talkback_key: key.trim_end_matches(')').to_owned() };
    let http = server.line("http ").strip_prefix("http://").unwrap().to_owned();
    (server, keys, http)
}

/// Sends a request and reads the reply's body; `None` when the server is gone.
fn exchange(stream: &mut BufReader<TcpStream>, request: &str) -> Option<String> {
    stream.get_mut().write_all(request.as_bytes()).ok()?;
    let (mut line, mut length) = (String::new(), 0);
    loop {
        line.clear();
        if stream.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line == "\r\n" {
            break;
        }
        if let Some(number) = line.strip_prefix("Content-Length: ") {
            length = number.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some(String::from_utf8(body).unwrap())
}

/// Sends requests with texts of its own until the server is gone; what is acknowledged is noted.
fn load(http: &str, name: &str, request: impl Fn(&str) -> String, note: impl Fn(u64, String)) {
    let Ok(stream) = TcpStream::connect(http) else { return };
    let mut stream = BufReader::new(stream);
    for number in 0.. {
        let text = format!("{name}-{number}");
        let Some(reply) = exchange(&mut stream, &format!("{} HTTP/1.1\r\nHost: x\r\n\r\n", request(&text))) else {
            return;
        };
        let id = reply.parse().unwrap_or_else(|_| panic!("{text}: {reply}"));
        assert_ne!(id, 0, "{text} was refused");
        note(id, text);
    }
}

fn json(http: &str, target: &str) -> Value {
    let reply = ask(connect(http), &format!("GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
    serde_json::from_str(reply.split_once("\r\n\r\n").unwrap().1).unwrap()
}

/// All of a kind that the server has, by number.
fn had(list: &Value, id: &str, text: &str) -> BTreeMap<u64, String> {
    let pair = |item: &Value| (item[id].as_u64().unwrap(), item[text].as_str().unwrap().to_owned());
    list.as_array().unwrap().iter().map(pair).collect()
}

/// Asserts that what was acknowledged is there, and that nothing is there that was never sent.
fn verify(http: &str, keys: &Keys, acknowledged: &Acknowledged, round: usize) {
    let mut entries = BTreeMap::new();
    let Keys { channel, talkback, talkback_key, .. } = keys;
    for page in 0.. {
        let (first, last) = (page * 8_000 + 1, (page + 1) * 8_000);
        let feed = json(http, &format!("/channels/{channel}/feeds.json?start_entry_id={first}&end_entry_id={last}"));
        let more = had(&feed["feeds"], "entry_id", "field1");
        if more.is_empty() {
            break;
        }
        entries.extend(more);
    }
    let commands = json(http, &format!("/talkbacks/{talkback}/commands.json?api_key={talkback_key}"));
    let commands = had(&commands, "id", "command_string");
    for (kind, there, acknowledged) in
        [("entry", &entries, &acknowledged.entries), ("command", &commands, &acknowledged.commands)]
    {
        for (id, text) in acknowledged {
            assert_eq!(there.get(id), Some(text), "{kind} {id} after {round} kills");
        }
        // More may be there than was acknowledged: one of each client that was killed while it waited.
        let numbers: Vec<u64> = there.keys().copied().collect();
        assert_eq!(numbers, (1..=there.len() as u64).collect::<Vec<_>>(), "{kind}");
        let most = acknowledged.len() + round * CLIENTS;
        assert!(there.len() <= most, "{} of {kind}, {} acknowledged", there.len(), acknowledged.len());
    }
}

#[test]
fn nothing_acknowledged_is_lost_in_a_hundred_kills() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("duck.db");
    let acknowledged = Mutex::new(Acknowledged::default());
    let mut same_keys: Option<Keys> = None;
    for round in 0..KILLS {
        let (server, keys, http) = start(&file);
        assert_eq!(*same_keys.get_or_insert(keys.clone()), keys);
        verify(&http, &keys, &acknowledged.lock().unwrap(), round);
        let count = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            let Keys { write, talkback, talkback_key, .. } = &keys;
            let (http, count, acknowledged) = (&http, &count, &acknowledged);
            for client in 0..CLIENTS {
                scope.spawn(move || {
                    let request = |text: &str| format!("GET /update?api_key={write}&field1={text}");
                    load(http, &format!("{round}-{client}"), request, |id, text| {
                        acknowledged.lock().unwrap().entries.insert(id, text);
                        count.fetch_add(1, Ordering::Relaxed);
                    });
                });
            }
            scope.spawn(move || {
                let request = |text: &str| {
                    format!("POST /talkbacks/{talkback}/commands?api_key={talkback_key}&command_string={text}")
                };
                load(http, &format!("{round}-talkback"), request, |id, text| {
                    acknowledged.lock().unwrap().commands.insert(id, text);
                });
            });
            // The moment differs from round to round: in how much was stored, and in what the server is doing.
            let enough = 1 + round * 37 % 50;
            for _ in 0..10_000 {
                if count.load(Ordering::Relaxed) >= enough {
                    break;
                }
                std::thread::sleep(Duration::from_millis(1));
            }
            assert!(count.load(Ordering::Relaxed) >= enough, "the server is too slow to be tested");
            std::thread::sleep(Duration::from_micros(round as u64 * 611 % 9_000));
            drop(server);
        });
    }
    let (mut server, keys, http) = start(&file);
    let acknowledged = acknowledged.into_inner().unwrap();
    assert!(acknowledged.entries.len() >= KILLS && acknowledged.commands.len() >= KILLS / 10);
    verify(&http, &keys, &acknowledged, KILLS);
    server.stop();
}
