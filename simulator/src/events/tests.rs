//! The page about events against the events.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddrV4};

use super::*;

const PAGE: &str = include_str!("../../../docs/events.md");

/// A report with all of its fields.
fn report() -> CrashReport {
    let text = || "x".to_owned();
    let address = Hexadecimal(0x4021_0000);
    CrashReport {
        exception: Some(text()),
        access: Some(address),
        remarks: vec![text()],
        registers: vec![("pc", address)],
        trace: vec![TraceEntry {
            address,
            function: Some(text()),
            file: Some(text()),
            line: Some(1),
            inlined: true,
            guessed: true,
        }],
    }
}

/// One event of each kind, with all of its fields.
fn one_of_each() -> Vec<EventKind> {
    let text = || "x".to_owned();
    let address = Ipv4Addr::LOCALHOST;
    let phone = |what| EventKind::Phone { phone: text(), what };
    vec![
        EventKind::Power { state: PowerState::On },
        EventKind::Boot { number: 1, cause: BootCause::PowerOn },
        EventKind::Restart { reason: text() },
        EventKind::Crash { message: text(), report: Some(Box::new(report())) },
        EventKind::Watchdog { which: WatchdogKind::Hardware, report: Some(Box::new(report())) },
        EventKind::NotModelled(NotModelled {
            access: AccessKind::Read,
            address: Hexadecimal(0),
            name: "SLC",
            pc: Hexadecimal(0),
            function: Some(text()),
        }),
        EventKind::Serial { line: text() },
        EventKind::Pin { gpio: 5, level: Level::Low },
        EventKind::Sensor {
            outcome: SensorOutcome::Answered,
            temperature: Some(215),
            humidity: Some(456),
            edges: vec![1],
        },
        EventKind::Flash { number: 1, operation: FlashOperation::Erase, address: 0, length: 1, torn: false },
        EventKind::Join { network: text(), bssid: Some(text()), outcome: JoinOutcome::Joined },
        EventKind::LinkLost { network: text(), bssid: text(), reason: LinkLoss::Left },
        EventKind::AccessPoint { network: text(), bssid: text(), on: true },
        EventKind::Lease { network: text(), outcome: LeaseOutcome::Offered, address: Some(address) },
        EventKind::Dns { name: text(), outcome: DnsOutcome::Answered, addresses: vec![address] },
        EventKind::Ntp { outcome: NtpOutcome::Answered, unix_time: Some(1) },
        EventKind::Connection {
            server: text(),
            number: 1,
            outcome: ConnectionOutcome::Opened,
            client: SocketAddrV4::new(address, 1),
        },
        EventKind::Tls { server: text(), number: 1, outcome: text() },
        EventKind::Http(Box::new(HttpExchange {
            server: text(),
            connection: 1,
            tls: true,
            received: Instant::START,
            method: text(),
            target: text(),
            request_headers: vec![(text(), text())],
            request_body: text(),
            status: Some(200),
            response_body: text(),
            stored: 1,
            fault: Some(text()),
        })),
        EventKind::Stored { channel: 1, entry_id: 1, created_at: 1, fields: [const { None }; 8], status: Some(text()) },
        phone(PhoneEvent::Join { network: text(), outcome: JoinOutcome::Joined }),
        phone(PhoneEvent::Lease { address }),
        phone(PhoneEvent::Resolved { name: text(), address: Some(address) }),
        phone(PhoneEvent::Reply { request: text(), status: 200, location: Some(text()), body: text() }),
        phone(PhoneEvent::Failed { request: text(), reason: text() }),
        phone(PhoneEvent::Left),
        EventKind::Fault { rule: text(), action: text() },
        EventKind::Step { action: text() },
        EventKind::CrashLoop { crashes: 1, message: text() },
        EventKind::Livelock { polls: 1 },
    ]
}

/// The page's text about an event, up to the next heading.
fn section(event: &str) -> &'static str {
    let heading = format!("\n### `{event}`\n");
    let (_, rest) = PAGE.split_once(&heading).unwrap_or_else(|| panic!("`{event}` has no section"));
    rest.split("\n#").next().unwrap()
}

#[test]
fn the_page_names_every_event_and_every_field() {
    let mut events = BTreeSet::new();
    for kind in one_of_each() {
        let event = Event { at: Instant::START, sequence: 0, device: Some(DeviceId(0)), kind };
        let event = serde_json::to_value(event).unwrap();
        let name = event["event"].as_str().unwrap();
        events.insert(name.to_owned());
        let (common, _) = PAGE.split_once("## The device").unwrap();
        for (field, value) in event.as_object().unwrap() {
            let place =
                if ["at", "sequence", "device", "event"].contains(&field.as_str()) { common } else { section(name) };
            assert!(place.contains(&format!("`{field}`")), "the field `{field}` of `{name}` is missing");
            if field == "what" {
                let what = value.as_str().unwrap();
                assert!(place.contains(&format!("\n| `{what}` |")), "`{what}` of `{name}` is missing");
            }
        }
    }
    let sections: BTreeSet<String> =
        PAGE.lines().filter_map(|line| Some(line.strip_prefix("### `")?.trim_end_matches('`').to_owned())).collect();
    assert_eq!(events, sections);
}
