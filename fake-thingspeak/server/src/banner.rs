//! What the server says when it starts: how to reach it, with which keys, and what to type to try it.

use std::fmt::{self, Display};
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use fake_thingspeak::certificates::Authority;
use fake_thingspeak::cloud::{Access, Cloud, Device, Overview, TalkbackAccess, User};

use crate::address::reached_at;
use crate::exposure::Exposure;
use crate::listeners::Addresses;
use crate::printable::printable;
use crate::websocket;

/// How many channels are shown at most.
const CHANNELS: usize = 8;

/// Everything that a user needs to know to use the server.
pub(crate) struct Banner<'a> {
    pub(crate) cloud: &'a Cloud,
    pub(crate) addresses: Addresses,
    /// The names and addresses that the certificate is for.
    pub(crate) hosts: &'a [&'a str],
    /// The addresses at which others reach this machine.
    pub(crate) machine: &'a [IpAddr],
    /// Whether the user named the hosts: then the first is this machine's name.
    pub(crate) hosts_named: bool,
    pub(crate) authority: &'a Authority,
    pub(crate) authority_file: Option<&'a Path>,
    /// The file with the data, if others can read it.
    pub(crate) exposed: Option<&'a Path>,
    pub(crate) persistent: Persistent,
}

/// What the next start will have again unchanged.
#[derive(Clone, Copy)]
pub(crate) struct Persistent {
    /// Channels with their numbers and keys, and everything else.
    pub(crate) keys: bool,
    /// The authority, perhaps with other channels and keys.
    pub(crate) authority: bool,
}

impl Banner<'_> {
    /// The host's name in URLs. A server that listens on all of a machine's addresses is reached by the machine's name
    /// or by one of its addresses, not by 0.0.0.0.
    fn host(&self, address: SocketAddr) -> String {
        match (address.ip(), self.hosts) {
            (ip, [first, ..]) if ip.is_unspecified() && self.hosts_named => (*first).to_owned(),
            (IpAddr::V4(ip), _) if ip.is_unspecified() => "127.0.0.1".to_owned(),
            (IpAddr::V6(ip), _) if ip.is_unspecified() => "::1".to_owned(),
            (ip, _) => ip.to_string(),
        }
    }

    /// Lists the other addresses of a server that listens on all of the machine's addresses.
    fn write_others(&self, f: &mut fmt::Formatter<'_>, scheme: &str, address: SocketAddr) -> fmt::Result {
        if address.ip().is_unspecified() {
            let host = self.host(address);
            let others = reached_at(address, self.machine).into_iter().map(|other| other.to_string());
            for other in others.filter(|other| *other != host) {
                writeln!(f, "           {scheme}://{}", Place(&other, address.port()))?;
            }
        }
        Ok(())
    }

    fn write_mqtt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let addresses = [
            ("mqtt", self.addresses.mqtt, ""),
            ("mqtts", self.addresses.mqtts, ""),
            ("ws", Some(self.addresses.http), websocket::PATH),
            ("wss", self.addresses.https, websocket::PATH),
        ];
        for (scheme, address, path) in addresses {
            let Some(address) = address else { continue };
            let host = self.host(address);
            writeln!(f, "mqtt       {scheme}://{}{path}{}", Place(&host, address.port()), everywhere(address))?;
        }
        Ok(())
    }
}

/// A host and a port as a URL has them.
struct Place<'a>(&'a str, u16);

impl Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(host, port) = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

/// `Pond, public; field1 temperature, field2 humidity`
fn described(channel: &Overview) -> String {
    let about = &channel.about;
    let fields =
        about.fields.iter().zip(1..).filter_map(|(name, field)| Some(format!("field{field} {}", name.as_ref()?)));
    let public = if about.public { "public" } else { "private" };
    let entries = if channel.last_entry_id == 0 { String::new() } else { format!("; entry {}", channel.last_entry_id) };
    let fields: Vec<_> = fields.collect();
    printable(&format!("{}, {public}; {}{entries}", about.name, fields.join(", "))).into_owned()
}

/// Where else the server can be reached.
fn everywhere(address: SocketAddr) -> &'static str {
    if address.ip().is_unspecified() { " (and on every address of this machine)" } else { "" }
}

