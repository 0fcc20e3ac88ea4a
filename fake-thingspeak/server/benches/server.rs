//! How fast the program is, each figure as a ratio within one run on loopback: `cargo bench --bench server`.
//!
//! * `/update` in memory against a bare hyper server that says hello, both over keep-alive with `wrk`.
//! * `/update` with `--data`, commits shared by the requests that arrive together, against a commit for each request.
//! * 8000 rows out of a channel with a million, by number of rows and by date, against the same from one with 8000.
//! * Memory for each stored entry.
//!
//! Where an update's time goes (`perf`, `valgrind --tool=callgrind`): half in the kernel, in the same two system calls
//! a request as for hello, and the rest in many small pieces: some 29,000 instructions, of which hyper has 13,000 (the
//! names of headers in title case alone 4,000); hello has 7,000. With many clients the time goes where memory is waited
//! for: a request took twice as long among 256 clients as among 64, until the futures of connections and exchanges were
//! small and replies waited without their headers. What else made a difference: one pass over the parameters; no entry
//! unpacked for its reply; replies that go out together, as wrk slept after every third otherwise. An allocator that
//! does not mind that one thread frees what another took gave a twentieth. Checks of overflows and assertions cost 3 %,
//! and one codegen unit gave nothing.
//!
//! What a commit for each request reaches is the disk's business, and so is how much sharing gains: with a disk that
//! keeps 3,700 commits a second, as here, commits that are shared are held up by the processor, which `wrk` takes a
//! third of: the ratio is 8.5 to 9.5, and the same server in memory comes to 10.7 to 13.2 times a commit for each
//! request. With each `fsync` 0.5 ms longer (`strace --seccomp-bpf -f -e trace=fsync -e inject=fsync:delay_exit=500`)
//! it is 26. From 128 to 256 clients the ratio is the same within what the machine varies; with fewer, the disk is
//! waited for.
//!
//! Tried for the shared commits, 12 to 45 rounds in turns: entries by one number in a table in that order instead of
//! two, 4 % (±2 %), for a file that older programs cannot read; the queue to the committer in one buffer, one wake-up
//! less for each that waits, the cloud's work before the exchange's future, LTO: nothing that could be told from
//! chance; entries added while a commit gathers, 2 % (±2 %); glibc's allocator, 6 % less, jemalloc, the same.
//!
//! A part alone: `cargo bench --bench server -- memory` (or `data`, or `reads`).
//!
//! Contestants take turns; medians of the rounds are shown, and the ratio is the median of each round's own, as a
//! machine may be twice as fast one second as the next. Needs `wrk` (`apt install wrk`) and Linux's `/proc`.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on has nothing else to say")]
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

#[path = "../tests/program/server.rs"]
mod server;

use std::convert::Infallible;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use http::{Request, Response};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use server::Server;
use tokio::task::LocalSet;

const ROUNDS: usize = 15;
const SECONDS: u32 = 1;
/// How often a read is timed.
const READS: usize = 40;
const ROWS: u64 = 8_000;
const MANY: u64 = 1_000_000;
/// A bulk update's most.
const BULK: u64 = 960;
/// The time of the first entry in seconds since 1970; one a second follows.
const FIRST: u64 = 1_700_000_000;

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let parts: [(&str, fn()); 3] = [("memory", updates_in_memory), ("data", updates_that_are_kept), ("reads", reads)];
    for (name, part) in parts {
        if wanted.is_empty() || wanted.iter().any(|wanted| wanted == name) {
            part();
        }
    }
}

/// What wrk saw.
#[derive(Clone, Copy)]
struct Seen {
    /// Requests a second.
    rate: f64,
    /// Milliseconds.
    p50: f64,
    p99: f64,
}

fn wrk(connections: u32, url: &str) -> Seen {
    let (seconds, connections) = (format!("-d{SECONDS}s"), format!("-c{connections}"));
    let output = Command::new("wrk").args(["-t1", &connections, &seconds, "--latency", url]).output();
    let output = output.expect("this benchmark needs wrk: apt install wrk");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && !text.contains("Non-2xx"), "{text}");
    let field = |name: &str| {
        let line = text.lines().find_map(|line| line.trim().strip_prefix(name)).unwrap_or_else(|| panic!("{text}"));
        line.trim().to_owned()
    };
    let milliseconds = |text: String| {
        let unit = text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
        let number: f64 = text[..text.len() - unit.len()].parse().unwrap();
        number
            * match unit {
                "us" => 0.001,
                "ms" => 1.0,
                "s" => 1_000.0,
                other => panic!("{other}"),
            }
    };
    Seen {
        rate: field("Requests/sec:").parse().unwrap(),
        p50: milliseconds(field("50%")),
        p99: milliseconds(field("99%")),
    }
}

/// The median by rate.
fn median(mut seen: Vec<Seen>) -> Seen {
    seen.sort_by(|a, b| a.rate.total_cmp(&b.rate));
    seen[seen.len() / 2]
}

/// Two contestants in turns.
fn compare(connections: u32, names: [&str; 2], urls: [&str; 2]) {
    let mut seen = [Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        for (seen, url) in seen.iter_mut().zip(urls) {
            seen.push(wrk(connections, url));
        }
    }
    let mut ratios: Vec<f64> = seen[0].iter().zip(&seen[1]).map(|(first, second)| first.rate / second.rate).collect();
    ratios.sort_by(f64::total_cmp);
    let medians = seen.map(median);
    for (name, Seen { rate, p50, p99 }) in names.iter().zip(medians) {
        println!("{name:<44} {rate:>9.0} requests/s   p50 {p50:>7.3} ms   p99 {p99:>7.3} ms");
    }
    println!("{:<44} {:>9.2}\n", "  ratio", ratios[ratios.len() / 2]);
}

