//! Verdicts over short records, with the words that a reader of a report sees.

use std::time::Duration;

use simulator_record::events::{
    self, BootCause, DeviceId, DnsOutcome, EventKind, Http, JoinFailure, JoinOutcome, Level, PhoneEvent, PinKind,
    PowerState, SensorOutcome,
};
use simulator_scenario::Scenario;
use simulator_scenario::model::Allow;

use super::*;

/// A record: each event at a number of milliseconds.
fn record(events: Vec<(u64, EventKind)>) -> Vec<Event> {
    (0..)
        .zip(events)
        .map(|(sequence, (millis, kind))| Event {
            at: Instant::from_millis(millis),
            sequence,
            device: Some(DeviceId(0)),
            name: None,
            kind,
        })
        .collect()
}

fn serial(line: &str) -> EventKind {
    EventKind::Serial(events::Serial { line: line.to_owned() })
}

fn led(on: bool) -> EventKind {
    EventKind::Pin(events::Pin { gpio: 13, level: Level::High.when(on), part: "wifi".into(), kind: PinKind::Led, on })
}

fn join(outcome: JoinOutcome) -> EventKind {
    EventKind::Join(events::Join { network: "home".to_owned(), bssid: None, outcome, status: None })
}

fn stored(entry_id: u64, created_at: i64, field1: &str) -> EventKind {
    let mut fields: [Option<String>; 8] = Default::default();
    fields[0] = Some(field1.to_owned());
    EventKind::Stored(events::Stored { channel: 1, entry_id, created_at, fields, status: None })
}

/// An entry without a reading.
fn status(entry_id: u64, created_at: i64, status: &str) -> EventKind {
    let fields = Default::default();
    EventKind::Stored(events::Stored { channel: 1, entry_id, created_at, fields, status: Some(status.to_owned()) })
}

/// What became of the scenario's own expectations.
fn evaluate(scenario: &Scenario, events: &[Event], end: Instant) -> Vec<Verdict> {
    let mut verdicts = judged(scenario, events, end);
    verdicts.truncate(scenario.expectations.len());
    verdicts
}

/// What is seen instead of the expectations of a scenario's text over a run of 100 s; "met" where one is met.
fn judge_text(expectations: &str, events: &[Event]) -> Vec<String> {
    let text = format!("title = 't'\nduration = '100s'\n[settings]\nnetwork = 'home'\n{expectations}");
    let scenario =
        Scenario::parse("t.toml", &text, &|_| Err(String::new())).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    evaluate(&scenario, events, Instant::START + scenario.duration)
        .into_iter()
        .map(|verdict| verdict.failure.map_or("met".to_owned(), |failure| failure.seen))
        .collect()
}

/// The same for one expectation.
fn seen(expectation: &str, events: &[Event]) -> String {
    judge_text(&format!("[[expect]]\n{expectation}"), events).remove(0)
}

fn joined_at_20() -> Vec<Event> {
    record(vec![
        (0, EventKind::Power(events::Power { state: PowerState::On })),
        (0, EventKind::Boot(events::Boot { number: 1, cause: BootCause::PowerOn })),
        (100, serial("[0.100000] boot: yellow duck 0.1.0, power-on")),
        (5_000, join(JoinOutcome::Failed(JoinFailure::WrongPassphrase))),
        (20_000, join(JoinOutcome::Joined)),
        (20_500, serial("[20.500000] wifi: joined home, -60 dBm")),
        (20_500, led(true)),
        (60_000, led(false)),
    ])
}

#[test]
fn an_event_in_its_window_is_met() {
    let events = joined_at_20();
    assert_eq!(seen("event.serial = { contains = 'joined home' }\nby = '21s'", &events), "met");
    assert_eq!(seen("event.join = { outcome = 'joined' }\nexactly = 1", &events), "met");
    assert_eq!(
        seen("event.led = 'on'\nafter = { event.join = { outcome = 'joined' } }\nwithin = '500ms'", &events),
        "met"
    );
    assert_eq!(seen("event.led = 'off'\nnever = true\nuntil = '59s'", &events), "met");
}

