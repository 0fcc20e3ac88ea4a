//! A scenario's world: board, flash contents, networks, internet, cloud, phones.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use fake_thingspeak::cloud::NewChannel;
use firmware::board::SETTINGS_SECTORS;
use firmware::settings::{Fields, Settings};
use firmware::store::{Own, SECRET};
use rand_core::RngCore as _;
use simulator_parts::{Soldered, Surroundings};
use simulator_record::events::DeviceId;
use simulator_record::random::Seed;
use simulator_scenario::model as scenario;
use simulator_scenario::model::Scenario;
use simulator_world::air::{AccessPointConfig, Air};
use simulator_world::device::esp8266::{Contents, Esp8266Target, WholeImageTarget};
use simulator_world::device::host::HostTarget;
use simulator_world::device::{Port, Target, factory, port};
use simulator_world::internet::{CloudSettings, Internet, Settings as InternetSettings};
use simulator_world::phone::{Action, Phone};
use simulator_world::world::{CrashLimits, World};
use smoltcp::wire::EthernetAddress;

use super::Executor;
use crate::director::translate::{self, Calendar};

/// GPIO0 among the pins.
const GPIO0: u32 = 1 << 0;

/// What only the run's cloud knows, and settings and phones ask for by name.
struct CloudSecrets {
    write_key: String,
    issuer: String,
}

/// Builds a scenario's world for a seed. Nothing happens in it until somebody schedules something; see
/// [`Director`](crate::director::Director).
pub fn world(scenario: &Scenario, seed: Seed) -> World {
    world_on(scenario, seed, &Executor::Host)
}

/// The same with the firmware on a target of choice.
pub fn world_on(scenario: &Scenario, seed: Seed, executor: &Executor) -> World {
    world_with(scenario, seed, |port| target(scenario, port, executor))
}

/// What executes the firmware of the device behind a port.
fn target(scenario: &Scenario, port: Rc<Port>, executor: &Executor) -> Box<dyn Target> {
    let firmware = scenario.devices[port.device.0 as usize].firmware.as_ref();
    match (firmware, executor) {
        (Some(image), _) => {
            let contents = image.contents().expect("images are read before the first run");
            Box::new(WholeImageTarget::new(port, &contents))
        }
        (None, Executor::Host) => Box::new(HostTarget::yellow_duck(port)),
        (None, Executor::Whole(contents)) => Box::new(WholeImageTarget::new(port, contents)),
        (None, Executor::Stubs(image)) => Box::new(Esp8266Target::new(port, Arc::clone(image))),
    }
}

/// The world of a scenario with an image in its first device, and that device's port.
///
/// # Panics
/// If the scenario has no device, which a checked one does not.
pub fn board(scenario: &Scenario, seed: Seed, contents: &Arc<Contents>) -> (World, Rc<Port>) {
    let mut first = None;
    let world = world_with(scenario, seed, |port| {
        if port.device == DeviceId(0) {
            first = Some(Rc::clone(&port));
            return Box::new(WholeImageTarget::new(port, contents));
        }
        target(scenario, port, &Executor::Host)
    });
    (world, first.expect("a checked scenario has a device"))
}

/// The same with the firmware on a target that somebody makes for the device's port.
pub fn world_with(scenario: &Scenario, seed: Seed, mut make: impl FnMut(Rc<Port>) -> Box<dyn Target>) -> World {
    let internet = internet(scenario, seed);
    let issuer = hex::encode(internet.authority().fingerprint());
    let mut given = scenario.cloud.write_key.as_deref();
    let mut channel =
        || internet.cloud().create_channel_with_key(weather_station(), given.take(), scenario.start).write_key;
    let clouds: Vec<CloudSecrets> =
        scenario.devices.iter().map(|_| CloudSecrets { write_key: channel(), issuer: issuer.clone() }).collect();
    let mut world = World::new(Air::new(seed), internet);
    let scenario::EqualCrashes { crash, watchdog } = scenario.equal_crashes;
    world.end_after_equal_crashes(CrashLimits { crash, watchdog });
    for network in &scenario.networks {
        let access_point = AccessPointConfig {
            name: network.name.clone(),
            bssid: network.bssid,
            channel: network.channel,
            security: network.security.with(network.passphrase.as_deref()),
            signal: network.signal.0,
            capacity: usize::MAX,
            features: network.features.clone(),
        };
        world.add_network(access_point, network.router);
    }
    for ((id, device), cloud) in (0..).map(DeviceId).zip(&scenario.devices).zip(&clouds) {
        let mut port = Port::new(id, models(device, scenario, seed));
        port.hardware_address = device.mac.unwrap_or(port.hardware_address);
        if device.firmware.as_ref().is_some_and(|firmware| firmware.boot == scenario::BootMode::Download) {
            port.held_low.set(GPIO0);
        }
        port.uptime.set(device.uptime);
        if let Some(erases) = device.flash_endurance {
            port.flash.borrow_mut().set_endurance(erases);
        }
        port.flash.borrow_mut().set_overwrite(device.flash_overwrite);
        let port = Rc::new(port);
        let target = make(Rc::clone(&port));
        // After the image, which may reach there.
        if let Some(settings) = &device.settings {
            let contents = flash_contents(settings, cloud, seed, &prefix(device));
            let kept = port.flash.borrow_mut().preload(SETTINGS_SECTORS.start, &contents);
            kept.expect("the settings sectors lie within the flash");
        }
        world.add_device(port, target);
        world.set_country(id, device.country);
        if let Some(name) = &device.name {
            world.name_device(id, Arc::clone(name));
        }
    }
    for (index, phone) in scenario.phones.iter().enumerate() {
        let [high, low] = (index as u16).to_be_bytes();
        let station = EthernetAddress([0x02, 0, 0, 0x02, high, low]);
        let actions = phone.does.iter().map(|action| act(action, &clouds[phone.device.0 as usize]));
        world.add_phone(Phone::new(&phone.name, station, actions, seed).with(phone.habits), phone.device);
    }
    world
}

