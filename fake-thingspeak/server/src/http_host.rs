//! HTTP with a client on real sockets: what the library's connection ([`serve`](fake_thingspeak::serve)) asks of its
//! host.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use crate::pages;
use fake_thingspeak::cloud::{Cloud, Stored};
use fake_thingspeak::serve::{Ending, Exchange, Host, Limits, TlsOutcome, Verdict};
use http::{Method, Request, Response};
use hyper::body::Bytes;
use time::OffsetDateTime;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use crate::client::{Client, HANDSHAKE, REQUEST};
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
            let (method, path, status) = (request.method(), request.uri().path(), reply.status().as_u16());
            tracing::info!(target: "faults", client = self.0.name, status, "{method} {path}: {status}");
        }
        Some(reply)
    }

    fn verdict(&self, request: &Request<Bytes>) -> Verdict {
        self.0.state.faults.borrow_mut().request(request.uri().path(), Instant::now())
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
        let Exchange { request, status, refused, rule, .. } = exchange;
        let path = exchange.target();
        tracing::info!(
            target: "http",
            client = self.0.name,
            method = request.method().as_str(),
            path = &*path,
            status,
            refused,
            rule = rule.as_deref(),
            "{} {path}: {}",
            request.method(),
            Outcome(exchange)
        );
    }

    fn tls_finished(&self, outcome: TlsOutcome) {
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

/// What came of a request: `200, stored 1`.
struct Outcome<'e>(&'e Exchange);

impl fmt::Display for Outcome<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Exchange { status, stored, refused, rule, .. } = self.0;
        match status {
            Some(status) => write!(f, "{status}")?,
            None => f.write_str("no reply")?,
        }
        for (index, entry) in stored.iter().enumerate() {
            let before = if index == 0 { ", stored" } else { "" };
            write!(f, "{before} {}", entry.entry_id)?;
        }
        if let Some(reason) = refused {
            write!(f, ", refused: {reason}")?;
        }
        if let Some(rule) = rule {
            write!(f, " ({rule})")?;
        }
        Ok(())
    }
}
