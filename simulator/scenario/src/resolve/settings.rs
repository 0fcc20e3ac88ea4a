//! What the flash holds at the beginning.
//!
//! The firmware judges its settings itself, so that a scenario can only begin with settings that a duck could have been
//! given; what a duck refuses is tried through the form instead.

use std::time::Duration;

use firmware::settings::{self as duck, Field};

use super::Resolver;
use super::world::CLOUD_HOST;
use crate::diagnostics::Diagnostic;
use crate::model::{SensorKind, Settings, TrustedIssuer, WriteKey};
use crate::tree::{Fields, Value};

/// What stands for the simulated channel's write key.
const CHANNEL: &str = "channel";
/// What stands for the simulated authority.
const CLOUD: &str = "cloud";

impl Resolver<'_, '_> {
    pub(super) fn settings(&mut self, fields: &Fields) -> Option<Settings> {
        let tls = fields.boolean("tls").unwrap_or(true);
        let default_port = if tls { 443 } else { 80 };
        let port = fields.integer("port").and_then(|port| u16::try_from(port).ok()).unwrap_or(default_port);
        let interval = fields.duration("interval").unwrap_or(Duration::from_mins(5));
        let sensor = fields.word("sensor").unwrap_or(SensorKind::Dht22);
        let network = fields.text("network");
        let passphrase = fields.text("passphrase").unwrap_or_default();
        let write_key = fields.text("write-key").unwrap_or(CHANNEL);
        let issuer = fields.text("trusted-issuer").unwrap_or(CLOUD);
        let host = fields.text("host").unwrap_or(CLOUD_HOST);
        let judged = duck::Settings::parse(&duck::Fields {
            // A name that is missing has been reported; the other fields are judged all the same.
            network: network.unwrap_or("home"),
            passphrase,
            write_key: if write_key == CHANNEL { "0000000000000000" } else { write_key },
            host,
            port: &port.to_string(),
            tls: if tls { "on" } else { "off" },
            trusted_issuer: if issuer == CLOUD { "digicert" } else { issuer },
            interval: &interval.as_secs().to_string(),
            sensor: match sensor {
                SensorKind::Dht22 => "DHT22",
                SensorKind::Dht11 => "DHT11",
            },
        });
        if let Some(node) = fields.get("interval") {
            let (shortest, longest) = (Duration::from_secs(15), Duration::from_hours(24));
            let problem = if interval < shortest {
                Some(("`interval` is shorter than 15s", "too short"))
            } else if interval > longest {
                Some(("`interval` is longer than 24h", "too long"))
            } else if interval.subsec_nanos() != 0 {
                Some(("`interval` is no whole number of seconds", "too fine"))
            } else {
                None
            };
            if let Some((message, label)) = problem {
                let mistake = Diagnostic::new(message, node.span.clone(), label);
                self.report(mistake.help("the firmware takes whole seconds from \"15s\" to \"24h\""));
            }
        }
        let judged = match judged {
            Ok(judged) => judged,
            Err(errors) => {
                // The interval has been judged as the file writes it, with a unit.
                for (field, error) in errors.iter().filter(|(field, _)| *field != Field::Interval) {
                    if let Some(node) = fields.get(field.name()) {
                        let message = format!("`{}` {error}", field.name());
                        let mistake = Diagnostic::new(message, node.span.clone(), "the firmware refuses this");
                        self.report(mistake.help(help(field)));
                    }
                }
                return None;
            }
        };
        Some(Settings {
            network: network?.to_owned(),
            passphrase: passphrase.to_owned(),
            write_key: if write_key == CHANNEL {
                WriteKey::Channel
            } else {
                WriteKey::Key(judged.write_key().to_owned())
            },
            host: judged.host().to_owned(),
            port,
            tls,
            trusted_issuer: match judged.trusted_issuer() {
                _ if issuer == CLOUD => TrustedIssuer::Cloud,
                duck::TrustedIssuer::DigiCert => TrustedIssuer::DigiCert,
                duck::TrustedIssuer::Fingerprint(sha256) => TrustedIssuer::Fingerprint(sha256),
            },
            interval,
            sensor,
            authenticated_time: match fields.get("authenticated-time").map(|node| &node.value) {
                Some(Value::DateTime(time)) => *time,
                _ => self.start,
            },
        })
    }
}

/// What would be right, where the firmware's own words do not say all of it.
fn help(field: Field) -> &'static str {
    match field {
        Field::Passphrase => "leave `passphrase` out for an open network; letters beyond ASCII count twice and more",
        Field::WriteKey => "`channel` stands for the key of the simulated channel",
        Field::Host => "without http:// and port: \"api.thingspeak.com\"",
        Field::TrustedIssuer => "`cloud` stands for the simulated authority",
        _ => "what a duck must refuse is a matter for its form: let a phone submit it",
    }
}
