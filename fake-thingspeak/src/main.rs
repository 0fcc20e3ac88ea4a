//! The stand-alone fake ThingSpeak: command line and exit codes.
//!
//! Exit codes: 0 after Ctrl-C, 2 if it cannot do what the command line says.

mod socket;
mod standalone;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use standalone::Options;

const EXAMPLES: &str = "\
Examples:
  fake-thingspeak serve
      HTTP on 127.0.0.1:8080, for this machine only
  fake-thingspeak serve --listen 0.0.0.0:80 --tls-listen 0.0.0.0:443 --seed 7
      for devices on the network; with the same seed, the same keys and certificates at the next start
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
    /// Serves one public channel, in memory, until Ctrl-C
    #[command(after_help = EXAMPLES)]
    Serve {
        /// Where to listen for HTTP: an address with a port, or a port of this machine alone
        #[arg(long, value_name = "ADDR", value_parser = address, default_value = "127.0.0.1:8080")]
        listen: SocketAddr,
        /// Where to listen for HTTPS as well (TLS 1.3)
        #[arg(long, value_name = "ADDR", value_parser = address)]
        tls_listen: Option<SocketAddr>,
        /// A name or address that the certificate is for; more with more of them
        /// [default: api.thingspeak.com, localhost, 127.0.0.1]
        #[arg(long = "host", value_name = "NAME")]
        hosts: Vec<String>,
        /// Where to write the certificate of the authority that signed the server's (PEM), for curl --cacert and browsers
        #[arg(long, value_name = "FILE", requires = "tls_listen")]
        authority_out: Option<PathBuf>,
        /// Makes channel number, keys and certificates the same at every start; anyone who knows it can forge them.
        /// Without it, they differ at every start
        #[arg(long, value_name = "N")]
        seed: Option<u64>,
    },
}

fn main() -> ExitCode {
    let Arguments { command: Command::Serve { listen, tls_listen, hosts, authority_out, seed } } = Arguments::parse();
    match standalone::run(&Options { listen, tls_listen, hosts, authority_out, seed }) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("could not {error}");
            ExitCode::from(2)
        }
    }
}

/// `127.0.0.1:8080`, `[::1]:8080` or `8080`.
fn address(text: &str) -> Result<SocketAddr, String> {
    if let Ok(port) = text.parse() {
        return Ok(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port));
    }
    text.parse().map_err(|_| "expected an address and a port like 127.0.0.1:8080, or a port like 8080".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_port_alone_is_a_port_of_this_machine() {
        assert_eq!(address("8080"), Ok(SocketAddr::from(([127, 0, 0, 1], 8080))));
        assert_eq!(address("0.0.0.0:80"), Ok(SocketAddr::from(([0, 0, 0, 0], 80))));
        assert_eq!(address("[::1]:80").map(|address| address.port()), Ok(80));
        for text in ["", "localhost:80", "127.0.0.1", "65536", "-1"] {
            assert!(address(text).is_err(), "{text}");
        }
    }
}
