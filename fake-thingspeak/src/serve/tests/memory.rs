//! Bodies that come slowly and replies that are read slowly, on many connections.

use super::*;

const TOTAL: usize = 1 << 20;

/// A host that has so much for all connections.
struct Bounded {
    world: World,
    taken: Cell<usize>,
    most: Cell<usize>,
}

impl Bounded {
    fn new() -> Self {
        Self { world: World::new(&[]), taken: Cell::new(0), most: Cell::new(0) }
    }
}

impl Host for Bounded {
    fn now(&self) -> OffsetDateTime {
        self.world.now()
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> {
        self.world.sleep(duration)
    }

    /// A large page.
    fn own_reply(&self, request: &Request<Bytes>, _: OffsetDateTime) -> Option<Response<Bytes>> {
        (request.uri().path() == "/large").then(|| Response::new(Bytes::from(vec![b'x'; TOTAL / 4])))
    }

    fn verdict(&self, _: &Request<Bytes>) -> Verdict {
        Verdict::honest()
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

    fn tls_finished(&self, _: TlsOutcome) {}

    fn take_memory(&self, bytes: usize) -> bool {
        let taken = self.taken.get() + bytes;
        if taken <= TOTAL {
            self.taken.set(taken);
            self.most.set(self.most.get().max(taken));
        }
        taken <= TOTAL
    }

    fn give_memory(&self, bytes: usize) {
        self.taken.set(self.taken.get().checked_sub(bytes).unwrap());
    }
}

/// Serves as many connections as there are clients, which all speak at the same time. What each heard.
async fn all<F: Future<Output = String>>(
    host: &Bounded,
    clients: usize,
    pipe: usize,
    speak: impl Fn(DuplexStream) -> F,
) -> Vec<String> {
    let mut talks: Vec<_> = (0..clients)
        .map(|_| {
            let (client, io) = duplex(pipe);
            let (served, spoken) = (serve(io, None, CLIENT, host), speak(client));
            Box::pin(async move { tokio::join!(served, spoken).1 })
        })
        .collect();
    let mut heard = Vec::new();
    poll_fn(|cx| {
        talks.retain_mut(|talk| match talk.as_mut().poll(cx) {
            Poll::Ready(reply) => {
                heard.push(reply);
                false
            }
            Poll::Pending => true,
        });
        if talks.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    heard
}

#[tokio::test(start_paused = true)]
async fn bodies_are_bounded_in_total_and_small_ones_get_through() {
    let host = Bounded::new();
    let size = 256 << 10;
    let slowly = async |mut client: DuplexStream| {
        let head = format!("POST /update HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {size}\r\n\r\n");
        client.write_all(head.as_bytes()).await.unwrap();
        for _ in 0..size / 1024 - 1 {
            if client.write_all(&[b'x'; 1024]).await.is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        // All clients that could wait together do so now.
        tokio::time::sleep(Duration::from_secs(5)).await;
        let _ = client.write_all(&[b'x'; 1024]).await;
        let mut reply = String::new();
        client.read_to_string(&mut reply).await.unwrap();
        reply
    };
    let small = async |mut client: DuplexStream| {
        tokio::time::sleep(Duration::from_secs(4)).await;
        assert!(host.taken.get() > TOTAL / 2, "{}", host.taken.get());
        client
            .write_all(host.world.update().replace("Host: x", "Host: x\r\nConnection: close").as_bytes())
            .await
            .unwrap();
        let mut reply = String::new();
        client.read_to_string(&mut reply).await.unwrap();
        reply
    };
    let (large, small) = tokio::join!(all(&host, 60, 4096, slowly), all(&host, 1, 4096, small));
    assert_eq!(parts(&small[0]).1, "1");
    let refused = large.iter().filter(|reply| reply.starts_with("HTTP/1.1 503 ")).count();
    // 3000 bytes are the most of an update.
    let read = large.iter().filter(|reply| reply.starts_with("HTTP/1.1 413 ")).count();
    assert!(refused > 50 && read >= 2 && refused + read == 60, "{refused} {read}");
    assert!(
        large
            .iter()
            .filter(|reply| reply.starts_with("HTTP/1.1 503 "))
            .all(|reply| reply.contains("\r\nRetry-After: 5\r\n"))
    );
    assert!(host.most.get() <= TOTAL);
    assert_eq!(host.taken.get(), 0, "all of it is given back");
}

#[tokio::test(start_paused = true)]
async fn replies_that_nobody_reads_are_bounded_in_total() {
    let host = Bounded::new();
    let unread = async |mut client: DuplexStream| {
        client.write_all(b"GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
        tokio::time::sleep(Duration::from_secs(5)).await;
        let mut reply = String::new();
        client.read_to_string(&mut reply).await.unwrap();
        reply
    };
    let heard = all(&host, 20, 4096, unread).await;
    let count = |status: &str| heard.iter().filter(|reply| reply.starts_with(status)).count();
    assert_eq!((count("HTTP/1.1 200 "), count("HTTP/1.1 503 ")), (4, 16));
    assert!(
        heard.iter().filter(|reply| reply.starts_with("HTTP/1.1 200 ")).all(|reply| parts(reply).1.len() == TOTAL / 4)
    );
    assert_eq!((host.most.get(), host.taken.get()), (TOTAL, 0));

    // Nor does one that is never read hold its share for ever.
    let never = async |mut client: DuplexStream| {
        client.write_all(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        tokio::time::sleep(Duration::from_secs(600)).await;
        assert_eq!(host.taken.get(), 0);
        String::new()
    };
    all(&host, 4, 4096, never).await;
}
