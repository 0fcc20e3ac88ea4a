//! Management frames: what stations and access points say about themselves and to each other (IEEE 802.11-2020 §9.3.3).
//!
//! A [`Body`] is parsed in place and put together again byte for byte, but for what follows fixed fields that have no
//! elements. Frames of other subtypes (ATIM, timing advertisement, action) are parsed as `None`.
//!
//! Own code instead of the crate `ieee80211`: eleven bodies of fixed fields and a list of elements are about as much
//! code as the glue to its typed lists would be, without its ten dependencies.

use crate::element::Elements;
use crate::header::{Header, Mac, Type};

/// Capability: an access point says this.
pub const CAPABILITY_ESS: u16 = 1;
/// Capability: frames are encrypted.
pub const CAPABILITY_PRIVACY: u16 = 1 << 4;
/// Capability: short slots.
pub const CAPABILITY_SHORT_SLOT: u16 = 1 << 10;

/// Status: it went well.
pub const STATUS_SUCCESS: u16 = 0;
/// Status: an authentication algorithm that the other does not do.
pub const STATUS_ALGORITHM: u16 = 13;
/// Status: authentication frames out of order.
pub const STATUS_SEQUENCE: u16 = 14;
/// Status: the access point takes no more stations.
pub const STATUS_FULL: u16 = 17;
/// Status: the access point takes only stations of 802.11n.
pub const STATUS_NO_HIGH_THROUGHPUT: u16 = 27;
/// Status: an element is invalid or missing.
pub const STATUS_ELEMENT: u16 = 40;
/// Status: the way to come by keys is refused.
pub const STATUS_KEY_MANAGEMENT: u16 = 43;
/// Status: the cipher is refused.
pub const STATUS_CIPHER: u16 = 46;

/// Reason: the sender leaves.
pub const REASON_LEAVING: u16 = 3;
/// Reason: a frame that only authenticated stations may send.
pub const REASON_NOT_AUTHENTICATED: u16 = 6;
/// Reason: a frame that only associated stations may send.
pub const REASON_NOT_ASSOCIATED: u16 = 7;
/// Reason: no answer in the four-way handshake.
pub const REASON_HANDSHAKE_TIMEOUT: u16 = 15;
/// Reason: no answer to new group keys.
pub const REASON_GROUP_TIMEOUT: u16 = 16;

