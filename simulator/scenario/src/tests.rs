//! What comes of good files; mistakes have their own tests in `tests/diagnostics`.

use std::path::Path;
use std::time::Duration;

use proptest::prelude::*;
use simulator_parts::PartId;
use simulator_record::events::DeviceId;
use time::macros::datetime;

use super::matcher::TextMatch;
use super::model::*;
use super::units::{Dbm, DeciCelsius, DeciPercent, PerMillion};
use super::{Scenario, schema_text};

fn parse(text: &str) -> Scenario {
    let files = |name: &str| match name {
        "greenhouse.csv" => Ok("time,inside,outside\n0,21.5,3\n90,22,3.5\n2026-01-01T00:10:00Z,23 ,4\n".to_owned()),
        _ => Err("no such file".to_owned()),
    };
    let text =
        if text.contains("[[expect]]") { text.to_owned() } else { format!("{text}\n[[expect]]\nevent.boot = {{}}") };
    Scenario::parse("test.toml", &text, &files).unwrap_or_else(|mistakes| panic!("{}", mistakes.render(false)))
}

#[test]
fn the_smallest_scenario_has_the_documented_defaults() {
    let scenario = parse("title = 'A blank duck'\nduration = '1m'");
    assert_eq!(scenario.seed, 1);
    assert_eq!(scenario.start, datetime!(2026-01-01 00:00:00 UTC));
    assert_eq!(scenario.duration, Duration::from_mins(1));
    assert_eq!(scenario.allow, Allow::default());
    assert_eq!(scenario.equal_crashes, EqualCrashes { crash: Some(10), watchdog: Some(10) });
    assert_eq!(scenario.devices[0].settings, None);
    assert!(scenario.networks.is_empty());
    assert_eq!(scenario.devices[0].parts[0].readings.temperature, Course::Constant(DeciCelsius(215)));
    assert_eq!(scenario.devices[0].parts[0].readings.humidity, Course::Constant(DeciPercent(456)));
    assert_eq!(scenario.internet.latency, Duration::from_millis(20));
    assert_eq!(scenario.cloud.host, "api.thingspeak.com");
}

#[test]
fn crashes_that_are_allowed_end_no_run_unless_the_file_says_so() {
    let limits = |text: &str| {
        let EqualCrashes { crash, watchdog } = parse(&format!("title = 't'\nduration = '1m'\n{text}")).equal_crashes;
        (crash, watchdog)
    };
    assert_eq!(limits("allow = ['crash']"), (None, Some(10)));
    assert_eq!(limits("allow = ['crash', 'watchdog']"), (None, None));
    assert_eq!(limits("allow = ['crash', 'watchdog']\nequal-crashes = 3"), (Some(3), Some(3)));
    assert_eq!(limits("equal-crashes = 0"), (None, None));
}

#[test]
fn a_flash_wears_out_only_if_the_file_says_so() {
    let endurance = |text: &str| parse(&format!("title = 't'\nduration = '1m'\n{text}")).devices[0].flash_endurance;
    assert_eq!(endurance(""), None);
    assert_eq!(endurance("[device]\nflash-endurance = 100000"), Some(100_000));
    assert_eq!(endurance("[[devices]]\nname = 'a'\nflash-endurance = 0"), Some(0));
}

#[test]
fn a_flash_clears_bits_when_it_is_written_again_unless_the_file_says_otherwise() {
    let overwrite = |text: &str| parse(&format!("title = 't'\nduration = '1m'\n{text}")).devices[0].flash_overwrite;
    assert_eq!(overwrite(""), Overwrite::Clears);
    assert_eq!(overwrite("[device]\nflash-overwrite = 'replaces'"), Overwrite::Replaces);
    assert_eq!(overwrite("[[devices]]\nname = 'a'\nflash-overwrite = 'disturbs'"), Overwrite::Disturbs);
}

