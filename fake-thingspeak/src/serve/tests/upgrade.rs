//! Connections that go on in another protocol.

use super::*;

/// A world in which `/other` is spoken: a greeting, and then the first five bytes again.
struct Other {
    world: World,
    ending: Ending,
}

impl Host for Other {
    fn now(&self) -> OffsetDateTime {
        self.world.now()
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> {
        self.world.sleep(duration)
    }

    fn verdict(&self, request: &Request<Bytes>) -> Verdict {
        self.world.verdict(request)
    }

    fn upgrade(&self, request: &Request<Bytes>) -> Option<Response<Bytes>> {
        let builder = Response::builder().status(101).header("connection", "upgrade").header("upgrade", "other");
        (request.uri().path() == "/other").then(|| builder.body(Bytes::new()).unwrap())
    }

    async fn upgraded<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: &mut S, read: Bytes) -> Ending {
        let mut bytes = read.to_vec();
        stream.write_all(b"hello, ").await.unwrap();
        while bytes.len() < 5 {
            bytes.push(stream.read_u8().await.unwrap());
        }
        stream.write_all(&bytes[..5]).await.unwrap();
        self.ending
    }

    fn with_cloud<R>(&self, work: impl FnOnce(&mut Cloud) -> R) -> R {
        self.world.with_cloud(work)
    }

    fn stored(&self, entry: &Stored) {
        self.world.stored(entry);
    }

    fn exchanged(&self, exchange: &Exchange) {
        self.world.exchanged(exchange);
    }

    fn tls_finished(&self, outcome: TlsOutcome) {
        self.world.tls_finished(outcome);
    }
}

/// What comes of a client that says this, and the next thing a second later.
async fn speak(host: &Other, pieces: &[&str]) -> Seen {
    let (mut client, io) = duplex(1 << 16);
    let shut = Rc::new(Cell::new(false));
    let server = serve(Watched { io, shut: Rc::clone(&shut) }, None, CLIENT, host);
    let device = async {
        for piece in pieces {
            client.write_all(piece.as_bytes()).await.unwrap();
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        let mut reply = Vec::new();
        client.read_to_end(&mut reply).await.unwrap();
        String::from_utf8(reply).unwrap()
    };
    let (ending, reply) = tokio::join!(server, device);
    Seen { ending, shut: shut.get(), reply }
}

const REQUEST: &str = "GET /other HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: other\r\n\r\n";

#[tokio::test(start_paused = true)]
async fn the_host_has_the_stream_after_its_101_and_what_came_with_the_request() {
    let early = format!("{REQUEST}12");
    for pieces in [&[REQUEST, "12345"][..], &[&early, "34", "5 and more"], &[REQUEST, "1", "2", "3", "4", "5"]] {
        let host = Other { world: World::new(&[Fault::Chunked]), ending: Ending::Closed };
        let seen = speak(&host, pieces).await;
        let (head, rest) = parts(&seen.reply);
        assert!(head.starts_with("HTTP/1.1 101 Switching Protocols\r\n") && head.contains("\r\nDate: "), "{head}");
        assert!(!head.contains("Content-Length") && !head.contains("Transfer-Encoding"), "{head}");
        assert_eq!((rest, seen.ending, seen.shut), ("hello, 12345", Ending::Closed, true));
        let exchanges = host.world.exchanges.borrow();
        assert_eq!(exchanges.iter().map(|exchange| exchange.status).collect::<Vec<_>>(), [Some(101)]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_host_may_tear_what_has_become_another_protocol() {
    let host = Other { world: World::new(&[]), ending: Ending::Reset };
    let seen = speak(&host, &[REQUEST, "12345"]).await;
    assert_eq!((parts(&seen.reply).1, seen.ending, seen.shut), ("hello, 12345", Ending::Reset, false));
}

#[tokio::test(start_paused = true)]
async fn a_fault_keeps_it_from_becoming_another_protocol() {
    for (fault, start, ending) in [
        (Fault::Status(503), "HTTP/1.1 503 ", Ending::Closed),
        (Fault::DropAfterStoring, "", Ending::Dropped),
        (Fault::Reset, "", Ending::Reset),
    ] {
        let host = Other { world: World::new(&[fault]), ending: Ending::Closed };
        let request = REQUEST.replace("Connection: upgrade", "Connection: upgrade, close");
        let seen = speak(&host, &[&request]).await;
        assert!(seen.reply.starts_with(start) && !seen.reply.contains("hello"), "{}", seen.reply);
        assert_eq!(seen.ending, ending);
    }
}
