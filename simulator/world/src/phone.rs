//! A person with a phone who sets the duck up, or gets in its way: joins its network, opens pages, sends the form,
//! makes odd requests, connects and says nothing.
//!
//! A [`Phone`] does its [`Action`]s one after the other; each begins when the one before has ended or failed, and fails
//! after 30 s. What it asks of the air ([`AirRequest`]) and the frames it sends wait in its outboxes; the world answers
//! with [`Phone::joined`], [`Phone::link_lost`] and [`Phone::receive`], and polls it at [`Phone::next_deadline`]. What
//! it sees are [`PhoneEvent`]s. The stack is smoltcp's (`link`), HTTP and forms are a browser's (`http`, `form`);
//! besides, it sends what phones send without being asked (`unasked`). One of a kind (`kind`) looks for a login page by
//! itself (`check`), and its browser opens connections that it does not need yet (`spares`).
//!
//! Not modelled: mobile data beside the network, HTTPS.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use rand_core::RngCore;
use smoltcp::wire::EthernetAddress;

use crate::boards::yellow_duck::SETUP_ADDRESS;
use check::Check;
use exchange::{Around, Drip, Fetch, Progress, Typing};
use http::{Request, Url};
use link::Link;
use simulator_record::events::{JoinOutcome, PhoneEvent};
use simulator_record::random::Seed;
use simulator_record::time::Instant;
use spares::Spares;

pub use form::Charset;
pub use kind::PhoneKind;

mod check;
mod exchange;
mod form;
mod http;
mod kind;
mod link;
mod spares;
#[cfg(test)]
mod tests;
mod unasked;

/// How long an action may take.
const TIMEOUT: Duration = Duration::from_secs(30);
const HTTP: u16 = 80;

/// One thing that a phone does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Joins a network and asks for an address.
    Join {
        /// The network's name.
        network: String,
        /// As typed; empty for an open network. `None`: as the device's label says.
        passphrase: Option<String>,
    },
    /// Opens a page and follows at most 5 redirects.
    Open {
        /// `http://…`
        url: String,
    },
    /// Opens a page, types into its form's fields of these names, and sends it. Nothing checks what is typed; `on` and
    /// `off` tick and untick a box.
    Submit {
        /// The page, `http://…`; `None` for `http://192.168.4.1/`.
        page: Option<String>,
        /// What to type, by the fields' names; the others stay as the page shows them.
        fields: BTreeMap<String, String>,
        /// In which encoding it is sent; `None` for UTF-8, and for a phone of a kind that of the page.
        charset: Option<Charset>,
    },
    /// Waits until the phone has found a login page by itself, and opens it. Only of a phone of a kind.
    SignIn,
    /// Sends a request to 192.168.4.1, port 80, and follows nothing.
    Request {
        /// `GET`.
        method: String,
        /// Path and query.
        path: String,
        /// Besides `Host` and `Content-Length`; either of those replaces what would be sent.
        headers: BTreeMap<String, String>,
        /// The body.
        body: Vec<u8>,
    },
    /// Connects to 192.168.4.1, port 80, sends these bytes one at a time and then no more. Ends when there is a reply
    /// or the connection is closed, at the latest 30 s after the last byte.
    Dribble {
        /// What to send.
        bytes: Vec<u8>,
        /// Between two bytes.
        every: Duration,
    },
    /// Connects to 192.168.4.1, port 80, and says nothing for so long, unless the connection is closed before.
    ConnectAndSayNothing(Duration),
    /// Does nothing for so long.
    Wait(Duration),
    /// Leaves the network.
    Leave,
}

/// What a phone asks of the air.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AirRequest {
    /// To join a network; answered with [`Phone::joined`].
    Join {
        /// The network's name.
        network: String,
        /// As typed; empty for an open network. `None`: as the device's label says.
        passphrase: Option<String>,
    },
    /// To leave, or to give up joining. Not answered.
    Leave,
}

