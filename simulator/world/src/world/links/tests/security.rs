//! How networks are protected, and what else they can be set up to: at frame level and above it with the same outcome.

use simulator_wlan::element::{self, Rsn, TKIP};
use simulator_wlan::management::Body;

use super::station::{SECOND, Station};
use super::*;
use crate::air::RadioMode;

fn mixed() -> AccessPointConfig {
    AccessPointConfig { security: Security::Mixed(PASSPHRASE.to_owned()), ..home() }
}

fn with(features: Features) -> AccessPointConfig {
    AccessPointConfig { features, ..home() }
}

fn hidden() -> AccessPointConfig {
    with(Features { is_hidden: true, ..Features::default() })
}

/// A scripted station that joins by frames.
fn by_frames(config: &AccessPointConfig, passphrase: Option<&'static str>) -> JoinOutcome {
    joining(config, passphrase).1
}

fn joining(config: &AccessPointConfig, passphrase: Option<&'static str>) -> (Bench<Station>, JoinOutcome) {
    let mut station = Station::new(passphrase);
    if matches!(config.security, Security::Mixed(_)) {
        station.rsn = Some(Rsn { group: TKIP, ..Rsn::wpa2() });
    }
    if matches!(config.security, Security::Transition(_)) {
        station.heard = Some(Rsn::transition());
    }
    // As the vendor's driver does where it hears of it.
    station.high_throughput = matches!(config.features.mode, RadioMode::N | RadioMode::NOnly);
    let mut bench = Bench::new([config.clone()], station);
    let outcome = bench.join().unwrap();
    (bench, outcome)
}

/// A station whose target joins for it.
fn above_frames(config: &AccessPointConfig, passphrase: Option<&str>) -> JoinOutcome {
    let mut air = Air::new(Seed(1));
    air.open(Instant::START, config.clone());
    let station = air.add_station(DEVICE_MAC);
    air.join(Instant::START, station, "home", security(passphrase));
    while let Some(at) = air.next_event() {
        for event in air.advance(at) {
            if let AirEvent::JoinEnded { outcome, .. } = event {
                return outcome.map_or_else(JoinOutcome::Failed, |_| JoinOutcome::Joined);
            }
        }
    }
    panic!("nothing came of it");
}

#[test]
fn what_comes_of_a_join_is_the_same_at_both_levels() {
    let failed = JoinOutcome::Failed;
    let wep = AccessPointConfig { security: Security::Wep, ..home() };
    let of_mode = |mode| with(Features { mode, ..Features::default() });
    let of_security =
        |security: fn(String) -> Security| AccessPointConfig { security: security(PASSPHRASE.to_owned()), ..home() };
    let renewed = with(Features { group_rekey: Some(SECOND), ..Features::default() });
    let cases = [
        (open_home(), None, JoinOutcome::Joined),
        (home(), Some(PASSPHRASE), JoinOutcome::Joined),
        (home(), Some("incorrect horse"), failed(JoinFailure::WrongPassphrase)),
        (home(), None, failed(JoinFailure::SecurityMismatch)),
        (mixed(), Some(PASSPHRASE), JoinOutcome::Joined),
        (mixed(), Some("incorrect horse"), failed(JoinFailure::WrongPassphrase)),
        (mixed(), None, failed(JoinFailure::SecurityMismatch)),
        (wep.clone(), Some(PASSPHRASE), failed(JoinFailure::SecurityMismatch)),
        (wep, None, failed(JoinFailure::SecurityMismatch)),
        (hidden(), Some(PASSPHRASE), JoinOutcome::Joined),
        (of_mode(RadioMode::B), Some(PASSPHRASE), JoinOutcome::Joined),
        (of_mode(RadioMode::N), Some(PASSPHRASE), JoinOutcome::Joined),
        (of_mode(RadioMode::NOnly), Some(PASSPHRASE), JoinOutcome::Joined),
        (of_security(Security::Transition), Some(PASSPHRASE), JoinOutcome::Joined),
        (of_security(Security::Transition), Some("incorrect horse"), failed(JoinFailure::WrongPassphrase)),
        (of_security(Security::Wpa3), Some(PASSPHRASE), failed(JoinFailure::Refused)),
        (of_security(Security::Wpa), Some(PASSPHRASE), failed(JoinFailure::SecurityMismatch)),
        (renewed, Some(PASSPHRASE), JoinOutcome::Joined),
    ];
    for (config, passphrase, expected) in cases {
        assert_eq!(by_frames(&config, passphrase), expected, "by frames: {config:?}");
        assert_eq!(above_frames(&config, passphrase), expected, "above frames: {config:?}");
    }
}

#[test]
fn a_station_that_authenticates_by_a_shared_key_is_told_why_not() {
    let wep = AccessPointConfig { security: Security::Wep, ..home() };
    let mut bench = Bench::new([wep], Station::new(None));
    let frame = bench.firmware.authentication(1);
    bench.send(frame);
    bench.run(SECOND);
    assert_eq!(bench.firmware.told, ["authentication 13"]);
    assert_eq!(bench.joins(), [JoinOutcome::Failed(JoinFailure::SecurityMismatch)]);
}

/// The elements of the last beacon.
fn beacon(bench: &Bench<Station>) -> Vec<u8> {
    let beacon = bench.heard.iter().rev().find_map(|heard| {
        let header = Header::of(&heard.frame.bytes)?;
        match Body::of(&header)? {
            Body::Beacon { elements, .. } => Some(elements.0.to_vec()),
            _ => None,
        }
    });
    beacon.unwrap()
}

