//! The header that each frame begins with (IEEE 802.11-2020 §9.2.4): what it is, how long it is, whom it concerns.
//!
//! It is read in place: a [`Header`] is a view of a frame whose header is whole. Control frames have headers of their
//! own lengths; of those only PS-Poll, 16 bytes, is told apart here.

/// A hardware address.
pub type Mac = [u8; 6];

/// The address of all stations.
pub const BROADCAST: Mac = [0xFF; 6];

/// Frame control, second byte: towards the distribution system.
pub const TO_DS: u8 = 1;
/// Frame control, second byte: from the distribution system.
pub const FROM_DS: u8 = 1 << 1;
/// Frame control, second byte: sent before.
pub const RETRY: u8 = 1 << 3;
/// Frame control, second byte: the sender sleeps after this frame.
pub const POWER_MANAGEMENT: u8 = 1 << 4;
/// Frame control, second byte: more frames wait for the receiver.
pub const MORE_DATA: u8 = 1 << 5;
/// Frame control, second byte: the body is encrypted.
pub const PROTECTED: u8 = 1 << 6;
/// Frame control, second byte: of a QoS or management frame, that an HT control field follows.
pub const ORDER: u8 = 1 << 7;

/// The three types of frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// Beacons, probes, authentication, association.
    Management,
    /// Acknowledgements, polls.
    Control,
    /// Data, and null functions.
    Data,
}

/// A frame's header, in place.
#[derive(Clone, Copy, Debug)]
pub struct Header<'f> {
    frame: &'f [u8],
    kind: Type,
    length: usize,
}

/// Length of a header with three addresses.
const THREE_ADDRESSES: usize = 24;
/// The subtype of PS-Poll frames.
const PS_POLL: u8 = 10;
/// Frame control, receiver, transmitter: what control frames with two addresses have.
const TWO_ADDRESSES: usize = 16;

impl<'f> Header<'f> {
    /// The header of a management, data or PS-Poll frame; `None` of others, and if it is not whole.
    pub fn of(frame: &'f [u8]) -> Option<Self> {
        let [control, flags] = *frame.first_chunk()?;
        if control & 3 != 0 {
            return None;
        }
        let subtype = control >> 4;
        let high_throughput = if flags & ORDER != 0 { 4 } else { 0 };
        let (kind, length) = match control >> 2 & 3 {
            0 => (Type::Management, THREE_ADDRESSES + high_throughput),
            1 if subtype == PS_POLL => (Type::Control, TWO_ADDRESSES),
            2 => {
                let fourth = if flags & (TO_DS | FROM_DS) == TO_DS | FROM_DS { 6 } else { 0 };
                let quality = if subtype & 8 != 0 { 2 + high_throughput } else { 0 };
                (Type::Data, THREE_ADDRESSES + fourth + quality)
            }
            _ => return None,
        };
        (frame.len() >= length).then_some(Self { frame, kind, length })
    }

    /// Which type the frame is of.
    pub fn kind(&self) -> Type {
        self.kind
    }

    /// Which subtype, 0 to 15.
    pub fn subtype(&self) -> u8 {
        self.frame[0] >> 4
    }

    /// The second byte of the frame control: [`TO_DS`] and the others.
    pub fn flags(&self) -> u8 {
        self.frame[1]
    }

    /// Whether one of the flags is set.
    pub fn has(&self, flag: u8) -> bool {
        self.flags() & flag != 0
    }

    /// Bytes of it.
    pub fn length(&self) -> usize {
        self.length
    }

