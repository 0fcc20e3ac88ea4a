//! Data frames between a station and its access point, and the Ethernet frames that they carry (IEEE 802.11-2020
//! §9.3.2, annex P; RFC 1042).
//!
//! An Ethernet frame's type and payload travel behind an LLC and a SNAP header; one with a length in the place of the
//! type has an LLC header of its own and travels as it is.
//!
//! Not modelled: aggregates of frames (A-MSDU), frames between access points, fragments.

use crate::ccmp;
use crate::header::{FROM_DS, Header, Mac, PROTECTED, TO_DS, Type};

/// The EtherType of 802.1X, which carries EAPOL-Key frames.
pub const EAPOL: u16 = 0x888E;

/// LLC for SNAP, and the organisation code of EtherTypes.
const SNAP: [u8; 6] = [0xAA, 0xAA, 3, 0, 0, 0];
/// The organisation code of EtherTypes that SNAP cannot carry: AARP and IPX.
const BRIDGE_TUNNEL: [u8; 6] = [0xAA, 0xAA, 3, 0, 0, 0xF8];
const BRIDGED_TYPES: [u16; 2] = [0x80F3, 0x8137];
/// Destination, source and type.
const ETHERNET_HEADER: usize = 14;
/// What is less is a length.
const FIRST_TYPE: u16 = 0x0600;
/// Frames of this subtype and its variants carry nothing.
const NO_DATA: u8 = 4;

/// Which way a data frame goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From a station to its access point.
    ToAccessPoint,
    /// From an access point to a station or group.
    ToStation,
}

/// A data frame (without sequence number, duration and protection) with what an Ethernet frame carries; `None` if that
/// has no whole header.
pub fn from_ethernet(ethernet: &[u8], way: Way, bssid: Mac) -> Option<Vec<u8>> {
    let destination: Mac = *ethernet.first_chunk()?;
    let source: Mac = *ethernet.get(6..)?.first_chunk()?;
    let kind = u16::from_be_bytes(*ethernet.get(12..)?.first_chunk()?);
    let payload = &ethernet[ETHERNET_HEADER..];
    let (flags, addresses) = match way {
        Way::ToAccessPoint => (TO_DS, [bssid, source, destination]),
        Way::ToStation => (FROM_DS, [destination, bssid, source]),
    };
    let mut frame = vec![0x08, flags, 0, 0];
    frame.extend(addresses.concat());
    frame.extend([0, 0]);
    if kind >= FIRST_TYPE {
        frame.extend(if BRIDGED_TYPES.contains(&kind) { BRIDGE_TUNNEL } else { SNAP });
        frame.extend(kind.to_be_bytes());
        frame.extend(payload);
    } else {
        frame.extend(&payload[..payload.len().min(kind.into())]);
    }
    Some(frame)
}

/// The Ethernet frame that an unprotected (or decrypted) data frame carries, or `None` if it carries none. What follows
/// the CCMP or TKIP header of a frame that says it is protected is taken for decrypted.
pub fn to_ethernet(frame: &[u8]) -> Option<Vec<u8>> {
    let header = Header::of(frame).filter(carries_data)?;
    let (destination, source) = match header.flags() & (TO_DS | FROM_DS) {
        TO_DS => (header.third(), header.transmitter()),
        FROM_DS => (header.receiver(), header.third()),
        _ => return None,
    };
    let body = if header.has(PROTECTED) { header.body().get(ccmp::HEADER..)? } else { header.body() };
    let mut ethernet = [destination, source].concat();
    match body.split_at_checked(SNAP.len()) {
        Some((llc, typed)) if (llc == SNAP || llc == BRIDGE_TUNNEL) && typed.len() >= 2 => ethernet.extend(typed),
        _ if body.len() < FIRST_TYPE.into() => {
            ethernet.extend((body.len() as u16).to_be_bytes());
            ethernet.extend(body);
        }
        _ => return None,
    }
    Some(ethernet)
}

/// Whether a frame is a data frame with data in it, not a null function.
pub fn carries_data(header: &Header<'_>) -> bool {
    header.kind() == Type::Data && header.subtype() & NO_DATA == 0
}

/// A null function, by which a station says whether it sleeps.
pub fn null(station: Mac, bssid: Mac, flags: u8) -> Vec<u8> {
    let mut frame = vec![0x48, TO_DS | flags, 0, 0];
    frame.extend([bssid, station, bssid].concat());
    frame.extend([0, 0]);
    frame
}

