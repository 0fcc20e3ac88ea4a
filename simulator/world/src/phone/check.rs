//! A kind's own look for a login page, beside whatever its owner does: when it has got an address, again while there is
//! no clear answer, and for some kinds after each page.

use std::time::Duration;

use super::exchange::{Around, Fetch, Progress};
use super::http::{Request, Url};
use super::kind::{PhoneKind, Verdict};
use simulator_record::time::Instant;

/// How long one look may take, and how long after one without a clear answer comes the next; the pause doubles each
/// time (AOSP, NetworkMonitor).
const LIMIT: Duration = Duration::from_secs(10);
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(10);

/// What a phone of a kind knows of its network.
pub(super) struct Check {
    kind: PhoneKind,
    asked: Vec<Fetch>,
    /// Whether the first question has had its answer in this look.
    is_settled: bool,
    verdict: Option<Verdict>,
    redirect: Option<String>,
    /// When the questions are given up.
    limit: Instant,
    /// When they are asked, unless they are about to be answered.
    next: Option<Instant>,
    pause: Duration,
}

impl Check {
    /// A look that begins at once.
    pub fn new(now: Instant, kind: PhoneKind) -> Self {
        Self {
            kind,
            asked: Vec::new(),
            is_settled: false,
            verdict: None,
            redirect: None,
            limit: now,
            next: Some(now),
            pause: FIRST_PAUSE,
        }
    }

    /// Looks again, unless it is about to.
    pub fn again(&mut self, now: Instant) {
        if self.asked.is_empty() {
            self.next = Some(now);
        }
    }

    /// The page that it would show, once it has found one.
    pub fn login_page(&self) -> Option<String> {
        (self.verdict == Some(Verdict::Portal)).then(|| self.kind.login_page(self.redirect.as_deref()))
    }

    /// Goes on as far as possible; when it wants to next.
    pub fn poll(&mut self, around: &mut Around<'_>) -> Option<Instant> {
        if !self.asked.is_empty() && self.limit <= around.now {
            for fetch in self.asked.drain(..) {
                fetch.give_up(around, "no reply in 10 s");
            }
            if !self.is_settled {
                self.settle(around.now, Verdict::Unclear);
            }
        }
        if self.asked.is_empty() && self.next.is_some_and(|next| next <= around.now) {
            let ask = |probe| Fetch::request(Request::probe(probe));
            self.asked = self.kind.probes().iter().map(ask).collect();
            self.is_settled = false;
            self.limit = around.now + LIMIT;
            self.next = None;
        }
        let mut place = 0;
        while place < self.asked.len() {
            match self.asked[place].poll(around) {
                Progress::Waiting(_) => place += 1,
                Progress::Moved => {}
                Progress::Ended => {
                    let fetch = self.asked.remove(place);
                    if place == 0 && !self.is_settled {
                        let reply = fetch.last_reply();
                        self.redirect = reply.and_then(|reply| reply.location.clone());
                        let verdict = self.kind.verdict(reply);
                        self.settle(around.now, verdict);
                    }
                }
            }
        }
        if self.asked.is_empty() { self.next } else { Some(self.limit) }
    }

    fn settle(&mut self, now: Instant, verdict: Verdict) {
        self.is_settled = true;
        self.verdict = Some(verdict);
        if verdict == Verdict::Unclear {
            self.next = Some(now + self.pause);
            self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        } else {
            self.next = None;
            self.pause = FIRST_PAUSE;
        }
    }
}

impl Request {
    fn probe(probe: &super::kind::Probe) -> Self {
        let headers = probe.headers.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        let url = Url { host: probe.host.to_owned(), port: 80, path: probe.path.to_owned() };
        Self { method: "GET".to_owned(), version: probe.version, url, headers, body: Vec::new() }
    }
}
