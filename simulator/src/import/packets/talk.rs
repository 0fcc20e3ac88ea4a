//! Questions and answers of a capture, and what of them becomes part of a scenario.

use std::collections::BTreeMap;
use std::fmt;
use std::net::Ipv4Addr;

use smoltcp::wire::{DhcpMessageType, DhcpPacket, DhcpRepr, DnsPacket, DnsRcode, TcpPacket};

use super::super::evidence::{Evidence, Expected, Fault, Network, On, Origin, SECOND, Time, duration, quoted};
use super::asked::Asked;

/// An answer that comes later than this is slow.
const SLOW: Time = SECOND;
/// How many devices a message names.
const MOST_NAMED: usize = 20;
/// Seconds from 1900 to 1970, as NTP counts.
const NTP_EPOCH: Time = 2_208_988_800;

/// An access point's beacon.
pub(super) struct Beacon {
    pub bssid: [u8; 6],
    pub name: String,
    pub channel: Option<u8>,
    pub protected: bool,
    pub signal: Option<i32>,
}

/// A client, by its hardware address, or by its address where the capture has no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Client {
    Mac([u8; 6]),
    Address(Ipv4Addr),
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mac(mac) => f.write_str(&mac.map(|byte| format!("{byte:02x}")).join(":")),
            Self::Address(address) => address.fmt(f),
        }
    }
}

/// What one client asked, and what came of it.
#[derive(Default)]
struct Questions {
    dhcp: Asked,
    dns: Asked,
    ntp: Asked,
    tcp: Asked,
    first_dhcp: Option<Time>,
    acknowledged: Option<u64>,
    /// The lease that was given, in seconds, and by which packet.
    lease: Option<(u32, u64)>,
    round_trips: Vec<(Time, u64)>,
    /// How many there were.
    count: u64,
}

/// Something that went wrong at an access point.
struct Trouble {
    bssid: [u8; 6],
    /// To whom it was done; to all if `None`.
    station: Option<[u8; 6]>,
    fault: Fault,
}

/// All that is said in a capture.
pub(super) struct Talk {
    file: String,
    clients: BTreeMap<Client, Questions>,
    /// The clients that have leases.
    leased: BTreeMap<Ipv4Addr, Client>,
    /// The access points that stations are or were joined to, the last one at the end.
    joined: BTreeMap<[u8; 6], Vec<[u8; 6]>>,
    networks: Vec<Network>,
    troubles: Vec<Trouble>,
    /// When the last beacon of each access point came.
    heard: BTreeMap<[u8; 6], (Time, u64)>,
}

impl Talk {
    pub(super) fn new(file: &str) -> Self {
        Self {
            file: file.to_owned(),
            clients: BTreeMap::new(),
            leased: BTreeMap::new(),
            joined: BTreeMap::new(),
            networks: Vec::new(),
            troubles: Vec::new(),
            heard: BTreeMap::new(),
        }
    }

    fn origin(&self, number: u64) -> Origin {
        Origin::at(&self.file, format!("packet {number}"))
    }

    /// Whose addresses these are.
    pub(super) fn client(&self, mac: Option<[u8; 6]>, address: Ipv4Addr) -> Client {
        match mac {
            Some(mac) => Client::Mac(mac),
            None => self.leased.get(&address).copied().unwrap_or(Client::Address(address)),
        }
    }

    /// A client asks.
    fn asks(&mut self, client: Client) -> &mut Questions {
        let questions = self.clients.entry(client).or_default();
        questions.count += 1;
        questions
    }

    /// A station sends or gets something at an access point.
    pub(super) fn joined(&mut self, station: [u8; 6], bssid: [u8; 6]) {
        if !is_many(station) {
            let known = self.joined.entry(station).or_default();
            if known.last() != Some(&bssid) {
                known.retain(|its| *its != bssid);
                known.push(bssid);
            }
        }
    }

