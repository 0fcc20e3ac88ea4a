//! What is declared of events against what is written of them.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddrV4};

use super::*;

fn all() -> impl Iterator<Item = Kind> {
    Kind::FAMILIES.iter().flat_map(|(_, kinds)| kinds.iter().copied())
}

#[test]
fn a_kind_is_called_what_the_record_calls_it() {
    for kind in all() {
        assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
    }
}

#[test]
fn everything_that_is_declared_has_a_sentence() {
    let is_sentence = |text: &str| !text.is_empty() && text.ends_with(['.', ':']) && !text.contains('\n');
    for kind in all() {
        assert!(is_sentence(kind.about()), "{kind:?}: {}", kind.about());
        for FieldAbout { name, about, words } in kind.fields() {
            assert!(is_sentence(about), "{kind:?}, {name}: {about}");
            assert!(words.iter().all(|(_, about)| is_sentence(about)), "{kind:?}, {name}: {words:?}");
        }
    }
}

/// The keys that the record writes for an event.
fn written(kind: &EventKind) -> BTreeSet<String> {
    let event = Event { at: Instant::START, sequence: 0, device: Some(DeviceId(0)), name: None, kind: kind.clone() };
    let event = serde_json::to_value(event).unwrap();
    let common = ["at", "sequence", "device", "event"];
    event.as_object().unwrap().keys().filter(|key| !common.contains(&key.as_str())).cloned().collect()
}

fn is_read_as_it_was_written(kind: &EventKind) {
    let (device, name) = (Some(DeviceId(3)), Some("kitchen".into()));
    for (device, name) in [(device, name), (None, None)] {
        let event = Event { at: Instant::from_nanos(u64::MAX - 1), sequence: 7, device, name, kind: kind.clone() };
        let line = serde_json::to_string(&event).unwrap();
        assert_eq!(serde_json::from_str::<Event>(&line).unwrap(), event, "{line}");
    }
}

#[test]
fn what_the_chip_tells_of_a_crash_is_read_as_it_was_written() {
    let entry = TraceEntry {
        address: Hexadecimal(0x4020_1234),
        function: Some("app".to_owned()),
        file: None,
        line: Some(7),
        inlined: true,
        guessed: false,
    };
    let registers = vec![("pc".into(), Hexadecimal(0x4020_1234)), ("a0".into(), Hexadecimal(0))];
    let report = CrashReport {
        exception: None,
        access: Some(Hexadecimal(4)),
        registers,
        trace: vec![entry],
        ..CrashReport::default()
    };
    is_read_as_it_was_written(&Crash { message: "x".to_owned(), report: Some(Box::new(report.clone())) }.into());
    let which = WatchdogKind::ROWS[0].1;
    is_read_as_it_was_written(&Watchdog { which, report: Some(Box::new(report)) }.into());
    let (access, address, pc) = (AccessKind::Read, Hexadecimal(1), Hexadecimal(2));
    is_read_as_it_was_written(&NotModelled { access, address, name: "UART0".into(), pc, function: None }.into());
    let wrong = r#"{"at":1,"sequence":0,"event":"crash","message":"x","report":{"registers":{"pc":"12"},"trace":[]}}"#;
    let error = serde_json::from_str::<Event>(wrong).unwrap_err().to_string();
    assert!(error.contains("`12` is no number such as 0x3ffe8000"), "{error}");
    let wrong = r#"{"at":1,"sequence":0,"event":"power","state":"green"}"#;
    let error = serde_json::from_str::<Event>(wrong).unwrap_err().to_string();
    assert!(error.contains("there is no PowerState `green`"), "{error}");
}

#[test]
fn the_declared_fields_are_those_that_are_written() {
    let text = || "x".to_owned();
    let address = Ipv4Addr::LOCALHOST;
    let events: [EventKind; 6] = [
        Boot { number: 1, cause: BootCause::PowerOn }.into(),
        Ntp { outcome: NtpOutcome::Answered, unix_time: Some(1) }.into(),
        Connection {
            server: text(),
            number: 1,
            outcome: ConnectionOutcome::Opened,
            client: SocketAddrV4::new(address, 1),
        }
        .into(),
        Http {
            server: text(),
            connection: 1,
            tls: true,
            received: Instant::START,
            method: text(),
            target: text(),
            request_headers: vec![(text(), text())],
            request_body: text(),
            status: None,
            response_body: text(),
            stored: 1,
            fault: Some(text()),
        }
        .into(),
        Stored { channel: 1, entry_id: 1, created_at: 1, fields: [const { None }; 8], status: Some(text()) }.into(),
        Sensor {
            part: "sensor".into(),
            outcome: SensorOutcome::Answered,
            temperature: Some(1),
            humidity: Some(1),
            edges: vec![1],
        }
        .into(),
    ];
    for event in events {
        is_read_as_it_was_written(&event);
        let declared: BTreeSet<String> = event.kind().fields().into_iter().map(|field| field.name).collect();
        assert_eq!(written(&event), declared, "{event:?}");
    }
}

#[test]
fn what_a_phone_does_is_declared_as_it_is_written() {
    let text = || "x".to_owned();
    let address = Ipv4Addr::LOCALHOST;
    let deeds = [
        PhoneEvent::Join { network: text(), outcome: JoinOutcome::Joined },
        PhoneEvent::Lease { address },
        PhoneEvent::Resolved { name: text(), address: None },
        PhoneEvent::Reply { request: text(), status: 200, location: Some(text()), body: text() },
        PhoneEvent::Failed { request: text(), reason: text() },
        PhoneEvent::Left {},
    ];
    assert_eq!(deeds.len(), PhoneEvent::ROWS.len());
    for (what, (word, _, fields)) in deeds.into_iter().zip(PhoneEvent::ROWS) {
        assert_eq!(serde_json::to_value(&what).unwrap()["what"], *word);
        let mut declared: BTreeSet<String> = fields.iter().map(|(name, _)| (*name).to_owned()).collect();
        declared.extend(["phone".to_owned(), "what".to_owned()]);
        let event = Phone { phone: text(), what }.into();
        is_read_as_it_was_written(&event);
        assert_eq!(written(&event), declared, "{word}");
    }
}

#[test]
fn fields_are_found_by_the_name_that_the_record_gives_them() {
    let place = |name| Kind::Ntp.field(name);
    let ntp = EventKind::from(Ntp { outcome: NtpOutcome::KissOfDeath, unix_time: Some(7) });
    assert_eq!(ntp.field(place("unix-time").unwrap()), Value::Number(7));
    assert_eq!(ntp.field(place("outcome").unwrap()), Value::Word(AnyWord::of(NtpOutcome::KissOfDeath)));
    assert_eq!((place("unix_time"), place("at")), (None, None));
}

#[test]
fn the_same_word_of_another_vocabulary_is_another() {
    assert_eq!(AnyWord::of(DnsOutcome::Ignored), AnyWord::of(DnsOutcome::Ignored));
    assert_ne!(AnyWord::of(DnsOutcome::Ignored), AnyWord::of(NtpOutcome::Ignored));
    assert_ne!(AnyWord::of(DnsOutcome::Ignored), AnyWord::of(DnsOutcome::Refused));
}
