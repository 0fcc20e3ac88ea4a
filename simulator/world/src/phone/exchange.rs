//! One thing that a phone does over the network, from its beginning to a reply or a failure: a page with its redirects,
//! a form, a request, or a connection that is misused.
//!
//! An exchange only ever looks at the phone's [`Link`] and the time; what it has seen it tells as events. The phone
//! polls it whenever frames or time have moved on, and drops it at its deadline.

use core::net::Ipv4Addr;
use std::collections::BTreeMap;
use std::task::Poll;
use std::time::Duration;

use smoltcp::iface::SocketHandle;
use smoltcp::socket::dns::QueryHandle;
use smoltcp::socket::tcp;

use super::form::Form;
use super::http::{NoReply, Reply, Request, Url, parse_reply};
use super::link::Link;
use simulator_record::events::PhoneEvent;
use simulator_record::time::Instant;

/// How many redirects a page may lead through.
const MOST_REDIRECTS: u32 = 5;

/// What an exchange works with.
pub(super) struct Around<'a> {
    pub now: Instant,
    pub link: &'a mut Link,
    pub events: &'a mut Vec<PhoneEvent>,
    /// The last port a connection was made from.
    pub last_port: &'a mut u16,
}

impl Around<'_> {
    fn connect(&mut self, to: Ipv4Addr, port: u16) -> Option<SocketHandle> {
        // The range for such ports (RFC 6335 §6).
        *self.last_port =
            if *self.last_port < 49_152 { 49_152 } else { self.last_port.checked_add(1).unwrap_or(49_152) };
        self.link.connect(to, port, *self.last_port)
    }
}

/// How far an exchange is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// It waits for frames, or for this moment.
    Waiting(Option<Instant>),
    /// It has gone on and wants the stack to.
    Moved,
    /// It is over.
    Ended,
}

/// An HTTP request and what follows from its reply.
pub(super) struct Fetch {
    request: Request,
    redirects: Option<u32>,
    /// What to type into the form of the page that the request gets.
    fields: Option<BTreeMap<String, String>>,
    stage: Stage,
}

enum Stage {
    Begin,
    Resolving(QueryHandle),
    Talking(Talk),
}

impl Fetch {
    /// Opens a page.
    pub fn page(url: Url) -> Self {
        Self { request: Request::page(url), redirects: Some(0), fields: None, stage: Stage::Begin }
    }

    /// Opens a page, fills in its form and sends it.
    pub fn form(url: Url, fields: BTreeMap<String, String>) -> Self {
        Self { fields: Some(fields), ..Self::page(url) }
    }

    /// Sends a request and follows nothing.
    pub fn request(request: Request) -> Self {
        Self { request, redirects: None, fields: None, stage: Stage::Begin }
    }

    /// What is being tried.
    pub fn name(&self) -> String {
        self.request.to_string()
    }

    /// Goes on as far as possible without new frames.
    pub fn poll(&mut self, around: &mut Around<'_>) -> Progress {
        match &mut self.stage {
            Stage::Begin => match self.request.url.host.parse() {
                Ok(address) => self.connect(around, address),
                Err(_) => match around.link.resolve(&self.request.url.host) {
                    Some(query) => {
                        self.stage = Stage::Resolving(query);
                        Progress::Moved
                    }
                    None => self.resolved(around, None),
                },
            },
            Stage::Resolving(query) => match around.link.resolved(*query) {
                Poll::Pending => Progress::Waiting(None),
                Poll::Ready(address) => self.resolved(around, address),
            },
            Stage::Talking(talk) => match talk.poll(around.link, &self.request.method) {
                Talked::Waiting => Progress::Waiting(None),
                Talked::Moved => Progress::Moved,
                Talked::Failed(reason) => self.fail(around, reason),
                Talked::Replied(reply) => self.replied(around, reply),
            },
        }
    }