    pub(super) fn beacon(&mut self, at: Time, number: u64, beacon: Beacon) {
        let Beacon { bssid, name, channel, protected, signal } = beacon;
        if name.trim_matches('\0').is_empty() {
            return;
        }
        let origin = self.origin(number);
        match self.heard.insert(bssid, (at, number)) {
            Some((last, _)) if at - last > 10 * SECOND => {
                let inject =
                    format!("access-point = {{ network = {}, state = \"off\", deauth = false }}", quoted(&name));
                let (from, until) = (last + SECOND / 10, Some(at));
                let what = format!("{name} sends no beacons");
                let fault = Fault { what, from, until, count: None, inject, origin };
                self.troubles.push(Trouble { bssid, station: None, fault });
            }
            Some(_) => {}
            None => {
                let network = Network { name, protected, bssid: Some(bssid), channel, signal, origin: Some(origin) };
                self.networks.push(network);
            }
        }
    }

    pub(super) fn sent_away(&mut self, at: Time, number: u64, bssid: [u8; 6], station: [u8; 6]) {
        let fault = Fault {
            what: "the access point sends stations away".to_owned(),
            from: at,
            until: Some(at + SECOND),
            count: None,
            inject: "access-point = { network = {network}, state = \"off\" }".to_owned(),
            origin: self.origin(number),
        };
        let station = Some(station).filter(|station| !is_many(*station));
        self.troubles.push(Trouble { bssid, station, fault });
    }

    pub(super) fn dhcp(&mut self, at: Time, number: u64, data: &[u8]) {
        let Ok(packet) = DhcpPacket::new_checked(data) else { return };
        let Ok(repr) = DhcpRepr::parse(&packet) else { return };
        let id = u64::from(repr.transaction_id);
        let client = Client::Mac(repr.client_hardware_address.0);
        match repr.message_type {
            DhcpMessageType::Discover | DhcpMessageType::Request => {
                let questions = self.asks(client);
                questions.first_dhcp.get_or_insert(at);
                questions.dhcp.ask(id, at, number);
            }
            DhcpMessageType::Offer | DhcpMessageType::Ack => {
                let is_acknowledged = repr.message_type == DhcpMessageType::Ack;
                if is_acknowledged {
                    self.leased.insert(repr.your_ip, client);
                }
                let Some(questions) = self.clients.get_mut(&client) else { return };
                if is_acknowledged {
                    questions.acknowledged.get_or_insert(number);
                    questions.lease = questions.lease.or(repr.lease_duration.map(|seconds| (seconds, number)));
                }
                questions.dhcp.answer(id, at, |took| {
                    (took > SLOW).then(|| {
                        format!("dhcp = {{ network = {{network}}, reply = {{ slow = \"{}\" }} }}", round(took))
                    })
                });
            }
            DhcpMessageType::Nak => {
                let Some(questions) = self.clients.get_mut(&client) else { return };
                let refused = "dhcp = { network = {network}, reply = \"refuse\" }".to_owned();
                questions.dhcp.answer(id, at, |_| Some(refused));
            }
            _ => {}
        }
    }

    pub(super) fn dns(&mut self, at: Time, number: u64, client: Client, data: &[u8]) {
        let Ok(packet) = DnsPacket::new_checked(data) else { return };
        let id = u64::from(packet.transaction_id());
        if packet.flags().bits() & 0x8000 == 0 {
            return self.asks(client).dns.ask(id, at, number);
        }
        let rcode = packet.rcode();
        let Some(questions) = self.clients.get_mut(&client) else { return };
        questions.dns.answer(id, at, |took| match rcode {
            DnsRcode::NoError => (took > SLOW).then(|| format!("dns = {{ slow = \"{}\" }}", round(took))),
            DnsRcode::NXDomain => Some("dns = \"no-such-name\"".to_owned()),
            DnsRcode::Refused => Some("dns = \"refused\"".to_owned()),
            _ => Some("dns = \"server-failure\"".to_owned()),
        });
    }