/// What a phone is, and how it is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Habits {
    /// `None` for one that does nothing by itself.
    pub kind: Option<PhoneKind>,
    /// How many connections its browser opens besides the one that it needs.
    pub spare_connections: usize,
    /// How long a form takes to fill in.
    pub typing: Duration,
}

/// A phone and what it has yet to do.
pub struct Phone {
    name: String,
    habits: Habits,
    station: EthernetAddress,
    seed: Seed,
    actions: VecDeque<Action>,
    current: Option<Current>,
    link: Option<Link>,
    check: Option<Check>,
    spares: Spares,
    joins: u32,
    last_port: u16,
    deadline: Option<Instant>,
    frames: Vec<Vec<u8>>,
    requests: Vec<AirRequest>,
    events: Vec<PhoneEvent>,
}

/// What the phone is doing.
struct Current {
    what: Doing,
    /// When it fails; `None` if it ends by itself.
    deadline: Option<Instant>,
}

enum Doing {
    Joining {
        network: String,
    },
    Leasing {
        network: String,
    },
    Fetching(Box<Fetch>),
    Dripping(Box<Drip>),
    Waiting {
        until: Instant,
    },
    /// For the phone to find a login page.
    Noticing,
}

impl Phone {
    /// A phone that begins with its first action at the next [`poll`](Self::poll).
    pub fn new(name: &str, station: EthernetAddress, actions: impl IntoIterator<Item = Action>, seed: Seed) -> Self {
        Self {
            name: name.to_owned(),
            habits: Habits::default(),
            station,
            seed,
            actions: actions.into_iter().collect(),
            current: None,
            link: None,
            check: None,
            spares: Spares::default(),
            joins: 0,
            last_port: 0,
            deadline: Some(Instant::START),
            frames: Vec::new(),
            requests: Vec::new(),
            events: Vec::new(),
        }
    }

    /// One with these habits.
    pub fn with(self, habits: Habits) -> Self {
        Self { habits, spares: Spares::new(habits.spare_connections), ..self }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its station in the air.
    pub fn station(&self) -> EthernetAddress {
        self.station
    }

    /// Whether it has done all of its actions.
    pub fn is_done(&self) -> bool {
        self.actions.is_empty() && self.current.is_none()
    }

    /// The air's answer to [`AirRequest::Join`].
    pub fn joined(&mut self, now: Instant, outcome: JoinOutcome) {
        let Some(Current { what: Doing::Joining { network }, .. }) = &mut self.current else {
            // The answer to a join that was given up.
            return;
        };
        let network = std::mem::take(network);
        self.events.push(PhoneEvent::Join { network: network.clone(), outcome });
        self.current = None;
        if outcome == JoinOutcome::Joined {
            self.joins += 1;
            let random = self.seed.stream(&format!("phone {}, join {}", self.name, self.joins)).next_u64();
            self.frames.extend(unasked::on_joining(self.station));
            self.link = Some(Link::new(now, self.station, random));
            self.current = Some(Current { what: Doing::Leasing { network }, deadline: Some(now + TIMEOUT) });
        }
        self.poll(now);
    }

    /// The air says that the network is gone, or has sent the phone away.
    pub fn link_lost(&mut self, now: Instant) {
        if self.link.take().is_none() {
            return;
        }
        self.forget_network();
        self.events.push(PhoneEvent::Left {});
        match self.current.take() {
            Some(Current {
                what: what @ (Doing::Leasing { .. } | Doing::Fetching(_) | Doing::Dripping(_) | Doing::Noticing),
                ..
            }) => {
                self.events
                    .push(PhoneEvent::Failed { request: what.name(), reason: "the network went away".to_owned() });
            }
            other => self.current = other,
        }
        self.poll(now);
    }

    /// Takes a frame from the air, and goes on.
    pub fn receive(&mut self, now: Instant, frame: &[u8]) {
        if let Some(link) = &mut self.link {
            link.receive(frame.to_vec());
            self.poll(now);
        }
    }

    /// Goes on as far as possible.
    pub fn poll(&mut self, now: Instant) {
        let (wanted, own) = loop {
            if let Some(link) = &mut self.link {
                self.frames.extend(link.run(now));
            }
            let progress = self.step(now);
            let own = self.by_itself(now);
            if let Progress::Waiting(wanted) = progress {
                // What it did by itself just now goes out, too.
                if let Some(link) = &mut self.link {
                    self.frames.extend(link.run(now));
                }
                break (wanted, own);
            }
        };
        let action = self.current.as_ref().and_then(|current| current.deadline);
        let link = self.link.as_ref().and_then(Link::deadline);
        self.deadline = [wanted, own, action, link].into_iter().flatten().min();
    }

    /// When [`poll`](Self::poll) must be called next if nothing arrives.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// The frames it sends now.
    pub fn take_frames(&mut self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.frames)
    }