    /// Lets go of the network.
    pub fn abandon(self, link: &mut Link) {
        match self.stage {
            Stage::Begin => {}
            Stage::Resolving(query) => link.forget(query),
            Stage::Talking(talk) => link.close(talk.connection),
        }
    }

    fn resolved(&mut self, around: &mut Around<'_>, address: Option<Ipv4Addr>) -> Progress {
        around.events.push(PhoneEvent::Resolved { name: self.request.url.host.clone(), address });
        // An answered question is forgotten by the resolver.
        self.stage = Stage::Begin;
        match address {
            Some(address) => self.connect(around, address),
            None => self.fail(around, "the name was not resolved"),
        }
    }

    fn connect(&mut self, around: &mut Around<'_>, address: Ipv4Addr) -> Progress {
        match around.connect(address, self.request.url.port) {
            Some(connection) => {
                self.stage = Stage::Talking(Talk::new(connection, self.request.encode()));
                Progress::Moved
            }
            None => self.fail(around, "there is no way to connect"),
        }
    }

    fn replied(&mut self, around: &mut Around<'_>, reply: Reply) -> Progress {
        if let Stage::Talking(talk) = std::mem::replace(&mut self.stage, Stage::Begin) {
            around.link.close(talk.connection);
        }
        let Reply { status, location, body } = reply;
        let target = location.as_deref().and_then(|location| self.request.url.join(location));
        let form = self.fields.as_ref().filter(|_| status == 200).and_then(|fields| Form::find(&body, fields));
        let (redirected, request) = (matches!(status, 301 | 302 | 303 | 307 | 308), self.name());
        around.events.push(PhoneEvent::Reply { request, status, location, body });
        if let Some(redirects) = self.redirects
            && redirected
        {
            let Some(url) = target else { return self.fail(around, "the redirect leads nowhere a phone can go") };
            if redirects == MOST_REDIRECTS {
                return self.fail(around, "too many redirects");
            }
            self.redirects = Some(redirects + 1);
            if matches!(status, 307 | 308) {
                self.request.url = url;
            } else {
                self.request = Request::page(url);
            }
            return Progress::Moved;
        }
        let Some(fields) = self.fields.take() else { return Progress::Ended };
        let Some(mut form) = form else { return self.fail(around, "the page has no form") };
        if let Err(error) = form.fill(&fields) {
            return self.fail(around, &error.to_string());
        }
        let from = &self.request.url;
        let Some(mut url) = from.join(&form.action) else { return self.fail(around, "the form leads nowhere") };
        self.request = if form.is_post {
            Request::form(url, from, form.encode())
        } else {
            url.path = format!("{}?{}", url.path.split('?').next().unwrap_or_default(), form.encode());
            Request::page(url)
        };
        Progress::Moved
    }

    fn fail(&mut self, around: &mut Around<'_>, reason: &str) -> Progress {
        if let Stage::Talking(talk) = std::mem::replace(&mut self.stage, Stage::Begin) {
            around.link.close(talk.connection);
        }
        around.events.push(PhoneEvent::Failed { request: self.name(), reason: reason.to_owned() });
        Progress::Ended
    }
}

/// A connection on which something is said, and the reply to it.
struct Talk {
    connection: SocketHandle,
    unsent: Vec<u8>,
    received: Vec<u8>,
    opened: bool,
}

enum Talked {
    Waiting,
    Moved,
    Replied(Reply),
    Failed(&'static str),
}

impl Talk {
    fn new(connection: SocketHandle, say: Vec<u8>) -> Self {
        Self { connection, unsent: say, received: Vec::new(), opened: false }
    }