/// The body of a management frame.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "the fields are the standard's")]
pub enum Body<'b> {
    AssociationRequest { capability: u16, listen_interval: u16, elements: Elements<'b> },
    AssociationResponse { capability: u16, status: u16, id: u16, elements: Elements<'b> },
    ReassociationRequest { capability: u16, listen_interval: u16, current: Mac, elements: Elements<'b> },
    ReassociationResponse { capability: u16, status: u16, id: u16, elements: Elements<'b> },
    ProbeRequest { elements: Elements<'b> },
    ProbeResponse { timestamp: u64, interval: u16, capability: u16, elements: Elements<'b> },
    Beacon { timestamp: u64, interval: u16, capability: u16, elements: Elements<'b> },
    Disassociation { reason: u16 },
    Authentication { algorithm: u16, sequence: u16, status: u16, elements: Elements<'b> },
    Deauthentication { reason: u16 },
}

/// Identifiers have the two upper bits set on the air.
const ID_BITS: u16 = 0xC000;

impl<'b> Body<'b> {
    /// The body behind the header of a management frame; `None` of other frames and subtypes, of protected ones and if
    /// the fixed fields are not whole.
    pub fn of(header: &Header<'b>) -> Option<Self> {
        if header.kind() != Type::Management || header.has(crate::header::PROTECTED) {
            return None;
        }
        let mut fields = Fields(header.body());
        Some(match header.subtype() {
            0 => Self::AssociationRequest {
                capability: fields.half()?,
                listen_interval: fields.half()?,
                elements: fields.elements(),
            },
            1 => Self::AssociationResponse {
                capability: fields.half()?,
                status: fields.half()?,
                id: fields.half()? & !ID_BITS,
                elements: fields.elements(),
            },
            2 => Self::ReassociationRequest {
                capability: fields.half()?,
                listen_interval: fields.half()?,
                current: fields.take()?,
                elements: fields.elements(),
            },
            3 => Self::ReassociationResponse {
                capability: fields.half()?,
                status: fields.half()?,
                id: fields.half()? & !ID_BITS,
                elements: fields.elements(),
            },
            4 => Self::ProbeRequest { elements: fields.elements() },
            5 => Self::ProbeResponse {
                timestamp: u64::from_le_bytes(fields.take()?),
                interval: fields.half()?,
                capability: fields.half()?,
                elements: fields.elements(),
            },
            8 => Self::Beacon {
                timestamp: u64::from_le_bytes(fields.take()?),
                interval: fields.half()?,
                capability: fields.half()?,
                elements: fields.elements(),
            },
            10 => Self::Disassociation { reason: fields.half()? },
            11 => Self::Authentication {
                algorithm: fields.half()?,
                sequence: fields.half()?,
                status: fields.half()?,
                elements: fields.elements(),
            },
            12 => Self::Deauthentication { reason: fields.half()? },
            _ => return None,
        })
    }

    fn subtype(&self) -> u8 {
        match self {
            Self::AssociationRequest { .. } => 0,
            Self::AssociationResponse { .. } => 1,
            Self::ReassociationRequest { .. } => 2,
            Self::ReassociationResponse { .. } => 3,
            Self::ProbeRequest { .. } => 4,
            Self::ProbeResponse { .. } => 5,
            Self::Beacon { .. } => 8,
            Self::Disassociation { .. } => 10,
            Self::Authentication { .. } => 11,
            Self::Deauthentication { .. } => 12,
        }
    }

    /// The whole frame, with sequence number 0 (see [`set_sequence_number`]) and no duration.
    pub fn frame(&self, receiver: Mac, transmitter: Mac, bssid: Mac) -> Vec<u8> {
        let mut frame = vec![self.subtype() << 4, 0, 0, 0];
        frame.extend([receiver, transmitter, bssid].concat());
        frame.extend([0, 0]);
        let halves = |frame: &mut Vec<u8>, halves: &[u16]| {
            frame.extend(halves.iter().flat_map(|half| half.to_le_bytes()));
        };
        match *self {
            Self::AssociationRequest { capability, listen_interval, elements } => {
                halves(&mut frame, &[capability, listen_interval]);
                frame.extend(elements.0);
            }
            Self::AssociationResponse { capability, status, id, elements }
            | Self::ReassociationResponse { capability, status, id, elements } => {
                halves(&mut frame, &[capability, status, id | ID_BITS]);
                frame.extend(elements.0);
            }
            Self::ReassociationRequest { capability, listen_interval, current, elements } => {
                halves(&mut frame, &[capability, listen_interval]);
                frame.extend(current);
                frame.extend(elements.0);
            }
            Self::ProbeRequest { elements } => frame.extend(elements.0),
            Self::ProbeResponse { timestamp, interval, capability, elements }
            | Self::Beacon { timestamp, interval, capability, elements } => {
                frame.extend(timestamp.to_le_bytes());
                halves(&mut frame, &[interval, capability]);
                frame.extend(elements.0);
            }
            Self::Authentication { algorithm, sequence, status, elements } => {
                halves(&mut frame, &[algorithm, sequence, status]);
                frame.extend(elements.0);
            }
            Self::Disassociation { reason } | Self::Deauthentication { reason } => halves(&mut frame, &[reason]),
        }
        frame
    }
}

/// Gives a management or data frame its sequence number, of which the lower 12 bits count.
pub fn set_sequence_number(frame: &mut [u8], number: u16) {
    if let Some(field) = frame.get_mut(22..24) {
        field.copy_from_slice(&(number << 4).to_le_bytes());
    }
}

/// Reads fixed fields one after the other.
struct Fields<'b>(&'b [u8]);

impl<'b> Fields<'b> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    fn half(&mut self) -> Option<u16> {
        self.take().map(u16::from_le_bytes)
    }

    fn elements(&self) -> Elements<'b> {
        Elements(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::element;
    use crate::header::BROADCAST;

    const STATION: Mac = [2, 0, 0, 0, 0, 1];
    const ACCESS_POINT: Mac = [2, 0, 0, 0, 0, 2];

    #[test]
    fn a_beacon_is_what_an_access_point_sends() {
        let mut elements = Vec::new();
        element::push(&mut elements, element::SSID, b"home");
        let beacon =
            Body::Beacon { timestamp: 102_400, interval: 100, capability: 0x0411, elements: Elements(&elements) };
        let mut frame = beacon.frame(BROADCAST, ACCESS_POINT, ACCESS_POINT);
        set_sequence_number(&mut frame, 0x123);
        let mut expected = vec![0x80, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF];
        expected.extend([ACCESS_POINT, ACCESS_POINT].concat());
        expected.extend([0x30, 0x12, 0x00, 0x90, 0x01, 0, 0, 0, 0, 0, 100, 0, 0x11, 0x04, 0, 4]);
        expected.extend(b"home");
        assert_eq!(frame, expected);
    }

    #[test]
    fn every_body_comes_back_as_it_was() {
        let elements = Elements(&[0, 2, b'h', b'i']);
        let bodies = [
            Body::AssociationRequest { capability: 1, listen_interval: 3, elements },
            Body::AssociationResponse { capability: 1, status: 17, id: 0, elements },
            Body::ReassociationRequest { capability: 1, listen_interval: 3, current: ACCESS_POINT, elements },
            Body::ReassociationResponse { capability: 1, status: 0, id: 5, elements },
            Body::ProbeRequest { elements },
            Body::ProbeResponse { timestamp: 1 << 40, interval: 100, capability: 1, elements },
            Body::Beacon { timestamp: 1 << 40, interval: 100, capability: 1, elements },
            Body::Disassociation { reason: 8 },
            Body::Authentication { algorithm: 0, sequence: 2, status: 0, elements },
            Body::Deauthentication { reason: 15 },
        ];
        for body in bodies {
            let frame = body.frame(STATION, ACCESS_POINT, ACCESS_POINT);
            let header = Header::of(&frame).unwrap();
            assert_eq!((header.receiver(), header.transmitter()), (STATION, ACCESS_POINT));
            let parsed = Body::of(&header).unwrap();
            assert_eq!(format!("{parsed:?}"), format!("{body:?}"));
        }
    }
}