#[test]
fn a_late_event_says_how_late() {
    assert_eq!(
        seen("event.led = 'on'\nby = '10s'", &joined_at_20()),
        "it happened at 20.500000 s, 10.500000 s too late: the LED `wifi` goes on"
    );
    assert_eq!(
        seen("event.led = 'on'\nfrom = '30s'", &joined_at_20()),
        "it happened at 20.500000 s, before the window opened: the LED `wifi` goes on"
    );
}

#[test]
fn a_missing_event_shows_the_nearest() {
    assert_eq!(
        seen("event.serial = { contains = 'wifi: joined office' }", &joined_at_20()),
        "the nearest of 2 lines, at 20.500000 s: `[20.500000] wifi: joined home, -60 dBm`"
    );
    assert_eq!(
        seen("event.join = { outcome = 'refused' }", &joined_at_20()),
        "it never happened; what did: at 5.000000 s attempt to join `home`: wrong passphrase; \
         at 20.000000 s attempt to join `home`: joined"
    );
    assert_eq!(seen("event.stored = {}", &joined_at_20()), "nothing of the kind happened");
    let mut many: Vec<_> =
        (1..=9).map(|number| (number * 5_000, join(JoinOutcome::Failed(JoinFailure::WrongPassphrase)))).collect();
    many.insert(7, (37_000, join(JoinOutcome::Failed(JoinFailure::Timeout))));
    assert_eq!(
        seen("event.join = { outcome = 'refused' }", &record(many)),
        "it never happened; what did: at 5.000000 s attempt to join `home`: wrong passphrase (9 times); \
         at 37.000000 s attempt to join `home`: timeout"
    );
}

#[test]
fn wrong_counts_list_what_was_counted() {
    assert_eq!(
        seen("event.led = 'on'\nnever = true", &joined_at_20()),
        "it happened once: at 20.500000 s the LED `wifi` goes on"
    );
    assert_eq!(
        seen("event.join = {}\nat-least = 3", &joined_at_20()),
        "it happened only 2 times: at 5.000000 s attempt to join `home`: wrong passphrase; \
         at 20.000000 s attempt to join `home`: joined"
    );
    let many = record((1..=9).map(|second| (second * 1_000, led(true))).collect());
    assert_eq!(
        seen("event.led = 'on'\nat-most = 2", &many),
        "it happened 9 times: at 1.000000 s the LED `wifi` goes on; at 2.000000 s the LED `wifi` goes on; \
         at 3.000000 s the LED `wifi` goes on; and 6 more"
    );
}

#[test]
fn the_first_event_too_many_is_where_to_look() {
    let events = record((1..=9).map(|second| (second * 1_000, led(true))).collect());
    let text = "title = 't'\nduration = '100s'\n[[expect]]\nevent.led = 'on'\nat-most = 2";
    let scenario = Scenario::parse("t.toml", text, &|_| Err(String::new())).unwrap();
    let verdicts = evaluate(&scenario, &events, Instant::from_secs(100));
    assert_eq!(verdicts[0].failure.as_ref().unwrap().at, Some(Instant::from_secs(3)));
    assert_eq!(verdicts[0].place.unwrap().line, 3);
}

#[test]
fn a_window_opens_after_its_event_and_not_with_it() {
    let events = record(vec![
        (0, EventKind::Boot(events::Boot { number: 1, cause: BootCause::PowerOn })),
        (9_000, EventKind::Boot(events::Boot { number: 2, cause: BootCause::Watchdog })),
    ]);
    assert_eq!(seen("event.boot = {}\nafter = { event.boot = {} }\nexactly = 1", &events), "met");
    assert_eq!(
        seen("event.boot = {}\nafter = { event.boot = {}, count = 3 }\nnever = true", &events),
        "the window never opened (after the 3rd boot): it happened 2 times only"
    );
    assert_eq!(
        seen("event.boot = {}\nafter = { event.led = 'on' }\nnever = true", &events),
        "the window never opened (after the first LED goes on): nothing of the kind happened"
    );
}