impl Display for Banner<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let channels = self.cloud.channels();
        let host = self.host(self.addresses.http);
        let http = Place(&host, self.addresses.http.port());
        for channel in channels.iter().take(CHANNELS) {
            let Access { channel: number, write_key, read_key } = &channel.access;
            writeln!(f, "channel    {number} ({})", described(channel))?;
            writeln!(f, "write key  {write_key}")?;
            writeln!(f, "read key   {read_key}")?;
        }
        let User { login, key } = self.cloud.user();
        if let Some(more @ 1..) = channels.len().checked_sub(CHANNELS) {
            writeln!(f, "           ({more} more: curl 'http://{http}/channels.json?api_key={key}')")?;
        }
        writeln!(f, "user key   {key} (of {login}; makes, lists, describes and deletes channels)")?;
        for TalkbackAccess { talkback, key } in self.cloud.talkbacks() {
            writeln!(f, "talkback   {talkback} (its key {key})")?;
        }
        for Device { client_id, password } in self.cloud.devices() {
            writeln!(f, "device     {client_id} (of MQTT, as client identifier and user name; password {password})")?;
        }
        if !self.persistent.keys {
            let authority = if self.persistent.authority { "" } else { " and the authority" };
            writeln!(f, "           (all of these{authority} are new at every start; --data FILE keeps them, and")?;
            writeln!(f, "           what is stored)")?;
        }
        writeln!(f, "http       http://{http}{}", everywhere(self.addresses.http))?;
        self.write_others(f, "http", self.addresses.http)?;
        if let Some(https) = self.addresses.https {
            let host = self.host(https);
            let place = Place(&host, https.port());
            writeln!(f, "https      https://{place} as {}{}", self.hosts.join(", "), everywhere(https))?;
            self.write_others(f, "https", https)?;
        }
        if self.addresses.https.is_some() || self.addresses.mqtts.is_some() {
            let fingerprint = hex::encode(self.authority.fingerprint());
            writeln!(f, "trust      {fingerprint}")?;
            let what = "SHA-256 of the authority's certificate, for the trusted issuer on the device's page";
            match self.authority_file {
                Some(_) => writeln!(f, "           ({what})")?,
                None if self.persistent.authority => {
                    writeln!(f, "           ({what};\n           --authority-out FILE writes the certificate itself)")?;
                }
                None => writeln!(
                    f,
                    "           ({what};\n           --authority-out FILE writes the certificate itself, `fake-thingspeak ca` makes one that lasts)"
                )?,
            }
        }
        self.write_mqtt(f)?;
        if let Some(path) = self.exposed {
            let file = path.display().to_string().replace('\'', r"'\''");
            let exposure = Exposure::Readable;
            writeln!(
                f,
                "careful    {}: {exposure}, and all keys in it; to end that: chmod 600 '{file}'",
                path.display()
            )?;
        }
        let Some(Overview { access: Access { channel, write_key, .. }, about, .. }) = channels.first() else {
            return write!(f, "stop       Ctrl-C");
        };
        let values = about.fields.iter().zip(1..).filter(|(name, _)| name.is_some()).zip(["21.5", "45.6"]);
        let values: String = values.map(|((_, field), value)| format!("&field{field}={value}")).collect();
        let reading = if about.public { String::new() } else { format!("?api_key={write_key}") };
        writeln!(f, "pages      http://{http}/ (channels, charts; /_preflash/ injects faults)")?;
        writeln!(f, "try        curl 'http://{http}/update?api_key={write_key}{values}'")?;
        writeln!(f, "           curl 'http://{http}/channels/{channel}/feeds.json{reading}'")?;
        if let (Some(https), Some(file)) = (self.addresses.https, self.authority_file) {
            let file = file.display().to_string().replace('\'', r"'\''");
            let host = self.host(https);
            let place = Place(&host, https.port());
            writeln!(f, "           curl --cacert '{file}' 'https://{place}/channels/{channel}/feeds.json{reading}'")?;
        }
        if let Some(mqtt) = self.addresses.mqtt {
            let (host, port) = (self.host(mqtt), mqtt.port());
            let [first, second] = self.cloud.devices();
            for (program, Device { client_id, password }, rest) in [
                ("mosquitto_sub", second, format!("-v -t 'channels/{channel}/subscribe'")),
                ("mosquitto_pub", first, format!("-t channels/{channel}/publish -m 'field1=21.5'")),
            ] {
                writeln!(
                    f,
                    "           {program} -h {host} -p {port} -i {client_id} -u {client_id} -P {password} {rest}"
                )?;
            }
        }
        write!(f, "stop       Ctrl-C")
    }
}

