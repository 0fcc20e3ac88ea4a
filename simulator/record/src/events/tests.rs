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
        assert_eq!(written(&Phone { phone: text(), what }.into()), declared, "{word}");
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