#[test]
fn states_hold_or_say_since_when_not() {
    let events = joined_at_20();
    assert_eq!(seen("state.led = 'on'\nat = '30s'", &events), "met");
    assert_eq!(seen("state.led = 'on'\nfrom = '20500ms'\nuntil = '59s'", &events), "met");
    assert_eq!(seen("state.led = 'off'\nuntil = '20s'", &events), "met");
    assert_eq!(seen("state.power = 'on'\nfrom = '1s'", &events), "met");
    assert_eq!(seen("state.led = 'on'\nat = '10s'", &events), "the LED is off from the beginning");
    assert_eq!(seen("state.led = 'on'\nat = '60s'", &events), "the LED is off since 60.000000 s");
    assert_eq!(seen("state.led = 'on'\nfrom = '30s'", &events), "the LED is off since 60.000000 s");
    assert_eq!(seen("state.pin = { gpio = 5, level = 'high' }\nat = '1s'", &events), "GPIO5 is low from the beginning");
}

#[test]
fn a_reset_turns_the_led_off() {
    let events = record(vec![
        (1_000, led(true)),
        (2_000, EventKind::Boot(events::Boot { number: 2, cause: BootCause::External })),
    ]);
    assert_eq!(seen("state.led = 'on'\nat = '3s'", &events), "the LED is off since 2.000000 s");
}

#[test]
fn the_channel_is_judged_as_a_whole() {
    let start = 1_767_225_600;
    let good = record((0..3).map(|n| (n * 10_000, stored(n + 1, start + 300 * n.cast_signed(), "21.5"))).collect());
    let check =
        "channel = { entries = 3, ascending = true, longest-gap = '5m', field1 = { between = ['21 °C', '22 °C'] } }";
    assert_eq!(seen(check, &good), "met");
    let bad = record(vec![
        (0, stored(1, start, "21.5")),
        (1_000, stored(2, start + 900, "85")),
        (2_000, stored(3, start + 900, "21.5")),
        (3_000, stored(4, start + 901, "21.5")),
    ]);
    assert_eq!(
        seen(check, &bad),
        "4 entries, created from 2026-01-01T00:00:00Z to 2026-01-01T00:15:01Z; \
         entry 3 was created at 2026-01-01T00:15:00Z, not later than entry 2 at 2026-01-01T00:15:00Z; \
         15m lie between entry 1 at 2026-01-01T00:00:00Z and entry 2; \
         field1 of entry 2 at 2026-01-01T00:15:00Z is `85`"
    );
    assert_eq!(seen("channel = { ascending = true }", &[]), "the channel is empty");
    assert_eq!(seen("channel = { entries = 0 }", &[]), "met");
}

#[test]
fn too_few_entries_show_where_the_first_is_missing() {
    let start = 1_767_225_600;
    let at = |times: &[i64]| {
        let entries =
            (1..).zip(times).map(|(id, time)| (time.unsigned_abs() * 1_000, stored(id, start + time, "21.5")));
        record(entries.collect())
    };
    let expected = "channel = { entries = { at-least = 9 } }";
    assert_eq!(
        seen(expected, &at(&[0, 10, 20, 34, 50, 60, 90, 100])),
        "8 entries, created from 2026-01-01T00:00:00Z to 2026-01-01T00:01:40Z; \
         the first gap: 16s lie between entry 4 at 2026-01-01T00:00:34Z and entry 5"
    );
    assert_eq!(
        seen(expected, &at(&[0, 10, 20])),
        "3 entries, created from 2026-01-01T00:00:00Z to 2026-01-01T00:00:20Z; \
         none was stored in the last 1m 20s of the run"
    );
    assert_eq!(
        seen("channel = { entries = { at-most = 3 } }", &at(&[0, 10, 20, 60])),
        "4 entries, created from 2026-01-01T00:00:00Z to 2026-01-01T00:01:00Z",
        "a gap does not explain what is too much"
    );
    assert_eq!(seen("channel = { entries = 2 }", &at(&[5])), "1 entry, created at 2026-01-01T00:00:05Z");
}

