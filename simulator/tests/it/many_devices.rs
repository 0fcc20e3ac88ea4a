//! A hundred ducks in one world, each with settings and a channel of its own, post to one cloud for an hour.

use std::net::Ipv4Addr;
use std::rc::Rc;
use std::time::Duration;

use fake_thingspeak::certificates::Profile;
use fake_thingspeak::cloud::NewChannel;
use fake_thingspeak::legacy_tls::Policy;
use firmware::board::SETTINGS_SECTORS;
use firmware::settings::{Fields, Settings};
use firmware::store::Own;
use simulator_parts::{Signal, Soldered, Surroundings};
use simulator_record::events::{self, DeviceId, Event, EventKind};
use simulator_record::random::Seed;
use simulator_record::time::Instant;
use simulator_world::air::{AccessPointConfig, Air, Security};
use simulator_world::boards::yellow_duck;
use simulator_world::device::host::HostTarget;
use simulator_world::device::port::Models;
use simulator_world::device::{Port, factory};
use simulator_world::internet::{self, CloudSettings, Internet, RouterSettings};
use simulator_world::world::{Command, World};
use time::OffsetDateTime;
use time::macros::datetime;

const DUCKS: u32 = 100;
const HOUR: Duration = Duration::from_secs(60 * 60);
const INTERVAL: Duration = Duration::from_secs(5 * 60);
const START: OffsetDateTime = datetime!(2026-01-01 00:00 UTC);
const HOST: &str = "api.thingspeak.com";

/// The duck's temperature, by which its readings are known: tenths of a degree, 10.0 °C and up.
fn temperature(duck: u32) -> i32 {
    100 + duck as i32
}

/// Its settings in the flash, for a write key and the fingerprint of the authority it trusts.
fn settings(write_key: &str, issuer: &str) -> Settings {
    Settings::parse(&Fields {
        network: "pond",
        passphrase: "correct horse",
        write_key,
        host: HOST,
        port: "443",
        tls: "on",
        trusted_issuer: issuer,
        interval: &INTERVAL.as_secs().to_string(),
        sensor: "DHT22",
    })
    .expect("the settings are valid")
}

/// The world, and the ducks' channels.
fn pond(seed: Seed) -> (World, Vec<u32>) {
    let cloud =
        CloudSettings { host: HOST.to_owned(), certificate: Profile::default(), legacy_tls: Policy::Off, port: None };
    let latency = Duration::from_millis(20);
    let internet = Internet::new(
        internet::Settings { start: START, latency, cloud, names: Vec::<(String, Ipv4Addr)>::new() },
        seed,
    )
    .expect("the host can stand in a certificate");
    let issuer: String = internet.authority().fingerprint().iter().map(|byte| format!("{byte:02x}")).collect();
    let access: Vec<_> = (0..DUCKS)
        .map(|duck| {
            let channel = NewChannel { name: format!("duck {duck}"), fields: [const { None }; 8], public: true };
            internet.cloud().create_channel(channel, START)
        })
        .collect();
    let mut world = World::new(Air::new(seed), internet);
    world.add_network(
        AccessPointConfig {
            name: "pond".to_owned(),
            bssid: [0x02, 0, 0, 0, 1, 0],
            channel: 6,
            security: Security::Wpa2("correct horse".to_owned()),
            signal: -60,
            capacity: usize::MAX,
            features: Default::default(),
        },
        RouterSettings::default(),
    );
    for (duck, access) in (0..).zip(&access) {
        let surroundings =
            Surroundings { temperature: Signal::Constant(temperature(duck)), humidity: Signal::Constant(500) };
        let parts: Vec<Soldered> = yellow_duck::BOARD.parts.iter().map(Soldered::from).collect();
        let mut models = Models::new(parts.iter().map(|part| (part, &surroundings)), seed, &format!("duck {duck}/"));
        models
            .flash
            .preload(
                SETTINGS_SECTORS.start,
                &factory::settings_sectors(
                    &settings(&access.write_key, &issuer),
                    &Own { secret: u64::from(duck).to_be_bytes(), newest_time: None },
                ),
            )
            .expect("the settings sectors lie within the flash");
        let port = Rc::new(Port::new(DeviceId(duck), models));
        world.add_device(Rc::clone(&port), Box::new(HostTarget::yellow_duck(port)));
        // They are not switched on at the same moment.
        let on = Instant::START + Duration::from_millis(700) * duck;
        world.schedule(on, Command::Power { device: DeviceId(duck), on: true });
    }
    (world, access.into_iter().map(|access| access.channel).collect())
}

fn swim(mut world: World) -> Vec<Event> {
    let end = Instant::START + HOUR;
    while world.next_at().is_some_and(|at| at <= end) {
        world.step();
    }
    world.finish(end)
}

#[test]
fn a_hundred_ducks_store_their_readings_once_and_in_order() {
    let (world, channels) = pond(Seed(1));
    let events = swim(world);
    for (duck, channel) in (0..).zip(channels) {
        let device = DeviceId(duck);
        let mut times = Vec::new();
        for event in &events {
            let EventKind::Stored(events::Stored { channel: its, entry_id, created_at, fields, .. }) = &event.kind
            else {
                continue;
            };
            if *its != channel {
                assert_ne!(event.device, Some(device), "duck {duck} wrote to another's channel");
                continue;
            }
            assert_eq!(event.device, Some(device), "another wrote to duck {duck}'s channel");
            times.push(*created_at);
            assert_eq!(*entry_id, times.len() as u64, "duck {duck}'s entries are numbered as they come");
            let tenths = temperature(duck);
            assert_eq!(fields[0], Some(format!("{}.{}", tenths / 10, tenths % 10)), "duck {duck}");
        }
        let on_for = HOUR - Duration::from_millis(700) * duck;
        let readings = on_for.as_secs().div_ceil(INTERVAL.as_secs()) as usize;
        assert_eq!(times.len(), readings, "duck {duck} stored its readings at {times:?}");
        for pair in times.windows(2) {
            assert_eq!(pair[1] - pair[0], INTERVAL.as_secs() as i64, "duck {duck} stored its readings at {times:?}");
        }
    }
    let trouble = |event: &&Event| matches!(event.kind, EventKind::Crash(_) | EventKind::Livelock(_));
    assert_eq!(events.iter().find(trouble), None);
    let boots = events.iter().filter(|event| matches!(event.kind, EventKind::Boot(_))).count();
    assert_eq!(boots, DUCKS as usize, "each started once");
}
