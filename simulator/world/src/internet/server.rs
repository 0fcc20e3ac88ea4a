//! The servers behind the routers: who they are, where, and what serves a connection that reaches one.
//!
//! A connection to the cloud is served by `fake_thingspeak::serve` over a stream in memory, on port 443 with TLS (and
//! on one more port, if it has one); all of them share one cloud. While a man in the middle is active, new connections
//! to a port with TLS are his. Handshakes draw from a random stream of their connection's own, begun anew at each poll,
//! so that other worlds on the thread do not matter.

use core::net::{Ipv4Addr, SocketAddrV4};
use std::cell::{RefCell, RefMut};
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::net::IpAddr;
use std::rc::Rc;

use fake_thingspeak::certificates::{Authority, CertificateError, Profile};
use fake_thingspeak::cloud::Cloud;
use fake_thingspeak::legacy_tls::Policy;
use fake_thingspeak::serve::{WrittenReply, serve};
use fake_thingspeak::tls::seed_this_thread;
use smoltcp::wire::EthernetAddress;

use super::cloud_host::CloudHost;
use super::connection::{Accepted, Reporter};
use super::fault::{Attack, Faults, PortalReply};
use super::identities::{Identities, OWN};
use super::man_in_the_middle::ManInTheMiddle;
use super::task::{Clock, Task};
use super::{Seen, Settings};
use simulator_record::events::{self, ConnectionOutcome, EventKind};
use simulator_record::random::Seed;

/// The cloud's name in the record and in faults.
pub const CLOUD: &str = "cloud";
/// The time server's name in the record and in faults.
pub const TIME_SERVER: &str = "time server";
/// The name in the record of whoever answers in the cloud's place.
pub const MAN_IN_THE_MIDDLE: &str = "man in the middle";

/// The cloud's address (TEST-NET-3, RFC 5737).
pub const CLOUD_ADDRESS: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 80);
/// The time server's address (TEST-NET-3, RFC 5737).
pub const TIME_ADDRESS: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 123);

/// The name in the record of a captive portal.
pub const CAPTIVE_PORTAL: &str = "captive portal";
/// The address that a captive portal gives to each name (TEST-NET-3, RFC 5737).
pub const PORTAL_ADDRESS: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 67);
/// The servers' addresses.
pub const SERVERS: [Ipv4Addr; 3] = [CLOUD_ADDRESS, TIME_ADDRESS, PORTAL_ADDRESS];
/// Where whoever asks anything is sent to log in.
const LOGIN_PAGE: &str = "http://login.example/";

/// HTTP and HTTPS.
const HTTP: u16 = 80;
const HTTPS: u16 = 443;

/// What answers a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    /// The cloud; with TLS, and which of [`Identities`] it shows.
    Cloud { tls: Option<usize> },
    /// Somebody in its place.
    ManInTheMiddle(Attack),
    /// Whoever wants a login first.
    CaptivePortal(PortalReply),
}

/// What all parts of the internet share.
pub(super) struct Shared {
    pub clock: Rc<Clock>,
    pub faults: RefCell<Faults>,
    pub seen: RefCell<Vec<Seen>>,
}

impl Shared {
    /// Records what happened to a station, or to nobody in particular.
    pub fn record(&self, station: Option<EthernetAddress>, event: impl Into<EventKind>) {
        self.seen.borrow_mut().push(Seen { station, kind: event.into() });
    }

    /// Records that a rule did something.
    pub fn record_fault(&self, station: EthernetAddress, rule: String, action: impl Into<String>) {
        self.record(Some(station), events::Fault { rule, action: events::FaultAction::Did(action.into()) });
    }
}

/// The servers.
pub(super) struct Servers {
    shared: Rc<Shared>,
    seed: Seed,
    cloud: Rc<RefCell<Cloud>>,
    identities: Identities,
    cloud_port: Option<CloudPort>,
    man_in_the_middle: ManInTheMiddle,
    by_address: BTreeMap<Ipv4Addr, &'static str>,
}

impl Servers {
    /// The cloud and the time server, with their keys and certificates.
    pub fn new(settings: &Settings, seed: Seed, shared: Rc<Shared>) -> Result<Self, CertificateError> {
        let authority = Authority::from_seed(seed.bytes("certificate authority"))?;
        let cloud = &settings.cloud;
        Ok(Self {
            cloud: Rc::new(RefCell::new(Cloud::new(seed.bytes("cloud")))),
            cloud_port: cloud.port,
            man_in_the_middle: ManInTheMiddle::new(&authority, &cloud.host, settings.start, seed)?,
            identities: Identities::new(authority, cloud, settings.start)?,
            by_address: BTreeMap::from([
                (CLOUD_ADDRESS, CLOUD),
                (TIME_ADDRESS, TIME_SERVER),
                (PORTAL_ADDRESS, CAPTIVE_PORTAL),
            ]),
            shared,
            seed,
        })
    }

