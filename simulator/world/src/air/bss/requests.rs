//! What stations ask of an access point: to be answered, authenticated, associated, let go.

use std::time::Duration;

use simulator_wlan::element::{self, CCMP, Elements, Rsn, RsnError, TKIP};
use simulator_wlan::header::{Header, Mac};
use simulator_wlan::management::{
    Body, REASON_NOT_AUTHENTICATED, STATUS_ALGORITHM, STATUS_CIPHER, STATUS_ELEMENT, STATUS_FULL,
    STATUS_KEY_MANAGEMENT, STATUS_NO_HIGH_THROUGHPUT, STATUS_SEQUENCE, STATUS_SUCCESS,
};

use super::super::access_point::{RadioMode, Security};
use super::super::radio::RadioId;
use super::client::Client;
use super::{Bss, CLIENTS, Effect, Outgoing, bodies};
use simulator_record::events::{JoinFailure, LinkLoss};
use simulator_record::random::Draw;
use simulator_record::time::Instant;

/// Status: it is refused, for a reason that has no number.
const STATUS_UNSPECIFIED: u16 = 1;
/// The only authentication algorithm that WPA2 and open networks use.
const OPEN_SYSTEM: u16 = 0;
/// From the association to the handshake's first message, in nanoseconds.
const FIRST_MESSAGE: (u64, u64) = (10_000_000, 30_000_000);

impl Bss {
    pub(super) fn request(
        &mut self,
        at: Instant,
        radio: RadioId,
        header: &Header<'_>,
        body: Body<'_>,
        admits: Result<(), u16>,
    ) {
        let mac = header.transmitter();
        if let Body::ProbeRequest { elements } = body {
            if bodies::means(&self.config, elements) {
                self.answer(at, Outgoing::ProbeResponse { to: mac });
            }
            return;
        }
        if !self.is_at(header.receiver()) {
            return;
        }
        match body {
            Body::Authentication { algorithm, sequence, .. } => {
                let status = self.authenticate(at, radio, mac, algorithm, sequence);
                let body = Body::Authentication { algorithm, sequence: 2, status, elements: Elements(&[]) };
                self.answer(at, Outgoing::Management(self.frame(mac, body)));
            }
            Body::AssociationRequest { elements, .. } => self.associate(at, mac, elements, admits, false),
            Body::ReassociationRequest { elements, .. } => self.associate(at, mac, elements, admits, true),
            Body::Deauthentication { .. } | Body::Disassociation { .. } => self.leaves(at, mac),
            _ => {}
        }
    }

    fn frame(&self, to: Mac, body: Body<'_>) -> Vec<u8> {
        body.frame(to, self.config.bssid, self.config.bssid)
    }

    /// A station that begins anew is forgotten first: it has restarted.
    fn authenticate(&mut self, at: Instant, radio: RadioId, mac: Mac, algorithm: u16, sequence: u16) -> u16 {
        if algorithm != OPEN_SYSTEM {
            // With a shared key, that is by WEP, or with SAE.
            let (why, status) = (JoinFailure::SecurityMismatch, Some(STATUS_ALGORITHM));
            self.effects.push(Effect::Failed { at, radio, why, status });
            return STATUS_ALGORITHM;
        }
        if sequence != 1 {
            return STATUS_SEQUENCE;
        }
        self.remove(at, mac, LinkLoss::Left);
        if self.clients.len() >= CLIENTS {
            return STATUS_FULL;
        }
        self.clients.insert(mac, Client::new(radio));
        STATUS_SUCCESS
    }

