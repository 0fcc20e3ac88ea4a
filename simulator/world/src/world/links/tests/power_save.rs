//! Stations that sleep between beacons.

use simulator_wlan::data;
use simulator_wlan::header::POWER_MANAGEMENT;

use super::station::{SECOND, Station};
use super::*;

/// A station that has joined and sleeps.
fn asleep() -> Bench<Station> {
    let mut bench = Bench::new([home()], Station::new(Some(PASSPHRASE)));
    assert_eq!(bench.join(), Some(JoinOutcome::Joined));
    let null = bench.firmware.null(POWER_MANAGEMENT);
    assert!(bench.send(null));
    bench.run(Duration::from_millis(5));
    bench
}

fn received(bench: &Bench<Station>) -> Vec<(&[u8], bool)> {
    bench.firmware.received.iter().map(|(_, frame, more)| (&frame[14..], *more)).collect()
}

#[test]
fn frames_are_kept_and_announced_and_come_one_for_each_poll() {
    let mut bench = asleep();
    let association = bench.firmware.association.unwrap();
    for payload in [b"one", b"two"] {
        bench.router_sends(DEVICE_MAC, payload);
    }
    bench.run(SECOND);
    assert_eq!(received(&bench), []);
    let (_, map) = bench.firmware.maps.last().unwrap();
    assert_eq!(map[..], [0, 1, 0, 1 << association]);
    for expected in [(b"one", true), (b"two", false)] {
        bench.firmware.received.clear();
        bench.send(data::ps_poll(DEVICE_MAC, BSSID, association));
        bench.run(Duration::from_millis(50));
        assert_eq!(received(&bench), [(expected.0.as_slice(), expected.1)]);
    }
    bench.run(SECOND);
    let (_, map) = bench.firmware.maps.last().unwrap();
    assert_eq!(map[..], [0, 1, 0, 0]);
}

#[test]
fn a_station_that_wakes_gets_everything_in_order() {
    let mut bench = asleep();
    for payload in [b"one", b"two", b"six"] {
        bench.router_sends(DEVICE_MAC, payload);
    }
    bench.run(SECOND);
    let null = bench.firmware.null(0);
    bench.send(null);
    bench.run(Duration::from_millis(50));
    assert_eq!(received(&bench), [(b"one".as_slice(), true), (b"two", true), (b"six", false)]);
    bench.router_sends(DEVICE_MAC, b"now");
    bench.run(Duration::from_millis(50));
    assert_eq!(received(&bench).last(), Some(&(b"now".as_slice(), false)));
}

#[test]
fn what_is_for_all_follows_a_beacon_that_says_so() {
    let mut bench = asleep();
    for payload in [b"one", b"two"] {
        bench.router_sends([0xFF; 6], payload);
    }
    bench.run(Duration::from_millis(200));
    assert_eq!(received(&bench), [(b"one".as_slice(), true), (b"two", false)]);
    let (first, _, _) = &bench.firmware.received[0];
    let mut announced = bench.firmware.maps.iter().filter(|(at, map)| at < first && map[2] & 1 == 1);
    let (beacon, _) = announced.next_back().unwrap();
    assert!(first.saturating_since(*beacon) < Duration::from_millis(5));
    bench.run(SECOND);
    let (_, map) = bench.firmware.maps.last().unwrap();
    assert_eq!(map[2] & 1, 0);
}

#[test]
fn only_so_much_is_kept() {
    let mut bench = asleep();
    for number in 0..200_u8 {
        bench.router_sends(DEVICE_MAC, &[number]);
    }
    bench.run(SECOND);
    let null = bench.firmware.null(0);
    bench.send(null);
    bench.run(SECOND);
    let numbers: Vec<u8> = bench.firmware.received.iter().map(|(_, frame, _)| frame[14]).collect();
    assert_eq!(numbers, (136..200).collect::<Vec<u8>>(), "the newest");
}

#[test]
fn what_is_polled_for_comes_behind_the_polls_acknowledgement() {
    let mut bench = asleep();
    let association = bench.firmware.association.unwrap();
    bench.router_sends(DEVICE_MAC, b"one");
    // Between two beacons.
    let beacons = bench.firmware.maps.len();
    assert!(bench.until(SECOND, |bench| bench.firmware.maps.len() > beacons));
    let poll = data::ps_poll(DEVICE_MAC, BSSID, association);
    let rate = Rate::SIX_MEGABITS;
    let free = bench.now + rate.air_time(poll.len() + FCS_BYTES) + rate.acknowledgement_time();
    bench.send(poll);
    assert!(bench.until(SECOND, |bench| !bench.firmware.received.is_empty()));
    let Heard { at, frame, .. } = bench.heard.last().unwrap();
    assert!(*at - frame.rate.air_time(frame.bytes.len() + FCS_BYTES) > free);
}
