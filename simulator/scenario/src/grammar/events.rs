//! The events that a file can mean: a row for each word, with its keys, the fields of the record that they are about,
//! and what a report says of it.

use simulator_record::events::{
    AnyWord, BootCause, ConnectionOutcome, DnsOutcome, FlashOperation, JoinOutcome, Kind, LeaseOutcome, Level,
    LinkLoss, NtpOutcome, PinKind, PowerState, SensorOutcome,
};

use super::{BOOLEAN, ON_OFF, TEXT};
use crate::matcher::{Ask, Matcher, Names, Reads, Row, word};
use crate::model::PartClass;
use crate::shape::Scalar::{FieldValue, HardwareAddress, Integer, Ipv4Address, Regex, Temperature};
use crate::shape::Shape::{Choice as One, Either, Named, Pair, Scalar, Words};
use crate::shape::{AnyWords, Case, Choice, Key, Shape, Table, case, optional, required};

/// What a text must be, where it is not said in full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TextMatchKind {
    Contains,
    Matches,
}

const TEXT_MATCH: Shape = Named(
    "text",
    &Either {
        plain: &TEXT,
        table: &One(&Choice {
            what: "a text's match",
            cases: &[
                case(TextMatchKind::Contains, "contains", TEXT, "This is somewhere in it."),
                case(
                    TextMatchKind::Matches,
                    "matches",
                    Scalar(Regex),
                    "This regular expression matches somewhere in it.",
                ),
            ],
        }),
    },
);

/// What a field must be, where it is not said in full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FieldMatchKind {
    Between,
}

const FIELD_MATCH: Shape = Named(
    "field",
    &Either {
        plain: &TEXT,
        table: &One(&Choice {
            what: "a field's match",
            cases: &[case(
                FieldMatchKind::Between,
                "between",
                Pair(&Scalar(FieldValue)),
                "No lower than the first and no higher than the second.",
            )],
        }),
    },
);

pub(super) const LEVEL: Shape = Words(&Level::ROWS);
pub(super) const GPIO: Key = required("gpio", Scalar(Integer { least: 0, most: 16 }), "GPIO number.");
const NETWORK: Key = optional("network", TEXT, "The network's name.");
const BSSID: Key =
    optional("bssid", Scalar(HardwareAddress), "The access point's hardware address, if several have the name.");
const SERVER: Key = optional("server", TEXT, "The server's name.");

pub(super) const fn field(name: &'static str) -> Key {
    optional(
        name,
        FIELD_MATCH,
        "What this field must be, as the duck writes it: `field1` the temperature and `field2` the humidity, \"21.5\" with a DHT22 and \"21\" with a DHT11. It sends no others.",
    )
}

/// Some keys, then `field1` to `field8`, then the keys behind the semicolon.
macro_rules! keys_with_fields {
    ($($before:expr,)*; $($after:expr,)*) => {
        &[
            $($before,)*
            field("field1"),
            field("field2"),
            field("field3"),
            field("field4"),
            field("field5"),
            field("field6"),
            field("field7"),
            field("field8"),
            $($after,)*
        ]
    };
}

pub(super) use keys_with_fields;

/// How an event ended, in the record's words.
const fn outcome(words: &'static dyn AnyWords) -> Key {
    optional("outcome", Words(words), "How it ended.")
}

/// A row for a kind of event whose value is a table: for each key the field of the record, and how the value is read.
macro_rules! event {
    (
        $kind:ident $word:literal: $about:literal,
        $what:literal { $($key:expr => $field:literal: $reads:expr,)* },
        $says:expr
    ) => {
        case(
            &Row {
                kind: Kind::$kind,
                fixed: &[],
                asks: &[$(Ask { key: $key.name, field: $field, reads: $reads }),*],
                identity: &[],
                says: $says,
            },
            $word,
            Shape::Table(&Table::new($what, &[$($key),*])),
            $about,
        )
    };
}

const PART: Key = optional("part", TEXT, "Which one, by its name. Default any of the kind.");
pub(super) const PRESSED: Shape = Words(&[("pressed", true, "It is pressed."), ("released", false, "It is let go.")]);