#[test]
fn a_phone_has_the_habits_of_its_kind_unless_the_file_says_others() {
    let habits = |text: &str| {
        let phone = format!("title = 't'\nduration = '1m'\n[[phones]]\nname = 'a'\ndoes = [{{ wait = '1s' }}]\n{text}");
        parse(&phone).phones[0].habits
    };
    assert_eq!(habits(""), Habits::default());
    let seconds = Duration::from_secs;
    let of = |kind, spare_connections, typing| Habits { kind: Some(kind), spare_connections, typing };
    assert_eq!(habits("kind = 'ios'"), of(PhoneKind::Ios, 0, seconds(20)));
    assert_eq!(habits("kind = 'windows'"), of(PhoneKind::Windows, 1, seconds(20)));
    let said = "kind = 'android'\nspare-connections = 5\ntyping = '1m'";
    assert_eq!(habits(said), of(PhoneKind::Android, 5, seconds(60)));
    assert_eq!(habits("spare-connections = 2"), Habits { spare_connections: 2, ..Habits::default() });
}

#[test]
fn the_start_may_stand_in_quotes() {
    let start = |toml: &str| parse(&format!("title = 't'\nduration = '1m'\nstart = {toml}")).start;
    assert_eq!(start("'2026-03-29T01:59:00+01:00'"), datetime!(2026-03-29 00:59 UTC));
    assert_eq!(start("2026-03-29T01:59:00+01:00"), start("'2026-03-29 01:59:00+01:00'"));
}

#[test]
fn settings_bring_a_network_that_fits() {
    let scenario = parse("title = 't'\nduration = '1m'\n[settings]\nnetwork = 'home'\npassphrase = 'secret & good'");
    let settings = scenario.devices[0].settings.clone().unwrap();
    assert_eq!((settings.port, settings.tls, settings.interval), (443, true, Duration::from_mins(5)));
    assert_eq!((settings.write_key, settings.trusted_issuer), (WriteKey::Channel, TrustedIssuer::Cloud));
    let network = Network {
        name: "home".to_owned(),
        passphrase: Some("secret & good".to_owned()),
        security: Protection::Wpa2,
        features: Features::default(),
        bssid: [2, 0, 0, 0, 1, 0],
        channel: 6,
        signal: Dbm(-60),
        router: RouterSettings::default(),
    };
    assert_eq!(scenario.networks, [network]);
}

#[test]
fn a_network_says_how_it_is_protected_and_what_else_it_does() {
    let networks = |text: &str| {
        let parsed = parse(&format!("title = 't'\nduration = '1m'\n[[networks]]\nname = 'a'\n{text}"));
        (parsed.networks[0].security, parsed.networks[0].features.clone())
    };
    assert_eq!(networks(""), (Protection::Open, Features::default()));
    assert_eq!(networks("passphrase = '12345678'").0, Protection::Wpa2);
    assert_eq!(networks("passphrase = '12345678'\nsecurity = 'wpa2'").0, Protection::Wpa2);
    let all = "passphrase = '12345678'\nsecurity = 'wpa-wpa2'\nhidden = true\ngroup-rekey = '1h'\nmode = 'b'";
    let features = Features { is_hidden: true, group_rekey: Some(Duration::from_hours(1)), mode: RadioMode::B };
    assert_eq!(networks(all), (Protection::Mixed, features));
    assert_eq!(networks("security = 'wep'").0, Protection::Wep);
    for (text, expected) in [
        ("security = 'wpa2'", "a network with `security = \"wpa2\"` has a passphrase"),
        ("security = 'wep'\npassphrase = '12345678'", "a network with `security = \"wep\"` has no passphrase"),
        ("security = 'open'\npassphrase = '12345678'", "a network with `security = \"open\"` has no passphrase"),
        ("group-rekey = '1h'", "only networks with WPA or WPA2 have a group's key"),
        ("passphrase = '12345678'\ngroup-rekey = '10ms'", "a group's key is renewed at most once a second"),
    ] {
        assert_eq!(mistake(&format!("[[networks]]\nname = 'a'\n{text}")), expected);
    }
}

