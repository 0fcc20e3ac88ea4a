//! What all connections share, and each one's part in it: the cloud, its file, and the record on standard output.

use std::cell::{Cell, RefCell};
use std::fmt::{self, Write as _};
use std::future::Future;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use fake_thingspeak::cloud::{Cloud, Stored};
use fake_thingspeak::serve::{Exchange, Host, Limits, Verdict};
use http::Request;
use hyper::body::Bytes;
use time::OffsetDateTime;
use time::macros::format_description;
use tokio::sync::Notify;

use super::journal::Journal;

/// How long a line may wait to be written together with others.
const WRITTEN_AFTER: Duration = Duration::from_millis(20);

/// What all connections share.
pub(super) struct Desk {
    cloud: RefCell<Cloud>,
    /// `None`: memory is all there is.
    journal: Option<Journal>,
    /// How many connections there are.
    pub(super) connections: Cell<usize>,
    /// Lines that are not written yet.
    lines: RefCell<String>,
    more_lines: Notify,
}

impl Desk {
    /// A desk for `cloud`, whose changes are kept in `journal`.
    pub(super) fn new(cloud: Cloud, journal: Option<Journal>) -> Self {
        let (connections, lines, more_lines) = (Cell::new(0), RefCell::default(), Notify::new());
        Self { cloud: RefCell::new(cloud), journal, connections, lines, more_lines }
    }

    /// Says a line soon: a line at a time would cost more than the request that it is about.
    pub(super) fn say(&self, line: fmt::Arguments<'_>) {
        let _ = writeln!(self.lines.borrow_mut(), "{line}");
        self.more_lines.notify_one();
    }

    /// Writes what is to be said, for ever.
    pub(super) async fn write_lines(self: Rc<Self>) {
        loop {
            self.more_lines.notified().await;
            tokio::time::sleep(WRITTEN_AFTER).await;
            self.write_lines_now();
        }
    }

    /// Writes what there is to be said; nobody may be reading it.
    pub(super) fn write_lines_now(&self) {
        let mut output = io::stdout().lock();
        let _ = output.write_all(self.lines.take().as_bytes()).and_then(|()| output.flush());
    }
}

/// A connection's part in it.
pub(super) struct Guest {
    pub(super) desk: Rc<Desk>,
    pub(super) client: SocketAddr,
}

impl Host for Guest {
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc()
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> {
        tokio::time::sleep(duration)
    }

    fn verdict(&self, _: &Request<Bytes>) -> Verdict {
        Verdict::honest()
    }

    fn with_cloud<R>(&self, work: impl FnOnce(&mut Cloud) -> R) -> R {
        let mut cloud = self.desk.cloud.borrow_mut();
        let result = work(&mut cloud);
        if let Some(journal) = &self.desk.journal {
            journal.keep(cloud.take_changes());
        }
        result
    }

    async fn settled(&self) {
        if let Some(journal) = &self.desk.journal {
            journal.settled().await;
        }
    }

    fn stored(&self, _: &Stored) {}

    fn exchanged(&self, exchange: Exchange) {
        let time = time_of_day(exchange.received);
        let status = exchange.status.map_or("no reply".to_owned(), |status| status.to_string());
        let entries: Vec<_> = exchange.stored.iter().map(|entry| entry.entry_id.to_string()).collect();
        let stored = if entries.is_empty() { String::new() } else { format!(", stored {}", entries.join(" ")) };
        let Exchange { client, method, target, .. } = exchange;
        self.desk.say(format_args!("{time} {client} {method} {target}: {status}{stored}"));
    }

    fn tls_finished(&self, outcome: Result<(), String>) {
        if let Err(reason) = outcome {
            let (time, client) = (time_of_day(self.now()), self.client.ip());
            self.desk.say(format_args!("{time} {client} TLS handshake failed: {reason}"));
        }
    }

    fn limits(&self) -> Limits {
        Limits { handshake: Duration::from_secs(10), request: Duration::from_secs(30), ..Limits::default() }
    }
}

/// Hours, minutes and seconds in UTC.
fn time_of_day(moment: OffsetDateTime) -> String {
    moment.format(format_description!("[hour]:[minute]:[second]")).unwrap_or_default()
}
