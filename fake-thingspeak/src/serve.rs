//! One connection of HTTP/1.1 (RFC 9112), with or without TLS, over any stream.
//!
//! [`serve`] reads requests, asks its [`Host`] for a [`Verdict`], lets the cloud handle them, and sends the replies. A
//! host may have replies of its own, which the cloud never hears of.
//! Time, the cloud and the record of what happened are the host's, so that the same code runs in a simulation (virtual
//! time, streams in memory, one thread) and on real sockets.
//!
//! How a connection ends is part of what a cloud does to a device: [`serve`] shuts the stream down
//! (`poll_shutdown`: close_notify and then FIN) where it means to close it, and drops it without that where it means to
//! tear it. A stream that is dropped without having been shut down should reset its connection.
//!
//! `guard` adds what no reply may lack; `target` finds requests without a good target; `memory` bounds what all
//! connections take together.
//!
//! What it tolerates, because devices in the field do it: a line feed before the request line and after the body, line
//! ends without carriage return, and a client that closes its sending side before it has the reply. A request that has
//! arrived is carried out even if the client does not wait for the reply any more.
//!
//! A host may let a connection go on in another protocol (RFC 9110 §7.8): its reply 101 ends the HTTP, and
//! [`Host::upgraded`] has the stream.
//!
//! Not modelled: HTTP/2, compression.

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::future::{Future, pending, poll_fn};
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use http::header::{CONNECTION, DATE, RETRY_AFTER};
use http::{HeaderValue, Request, Response, StatusCode};
use hyper::body::{Body as _, Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use time::OffsetDateTime;
use time::macros::format_description;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;

use crate::cloud::Refusal;
use guard::guarded;
use memory::{Held, Missing};
use rejection::Rejecting;
use reply::Reply;
use target::names_one_host;

pub use fault::{Fault, FaultNeeds, FaultWord, Verdict};
pub use host::{Ending, Exchange, Host, Limits};

mod fault;
mod guard;
mod host;
mod memory;
mod rejection;
mod reply;
mod target;
#[cfg(test)]
mod tests;

/// Serves one connection until it ends. With `tls`, a handshake comes first.
pub async fn serve<IO, H>(mut io: IO, tls: Option<Arc<ServerConfig>>, client: IpAddr, host: &H) -> Ending
where
    IO: AsyncRead + AsyncWrite + Unpin,
    H: Host,
{
    match tls {
        None => serve_http(&mut io, false, client, host).await,
        // Boxed, so that the future of each connection is small: it is read twice a request, and with many connections
        // each cache line counts.
        Some(config) => Box::pin(serve_tls(io, config, client, host)).await,
    }
}

async fn serve_tls<IO, H>(io: IO, config: Arc<ServerConfig>, client: IpAddr, host: &H) -> Ending
where
    IO: AsyncRead + AsyncWrite + Unpin,
    H: Host,
{
    let accept = TlsAcceptor::from(config).accept(io).into_fallible();
    match within(host, host.limits().handshake, accept).await {
        Some(Ok(mut stream)) => {
            host.tls_finished(Ok(()));
            serve_http(&mut stream, true, client, host).await
        }
        Some(Err((error, mut io))) => {
            host.tls_finished(Err(error.to_string()));
            // The alert is written; a stream that cannot be closed any more is closed enough.
            let _ = io.shutdown().await;
            Ending::NoHandshake
        }
        None => {
            host.tls_finished(Err("the client took too long".to_owned()));
            Ending::NoHandshake
        }
    }
}

/// `work`'s output, or `None` if `limit` passes first.
async fn within<H: Host, F: Future>(host: &H, limit: Duration, work: F) -> Option<F::Output> {
    let mut work = pin!(work);
    let mut alarm = pin!(host.sleep(limit));
    poll_fn(|cx| match work.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => alarm.as_mut().poll(cx).map(|()| None),
    })
    .await
}

/// How long a closed connection is read from if the client may still be sending: an unread byte would reset it, and the
/// client would lose the reply that says what it did wrong (nginx calls it lingering).
const LINGERING: Duration = Duration::from_secs(5);

/// Reads until the client has nothing more to send.
async fn drain<S: AsyncRead + Unpin>(stream: &mut S) -> std::io::Result<()> {
    let mut scrap = [0; 1024];
    while stream.read(&mut scrap).await? > 0 {}
    Ok(())
}

/// How an exchange ends its connection.
enum Tear {
    /// Close it, after these bytes.
    Close(Vec<u8>),
    /// Drop it, which resets it.
    Reset,
}