#[test]
fn courses_of_readings() {
    let scenario = parse(
        "title = 't'
duration = '1h'
[sensor]
temperature = { csv = { file = 'greenhouse.csv', column = 'inside' } }
humidity = { daily = { mean = '50 %', swing = '10.5 %', warmest = '04:00' } }
[[steps]]
every = '10m'
do.sensor = { temperature = { ramp = { from = '20 °C', to = '-5 °C', over = '5m' } } }",
    );
    assert_eq!(
        scenario.devices[0].parts[0].readings.temperature,
        Course::Recording(vec![
            (Duration::ZERO, Some(DeciCelsius(215))),
            (Duration::from_secs(90), Some(DeciCelsius(220))),
            (Duration::from_mins(10), Some(DeciCelsius(230))),
        ])
    );
    let warmest = Duration::from_hours(4);
    assert_eq!(
        scenario.devices[0].parts[0].readings.humidity,
        Course::Daily { mean: DeciPercent(500), swing: DeciPercent(105), warmest }
    );
    let ramp = Course::Ramp { from: DeciCelsius(200), to: DeciCelsius(-50), over: Duration::from_mins(5) };
    assert_eq!(scenario.steps[0].action, Action::Readings { part: PartId(0), temperature: Some(ramp), humidity: None });
    let period = Duration::from_mins(10);
    assert!(
        matches!(scenario.steps[0].when, When::Every { period: p, from, until: None } if p == period && from == period)
    );
}

/// A fault of the yellow duck's sensor.
fn sensor(fault: SensorFault) -> Injection {
    Injection::Sensor { device: DeviceId(0), part: PartId(0), fault }
}

#[test]
fn faults_of_every_kind() {
    let scenario = parse(include_str!("../tests/good/faults.toml"));
    let injections: Vec<Injection> = scenario.faults.iter().map(|fault| fault.injection.clone()).collect();
    let network = || "home".to_owned();
    let effects = LinkEffects {
        loss: PerMillion(100_000),
        corrupt: PerMillion(1_000),
        jitter: Duration::from_millis(20),
        ..LinkEffects::default()
    };
    let renewed = CertificateProfile {
        signed_by: Some(CertificateSigner::OtherIntermediate),
        chain: Some(vec![CertificateLink::OlderRoot, CertificateLink::CrossSignedRoot]),
        intermediate_key_type: KeyType::P384,
        valid_until: Some(datetime!(2027-01-01 0:00 UTC)),
        ..CertificateProfile::new(CertificateKind::Good, KeyType::Rsa4096)
    };
    let expected = [
        sensor(SensorFault::BadChecksum),
        sensor(SensorFault::LateResponse(Lateness::always(Duration::from_micros(150)))),
        Injection::AccessPoint {
            network: network(),
            bssid: None,
            state: AccessPointState::Off,
            deauth: false,
            status: 17,
        },
        Injection::Link { network: network(), bssid: None, effects },
        Injection::Dhcp { network: network(), reply: DhcpFault::Slow(Duration::from_secs(4)) },
        Injection::Dns(DnsFault::WrongAddress([203, 0, 113, 66].into())),
        Injection::Dns(DnsFault::ServerFailure),
        Injection::Ntp(NtpFault::WrongBy(time::Duration::days(-400))),
        Injection::Route { to: RouteTarget::Everywhere, reply: RouteFault::Reset },
        Injection::ManInTheMiddle(Attack::LeafSignedLeaf),
        Injection::Certificate(renewed.into()),
        Injection::Cloud(CloudFault::Status(503)),
        Injection::Cloud(CloudFault::DelayAfterStoring(Duration::from_secs(20))),
        Injection::Cloud(CloudFault::RetryAfter(Duration::from_mins(10))),
        Injection::Cloud(CloudFault::RetryAfterDate(Duration::from_hours(1))),
        Injection::Dhcp { network: network(), reply: DhcpFault::Lease(Duration::from_secs(30)) },
        Injection::Cloud(CloudFault::TooSoon),
    ];
    assert_eq!(injections, expected);
    let When::After(trigger) = &scenario.faults[4].when else { panic!("{:?}", scenario.faults[4].when) };
    assert_eq!(trigger.to_string(), "2s after the 3rd boot after `watchdog`");
    assert_eq!((scenario.faults[4].end, scenario.faults[4].count), (End::For(Duration::from_mins(10)), Some(2)));
}

#[test]
fn sensors_of_every_kind() {
    let soldered =
        |text: &str| match parse(&format!("title = 't'\nduration = '1h'\n{text}")).devices[0].parts[0].soldered.kind {
            PartKind::Dht(model) => model,
            other => panic!("{other:?}"),
        };
    assert_eq!(soldered(""), DhtModel::Am2302);
    for model in DhtModel::ALL {
        assert_eq!(soldered(&format!("[sensor]\nkind = '{}'", model.name())), model);
    }
    assert_eq!(soldered("[sensor]\nkind = 'DHT22'"), DhtModel::Am2302);
    assert_eq!(soldered("[device]\nsensor = 'DHT11'"), DhtModel::Dht11);
    assert_eq!(soldered("[device]\nsensor = 'DHT22'\n[sensor]\nkind = 'clone'"), DhtModel::Clone);
}

