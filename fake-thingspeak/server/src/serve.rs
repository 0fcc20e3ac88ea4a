//! `fake-thingspeak serve`: the cloud on real sockets. One thread, connections as local tasks, time and randomness of
//! the operating system.
//!
//! Prints how to use it, then a line for every request, until Ctrl-C; a second thread does the printing. What is stored
//! is in memory, and with `--data` in a file as well, to which a third thread writes.
//!
//! From the bottom up: `options`; what all connections share (`state`) and one `client`; what is spoken (`http_host`,
//! `mqtt`, `websocket`, `man_in_the_middle`); `connections`, which brings them together; and here, where all of it
//! begins.

use std::future::Future;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::rc::Rc;

use fake_thingspeak::certificates::Authority;
use time::OffsetDateTime;
use tokio::task::LocalSet;

use crate::address::{addresses_of_this_machine, reached_at};
use crate::authority;
use crate::banner::{Banner, Persistent};
use crate::connections::{Protocol, accept};
use crate::error::Error;
use crate::listeners::{Addresses, Listeners};
use crate::log::{self, LogFormat};
use crate::options::Options;
use crate::seed::part;
use crate::server_certificates::ServerCertificates;
use crate::service::Service;
use crate::state::ServerState;

/// What the certificate is for, whatever else.
const HOSTS: [&str; 4] = ["api.thingspeak.com", "localhost", "127.0.0.1", "::1"];

/// Serves until Ctrl-C.
pub(crate) fn run(options: &Options) -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, run_until_stopped(options))
}

async fn run_until_stopped(options: &Options) -> Result<(), Error> {
    // From here on Ctrl-C is ours.
    let stop = stop_signal()?;
    let listeners = Listeners::bind(options).await?;
    let now = OffsetDateTime::now_utc();
    let mut service = Service::start(options)?;
    let seed = service.seed;
    service.create_channels(options, now);
    let authority = match &options.authority {
        Some(path) => authority::read(path)?,
        None => Authority::from_seed(part(&seed, "authority"))?,
    };
    let machine = addresses_of_this_machine();
    let addresses = listeners.addresses()?;
    let hosts = hosts(options, addresses, &machine);
    let certificates = ServerCertificates::new(authority.clone(), hosts, options.legacy_tls, now)?;

    if let Some(path) = &options.authority_out {
        let written = authority::write_certificate(path, &authority);
        written.map_err(|source| Error::Write { path: path.clone(), source })?;
    }
    let commits_fail = service.keep(options).await?;
    let keys = options.seed.is_some() || options.data.is_some();
    let hosts: Vec<&str> = certificates.hosts().iter().map(String::as_str).collect();
    let banner = Banner {
        cloud: &service.cloud,
        addresses,
        hosts: &hosts,
        hosts_named: !options.hosts.is_empty(),
        authority: &authority,
        machine: &machine,
        authority_file: options.authority_out.as_deref(),
        exposed: service.exposed.as_deref(),
        persistent: Persistent { keys, authority: keys || options.authority.is_some() },
    };
    let banner = format!("{banner}\n");
    // The output may be closed.
    let _ = match options.log_format {
        LogFormat::Human => io::stdout().write_all(banner.as_bytes()),
        // Standard output is for machines alone.
        LogFormat::Json => io::stderr().write_all(banner.as_bytes()),
    };
    let colours = anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never;
    let _written_at_the_end = log::start(options.log_format, colours, io::stdout())?;
    let state = Rc::new(ServerState::new(service.cloud, service.committer, certificates, options));
    accept_all(listeners, &state)?;
    let outcome = tokio::select! {
        () = stop => Ok(()),
        error = commits_fail => Err(error),
    };
    if outcome.is_ok() {
        tracing::info!(target: "server", "stopped");
    }
    outcome
}

/// What the certificate is for: names of the command line, [`HOSTS`], and the addresses at which TLS can be reached.
fn hosts(options: &Options, addresses: Addresses, machine: &[std::net::IpAddr]) -> Vec<String> {
    let tls: Vec<SocketAddr> = [addresses.https, addresses.mqtts].into_iter().flatten().collect();
    let reached = tls.into_iter().flat_map(|address| reached_at(address, machine));
    let mut hosts = options.hosts.clone();
    for host in HOSTS.map(str::to_owned).into_iter().chain(reached.map(|address| address.to_string())) {
        if !hosts.contains(&host) {
            hosts.push(host);
        }
    }
    hosts
}

/// Serves on all listeners, and MQTT's subscribers, in tasks of their own.
fn accept_all(listeners: Listeners, state: &Rc<ServerState>) -> io::Result<()> {
    let Listeners { http, https, mqtt, mqtts } = listeners;
    let all = [
        (Some(http), Protocol::Http, false),
        (https, Protocol::Http, true),
        (mqtt, Protocol::Mqtt, false),
        (mqtts, Protocol::Mqtt, true),
    ];
    for (listener, protocol, tls) in all {
        if let Some(listener) = listener {
            accept(listener, protocol, tls, state)?;
        }
    }
    let state = Rc::clone(state);
    tokio::task::spawn_local(async move { state.broadcast().await });
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
