//! What the cloud needs of the world while it serves one connection: virtual time, the active faults, and the record.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use fake_thingspeak::cloud::{Cloud, Stored};
use fake_thingspeak::serve::{Exchange, Fault, Host, TlsOutcome, Verdict, WrittenReply};
use http::{HeaderMap, Request};
use hyper::body::Bytes;
use smoltcp::wire::EthernetAddress;
use time::OffsetDateTime;

use super::connection::Accepted;
use super::fault::CloudRule;
use super::server::{CLOUD, Shared};
use super::task::Timers;
use simulator_record::events::{self, EventKind, Http};

/// The world, as one connection to a cloud sees it.
pub(super) struct CloudHost {
    server: &'static str,
    number: u32,
    station: EthernetAddress,
    timers: Timers,
    shared: Rc<Shared>,
    cloud: Rc<RefCell<Cloud>>,
    /// The rule that takes away the reply to the request under way; what it did is known when that is over.
    reply_lost_by: RefCell<Option<String>>,
    /// The rule by which the connection is closed if nothing comes after the last reply, and after how long.
    closed_idle_by: RefCell<Option<(String, Duration)>>,
    /// What it answers to everything.
    always: Option<Arc<WrittenReply>>,
}

impl CloudHost {
    /// The host of a connection to `server`, which keeps its entries in `cloud`.
    pub fn new(server: &'static str, accepted: &Accepted, shared: Rc<Shared>, cloud: Rc<RefCell<Cloud>>) -> Self {
        let Accepted { number, station, ref timers, .. } = *accepted;
        Self {
            server,
            number,
            station,
            timers: timers.clone(),
            shared,
            cloud,
            reply_lost_by: RefCell::default(),
            closed_idle_by: RefCell::default(),
            always: None,
        }
    }

    /// The same, which answers everything like this.
    pub fn that_answers(self, reply: WrittenReply) -> Self {
        Self { always: Some(Arc::new(reply)), ..self }
    }

    fn record(&self, event: impl Into<EventKind>) {
        self.shared.record(Some(self.station), event);
    }
}

