//! Joining access points of the world.

use smoltcp::iface::{Config, Interface, SocketSet};
use smoltcp::socket::dhcpv4;
use smoltcp::wire::EthernetAddress;

use simulator_wlan::element::{self, Rsn, TKIP};
use simulator_wlan::management::Body;

use super::station::{SECOND, Station};
use super::*;
use crate::air::LinkRule;
use crate::internet::port::{Port as StackPort, stack_time};

fn bench(config: AccessPointConfig, passphrase: Option<&'static str>) -> Bench<Station> {
    Bench::new([config], Station::new(passphrase))
}

fn joined(config: AccessPointConfig) -> Bench<Station> {
    let passphrase = matches!(config.security, Security::Wpa2(_)).then_some(PASSPHRASE);
    let mut bench = bench(config, passphrase);
    assert_eq!(bench.join(), Some(JoinOutcome::Joined));
    bench
}

/// Runs an ordinary stack over the bench's station until it has an address.
fn lease(bench: &mut Bench<Station>) -> Option<core::net::Ipv4Addr> {
    let mut port = StackPort::default();
    let mut interface =
        Interface::new(Config::new(EthernetAddress(DEVICE_MAC).into()), &mut port, stack_time(bench.now));
    let mut sockets = SocketSet::new(Vec::new());
    let dhcp = sockets.add(dhcpv4::Socket::new());
    for _ in 0..1_000 {
        port.inbound.extend(bench.firmware.received.drain(..).map(|(_, frame, _)| frame));
        interface.poll(stack_time(bench.now), &mut port, &mut sockets);
        for frame in std::mem::take(&mut port.outbound) {
            assert!(bench.sends(&frame));
        }
        if let Some(dhcpv4::Event::Configured(config)) = sockets.get_mut::<dhcpv4::Socket<'_>>(dhcp).poll() {
            return Some(config.address.address());
        }
        bench.run(Duration::from_millis(10));
    }
    None
}

#[test]
fn beacons_come_each_hundred_time_units_and_say_what_the_network_is() {
    let mut bench = bench(home(), None);
    bench.run(SECOND);
    let beacons = &bench.firmware.timestamps;
    assert!((9..=10).contains(&beacons.len()), "{}", beacons.len());
    for pair in beacons.windows(2) {
        assert_eq!(pair[1].0.saturating_since(pair[0].0), Duration::from_micros(102_400));
        assert_eq!(pair[1].1 - pair[0].1, 102_400);
    }
    let Heard { at, frame, signal } = &bench.heard[0];
    assert_eq!((frame.channel, *signal), (CHANNEL, -60));
    assert!(at.as_micros() > 0);
    let header = Header::of(&frame.bytes).unwrap();
    let Some(Body::Beacon { interval, capability, elements, .. }) = Body::of(&header) else { panic!("no beacon") };
    assert_eq!((interval, capability), (100, 0x0411));
    assert_eq!(elements.find(element::SSID), Some(&b"home"[..]));
    assert_eq!(elements.find(element::CHANNEL), Some(&[CHANNEL][..]));
    assert_eq!(elements.find(element::TIM), Some(&[0, 1, 0, 0][..]));
    assert_eq!(Rsn::of(elements), Some(Ok(Rsn::wpa2())));
}

#[test]
fn probes_are_answered_if_the_name_is_meant() {
    let mut bench = bench(home(), None);
    for (name, answered) in [("", true), ("home", true), ("hame", false)] {
        let probe = bench.firmware.probe(name);
        assert!(!bench.send(probe), "nobody acknowledges what is for all");
        bench.firmware.told.clear();
        bench.run(Duration::from_millis(20));
        assert_eq!(bench.firmware.told == ["probe response"], answered, "{name}");
    }
}

#[test]
fn an_open_network_is_joined_and_its_router_gives_an_address() {
    let mut bench = joined(open_home());
    assert_eq!(bench.joins(), [JoinOutcome::Joined]);
    assert!(lease(&mut bench).is_some());
    assert_eq!(bench.unacknowledged, 0);
}