#[test]
fn a_status_report_is_no_reading() {
    let events = record(vec![
        (1_000, stored(1, 1_000_000, "21.5")),
        (2_000, status(2, 1_000_300, "3 readings failed: no answer")),
        (3_000, stored(3, 1_000_600, "21.5")),
    ]);
    assert_eq!(seen("channel = { entries = 2, status-reports = 1 }", &events), "met");
    assert_eq!(seen("channel = { entries = 2, longest-gap = '10m' }", &events), "met");
    assert_eq!(
        seen("channel = { entries = 3 }", &events),
        "2 entries, created from 1970-01-12T13:46:40Z to 1970-01-12T13:56:40Z, and 1 status report without a reading"
    );
    assert_eq!(
        seen("channel = { longest-gap = '5m' }", &events),
        "10m lie between entry 1 at 1970-01-12T13:46:40Z and entry 3",
        "a status report does not fill a gap"
    );
    assert_eq!(
        seen("channel = { status-reports = { at-least = 2 } }", &record(vec![(1, status(1, 1_000_000, "no answer"))])),
        "no entry with a reading, and 1 status report without a reading"
    );
}

#[test]
fn a_rate_is_judged_in_its_window() {
    let line = |second: u64| (second * 1_000, serial("tick"));
    let events = record((10..20).chain(30..33).map(line).collect());
    let rate = "rate = { event.serial = 'tick', at-most = 5, per = '10s' }";
    assert_eq!(seen(&format!("{rate}\nfrom = '25s'"), &events), "met");
    assert_eq!(
        seen(rate, &events),
        "it happened 10 times in the busiest 10s: at 10.000000 s `tick`; at 11.000000 s `tick`; at \
         12.000000 s `tick`; and 7 more"
    );
}

#[test]
fn one_is_singular() {
    let text = "title = 't'\nduration = '9s'\n[settings]\nnetwork = 'home'\n[[expect]]\nchannel = { entries = { at-least = 1 }, status-reports = 1 }\n\
        [[expect]]\nrate = { event.dns = {}, at-most = 1, per = '2s' }\n";
    let scenario = Scenario::parse("t.toml", text, &|_| Err(String::new())).unwrap();
    let texts: Vec<&str> = scenario.expectations.iter().map(|expectation| expectation.text.as_str()).collect();
    assert_eq!(texts, ["the channel: at least 1 entry, exactly 1 status report", "DNS query: at most once in any 2s"]);
}

#[test]
fn crashes_watchdog_resets_and_livelocks_fail_unless_allowed() {
    let crash =
        || EventKind::Crash(events::Crash { message: "index out of range\nat src/main.rs".to_owned(), report: None });
    let boot = || EventKind::Boot(events::Boot { number: 2, cause: BootCause::Watchdog });
    let events = record(vec![
        (1_000, crash()),
        (7_000, boot()),
        (50_000, boot()),
        (60_000, EventKind::Livelock(events::Livelock { polls: 9 })),
    ]);
    let mut implicit = implicit::Implicit::default();
    events.into_iter().for_each(|event| implicit.see(&Rc::new(event)));
    let seen = |allow: Allow| -> Vec<(String, String)> {
        implicit.verdicts(allow).into_iter().map(|v| (v.text, v.failure.unwrap().seen)).collect()
    };
    let crash =
        ("crash: never, in any run".to_owned(), "it happened once: at 1.000000 s crash: index out of range".to_owned());
    let watchdog = (
        "reset by the watchdog: never, in any run".to_owned(),
        "it happened once: at 50.000000 s boot 2 after `watchdog`".to_owned(),
    );
    let livelock = (
        "livelock: never, in any run".to_owned(),
        "it happened once: at 60.000000 s livelock: the device woke itself 9 times in one moment".to_owned(),
    );
    assert_eq!(seen(Allow::default()), [crash, watchdog.clone(), livelock.clone()]);
    assert_eq!(seen(Allow { crash: true, ..Allow::default() }), [watchdog, livelock]);
    assert_eq!(seen(Allow { crash: true, watchdog: true, livelock: true, request_storm: false }), []);
}

