//! Questions and answers of a capture, and what of them becomes part of a scenario.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use smoltcp::wire::{DhcpMessageType, DhcpPacket, DhcpRepr, DnsPacket, DnsRcode, TcpPacket};

use super::super::evidence::{Evidence, Expected, Fault, Network, On, Origin, SECOND, Time, duration};

/// An answer that comes later than this is slow.
const SLOW: Time = SECOND;
/// Seconds from 1900 to 1970, as NTP counts.
const NTP_EPOCH: Time = 2_208_988_800;
/// What a client asks that is no answer within this has none.
const PATIENCE: Time = 5 * SECOND;

/// An access point's beacon.
pub(super) struct Beacon {
    pub bssid: [u8; 6],
    pub name: String,
    pub channel: Option<u8>,
    pub protected: bool,
    pub signal: Option<i32>,
}

/// One kind of question: those without an answer yet, and the trouble that is under way.
#[derive(Default)]
struct Asked {
    open: BTreeMap<u64, (Time, u64)>,
    /// What became of each question: when it was asked, in which packet, and what was wrong with the answer.
    done: Vec<(Time, u64, Option<String>)>,
}

impl Asked {
    fn ask(&mut self, id: u64, at: Time, number: u64) {
        self.open.entry(id).or_insert((at, number));
    }

    fn answer(&mut self, id: u64, at: Time, trouble: impl FnOnce(Time) -> Option<String>) {
        if let Some((asked, number)) = self.open.remove(&id) {
            self.done.push((asked, number, trouble(at - asked)));
        }
    }

    /// Troubles in a row as one fault each: from behind the last question that met none, for nobody knows more, until
    /// the next that did not.
    fn faults(mut self, file: &str, what: &str, silent: &str, end: Time) -> Vec<Fault> {
        for (asked, number) in std::mem::take(&mut self.open).into_values().filter(|(asked, _)| end - asked > PATIENCE)
        {
            self.done.push((asked, number, Some(silent.to_owned())));
        }
        self.done.sort_by_key(|(asked, number, _)| (*asked, *number));
        let mut faults: Vec<Fault> = Vec::new();
        let mut under_way: Option<String> = None;
        let mut since = Time::MIN;
        for (asked, number, trouble) in self.done {
            if trouble == under_way {
                if trouble.is_none() {
                    since = asked + SECOND / 100;
                }
                continue;
            }
            if under_way.is_some()
                && let Some(last) = faults.last_mut()
            {
                last.until = Some(asked - SECOND / 100);
            }
            if let Some(inject) = &trouble {
                let origin = Origin::at(file, format!("packet {number}"));
                let from = if under_way.is_some() { asked - SECOND / 100 } else { since };
                faults.push(Fault {
                    what: what.to_owned(),
                    from,
                    until: None,
                    count: None,
                    inject: inject.clone(),
                    origin,
                });
            }
            since = asked + SECOND / 100;
            under_way = trouble;
        }
        faults
    }
}

/// All that is said in a capture.
pub(super) struct Talk {
    file: String,
    dhcp: Asked,
    dns: Asked,
    ntp: Asked,
    tcp: Asked,
    networks: Vec<Network>,
    faults: Vec<Fault>,
    first_dhcp: Option<Time>,
    acknowledged: Option<u64>,
    /// The lease that was given, in seconds, and by which packet.
    lease: Option<(u32, u64)>,
    /// When the last beacon of each access point came.
    heard: BTreeMap<[u8; 6], (Time, u64)>,
    round_trips: Vec<(Time, u64)>,
}

impl Talk {
    pub(super) fn new(file: &str) -> Self {
        Self {
            file: file.to_owned(),
            dhcp: Asked::default(),
            dns: Asked::default(),
            ntp: Asked::default(),
            tcp: Asked::default(),
            networks: Vec::new(),
            faults: Vec::new(),
            first_dhcp: None,
            acknowledged: None,
            lease: None,
            heard: BTreeMap::new(),
            round_trips: Vec::new(),
        }
    }

    fn origin(&self, number: u64) -> Origin {
        Origin::at(&self.file, format!("packet {number}"))
    }

    pub(super) fn beacon(&mut self, at: Time, number: u64, beacon: Beacon) {
        let Beacon { bssid, name, channel, protected, signal } = beacon;
        if name.trim_matches('\0').is_empty() {
            return;
        }
        let origin = self.origin(number);
        if let Some((last, _)) = self.heard.insert(bssid, (at, number))
            && at - last > 10 * SECOND
        {
            let inject = "access-point = { network = {network}, state = \"off\", deauth = false }".to_owned();
            let (from, until) = (last + SECOND / 10, Some(at));
            let what = format!("{name} sends no beacons");
            self.faults.push(Fault { what, from, until, count: None, inject, origin: origin.clone() });
        }
        if !self.networks.iter().any(|network| network.bssid == Some(bssid)) {
            let network = Network { name, protected, bssid: Some(bssid), channel, signal, origin: Some(origin) };
            self.networks.push(network);
        }
    }

    pub(super) fn sent_away(&mut self, at: Time, number: u64, _bssid: [u8; 6]) {
        let inject = "access-point = { network = {network}, state = \"off\" }".to_owned();
        let origin = self.origin(number);
        let until = Some(at + SECOND);
        self.faults.push(Fault {
            what: "the access point sends stations away".to_owned(),
            from: at,
            until,
            count: None,
            inject,
            origin,
        });
    }

