use proptest::prelude::*;

use super::*;
use simulator_record::events::{self, JoinOutcome};

const DEVICE: Mac = [2, 0, 0, 0, 0, 1];
const PHONE: Mac = [2, 0, 0, 0, 0, 2];
const PASSPHRASE: &str = "correct horse";

fn wpa2(passphrase: &str) -> Security {
    Security::Wpa2(passphrase.to_owned())
}

fn home() -> AccessPointConfig {
    AccessPointConfig {
        name: "home".to_owned(),
        bssid: [2, 0, 0, 0, 1, 0],
        channel: 6,
        security: wpa2(PASSPHRASE),
        signal: -60,
        capacity: 128,
        features: Features::default(),
    }
}

/// Air with one access point and one station, and all that has happened.
struct World {
    air: Air,
    home: NetworkId,
    device: StationId,
    now: Instant,
}

impl World {
    fn new(seed: u64, config: AccessPointConfig) -> Self {
        let mut air = Air::new(Seed(seed));
        let home = air.open(Instant::START, config);
        let device = air.add_station(DEVICE);
        air.advance(Instant::START);
        Self { air, home, device, now: Instant::from_secs(10) }
    }

    /// Joined at `now`.
    fn joined(seed: u64) -> Self {
        let mut world = Self::new(seed, home());
        assert_eq!(world.join(wpa2(PASSPHRASE)).1, Ok(world.home));
        world
    }

    /// Lets the air go on event by event until it tells something.
    fn next(&mut self) -> AirEvent {
        loop {
            let at = self.air.next_event().expect("something goes on");
            let mut events = self.air.advance(at);
            self.now = self.now.max(at);
            if let Some(event) = events.pop() {
                assert_eq!(events, []);
                assert_eq!(event.at(), at);
                return event;
            }
        }
    }

    fn join(&mut self, security: Security) -> (Duration, Result<NetworkId, JoinFailure>) {
        let since = self.now;
        self.air.join(since, self.device, "home", security);
        match self.next() {
            AirEvent::JoinEnded { at, outcome, .. } => (at.saturating_since(since), outcome),
            other => panic!("{other:?}"),
        }
    }

    fn lost(&mut self) -> (Instant, LinkLoss) {
        match self.next() {
            AirEvent::LinkLost { at, reason, .. } => (at, reason),
            other => panic!("{other:?}"),
        }
    }
}

fn between(duration: Duration, low: u64, high: u64) -> bool {
    (Duration::from_millis(low)..=Duration::from_millis(high)).contains(&duration)
}

fn frame(to: Mac, from: Mac) -> Vec<u8> {
    let mut frame = vec![0xAB; 100];
    frame[..6].copy_from_slice(&to);
    frame[6..12].copy_from_slice(&from);
    frame
}

#[test]
fn a_join_takes_a_scan_and_a_handshake() {
    for seed in 0..100 {
        let mut world = World::new(seed, home());
        let (took, outcome) = world.join(wpa2(PASSPHRASE));
        assert_eq!(outcome, Ok(world.home));
        assert!(between(took, 1_500, 3_500), "{took:?}");
        assert_eq!(world.air.network_of(world.device), Some(world.home));
        assert_eq!(world.air.signal(world.device), Some(-60));
        assert_eq!(world.air.next_event(), None);
    }
}

#[test]
fn an_open_network_needs_no_handshake() {
    let mut world = World::new(1, AccessPointConfig { security: Security::Open, ..home() });
    let (took, outcome) = world.join(Security::Open);
    assert_eq!(outcome, Ok(world.home));
    assert!(between(took, 1_500, 2_620), "{took:?}");
}

#[test]
fn a_wrong_passphrase_fails_in_the_handshake() {
    let mut world = World::new(1, home());
    let (took, outcome) = world.join(wpa2("incorrect horse"));
    assert_eq!(outcome, Err(JoinFailure::WrongPassphrase));
    assert!(between(took, 5_500, 7_700), "{took:?}");
    assert_eq!(world.air.network_of(world.device), None);
}