#[test]
fn some_responses_are_late() {
    let lateness = |value: &str| {
        let text = format!(
            "title = 't'\nduration = '1h'\n[[faults]]\nname = 'f'\ninject.sensor = {{ late-response = {value} }}"
        );
        parse(&text).faults[0].injection.clone()
    };
    let (least, most) = (Duration::from_micros(20), Duration::from_micros(60));
    let expected = |per_million| sensor(SensorFault::LateResponse(Lateness { least, most, per_million }));
    assert_eq!(lateness("{ from = '20us', to = '60us', probability = '6 %' }"), expected(60_000));
    assert_eq!(lateness("{ from = '20us', to = '60us' }"), expected(1_000_000));
}

#[test]
fn a_form_is_typed_as_it_stands() {
    let scenario = parse(include_str!("../tests/good/portal.toml"));
    let PhoneAction::Submit(form) = &scenario.phones[0].does[2] else { panic!("{:?}", scenario.phones[0].does) };
    assert_eq!(form.passphrase.as_deref(), Some("p%ss & w/rd ü"));
    assert_eq!(form.write_key, Some(Typed::OfTheCloud));
    assert_eq!(form.port.as_deref(), Some("70000"));
    assert_eq!(form.interval.as_deref(), Some("five minutes"));
    assert_eq!(scenario.phones[0].does.len(), 8);
}

#[test]
fn what_may_differ_between_targets_is_nothing_unless_it_is_said() {
    let said = parse(include_str!("../tests/good/targets.toml")).targets;
    assert_eq!((said.tolerance, said.may_differ.as_slice()), (Duration::from_secs(20), &Aspect::ALL[..]));
    assert_eq!(said.because.as_deref(), Some("they are known to differ"));
    let unsaid = parse("title = 't'\nduration = '1m'").targets;
    assert_eq!(unsaid, Targets { tolerance: Duration::from_secs(10), may_differ: Vec::new(), because: None });
    let one = parse("title = 't'\nduration = '1m'\n[targets]\nmay-differ = ['led']\nbecause = 'so'").targets;
    assert_eq!((one.tolerance, one.may_differ.as_slice()), (Targets::TOLERANCE, &[Aspect::Led][..]));
}

#[test]
fn expectations_say_what_they_mean() {
    let scenario = parse(include_str!("../tests/good/expectations.toml"));
    let texts: Vec<String> = scenario
        .expectations
        .iter()
        .map(|expectation| format!("line {}: {}", expectation.place.line, expectation.text))
        .collect();
    insta::assert_snapshot!(texts.join("\n"));
}

#[test]
fn the_checked_in_schema_is_the_grammar() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../schema/scenario.schema.json");
    let checked_in = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        checked_in == schema_text(),
        "the schema has changed: preflash schema > simulator/schema/scenario.schema.json"
    );
}

#[test]
fn matchers_read_their_texts() {
    let scenario = parse("title = 't'\nduration = '1m'\n[[expect]]\nevent.serial = { matches = '^\\[\\d+' }");
    let Check::Events { matcher, .. } = &scenario.expectations[0].check else { panic!("{:?}", scenario.expectations) };
    let Some(text @ TextMatch::Matches(_)) = matcher.line() else { panic!("{matcher:?}") };
    assert!(text.matches_line("[12.000345] wifi: joined") && !text.matches_line("wifi: joined"));
}

#[test]
fn a_line_is_meant_with_and_without_its_time() {
    let text = |toml: &str| {
        let scenario = parse(&format!("title = 't'\nduration = '1m'\n[[expect]]\nevent.serial = {toml}"));
        match &scenario.expectations[0].check {
            Check::Events { matcher, .. } => matcher.line().unwrap().clone(),
            check => panic!("{check:?}"),
        }
    };
    let line = "[2.504831] sensor: 21.5 °C, 45.6 %";
    assert!(text("'sensor: 21.5 °C, 45.6 %'").matches_line(line));
    assert!(text("'[2.504831] sensor: 21.5 °C, 45.6 %'").matches_line(line));
    assert!(text("{ matches = '^sensor: .* %$' }").matches_line(line));
    assert!(text("{ contains = '504831' }").matches_line(line));
    assert!(!text("'sensor: 21.5 °C'").matches_line(line), "a part is not the whole line");
    assert!(!text("'21.5 °C'").matches_line("[x] 21.5 °C"), "no time");
}

