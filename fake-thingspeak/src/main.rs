//! The stand-alone fake ThingSpeak: command line and exit codes.
//!
//! Exit codes: 0 after Ctrl-C, 2 if it cannot do what the command line says or cannot go on.

mod socket;
mod standalone;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use standalone::Options;

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
  fake-thingspeak serve --tls-listen 8443 --authority-out authority.pem
      then: curl --cacert authority.pem https://localhost:8443/channels/…";

/// A local ThingSpeak, for tests and for the desk.
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
}

fn main() -> ExitCode {
    let Arguments { command } = Arguments::parse();
    let outcome = match command {
        Command::Serve(options) => standalone::run(&options),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("could not {error}");
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