/// How a request is answered, known when it has arrived.
enum Begun<'h, H: Host> {
    /// An exchange, for the cloud.
    Exchange(Box<Record<'h, H>>),
    /// The host's own reply.
    Own(Box<Response<Bytes>>),
    /// A refusal: the body was too large.
    Refused(Box<Response<Reply>>),
}

/// One connection: what its exchanges share.
struct Connection<'h, H: Host> {
    host: &'h H,
    tls: bool,
    client: IpAddr,
    limits: Limits,
    /// A request has arrived and its reply is not ready.
    busy: Cell<bool>,
    /// Requests answered.
    answered: Cell<u64>,
    /// A reply is on its way to the stream.
    replying: Cell<bool>,
    /// The memory of replies until they are sent.
    sending: RefCell<Held<'h, H>>,
    /// The client may still be sending what will not be read.
    unread: Cell<bool>,
    /// The last reply was a 101.
    upgraded: Cell<bool>,
    tear: RefCell<Option<Tear>>,
    /// The date of the last reply, with its second: many replies have the same.
    date: RefCell<Option<(i64, HeaderValue)>>,
}

async fn serve_http<S, H>(stream: &mut S, tls: bool, client: IpAddr, host: &H) -> Ending
where
    S: AsyncRead + AsyncWrite + Unpin,
    H: Host,
{
    let shared = Connection {
        host,
        tls,
        client,
        limits: host.limits(),
        busy: Cell::new(false),
        answered: Cell::new(0),
        replying: Cell::new(false),
        sending: RefCell::new(Held::nothing(host)),
        unread: Cell::new(false),
        upgraded: Cell::new(false),
        tear: RefCell::new(None),
        date: RefCell::new(None),
    };
    let mut read = Bytes::new();
    let ending = {
        let stream = Rejecting::new(&mut *stream, |status| shared.rejection(status), || shared.sent());
        let mut connection = http1::Builder::new()
            .half_close(true)
            .header_read_timeout(None)
            .auto_date_header(false)
            .title_case_headers(true)
            // One piece goes through the kernel a third faster than a head and a body of a few bytes.
            .writev(false)
            .max_buf_size(16 << 10)
            .serve_connection(TokioIo::new(stream), service_fn(|request| shared.exchange(request)));
        loop {
            let answered = shared.answered.get();
            let step = poll_fn(|cx| {
                let step = Pin::new(&mut connection).poll(cx);
                match shared.tear.borrow_mut().take() {
                    Some(tear) => Poll::Ready(Err(tear)),
                    None => step.map(Ok),
                }
            });
            match within(host, shared.limits.request, step).await {
                Some(Ok(Ok(()))) => {
                    read = connection.into_parts().read_buf;
                    break Ok(Ending::Closed);
                }
                Some(Ok(Err(_))) => break Ok(Ending::Failed),
                Some(Err(tear)) => break Err(tear),
                None if shared.busy.get() || shared.answered.get() != answered => {}
                None => break Ok(Ending::TooSlow),
            }
        }
    };
    let (ending, last_words) = match ending {
        Ok(Ending::Closed) if shared.upgraded.get() => {
            // On the heap, so that connections that stay with HTTP have no room for it.
            let ending = Box::pin(host.upgraded(stream, read)).await;
            if ending == Ending::Reset {
                return ending;
            }
            shared.unread.set(true);
            (ending, Vec::new())
        }
        Ok(ending) => (ending, Vec::new()),
        Err(Tear::Close(bytes)) => (Ending::Dropped, bytes),
        Err(Tear::Reset) => return Ending::Reset,
    };
    let lingers = shared.unread.get() || ending == Ending::Failed;
    Box::pin(close(stream, &last_words, lingers, host)).await;
    ending
}

/// Ends a connection in order, after `last_words`.
async fn close<S, H>(stream: &mut S, last_words: &[u8], lingers: bool, host: &H)
where
    S: AsyncRead + AsyncWrite + Unpin,
    H: Host,
{
    // A stream that has failed already cannot be closed in order, and need not be. A peer that does not read must not
    // hold the connection for ever.
    let close = async {
        stream.write_all(last_words).await?;
        stream.shutdown().await
    };
    let closed = within(host, host.limits().request, close).await;
    if matches!(closed, Some(Ok(()))) && lingers {
        let _ = within(host, LINGERING, drain(stream)).await;
    }
}