#[test]
fn every_kind_of_event_is_matched_by_its_details() {
    let exchange = Http {
        server: "api.thingspeak.com".to_owned(),
        connection: 1,
        tls: true,
        received: Instant::from_secs(1),
        method: "POST".to_owned(),
        target: "/update?x=1".to_owned(),
        request_headers: Vec::new(),
        request_body: "field1=21.5".to_owned(),
        status: Some(200),
        response_body: "17".to_owned(),
        stored: 1,
        fault: None,
    };
    let reply = PhoneEvent::Reply {
        request: "GET http://192.168.4.1/".to_owned(),
        status: 302,
        location: Some("http://192.168.4.1/".to_owned()),
        body: "moved".to_owned(),
    };
    let phone = |what| EventKind::Phone(events::Phone { phone: "alice".to_owned(), what });
    let sensor = EventKind::Sensor(events::Sensor {
        part: "sensor".into(),
        outcome: SensorOutcome::BadChecksum,
        temperature: None,
        humidity: None,
        edges: vec![],
    });
    let events = record(vec![
        (1_000, EventKind::Http(exchange)),
        (2_000, phone(reply)),
        (3_000, phone(PhoneEvent::Failed { request: "GET".to_owned(), reason: "timeout".to_owned() })),
        (4_000, sensor),
        (5_000, EventKind::Restart(events::Restart { reason: "settings saved".to_owned() })),
        (
            6_000,
            EventKind::Tls(events::Tls {
                server: "cloud".to_owned(),
                number: 1,
                outcome: "alert: bad certificate".to_owned(),
            }),
        ),
        (7_000, EventKind::Fault(events::Fault { rule: "storm".to_owned(), action: events::FaultAction::Begins })),
        (
            8_000,
            EventKind::Dns(events::Dns {
                name: "pool.ntp.org".to_owned(),
                outcome: DnsOutcome::Ignored,
                addresses: vec![],
            }),
        ),
    ]);
    let world =
        "[[phones]]\nname = 'alice'\ndoes = [{ leave = {} }]\n[[faults]]\nname = 'storm'\ninject.dns = 'silent'\n";
    let once =
        |matcher: &str| judge_text(&format!("{world}[[expect]]\nevent.{matcher}\nexactly = 1"), &events).remove(0);
    for good in [
        "request = { method = 'POST', path = '/update', status = 200, tls = true, body-contains = '21.5', reply-contains = '1' }",
        "request = { path = '/update?x=1' }",
        "phone = { name = 'alice', reply = { status = 302, contains = 'moved', location = { contains = '192' } } }",
        "phone = { failed = { reason = 'timeout' } }",
        "sensor = { outcome = 'bad-checksum' }",
        "restart = { reason = { contains = 'saved' } }",
        "tls = { outcome = { matches = 'alert.*certificate' } }",
        "fault = { name = 'storm', action = 'begins' }",
        "dns = { name = 'pool.ntp.org', outcome = 'ignored' }",
    ] {
        assert_eq!(once(good), "met", "{good}");
    }
    for bad in [
        "request = { method = 'GET' }",
        "request = { path = '/upd' }",
        "request = { path = '/update?x=2' }",
        "request = { status = 400 }",
        "request = { tls = false }",
        "phone = { reply = { status = 200 } }",
        "phone = { reply = { location = 'http://elsewhere/' } }",
        "phone = { joined = true }",
        "sensor = { outcome = 'answered' }",
        "restart = { reason = 'saved' }",
        "dns = { outcome = 'answered' }",
    ] {
        assert_ne!(once(bad), "met", "{bad}");
    }
}