#[test]
fn a_scan_hears_what_is_there_and_a_hidden_network_only_when_asked_by_name() {
    let mut world = World::new(1, home());
    let features = Features { is_hidden: true, ..Features::default() };
    let others = [
        AccessPointConfig { name: "cellar".to_owned(), signal: -91, ..home() },
        AccessPointConfig { name: "attic".to_owned(), features, security: Security::Wep, ..home() },
    ];
    for (last, config) in (1..).zip(others) {
        world.air.open(world.now, AccessPointConfig { bssid: [2, 0, 0, 0, 1, last], ..config });
    }
    world.air.advance(world.now);
    let mut scan = |name: Option<&str>| {
        world.air.scan(world.now, world.device, name);
        let ends = world.air.next_event().unwrap();
        assert!(between(ends.saturating_since(world.now), 1_500, 2_500));
        world.air.advance(ends);
        world.now = ends;
        let scans = world.air.take_scans();
        let [(station, heard)] = scans.as_slice() else { panic!("{scans:?}") };
        assert_eq!(*station, world.device);
        heard.iter().map(|heard| (heard.name.clone(), heard.protection)).collect::<Vec<_>>()
    };
    assert_eq!(scan(None), [("home".to_owned(), Protection::Wpa2)]);
    assert_eq!(scan(Some("attic")), [("attic".to_owned(), Protection::Wep)]);
    assert_eq!(scan(Some("cellar")), []);
    world.air.scan(world.now, world.device, None);
    world.air.power_off(world.now, world.device);
    assert_eq!(world.air.next_event(), None, "without power nothing is heard");
}

#[test]
fn joins_fail_for_the_real_reasons() {
    let weak = AccessPointConfig { signal: -91, ..home() };
    let open = AccessPointConfig { security: Security::Open, ..home() };
    let full = AccessPointConfig { capacity: 0, ..home() };
    let named = AccessPointConfig { name: "hame".to_owned(), ..home() };
    let failure = |config, security| World::new(1, config).join(security).1.unwrap_err();
    assert_eq!(failure(weak, wpa2(PASSPHRASE)), JoinFailure::NotFound);
    assert_eq!(failure(named, wpa2(PASSPHRASE)), JoinFailure::NotFound);
    assert_eq!(failure(open, wpa2(PASSPHRASE)), JoinFailure::SecurityMismatch);
    assert_eq!(failure(home(), Security::Open), JoinFailure::SecurityMismatch);
    assert_eq!(failure(full, wpa2(PASSPHRASE)), JoinFailure::Refused);
}

#[test]
fn a_device_looks_at_its_countrys_channels() {
    let outcome = |channel: u8, country: Country| {
        let mut world = World::new(1, AccessPointConfig { channel, ..home() });
        world.air.set_country(world.device, country);
        world.join(wpa2(PASSPHRASE)).1.err()
    };
    let unheard = Some(JoinFailure::NotFound);
    assert_eq!((outcome(11, Country::UnitedStates), outcome(12, Country::UnitedStates)), (None, unheard));
    assert_eq!((outcome(13, Country::China), outcome(14, Country::China)), (None, unheard));
    assert_eq!(outcome(14, Country::default()), None);
}

#[test]
fn a_refusal_has_the_access_points_number() {
    let status = |config: AccessPointConfig, state| {
        let mut world = World::new(1, config);
        world.air.set_state(world.now, world.home, state, false);
        world.air.join(world.now, world.device, "home", wpa2(PASSPHRASE));
        match world.next() {
            AirEvent::JoinEnded { outcome, status, .. } => (outcome.err(), status),
            other => panic!("{other:?}"),
        }
    };
    let refused = |number| (Some(JoinFailure::Refused), Some(number));
    assert_eq!(status(home(), AccessPointState::Refusing { status: 30 }), refused(30));
    assert_eq!(status(AccessPointConfig { capacity: 0, ..home() }, AccessPointState::On), refused(17));
    let wpa3 = AccessPointConfig { security: Security::Wpa3(PASSPHRASE.to_owned()), ..home() };
    assert_eq!(status(wpa3, AccessPointState::On), refused(40));
}

#[test]
fn an_access_point_that_is_off_refusing_or_deaf_lets_nobody_in() {
    let states = [
        (AccessPointState::Off, JoinFailure::NotFound),
        (AccessPointState::Refusing { status: 30 }, JoinFailure::Refused),
        (AccessPointState::Deaf, JoinFailure::Timeout),
    ];
    for (state, failure) in states {
        let mut world = World::new(1, home());
        world.air.set_state(Instant::from_secs(1), world.home, state, false);
        world.air.advance(Instant::from_secs(1));
        assert_eq!(world.join(wpa2(PASSPHRASE)).1, Err(failure));
        world.air.set_state(world.now, world.home, AccessPointState::On, false);
        world.air.advance(world.now);
        assert_eq!(world.join(wpa2(PASSPHRASE)).1, Ok(world.home));
    }
}