    /// What it asks of the air now.
    pub fn take_requests(&mut self) -> Vec<AirRequest> {
        std::mem::take(&mut self.requests)
    }

    /// What it did and saw, in order.
    pub fn take_events(&mut self) -> Vec<PhoneEvent> {
        std::mem::take(&mut self.events)
    }

    /// What it does beside its actions; when it wants to next.
    fn by_itself(&mut self, now: Instant) -> Option<Instant> {
        let link = self.link.as_mut()?;
        let spare = self.spares.poll(now, link);
        let (events, last_port, spares) = (&mut self.events, &mut self.last_port, &mut self.spares);
        let check = self.check.as_mut();
        let check = check.and_then(|check| check.poll(&mut Around { now, link, events, last_port, spares }));
        [spare, check].into_iter().flatten().min()
    }

    /// One step of the current action, or the beginning of the next.
    fn step(&mut self, now: Instant) -> Progress {
        let Some(mut current) = self.current.take() else {
            let Some(action) = self.actions.pop_front() else { return Progress::Waiting(None) };
            self.begin(now, action);
            return Progress::Moved;
        };
        if current.deadline.is_some_and(|deadline| deadline <= now) {
            self.time_out(current.what);
            return Progress::Ended;
        }
        let progress = match (&mut current.what, &mut self.link) {
            (Doing::Joining { .. }, _) => Progress::Waiting(None),
            (Doing::Waiting { until }, _) if *until <= now => Progress::Ended,
            (Doing::Waiting { until }, _) => Progress::Waiting(Some(*until)),
            (Doing::Leasing { .. }, Some(link)) => match link.address() {
                Some(address) => {
                    self.frames.extend(unasked::on_lease(self.station, address));
                    self.events.push(PhoneEvent::Lease { address });
                    self.check = self.habits.kind.map(|kind| Check::new(now, kind));
                    Progress::Ended
                }
                None => Progress::Waiting(None),
            },
            (Doing::Noticing, Some(_)) => match self.check.as_ref().and_then(Check::login_page) {
                Some(url) => {
                    self.begin(now, Action::Open { url });
                    return Progress::Moved;
                }
                None => Progress::Waiting(None),
            },
            (Doing::Fetching(fetch), Some(link)) => {
                let (events, last_port, spares) = (&mut self.events, &mut self.last_port, &mut self.spares);
                let progress = fetch.poll(&mut Around { now, link, events, last_port, spares });
                if let Some(until) = fetch.typing_until() {
                    current.deadline = Some(until + TIMEOUT);
                }
                if progress == Progress::Ended && self.habits.kind.is_some_and(PhoneKind::checks_after_pages) {
                    self.check.iter_mut().for_each(|check| check.again(now));
                }
                progress
            }
            (Doing::Dripping(drip), Some(link)) => {
                let (events, last_port, spares) = (&mut self.events, &mut self.last_port, &mut self.spares);
                drip.poll(&mut Around { now, link, events, last_port, spares })
            }
            (what, None) => {
                let reason = "the phone is in no network".to_owned();
                self.events.push(PhoneEvent::Failed { request: what.name(), reason });
                Progress::Ended
            }
        };
        if progress != Progress::Ended {
            self.current = Some(current);
        }
        progress
    }

