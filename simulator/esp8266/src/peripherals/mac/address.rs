//! Whose a frame is: the addresses of an 802.11 header, and the MAC's filters for them.
//!
//! There are two interfaces: 0 is the station, 1 the access point. Each has an address of its own and that of its
//! network (the BSSID), both with masks and a bit that switches them on.

use simulator_wlan::header::{BROADCAST, FROM_DS, Header, Mac, TO_DS, Type, is_group};

use super::super::registers::Bank;
use super::Register;

/// Subtypes of management frames.
const PROBE_REQUEST: u8 = 4;
const PROBE_RESPONSE: u8 = 5;
const BEACON: u8 = 8;

/// The network that a frame belongs to, if it says so (IEEE 802.11-2020 §9.3.2.1, §9.3.3.1).
pub(super) fn bssid(header: &Header<'_>) -> Option<Mac> {
    match (header.kind(), header.flags() & (TO_DS | FROM_DS)) {
        (Type::Management, _) | (Type::Data, 0) => Some(header.third()),
        (Type::Control, _) | (Type::Data, TO_DS) => Some(header.receiver()),
        (Type::Data, FROM_DS) => Some(header.transmitter()),
        (Type::Data, _) => None,
    }
}

/// Whether it tells of a network: a beacon or the answer to a probe.
fn tells_of_network(header: &Header<'_>) -> bool {
    header.kind() == Type::Management && matches!(header.subtype(), PROBE_RESPONSE | BEACON)
}

/// Registers of an address and its mask: low words.
struct Unit {
    address: (Register, Register),
    mask: (Register, Register),
}

const OWN: [Unit; 2] = [
    Unit {
        address: (Register::Address0Low, Register::Address0High),
        mask: (Register::AddressMask0Low, Register::AddressMask0High),
    },
    Unit {
        address: (Register::Address1Low, Register::Address1High),
        mask: (Register::AddressMask1Low, Register::AddressMask1High),
    },
];

const NETWORK: [Unit; 2] = [
    Unit {
        address: (Register::Bssid0Low, Register::Bssid0High),
        mask: (Register::BssidMask0Low, Register::BssidMask0High),
    },
    Unit {
        address: (Register::Bssid1Low, Register::Bssid1High),
        mask: (Register::BssidMask1Low, Register::BssidMask1High),
    },
];

/// In the high word of a mask: the unit compares.
const ON: u32 = 1 << 16;

impl Unit {
    fn is_on(&self, bank: &Bank<Register>) -> bool {
        bank.value(self.mask.1) & ON != 0
    }

    fn matches(&self, bank: &Bank<Register>, address: Mac) -> bool {
        let [a, b, c, d, e, f] = address;
        let low = u32::from_le_bytes([a, b, c, d]) ^ bank.value(self.address.0);
        let high = u32::from(u16::from_le_bytes([e, f])) ^ bank.value(self.address.1);
        self.is_on(bank) && low & bank.value(self.mask.0) == 0 && high & bank.value(self.mask.1) & 0xFFFF == 0
    }
}

/// What the filters say of a frame; a bit of each is an interface.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Match {
    /// It is for these addresses.
    pub own: u32,
    /// It belongs to these networks.
    pub network: u32,
}

impl Match {
    /// Looks at a frame. Frames for many have no interface's address: a driver takes a beacon with one for its own
    /// network's. While an interface scans, what tells of a network counts as its own.
    pub(super) fn of(header: &Header<'_>, bank: &Bank<Register>) -> Self {
        let filter = bank.value(Register::RxFilter);
        let scanning = [super::filter::SCANNING, super::filter::SCANNING1];
        let bssid = bssid(header);
        let mut found = Self::default();
        for interface in 0..2 {
            if !is_group(header.receiver()) && OWN[interface].matches(bank, header.receiver()) {
                found.own |= 1 << interface;
            }
            let unit = &NETWORK[interface];
            let is_known = bssid.is_some_and(|bssid| unit.matches(bank, bssid));
            let scans = tells_of_network(header) && scanning[interface].is_in(filter);
            let asks_all = interface == 1
                && header.kind() == Type::Management
                && header.subtype() == PROBE_REQUEST
                && bssid == Some(BROADCAST)
                && unit.is_on(bank);
            if is_known || scans || asks_all {
                found.network |= 1 << interface;
            }
        }
        found
    }
}
