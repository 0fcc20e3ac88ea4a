//! Connections in memory, under a clock that stands still until everyone waits.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::task::Context;

use http::{Request, Response, StatusCode};
use time::OffsetDateTime;
use time::macros::datetime;
use tokio::io::{AsyncReadExt, DuplexStream, ReadBuf, duplex};
use tokio::time::Instant;

use super::*;
use crate::cloud::{Access, Cloud, NewChannel, Profile, Stored};

mod faults;
mod framing;
mod markup;
mod memory;
mod slips;
mod tls;
mod upgrade;

const START: OffsetDateTime = datetime!(2026-01-01 0:00 UTC);
const CLIENT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));

/// A world with a cloud and one channel, in which every request meets the same faults.
struct World {
    begin: Instant,
    cloud: RefCell<Cloud>,
    access: Access,
    faults: Vec<Fault>,
    reply: Option<Arc<WrittenReply>>,
    limits: Limits,
    /// How long it takes until what was stored is kept.
    keeping: Duration,
    stored: RefCell<Vec<(Duration, u64)>>,
    exchanges: RefCell<Vec<Exchange>>,
    handshakes: RefCell<Vec<TlsOutcome>>,
}

impl World {
    fn new(faults: &[Fault]) -> Self {
        let mut cloud = Cloud::new([1; 32]);
        let about = NewChannel { name: "duck".to_owned(), fields: Default::default(), public: true };
        let access = cloud.create_channel(about, START);
        Self {
            begin: Instant::now(),
            cloud: RefCell::new(cloud),
            access,
            faults: faults.to_vec(),
            reply: None,
            limits: Limits::default(),
            keeping: Duration::ZERO,
            stored: RefCell::default(),
            exchanges: RefCell::default(),
            handshakes: RefCell::default(),
        }
    }

    /// What the original firmware sends: a line feed before the request and one after the body, and bare line feeds.
    fn original_request(&self) -> String {
        format!(
            "\nPOST /update HTTP/1.1\nHost: api.thingspeak.com\nConnection: close\nX-THINGSPEAKAPIKEY: {}\n\
             Content-Type: application/x-www-form-urlencoded\nContent-Length: 25\n\nfield1=23.40&field2=45.60\n",
            self.access.write_key
        )
    }

    fn update(&self) -> String {
        format!("GET /update?api_key={}&field1=1 HTTP/1.1\r\nHost: x\r\n\r\n", self.access.write_key)
    }
}