    fn begin(&mut self, now: Instant, action: Action) {
        let deadline = Some(now + TIMEOUT);
        let browser = self.habits.kind.map_or(kind::ANDROID_BROWSER, PhoneKind::browser);
        let duck = |path: String| Url { host: SETUP_ADDRESS.to_string(), port: HTTP, path };
        let (what, deadline) = match action {
            Action::Join { network, passphrase } => {
                self.leave();
                self.requests.push(AirRequest::Join { network: network.clone(), passphrase });
                (Doing::Joining { network }, deadline)
            }
            Action::Open { url } => match Url::parse(&url) {
                Some(url) => (Doing::Fetching(Box::new(Fetch::page(url, browser))), deadline),
                None => return self.cannot_open(&url),
            },
            Action::Submit { page, fields, charset } => {
                let page = page.map_or_else(|| Ok(duck("/".to_owned())), |url| Url::parse(&url).ok_or(url));
                let url = match page {
                    Ok(url) => url,
                    Err(url) => return self.cannot_open(&url),
                };
                let charset = charset.or(self.habits.kind.is_none().then_some(Charset::Utf8));
                let typing = Typing { fields, takes: self.habits.typing, charset };
                (Doing::Fetching(Box::new(Fetch::form(url, browser, typing))), deadline)
            }
            Action::SignIn => (Doing::Noticing, deadline),
            Action::Request { method, path, headers, body } => {
                let version = http::VERSION;
                let request =
                    Request { method, version, url: duck(path), headers: headers.into_iter().collect(), body };
                (Doing::Fetching(Box::new(Fetch::request(request))), deadline)
            }
            Action::Dribble { bytes, every } => {
                let name = format!("{} bytes, one at a time", bytes.len());
                (Doing::Dripping(Box::new(Drip::new(name, (SETUP_ADDRESS, HTTP), bytes, every, TIMEOUT))), None)
            }
            Action::ConnectAndSayNothing(time) => {
                let name = "a silent connection".to_owned();
                let drip = Drip::new(name, (SETUP_ADDRESS, HTTP), Vec::new(), Duration::ZERO, time);
                (Doing::Dripping(Box::new(drip)), None)
            }
            Action::Wait(time) => (Doing::Waiting { until: now + time }, None),
            Action::Leave => {
                self.leave();
                return;
            }
        };
        self.current = Some(Current { what, deadline });
    }

    fn cannot_open(&mut self, url: &str) {
        let reason = "it is no http: address".to_owned();
        self.events.push(PhoneEvent::Failed { request: format!("GET {url}"), reason });
    }

    /// Leaves the network, if in one.
    fn leave(&mut self) {
        if self.link.take().is_some() {
            self.forget_network();
            self.requests.push(AirRequest::Leave);
            self.events.push(PhoneEvent::Left {});
        }
    }

    fn forget_network(&mut self) {
        self.check = None;
        self.spares.clear();
    }

    fn time_out(&mut self, what: Doing) {
        let reason = match what {
            Doing::Joining { .. } => {
                self.requests.push(AirRequest::Leave);
                "the network did not answer in 30 s"
            }
            Doing::Leasing { .. } => "no address in 30 s",
            Doing::Noticing => "the phone has noticed no login page in 30 s",
            _ => "no reply in 30 s",
        };
        self.events.push(PhoneEvent::Failed { request: what.name(), reason: reason.to_owned() });
        match (what, &mut self.link) {
            (Doing::Fetching(fetch), Some(link)) => fetch.abandon(link),
            (Doing::Dripping(drip), Some(link)) => drip.abandon(link),
            _ => {}
        }
    }
}

impl Doing {
    /// What is being tried, in the record's words.
    fn name(&self) -> String {
        match self {
            Self::Joining { network } => format!("join {network}"),
            Self::Leasing { network } => format!("an address in {network}"),
            Self::Fetching(fetch) => fetch.name(),
            Self::Dripping(drip) => drip.name(),
            Self::Waiting { .. } => "wait".to_owned(),
            Self::Noticing => "sign in".to_owned(),
        }
    }
}