    fn associate(&mut self, at: Instant, mac: Mac, elements: Elements<'_>, admits: Result<(), u16>, again: bool) {
        let Some(client) = self.clients.get(&mac) else {
            return self.send_away(at, mac, REASON_NOT_AUTHENTICATED);
        };
        let (radio, was_joined) = (client.radio, client.joined);
        let admits = if was_joined { Ok(()) } else { admits.map_err(|status| (status, Some(JoinFailure::Refused))) };
        let (status, why) = self.check(elements).and(admits).err().unwrap_or((STATUS_SUCCESS, None));
        let id = if status == STATUS_SUCCESS { self.free_association(mac) } else { 0 };
        let (capability, association_elements) =
            (bodies::capability(&self.config), bodies::association_elements(&self.config));
        let elements = Elements(&association_elements);
        let body = match again {
            false => Body::AssociationResponse { capability, status, id, elements },
            true => Body::ReassociationResponse { capability, status, id, elements },
        };
        self.answer(at, Outgoing::Management(self.frame(mac, body)));
        if was_joined {
            self.effects.push(Effect::Gone { at, radio, reason: LinkLoss::Left });
        }
        let mut client = Client::new(radio);
        if status == STATUS_SUCCESS {
            client.association = Some(id);
        }
        self.effects.extend(why.map(|why| Effect::Failed { at, radio, why, status: Some(status) }));
        let associated = client.association.is_some();
        client.joined = associated && !bodies::is_protected(&self.config);
        if client.joined {
            self.effects.push(Effect::Joined { at, radio, mac });
        }
        self.clients.insert(mac, client);
        if associated && bodies::is_protected(&self.config) {
            let later = Duration::from_nanos(self.random.between(FIRST_MESSAGE.0, FIRST_MESSAGE.1));
            self.begin_handshake(at + later, mac);
        }
    }

    /// Whether what a station wants fits the network; if not, the status code that it is told, and what that is called
    /// if the station has meant this network.
    fn check(&self, elements: Elements<'_>) -> Result<(), (u16, Option<JoinFailure>)> {
        if elements.find(element::SSID) != Some(self.config.name.as_bytes()) {
            return Err((STATUS_UNSPECIFIED, None));
        }
        let can = elements.find(element::HIGH_THROUGHPUT_CAPABILITIES).is_some();
        if self.config.features.mode == RadioMode::NOnly && !can {
            return Err((STATUS_NO_HIGH_THROUGHPUT, Some(JoinFailure::Refused)));
        }
        // WPA3 is tried as WPA2, as far as a driver knows the network's keys at all: the access point is who refuses.
        let why = match self.config.security {
            Security::Wpa3(_) => JoinFailure::Refused,
            Security::Open
            | Security::Wep
            | Security::Wpa(_)
            | Security::Wpa2(_)
            | Security::Transition(_)
            | Security::Mixed(_) => JoinFailure::SecurityMismatch,
        };
        self.check_security(elements).map_err(|status| (status, Some(why)))
    }

    /// Of a protected network: WPA2 with CCMP and a pre-shared key, and for groups the cipher that the network has.
    fn check_security(&self, elements: Elements<'_>) -> Result<(), u16> {
        let group = match self.config.security {
            Security::Open => return Ok(()),
            // Their ciphers are not modelled: no station gets further than here.
            Security::Wep | Security::Wpa(_) => return Err(STATUS_CIPHER),
            Security::Wpa2(_) | Security::Transition(_) | Security::Wpa3(_) => CCMP,
            Security::Mixed(_) => TKIP,
        };
        let wanted = Rsn::of(elements).unwrap_or(Err(RsnError::Malformed)).and_then(|rsn| rsn.check(group));
        wanted.map_err(|error| match error {
            RsnError::Malformed => STATUS_ELEMENT,
            RsnError::KeyManagement => STATUS_KEY_MANAGEMENT,
            RsnError::Tkip | RsnError::Wep | RsnError::Cipher => STATUS_CIPHER,
        })?;
        // What fits so far brings a pre-shared key, and no SAE.
        if matches!(self.config.security, Security::Wpa3(_)) { Err(STATUS_KEY_MANAGEMENT) } else { Ok(()) }
    }

    /// The station's identifier, or the lowest that is free.
    fn free_association(&self, mac: Mac) -> u16 {
        let own = self.clients.get(&mac).and_then(|client| client.association);
        let taken = |id: u16| self.clients.values().any(|client| client.association == Some(id));
        own.unwrap_or_else(|| (1..=CLIENTS as u16).find(|id| !taken(*id)).unwrap_or(CLIENTS as u16))
    }

    /// A station that leaves in the middle of a handshake that went wrong has given up.
    fn leaves(&mut self, at: Instant, mac: Mac) {
        let failed = self.clients.get(&mac).filter(|client| {
            !client.joined && client.handshake.as_ref().is_some_and(|handshake| handshake.wrong_passphrase)
        });
        if let Some(radio) = failed.map(|client| client.radio) {
            self.effects.push(Effect::Failed { at, radio, why: JoinFailure::WrongPassphrase, status: None });
        }
        self.remove(at, mac, LinkLoss::Left);
    }
}
