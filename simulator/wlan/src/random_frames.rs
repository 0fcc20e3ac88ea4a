//! Whatever comes from the air: nothing that parses it may panic.

use proptest::prelude::*;

use crate::group::{GroupKey, GroupSecret};
use crate::handshake::{Authenticator, Supplicant};
use crate::header::Header;
use crate::management::Body;
use crate::tkip::TkipKey;
use crate::{ccmp, data, eapol, element};

/// Bytes that look like frames more often than chance would have it.
fn frames() -> impl Strategy<Value = Vec<u8>> {
    let controls =
        prop::sample::select(vec![0x00_u8, 0x10, 0x40, 0x50, 0x80, 0xA0, 0xA4, 0xB0, 0xC0, 0x08, 0x88, 0x48]);
    (controls, any::<u8>(), prop::collection::vec(any::<u8>(), 0..300))
        .prop_map(|(control, flags, rest)| [vec![control, flags], rest].concat())
}

/// EAPOL-Key frames with anything in their fields.
fn key_frames() -> impl Strategy<Value = Vec<u8>> {
    (any::<u16>(), prop::collection::vec(any::<u8>(), 0..200)).prop_map(|(information, rest)| {
        let length = (3 + rest.len() as u16).to_be_bytes();
        let version = information & !7 | eapol::VERSION_AES;
        [vec![2, 3, length[0], length[1], 2], version.to_be_bytes().to_vec(), rest].concat()
    })
}

proptest! {
    #[test]
    fn frames_are_parsed_or_refused(frame in frames()) {
        if let Some(header) = Header::of(&frame) {
            prop_assert!(header.length() + header.body().len() == frame.len());
            let _ = (header.third(), header.fourth(), header.qos_control(), header.sequence_control());
            if let Some(body) = Body::of(&header) {
                let again = body.frame(header.receiver(), header.transmitter(), header.third());
                let parsed = Header::of(&again).and_then(|header| Body::of(&header).map(|body| format!("{body:?}")));
                prop_assert_eq!(parsed, Some(format!("{body:?}")));
            }
        }
        if let Some(ethernet) = data::to_ethernet(&frame) {
            prop_assert!(ethernet.len() >= 14);
        }
        let tkip = TkipKey { cipher: [0; 16], code: [0; 8] };
        let _ = GroupKey { id: 1, secret: GroupSecret::Tkip(tkip) }.open(&frame);
        if let Ok(open) = ccmp::decrypt(&[0; 16], &frame) {
            prop_assert_eq!(ccmp::encrypt(&[0; 16], &open), Ok(frame));
        }
    }

    #[test]
    fn elements_are_parsed_or_refused(content in prop::collection::vec(any::<u8>(), 0..60)) {
        if let Ok(rsn) = element::Rsn::parse(&content) {
            prop_assert_eq!(element::Rsn::parse(&rsn.content()), Ok(rsn));
        }
    }

    #[test]
    fn key_frames_lead_nowhere_without_the_key(frames in prop::collection::vec(key_frames(), 1..5)) {
        let group = GroupKey::ccmp(1, [1; 16]);
        let mut authenticator = Authenticator::new([1; 32], [2; 6], [4; 6], [3; 32], Vec::new());
        let mut supplicant = Supplicant::new([1; 32], [2; 6], [4; 6], [5; 32], Vec::new(), None);
        let first = authenticator.repeat().unwrap();
        supplicant.receive(&first).unwrap();
        for frame in frames {
            prop_assert!(authenticator.receive(&frame, &group, 0).is_err());
            if let Ok(reply) = supplicant.receive(&frame) {
                prop_assert_eq!((reply.temporal, reply.group), (None, None), "a first message only begins anew");
            }
        }
    }
}
