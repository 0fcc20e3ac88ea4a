//! The cloud on real sockets: one thread, connections as local tasks, time and randomness of the operating system.
//!
//! Prints how to use it, then a line for every request, until Ctrl-C; a second thread does the printing. What is stored is
//! in memory, and with `--data` in a file as well, to which a third thread writes.

use std::future::{Future, pending};
use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::rc::Rc;

use fake_thingspeak::certificates::{Authority, CertificateError};
use fake_thingspeak::cloud::{Cloud, NewChannel};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use tokio::net::TcpListener;
use tokio::task::LocalSet;

use authority::AuthorityError;
use connections::Protocol;
pub(crate) use control::PATH as FAULTS;
use database::{Database, DatabaseError};
use desk::{Certificates, Desk};
pub(crate) use faults::{attacks, certificates, words as fault_words};
use journal::Journal;
use log::Writer;
pub(crate) use options::{Options, address};
use welcome::{Kept, Welcome};

pub(crate) mod authority;
mod connections;
mod control;
mod database;
mod desk;
mod door;
mod faults;
mod journal;
mod log;
mod man_in_the_middle;
mod mqtt;
mod options;
pub(crate) mod private;
mod schema;
mod shares;
mod websocket;
mod welcome;

/// What the certificate is for, whatever else.
const HOSTS: [&str; 4] = ["api.thingspeak.com", "localhost", "127.0.0.1", "::1"];

/// Why the server could not do what it was told to; reads well after "could not".
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("listen on {address}: {}; choose another address with {option}", reason(source))]
    Listen { address: SocketAddr, option: &'static str, source: io::Error },
    #[error("make a certificate: {0}; see --host")]
    Certificate(#[from] CertificateError),
    #[error("write {}: {source}; choose another file with --authority-out", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("{0}")]
    Authority(#[from] AuthorityError),
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

    let mqtt = mqtt::Listeners::bind(&options.mqtt).await?;
    let now = OffsetDateTime::now_utc();
    let mut service = Service::start(options)?;
    let seed = service.seed;
    service.furnish(options, now);
    let authority = match &options.authority {
        Some(path) => authority::read(path)?,
        None => Authority::from_seed(part(&seed, "authority"))?,
    };
    let hosts_named = !options.hosts.is_empty();
    let machine = addresses_of_this_machine();
    let (tls, mqtt_at) = (https.as_ref().map(TcpListener::local_addr).transpose()?, mqtt.addresses()?);
    let certified = [tls, mqtt_at.tls].into_iter().flatten().flat_map(|address| reached_at(address, &machine));
    let mut hosts = options.hosts.clone();
    for host in HOSTS.map(str::to_owned).into_iter().chain(certified.map(|address| address.to_string())) {
        if !hosts.contains(&host) {
            hosts.push(host);
        }
    }
    let certificates = Certificates::new(authority.clone(), hosts.clone(), now)?;
    let hosts: Vec<&str> = hosts.iter().map(String::as_str).collect();

    if let Some(path) = &options.authority_out {
        let written = authority::write_certificate(path, &authority);
        written.map_err(|source| Error::Write { path: path.clone(), source })?;
    }
    let commits_fail = service.keep(options).await?;
    let keys = options.seed.is_some() || options.data.is_some();
    let welcome = Welcome {
        cloud: &service.cloud,
        http: http.local_addr()?,
        https: tls,
        mqtt: mqtt_at,
        hosts: &hosts,
        hosts_named,
        authority: &authority,
        machine: &machine,
        authority_file: options.authority_out.as_deref(),
        exposed: service.exposed.as_deref(),
        kept: Kept { keys, authority: keys || options.authority.is_some() },
    };
    // Nobody may be reading it.
    let _ = io::stdout().write_all(format!("{welcome}\n").as_bytes());
    let writer = Writer::start(io::stdout())?;
    let desk = Rc::new(Desk::new(service.cloud, service.journal, certificates, options));
    connections::take(http, Protocol::Http, false, &desk)?;
    if let Some(listener) = https {
        connections::take(listener, Protocol::Http, true, &desk)?;
    }
    mqtt.serve(&desk)?;
    let outcome = tokio::select! {
        () = stop => Ok(()),
        error = commits_fail => Err(error),
        never = writer.write(&desk.log) => match never {},
    };
    if outcome.is_ok() {
        desk.log.say(format_args!("stopped"));
    }
    writer.finish(&desk.log).await;
    outcome
}

/// The cloud, and what keeps it.
struct Service {
    cloud: Cloud,
    /// Where everything comes from that has to be unpredictable for others.
    seed: [u8; 32],
    database: Option<Database>,
    /// The file, if others can read it.
    exposed: Option<PathBuf>,
    journal: Option<Journal>,
}

impl Service {
    /// A service that is new, or that of the file.
    fn start(options: &Options) -> Result<Self, Error> {
        let mut seed = seed(options.seed)?;
        let (mut database, mut exposed) = (None, None);
        if let Some(path) = &options.data {
            let wanted = options.seed.map(|_| seed);
            let open =
                Database::open(path, seed, wanted).map_err(|source| Error::Data { path: path.clone(), source })?;
            seed = open.seed();
            exposed = open.exposure().map(|_| path.clone());
            database = Some(open);
        }
        let interval = time::Duration::seconds(options.write_interval.into());
        let mut cloud = Cloud::new(part(&seed, "cloud")).with_profile(options.profile).with_write_interval(interval);
        if let Some(most) = options.max_channels {
            cloud = cloud.with_max_channels(most);
        }
        if let Some(messages) = options.message_quota {
            cloud = cloud.with_message_quota(messages);
        }
        if let (Some(database), Some(path)) = (&mut database, &options.data) {
            let loaded = database.load(|change| cloud.restore([change]));
            loaded.map_err(|source| Error::Data { path: path.clone(), source })?;
            cloud.keep_changes();
        }
        Ok(Self { cloud, seed, database, exposed, journal: None })
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
                reason = journal.deliver() => return Err(failed(reason)),
            }
            failure = Some((journal.deliver(), path.clone()));
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
    let Some(number) = number else { return random_seed() };
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&number.to_le_bytes());
    Ok(seed)
}

/// A seed that nobody can guess.
pub(crate) fn random_seed() -> Result<[u8; 32], Error> {
    let mut seed = [0; 32];
    rustls::crypto::ring::default_provider().secure_random.fill(&mut seed).map_err(|_| Error::Randomness)?;
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

/// The addresses at which others reach this machine.
fn addresses_of_this_machine() -> Vec<IpAddr> {
    let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
    let of_a_link = |address: &IpAddr| matches!(address, IpAddr::V6(address) if address.is_unicast_link_local());
    let addresses = interfaces.into_iter().map(|interface| interface.ip());
    addresses.filter(|ip| !ip.is_loopback() && !of_a_link(ip)).collect()
}

/// The addresses at which others reach a server that listens on `address`, on a machine that has these.
fn reached_at(address: SocketAddr, machine: &[IpAddr]) -> Vec<IpAddr> {
    if address.ip().is_unspecified() {
        machine.iter().copied().filter(|ip| ip.is_ipv4() || address.is_ipv6()).collect()
    } else {
        vec![address.ip()]
    }
}