#[test]
fn an_access_point_that_restarts_during_a_join_stops_answering() {
    let mut world = World::new(1, home());
    world.air.join(world.now, world.device, "home", wpa2(PASSPHRASE));
    let scanned = world.air.next_event().unwrap();
    assert_eq!(world.air.advance(scanned), []);
    for state in [AccessPointState::Off, AccessPointState::On] {
        world.air.set_state(scanned + Duration::from_millis(1), world.home, state, false);
    }
    world.air.advance(scanned + Duration::from_millis(1));
    assert!(matches!(world.next(), AirEvent::JoinEnded { outcome: Err(JoinFailure::Timeout), .. }));
}

#[test]
fn of_one_name_the_strongest_is_joined() {
    let mut world = World::new(1, home());
    world.air.open(Instant::START, AccessPointConfig { signal: -70, ..home() });
    let upstairs = world.air.open(Instant::START, AccessPointConfig { signal: -50, ..home() });
    world.air.open(Instant::START, AccessPointConfig { signal: -40, security: Security::Open, ..home() });
    world.air.advance(Instant::START);
    assert_eq!(world.join(wpa2(PASSPHRASE)).1, Ok(upstairs));
    assert_eq!(world.air.signal(world.device), Some(-50));
}

#[test]
fn a_goodbye_is_noticed_at_once_and_silence_after_six_seconds() {
    for (goodbye, reason, low, high) in
        [(true, LinkLoss::Deauthenticated, 1, 5), (false, LinkLoss::BeaconTimeout, 6_000, 6_000)]
    {
        let mut world = World::joined(1);
        let off = world.now + Duration::from_secs(60);
        world.air.set_state(off, world.home, AccessPointState::Off, goodbye);
        assert!(matches!(world.next(), AirEvent::AccessPoint { on: false, .. }));
        assert_eq!(world.air.network_of(world.device), Some(world.home), "it does not know yet");
        let (at, why) = world.lost();
        assert_eq!(why, reason);
        assert!(between(at.saturating_since(off), low, high));
        assert_eq!(world.air.network_of(world.device), None);
    }
}

#[test]
fn an_access_point_that_restarts_quickly_sends_its_old_stations_away() {
    let mut world = World::joined(1);
    let off = world.now + Duration::from_secs(60);
    world.air.set_state(off, world.home, AccessPointState::Off, false);
    let on = off + Duration::from_secs(3);
    world.air.advance(on);
    world.air.set_state(on, world.home, AccessPointState::On, false);
    assert_eq!(world.air.advance(on).len(), 1);
    let up = world.air.transmit(on, Port::Station(world.device), &frame([0xFF; 6], DEVICE));
    assert_eq!(up, Transmission::default(), "the access point has forgotten it");
    let (at, reason) = world.lost();
    assert_eq!(reason, LinkLoss::Deauthenticated);
    assert!(between(at.saturating_since(on), 100, 500));
}

#[test]
fn leaving_and_losing_power_are_told_and_a_join_given_up_is_not() {
    let mut world = World::joined(1);
    world.air.leave(world.now, world.device);
    assert_eq!(world.lost(), (world.now, LinkLoss::Left));
    assert_eq!(world.join(wpa2(PASSPHRASE)).1, Ok(world.home));
    world.air.power_off(world.now, world.device);
    assert_eq!(world.lost().1, LinkLoss::Power);
    world.air.join(world.now, world.device, "home", wpa2(PASSPHRASE));
    world.air.leave(world.now + Duration::from_millis(700), world.device);
    assert_eq!(world.air.next_event(), None);
}

#[test]
fn frames_pass_between_a_station_and_the_router() {
    let mut world = World::joined(1);
    let (device, router) = (Port::Station(world.device), Port::AccessPoint(world.home));
    let sent = frame([2, 0, 0, 0, 9, 9], DEVICE);
    let up = world.air.transmit(world.now, device, &sent);
    assert_eq!(up.actions, []);
    assert_eq!(up.deliveries.len(), 1);
    assert_eq!((up.deliveries[0].to, &up.deliveries[0].frame[..]), (router, &sent[..]));
    assert!(between(up.deliveries[0].at.saturating_since(world.now), 1, 3));
    let down = world.air.transmit(world.now, router, &frame(DEVICE, [2, 0, 0, 0, 9, 9]));
    assert_eq!(down.deliveries[0].to, device);
    assert!(world.air.still_receives(&down.deliveries[0]));
    world.air.leave(world.now, world.device);
    assert!(!world.air.still_receives(&down.deliveries[0]));
}

