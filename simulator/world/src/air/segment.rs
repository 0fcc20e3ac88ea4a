//! Which ports of a network a frame is for: an access point forwards by hardware address, as a bridge does that knows
//! every station.
//!
//! A frame from a station goes to the station it is addressed to or else to whatever lies behind the access point; one
//! from behind it goes to the station it is addressed to, or is dropped. Group addresses go to everybody but the
//! sender.

use std::collections::BTreeMap;

use super::{Mac, NetworkId, Port, StationId};

/// Destination and source addresses and the EtherType (IEEE 802.3 §3.1.1).
const ETHERNET_HEADER: usize = 14;

/// The ports that get a `frame` from `from` in `network`, whose stations are `members`. A frame without a whole header
/// is for nobody.
pub(super) fn receivers(network: NetworkId, members: &BTreeMap<Mac, StationId>, from: Port, frame: &[u8]) -> Vec<Port> {
    let Some(destination) = frame.first_chunk::<6>().filter(|_| frame.len() >= ETHERNET_HEADER) else {
        return Vec::new();
    };
    let behind = Port::AccessPoint(network);
    let stations = members.values().copied().map(Port::Station);
    let is_group = destination[0] & 1 == 1;
    let mut receivers: Vec<Port> = if is_group {
        std::iter::once(behind).chain(stations).collect()
    } else {
        vec![members.get(destination).copied().map_or(behind, Port::Station)]
    };
    receivers.retain(|port| *port != from);
    receivers
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOME: NetworkId = NetworkId(3);
    const BEHIND: Port = Port::AccessPoint(HOME);

    fn sent(from: Port, to: u8) -> Vec<Port> {
        let members = (1..=3).map(|id| ([2, 0, 0, 0, 0, id], StationId(id.into()))).collect();
        let mut frame = vec![0; 60];
        frame[..6].copy_from_slice(&if to == 0xFF { [0xFF; 6] } else { [2, 0, 0, 0, 0, to] });
        receivers(HOME, &members, from, &frame)
    }

    fn station(id: u32) -> Port {
        Port::Station(StationId(id))
    }

    #[test]
    fn frames_go_where_they_are_addressed() {
        assert_eq!(sent(BEHIND, 2), [station(2)]);
        assert_eq!(sent(station(1), 2), [station(2)]);
        assert_eq!(sent(station(1), 99), [BEHIND]);
        assert_eq!(sent(BEHIND, 99), []);
        assert_eq!(sent(station(1), 1), []);
    }

    #[test]
    fn a_broadcast_reaches_all_but_its_sender() {
        assert_eq!(sent(BEHIND, 0xFF), [station(1), station(2), station(3)]);
        assert_eq!(sent(station(2), 0xFF), [BEHIND, station(1), station(3)]);
    }

    #[test]
    fn a_stump_is_for_nobody() {
        assert_eq!(receivers(HOME, &BTreeMap::new(), station(1), &[0xFF; 13]), []);
    }
}