/// A row for what happens to a part on a pin: to what it goes alone, or in a table with the part's name.
macro_rules! part {
    ($kind:ident $word:literal: $about:literal, $positions:ident, $name:literal, $on:literal, $off:literal) => {
        case(
            &Row {
                kind: Kind::Pin,
                fixed: &[("kind", || AnyWord::of(PinKind::$kind))],
                asks: &[
                    Ask { key: PART.name, field: "part", reads: Reads::PartName(PartClass::On(PinKind::$kind)) },
                    Ask { key: "", field: "on", reads: Reads::Position },
                ],
                identity: &["kind", "part"],
                says: |it| it.say($name).quoted("", PART.name).flag("", $on, $off),
            },
            $word,
            Either {
                plain: &$positions,
                table: &Shape::Table(&Table::new("a part's change", &[PART, required("to", $positions, "To what.")])),
            },
            $about,
        )
    };
}

/// Which events are meant.
pub(super) const EVENT: Shape = Named("event", &One(&EVENTS));

const EVENTS: Choice<&'static Row> = Choice { what: "an event", cases: ROWS };

const ROWS: &[Case<&'static Row>] = &[
    case(
        &Row {
            kind: Kind::Serial,
            fixed: &[],
            asks: &[Ask { key: "", field: "line", reads: Reads::Line }],
            identity: &[],
            says: |it| it.with("serial line ", ""),
        },
        "serial",
        TEXT_MATCH,
        "A line on the serial port, with or without the time since boot in front of it: a plain text is the whole of `sensor: 21.5 °C, 45.6 %` though the line begins with `[2.504831] `.",
    ),
    part!(Led "led": "An LED goes on or off.", ON_OFF, "LED", "goes on", "goes off"),
    part!(Switch "switch": "A switch goes on or off.", ON_OFF, "switch", "goes on", "goes off"),
    part!(Button "button": "A button is pressed or let go.", PRESSED, "button", "is pressed", "is let go"),
    case(
        &Row {
            kind: Kind::Pin,
            fixed: &[],
            asks: &[
                Ask { key: "gpio", field: "gpio", reads: Reads::Gpio },
                Ask { key: "level", field: "level", reads: word::<Level>() },
            ],
            identity: &["gpio"],
            says: |it| it.with("GPIO", "gpio").say("changes").with("to ", "level"),
        },
        "pin",
        Shape::Table(&Table::new("a pin", &[GPIO, optional("level", LEVEL, "Its level from now on.")])),
        "The pin of an LED, switch or button changes.",
    ),
    event!(
        Boot "boot": "The device starts.",
        "a boot" { optional("cause", Words(&BootCause::ROWS), "Why.") => "cause": word::<BootCause>(), },
        |it| it.say("boot").quoted("after ", "cause")
    ),
    event!(
        Restart "restart": "The firmware asks for a restart.",
        "a restart" { optional("reason", TEXT_MATCH, "Why.") => "reason": Reads::Text, },
        |it| it.say("restart").with("with reason ", "reason")
    ),
    event!(
        Crash "crash": "The firmware panics, or on the emulated chip raises an exception or overruns its stack.",
        "a crash" { optional("message", TEXT_MATCH, "What happened, and where.") => "message": Reads::Text, },
        |it| it.say("crash").with("with message ", "message")
    ),
    case(
        &Row {
            kind: Kind::Power,
            fixed: &[],
            asks: &[Ask { key: "", field: "state", reads: word::<PowerState>() }],
            identity: &[],
            says: |it| it.spoken("", PowerState::in_words),
        },
        "power",
        Words(&PowerState::ROWS),
        "The supply changes.",
    ),
    event!(
        Sensor "sensor": "The sensor was asked.",
        "a sensor transaction" {
            optional("part", TEXT, "Which sensor, by its name.") => "part": Reads::PartName(PartClass::Sensor),
            optional("outcome", Words(&SensorOutcome::ROWS), "How it ended.") => "outcome": word::<SensorOutcome>(),
            optional("colder-than", Scalar(Temperature), "It sent a temperature below this.") => "temperature": Reads::Below,
            optional("warmer-than", Scalar(Temperature), "It sent a temperature above this.") => "temperature": Reads::Above,
        },
        |it| {
            let it = it.say("sensor transaction").quoted("of ", "part").quoted("with outcome ", "outcome");
            it.with("colder than ", "colder-than").with("warmer than ", "warmer-than")
        }
    ),
    event!(
        Flash "flash": "An erase or write of the flash ended.",
        "a flash operation" {
            optional("operation", Words(&FlashOperation::ROWS), "Which.") => "operation": word::<FlashOperation>(),
            optional("torn", BOOLEAN, "Whether power went away before it was finished.") => "torn": Reads::Flag,
            optional(
                "erased-more-than",
                Scalar(Integer { least: 0, most: u32::MAX as i64 }),
                "A sector of it has been erased more often than this, this time included.",
            ) => "erasures": Reads::MoreThan,
        },
        |it| {
            let it = it.say("flash").or("operation", "operation").flag("torn", "that is torn", "that is not torn");
            it.with("of a sector that was erased more often than ", "erased-more-than")
        }
    ),
    event!(
        Join "join": "The device's attempt to join a network ended.",
        "a join" {
            NETWORK => "network": Reads::Exactly(Names::Joinable),
            BSSID => "bssid": Reads::Bssid,
            outcome(&JoinOutcome::ROWS) => "outcome": word::<JoinOutcome>(),
            optional(
                "status",
                Scalar(Integer { least: 0, most: 65_535 }),
                "The status code with which the access point refused (IEEE 802.11-2020, table 9-50).",
            ) => "status": Reads::Number,
        },
        |it| {
            it.say("attempt to join")
                .quoted("", "network")
                .quoted("at ", "bssid")
                .quoted("with outcome ", "outcome")
                .with("with status ", "status")
        }
    ),
    event!(
        LinkLost "link-lost": "The device is no longer joined.",
        "a loss of the link" {
            NETWORK => "network": Reads::Exactly(Names::Joinable),
            BSSID => "bssid": Reads::Bssid,
            optional("reason", Words(&LinkLoss::ROWS), "Why.") => "reason": word::<LinkLoss>(),
        },
        |it| it.say("loss of the link").quoted("to ", "network").quoted("at ", "bssid").quoted("by ", "reason")
    ),
    event!(
        AccessPoint "access-point":
            "An access point appeared or went away: one of the world's, or the device's own, yellow-duck.",
        "an access point" {
            NETWORK => "network": Reads::Exactly(Names::NetworksAndOwn),
            BSSID => "bssid": Reads::Bssid,
            optional("on", BOOLEAN, "Whether it is there.") => "on": Reads::Flag,
        },
        |it| {
            let it = it.say("access point").quoted("", "network").quoted("at ", "bssid");
            if it.has("on") { it.flag("on", "appears", "goes away") } else { it.say("appears or goes away") }
        }
    ),
    event!(
        Lease "lease": "A network's DHCP server dealt with a client.",
        "a DHCP exchange" {
            NETWORK => "network": Reads::Exactly(Names::Networks),
            outcome(&LeaseOutcome::ROWS) => "outcome": word::<LeaseOutcome>(),
            optional("address", Scalar(Ipv4Address), "The address concerned.") => "address": Reads::Address,
        },
        |it| it.say("DHCP exchange").quoted("on ", "network").quoted("with outcome ", "outcome").quoted("of ", "address")
    ),
    event!(
        Dns "dns": "A name server was asked.",
        "a DNS query" {
            optional("name", TEXT, "The name.") => "name": Reads::Exactly(Names::Any),
            outcome(&DnsOutcome::ROWS) => "outcome": word::<DnsOutcome>(),
        },
        |it| it.say("DNS query").quoted("for ", "name").quoted("with outcome ", "outcome")
    ),
    event!(
        Ntp "ntp": "A time server was asked.",
        "an NTP query" { outcome(&NtpOutcome::ROWS) => "outcome": word::<NtpOutcome>(), },
        |it| it.say("NTP query").quoted("with outcome ", "outcome")
    ),
    event!(
        Connection "connection": "A TCP connection to a server changed.",
        "a connection" {
            SERVER => "server": Reads::Exactly(Names::Any),
            outcome(&ConnectionOutcome::ROWS) => "outcome": word::<ConnectionOutcome>(),
        },
        |it| it.say("connection").quoted("to ", "server").quoted("with outcome ", "outcome")
    ),
    event!(
        Tls "tls": "A TLS handshake with a server ended.",
        "a TLS handshake" {
            SERVER => "server": Reads::Exactly(Names::Any),
            optional("outcome", TEXT_MATCH, "`established`, or what went wrong as the server saw it.") =>
                "outcome": Reads::Text,
        },
        |it| it.say("TLS handshake").quoted("with ", "server").with("with outcome ", "outcome")
    ),
    event!(
        Http "request": "A server answered an HTTP request, or chose not to.",
        "an HTTP request" {
            SERVER => "server": Reads::Exactly(Names::Any),
            optional("method", TEXT, "Such as POST.") => "method": Reads::Exactly(Names::Any),
            optional("path", TEXT, "The path; the query counts only if this has one.") => "target": Reads::Path,
            optional("status", STATUS, "The reply's status.") => "status": Reads::Number,
            optional("body-contains", TEXT, "A part of the request's body.") => "request-body": Reads::Part,
            optional("reply-contains", TEXT, "A part of the reply's body.") => "response-body": Reads::Part,
            optional("tls", BOOLEAN, "Whether it came over TLS.") => "tls": Reads::Flag,
        },
        |it| {
            it.or("method", "HTTP")
                .say("request")
                .quoted("for ", "path")
                .quoted("to ", "server")
                .flag("tls", "over TLS", "without TLS")
                .quoted("with body containing ", "body-contains")
                .with("answered with status ", "status")
                .quoted("answered with a body containing ", "reply-contains")
        }
    ),
    event!(
        Stored "stored": "The cloud stored an entry.",
        "a stored entry" {
            field("field1") => "fields": Reads::EntryField(0),
            field("field2") => "fields": Reads::EntryField(1),
            field("field3") => "fields": Reads::EntryField(2),
            field("field4") => "fields": Reads::EntryField(3),
            field("field5") => "fields": Reads::EntryField(4),
            field("field6") => "fields": Reads::EntryField(5),
            field("field7") => "fields": Reads::EntryField(6),
            field("field8") => "fields": Reads::EntryField(7),
            optional("status-contains", TEXT, "A part of its status.") => "status": Reads::Part,
        },
        |it| {
            it.say("stored entry")
                .with("with field1 ", "field1")
                .with("with field2 ", "field2")
                .with("with field3 ", "field3")
                .with("with field4 ", "field4")
                .with("with field5 ", "field5")
                .with("with field6 ", "field6")
                .with("with field7 ", "field7")
                .with("with field8 ", "field8")
                .quoted("with status containing ", "status-contains")
        }
    ),
    case(
        &Row {
            kind: Kind::Phone,
            fixed: &[],
            asks: &[
                Ask { key: "name", field: "phone", reads: Reads::Exactly(Names::Phones) },
                Ask { key: "", field: "what", reads: Reads::Phone },
            ],
            identity: &["phone"],
            says: |it| {
                let it = if it.has("name") { it.quoted("phone ", "name") } else { it.say("a phone") };
                it.with("", "")
            },
        },
        "phone",
        Shape::Table(&Table {
            at_most_one: &[&["joined", "lease", "reply", "failed", "left"]],
            ..Table::new(
                "a phone's event",
                &[
                    optional("name", TEXT, "The phone's name."),
                    optional("joined", BOOLEAN, "It joined a network, or failed to."),
                    optional("lease", NOTHING, "It was given an address."),
                    optional("reply", Shape::Table(&REPLY), "It got a reply."),
                    optional(
                        "failed",
                        Shape::Table(&Table::new(
                            "a failure",
                            &[optional("reason", TEXT_MATCH, "What happened instead.")],
                        )),
                        "It got no reply.",
                    ),
                    optional("left", NOTHING, "It left, or its network went away."),
                ],
            )
        }),
        "A phone did or saw something.",
    ),
    event!(
        Fault "fault": "A fault began, ended or did something.",
        "a fault's event" {
            optional("name", TEXT, "The fault's name.") => "rule": Reads::Exactly(Names::Faults),
            optional("action", TEXT_MATCH, "`begins`, `ends`, or what it did.") => "action": Reads::Text,
        },
        |it| it.say("fault").quoted("", "name").with("doing ", "action")
    ),
];

/// All events of a kind that scenarios can mean; `None` if they cannot.
pub fn all_of(kind: Kind) -> Option<Matcher> {
    let mut rows = ROWS.iter().map(|case| case.kind());
    rows.find(|row| row.kind == kind && row.fixed.is_empty()).map(Matcher::new)
}

const NOTHING: Shape = Shape::Table(&Table::new("an empty table", &[]));
const STATUS: Shape = Scalar(Integer { least: 100, most: 599 });

const REPLY: Table = Table::new(
    "a reply",
    &[
        optional("status", STATUS, "Its status. A form that the device refuses has 200, too; its page says why."),
        optional("contains", TEXT, "A part of its body."),
        optional("location", TEXT_MATCH, "Where it leads."),
    ],
);