/// A server with what a client needs of it.
struct Running {
    server: Server,
    channels: Vec<(String, String)>,
    http: String,
}

fn start(channels: usize, arguments: &[&str]) -> Running {
    let mut all = vec!["serve", "--listen", "0", "--write-interval", "0"];
    all.extend(["--channel=Small:temperature,humidity", "--channel=Large:temperature,humidity"].iter().take(channels));
    all.extend(arguments);
    let mut server = Server::start(&all);
    let first = |text: String| text.split(' ').next().unwrap().to_owned();
    let channels = (0..channels).map(|_| (first(server.line("channel")), server.line("write key"))).collect();
    let http = first(server.line("http "));
    server.lines = None;
    Running { server, channels, http }
}

/// Bytes of memory that the server takes now (Linux).
fn resident_bytes(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.child.id())).unwrap();
    let kilobytes = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB"));
    kilobytes.unwrap().parse::<u64>().unwrap() * 1_024
}

impl Running {
    fn update(&self) -> String {
        format!("{}/update?api_key={}&field1=21.5&field2=45.6", self.http, self.channels[0].1)
    }
}

/// A bare hyper server on a thread of its own; its URL.
fn hello() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        LocalSet::new().block_on(&runtime, async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                stream.set_nodelay(true).unwrap();
                let answer = async |_: Request<Incoming>| {
                    Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"hello"))))
                };
                tokio::task::spawn_local(
                    http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer)),
                );
            }
        })
    });
    url
}

fn updates_in_memory() {
    let running = start(1, &[]);
    compare(32, ["/update in memory", "hyper, \"hello\""], [&running.update(), &hello()]);
}

fn updates_that_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let shared = start(1, &["--data", &file("shared.db")]);
    let single = start(1, &["--data", &file("single.db"), "--changes-per-commit", "1"]);
    let names = ["/update with --data, 128 clients", "the same, a commit for each request"];
    compare(128, names, [&shared.update(), &single.update()]);
}

fn request(http: &str, request: &str) -> Vec<u8> {
    let mut stream = TcpStream::connect(http.strip_prefix("http://").unwrap()).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).unwrap();
    assert!(reply.starts_with(b"HTTP/1.1 20"), "{}", String::from_utf8_lossy(&reply));
    reply
}

/// Adds entries up to this number.
fn fill(running: &Running, (channel, key): &(String, String), entries: u64) {
    for first in (0..entries).step_by(BULK as usize) {
        let rows = (first..(first + BULK).min(entries))
            .map(|number| format!("{},{}.5,{}.6", FIRST + number, 10 + number % 20, 40 + number % 50));
        let updates = rows.collect::<Vec<_>>().join("|");
        let body = format!("write_api_key={key}&time_format=absolute&updates={updates}");
        let length = body.len();
        let head = format!("POST /channels/{channel}/bulk_update.csv HTTP/1.1\r\nHost: x\r\nConnection: close\r\n");
        request(&running.http, &format!("{head}Content-Length: {length}\r\n\r\n{body}"));
    }
}

fn reads() {
    let running = start(2, &[]);
    let [small, large] = [&running.channels[0], &running.channels[1]];
    fill(&running, small, ROWS);
    let before = resident_bytes(&running.server);
    fill(&running, large, MANY);
    let after = resident_bytes(&running.server);
    println!("{:<44} {:>9.0} bytes\n", "memory for each stored entry", (after - before) as f64 / MANY as f64);

    let read = |channel: &str, query: &str| {
        let target = format!("/channels/{channel}/feeds.json?{query}");
        let begin = Instant::now();
        let reply = request(&running.http, &format!("GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
        let took = begin.elapsed();
        let text = String::from_utf8(reply).unwrap();
        assert_eq!(text.matches("\"entry_id\"").count() as u64, ROWS, "{target}");
        took
    };
    let by_date = |first: u64| format!("start=@{}&end=@{}", FIRST + first, FIRST + first + ROWS - 1);
    let dates = |query: String| {
        let moment = |text: &str| {
            let seconds: i64 = text.parse().unwrap();
            let time = time::OffsetDateTime::from_unix_timestamp(seconds).unwrap();
            format!("{}T{:02}:{:02}:{:02}Z", time.date(), time.hour(), time.minute(), time.second())
        };
        let parts = query.split('&').map(|part| part.split_once("=@").unwrap());
        parts.map(|(name, seconds)| format!("{name}={}", moment(seconds))).collect::<Vec<_>>().join("&")
    };
    let ways = [
        ("by results", format!("results={ROWS}"), format!("results={ROWS}")),
        ("by date", dates(by_date(0)), dates(by_date(MANY / 2))),
    ];
    for (name, from_small, from_large) in ways {
        let mut times = [Vec::new(), Vec::new()];
        for _ in 0..READS {
            times[0].push(read(&large.0, &from_large));
            times[1].push(read(&small.0, &from_small));
        }
        let [large, small] = times.map(|mut times| {
            times.sort();
            [times[times.len() / 2], times[times.len() * 99 / 100]].map(|time: Duration| time.as_secs_f64() * 1_000.0)
        });
        println!("8000 rows of 1,000,000, {name:<20} p50 {:>7.3} ms   p99 {:>7.3} ms", large[0], large[1]);
        println!("8000 rows of 8000, {name:<25} p50 {:>7.3} ms   p99 {:>7.3} ms", small[0], small[1]);
        println!("{:<44} {:>9.2}\n", "  ratio", large[0] / small[0]);
    }
}