    /// The cloud's channels.
    pub fn cloud(&self) -> RefMut<'_, Cloud> {
        self.cloud.borrow_mut()
    }

    /// Who vouches for the cloud.
    pub fn authority(&self) -> &Authority {
        self.identities.authority()
    }

    /// The server that answers at `address`: at any, the captive portal, while there is one.
    pub fn at(&self, address: Ipv4Addr) -> Option<&'static str> {
        if self.shared.faults.borrow().portal().is_some() {
            return Some(CAPTIVE_PORTAL);
        }
        self.by_address.get(&address).copied()
    }

    /// What answers a new connection to a port of `server`; counts the rules of who answers and with which certificate.
    pub fn service(&mut self, server: &str, port: u16, station: EthernetAddress) -> Option<Service> {
        if server == CAPTIVE_PORTAL {
            // What is encrypted it cannot answer, and refuses.
            let portal = self.shared.faults.borrow().portal().filter(|_| port == HTTP)?;
            self.shared.record_fault(station, portal.rule, "the captive portal took a connection");
            return Some(Service::CaptivePortal(portal.fault));
        }
        if server != CLOUD {
            return None;
        }
        let tls = match port {
            HTTP => false,
            HTTPS => true,
            port => self.cloud_port.filter(|own| own.number == port)?.tls,
        };
        match tls {
            false => Some(Service::Cloud { tls: None }),
            true => {
                let attacker = self.shared.faults.borrow_mut().man_in_the_middle();
                if let Some(attacker) = attacker {
                    self.shared.record_fault(station, attacker.rule, "took a connection to the cloud");
                    return Some(Service::ManInTheMiddle(attacker.fault));
                }
                Some(Service::Cloud { tls: Some(self.shown(station)) })
            }
        }
    }

    /// Which certificate a new connection to the cloud is shown.
    fn shown(&mut self, station: EthernetAddress) -> usize {
        let other = self.shared.faults.borrow_mut().certificate();
        let Some(other) = other else { return OWN };
        match self.identities.of(&other.fault) {
            Ok(shown) => {
                self.shared.record_fault(station, other.rule, "the cloud showed another certificate");
                shown
            }
            Err(error) => {
                self.shared.record_fault(station, other.rule, format!("the cloud kept its certificate: {error}"));
                OWN
            }
        }
    }
}

impl Service {
    /// The name of who answers.
    pub fn server(self) -> &'static str {
        match self {
            Self::Cloud { .. } => CLOUD,
            Self::ManInTheMiddle(_) => MAN_IN_THE_MIDDLE,
            Self::CaptivePortal(_) => CAPTIVE_PORTAL,
        }
    }
}

impl Reporter for Servers {
    fn serve(&mut self, service: Service, accepted: Accepted) -> Task {
        let (seed, number) = (self.seed, accepted.number);
        match service {
            Service::Cloud { tls } => {
                let client = IpAddr::V4(*accepted.client.ip());
                let host = CloudHost::new(CLOUD, &accepted, Rc::clone(&self.shared), Rc::clone(&self.cloud));
                let config = tls.map(|shown| self.identities.server(shown));
                let stream = accepted.stream;
                seeded(seed, number, async move {
                    // Host and stream have told how it ended.
                    serve(stream, config, client, &host).await;
                })
            }
            Service::CaptivePortal(says) => {
                let client = IpAddr::V4(*accepted.client.ip());
                let page = "<html><title>Welcome</title><form>Your room number: <input name=room></form></html>";
                let mut reply = WrittenReply { body: page.to_owned(), ..WrittenReply::default() };
                reply.headers.push(("Content-Type".to_owned(), "text/html".to_owned()));
                if says == PortalReply::Redirect {
                    reply.status = 302;
                    reply.headers.push(("Location".to_owned(), LOGIN_PAGE.to_owned()));
                }
                let host = CloudHost::new(CAPTIVE_PORTAL, &accepted, Rc::clone(&self.shared), Rc::clone(&self.cloud));
                let host = host.that_answers(reply);
                let stream = accepted.stream;
                seeded(seed, number, async move {
                    serve(stream, None, client, &host).await;
                })
            }
            Service::ManInTheMiddle(attack) => {
                let work = self.man_in_the_middle.attack(attack, accepted, &self.shared);
                seeded(seed, number, work)
            }
        }
    }

    fn report(
        &mut self,
        server: &str,
        number: u32,
        client: SocketAddrV4,
        station: EthernetAddress,
        outcome: ConnectionOutcome,
    ) {
        self.shared.record(Some(station), events::Connection { server: server.to_owned(), number, outcome, client });
    }
}

/// A task whose handshake draws from the connection's own randomness.
fn seeded(seed: Seed, number: u32, work: impl Future<Output = ()> + 'static) -> Task {
    let mut work = Box::pin(work);
    let mut polls = 0_u32;
    Task::new(poll_fn(move |context| {
        seed_this_thread(seed.bytes(&format!("handshake {number}, poll {polls}")));
        polls += 1;
        work.as_mut().poll(context)
    }))
}

/// The cloud of the world.
#[derive(Clone, Debug)]
pub struct CloudSettings {
    /// The name it answers to.
    pub host: String,
    /// What its certificate is like.
    pub certificate: Profile,
    /// When it speaks the TLS of old devices.
    pub legacy_tls: Policy,
    /// A port that it answers at besides 80 and 443.
    pub port: Option<CloudPort>,
}

/// A port of the cloud's besides 80 and 443.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CloudPort {
    /// The port.
    pub number: u16,
    /// Whether it speaks TLS there.
    pub tls: bool,
}