    pub(super) fn dhcp(&mut self, at: Time, number: u64, data: &[u8]) {
        let Ok(packet) = DhcpPacket::new_checked(data) else { return };
        let Ok(repr) = DhcpRepr::parse(&packet) else { return };
        let id = u64::from(repr.transaction_id);
        match repr.message_type {
            DhcpMessageType::Discover | DhcpMessageType::Request => {
                self.first_dhcp.get_or_insert(at);
                self.dhcp.ask(id, at, number);
            }
            DhcpMessageType::Offer | DhcpMessageType::Ack => {
                if repr.message_type == DhcpMessageType::Ack {
                    self.acknowledged.get_or_insert(number);
                    self.lease = self.lease.or(repr.lease_duration.map(|seconds| (seconds, number)));
                }
                self.dhcp.answer(id, at, |took| {
                    (took > SLOW).then(|| {
                        format!("dhcp = {{ network = {{network}}, reply = {{ slow = \"{}\" }} }}", round(took))
                    })
                });
            }
            DhcpMessageType::Nak => {
                self.dhcp.answer(id, at, |_| Some("dhcp = { network = {network}, reply = \"refuse\" }".to_owned()));
            }
            _ => {}
        }
    }

    pub(super) fn dns(&mut self, at: Time, number: u64, data: &[u8]) {
        let Ok(packet) = DnsPacket::new_checked(data) else { return };
        let id = u64::from(packet.transaction_id());
        if packet.flags().bits() & 0x8000 == 0 {
            return self.dns.ask(id, at, number);
        }
        let rcode = packet.rcode();
        self.dns.answer(id, at, |took| match rcode {
            DnsRcode::NoError => (took > SLOW).then(|| format!("dns = {{ slow = \"{}\" }}", round(took))),
            DnsRcode::NXDomain => Some("dns = \"no-such-name\"".to_owned()),
            DnsRcode::Refused => Some("dns = \"refused\"".to_owned()),
            _ => Some("dns = \"server-failure\"".to_owned()),
        });
    }

    pub(super) fn ntp(&mut self, at: Time, number: u64, data: &[u8]) {
        let Some(data) = data.first_chunk::<48>() else { return };
        let stamp = |place: usize| u64::from_be_bytes(std::array::from_fn(|index| data[place + index]));
        match data[0] & 7 {
            // A client's transmit time comes back as the answer's origin.
            3 => self.ntp.ask(stamp(40), at, number),
            4 => {
                let (stratum, told) = (data[1], stamp(40));
                let wrong = ((told >> 32) as Time - NTP_EPOCH) * SECOND - at;
                self.ntp.answer(stamp(24), at, |took| {
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

    pub(super) fn tcp(&mut self, at: Time, number: u64, from: Ipv4Addr, to: Ipv4Addr, segment: &TcpPacket<&[u8]>) {
        let (source, target) = (segment.src_port(), segment.dst_port());
        let web = |port: u16| matches!(port, 80 | 443);
        let id = |client: Ipv4Addr, port: u16| u64::from(u32::from(client)) << 16 | u64::from(port);
        if segment.syn() && !segment.ack() && web(target) {
            self.tcp.ask(id(from, source), at, number);
        } else if web(source) && segment.syn() && segment.ack() {
            if let Some((asked, _)) = self.tcp.open.get(&id(to, target)) {
                self.round_trips.push((at - asked, number));
            }
            self.tcp.answer(id(to, target), at, |_| None);
        } else if web(source) && segment.rst() {
            self.tcp.answer(id(to, target), at, |_| Some("route = { to = \"cloud\", reply = \"refused\" }".to_owned()));
        }
    }

    /// Makes evidence of it.
    pub(super) fn finish(self, evidence: &mut Evidence) {
        let file = self.file.clone();
        let end = evidence.span.map_or(0, |(_, last)| last);
        let place = |number: u64| Origin::at(&file, format!("packet {number}"));
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
        evidence.faults.extend(self.faults);
        let silent = "dhcp = { network = {network}, reply = \"silent\" }";
        evidence.faults.extend(self.dhcp.faults(&file, "DHCP", silent, end));
        evidence.faults.extend(self.dns.faults(&file, "DNS", "dns = \"silent\"", end));
        evidence.faults.extend(self.ntp.faults(&file, "NTP", "ntp = \"silent\"", end));
        let silent = "route = { to = \"cloud\", reply = \"silent\" }";
        evidence.faults.extend(self.tcp.faults(&file, "connections to the cloud", silent, end));
        let mut trips = self.round_trips;
        trips.sort_unstable();
        if let Some((trip, number)) = trips.get(trips.len() / 2) {
            evidence.latency = Some(((trip / 2).max(1_000_000) / 1_000_000 * 1_000_000, place(*number)));
            let because = "the capture has a connection to the cloud".to_owned();
            let keys = "event.connection = { outcome = \"opened\" }".to_owned();
            evidence.expected.push(Expected { keys, from: None, until: None, because, origin: place(*number) });
        }
        evidence.networks = self.networks;
    }
}

/// To a tenth of a second.
fn round(took: Time) -> String {
    duration(took / (SECOND / 10) * (SECOND / 10))
}
