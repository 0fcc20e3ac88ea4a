//! Whatever a device's radio sends, the air goes on, and keeps only so much.

use proptest::prelude::*;
use simulator_wlan::element;
use simulator_wlan::header::BROADCAST;
use smoltcp::wire::EthernetAddress;

use super::*;
use crate::phone::Action;

/// Firmware that only listens.
struct Mute;

impl Firmware for Mute {
    fn hear(&mut self, _: Instant, frame: &RadioFrame, _: i8) -> Vec<Vec<u8>> {
        assert!(Header::of(&frame.bytes).is_some(), "what others send has a whole header");
        Vec::new()
    }
}

const PHONE: Mac = [2, 0, 0, 2, 0, 1];

/// Frames whose headers name stations that are there, with bodies that are sometimes elements.
fn frames() -> impl Strategy<Value = Vec<u8>> {
    let control = prop::sample::select(vec![
        0x00_u8, 0x10, 0x20, 0x30, 0x40, 0x50, 0x80, 0xA0, 0xA4, 0xB0, 0xC0, 0xD0, 0x08, 0x48, 0x88, 0xC8, 0xD4,
    ]);
    let flags = prop::sample::select(vec![0_u8, 1, 2, 3, 0x11, 0x41, 0x42, 0x09, 0x80, 0xFF]);
    let address = prop::sample::select(vec![BSSID, BROADCAST, DEVICE_MAC, PHONE, [2, 9, 9, 9, 9, 9]]);
    let fields = prop::collection::vec(prop::sample::select(vec![0_u8, 1, 2, 17, 0xFF]), 0..13);
    let name = prop::sample::select(vec![b"home".to_vec(), b"duck".to_vec(), Vec::new(), vec![0xFF; 40]]);
    let rest = prop::collection::vec(any::<u8>(), 0..60);
    (control, flags, prop::array::uniform3(address), fields, name, rest).prop_map(
        |(control, flags, addresses, fields, name, rest)| {
            let mut frame = vec![control, flags, 0, 0];
            frame.extend(addresses.concat());
            frame.extend([0, 0]);
            frame.extend(fields);
            element::push(&mut frame, element::SSID, &name);
            frame.extend(rest);
            frame
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn the_air_bears_any_frames(
        frames in prop::collection::vec((frames(), 0_u64..200_000), 1..80),
        wpa in any::<bool>(),
    ) {
        let mut bench = Bench::new([if wpa { home() } else { open_home() }], Mute);
        let join = Action::Join { network: "duck".to_owned(), passphrase: Some(String::new()) };
        bench.links.add_phone(Phone::new("visitor", EthernetAddress(PHONE), [join], Seed(1)), DEVICE);
        bench.links.start_phone(bench.now, 0);
        let mut kept = [0; 4];
        for kept in &mut kept {
            for (frame, micros) in &frames {
                bench.send(frame.clone());
                bench.run(Duration::from_micros(*micros));
            }
            bench.run(Duration::from_secs(10));
            *kept = bench.links.air.kept_of_radios();
        }
        prop_assert!(kept[3] <= kept[1] + 8, "the same over and over again keeps nothing more: {kept:?}");
        // Answers come to an end: in a quiet second only beacons are heard, unless a handshake goes on.
        bench.heard.clear();
        bench.run(Duration::from_secs(1));
        prop_assert!(bench.heard.len() < 20, "{}", bench.heard.len());
    }
}

#[test]
fn a_flood_is_answered_only_so_often() {
    let mut bench = Bench::new([home()], Mute);
    for number in 0..5_000_u16 {
        let [high, low] = number.to_be_bytes();
        let mut frame = vec![0xB0, 0, 0, 0];
        frame.extend([BSSID, [2, 7, 7, 7, high, low], BSSID].concat());
        frame.extend([0, 0, 0, 0, 1, 0, 0, 0]);
        bench.send(frame);
    }
    bench.run(Duration::from_secs(10));
    assert!(bench.heard.len() < 700, "{}", bench.heard.len());
}