    /// What follows it.
    pub fn body(&self) -> &'f [u8] {
        &self.frame[self.length..]
    }

    /// The receiver (address 1).
    pub fn receiver(&self) -> Mac {
        self.address(4)
    }

    /// The transmitter (address 2).
    pub fn transmitter(&self) -> Mac {
        self.address(10)
    }

    /// Address 3: of management frames the BSSID, of data frames the destination or source. A PS-Poll frame has none
    /// and tells its receiver.
    pub fn third(&self) -> Mac {
        if self.kind == Type::Control { self.receiver() } else { self.address(16) }
    }

    /// Sequence number (upper 12 bits) and fragment number (lower 4); a PS-Poll frame has none and tells 0.
    pub fn sequence_control(&self) -> u16 {
        if self.kind == Type::Control { 0 } else { u16::from_le_bytes([self.frame[22], self.frame[23]]) }
    }

    /// The second and third bytes: a duration in microseconds, or of a PS-Poll frame the association identifier.
    pub fn duration_or_id(&self) -> u16 {
        u16::from_le_bytes([self.frame[2], self.frame[3]])
    }

    /// The fourth address, of frames between access points.
    pub fn fourth(&self) -> Option<Mac> {
        let both = self.kind == Type::Data && self.flags() & (TO_DS | FROM_DS) == TO_DS | FROM_DS;
        both.then(|| self.address(THREE_ADDRESSES))
    }

    /// The QoS control field, of QoS data frames.
    pub fn qos_control(&self) -> Option<u16> {
        let present = self.kind == Type::Data && self.subtype() & 8 != 0;
        let at = if self.fourth().is_some() { THREE_ADDRESSES + 6 } else { THREE_ADDRESSES };
        present.then(|| u16::from_le_bytes([self.frame[at], self.frame[at + 1]]))
    }

    fn address(&self, at: usize) -> Mac {
        *self.frame[at..].first_chunk().expect("a header has its addresses")
    }
}

/// Whether an address is a group's.
pub fn is_group(address: Mac) -> bool {
    address[0] & 1 != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(control: u8, flags: u8) -> Vec<u8> {
        let mut frame: Vec<u8> = (0..40).collect();
        frame[..2].copy_from_slice(&[control, flags]);
        frame
    }

    fn length(control: u8, flags: u8) -> Option<usize> {
        Header::of(&frame(control, flags)).map(|header| header.length())
    }

    #[test]
    fn headers_are_as_long_as_their_kind() {
        assert_eq!(length(0x80, 0), Some(24), "beacon");
        assert_eq!(length(0x80, ORDER), Some(28), "management with HT control");
        assert_eq!(length(0x08, TO_DS), Some(24), "data");
        assert_eq!(length(0x88, TO_DS), Some(26), "QoS data");
        assert_eq!(length(0x88, TO_DS | ORDER), Some(30), "QoS data with HT control");
        assert_eq!(length(0x88, TO_DS | FROM_DS), Some(32), "QoS data with four addresses");
        assert_eq!(length(0xA4, 0), Some(16), "PS-Poll");
        assert_eq!(length(0xD4, 0), None, "acknowledgement");
        assert_eq!(length(0x0C, 0), None, "a reserved type");
        assert_eq!(length(0x09, 0), None, "another version");
    }

    #[test]
    fn fields_stand_where_the_standard_has_them() {
        let frame = frame(0x88, FROM_DS | PROTECTED);
        let header = Header::of(&frame).unwrap();
        assert_eq!((header.kind(), header.subtype()), (Type::Data, 8));
        assert!(header.has(PROTECTED) && !header.has(TO_DS));
        assert_eq!(header.receiver(), [4, 5, 6, 7, 8, 9]);
        assert_eq!(header.transmitter(), [10, 11, 12, 13, 14, 15]);
        assert_eq!(header.third(), [16, 17, 18, 19, 20, 21]);
        assert_eq!(header.sequence_control(), 0x1716);
        assert_eq!((header.fourth(), header.qos_control()), (None, Some(0x1918)));
        assert_eq!(header.body()[0], 26);
    }

    #[test]
    fn a_header_that_is_not_whole_is_none() {
        let frame = frame(0x88, TO_DS | FROM_DS);
        assert!((0..32).all(|length| Header::of(&frame[..length]).is_none()));
        assert!(Header::of(&frame[..32]).is_some());
    }
}
