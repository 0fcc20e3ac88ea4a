//! The exchanges of one connection: a request becomes an exchange, the host's own reply or a refusal, and goes through
//! what the verdict on it wants.

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::future::{Future, pending};
use std::net::IpAddr;
use std::time::Duration;

use http::header::{CONNECTION, DATE, RETRY_AFTER};
use http::{HeaderValue, Request, Response, StatusCode};
use hyper::body::{Body as _, Bytes, Incoming};
use time::OffsetDateTime;
use time::macros::format_description;

use super::guard::guarded;
use super::memory::{self, Held, Missing};
use super::reply::{self, Reply};
use super::target::names_one_host;
use super::{Exchange, Host, Limits, Pieces, Verdict, WrittenReply, fault};
use crate::cloud::{Draft, Refusal};

/// How an exchange ends its connection.
pub(super) enum Tear {
    /// Close it, after these bytes.
    Close(Vec<u8>),
    /// Close it, after these bytes, which go out piece by piece.
    InPieces(Vec<u8>, Pieces),
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
pub(super) struct Connection<'h, H: Host> {
    host: &'h H,
    tls: bool,
    client: IpAddr,
    pub(super) limits: Limits,
    /// How long nothing may come.
    pub(super) patience: Cell<Duration>,
    /// A request has arrived and its reply is not ready.
    pub(super) busy: Cell<bool>,
    /// Requests answered.
    pub(super) answered: Cell<u64>,
    /// A reply is on its way to the stream.
    replying: Cell<bool>,
    /// The memory of replies until they are sent.
    sending: RefCell<Held<'h, H>>,
    /// The client may still be sending what will not be read.
    pub(super) unread: Cell<bool>,
    /// The last reply was a 101.
    pub(super) upgraded: Cell<bool>,
    pub(super) tear: RefCell<Option<Tear>>,
    /// The date of the last reply, with its second: many replies have the same.
    date: RefCell<Option<(i64, HeaderValue)>>,
}

impl<'h, H: Host> Connection<'h, H> {
    /// A connection of `client` on which nothing has come yet.
    pub(super) fn new(tls: bool, client: IpAddr, host: &'h H) -> Self {
        let limits = host.limits();
        Self {
            host,
            tls,
            client,
            limits,
            patience: Cell::new(limits.request),
            busy: Cell::new(false),
            answered: Cell::new(0),
            replying: Cell::new(false),
            sending: RefCell::new(Held::nothing(host)),
            unread: Cell::new(false),
            upgraded: Cell::new(false),
            tear: RefCell::new(None),
            date: RefCell::new(None),
        }
    }

    /// The reply to a request. The future is small: it is moved for each request, and of many connections each waits in
    /// its own.
    pub(super) fn exchange(
        &self,
        request: Request<Incoming>,
    ) -> impl Future<Output = Result<Response<Reply>, Infallible>> {
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
    pub(super) fn sent(&self) {
        self.replying.set(false);
        self.sending.borrow_mut().give_back();
    }

    /// The reply to what is no request, ready for the stream; `None` while a reply of ours is on its way to it.
    pub(super) fn rejection(&self, status: StatusCode) -> Option<Vec<u8>> {
        if self.replying.get() {
            return None;
        }
        let response = self.host.with_cloud(|cloud| cloud.reject(status));
        Some(reply::closing(&self.finished(response)))
    }

    /// Handles a complete request as the verdict wants it.
    async fn carry_out(&self, mut record: Box<Record<'h, H>>) -> Result<Response<Reply>, Tear> {
        let Verdict { faults, reply, rule } = self.host.verdict(record.request());
        record.exchange.rule = rule;
        if let Some(reply) = reply {
            return Err(Box::pin(self.answer_as_written(record, &reply)).await);
        }
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
                let reply = self.handle(&mut record, now);
                self.host.durable().await;
                let mut response = reply.response(record.request());
                if memory::refuse_without_room(&mut response, record.request(), &mut self.sending.borrow_mut()) {
                    record.exchange.refused = Some(memory::NO_ROOM_REASON);
                }
                response
            }
        };
        if plan.delay_after > Duration::ZERO {
            Box::pin(self.host.sleep(plan.delay_after)).await;
        }
        self.patience.set(plan.close_when_idle.map_or(self.limits.request, |idle| idle.min(self.limits.request)));
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

    /// Handles a complete request if the reply to it says so, and answers as that is written.
    async fn answer_as_written(&self, mut record: Box<Record<'h, H>>, reply: &WrittenReply) -> Tear {
        if reply.stores {
            let now = record.exchange.received;
            self.handle(&mut record, now);
            self.host.durable().await;
        }
        let date = http_date(self.host.now()).and_then(|date| date.to_str().map(str::to_owned).ok());
        let bytes = reply.bytes(&date.unwrap_or_default());
        let head = bytes.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4);
        record.exchange.status = Some(reply.status);
        record.exchange.response_body = head.map_or_else(Bytes::new, |head| Bytes::copy_from_slice(&bytes[head..]));
        match reply.pieces {
            Some(pieces) => Tear::InPieces(bytes, pieces),
            None => Tear::Close(bytes),
        }
    }

    /// Lets the cloud handle a request; its reply.
    fn handle(&self, record: &mut Record<'h, H>, now: OffsetDateTime) -> Draft {
        let handled = self.host.with_cloud(|cloud| cloud.handle(record.request(), now, self.client));
        for entry in &handled.stored {
            self.host.stored(entry);
        }
        record.exchange.stored = handled.stored;
        record.exchange.refused = handled.refused;
        handled.reply
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
