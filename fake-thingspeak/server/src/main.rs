//! The stand-alone fake ThingSpeak: command line and exit codes.
//!
//! Exit codes: 0 after Ctrl-C, 2 if it cannot do what the command line says or cannot go on.

mod address;
mod authority;
mod banner;
mod broker;
mod ca;
mod client;
mod committer;
mod connections;
mod control;
mod database;
mod error;
mod exposure;
mod fault;
mod fault_rules;
mod gated_listener;
mod http_host;
mod injection;
mod listeners;
mod log;
mod man_in_the_middle;
mod mqtt;
mod options;
mod pages;
mod printable;

mod schema;
mod seed;
mod serve;
mod server_certificates;
mod service;
mod service_error;
mod shares;
mod socket;
mod state;
mod subscriptions;
mod visitor;
mod websocket;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use options::Options;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const EXAMPLES: &str = "\
Examples:
  fake-thingspeak serve
      HTTP on 127.0.0.1:8080, for this machine only; what is stored is gone at the end
  fake-thingspeak serve --data duck.db
      keeps channels, entries and keys in a file
  fake-thingspeak serve --channel 'Pond:temperature,level' --channel 'Nest:eggs'
      two channels, with their fields
  fake-thingspeak serve --listen 0.0.0.0:80 --tls-listen 0.0.0.0:443 --data duck.db
      for devices on the network
  fake-thingspeak serve --listen 8080 --tls-listen 8443 --host pond.local
      a certificate for pond.local
  fake-thingspeak ca && fake-thingspeak serve --tls-listen 8443 --authority authority.key
      an authority that lasts; then: curl --cacert authority.pem https://localhost:8443/channels/…";

const FAULT_EXAMPLES: &str = "\
Examples:
  fake-thingspeak fault set drop-after-storing --count 2
      the next two requests are dealt with, and get no answer
  fake-thingspeak fault set status --status 503 --seconds 60 --path /update
      for a minute, updates are answered with 503, and nothing is stored
  fake-thingspeak fault set refused-connection --seconds 30
      for half a minute the server does not listen, not even for `fault clear`
  fake-thingspeak fault set certificate --certificate expired
      until it is cleared, TLS connections are shown a certificate whose time is over
  fake-thingspeak fault set man-in-the-middle --attack no-certificate-verify --count 1
      an attacker who copied the certificate and lacks its key answers the next TLS connection; the log says what
      the client gave away
  fake-thingspeak fault clear

Without this command: curl http://127.0.0.1:8080/_preflash/faults -d fault=reset -d count=1";

/// A local ThingSpeak, for tests and for devices on a desk.
#[derive(Debug, Parser)]
#[command(version, about, after_help = EXAMPLES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serves channels until Ctrl-C
    #[command(after_help = EXAMPLES)]
    Serve(Options),
    /// Makes an authority for certificates that lasts, and says how to trust it
    Ca(ca::Options),
    /// Injects faults into a running server: sets, lists and clears them
    #[command(after_help = FAULT_EXAMPLES)]
    Fault(fault::Options),
}

fn main() -> ExitCode {
    let Arguments { command } = Arguments::parse();
    let outcome = match command {
        Command::Serve(options) => serve::run(&options).map_err(|error| error.to_string()),
        Command::Ca(options) => ca::run(&options).map_err(|error| error.to_string()),
        Command::Fault(options) => fault::run(&options).map_err(|error| error.to_string()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("could not {}", printable::printable(&error));
            ExitCode::from(2)
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }
}
