//! Whoever answers in the cloud's place on port 443.
//!
//! Some of the attacks are ordinary TLS servers with certificates that must not be believed; they are served like the
//! cloud, over a cloud of their own that has no channels. The others break the handshake itself
//! (`fake_thingspeak::flawed_handshake`). Any request that gets through to either is recorded as an HTTP exchange with
//! this server: a scenario expects never to see one.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::pin::Pin;
use std::rc::Rc;

use fake_thingspeak::attack::{Attack, Means};
use fake_thingspeak::certificates::{Authority, CertificateError, Identity, KeyType, Kind};
use fake_thingspeak::cloud::Cloud;
use fake_thingspeak::flawed_handshake::{self, Ending, Flaw};
use fake_thingspeak::serve::serve;
use fake_thingspeak::tls::{TlsServer, server_config};
use time::OffsetDateTime;

use super::cloud_host::CloudHost;
use super::connection::Accepted;
use super::server::{MAN_IN_THE_MIDDLE, Shared};
use simulator_record::events::{self, Http};
use simulator_record::random::Seed;

/// What the man in the middle has prepared.
pub(super) struct ManInTheMiddle {
    seed: Seed,
    /// A server for each certificate that an attack shows.
    unbelievable: BTreeMap<Kind, TlsServer>,
    /// A copy of a good certificate for the cloud. That it comes with its key serves the attacks that are correct TLS;
    /// the others make no use of the key.
    good: Rc<Identity>,
    cloud: Rc<RefCell<Cloud>>,
}

impl ManInTheMiddle {
    /// Prepares certificates for `host` in the world of `authority`.
    pub fn new(authority: &Authority, host: &str, now: OffsetDateTime, seed: Seed) -> Result<Self, CertificateError> {
        let issue = |kind| authority.issue(kind, KeyType::P256, &[host], now);
        let prepare = |kind| {
            issue(kind).map(|identity| TlsServer::new(server_config(&identity, now), identity.key().scheme(), None))
        };
        let shown = Attack::ALL.iter().filter_map(|attack| match attack.means() {
            Means::Certificate(kind) => Some(kind),
            Means::Handshake(_) => None,
        });
        Ok(Self {
            seed,
            unbelievable: shown.map(|kind| Ok((kind, prepare(kind)?))).collect::<Result<_, CertificateError>>()?,
            good: Rc::new(issue(Kind::Good)?),
            cloud: Rc::new(RefCell::new(Cloud::new(seed.bytes("man in the middle")))),
        })
    }

    /// Attacks the client of a connection.
    pub fn attack(&self, attack: Attack, accepted: Accepted, shared: &Rc<Shared>) -> Pin<Box<dyn Future<Output = ()>>> {
        match attack.means() {
            Means::Certificate(kind) => self.serve(&self.unbelievable[&kind], accepted, shared),
            Means::Handshake(flaw) => self.break_handshake(flaw, accepted, shared),
        }
    }

    fn serve(&self, server: &TlsServer, accepted: Accepted, shared: &Rc<Shared>) -> Pin<Box<dyn Future<Output = ()>>> {
        let host = CloudHost::new(MAN_IN_THE_MIDDLE, &accepted, Rc::clone(shared), Rc::clone(&self.cloud));
        let server = server.clone();
        Box::pin(async move {
            serve(accepted.stream, Some(server), IpAddr::V4(*accepted.client.ip()), &host).await;
        })
    }

    fn break_handshake(
        &self,
        flaw: Flaw,
        accepted: Accepted,
        shared: &Rc<Shared>,
    ) -> Pin<Box<dyn Future<Output = ()>>> {
        let Accepted { number, station, mut stream, .. } = accepted;
        let mut random = self.seed.stream(&format!("flawed handshake {number}"));
        let (identity, shared) = (Rc::clone(&self.good), Rc::clone(shared));
        Box::pin(async move {
            let ending = flawed_handshake::serve(&mut stream, Some(flaw), &identity, &mut random).await;
            let outcome = match &ending {
                Ending::Refused(reason) => reason.clone(),
                Ending::Established(_) => "established".to_owned(),
            };
            let server = MAN_IN_THE_MIDDLE.to_owned();
            shared.record(Some(station), events::Tls { server, number, outcome });
            if let Ending::Established(request) = ending
                && !request.is_empty()
            {
                let exchange = read_request(&request, number, shared.clock.now());
                shared.record(Some(station), exchange);
            }
        })
    }
}

/// What a client has given away, as an HTTP exchange; bytes that are no HTTP are its body.
fn read_request(bytes: &[u8], connection: u32, received: simulator_record::time::Instant) -> Http {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut request = httparse::Request::new(&mut headers);
    let head = match request.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        _ => 0,
    };
    Http {
        server: MAN_IN_THE_MIDDLE.to_owned(),
        connection,
        tls: true,
        received,
        method: request.method.unwrap_or_default().to_owned(),
        target: request.path.unwrap_or_default().to_owned(),
        request_headers: request
            .headers
            .iter()
            .map(|header| (header.name.to_ascii_lowercase(), text(header.value)))
            .collect(),
        request_body: text(&bytes[head..]),
        status: Some(200),
        response_body: flawed_handshake::REPLY_BODY.to_owned(),
        stored: 0,
        fault: None,
    }
}