#[test]
fn frames_need_a_joined_sender_and_an_access_point_that_hears() {
    let mut world = World::new(1, home());
    let (device, router) = (Port::Station(world.device), Port::AccessPoint(world.home));
    let (up, down) = (frame([0xFF; 6], DEVICE), frame([0xFF; 6], [2, 0, 0, 0, 9, 9]));
    let passes = |world: &mut World| {
        let count = |transmission: Transmission| transmission.deliveries.len();
        let up = count(world.air.transmit(world.now, device, &up));
        (up, count(world.air.transmit(world.now, router, &down)))
    };
    assert_eq!(passes(&mut world), (0, 0));
    world.join(wpa2(PASSPHRASE)).1.unwrap();
    assert_eq!(passes(&mut world), (1, 1));
    let states = [
        (AccessPointState::Deaf, (0, 1)),
        (AccessPointState::Refusing { status: 30 }, (1, 1)),
        (AccessPointState::Off, (0, 0)),
    ];
    for (state, expected) in states {
        world.air.set_state(world.now, world.home, state, false);
        assert_eq!(passes(&mut world), expected, "{state:?}");
    }
}

#[test]
fn a_phone_joins_the_devices_own_access_point() {
    let mut air = Air::new(Seed(1));
    let phone = air.add_station(PHONE);
    let config =
        AccessPointConfig { name: "yellow-duck".to_owned(), bssid: DEVICE, security: wpa2("helloduck"), ..home() };
    let duck = air.open(Instant::from_secs(1), config);
    let join = |air: &mut Air, passphrase: &str| {
        air.join(Instant::from_secs(2), phone, "yellow-duck", wpa2(passphrase));
        let mut events = Vec::new();
        while let Some(at) = air.next_event() {
            events.extend(air.advance(at));
        }
        events.pop().map(EventKind::from)
    };
    let ended = |outcome, bssid| {
        Some(EventKind::Join(events::Join { network: "yellow-duck".to_owned(), bssid, outcome, status: None }))
    };
    assert_eq!(join(&mut air, "byebyeduck"), ended(JoinOutcome::Failed(JoinFailure::WrongPassphrase), None));
    assert_eq!(join(&mut air, "helloduck"), ended(JoinOutcome::Joined, Some(colons(DEVICE))));
    let at = Instant::from_secs(20);
    let up = air.transmit(at, Port::Station(phone), &frame(DEVICE, PHONE)).deliveries;
    assert_eq!(up[0].to, Port::AccessPoint(duck));
    let down = air.transmit(at, Port::AccessPoint(duck), &frame(PHONE, DEVICE)).deliveries;
    assert_eq!(down[0].to, Port::Station(phone));
}

#[test]
fn a_hundred_devices_join_and_hear_a_broadcast_and_one_another() {
    let mut air = Air::new(Seed(1));
    let home = air.open(Instant::START, home());
    let mac = |index: u8| [2, 0, 0, 0, 0, index];
    let devices: Vec<StationId> = (0..100).map(|index| air.add_station(mac(index))).collect();
    for device in &devices {
        air.join(Instant::START, *device, "home", wpa2(PASSPHRASE));
    }
    let events = air.advance(Instant::from_secs(4));
    assert_eq!(events.len(), 1 + 100);
    assert!(events.is_sorted_by_key(AirEvent::at));
    let at = Instant::from_secs(5);
    let heard = air.transmit(at, Port::AccessPoint(home), &frame([0xFF; 6], [2, 0, 0, 0, 9, 9])).deliveries;
    assert_eq!(heard.len(), 100);
    let across = air.transmit(at, Port::Station(devices[3]), &frame(mac(42), mac(3))).deliveries;
    assert_eq!(across[0].to, Port::Station(devices[42]));
    assert!(between(across[0].at.saturating_since(at), 2, 6), "two hops");
}

/// When each of `count` frames sent a millisecond apart arrives at the router; the frame's number is in its last byte.
fn arrivals(world: &mut World, count: u8) -> Vec<(Instant, u8)> {
    let mut arrived = Vec::new();
    for number in 0..count {
        let mut frame = frame([2, 0, 0, 0, 9, 9], DEVICE);
        frame[99] = number;
        let at = world.now + Duration::from_millis(number.into());
        let deliveries = world.air.transmit(at, Port::Station(world.device), &frame).deliveries;
        arrived.extend(deliveries.into_iter().map(|delivery| (delivery.at, delivery.frame[99])));
    }
    arrived.sort_by_key(|(at, _)| *at);
    arrived
}

fn rule(name: &str) -> LinkRule {
    LinkRule { name: name.to_owned(), ..LinkRule::default() }
}

