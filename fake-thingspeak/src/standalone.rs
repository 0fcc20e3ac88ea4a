//! The cloud on real sockets: one thread, connections as local tasks, time and randomness of the operating system.
//!
//! Prints how to use it, then a line for every request, until Ctrl-C. What is stored is in memory, and with `--data` in a
//! file as well, to which a second thread writes.

use std::future::{Future, pending};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use fake_thingspeak::certificates::{Authority, CertificateError, KeyType, Kind};
use fake_thingspeak::cloud::{Cloud, NewChannel};
use fake_thingspeak::serve::serve;
use fake_thingspeak::tls::system_server_config;
use rsa::pkcs8::LineEnding;
use rsa::pkcs8::der::pem;
use rustls::ServerConfig;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::LocalSet;

use crate::socket::Socket;
use database::{Database, DatabaseError};
use desk::{Desk, Guest};
use journal::Journal;
pub(crate) use options::Options;
use welcome::Welcome;

mod database;
mod desk;
mod journal;
mod options;
mod schema;
mod welcome;

/// How many connections are served at a time; more are turned away.
const CONNECTIONS: usize = 1_000;

/// What the certificate is for unless the command line says it.
const HOSTS: [&str; 3] = ["api.thingspeak.com", "localhost", "127.0.0.1"];

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
    #[error("use {}: {source}", path.display())]
    Data { path: PathBuf, source: DatabaseError },
    #[error("write to {}: {reason}; what was acknowledged is kept, and nothing more is", path.display())]
    Commit { path: PathBuf, reason: String },
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

    let now = OffsetDateTime::now_utc();
    let mut service = Service::start(options)?;
    let seed = service.seed;
    service.furnish(options, now);
    let authority = Authority::from_seed(part(&seed, "authority"))?;
    let hosts_named = !options.hosts.is_empty();
    let hosts = if hosts_named { options.hosts.iter().map(String::as_str).collect() } else { HOSTS.to_vec() };
    let identity = authority.issue(Kind::Good, KeyType::P256, &hosts, now)?;

    if let Some(path) = &options.authority_out {
        write_certificate(path, &authority)?;
    }
    let commits_fail = service.keep(options).await?;
    let welcome = Welcome {
        cloud: &service.cloud,
        http: http.local_addr()?,
        https: https.as_ref().map(TcpListener::local_addr).transpose()?,
        hosts: &hosts,
        hosts_named,
        authority: &authority,
        authority_file: options.authority_out.as_deref(),
        kept: options.seed.is_some() || options.data.is_some(),
    };
    say(&welcome.to_string());
    let desk = Rc::new(Desk::new(service.cloud, service.journal));
    tokio::task::spawn_local(Rc::clone(&desk).write_lines());
    tokio::task::spawn_local(accept(http, None, Rc::clone(&desk)));
    if let Some(listener) = https {
        tokio::task::spawn_local(accept(listener, Some(system_server_config(&identity)), Rc::clone(&desk)));
    }
    let outcome = tokio::select! {
        () = stop => Ok(()),
        error = commits_fail => Err(error),
    };
    desk.write_lines_now();
    if outcome.is_ok() {
        say("stopped");
    }
    outcome
}

/// The cloud, and what keeps it.
struct Service {
    cloud: Cloud,
    /// Where everything comes from that has to be unpredictable for others.
    seed: [u8; 32],
    database: Option<Database>,
    journal: Option<Journal>,
}

impl Service {
    /// A service that is new, or that of the file.
    fn start(options: &Options) -> Result<Self, Error> {
        let mut seed = seed(options.seed)?;
        let mut database = None;
        if let Some(path) = &options.data {
            let wanted = options.seed.map(|_| seed);
            let open =
                Database::open(path, seed, wanted).map_err(|source| Error::Data { path: path.clone(), source })?;
            seed = open.seed();
            database = Some(open);
        }
        let interval = time::Duration::seconds(options.write_interval.into());
        let mut cloud = Cloud::new(part(&seed, "cloud")).with_profile(options.profile).with_write_interval(interval);
        if let (Some(database), Some(path)) = (&mut database, &options.data) {
            let loaded = database.load(|change| cloud.restore([change]));
            loaded.map_err(|source| Error::Data { path: path.clone(), source })?;
            cloud.keep_changes();
        }
        Ok(Self { cloud, seed, database, journal: None })
    }

    /// Makes what is to be there and is not.
    fn furnish(&mut self, options: &Options, now: OffsetDateTime) {
        for channel in &options.channels {
            if self.cloud.channels().iter().all(|there| there.about.name != channel.name) {
                self.cloud.create_channel(channel.clone(), now);
            }
        }
        if self.cloud.channels().is_empty() {
            self.cloud.create_channel(first_channel(), now);
        }
        if self.cloud.talkbacks().is_empty() {
            self.cloud.create_talkback();
        }
    }

    /// Begins to write to the file. When it returns, all that there is so far is kept; the future ends when something
    /// later cannot be.
    async fn keep(&mut self, options: &Options) -> Result<impl Future<Output = Error> + use<>, Error> {
        let mut failure = None;
        if let (Some(database), Some(path)) = (self.database.take(), &options.data) {
            let journal = Journal::new(database, options.changes_per_commit)?;
            journal.keep(self.cloud.take_changes());
            let failed = |reason| Error::Commit { path: path.clone(), reason };
            tokio::select! {
                () = journal.settled() => {}
                reason = journal.failed() => return Err(failed(reason)),
            }
            failure = Some((journal.failed(), path.clone()));
            self.journal = Some(journal);
        }
        Ok(async {
            match failure {
                Some((failed, path)) => Error::Commit { path, reason: failed.await },
                None => pending().await,
            }
        })
    }
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
            Ok(_) => desk.say(format_args!("turned a client away: too many connections")),
            Err(error) => {
                // Out of file descriptors, most likely: wait for connections to end.
                desk.say(format_args!("could not take a connection: {error}"));
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

/// A line on standard output; nobody may be reading it.
fn say(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}
