//! Phones at a device's own access point.

use simulator_wlan::element::TKIP;
use smoltcp::wire::EthernetAddress;

use super::soft_access_point::{OWN, SoftAccessPoint};
use super::*;
use crate::phone::Action;
use simulator_record::events::PhoneEvent;

const SECOND: Duration = Duration::from_secs(1);
const PHONE: Mac = [2, 0, 0, 2, 0, 1];

fn bench(passphrase: Option<&'static str>, typed: &str) -> Bench<SoftAccessPoint> {
    let mut bench = Bench::new([], SoftAccessPoint::new(passphrase));
    let join = Action::Join { network: "yellow-duck".to_owned(), passphrase: Some(typed.to_owned()) };
    let phone = Phone::new("visitor", EthernetAddress(PHONE), [join], Seed(1));
    bench.links.add_phone(phone, DEVICE);
    bench
}

/// Lets the phone begin, and runs for so long.
fn visit(bench: &mut Bench<SoftAccessPoint>, time: Duration) {
    bench.beacon_for(SECOND);
    bench.links.start_phone(bench.now, 0);
    bench.beacon_for(time);
}

fn seen(bench: &Bench<SoftAccessPoint>) -> Vec<PhoneEvent> {
    let seen = bench.events.iter().filter_map(|(_, kind)| match kind {
        EventKind::Phone(phone) => Some(phone.what.clone()),
        _ => None,
    });
    seen.collect()
}

fn joined(outcome: JoinOutcome) -> PhoneEvent {
    PhoneEvent::Join { network: "yellow-duck".to_owned(), outcome }
}

fn appearances(bench: &Bench<SoftAccessPoint>) -> Vec<bool> {
    let seen = bench.events.iter().filter_map(|(_, kind)| match kind {
        EventKind::AccessPoint(its) => Some(its.on),
        _ => None,
    });
    seen.collect()
}

#[test]
fn a_phone_joins_and_gets_an_address() {
    for passphrase in [None, Some("hellohello")] {
        let mut bench = bench(passphrase, passphrase.unwrap_or_default());
        visit(&mut bench, 6 * SECOND);
        let seen = seen(&bench);
        assert_eq!(seen[0], joined(JoinOutcome::Joined));
        assert!(matches!(seen[1], PhoneEvent::Lease { .. }), "{seen:?}");
        assert!(bench.firmware.probes > 0, "it has asked for networks");
        assert_eq!(appearances(&bench), [true]);
        assert_eq!(bench.unacknowledged, 0);
    }
}

#[test]
fn a_wrong_passphrase_fails_in_the_handshake() {
    let mut bench = bench(Some("hellohello"), "byebyebye");
    visit(&mut bench, 12 * SECOND);
    assert_eq!(seen(&bench), [joined(JoinOutcome::Failed(JoinFailure::WrongPassphrase))]);
}

#[test]
fn a_full_or_silent_access_point_lets_nobody_in() {
    let mut full = bench(None, "");
    full.firmware.status = 17;
    visit(&mut full, 6 * SECOND);
    assert_eq!(seen(&full), [joined(JoinOutcome::Failed(JoinFailure::Refused))]);
    let mut silent = bench(None, "");
    silent.firmware.answers = false;
    visit(&mut silent, 8 * SECOND);
    assert_eq!(seen(&silent), [joined(JoinOutcome::Failed(JoinFailure::Timeout))]);
    let mut old = bench(Some("hellohello"), "hellohello");
    old.firmware.pairwise = vec![TKIP];
    visit(&mut old, 6 * SECOND);
    assert_eq!(seen(&old), [joined(JoinOutcome::Failed(JoinFailure::SecurityMismatch))]);
    let mut protected = bench(Some("hellohello"), "");
    visit(&mut protected, 6 * SECOND);
    assert_eq!(seen(&protected), [joined(JoinOutcome::Failed(JoinFailure::SecurityMismatch))]);
}

#[test]
fn a_phone_that_is_sent_away_leaves() {
    let mut bench = bench(None, "");
    visit(&mut bench, 6 * SECOND);
    let frame = bench.firmware.deauthentication(PHONE);
    assert!(bench.send(frame));
    bench.run(SECOND);
    assert_eq!(seen(&bench).last(), Some(&PhoneEvent::Left {}));
    let again = bench.firmware.deauthentication(PHONE);
    assert!(!bench.send(again), "it is there no longer");
}

#[test]
fn without_beacons_the_access_point_and_its_phones_are_gone() {
    let mut bench = bench(Some("hellohello"), "hellohello");
    visit(&mut bench, 6 * SECOND);
    bench.run(5 * SECOND);
    assert_eq!(appearances(&bench), [true]);
    bench.run(2 * SECOND);
    assert_eq!(appearances(&bench), [true, false]);
    assert_eq!(seen(&bench).last(), Some(&PhoneEvent::Left {}));
    bench.beacon_for(SECOND);
    assert_eq!(appearances(&bench), [true, false, true]);
}

#[test]
fn a_power_cut_is_silent() {
    let mut bench = bench(None, "");
    visit(&mut bench, 6 * SECOND);
    bench.links.device_is_gone(bench.now, DEVICE);
    bench.settle();
    assert_eq!(appearances(&bench), [true, false]);
    assert_eq!(seen(&bench).len(), 2, "the phone does not know yet");
    bench.run(7 * SECOND);
    assert_eq!(seen(&bench).last(), Some(&PhoneEvent::Left {}));
}

#[test]
fn a_renamed_access_point_is_another_and_their_number_is_limited() {
    let mut bench = bench(None, "");
    bench.beacon_for(SECOND);
    for name in ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "q", "r", "s"] {
        bench.firmware.name = name;
        bench.beacon_for(Duration::from_millis(100));
    }
    let appeared = appearances(&bench).into_iter().filter(|on| *on).count();
    assert_eq!(appeared, 16);
    assert_eq!(appearances(&bench).len(), 32, "one at a time; the last went away, too");
}

#[test]
fn a_phone_that_leaves_says_so() {
    let mut bench = Bench::new([], SoftAccessPoint::new(None));
    let join = Action::Join { network: "yellow-duck".to_owned(), passphrase: Some(String::new()) };
    let phone = Phone::new("visitor", EthernetAddress(PHONE), [join, Action::Leave], Seed(1));
    bench.links.add_phone(phone, DEVICE);
    visit(&mut bench, 8 * SECOND);
    assert_eq!(bench.firmware.told, ["deauthentication 3"]);
    assert_eq!(bench.firmware.received.first().map(|frame| &frame[6..12]), Some(&PHONE[..]));
    assert_ne!(PHONE, OWN);
}