#[cfg(test)]
mod tests {
    use fake_thingspeak::cloud::NewChannel;
    use time::OffsetDateTime;

    use super::*;

    /// What is said by a server that listens on both addresses.
    fn said(http: &str, https: &str, hosts: &[&str], hosts_named: bool) -> String {
        let persistent = Persistent { keys: true, authority: true };
        said_by(http, https, hosts, hosts_named, persistent, Some(Path::new("ca.pem")))
    }

    fn said_of(persistent: Persistent, authority_file: Option<&Path>) -> String {
        said_by("127.0.0.1:80", "127.0.0.1:443", &["pond.local"], true, persistent, authority_file)
    }

    fn said_by(
        http: &str,
        https: &str,
        hosts: &[&str],
        hosts_named: bool,
        persistent: Persistent,
        authority_file: Option<&Path>,
    ) -> String {
        let channel = NewChannel { name: "duck".to_owned(), fields: [const { None }; 8], public: true };
        let mut cloud = Cloud::new([1; 32]);
        cloud.create_channel(channel, OffsetDateTime::UNIX_EPOCH);
        let authority = Authority::from_seed([1; 32]).unwrap();
        let addresses = Addresses {
            http: http.parse().unwrap(),
            https: https.parse().ok(),
            mqtt: "127.0.0.1:1883".parse().ok(),
            mqtts: None,
        };
        let (cloud, authority, machine) =
            (&cloud, &authority, &["192.0.2.7", "2001:db8::7"].map(|ip| ip.parse().unwrap()));
        let exposed = None;
        Banner { cloud, addresses, hosts, machine, hosts_named, authority, authority_file, exposed, persistent }
            .to_string()
    }

    #[test]
    fn what_is_new_at_the_next_start_is_said() {
        let told = |keys, authority| said_of(Persistent { keys, authority }, None);
        assert!(told(false, false).contains("(all of these and the authority are new at every start"));
        assert!(told(false, true).contains("(all of these are new at every start"));
        assert!(!told(false, true).contains("makes one that lasts"));
        assert!(!told(true, true).contains("new at every start"));
    }

    #[test]
    fn the_name_stands_for_all_addresses() {
        let text = said("0.0.0.0:8080", "0.0.0.0:8443", &["pond.local"], true);
        assert!(!text.contains("0.0.0.0"), "{text}");
        assert!(text.contains("curl 'http://pond.local:8080/update?"), "{text}");
        assert!(text.contains("curl --cacert 'ca.pem' 'https://pond.local:8443/channels/"), "{text}");
        assert!(text.contains("\nmqtt       ws://pond.local:8080/mqtt (and on every address"), "{text}");
        assert!(text.contains("\nmqtt       wss://pond.local:8443/mqtt (and on every address"), "{text}");
    }

    #[test]
    fn without_a_name_this_machine_is_asked() {
        let text = said("0.0.0.0:8080", "[::]:8443", &["api.thingspeak.com", "::1"], false);
        assert!(text.contains("http       http://127.0.0.1:8080 (and on every address"), "{text}");
        assert!(text.contains("\n           http://192.0.2.7:8080\n"), "{text}");
        assert!(!text.contains("http://[2001:db8::7]"), "0.0.0.0 is of IPv4: {text}");
        assert!(
            text.contains("\n           https://192.0.2.7:8443\n           https://[2001:db8::7]:8443\n"),
            "{text}"
        );
        assert!(text.contains("curl --cacert 'ca.pem' 'https://[::1]:8443/channels/"), "{text}");
    }

    #[test]
    fn an_address_that_is_listened_on_is_asked_whatever_the_name() {
        let text = said("127.0.0.1:80", "127.0.0.1:443", &["pond.local", "127.0.0.1"], true);
        assert!(text.contains("curl 'http://127.0.0.1:80/update?"), "{text}");
        assert!(text.contains("curl --cacert 'ca.pem' 'https://127.0.0.1:443/channels/"), "{text}");
    }
}