/// A poll by which a station that has woken asks for one of the frames that are kept for it.
pub fn ps_poll(station: Mac, bssid: Mac, association: u16) -> Vec<u8> {
    let mut frame = vec![0xA4, 0];
    frame.extend((association | 0xC000).to_le_bytes());
    frame.extend([bssid, station].concat());
    frame
}

/// Marks a data frame as protected and puts a CCMP header into it, ready to be [encrypted](ccmp::encrypt).
pub fn add_ccmp_header(frame: &mut Vec<u8>, packet_number: u64, key_id: u8) {
    add_cipher_header(frame, ccmp::header(packet_number, key_id));
}

pub(crate) fn add_cipher_header(frame: &mut Vec<u8>, header: [u8; ccmp::HEADER]) {
    if let Some(length) = Header::of(frame).map(|header| header.length()) {
        frame[1] |= PROTECTED;
        frame.splice(length..length, header);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATION: Mac = [2, 0, 0, 0, 0, 1];
    const BSSID: Mac = [2, 0, 0, 0, 0, 2];
    const SERVER: Mac = [2, 0, 0, 0, 0, 3];

    fn ethernet(to: Mac, from: Mac, kind: u16, payload: &[u8]) -> Vec<u8> {
        [&to[..], &from, &kind.to_be_bytes(), payload].concat()
    }

    #[test]
    fn an_ethernet_frame_travels_both_ways() {
        for kind in [0x0800, EAPOL, 0x80F3, 4] {
            let up = ethernet(SERVER, STATION, kind, b"data");
            let frame = from_ethernet(&up, Way::ToAccessPoint, BSSID).unwrap();
            let header = Header::of(&frame).unwrap();
            assert_eq!((header.receiver(), header.transmitter(), header.third()), (BSSID, STATION, SERVER));
            assert_eq!(to_ethernet(&frame), Some(up), "{kind:04x}");
            let down = ethernet(STATION, SERVER, kind, b"data");
            let frame = from_ethernet(&down, Way::ToStation, BSSID).unwrap();
            let header = Header::of(&frame).unwrap();
            assert_eq!((header.receiver(), header.transmitter(), header.third()), (STATION, BSSID, SERVER));
            assert_eq!(to_ethernet(&frame), Some(down), "{kind:04x}");
        }
    }

    #[test]
    fn a_type_stands_behind_llc_and_snap() {
        let frame = from_ethernet(&ethernet(SERVER, STATION, 0x0806, b"who?"), Way::ToAccessPoint, BSSID).unwrap();
        assert_eq!(frame[24..], [0xAA, 0xAA, 3, 0, 0, 0, 8, 6, b'w', b'h', b'o', b'?']);
    }

    #[test]
    fn padding_behind_a_length_is_not_sent() {
        let frame = from_ethernet(&ethernet(SERVER, STATION, 3, &[0x42, 0x42, 3, 0, 0]), Way::ToAccessPoint, BSSID);
        assert_eq!(frame.unwrap()[24..], [0x42, 0x42, 3]);
    }

    #[test]
    fn what_carries_no_ethernet_frame_gives_none() {
        assert_eq!(to_ethernet(&null(STATION, BSSID, 0)), None);
        assert_eq!(to_ethernet(&ps_poll(STATION, BSSID, 1)), None);
        assert_eq!(from_ethernet(&[0; 13], Way::ToStation, BSSID), None);
        let mut between = from_ethernet(&ethernet(SERVER, STATION, 0x0800, b"data"), Way::ToStation, BSSID).unwrap();
        between[1] = 0;
        assert_eq!(to_ethernet(&between), None, "between stations");
    }

    #[test]
    fn a_frame_encrypted_and_decrypted_carries_what_it_did() {
        let up = ethernet(SERVER, STATION, 0x0800, b"data");
        let mut frame = from_ethernet(&up, Way::ToAccessPoint, BSSID).unwrap();
        add_ccmp_header(&mut frame, 9, 1);
        let sealed = ccmp::encrypt(&[7; 16], &frame).unwrap();
        assert_eq!(ccmp::read_header(&sealed), Some((9, 1)));
        assert_eq!(to_ethernet(&ccmp::decrypt(&[7; 16], &sealed).unwrap()), Some(up));
    }
}