/// The channel that the article's owner made: temperature and humidity, for all to see.
fn weather_station() -> NewChannel {
    let mut fields = [const { None }; 8];
    fields[0] = Some("temperature".to_owned());
    fields[1] = Some("humidity".to_owned());
    NewChannel { name: "yellow duck".to_owned(), fields, public: true }
}

fn act(action: &scenario::PhoneAction, cloud: &CloudSecrets) -> Action {
    match action.clone() {
        scenario::PhoneAction::Join { network, passphrase } => Action::Join { network, passphrase },
        scenario::PhoneAction::Open { url } => Action::Open { url },
        scenario::PhoneAction::SignIn => Action::SignIn,
        scenario::PhoneAction::Submit(form) => {
            Action::Submit { page: form.page.clone(), charset: form.charset, fields: fill_in(form, cloud) }
        }
        scenario::PhoneAction::Request(scenario::Request { method, path, headers, body }) => {
            let body = match body {
                scenario::RequestBody::None => Vec::new(),
                scenario::RequestBody::Text(text) => text.into_bytes(),
                scenario::RequestBody::Bytes(count) => vec![b'x'; count as usize],
            };
            Action::Request { method, path, headers, body }
        }
        scenario::PhoneAction::Dribble { bytes, every } => Action::Dribble { bytes: bytes.into_bytes(), every },
        scenario::PhoneAction::ConnectAndSayNothing(length) => Action::ConnectAndSayNothing(length),
        scenario::PhoneAction::Wait(length) => Action::Wait(length),
        scenario::PhoneAction::Leave => Action::Leave,
    }
}

/// What is typed into which field of the portal's form.
fn fill_in(form: scenario::Form, cloud: &CloudSecrets) -> BTreeMap<String, String> {
    let typed = |typed: Option<scenario::Typed>, of_the_cloud: &str| {
        typed.map(|typed| match typed {
            scenario::Typed::OfTheCloud => of_the_cloud.to_owned(),
            scenario::Typed::Text(text) => text,
        })
    };
    let fields = [
        ("network", form.network),
        ("passphrase", form.passphrase),
        ("write-key", typed(form.write_key, &cloud.write_key)),
        ("host", form.host),
        ("port", form.port),
        ("tls", form.tls.map(|on| if on { "on" } else { "off" }.to_owned())),
        ("trusted-issuer", typed(form.trusted_issuer, &cloud.issuer)),
        ("interval", form.interval),
        ("sensor", form.sensor),
    ];
    let named = fields.into_iter().filter_map(|(field, text)| Some((field.to_owned(), text?)));
    named.chain(form.fields).collect()
}

fn internet(scenario: &Scenario, seed: Seed) -> Internet {
    let cloud = CloudSettings {
        host: scenario.cloud.host.clone(),
        certificate: scenario.cloud.certificate.clone(),
        legacy_tls: scenario.cloud.legacy_tls,
        port: scenario.cloud.port,
    };
    let settings =
        InternetSettings { start: scenario.start, latency: scenario.internet.latency, cloud, names: Vec::new() };
    Internet::new(settings, seed).expect("a checked scenario's host can stand in a certificate")
}

/// What the names of a device's random streams begin with.
fn prefix(device: &scenario::Device) -> String {
    device.name.as_ref().map(|name| format!("{name}/")).unwrap_or_default()
}

fn models(device: &scenario::Device, scenario: &Scenario, seed: Seed) -> port::Models {
    let calendar = Calendar::of(scenario);
    let parts: Vec<(Soldered, Surroundings)> = device
        .parts
        .iter()
        .map(|part| (part.soldered.clone(), translate::surroundings(&part.readings, &calendar)))
        .collect();
    port::Models::new(parts.iter().map(|(soldered, around)| (soldered, around)), seed, &prefix(device))
}

/// The settings sectors as the firmware itself would have written them.
fn flash_contents(settings: &scenario::Settings, cloud: &CloudSecrets, seed: Seed, prefix: &str) -> Vec<u8> {
    let newest_time = Some(settings.authenticated_time.unix_timestamp());
    let issuer = match settings.trusted_issuer {
        scenario::TrustedIssuer::Cloud => cloud.issuer.clone(),
        scenario::TrustedIssuer::DigiCert => "digicert".to_owned(),
        scenario::TrustedIssuer::Fingerprint(bytes) => hex::encode(bytes),
    };
    let settings = Settings::parse(&Fields {
        network: &settings.network,
        passphrase: &settings.passphrase,
        write_key: match &settings.write_key {
            scenario::WriteKey::Channel => &cloud.write_key,
            scenario::WriteKey::Key(key) => key,
        },
        host: &settings.host,
        port: &settings.port.to_string(),
        tls: if settings.tls { "on" } else { "off" },
        trusted_issuer: &issuer,
        interval: &settings.interval.as_secs().to_string(),
        sensor: match settings.sensor {
            scenario::SensorKind::Dht22 => "DHT22",
            scenario::SensorKind::Dht11 => "DHT11",
        },
    });
    let Ok(settings) = settings else { unreachable!("a checked scenario's settings are the firmware's, too") };
    let mut secret = [0; SECRET];
    seed.stream(&format!("{prefix}set-up secret")).fill_bytes(&mut secret);
    factory::settings_sectors(&settings, &Own { secret, newest_time })
}
