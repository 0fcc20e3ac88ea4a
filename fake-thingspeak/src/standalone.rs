//! The cloud on real sockets: one thread, connections as local tasks, time and randomness of the operating system.
//!
//! Prints how to use it, then a line for every request, until Ctrl-C. Entries are kept in memory only.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use fake_thingspeak::certificates::{Authority, CertificateError, KeyType, Kind};
use fake_thingspeak::cloud::{Cloud, NewChannel, Stored};
use fake_thingspeak::serve::{Exchange, Host, Limits, Verdict, serve};
use fake_thingspeak::tls::system_server_config;
use http::Request;
use hyper::body::Bytes;
use rsa::pkcs8::LineEnding;
use rsa::pkcs8::der::pem;
use rustls::ServerConfig;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use time::macros::format_description;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::LocalSet;

use crate::socket::Socket;
use welcome::Welcome;

mod welcome;

/// How many connections are served at a time; more are turned away.
const CONNECTIONS: usize = 1_000;

/// What the certificate is for unless the command line says it.
const HOSTS: [&str; 3] = ["api.thingspeak.com", "localhost", "127.0.0.1"];

/// What the command line says.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) listen: SocketAddr,
    pub(crate) tls_listen: Option<SocketAddr>,
    /// None: [`HOSTS`].
    pub(crate) hosts: Vec<String>,
    pub(crate) authority_out: Option<PathBuf>,
    pub(crate) seed: Option<u64>,
}

/// Why the server could not do what it was told to; reads well after "could not".
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("listen on {address}: {}; choose another address with {option}", reason(source))]
    Listen { address: SocketAddr, option: &'static str, source: io::Error },
    #[error("make a certificate: {0}; see --host")]
    Certificate(#[from] CertificateError),
    #[error("write {}: {source}; choose another file with --authority-out", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("get random numbers from the operating system; --seed does without")]
    Randomness,
    #[error("start: {0}")]
    Start(#[from] io::Error),
}

/// The usual reasons in plain words.
fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => "the port is taken by another program".to_owned(),
        io::ErrorKind::PermissionDenied => "the port is for the administrator".to_owned(),
        io::ErrorKind::AddrNotAvailable => "the address is not this machine's".to_owned(),
        _ => error.to_string(),
    }
}

/// Serves until Ctrl-C.
pub(crate) fn run(options: &Options) -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, run_until_stopped(options))
}

async fn run_until_stopped(options: &Options) -> Result<(), Error> {
    // From here on Ctrl-C is ours.
    let stop = stop_signal()?;
    let http = listen(options.listen, "--listen").await?;
    let https = match options.tls_listen {
        Some(address) => Some(listen(address, "--tls-listen").await?),
        None => None,
    };

    let seed = seed(options.seed)?;
    let now = OffsetDateTime::now_utc();
    let authority = Authority::from_seed(part(&seed, "authority"))?;
    let hosts_named = !options.hosts.is_empty();
    let hosts = if hosts_named { options.hosts.iter().map(String::as_str).collect() } else { HOSTS.to_vec() };
    let identity = authority.issue(Kind::Good, KeyType::P256, &hosts, now)?;
    let mut cloud = Cloud::new(part(&seed, "cloud"));
    let access = cloud.create_channel(first_channel(), now);
    let desk = Rc::new(Desk { cloud: RefCell::new(cloud), connections: Cell::new(0) });

    if let Some(path) = &options.authority_out {
        write_certificate(path, &authority)?;
    }
    let welcome = Welcome {
        access: &access,
        http: http.local_addr()?,
        https: https.as_ref().map(TcpListener::local_addr).transpose()?,
        hosts: &hosts,
        hosts_named,
        authority: &authority,
        authority_file: options.authority_out.as_deref(),
        seeded: options.seed.is_some(),
    };
    say(&welcome.to_string());
    tokio::task::spawn_local(accept(http, None, Rc::clone(&desk)));
    if let Some(listener) = https {
        tokio::task::spawn_local(accept(listener, Some(system_server_config(&identity)), desk));
    }
    stop.await;
    say("stopped");
    Ok(())
}