#[test]
fn a_run_that_ended_early_meets_nothing_that_lay_ahead() {
    let text = "title = 't'\nduration = '100s'\n[[expect]]\nevent.led = 'on'\nfrom = '50s'\nnever = true";
    let scenario = Scenario::parse("t.toml", text, &|_| Err(String::new())).unwrap();
    let verdicts = evaluate(&scenario, &[], Instant::START + Duration::from_secs(10));
    assert_eq!(
        verdicts[0].failure.as_ref().unwrap().seen,
        "the run ended at 10.000000 s, before the window opened at 50.000000 s"
    );
}

#[test]
fn an_entry_that_only_tells_the_status_has_no_wrong_reading() {
    let expectation = "channel = { field1 = { between = ['20 °C', '22 °C'] } }";
    let sick = || (2_000, status(2, 1_000_300, "the sensor does not answer"));
    let readings = |field1| record(vec![(1_000, stored(1, 1_000_000, field1)), sick()]);
    assert_eq!(seen(expectation, &readings("21.5")), "met");
    assert_eq!(seen(expectation, &readings("23.0")), "field1 of entry 1 at 1970-01-12T13:46:40Z is `23.0`");
    assert_eq!(seen(expectation, &record(vec![sick()])), "no entry has a reading");
}

/// A device that crashed three times, 10 s apart; the run of 100 s ended with it.
fn crash_loop() -> Vec<Event> {
    let crash = || EventKind::Crash(events::Crash { message: "again at pond.rs:7".to_owned(), report: None });
    let mut events = vec![(0, EventKind::Power(events::Power { state: PowerState::On })), (0, led(true))];
    for start in 1..=3 {
        events.push((
            10_000 * (start - 1),
            EventKind::Boot(events::Boot { number: start as u32, cause: BootCause::Watchdog }),
        ));
        events.push((10_000 * start - 1, crash()));
    }
    events.push((
        30_000,
        EventKind::CrashLoop(events::CrashLoop { crashes: 3, message: "again at pond.rs:7".to_owned() }),
    ));
    record(events)
}

#[test]
fn what_a_run_that_ended_early_has_not_shown_is_not_met() {
    let events = crash_loop();
    let seen = |expectation: &str| {
        let text = format!("title = 't'\nduration = '100s'\n[settings]\nnetwork = 'home'\n[[expect]]\n{expectation}");
        let scenario =
            Scenario::parse("t.toml", &text, &|_| Err(String::new())).unwrap_or_else(|mistakes| panic!("{mistakes}"));
        let mut verdicts = evaluate(&scenario, &events, Instant::from_secs(30));
        verdicts.remove(0).failure.map_or("met".to_owned(), |failure| failure.seen)
    };
    let why =
        "; the run ended at 30.000000 s, after the same crash 3 times in a row (`equal-crashes` says how many end it)";
    for (expectation, expected) in [
        ("event.stored = {}", "nothing of the kind happened"),
        ("event.stored = {}\nfrom = '40s'", "the run ended at 30.000000 s, before the window opened at 40.000000 s"),
        ("state.led = 'on'\nat = '50s'", "the run ended at 30.000000 s, before that moment"),
        (
            "event.stored = {}\nnever = true\nuntil = '50s'",
            "the run ended at 30.000000 s, before the window closed at 50.000000 s",
        ),
        (
            "event.crash = {}\nexactly = 3\nby = '50s'",
            "the run ended at 30.000000 s, before the window closed at 50.000000 s",
        ),
    ] {
        assert_eq!(seen(expectation), format!("{expected}{why}"), "{expectation}");
    }
    for expectation in ["event.crash = {}\nby = '50s'", "event.stored = {}\nnever = true\nuntil = '20s'"] {
        assert_eq!(seen(expectation), "met", "{expectation}");
    }
}