    pub(super) fn ntp(&mut self, at: Time, number: u64, client: Client, data: &[u8]) {
        let Some(data) = data.first_chunk::<48>() else { return };
        let stamp = |place: usize| u64::from_be_bytes(std::array::from_fn(|index| data[place + index]));
        match data[0] & 7 {
            // A client's transmit time comes back as the answer's origin.
            3 => self.asks(client).ntp.ask(stamp(40), at, number),
            4 => {
                let (stratum, told) = (data[1], stamp(40));
                let wrong = ((told >> 32) as Time - NTP_EPOCH) * SECOND - at;
                let Some(questions) = self.clients.get_mut(&client) else { return };
                questions.ntp.answer(stamp(24), at, |took| {
                    if stratum == 0 {
                        Some("ntp = \"kiss-of-death\"".to_owned())
                    } else if wrong.abs() > 3 * SECOND {
                        let sign = if wrong < 0 { "-" } else { "" };
                        Some(format!("ntp = {{ wrong-by = \"{sign}{}\" }}", duration(wrong.abs() / SECOND * SECOND)))
                    } else {
                        (took > SLOW).then(|| format!("ntp = {{ slow = \"{}\" }}", round(took)))
                    }
                });
            }
            _ => {}
        }
    }

    pub(super) fn tcp(&mut self, at: Time, number: u64, from: Client, to: Client, segment: &TcpPacket<&[u8]>) {
        let (source, target) = (segment.src_port(), segment.dst_port());
        let web = |port: u16| matches!(port, 80 | 443);
        if segment.syn() && !segment.ack() && web(target) {
            return self.asks(from).tcp.ask(source.into(), at, number);
        }
        let Some(questions) = self.clients.get_mut(&to).filter(|_| web(source)) else { return };
        if segment.syn() && segment.ack() {
            if let Some(asked) = questions.tcp.since(target.into()) {
                questions.round_trips.push((at - asked, number));
            }
            questions.tcp.answer(target.into(), at, |_| None);
        } else if segment.rst() {
            let refused = "route = { to = \"cloud\", reply = \"refused\" }".to_owned();
            questions.tcp.answer(target.into(), at, |_| Some(refused));
        }
    }

    /// The client that is the device: the one that was asked for, or that asks most. On the air all that it asks may be
    /// encrypted.
    fn choose(&self, device: Option<[u8; 6]>) -> Result<Option<Client>, String> {
        let Some(mac) = device else {
            // Of those that ask as often, the first by its address.
            let most = self.clients.iter().rev().max_by_key(|(_, questions)| questions.count);
            return Ok(most.map(|(client, _)| *client));
        };
        let client = Client::Mac(mac);
        if self.clients.contains_key(&client) || self.joined.contains_key(&mac) {
            return Ok(Some(client));
        }
        let ask: Vec<String> = self.clients.keys().take(MOST_NAMED).map(Client::to_string).collect();
        Err(match (ask.as_slice(), self.stations().as_str()) {
            ([], "") => "it has no device that asks for anything".to_owned(),
            ([], stations) => format!("{client} sends and gets nothing in it; these do: {stations}"),
            (ask, _) => format!("{client} asks for nothing in it; these do: {}", ask.join(", ")),
        })
    }

    /// The stations that send or get something, by their addresses.
    fn stations(&self) -> String {
        let all = self.joined.keys().take(MOST_NAMED).map(|station| Client::Mac(*station).to_string());
        all.collect::<Vec<_>>().join(", ")
    }