impl Host for CloudHost {
    fn now(&self) -> OffsetDateTime {
        self.shared.clock.calendar()
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> {
        self.timers.sleep_until(&self.shared.clock, self.shared.clock.now() + duration)
    }

    fn verdict(&self, _request: &Request<Bytes>) -> Verdict {
        if let Some(reply) = &self.always {
            return Verdict { reply: Some(Arc::clone(reply)), ..Verdict::honest() };
        }
        if self.server != CLOUD {
            return Verdict::honest();
        }
        self.closed_idle_by.take();
        let applied = self.shared.faults.borrow_mut().cloud();
        let Some(applied) = applied else { return Verdict::honest() };
        let fault = match applied.fault {
            CloudRule::Fault(fault) => fault,
            CloudRule::Reply(reply) => {
                self.shared.record_fault(self.station, applied.rule.clone(), written(&reply));
                return Verdict::reply(applied.rule, reply);
            }
        };
        let rule = applied.rule.clone();
        match carried_out(fault) {
            Effect::Now(action) => self.shared.record_fault(self.station, rule, action),
            Effect::ReplyLost => *self.reply_lost_by.borrow_mut() = Some(rule),
            Effect::ClosedWhenIdle(idle) => *self.closed_idle_by.borrow_mut() = Some((rule, idle)),
        }
        Verdict::fault(applied.rule, fault)
    }

    fn with_cloud<R>(&self, work: impl FnOnce(&mut Cloud) -> R) -> R {
        work(&mut self.cloud.borrow_mut())
    }

    fn stored(&self, entry: &Stored) {
        if self.server == CLOUD {
            self.record(events::Stored {
                channel: entry.channel,
                entry_id: entry.entry_id,
                created_at: entry.created_at.unix_timestamp(),
                fields: entry.fields.clone(),
                status: entry.status.clone(),
            });
        }
    }

    fn exchanged(&self, exchange: &Exchange) {
        if let Some(rule) = self.reply_lost_by.take() {
            let action = match exchange.stored.len() {
                0 => "had nothing new to store, and closed without a reply".to_owned(),
                1 => "stored an entry, and closed without a reply".to_owned(),
                count => format!("stored {count} entries, and closed without a reply"),
            };
            self.shared.record_fault(self.station, rule, action);
        }
        self.record(Http {
            server: self.server.to_owned(),
            connection: self.number,
            tls: exchange.tls,
            received: self.shared.clock.instant_of(exchange.received),
            method: exchange.request.method().as_str().to_owned(),
            target: exchange.target().into_owned(),
            request_headers: headers(exchange.request.headers()),
            request_body: text(exchange.request.body()),
            status: exchange.status,
            response_body: text(&exchange.response_body),
            stored: u32::try_from(exchange.stored.len()).unwrap_or(u32::MAX),
            fault: exchange.rule.clone(),
        });
    }

    fn closed_idle(&self) {
        if let Some((rule, idle)) = self.closed_idle_by.take() {
            let action = format!("closed the connection, on which nothing had come for {idle:?}");
            self.shared.record_fault(self.station, rule, action);
        }
    }

    fn tls_finished(&self, outcome: TlsOutcome) {
        self.record(events::Tls {
            server: self.server.to_owned(),
            number: self.number,
            outcome: match outcome {
                Ok(None) => "established".to_owned(),
                Ok(Some((version, suite))) => format!("established by {version} with {}", suite.name),
                Err(reason) => reason,
            },
        });
    }
}

/// Names in lower case, in order of arrival by name.
fn headers(headers: &HeaderMap) -> Vec<(String, String)> {
    headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value.as_bytes()))).collect()
}

/// What is not UTF-8 is replaced.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A written reply in the record's words.
fn written(reply: &WrittenReply) -> String {
    let mut said =
        format!("{}answered {} as it is written", if reply.stores { "stored, and " } else { "" }, reply.status);
    if let Some(pieces) = reply.pieces {
        let _ = write!(said, ", {} bytes each {:?}", pieces.bytes, pieces.pause);
    }
    if let Some(bytes) = reply.close_after {
        let _ = write!(said, ", and closed after {bytes} bytes");
    }
    said
}

/// What a fault does to a request.
enum Effect {
    /// This, in the record's words.
    Now(String),
    /// It takes away the reply; what of it was stored is known afterwards.
    ReplyLost,
    /// It closes the connection after the reply, if nothing comes for so long.
    ClosedWhenIdle(Duration),
}

fn carried_out(fault: Fault) -> Effect {
    Effect::Now(match fault {
        Fault::Status(status) => format!("answered with status {status}"),
        Fault::RetryAfter(wait) => format!("answered with status 429, to wait {wait:?}"),
        Fault::RetryAfterDate(wait) => format!("answered with status 503, to wait {wait:?}, as a date"),
        Fault::DelayBeforeStoring(delay) => format!("waited {delay:?} before it stored anything"),
        Fault::DelayAfterStoring(delay) => format!("waited {delay:?} with the reply"),
        Fault::DropBeforeStoring => "closed without storing or a reply".to_owned(),
        Fault::DropAfterStoring => return Effect::ReplyLost,
        Fault::Reset => "reset the connection".to_owned(),
        Fault::Chunked => "answered in chunks".to_owned(),
        Fault::Truncated => "cut the reply short".to_owned(),
        Fault::TooSoon => "answered that it is too soon".to_owned(),
        Fault::RefuseKey => "refused the key".to_owned(),
        Fault::CloseWhenIdle(idle) => return Effect::ClosedWhenIdle(idle),
        Fault::DateWrongBy(error) => format!("gave its reply a date that is wrong by {error}"),
    })
}
