//! What the command line of `serve` says.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use fake_thingspeak::cloud::{NewChannel, Profile};
use fake_thingspeak::legacy_tls::Policy;

use crate::address::address;
use crate::log::LogFormat;

/// The longest name of a channel or field in characters, as the service's tables hold it.
const LONGEST_NAME: usize = 255;

#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("tls").args(["tls_listen", "mqtt_tls_listen"]).multiple(true))]
pub(crate) struct Options {
    /// Where to listen for HTTP: an address with a port, or a port of this machine alone. MQTT over WebSockets is at
    /// /mqtt
    #[arg(long, value_name = "ADDR", value_parser = address, default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,
    /// Where to listen for HTTPS as well (TLS 1.2 and 1.3, and what --legacy-tls says)
    #[arg(long, value_name = "ADDR", value_parser = address)]
    pub(crate) tls_listen: Option<SocketAddr>,
    /// When to speak TLS 1.0 to 1.2 with RSA key exchange and CBC, as old devices do (axTLS of MicroPython 1.9); it is
    /// weak, and its key is known to everyone
    #[arg(long, value_name = "WHEN", value_parser = policy(), default_value = Policy::Auto.word(), requires = "tls")]
    pub(crate) legacy_tls: Policy,
    #[command(flatten)]
    pub(crate) mqtt: MqttOptions,
    /// A file that keeps channels, entries, TalkBacks and keys; made if there is none. Without it, they are gone at the
    /// end
    #[arg(long, value_name = "FILE")]
    pub(crate) data: Option<PathBuf>,
    /// A public channel to have, with the names of its fields (1 to 8); more with more of them. One that is there
    /// already stays as it is [default: one with temperature and humidity, unless there are channels]
    #[arg(long = "channel", value_name = "NAME:FIELD,FIELD…", value_parser = channel)]
    pub(crate) channels: Vec<NewChannel>,
    /// As which ThingSpeak to behave: docs, recorded-2019 or open-source-2015
    #[arg(long, value_name = "NAME", default_value_t = Profile::Docs)]
    pub(crate) profile: Profile,
    /// How many seconds a channel's writer has to wait between two writes; 15 for a free account, 1 for a paid one
    #[arg(long, value_name = "SECONDS", default_value_t = 15)]
    pub(crate) write_interval: u32,
    /// How many channels there may be before a request for one more is refused with 402; 4 for a free account.
    /// Those of --channel do not ask [default: no limit]
    #[arg(long, value_name = "N")]
    pub(crate) max_channels: Option<u32>,
    /// How many messages a year are stored before one more is refused with 402; 3000000 for a free account. Of
    /// those in --data, entries of the year that are still there count [default: no limit]
    #[arg(long, value_name = "N")]
    pub(crate) message_quota: Option<u64>,
    /// A name of the server: the certificate is for it, besides api.thingspeak.com, localhost, 127.0.0.1, ::1 and the
    /// addresses that are listened on, and --control-from-anywhere answers to it; more with more of them
    #[arg(long = "host", value_name = "NAME")]
    pub(crate) hosts: Vec<String>,
    /// The authority that signs the certificate, as `fake-thingspeak ca` made it [default: one that comes from the
    /// seed]
    #[arg(long, value_name = "FILE", requires = "tls")]
    pub(crate) authority: Option<PathBuf>,
    /// Where to write the certificate of the authority that signed the server's (PEM), for curl --cacert and browsers
    #[arg(long, value_name = "FILE", requires = "tls")]
    pub(crate) authority_out: Option<PathBuf>,
    /// Makes channel numbers, keys and certificates the same at every start; anyone who knows it can forge them.
    /// Without it, they differ at every start, or are those of --data
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Lets other machines set faults too (fake-thingspeak fault, /_preflash/faults), not only this one. They have to
    /// call the server by an address or by a name of --host, so that no page from elsewhere can
    #[arg(long)]
    pub(crate) control_from_anywhere: bool,
    /// How to write the log; RUST_LOG filters it, like RUST_LOG=warn or RUST_LOG=info,mqtt=off
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = LogFormat::Human)]
    pub(crate) log_format: LogFormat,
    /// How many requests' changes to --data are committed together at most; for the benchmark, to see what that is
    /// worth
    #[arg(long, value_name = "N", hide = true, default_value_t = 10_000)]
    pub(crate) changes_per_commit: usize,
}

/// What the command line says of MQTT without WebSockets.
#[derive(Debug, clap::Args)]
#[group(id = "mqtt")]
pub(crate) struct MqttOptions {
    /// Where to listen for MQTT without WebSockets as well (3.1.1; the service's port is 1883)
    #[arg(long, value_name = "ADDR", value_parser = address)]
    pub(crate) mqtt_listen: Option<SocketAddr>,
    /// Where to listen for MQTT over TLS without WebSockets as well (the service's port is 8883)
    #[arg(long, value_name = "ADDR", value_parser = address)]
    pub(crate) mqtt_tls_listen: Option<SocketAddr>,
}

/// `Pond:temperature,level`; an empty field is one that the channel does not use.
fn channel(text: &str) -> Result<NewChannel, String> {
    let (name, names) = text
        .split_once(':')
        .filter(|(name, names)| !name.trim().is_empty() && names.split(',').any(|field| !field.trim().is_empty()))
        .ok_or("expected a name and the names of fields like Pond:temperature,level")?;
    let mut fields: [Option<String>; 8] = Default::default();
    for (index, field) in names.split(',').map(str::trim).enumerate() {
        let slot = fields.get_mut(index).ok_or("a channel has no more than 8 fields")?;
        *slot = Some(field.to_owned()).filter(|field| !field.is_empty());
    }
    let name = name.trim().to_owned();
    if fields.iter().flatten().chain([&name]).any(|name| name.chars().count() > LONGEST_NAME) {
        return Err(format!("a name has no more than {LONGEST_NAME} characters"));
    }
    Ok(NewChannel { name, fields, public: true })
}

/// The words of [`Policy`], with their sentences.
fn policy() -> impl TypedValueParser<Value = Policy> {
    let words = Policy::ALL.iter().map(|policy| PossibleValue::new(policy.word()).help(policy.about()));
    PossibleValuesParser::new(words).map(|word| {
        let policy = Policy::ALL.iter().find(|policy| policy.word() == word);
        *policy.expect("the parser has taken one of these words")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_is_a_name_and_fields() {
        let pond = channel("Pond: temperature,,level").unwrap();
        assert_eq!(pond.name, "Pond");
        let fields: Vec<_> = pond.fields.iter().map(Option::as_deref).collect();
        assert_eq!(fields, [Some("temperature"), None, Some("level"), None, None, None, None, None]);
        assert_eq!(channel("a:1,2,3,4,5,6,7,8").unwrap().fields[7].as_deref(), Some("8"));
        for text in ["", "Pond", "Pond:", ":a", " :a", "Pond:,,"] {
            assert!(channel(text).unwrap_err().contains("like Pond:temperature,level"), "{text}");
        }
        assert!(channel("a:1,2,3,4,5,6,7,8,9").unwrap_err().contains("8 fields"));
        assert!(channel(&format!("a:{}", "x".repeat(256))).unwrap_err().contains("255"));
    }
}
