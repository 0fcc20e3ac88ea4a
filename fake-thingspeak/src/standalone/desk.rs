//! What all connections share, and each one's part in it: the cloud, its file, and the record on standard output.

use std::cell::RefCell;
use std::fmt::{self, Write as _};
use std::future::Future;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use fake_thingspeak::attack::Attack;
use fake_thingspeak::certificates::{Authority, CertificateError, Identity, KeyType, Kind};
use fake_thingspeak::cloud::{Cloud, Stored};
use fake_thingspeak::pages;
use fake_thingspeak::serve::{Ending, Exchange, Host, Limits, Verdict};
use fake_thingspeak::tls::system_server_config;
use fake_thingspeak::visitor::Control;
use http::{Request, Response};
use hyper::body::Bytes;
use rustls::ServerConfig;
use time::OffsetDateTime;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::control;
use super::faults::{ConnectionFault, Faults, TlsFault};
use super::journal::Journal;
use super::log::Log;
use super::mqtt::Post;
use super::options::Options;
use super::shares::Shares;
use super::websocket;

/// How many connections are served at a time; more are turned away.
pub(super) const CONNECTIONS: usize = 1_000;

/// How many bytes all connections together may take for bodies and replies that are large: eight of the largest bodies.
const MEMORY: usize = 32 << 20;

/// What all connections share.
pub(super) struct Desk {
    cloud: RefCell<Cloud>,
    /// `None`: memory is all there is.
    journal: Option<Journal>,
    certificates: Certificates,
    faults: RefCell<Faults>,
    /// Told when somebody may have set or cleared a fault.
    pub(super) faults_changed: Notify,
    speaks_tls: bool,
    control_from_anywhere: bool,
    /// Those who listen by MQTT.
    pub(super) post: Post,
    /// Connections, by those who have them.
    pub(super) connections: Shares,
    /// Bytes for what is large, by those who sent or asked for it.
    memory: Shares,
    pub(super) log: Log,
}

impl Desk {
    /// A desk for `cloud`, whose changes are kept in `journal`.
    pub(super) fn new(cloud: Cloud, journal: Option<Journal>, certificates: Certificates, options: &Options) -> Self {
        Self {
            cloud: RefCell::new(cloud),
            journal,
            certificates,
            faults: RefCell::default(),
            faults_changed: Notify::new(),
            speaks_tls: options.tls_listen.or(options.mqtt.mqtt_tls_listen).is_some(),
            control_from_anywhere: options.control_from_anywhere,
            post: Post::default(),
            connections: Shares::new(CONNECTIONS),
            memory: Shares::new(MEMORY),
            log: Log::default(),
        }
    }

    /// Whether something is to go wrong with a connection before its first byte is looked at.
    pub(super) fn has_connection_faults(&self) -> bool {
        self.faults.borrow_mut().has_connection_faults(Instant::now())
    }

    /// Whether connections are refused now: the rule's name for the record, and until when.
    pub(super) fn refuses_connections(&self) -> Option<(String, Instant)> {
        self.faults.borrow_mut().refusal(Instant::now())
    }

    /// Lets `work` look at the cloud.
    pub(super) fn look<R>(&self, work: impl FnOnce(&Cloud) -> R) -> R {
        work(&self.cloud.borrow())
    }

    /// Ends when all that the cloud has done so far is kept.
    pub(super) async fn settled(&self) {
        if let Some(journal) = &self.journal {
            journal.settled().await;
        }
    }
}

/// Who the server is over TLS, on good days and on bad ones.
pub(super) struct Certificates {
    authority: Authority,
    hosts: Vec<String>,
    good: Arc<ServerConfig>,
}

impl Certificates {
    /// Certificates for `hosts`.
    pub(super) fn new(authority: Authority, hosts: Vec<String>, now: OffsetDateTime) -> Result<Self, CertificateError> {
        let good = system_server_config(&issue(&authority, Kind::Good, &hosts, now)?);
        Ok(Self { authority, hosts, good })
    }
}

fn issue(
    authority: &Authority,
    kind: Kind,
    hosts: &[String],
    now: OffsetDateTime,
) -> Result<Identity, CertificateError> {
    let hosts: Vec<&str> = hosts.iter().map(String::as_str).collect();
    authority.issue(kind, KeyType::P256, &hosts, now)
}

/// Whom a client meets over TLS.
pub(super) enum Meeting {
    /// The cloud, which shakes hands like this.
    Cloud(Arc<ServerConfig>),
    /// Somebody in its place.
    ManInTheMiddle(Attack),
}

/// A connection's part in it.
pub(super) struct Guest {
    pub(super) desk: Rc<Desk>,
    pub(super) client: SocketAddr,
    /// The client's address as text, which each line begins with.
    address: String,
}

impl Guest {
    /// The part of a connection that comes from `client`.
    pub(super) fn new(desk: &Rc<Desk>, client: SocketAddr) -> Self {
        Self { desk: Rc::clone(desk), client, address: client.ip().to_string() }
    }