impl<'h, H: Host> Connection<'h, H> {
    /// The reply to a request. The future is small: it is moved for each request, and of many connections each waits in
    /// its own.
    fn exchange(&self, request: Request<Incoming>) -> impl Future<Output = Result<Response<Reply>, Infallible>> {
        let begun = if !names_one_host(&request) {
            let request = request.map(|_| Bytes::new());
            Ok(self.refused_early(request, Refusal::Status(400), "it does not name one host"))
        } else if request.body().is_end_stream() {
            Ok(self.begin(request.map(|_| Bytes::new()), Held::nothing(self.host)))
        } else {
            Err(Box::pin(self.complete(request)))
        };
        async move {
            let begun = match begun {
                Ok(begun) => Ok(begun),
                Err(rest) => rest.await,
            };
            let outcome = match begun {
                Ok(Begun::Exchange(record)) => self.carry_out(record).await,
                Ok(Begun::Own(reply)) => {
                    self.host.durable().await;
                    Ok(Reply::whole(*reply))
                }
                Ok(Begun::Refused(reply)) => Ok(*reply),
                Err(tear) => Err(tear),
            };
            match outcome {
                Ok(reply) => Ok(self.replied(reply)),
                Err(tear) => self.torn(tear).await,
            }
        }
    }

    /// Begins to answer a request that has arrived; its body takes the memory that is `held`.
    fn begin(&self, request: Request<Bytes>, held: Held<'h, H>) -> Begun<'h, H> {
        let now = self.host.now();
        self.busy.set(true);
        match self.host.own_reply(&request, now) {
            Some(mut reply) => {
                memory::refuse_without_room(&mut reply, &request, &mut self.sending.borrow_mut());
                Begun::Own(Box::new(self.finished(reply)))
            }
            None => Begun::Exchange(Box::new(Record::of(request, now, held, self))),
        }
    }

    /// Waits for the body of a request, and begins to answer it.
    async fn complete(&self, request: Request<Incoming>) -> Result<Begun<'h, H>, Tear> {
        let (head, body) = request.into_parts();
        let mut held = Held::nothing(self.host);
        match memory::gather(body, self.limits.body, &mut held).await {
            Ok(body) => Ok(self.begin(Request::from_parts(head, body), held)),
            Err(Missing::TooLarge) => {
                let request = Request::from_parts(head, Bytes::new());
                Ok(self.refused_early(request, Refusal::TooLarge, "it is too large"))
            }
            Err(Missing::NoRoom) => {
                let request = Request::from_parts(head, Bytes::new());
                Ok(self.refused_early(request, memory::NO_ROOM, memory::NO_ROOM_REASON))
            }
            Err(Missing::Broken) => Err(Tear::Close(Vec::new())),
        }
    }