#[test]
fn a_hidden_name_is_told_to_whom_asks_for_it() {
    let mut bench = Bench::new([hidden()], Station::new(None));
    bench.run(SECOND);
    assert_eq!(element::Elements(&beacon(&bench)).find(element::SSID), Some(&b""[..]));
    for (name, answered) in [("", false), ("home", true), ("hame", false)] {
        let probe = bench.firmware.probe(name);
        bench.send(probe);
        bench.firmware.told.clear();
        bench.run(Duration::from_millis(20));
        assert_eq!(bench.firmware.told == ["probe response"], answered, "{name}");
    }
}

#[test]
fn who_is_refused_is_told_why_in_a_number() {
    let told = |config: AccessPointConfig, high_throughput: bool| {
        let mut station = Station::new(Some(PASSPHRASE));
        station.high_throughput = high_throughput;
        let mut bench = Bench::new([config], station);
        (bench.join().unwrap(), bench.firmware.told)
    };
    let refused = |status: u16| (JoinOutcome::Failed(JoinFailure::Refused), vec![format!("association {status}")]);
    let only = with(Features { mode: RadioMode::NOnly, ..Features::default() });
    assert_eq!(told(only.clone(), false), refused(27));
    assert_eq!(told(only, true).0, JoinOutcome::Joined);
    let wpa3 = AccessPointConfig { security: Security::Wpa3(PASSPHRASE.to_owned()), ..home() };
    assert_eq!(told(wpa3, false), refused(43));
}

#[test]
fn an_access_point_of_802_11n_says_what_it_can() {
    for (mode, is_only) in [(RadioMode::N, false), (RadioMode::NOnly, true)] {
        let mut bench = Bench::new([with(Features { mode, ..Features::default() })], Station::new(None));
        bench.run(SECOND);
        let elements = beacon(&bench);
        let elements = element::Elements(&elements);
        let capabilities = elements.find(element::HIGH_THROUGHPUT_CAPABILITIES).unwrap();
        assert_eq!((capabilities.len(), &capabilities[3..5]), (26, &[0xFF, 0][..]), "MCS 0 to 7");
        assert_eq!(elements.find(element::HIGH_THROUGHPUT_OPERATION).map(|it| (it.len(), it[0])), Some((22, 6)));
        assert_eq!(elements.find(element::EXTENDED_RATES).unwrap().contains(&0xFF), is_only);
    }
}

#[test]
fn an_old_access_point_has_the_old_rates_only() {
    let mut bench = Bench::new([with(Features { mode: RadioMode::B, ..Features::default() })], Station::new(None));
    bench.run(SECOND);
    let elements = beacon(&bench);
    let elements = element::Elements(&elements);
    assert_eq!(elements.find(element::RATES), Some(&[0x82, 0x84, 0x8B, 0x96][..]));
    assert_eq!((elements.find(element::EXTENDED_RATES), elements.find(element::ERP)), (None, None));
}

#[test]
fn a_mixed_network_encrypts_with_tkip_what_is_for_all_and_says_so() {
    let (mut bench, outcome) = joining(&mixed(), Some(PASSPHRASE));
    assert_eq!(outcome, JoinOutcome::Joined);
    bench.run(SECOND);
    let elements = beacon(&bench);
    let elements = element::Elements(&elements);
    assert_eq!(Rsn::of(elements), Some(Ok(Rsn { group: TKIP, ..Rsn::wpa2() })));
    assert!(elements.find(element::VENDOR).is_some_and(|wpa| wpa.starts_with(&[0x00, 0x50, 0xF2, 1, 1, 0])));
    assert!(bench.firmware.groups.values().all(|group| group.suite() == TKIP));
    bench.router_sends(simulator_wlan::header::BROADCAST, b"to all");
    bench.router_sends(DEVICE_MAC, b"to one");
    bench.run(SECOND);
    let payloads: Vec<&[u8]> = bench.firmware.received.iter().map(|(_, frame, _)| &frame[14..]).collect();
    assert!(payloads.contains(&&b"to all"[..]) && payloads.contains(&&b"to one"[..]), "{payloads:?}");
}

#[test]
fn a_groups_key_is_renewed_each_time_its_period_is_over() {
    let config = with(Features { group_rekey: Some(10 * SECOND), ..Features::default() });
    let (mut bench, _) = joining(&config, Some(PASSPHRASE));
    let mut keys = vec![bench.firmware.groups.clone()];
    for _ in 0..3 {
        bench.run(10 * SECOND);
        keys.push(bench.firmware.groups.clone());
        bench.router_sends(simulator_wlan::header::BROADCAST, b"to all");
        bench.run(Duration::from_millis(200));
    }
    assert!(keys.windows(2).all(|pair| pair[0] != pair[1]));
    assert_eq!((bench.firmware.received.len(), bench.firmware.unread), (3, 0));
    assert_eq!(bench.losses(), []);
}

#[test]
fn who_does_not_take_the_groups_new_key_hears_nothing_for_all_and_is_sent_away() {
    let config = with(Features { group_rekey: Some(10 * SECOND), ..Features::default() });
    let (mut bench, _) = joining(&config, Some(PASSPHRASE));
    bench.firmware.answers = false;
    bench.run(11 * SECOND);
    bench.router_sends(simulator_wlan::header::BROADCAST, b"to all");
    bench.run(Duration::from_millis(200));
    assert_eq!((bench.firmware.received.len(), bench.firmware.unread), (0, 1));
    bench.run(5 * SECOND);
    assert_eq!(bench.losses(), [LinkLoss::Deauthenticated]);
    assert_eq!(bench.firmware.told, ["deauthentication 16"]);
}
