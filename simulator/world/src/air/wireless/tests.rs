use std::time::Duration;

use simulator_wlan::data;
use simulator_wlan::rate::Rate;

use super::*;
use simulator_record::random::Seed;

const ONE: Mac = [0x5C, 0xCF, 0x7F, 0, 0, 1];
const OTHER: Mac = [0x5C, 0xCF, 0x7F, 0, 0, 2];

/// A radio sends a null function from one address to another at `at`; says whether it is acknowledged.
fn sends(air: &mut Air, at: u64, radio: RadioId, from: Mac, to: Mac) -> bool {
    let frame = RadioFrame { channel: 6, rate: Rate::ONE_MEGABIT, bytes: data::null(from, to, 0).into() };
    let start = Instant::from_millis(at);
    air.radio_sends(start, start + Duration::from_micros(416), radio, frame)
}

fn heard_by(air: &mut Air, at: u64) -> Vec<RadioId> {
    air.advance(Instant::from_millis(at));
    let heard = air.take_radio_events().into_iter().filter_map(|event| match event {
        RadioEvent::Heard { radio, .. } => Some(radio),
        _ => None,
    });
    heard.collect()
}

#[test]
fn radios_hear_each_other_and_acknowledge_what_is_for_an_address_that_they_have_shown() {
    let mut air = Air::new(Seed(1));
    let [one, other] = [ONE, OTHER].map(|mac| air.add_radio(Instant::START, mac));
    assert!(!sends(&mut air, 1, one, ONE, OTHER), "nobody knows yet that it has this address");
    assert_eq!(heard_by(&mut air, 2), [other]);
    sends(&mut air, 3, other, OTHER, ONE);
    assert_eq!(heard_by(&mut air, 4), [one]);
    assert!(sends(&mut air, 5, one, ONE, OTHER));
    air.radio_listens(other, Some(1));
    assert!(!sends(&mut air, 7, one, ONE, OTHER));
    heard_by(&mut air, 8);
    air.radio_listens(other, Some(6));
    air.radio_off(Instant::from_millis(9), other);
    assert!(!sends(&mut air, 10, one, ONE, OTHER));
    assert_eq!(heard_by(&mut air, 11), [], "without power nothing is heard");
}

/// What a phone or access point sends to a radio that listens elsewhere, it sends again.
#[test]
fn a_frame_for_a_radio_that_is_elsewhere_is_missed() {
    let mut air = Air::new(Seed(1));
    let [one, other] = [ONE, OTHER].map(|mac| air.add_radio(Instant::START, mac));
    sends(&mut air, 1, one, ONE, OTHER);
    let to =
        |receiver| RadioFrame { channel: 6, rate: Rate::ONE_MEGABIT, bytes: data::null(OTHER, receiver, 0).into() };
    let missed = |air: &Air, receiver, only: RadioId| air.wireless.is_missed(&to(receiver), |id| id == only);
    assert!(!missed(&air, ONE, one));
    for channel in [Some(1), None] {
        air.radio_listens(one, channel);
        assert!(missed(&air, ONE, one), "{channel:?}");
        assert!(!missed(&air, [0xFF; 6], one), "nobody acknowledges what is for all");
        assert!(!missed(&air, ONE, other), "it is not the one that is meant");
    }
    air.radio_listens(one, Some(6));
    assert!(!missed(&air, ONE, one));
}

#[test]
fn without_radios_nothing_goes_on() {
    let mut air = Air::new(Seed(1));
    let config = AccessPointConfig {
        name: "home".to_owned(),
        bssid: [2, 0, 0, 0, 1, 0],
        channel: 6,
        security: super::super::Security::Open,
        signal: -60,
        capacity: 1,
        features: Default::default(),
    };
    air.open(Instant::START, config);
    air.advance(Instant::START);
    assert_eq!(air.next_event(), None);
    air.add_radio(Instant::START, ONE);
    assert!(air.next_event().is_some_and(|at| at < Instant::from_millis(103)), "a beacon");
}

#[test]
fn what_a_radio_was_sending_when_its_power_went_is_lost() {
    let mut air = Air::new(Seed(1));
    let [one, other] = [ONE, OTHER].map(|mac| air.add_radio(Instant::START, mac));
    sends(&mut air, 1, one, ONE, OTHER);
    air.radio_off(Instant::from_millis(1), one);
    assert_eq!(heard_by(&mut air, 2), []);
    sends(&mut air, 3, other, OTHER, ONE);
    assert_eq!(heard_by(&mut air, 4), [one], "it said nothing of channels: everything is handed to it");
}