#[test]
fn a_protected_network_is_joined_and_its_router_gives_an_address() {
    let mut bench = joined(home());
    assert_eq!(bench.firmware.first_messages, 1);
    assert!(lease(&mut bench).is_some());
    for numbers in &bench.firmware.packet_numbers {
        assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
    }
    assert!(!bench.firmware.packet_numbers[0].is_empty());
    let sequence = &bench.firmware.sequence_numbers;
    assert!(sequence.is_sorted_by(|a, b| a < b), "{sequence:?}");
    assert_eq!(bench.unacknowledged, 0);
}

#[test]
fn a_wrong_passphrase_ends_in_a_deauthentication_after_four_first_messages() {
    let mut bench = bench(home(), Some("incorrect horse"));
    let since = bench.now;
    assert_eq!(bench.join(), Some(JoinOutcome::Failed(JoinFailure::WrongPassphrase)));
    let took = bench.now.saturating_since(since);
    assert!((4 * SECOND..5 * SECOND).contains(&took), "{took:?}");
    assert_eq!(bench.firmware.first_messages, 4);
    assert_eq!(bench.firmware.told, ["deauthentication 15"]);
}

#[test]
fn a_station_that_gives_up_a_handshake_with_a_wrong_passphrase_is_told_of_so() {
    let mut bench = bench(home(), Some("incorrect horse"));
    bench.firmware.has_authenticated = true;
    let frame = bench.firmware.authentication(0);
    bench.send(frame);
    assert!(bench.until(SECOND, |bench| bench.firmware.first_messages == 1));
    bench.run(Duration::from_millis(5));
    let goodbye = bench.firmware.goodbye();
    bench.send(goodbye);
    bench.run(Duration::from_millis(5));
    assert_eq!(bench.joins(), [JoinOutcome::Failed(JoinFailure::WrongPassphrase)]);
    bench.run(10 * SECOND);
    assert_eq!(bench.firmware.first_messages, 1);
}

#[test]
fn a_silent_station_times_out() {
    let mut bench = bench(home(), Some(PASSPHRASE));
    bench.firmware.answers = false;
    assert_eq!(bench.join(), Some(JoinOutcome::Failed(JoinFailure::Timeout)));
    assert_eq!(bench.firmware.first_messages, 4);
}

#[test]
fn what_does_not_fit_is_refused_with_its_status() {
    let full = AccessPointConfig { capacity: 0, ..home() };
    let cases = [
        (full, Some(PASSPHRASE), None, "association 17", JoinFailure::Refused),
        (home(), None, None, "association 40", JoinFailure::SecurityMismatch),
        (
            home(),
            Some(PASSPHRASE),
            Some(Rsn { group: TKIP, ..Rsn::wpa2() }),
            "association 46",
            JoinFailure::SecurityMismatch,
        ),
    ];
    for (config, passphrase, rsn, told, why) in cases {
        let mut bench = bench(config, passphrase);
        bench.firmware.rsn = rsn;
        assert_eq!(bench.join(), Some(JoinOutcome::Failed(why)));
        assert_eq!(bench.firmware.told, [told]);
    }
    let mut bench = bench(home(), None);
    let shared_key = bench.firmware.authentication(1);
    bench.send(shared_key);
    bench.run(SECOND);
    assert_eq!(bench.firmware.told, ["authentication 13"], "WEP");
}

#[test]
fn a_refusing_access_point_takes_no_more_but_keeps_those_it_has() {
    let mut bench = joined(home());
    bench.set_state(AccessPointState::Refusing { status: 30 }, false);
    assert!(lease(&mut bench).is_some());
    assert_eq!(bench.join(), Some(JoinOutcome::Failed(JoinFailure::Refused)));
    assert_eq!(bench.losses(), [LinkLoss::Left], "it began anew");
}