#[test]
fn frames_keep_their_order_unless_a_rule_has_one_overtaken() {
    let mut world = World::joined(1);
    let numbers = |arrivals: Vec<(Instant, u8)>| arrivals.into_iter().map(|(_, number)| number).collect::<Vec<_>>();
    assert!(numbers(arrivals(&mut world, 200)).is_sorted());
    world.now += Duration::from_secs(1);
    world.air.add_rule(LinkRule { jitter: Duration::from_millis(50), ..rule("jitter") });
    assert!(numbers(arrivals(&mut world, 200)).is_sorted(), "jitter alone keeps the order");
    world.now += Duration::from_secs(1);
    world.air.remove_rule("jitter");
    world.air.add_rule(LinkRule { reorder: 100_000, ..rule("shuffle") });
    let shuffled = numbers(arrivals(&mut world, 200));
    assert_eq!(shuffled.len(), 200);
    assert!(!shuffled.is_sorted());
}

#[test]
fn rules_lose_duplicate_and_change_frames_and_say_so() {
    let mut world = World::joined(1);
    let device = Port::Station(world.device);
    let sent = frame([2, 0, 0, 0, 9, 9], DEVICE);
    let mut with = |rule: LinkRule| {
        world.air.add_rule(rule);
        world.air.transmit(world.now, device, &sent)
    };
    let lost = with(LinkRule { loss: 1_000_000, ..rule("fault") });
    assert_eq!(lost.deliveries, []);
    let action = RuleAction { rule: "fault".to_owned(), action: "lost a frame of 100 bytes".to_owned() };
    assert_eq!(lost.actions, [action]);
    let twice = with(LinkRule { duplicate: 1_000_000, ..rule("fault") }).deliveries;
    assert_eq!(twice.len(), 2);
    assert_eq!(twice[0].frame, twice[1].frame);
    assert!(twice[0].at < twice[1].at);
    let changed = with(LinkRule { corrupt: 1_000_000, ..rule("fault") }).deliveries;
    let differing = changed[0].frame.iter().zip(&sent).filter(|(got, sent)| got != sent).count();
    assert_eq!((differing, &changed[0].frame[..14]), (1, &sent[..14]));
    let late = with(LinkRule { latency: Duration::from_millis(50), ..rule("fault") }).deliveries;
    assert!(between(late[0].at.saturating_since(world.now), 51, 60));
}

#[test]
fn a_rule_changes_nothing_for_the_frames_it_spares() {
    let undisturbed = arrivals(&mut World::joined(5), 200);
    let mut world = World::joined(5);
    world.air.add_rule(LinkRule { loss: 200_000, duplicate: 0, ..rule("loss") });
    let spared = arrivals(&mut world, 200);
    assert!((100..200).contains(&spared.len()));
    // A frame behind a lost one may arrive earlier, as it need not wait for it, but never later.
    for (at, number) in &spared {
        let (before, _) = undisturbed.iter().find(|(_, other)| other == number).unwrap();
        assert!(at <= before);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_same_calls_give_the_same_air(
        seed in any::<u64>(),
        steps in proptest::collection::vec((0_u8..8, 1_u64..8_000), 1..60),
    ) {
        let run = || {
            let mut world = World::new(seed, home());
            world.air.add_rule(LinkRule { loss: 100_000, reorder: 100_000, corrupt: 100_000, ..rule("fault") });
            let phone = world.air.add_station(PHONE);
            let mut seen = Vec::new();
            for (step, millis) in &steps {
                world.now += Duration::from_millis(*millis);
                let (now, device, home) = (world.now, world.device, world.home);
                for event in world.air.advance(now) {
                    prop_assert!(event.at() <= now);
                    seen.push(format!("{event:?}"));
                }
                match step {
                    0 | 1 => world.air.join(now, device, "home", wpa2(PASSPHRASE)),
                    2 => world.air.join(now, phone, "home", wpa2(PASSPHRASE)),
                    3 => world.air.set_state(now, home, AccessPointState::Off, *millis % 2 == 0),
                    4 => world.air.set_state(now, home, AccessPointState::On, false),
                    5 => world.air.power_off(now, device),
                    _ => {
                        let sent = world.air.transmit(now, Port::AccessPoint(home), &frame([0xFF; 6], [9; 6]));
                        for delivery in &sent.deliveries {
                            prop_assert!(delivery.at > now && world.air.still_receives(delivery));
                        }
                        seen.push(format!("{sent:?}"));
                    }
                }
                // What is scheduled is due when it says, and nothing is left undone that is past.
                prop_assert!(world.air.next_event().is_none_or(|next| next >= now));
            }
            Ok(seen)
        };
        prop_assert_eq!(run()?, run()?);
    }
}
