//! HTTP with a client on real sockets: what the library's connection ([`serve`](fake_thingspeak::serve)) asks of its host.

use std::fmt::Write as _;
use std::future::Future;
use std::time::Duration;

use crate::pages;
use fake_thingspeak::cloud::{Cloud, Stored};
use fake_thingspeak::serve::{Ending, Exchange, Host, Limits, Verdict};
use http::{Method, Request, Response};
use hyper::body::Bytes;
use time::OffsetDateTime;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use crate::client::{Client, HANDSHAKE, REQUEST};
use crate::log::TimeOfDay;
use crate::{control, websocket};

/// A client that speaks HTTP.
pub(crate) struct HttpHost<'c>(pub(crate) &'c Client);

impl Host for HttpHost<'_> {
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc()
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> {
        tokio::time::sleep(duration)
    }

    fn own_reply(&self, request: &Request<Bytes>, now: OffsetDateTime) -> Option<Response<Bytes>> {
        let Client { state, address, .. } = self.0;
        let (control, client) = (state.control(), address.ip());
        let reply = control::reply(&mut state.faults.borrow_mut(), state.speaks_tls, request, client, control);
        let Some(reply) = reply else {
            return self.with_cloud(|cloud| pages::respond(cloud, request, now, client, control));
        };
        if request.method() != Method::GET {
            state.faults_changed.notify_waiters();
            self.0.log(format_args!("{} {}: {}", request.method(), request.uri().path(), reply.status().as_u16()));
        }
        Some(reply)
    }

    fn verdict(&self, request: &Request<Bytes>) -> Verdict {
        match self.0.state.faults.borrow_mut().request(request.uri().path(), Instant::now()) {
            Some((rule, fault)) => Verdict::fault(rule, fault),
            None => Verdict::honest(),
        }
    }

    fn upgrade(&self, request: &Request<Bytes>) -> Option<Response<Bytes>> {
        websocket::reply(request)
    }

    async fn upgraded<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: &mut S, read: Bytes) -> Ending {
        websocket::serve(stream, read, self.0).await
    }

    fn with_cloud<R>(&self, work: impl FnOnce(&mut Cloud) -> R) -> R {
        self.0.state.with_cloud(work)
    }

    async fn durable(&self) {
        self.0.state.durable().await;
    }

    fn stored(&self, entry: &Stored) {
        self.0.state.subscriptions.stored(entry);
    }

    fn exchanged(&self, exchange: &Exchange) {
        let Exchange { request, status, stored, refused, rule, .. } = exchange;
        let target = exchange.target();
        // Straight into the buffer, and what is text already without formatting: this is done for each request.
        self.0.state.log.line(|line| {
            let _ = write!(line, "{} ", TimeOfDay(exchange.received));
            line.extend([&self.0.name, " ", request.method().as_str(), " ", &target, ": "]);
            let _ = match status {
                Some(status) => write!(line, "{status}"),
                None => write!(line, "no reply"),
            };
            for (index, entry) in stored.iter().enumerate() {
                let before = if index == 0 { ", stored" } else { "" };
                let _ = write!(line, "{before} {}", entry.entry_id);
            }
            if let Some(reason) = refused {
                let _ = write!(line, ", refused: {reason}");
            }
            if let Some(rule) = rule {
                let _ = write!(line, " ({rule})");
            }
        });
    }

    fn tls_finished(&self, outcome: Result<(), String>) {
        self.0.tls_finished(outcome);
    }

    fn take_memory(&self, bytes: usize) -> bool {
        self.0.state.memory.take(self.0.address.ip(), bytes)
    }

    fn give_memory(&self, bytes: usize) {
        self.0.state.memory.give(self.0.address.ip(), bytes);
    }

    fn limits(&self) -> Limits {
        Limits { handshake: HANDSHAKE, request: REQUEST, ..Limits::default() }
    }
}