#[test]
fn a_deaf_or_weak_access_point_acknowledges_nothing() {
    let mut deaf = bench(home(), None);
    deaf.set_state(AccessPointState::Deaf, false);
    let frame = deaf.firmware.authentication(0);
    assert!(!deaf.send(frame));
    deaf.run(SECOND);
    assert_eq!(deaf.firmware.told, [""; 0]);
    assert!(deaf.firmware.timestamps.len() > 8, "its beacons go on");
    let mut weak = bench(AccessPointConfig { signal: -91, ..home() }, None);
    let frame = weak.firmware.authentication(0);
    assert!(!weak.send(frame));
    weak.run(SECOND);
    assert!(weak.heard.is_empty());
}

#[test]
fn a_frame_on_another_channel_is_heard_by_nobody() {
    let mut bench = bench(AccessPointConfig { channel: 11, ..home() }, None);
    let frame = bench.firmware.authentication(0);
    assert!(!bench.send(frame));
}

#[test]
fn data_out_of_turn_is_answered_with_its_reason() {
    let mut bench = bench(home(), None);
    let ethernet = [&[0xFF; 6][..], &DEVICE_MAC, &[8, 0], b"data"].concat();
    assert!(bench.sends(&ethernet));
    bench.run(SECOND);
    let frame = bench.firmware.authentication(0);
    bench.send(frame);
    bench.run(SECOND);
    bench.sends(&ethernet);
    bench.run(SECOND);
    assert_eq!(bench.firmware.told, ["deauthentication 6", "authentication 0", "disassociation 7"]);
    assert_eq!(bench.losses(), []);
}

#[test]
fn an_access_point_that_goes_off_says_goodbye_or_not() {
    let mut bench = joined(home());
    bench.set_state(AccessPointState::Off, true);
    bench.run(SECOND);
    assert_eq!(bench.firmware.told, ["deauthentication 3"]);
    assert_eq!(bench.losses(), [LinkLoss::Deauthenticated]);
    bench.set_state(AccessPointState::On, false);
    assert_eq!(bench.join(), Some(JoinOutcome::Joined));
    bench.set_state(AccessPointState::Off, false);
    bench.run(5 * SECOND);
    assert_eq!(bench.losses().len(), 1, "not yet");
    let frame = bench.firmware.null(0);
    assert!(!bench.send(frame));
    bench.run(2 * SECOND);
    assert_eq!(bench.losses()[1..], [LinkLoss::BeaconTimeout]);
}

#[test]
fn an_access_point_that_has_restarted_sends_its_old_stations_away_when_they_speak() {
    let mut bench = joined(home());
    bench.set_state(AccessPointState::Off, false);
    bench.run(2 * SECOND);
    bench.set_state(AccessPointState::On, false);
    bench.run(20 * SECOND);
    assert_eq!(bench.losses(), [], "it hears beacons and says nothing");
    bench.sends(&[&[0xFF; 6][..], &DEVICE_MAC, &[8, 0], b"data"].concat());
    bench.run(SECOND);
    assert_eq!(bench.losses(), [LinkLoss::Deauthenticated]);
    assert_eq!(bench.firmware.told, ["deauthentication 6"]);
}

#[test]
fn leaving_and_losing_power_are_told() {
    let mut bench = joined(home());
    let goodbye = bench.firmware.goodbye();
    bench.send(goodbye);
    bench.run(SECOND);
    assert_eq!(bench.losses(), [LinkLoss::Left]);
    assert_eq!(bench.join(), Some(JoinOutcome::Joined));
    bench.links.device_is_gone(bench.now, DEVICE);
    bench.settle();
    assert_eq!(bench.losses(), [LinkLoss::Left, LinkLoss::Power]);
}

#[test]
fn link_faults_act_on_its_frames_as_on_all_others() {
    let mut bench = joined(home());
    bench.links.air.add_rule(LinkRule { name: "hop".to_owned(), loss: 1_000_000, ..LinkRule::default() });
    assert_eq!(lease(&mut bench), None);
    let lost = bench.events.iter().filter(|(_, kind)| matches!(kind, EventKind::Fault(_))).count();
    assert!(lost > 0);
    bench.links.air.remove_rule("hop");
    assert!(lease(&mut bench).is_some());
}