    /// What is to go wrong with the connection.
    pub(super) fn connection_fault(&self) -> Option<ConnectionFault> {
        let (rule, fault) = self.desk.faults.borrow_mut().connection(Instant::now())?;
        self.tell(format_args!("connection: {rule}"));
        Some(fault)
    }

    /// Whom the client is to meet over TLS; `None` if the certificate cannot be made, which the same hosts could be a moment
    /// ago.
    pub(super) fn meeting(&self) -> Option<Meeting> {
        let Some((rule, fault)) = self.desk.faults.borrow_mut().tls(Instant::now()) else {
            return Some(Meeting::Cloud(Arc::clone(&self.desk.certificates.good)));
        };
        self.tell(format_args!("connection: {rule}"));
        Some(match fault {
            TlsFault::Certificate(kind) => Meeting::Cloud(system_server_config(&self.identity(kind)?)),
            TlsFault::Attack(attack) => Meeting::ManInTheMiddle(attack),
        })
    }

    /// A certificate for the server's hosts, with its key.
    pub(super) fn identity(&self, kind: Kind) -> Option<Identity> {
        let Certificates { authority, hosts, .. } = &self.desk.certificates;
        issue(authority, kind, hosts, self.now()).ok()
    }

    /// Says something of this client.
    pub(super) fn tell(&self, what: fmt::Arguments<'_>) {
        self.desk.log.say(format_args!("{} {} {what}", TimeOfDay(self.now()), self.address));
    }
}

impl Host for Guest {
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc()
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> {
        tokio::time::sleep(duration)
    }

    fn own_reply(&self, request: &Request<Bytes>, now: OffsetDateTime) -> Option<Response<Bytes>> {
        let control = match self.desk.control_from_anywhere {
            true => Control::Anywhere(&self.desk.certificates.hosts),
            false => Control::AtDesk,
        };
        let (faults, tls) = (&self.desk.faults, self.desk.speaks_tls);
        let reply = control::reply(&mut faults.borrow_mut(), tls, request, self.client.ip(), control);
        let Some(reply) = reply else {
            return self.with_cloud(|cloud| pages::respond(cloud, request, now, self.client.ip(), control));
        };
        if request.method() != http::Method::GET {
            self.desk.faults_changed.notify_waiters();
            self.tell(format_args!("{} {}: {}", request.method(), request.uri().path(), reply.status().as_u16()));
        }
        Some(reply)
    }

    fn verdict(&self, request: &Request<Bytes>) -> Verdict {
        match self.desk.faults.borrow_mut().request(request.uri().path(), Instant::now()) {
            Some((rule, fault)) => Verdict::fault(rule, fault),
            None => Verdict::honest(),
        }
    }

    fn upgrade(&self, request: &Request<Bytes>) -> Option<Response<Bytes>> {
        websocket::reply(request)
    }

    async fn upgraded<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: &mut S, read: Bytes) -> Ending {
        websocket::talk(stream, read, self).await
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
        match &self.desk.journal {
            Some(journal) => journal.settled().await,
            // Let all requests that have arrived be handled before the first reply goes out: whoever waits for one is woken
            // once then, and not for each. That costs a tenth to a fifth less than a reply at a time.
            None => tokio::task::yield_now().await,
        }
    }

    fn stored(&self, entry: &Stored) {
        self.desk.post.stored(entry);
    }

    fn exchanged(&self, exchange: &Exchange) {
        let Exchange { request, status, stored, refused, rule, .. } = exchange;
        let target = exchange.target();
        // Straight into the buffer, and what is text already without formatting: this is done for each request.
        self.desk.log.line(|line| {
            let _ = write!(line, "{} ", TimeOfDay(exchange.received));
            line.extend([&self.address, " ", request.method().as_str(), " ", &target, ": "]);
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
        if let Err(reason) = outcome {
            self.tell(format_args!("TLS handshake failed: {reason}"));
        }
    }

    fn take_memory(&self, bytes: usize) -> bool {
        self.desk.memory.take(self.client.ip(), bytes)
    }

    fn give_memory(&self, bytes: usize) {
        self.desk.memory.give(self.client.ip(), bytes);
    }

    fn limits(&self) -> Limits {
        Limits { handshake: Duration::from_secs(10), request: Duration::from_secs(30), ..Limits::default() }
    }
}

/// Hours, minutes and seconds.
struct TimeOfDay(OffsetDateTime);

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (hour, minute, second) = self.0.to_hms();
        // Digit by digit, which takes less than `{hour:02}`: each line of the log has it.
        for (before, number) in [("", hour), (":", minute), (":", second)] {
            f.write_str(before)?;
            f.write_char((b'0' + number / 10).into())?;
            f.write_char((b'0' + number % 10).into())?;
        }
        Ok(())
    }
}