#[test]
fn an_image_is_found_beside_its_scenario_and_typed_at() {
    let text = "title = 't'\nduration = '10s'\n[device]\nimage = 'images/a.bin'\nflash-size = '512K'\n\
                [[steps]]\nat = '1s'\ndo.serial = 'ab'\n\
                [[steps]]\nat = '2s'\ndo.serial = { type = \"\\u0003\", every = '1ms' }\n[[expect]]\nevent.boot = {}\n";
    let scenario = Scenario::parse("folder/t.toml", text, &|_| Err(String::new())).unwrap();
    let image = scenario.devices[0].firmware.as_ref().unwrap();
    let path = image.image.as_deref().and_then(Path::to_str);
    assert_eq!((path, image.flash_size), (Some("folder/images/a.bin"), Some(512 << 10)));
    assert!(image.contents().unwrap_err().to_string().starts_with("could not read folder/images/a.bin: "));
    let Action::Type(keys) = &scenario.steps[0].action else { panic!("it types") };
    assert_eq!(keys.iter().map(|(_, byte)| *byte).collect::<Vec<_>>(), b"ab\r");
    assert_eq!(scenario.steps[1].action, Action::Type(vec![(Duration::from_millis(1), 3)]));
}

#[test]
fn a_line_ends_as_its_image_wants_and_files_wait_for_answers() {
    let text = "title = 't'\nduration = '10s'\n[device]\nimage = 'a.bin'\n\
                [[steps]]\nat = '1s'\ndo.serial = { type = 'a', line-ending = 'lf' }\n\
                [[steps]]\nat = '2s'\ndo.files = ['duck/main.py']\n[[expect]]\nevent.boot = {}\n";
    let scenario = Scenario::parse("t.toml", text, &|_| Ok("x = 1\n".to_owned())).unwrap();
    let Action::Type(keys) = &scenario.steps[0].action else { panic!("it types") };
    assert_eq!(keys.iter().map(|(_, byte)| *byte).collect::<Vec<_>>(), b"a\n");
    let Action::Converse(turns) = &scenario.steps[1].action else { panic!("it waits for answers") };
    assert_eq!(turns.len(), 5, "the raw prompt, open, write, close, the usual prompt");
}

#[test]
fn a_sweep_of_images_has_a_first_one_to_replace() {
    let text = "title = 't'\nduration = '10s'\n[device]\nimage = 'images/a.bin'\nflash-size = '1M'\n\
                [sweep]\nimages = ['images/b.bin', 'images/c.bin']\n[[expect]]\nevent.boot = {}\n";
    let scenario = Scenario::parse("folder/t.toml", text, &|_| Err(String::new())).unwrap();
    let all: Vec<_> =
        scenario.images().map(|image| (image.paths().next().unwrap().to_str().unwrap(), image.flash_size)).collect();
    assert_eq!(
        all,
        [
            ("folder/images/a.bin", Some(1 << 20)),
            ("folder/images/b.bin", Some(1 << 20)),
            ("folder/images/c.bin", Some(1 << 20))
        ]
    );
    assert_eq!(mistake("[sweep]\nimages = ['b.bin']"), "there is no image that others could replace");
}

#[test]
fn a_phone_fills_in_any_form_and_joins_what_an_image_opens() {
    let text = "title = 't'\nduration = '10s'\n[[networks]]\nname = 'home'\n[[phones]]\nname = 'p'\ndoes = [\n\
                { join = { network = 'MicroPython-000000' } },\n\
                { submit = { page = 'http://192.168.1.10/wifi', fields = { ssid = 'home', pass = 'a b' } } } ]\n\
                [[expect]]\nevent.boot = {}\n";
    let scenario = parse(&format!("{text}[device]\nimage = 'a.bin'\n"));
    let PhoneAction::Submit(form) = &scenario.phones[0].does[1] else { panic!("it submits") };
    assert_eq!(form.page.as_deref(), Some("http://192.168.1.10/wifi"));
    assert_eq!(form.fields.get("pass").map(String::as_str), Some("a b"));
    // The yellow duck opens no such network.
    assert!(Scenario::parse("t.toml", text, &|_| Err(String::new())).is_err());
}