/// Ends at Ctrl-C, and where there is one at the signal to terminate.
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        Ok(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        })
    }
    #[cfg(not(unix))]
    Ok(async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}

async fn listen(address: SocketAddr, option: &'static str) -> Result<TcpListener, Error> {
    TcpListener::bind(address).await.map_err(|source| Error::Listen { address, option, source })
}

/// The seed of everything: from the number, or from the operating system.
fn seed(number: Option<u64>) -> Result<[u8; 32], Error> {
    let mut seed = [0; 32];
    match number {
        Some(number) => seed[..8].copy_from_slice(&number.to_le_bytes()),
        None => {
            rustls::crypto::ring::default_provider().secure_random.fill(&mut seed).map_err(|_| Error::Randomness)?
        }
    }
    Ok(seed)
}

/// The part of the seed that is `name`'s own.
fn part(seed: &[u8; 32], name: &str) -> [u8; 32] {
    Sha256::new().chain_update(seed).chain_update(name).finalize().into()
}

fn first_channel() -> NewChannel {
    let name = |name: &str| Some(name.to_owned());
    let fields = [name("temperature"), name("humidity"), None, None, None, None, None, None];
    NewChannel { name: "Yellow duck".to_owned(), fields, public: true }
}

/// Writes the authority's certificate as PEM (RFC 7468), which curl and browsers take.
fn write_certificate(path: &Path, authority: &Authority) -> Result<(), Error> {
    let text = pem::encode_string("CERTIFICATE", LineEnding::LF, authority.certificate())
        .expect("a certificate is short and its label is plain");
    std::fs::write(path, text).map_err(|source| Error::Write { path: path.to_owned(), source })
}

/// Takes connections for ever, each as a task of its own.
async fn accept(listener: TcpListener, tls: Option<Arc<ServerConfig>>, desk: Rc<Desk>) {
    loop {
        match listener.accept().await {
            Ok((stream, client)) if desk.connections.get() < CONNECTIONS => {
                tokio::task::spawn_local(connection(stream, tls.clone(), client, Rc::clone(&desk)));
            }
            Ok(_) => say("turned a client away: too many connections"),
            Err(error) => {
                // Out of file descriptors, most likely: wait for connections to end.
                say(&format!("could not take a connection: {error}"));
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, tls: Option<Arc<ServerConfig>>, client: SocketAddr, desk: Rc<Desk>) {
    desk.connections.set(desk.connections.get() + 1);
    // A reply is written at once and small: waiting to fill a packet only delays it.
    let _ = stream.set_nodelay(true);
    let guest = Guest { desk: Rc::clone(&desk), client };
    serve(Socket::new(stream), tls, client.ip(), &guest).await;
    desk.connections.set(desk.connections.get() - 1);
}

/// What all connections share.
struct Desk {
    cloud: RefCell<Cloud>,
    connections: Cell<usize>,
}

/// A connection's part in it.
struct Guest {
    desk: Rc<Desk>,
    client: SocketAddr,
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
        work(&mut self.desk.cloud.borrow_mut())
    }

    fn stored(&self, _: &Stored) {}

    fn exchanged(&self, exchange: Exchange) {
        let time = time_of_day(exchange.received);
        let status = exchange.status.map_or("no reply".to_owned(), |status| status.to_string());
        let entries: Vec<_> = exchange.stored.iter().map(|entry| entry.entry_id.to_string()).collect();
        let stored = if entries.is_empty() { String::new() } else { format!(", stored {}", entries.join(" ")) };
        let Exchange { client, method, target, .. } = exchange;
        say(&format!("{time} {client} {method} {target}: {status}{stored}"));
    }

    fn tls_finished(&self, outcome: Result<(), String>) {
        if let Err(reason) = outcome {
            say(&format!("{} {} TLS handshake failed: {reason}", time_of_day(self.now()), self.client.ip()));
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

/// A line on standard output; nobody may be reading it.
fn say(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}