    /// Refuses a request before all of it has been read, after which the connection ends.
    fn refused_early(&self, request: Request<Bytes>, refusal: Refusal, reason: &'static str) -> Begun<'h, H> {
        self.busy.set(true);
        self.unread.set(true);
        let mut record = Record::of(request, self.host.now(), Held::nothing(self.host), self);
        record.exchange.refused = Some(reason);
        let mut refused = self.host.with_cloud(|cloud| cloud.refuse(record.request(), refusal));
        refused.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        if refusal == memory::NO_ROOM {
            refused = memory::later(refused);
        }
        let reply = self.finished(refused);
        Begun::Refused(Box::new(Reply::whole(record.answered(reply))))
    }

    /// Notes that `reply` goes out now.
    fn replied(&self, reply: Response<Reply>) -> Response<Reply> {
        self.busy.set(false);
        self.replying.set(true);
        self.answered.set(self.answered.get() + 1);
        reply
    }

    /// All replies are with the stream.
    fn sent(&self) {
        self.replying.set(false);
        self.sending.borrow_mut().give_back();
    }

    /// The reply to what is no request, ready for the stream; `None` while a reply of ours is on its way to it.
    fn rejection(&self, status: StatusCode) -> Option<Vec<u8>> {
        if self.replying.get() {
            return None;
        }
        let response = self.host.with_cloud(|cloud| cloud.reject(status));
        Some(reply::closing(&self.finished(response)))
    }

    /// Handles a complete request as the verdict wants it.
    async fn carry_out(&self, mut record: Box<Record<'h, H>>) -> Result<Response<Reply>, Tear> {
        let Verdict { faults, rule } = self.host.verdict(record.request());
        record.exchange.rule = rule;
        let plan = fault::Plan::of(&faults);

        let mut now = record.exchange.received;
        if plan.delay_before > Duration::ZERO {
            Box::pin(self.host.sleep(plan.delay_before)).await;
            now = self.host.now();
        }
        match plan.before {
            Some(fault::Before::Drop) => return Err(Tear::Close(Vec::new())),
            Some(fault::Before::Reset) => return Err(Tear::Reset),
            None => {}
        }
        let response = match plan.refusal {
            Some(refusal) => self.host.with_cloud(|cloud| cloud.refuse(record.request(), refusal)),
            None if let Some(reply) = self.host.upgrade(record.request()) => reply,
            None => {
                let handled = self.host.with_cloud(|cloud| cloud.handle(record.request(), now, self.client));
                for entry in &handled.stored {
                    self.host.stored(entry);
                }
                record.exchange.stored = handled.stored;
                record.exchange.refused = handled.refused;
                self.host.durable().await;
                let mut response = handled.reply.response(record.request());
                if memory::refuse_without_room(&mut response, record.request(), &mut self.sending.borrow_mut()) {
                    record.exchange.refused = Some(memory::NO_ROOM_REASON);
                }
                response
            }
        };
        if plan.delay_after > Duration::ZERO {
            Box::pin(self.host.sleep(plan.delay_after)).await;
        }
        let mut response = self.finished_wrong_by(plan.date_error, response);
        if let Some(value) = plan.retry_after.and_then(|wait| self.retry_after(&wait)) {
            response.headers_mut().insert(RETRY_AFTER, value);
        }
        let upgraded = response.status() == StatusCode::SWITCHING_PROTOCOLS;
        match plan.delivery {
            fault::Delivery::Whole | fault::Delivery::Chunked if upgraded => {
                self.upgraded.set(true);
                Ok(Reply::whole(record.answered(response)))
            }
            fault::Delivery::Whole => Ok(Reply::whole(record.answered(response))),
            fault::Delivery::Chunked => Ok(Reply::chunked(record.answered(response))),
            fault::Delivery::Truncated => {
                let (bytes, sent) = reply::truncated(&response);
                record.answered(response.map(|_| sent));
                Err(Tear::Close(bytes))
            }
            fault::Delivery::None => Err(Tear::Close(Vec::new())),
        }
    }

    /// Leaves it to the connection to end itself; this exchange never goes on.
    async fn torn(&self, tear: Tear) -> Result<Response<Reply>, Infallible> {
        *self.tear.borrow_mut() = Some(tear);
        pending().await
    }

    /// The value of `Retry-After` in a reply that goes out now.
    fn retry_after(&self, wait: &fault::RetryAfter) -> Option<HeaderValue> {
        match wait {
            fault::RetryAfter::Seconds(seconds) => Some(HeaderValue::from(*seconds)),
            fault::RetryAfter::Date(wait) => http_date(self.host.now() + *wait),
        }
    }

    /// `response` with the date of its sending (RFC 9110 §5.6.7) and what keeps browsers from running it. Every reply
    /// goes through here.
    fn finished(&self, response: Response<Bytes>) -> Response<Bytes> {
        self.finished_wrong_by(time::Duration::ZERO, response)
    }

    /// The same by a clock that is wrong by `error`.
    fn finished_wrong_by(&self, error: time::Duration, response: Response<Bytes>) -> Response<Bytes> {
        let mut response = guarded(response);
        let now = self.host.now().saturating_add(error);
        let second = now.unix_timestamp();
        let mut last = self.date.borrow_mut();
        if last.as_ref().is_none_or(|(last, _)| *last != second) {
            *last = http_date(now).map(|date| (second, date));
        }
        if let Some((_, date)) = &*last {
            response.headers_mut().insert(DATE, date.clone());
        }
        response
    }
}

/// A date in a header (RFC 9110 §5.6.7).
fn http_date(moment: OffsetDateTime) -> Option<HeaderValue> {
    let format =
        format_description!("[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT");
    let date = moment.to_offset(time::UtcOffset::UTC).format(format).ok()?;
    HeaderValue::from_str(&date).ok()
}

/// An exchange under way; reports itself when dropped, whatever ended it.
struct Record<'h, H: Host> {
    host: &'h H,
    exchange: Exchange,
    /// What the request's body takes.
    _held: Held<'h, H>,
}

impl<'h, H: Host> Record<'h, H> {
    fn of(
        request: Request<Bytes>,
        received: OffsetDateTime,
        held: Held<'h, H>,
        connection: &Connection<'h, H>,
    ) -> Self {
        let exchange = Exchange {
            received,
            tls: connection.tls,
            client: connection.client,
            request,
            status: None,
            response_body: Bytes::new(),
            stored: Vec::new(),
            refused: None,
            rule: None,
        };
        Self { host: connection.host, exchange, _held: held }
    }

    fn request(&self) -> &Request<Bytes> {
        &self.exchange.request
    }

    /// Notes the reply, and hands it on.
    fn answered(&mut self, response: Response<Bytes>) -> Response<Bytes> {
        self.exchange.status = Some(response.status().as_u16());
        self.exchange.response_body = response.body().clone();
        response
    }
}

impl<H: Host> Drop for Record<'_, H> {
    fn drop(&mut self) {
        self.host.exchanged(&self.exchange);
    }
}