#[test]
fn a_flash_is_put_together_of_files_at_offsets() {
    let text = "title = 't'\nduration = '10s'\n[device]\nmac = '5C:CF:7F:12:34:56'\nelf = 'a.elf'\n\
                init-data = 'init.bin'\nboot = 'download'\nflash = [{ offset = 0x10000, file = 'b.bin' }, \
                { offset = 0, file = 'a.bin' }]\n[[expect]]\nevent.boot = {}\n";
    let scenario = Scenario::parse("folder/t.toml", text, &|_| Err(String::new())).unwrap();
    let [device] = &*scenario.devices else { panic!("one device") };
    assert_eq!(device.mac, Some([0x5C, 0xCF, 0x7F, 0x12, 0x34, 0x56]));
    let flashed = device.firmware.as_ref().unwrap();
    assert_eq!((&flashed.image, flashed.boot), (&None, BootMode::Download));
    assert_eq!(flashed.parts, [(0x1_0000, "folder/b.bin".into()), (0, "folder/a.bin".into())]);
    assert_eq!(flashed.elf.as_deref(), Some(Path::new("folder/a.elf")));
    assert_eq!(flashed.init_data.as_deref(), Some(Path::new("folder/init.bin")));
}

#[test]
fn settings_are_for_the_yellow_ducks_firmware_in_an_image_too() {
    let scenario = parse("title = 't'\nduration = '10s'\n[device]\nimage = 'a.bin'\n[settings]\nnetwork = 'home'");
    assert!(scenario.devices[0].firmware.is_some() && scenario.devices[0].settings.is_some());
}

/// The first mistake of a file with this in it.
fn mistake(text: &str) -> String {
    let text = format!("title = 't'\nduration = '100s'\n{text}\n[[expect]]\nevent.boot = {{}}\n");
    let mistakes = Scenario::parse("t.toml", &text, &|_| Err(String::new())).unwrap_err();
    mistakes.mistakes()[0].message.clone()
}

#[test]
fn a_file_has_no_more_than_a_run_can_look_at() {
    let networks: String = (0..101).map(|number| format!("[[networks]]\nname = 'n{number}'\n")).collect();
    assert_eq!(mistake(&networks), "`networks` has 101 tables, more than 100");
    let steps = "[[steps]]\nevery = '1ms'\nuntil = '99s'\ndo.spare-switch = 'on'\n";
    parse(&format!("title = 't'\nduration = '100s'\n{}", steps.repeat(10)));
    assert_eq!(mistake(&steps.repeat(11)), "all that repeats happens more than 1000000 times together");
}

proptest! {
    #[test]
    fn no_text_panics(text in any::<String>()) {
        let _ = Scenario::parse("any.toml", &text, &|_| Err(String::new())).map_err(|mistakes| mistakes.render(true));
    }

    /// Words of the language in any order get further into it than arbitrary text does.
    #[test]
    fn no_scenario_panics(
        lines in proptest::collection::vec(
            (
                prop::sample::select(vec![
                    "title", "duration", "start", "network", "name", "from", "until", "at", "every", "event.boot",
                    "event.serial", "state.led", "channel", "inject.dns", "inject.link", "do.power", "do.sensor", "does",
                    "temperature", "[[faults]]\nname", "[[steps]]\nat", "[[expect]]\nby", "[[phones]]\nname",
                    "[settings]\nnetwork", "[[networks]]\nname", "[sweep]\nx", "within", "after.event.led", "links",
                ]),
                prop::sample::select(vec![
                    "'5m'", "'ü'", "1", "-1", "1.5", "true", "{}", "[]", "[[]]", "[{}]", "{ contains = '' }", "'off'",
                    "2026-01-01T00:00:00Z", "2026-01-01", "{ ramp = {} }", "'21 °C'", "{ plus = '1d', event.led = 'on' }",
                    "[{ wait = '5s' }, { leave = 1 }]", "''",
                ]),
            ),
            0..20,
        )
    ) {
        let text: String = lines.iter().map(|(key, value)| format!("{key} = {value}\n")).collect();
        let _ = Scenario::parse("any.toml", &text, &|_| Ok(text.clone())).map_err(|mistakes| mistakes.render(false));
    }
}