impl Host for World {
    fn now(&self) -> OffsetDateTime {
        START + self.begin.elapsed()
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> {
        tokio::time::sleep(duration)
    }

    fn own_reply(&self, request: &Request<Bytes>, _: OffsetDateTime) -> Option<Response<Bytes>> {
        (request.uri().path() == "/own").then(|| Response::new(request.body().clone()))
    }

    async fn durable(&self) {
        if !self.keeping.is_zero() {
            tokio::time::sleep(self.keeping).await;
        }
    }

    fn verdict(&self, _: &Request<Bytes>) -> Verdict {
        let rule = (!self.faults.is_empty() || self.reply.is_some()).then(|| "bad day".to_owned());
        Verdict { faults: self.faults.clone(), reply: self.reply.clone(), rule }
    }

    fn with_cloud<R>(&self, work: impl FnOnce(&mut Cloud) -> R) -> R {
        work(&mut self.cloud.borrow_mut())
    }

    fn stored(&self, entry: &Stored) {
        self.stored.borrow_mut().push((self.begin.elapsed(), entry.entry_id));
    }

    fn exchanged(&self, exchange: &Exchange) {
        self.exchanges.borrow_mut().push(exchange.clone());
    }

    fn tls_finished(&self, outcome: TlsOutcome) {
        self.handshakes.borrow_mut().push(outcome);
    }

    fn limits(&self) -> Limits {
        self.limits
    }
}

/// A stream that notes whether it was shut down.
struct Watched {
    io: DuplexStream,
    shut: Rc<Cell<bool>>,
}

impl AsyncRead for Watched {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl AsyncWrite for Watched {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        self.shut.set(true);
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

/// What came of a connection: how the server ended it, whether it shut the stream down, and all that it sent.
#[derive(Debug)]
struct Seen {
    ending: Ending,
    shut: bool,
    reply: String,
}

/// Sends `request` and reads until the server ends the connection.
async fn talk(world: &World, request: &str) -> Seen {
    talk_as(world, async |client| {
        client.write_all(request.as_bytes()).await.unwrap();
    })
    .await
}

/// Lets `speak` talk to the server, and then reads until the server ends the connection.
async fn talk_as(world: &World, speak: impl AsyncFnOnce(&mut DuplexStream)) -> Seen {
    let (mut client, io) = duplex(1 << 16);
    let shut = Rc::new(Cell::new(false));
    let server = serve(Watched { io, shut: Rc::clone(&shut) }, None, CLIENT, world);
    let device = async {
        speak(&mut client).await;
        let mut reply = Vec::new();
        client.read_to_end(&mut reply).await.unwrap();
        String::from_utf8(reply).unwrap()
    };
    let (ending, reply) = tokio::join!(server, device);
    Seen { ending, shut: shut.get(), reply }
}

/// Head and body of a reply.
fn parts(reply: &str) -> (&str, &str) {
    reply.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no reply: {reply:?}"))
}

#[tokio::test(start_paused = true)]
async fn a_reply_looks_like_the_services_own() {
    let world = World::new(&[]);
    let seen = talk(&world, &world.update().replace("Host: x", "Host: x\r\nConnection: close")).await;
    let (head, body) = parts(&seen.reply);
    let lines: Vec<_> = head.split("\r\n").filter(|line| !line.starts_with("X-Request-Id: ")).collect();
    let expected = [
        "HTTP/1.1 200 OK",
        "Content-Type: text/html; charset=utf-8",
        "Cache-Control: max-age=0, private, must-revalidate",
        "Access-Control-Allow-Origin: *",
        "Access-Control-Allow-Methods: GET, POST, PUT, OPTIONS, DELETE, PATCH",
        "Access-Control-Allow-Headers: origin, content-type, X-Requested-With",
        "Access-Control-Max-Age: 1800",
        "Date: Thu, 01 Jan 2026 00:00:00 GMT",
        "Connection: close",
        "Content-Length: 1",
    ];
    let (mut sorted, mut expected) = (lines.clone(), expected.to_vec());
    sorted.sort_unstable();
    expected.sort_unstable();
    assert_eq!((sorted, lines[0], body), (expected, "HTTP/1.1 200 OK", "1"));
    assert_eq!((seen.ending, seen.shut), (Ending::Closed, true));
    let exchanges = world.exchanges.borrow();
    let [exchange] = &exchanges[..] else { panic!("{exchanges:?}") };
    assert_eq!((exchange.status, &exchange.response_body[..], exchange.stored.len()), (Some(200), &b"1"[..], 1));
    assert_eq!((exchange.request.method().as_str(), exchange.client, exchange.tls), ("GET", CLIENT, false));
    assert!(exchange.target().starts_with("/update?api_key="));
    assert_eq!(exchange.request.headers()["host"], "x");
}

#[tokio::test(start_paused = true)]
async fn a_hosts_own_reply_meets_no_fault_and_is_no_exchange() {
    let world = World::new(&[Fault::Reset]);
    let request = "POST /own HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nminePOST /own HTTP/1.1\r\nHost: x\r\n\
                   Connection: close\r\nContent-Length: 5\r\n\r\nagain";
    let seen = talk(&world, request).await;
    let (first, again) = seen.reply.split_once("mine").unwrap();
    assert!(first.starts_with("HTTP/1.1 200 OK\r\n") && first.contains("\r\nDate: Thu, 01 Jan 2026"), "{first}");
    assert_eq!((parts(again).1, seen.ending), ("again", Ending::Closed));
    assert!(world.exchanges.borrow().is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_original_firmwares_request_is_stored_however_it_arrives() {
    let at_once = async |world: &World, client: &mut DuplexStream| {
        client.write_all(world.original_request().as_bytes()).await.unwrap();
        client.shutdown().await.unwrap();
    };
    let world = World::new(&[]);
    let seen = talk_as(&world, async |client| at_once(&world, client).await).await;
    assert_eq!(parts(&seen.reply).1, "1");
    assert_eq!(world.stored.borrow().len(), 1);

    // The reply is slow, and the client has long gone.
    let world = World::new(&[Fault::DelayBeforeStoring(Duration::from_secs(3))]);
    let seen = talk_as(&world, async |client| at_once(&world, client).await).await;
    assert_eq!((parts(&seen.reply).1, seen.ending), ("1", Ending::Closed));
    assert_eq!(*world.stored.borrow(), [(Duration::from_secs(3), 1)]);

    let world = World::new(&[]);
    let seen = talk_as(&world, async |client| {
        let request = world.original_request();
        let (request, trailing) = request.as_bytes().split_at(request.len() - 1);
        for byte in request {
            client.write_all(&[*byte]).await.unwrap();
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        // By now the server has replied and closed.
        assert!(client.write_all(trailing).await.is_err());
    })
    .await;
    assert_eq!((parts(&seen.reply).1, seen.shut), ("1", true));
    let stored = world.cloud.borrow().entries(world.access.channel).unwrap();
    assert_eq!(stored[0].fields[..2], [Some("23.40".to_owned()), Some("45.60".to_owned())]);
    assert_eq!(world.exchanges.borrow()[0].request.body(), "field1=23.40&field2=45.60");

    // It closes both directions without waiting.
    let world = World::new(&[]);
    let (mut client, io) = duplex(1 << 16);
    client.write_all(world.original_request().as_bytes()).await.unwrap();
    drop(client);
    serve(io, None, CLIENT, &world).await;
    assert_eq!(world.stored.borrow().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_connection_carries_one_request_after_the_other() {
    let world = World::new(&[]);
    let seen = talk(&world, &(world.update() + &world.update())).await;
    // The second one comes too soon; then nothing comes, and the connection is closed.
    assert_eq!(seen.reply.matches("HTTP/1.1 200 OK").count(), 2);
    assert!(seen.reply.ends_with("\r\n\r\n0"), "{}", seen.reply);
    assert_eq!((seen.ending, seen.shut), (Ending::TooSlow, true));
    let connection_time = world.begin.elapsed();
    assert!((60..=120).contains(&connection_time.as_secs()), "{connection_time:?}");
}

#[tokio::test(start_paused = true)]
async fn slow_and_half_open_clients_are_dropped() {
    for beginning in ["", "GET / HT", "POST /update HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nfie"] {
        let world = World::new(&[]);
        let seen = talk(&world, beginning).await;
        assert_eq!((seen.ending, seen.shut, seen.reply.as_str()), (Ending::TooSlow, true, ""), "{beginning}");
        assert_eq!(world.begin.elapsed(), Duration::from_secs(60));
        assert!(world.exchanges.borrow().is_empty());
    }
    // A byte now and then does not help.
    let world = World::new(&[]);
    talk_as(&world, async |client| {
        while client.write_all(b"G").await.is_ok() {
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
    })
    .await;
    assert!(world.begin.elapsed() < Duration::from_secs(121));
}

#[tokio::test(start_paused = true)]
async fn what_is_no_http_and_what_is_too_large_is_refused() {
    let world = World::new(&[]);
    let seen = talk(&world, "\x16\x03\x01\x00\x05hello\r\n\r\n").await;
    assert_eq!((seen.ending, seen.shut), (Ending::Failed, true));
    let (head, body) = parts(&seen.reply);
    assert!(head.starts_with("HTTP/1.1 400 Bad Request\r\nContent-Type: text/html"), "{head}");
    assert!(head.contains("Access-Control-Allow-Origin: *") && head.contains("Date: "), "{head}");
    assert!(head.ends_with("Content-Length: 17\r\nConnection: close"), "{head}");
    assert_eq!(body, "error_bad_request");

    let mut world = World::new(&[]);
    world.limits.body = 100;
    let request = format!("POST /update.json HTTP/1.1\r\nHost: x\r\nContent-Length: 101\r\n\r\n{}", "x".repeat(101));
    let seen = talk(&world, &request).await;
    let (head, body) = parts(&seen.reply);
    assert!(head.starts_with("HTTP/1.1 413 ") && head.contains("Connection: close"), "{head}");
    assert!(body.contains("error_request_too_large"), "{body}");
    assert_eq!(world.exchanges.borrow()[0].status, Some(413));
    // What is left of the body is read for a while, so that the reply is not lost to a reset.
    let mut world = World::new(&[]);
    world.limits.body = 100;
    let seen = talk_as(&world, async |client| {
        client.write_all(b"POST /update HTTP/1.1\r\nHost: x\r\nContent-Length: 500000\r\n\r\n").await.unwrap();
        for _ in 0..5_000 {
            client.write_all(&[b'x'; 100]).await.unwrap();
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!(seen.reply.starts_with("HTTP/1.1 413 "), "{}", seen.reply);

    let world = World::new(&[]);
    let seen = talk(&world, &format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(20_000))).await;
    assert!(
        seen.reply.starts_with("HTTP/1.1 4") && parts(&seen.reply).1 == "error_request_too_large",
        "{}",
        seen.reply
    );
    let world = World::new(&[]);
    let seen = talk(&world, &format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(20_000))).await;
    assert!(seen.reply.starts_with("HTTP/1.1 431 "), "{}", seen.reply);
    assert_eq!(parts(&seen.reply).1, "error_request_too_large");
    // A refusal that is the cloud's own stays its own, and one after a reply has the same words.
    let world = World::new(&[]);
    let seen = talk_as(&world, async |client| {
        client.write_all(b"GET /update HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
        client.write_all(b"no request\r\n\r\n").await.unwrap();
    })
    .await;
    let replies: Vec<_> = seen.reply.split("HTTP/1.1 ").map(|reply| reply.lines().last().unwrap_or_default()).collect();
    assert_eq!(replies, ["", "error_auth_required", "error_bad_request"]);
}

#[tokio::test(start_paused = true)]
async fn replies_come_in_chunks_where_that_was_the_custom() {
    let mut world = World::new(&[]);
    let cloud = world.cloud.borrow().clone().with_profile(Profile::Recorded2019);
    world.cloud = RefCell::new(cloud);
    let seen = talk(&world, &world.update().replace("Host: x", "Host: x\r\nConnection: close")).await;
    let (head, body) = parts(&seen.reply);
    assert!(head.contains("Transfer-Encoding: chunked") && !head.contains("Content-Length"), "{head}");
    // As recorded in 2014, but for the value.
    assert_eq!((body, seen.ending), ("1\r\n1\r\n0\r\n\r\n", Ending::Closed));
}

#[tokio::test(start_paused = true)]
async fn an_exchange_that_is_cut_off_is_recorded() {
    let world = World::new(&[Fault::DelayAfterStoring(Duration::from_secs(20))]);
    let (mut client, io) = duplex(1 << 16);
    client.write_all(world.update().as_bytes()).await.unwrap();
    let connection = within(&world, Duration::from_secs(1), serve(io, None, CLIENT, &world)).await;
    assert_eq!(connection, None);
    let exchanges = world.exchanges.borrow();
    assert_eq!((exchanges.len(), exchanges[0].status, exchanges[0].stored.len()), (1, None, 1));
}

#[tokio::test(start_paused = true)]
async fn replies_without_a_body_and_old_clients_get_what_they_can_read() {
    for status in [204, 304] {
        let world = World::new(&[Fault::Status(status), Fault::Chunked]);
        let seen = talk(&world, "GET /update HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
        let (head, body) = parts(&seen.reply);
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{head}");
        assert_eq!((body, seen.ending), ("", Ending::Closed));
    }
    let world = World::new(&[Fault::Chunked]);
    let seen = talk(&world, "GET /nowhere HTTP/1.0\r\n\r\n").await;
    let (head, body) = parts(&seen.reply);
    assert!(!head.contains("chunked"), "{head}");
    assert_eq!((body, seen.ending), ("error_resource_not_found", Ending::Closed));
    let world = World::new(&[]);
    let target = format!("/channels/{}/feeds.json", world.access.channel);
    let seen = talk(&world, &format!("HEAD {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")).await;
    assert_eq!((parts(&seen.reply).1, seen.ending), ("", Ending::Closed));
}