#[test]
fn a_group_key_is_renewed_and_used() {
    let mut bench = joined(home());
    let network = bench.network();
    bench.router_sends([0xFF; 6], b"before");
    bench.run(SECOND);
    let before = bench.firmware.groups.clone();
    bench.links.air.renew_group_key(bench.now, network);
    bench.run(SECOND);
    assert_eq!((before.len(), bench.firmware.groups.len()), (1, 2));
    bench.router_sends([0xFF; 6], b"after");
    bench.run(SECOND);
    let received: Vec<&[u8]> = bench.firmware.received.iter().map(|(_, frame, _)| &frame[14..]).collect();
    assert_eq!(received, [b"before".as_slice(), b"after"]);
    assert_eq!(bench.losses(), []);
}

#[test]
fn a_station_that_does_not_take_a_new_group_key_is_sent_away() {
    let mut bench = joined(home());
    let network = bench.network();
    bench.firmware.answers = false;
    bench.links.air.renew_group_key(bench.now, network);
    bench.run(10 * SECOND);
    assert_eq!(bench.firmware.told, ["deauthentication 16"]);
    assert_eq!(bench.losses(), [LinkLoss::Deauthenticated]);
}

#[test]
fn a_frame_that_is_missed_is_sent_again() {
    let mut bench = joined(home());
    bench.misses = 3;
    bench.router_sends(DEVICE_MAC, b"once");
    bench.run(SECOND);
    assert_eq!(bench.firmware.received.len(), 1);
    assert_eq!(bench.firmware.repeats, 1, "the fourth time, marked as a repetition");
    bench.misses = 100;
    bench.router_sends(DEVICE_MAC, b"never");
    bench.run(SECOND);
    assert_eq!((bench.misses, bench.firmware.received.len()), (93, 1), "given up");
}

#[test]
fn a_radio_hears_only_the_channel_it_listens_on() {
    let mut bench = bench(home(), None);
    for (channel, hears) in [(Some(1), false), (None, false), (Some(CHANNEL), true)] {
        let radio = bench.links.radio(DEVICE).antenna.unwrap();
        bench.links.air.radio_listens(radio, channel);
        bench.heard.clear();
        bench.run(SECOND);
        assert_eq!(!bench.heard.is_empty(), hears, "{channel:?}");
    }
}

#[test]
fn the_same_frames_give_the_same_air() {
    let run = || {
        let mut bench = joined(home());
        lease(&mut bench);
        bench.heard.iter().map(|Heard { at, frame, .. }| (*at, frame.clone())).collect::<Vec<_>>()
    };
    assert!(run() == run());
}

#[test]
fn frames_on_the_air_are_recorded_in_order_and_recording_changes_nothing() {
    let run = |recorded: bool| {
        let mut bench = bench(home(), Some(PASSPHRASE));
        bench.links.record_frames(recorded);
        assert_eq!(bench.join(), Some(JoinOutcome::Joined));
        lease(&mut bench);
        let heard: Vec<_> = bench.heard.iter().map(|Heard { at, frame, .. }| (*at, frame.clone())).collect();
        (heard, bench.links.take_frames())
    };
    let (heard, recorded) = run(true);
    assert!(recorded.is_sorted_by_key(|frame| frame.at));
    let of = |link: &str| -> Vec<(Instant, &[u8])> {
        let frames = recorded.iter().filter(|frame| frame.link == link && frame.medium != Medium::Ethernet);
        frames.map(|frame| (frame.at, &frame.bytes[..])).collect()
    };
    let all: Vec<(Instant, &[u8])> = heard.iter().map(|(at, frame)| (*at, &frame.bytes[..])).collect();
    assert!(of("router home") == all);
    assert!(of("device 0").len() > 4);
    let (alike, none) = run(false);
    assert!(alike == heard && none.is_empty());
}