    /// Makes evidence of what concerns one device.
    pub(super) fn finish(mut self, evidence: &mut Evidence, device: Option<[u8; 6]>) -> Result<(), String> {
        let file = self.file.clone();
        let chosen = self.choose(device)?;
        if let Some(client) = chosen.filter(|_| self.clients.len() > 1) {
            let others: Vec<String> =
                self.clients.keys().filter(|other| **other != client).take(10).map(Client::to_string).collect();
            evidence.notes.push(format!(
                "{file}: of {} devices {client} is taken as the one; --device says another ({})",
                self.clients.len(),
                others.join(", ")
            ));
        }
        if chosen.is_none() && !self.joined.is_empty() {
            evidence.notes.push(format!(
                "{file}: what its stations ask cannot be read, so that nobody knows which of them is the device; \
                 --device says it ({})",
                self.stations()
            ));
        }
        // At which access point it is, if that can be seen.
        let mac = match chosen {
            Some(Client::Mac(mac)) => Some(mac),
            Some(Client::Address(_)) | None => None,
        };
        let own = mac.and_then(|mac| self.joined.get(&mac)).map_or(&[][..], Vec::as_slice);
        self.networks.sort_by_key(|network| !own.is_empty() && network.bssid.as_ref() != own.last());
        let concerns = |trouble: &Trouble| match trouble.station {
            // Of several stations nobody knows which one is the device.
            Some(_) if mac.is_none() => self.joined.len() <= 1,
            Some(_) => trouble.station == mac,
            None => own.is_empty() || own.contains(&trouble.bssid),
        };
        let named = |Trouble { bssid, mut fault, .. }: Trouble| {
            if let Some(network) = self.networks.iter().find(|network| network.bssid == Some(bssid)) {
                fault.inject = fault.inject.replace("{network}", &quoted(&network.name));
            }
            fault
        };
        evidence.faults.extend(self.troubles.into_iter().filter(concerns).map(named));
        evidence.networks = self.networks;
        if let Some(questions) = chosen.and_then(|client| self.clients.remove(&client)) {
            questions.finish(&file, evidence);
        }
        Ok(())
    }
}

impl Questions {
    fn finish(self, file: &str, evidence: &mut Evidence) {
        let end = evidence.span.map_or(0, |(_, last)| last);
        let place = |number: u64| Origin::at(file, format!("packet {number}"));
        if let Some(at) = self.first_dhcp {
            evidence.starts.push(On { from: at - 2_520_000_000, until: None });
        }
        if let Some(number) = self.acknowledged {
            let because = "the capture has the device's lease".to_owned();
            let keys = "event.lease = { outcome = \"acknowledged\" }".to_owned();
            evidence.expected.push(Expected { keys, from: None, until: None, because, origin: place(number) });
        }
        if let Some((seconds, number)) = self.lease.filter(|(seconds, _)| *seconds != 86_400 && *seconds > 0) {
            let lease = duration(Time::from(seconds) * SECOND);
            let inject = format!("dhcp = {{ network = {{network}}, reply = {{ lease = \"{lease}\" }} }}");
            let what = "how long leases last".to_owned();
            evidence.faults.push(Fault {
                what,
                from: Time::MIN,
                until: None,
                count: None,
                inject,
                origin: place(number),
            });
        }
        let silent = "dhcp = { network = {network}, reply = \"silent\" }";
        evidence.faults.extend(self.dhcp.faults(file, "DHCP", silent, end));
        evidence.faults.extend(self.dns.faults(file, "DNS", "dns = \"silent\"", end));
        evidence.faults.extend(self.ntp.faults(file, "NTP", "ntp = \"silent\"", end));
        let silent = "route = { to = \"cloud\", reply = \"silent\" }";
        evidence.faults.extend(self.tcp.faults(file, "connections to the cloud", silent, end));
        let mut trips = self.round_trips;
        trips.sort_unstable();
        if let Some((trip, number)) = trips.get(trips.len() / 2) {
            evidence.latency = Some(((trip / 2).max(1_000_000) / 1_000_000 * 1_000_000, place(*number)));
            let because = "the capture has a connection to the cloud".to_owned();
            let keys = "event.connection = { outcome = \"opened\" }".to_owned();
            evidence.expected.push(Expected { keys, from: None, until: None, because, origin: place(*number) });
        }
    }
}

/// Whether an address is many stations'.
fn is_many(address: [u8; 6]) -> bool {
    address[0] & 1 == 1
}

/// To a tenth of a second.
fn round(took: Time) -> String {
    duration(took / (SECOND / 10) * (SECOND / 10))
}