    fn poll(&mut self, link: &mut Link, method: &str) -> Talked {
        let socket = link.tcp(self.connection);
        self.opened |= socket.may_send();
        let mut moved = false;
        while socket.can_recv() {
            socket
                .recv(|bytes| (bytes.len(), self.received.extend_from_slice(bytes)))
                .expect("a socket that can receive does");
            moved = true;
        }
        let reset = socket.state() == tcp::State::Closed;
        let ended = self.opened && !socket.may_recv();
        match parse_reply(&self.received, method, ended) {
            Ok(Some(reply)) => return Talked::Replied(reply),
            Ok(None) => {}
            Err(NoReply) => return Talked::Failed("the reply is no HTTP"),
        }
        if reset && !self.opened {
            return Talked::Failed("the connection was refused");
        }
        if ended || reset {
            return Talked::Failed(match (reset, self.received.is_empty()) {
                (true, _) => "the connection was reset",
                (false, true) => "the connection was closed without a reply",
                (false, false) => "the connection was closed before the reply was complete",
            });
        }
        while socket.can_send() && !self.unsent.is_empty() {
            let sent = socket.send_slice(&self.unsent).expect("a socket that can send does");
            self.unsent.drain(..sent);
            moved = true;
        }
        if moved { Talked::Moved } else { Talked::Waiting }
    }
}

/// A connection that is opened and misused: bytes that drip, or none at all.
pub(super) struct Drip {
    name: String,
    to: (Ipv4Addr, u16),
    bytes: Vec<u8>,
    every: Duration,
    /// How long it stays after the last byte.
    patience: Duration,
    talk: Option<Talk>,
    sent: usize,
    /// When the next byte is due, or the end.
    next: Instant,
}

impl Drip {
    /// Sends `bytes` one at a time and then waits for `patience`.
    pub fn new(name: String, to: (Ipv4Addr, u16), bytes: Vec<u8>, every: Duration, patience: Duration) -> Self {
        Self { name, to, bytes, every, patience, talk: None, sent: 0, next: Instant::START }
    }

    /// What is being tried.
    pub fn name(&self) -> String {
        self.name.clone()
    }

    /// Goes on as far as possible without new frames.
    pub fn poll(&mut self, around: &mut Around<'_>) -> Progress {
        let Some(talk) = &mut self.talk else {
            let Some(connection) = around.connect(self.to.0, self.to.1) else {
                return self.end(around, "there is no way to connect".to_owned());
            };
            self.talk = Some(Talk::new(connection, Vec::new()));
            self.next = around.now + self.patience;
            return Progress::Moved;
        };
        let was_open = talk.opened;
        match talk.poll(around.link, "GET") {
            Talked::Moved => return Progress::Moved,
            Talked::Waiting => {}
            Talked::Failed(reason) => {
                let reason =
                    if self.sent == 0 { reason.to_owned() } else { format!("{reason}, {} bytes sent", self.sent) };
                return self.end(around, reason);
            }
            Talked::Replied(Reply { status, location, body }) => {
                let request = self.name();
                around.events.push(PhoneEvent::Reply { request, status, location, body });
                self.close(around.link);
                return Progress::Ended;
            }
        }
        if talk.opened && !was_open {
            // The first byte goes at once.
            self.next = around.now + if self.bytes.is_empty() { self.patience } else { Duration::ZERO };
        }
        if around.now < self.next {
            return Progress::Waiting(Some(self.next));
        }
        match self.bytes.get(self.sent) {
            Some(&byte) if talk.opened => {
                talk.unsent.push(byte);
                self.sent += 1;
                let last = self.sent == self.bytes.len();
                self.next = around.now + if last { self.patience } else { self.every };
                Progress::Moved
            }
            _ if talk.opened => {
                let (sent, patience) = (self.sent, self.patience);
                self.end(around, format!("nothing came in {patience:?} after {sent} bytes"))
            }
            _ => self.end(around, "the connection was not answered".to_owned()),
        }
    }

    /// Lets go of the network.
    pub fn abandon(mut self, link: &mut Link) {
        self.close(link);
    }

    fn close(&mut self, link: &mut Link) {
        if let Some(talk) = self.talk.take() {
            link.close(talk.connection);
        }
    }

    fn end(&mut self, around: &mut Around<'_>, reason: String) -> Progress {
        around.events.push(PhoneEvent::Failed { request: self.name(), reason });
        self.close(around.link);
        Progress::Ended
    }
}
