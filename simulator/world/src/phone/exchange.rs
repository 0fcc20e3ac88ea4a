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

use super::form::{Charset, Form};
use super::http::{Browser, NoReply, Reply, Request, Url, parse_reply};
use super::link::Link;
use super::spares::Spares;
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
    /// Connections that a browser has opened without need.
    pub spares: &'a mut Spares,
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
    browser: Browser,
    /// What to type into the form of the page that the request gets.
    typing: Option<Typing>,
    last: Option<Reply>,
    stage: Stage,
}

/// What is typed into a form, and how.
pub(super) struct Typing {
    /// By the fields' names.
    pub fields: BTreeMap<String, String>,
    /// From the page to the form's sending.
    pub takes: Duration,
    /// `None`: as the page says.
    pub charset: Option<Charset>,
}

enum Stage {
    Begin,
    Typing(Instant),
    Resolving(QueryHandle),
    Talking(Talk),
}

impl Fetch {
    /// Opens a page, in a browser that says this of itself.
    pub fn page(url: Url, browser: Browser) -> Self {
        Self { redirects: Some(0), browser, ..Self::request(Request::page(url, browser)) }
    }

    /// Opens a page, fills in its form and sends it.
    pub fn form(url: Url, browser: Browser, typing: Typing) -> Self {
        Self { typing: Some(typing), ..Self::page(url, browser) }
    }

    /// Sends a request and follows nothing.
    pub fn request(request: Request) -> Self {
        Self { request, redirects: None, browser: &[], typing: None, last: None, stage: Stage::Begin }
    }

    /// The last reply to it.
    pub fn last_reply(&self) -> Option<&Reply> {
        self.last.as_ref()
    }

    /// Until when somebody types into a form.
    pub fn typing_until(&self) -> Option<Instant> {
        if let Stage::Typing(until) = self.stage { Some(until) } else { None }
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
            &mut Stage::Typing(until) if around.now < until => Progress::Waiting(Some(until)),
            Stage::Typing(_) => {
                self.stage = Stage::Begin;
                Progress::Moved
            }
            Stage::Resolving(query) => match around.link.resolved(*query) {
                Poll::Pending => Progress::Waiting(None),
                Poll::Ready(address) => self.resolved(around, address),
            },
            Stage::Talking(talk) => match talk.poll(around.link, &self.request.method) {
                Talked::Waiting => Progress::Waiting(None),
                Talked::Moved => Progress::Moved,
                // The other end has closed a connection that waited for this: browsers try another one.
                Talked::Failed(_) if talk.was_spare && talk.received.is_empty() => {
                    around.link.close(talk.connection);
                    self.stage = Stage::Begin;
                    Progress::Moved
                }
                Talked::Failed(reason) => self.fail(around, reason),
                Talked::Replied(reply) => self.replied(around, reply),
            },
        }
    }

    /// Ends without a reply.
    pub fn give_up(self, around: &mut Around<'_>, reason: &str) {
        around.events.push(PhoneEvent::Failed { request: self.name(), reason: reason.to_owned() });
        self.abandon(around.link);
    }

    /// Lets go of the network.
    pub fn abandon(self, link: &mut Link) {
        match self.stage {
            Stage::Begin | Stage::Typing(_) => {}
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
        let to = (address, self.request.url.port);
        let is_page = self.redirects.is_some();
        let spare = if is_page { around.spares.take(around.link, to) } else { None };
        let was_spare = spare.is_some();
        let Some(connection) = spare.or_else(|| around.connect(to.0, to.1)) else {
            return self.fail(around, "there is no way to connect");
        };
        self.stage = Stage::Talking(Talk { was_spare, ..Talk::new(connection, self.request.encode()) });
        while is_page && around.spares.is_short() {
            let Some(connection) = around.connect(to.0, to.1) else { break };
            around.spares.add(around.now, connection, to);
        }
        Progress::Moved
    }

    fn replied(&mut self, around: &mut Around<'_>, reply: Reply) -> Progress {
        if let Stage::Talking(talk) = std::mem::replace(&mut self.stage, Stage::Begin) {
            around.link.close(talk.connection);
        }
        self.last = Some(reply.clone());
        let Reply { status, location, charset, body } = reply;
        let target = location.as_deref().and_then(|location| self.request.url.join(location));
        let typing = self.typing.as_ref().filter(|_| status == 200);
        let form = typing.and_then(|typing| Form::find(&body, &typing.fields));
        let page_has = Charset::of_page(charset.as_deref(), &body);
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
                self.request = Request::page(url, self.browser);
            }
            return Progress::Moved;
        }
        let Some(typing) = self.typing.take() else { return Progress::Ended };
        let Some(mut form) = form else { return self.fail(around, "the page has no form") };
        if let Err(error) = form.fill(&typing.fields) {
            return self.fail(around, &error.to_string());
        }
        let from = &self.request.url;
        let Some(mut url) = from.join(&form.action) else { return self.fail(around, "the form leads nowhere") };
        let encoded = form.encode(typing.charset.unwrap_or(page_has));
        self.request = if form.is_post {
            Request::form(url, from, encoded, self.browser)
        } else {
            url.path = format!("{}?{encoded}", url.path.split('?').next().unwrap_or_default());
            Request::page(url, self.browser)
        };
        if !typing.takes.is_zero() {
            self.stage = Stage::Typing(around.now + typing.takes);
        }
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
    /// Whether the connection had been opened without need.
    was_spare: bool,
}

enum Talked {
    Waiting,
    Moved,
    Replied(Reply),
    Failed(&'static str),
}

impl Talk {
    fn new(connection: SocketHandle, say: Vec<u8>) -> Self {
        Self { connection, unsent: say, received: Vec::new(), opened: false, was_spare: false }
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
            Talked::Replied(Reply { status, location, body, .. }) => {
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
