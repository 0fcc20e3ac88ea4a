//! The keys of matchers, triggers and expectations, each with its meaning.

use super::{BOOLEAN, COUNT, DURATION, ON_OFF, TEXT};
use crate::events::{
    BootCause, ConnectionOutcome, DnsOutcome, FlashOperation, JoinOutcome, LeaseOutcome, Level, LinkLoss, NtpOutcome,
    PowerState, SensorOutcome,
};
use crate::scenario::shape::Scalar::{FieldValue, HardwareAddress, Integer, Regex};
use crate::scenario::shape::Shape::{Choice as One, Either, Named, Pair, Scalar, Words};
use crate::scenario::shape::{AnyWords, Choice, Key, Shape, Table, case, optional, required};

/// "The count-th such event, and then a delay."
pub(super) const TRIGGER: Shape = Named(
    "trigger",
    &Shape::Table(&Table::new(
        "a trigger",
        &[
            required("event", EVENT, "Which events count."),
            optional("count", COUNT, "Which of them it is, from 1. Default 1."),
            optional("plus", DURATION, "A delay after it. Default 0s."),
        ],
    )),
);

/// What a text must be, where it is not said in full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::scenario) enum TextMatchKind {
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
pub(in crate::scenario) enum FieldMatchKind {
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

const LEVEL: Shape = Words(&Level::ROWS);
const GPIO: Key = required("gpio", Scalar(Integer { least: 0, most: 16 }), "GPIO number.");
const NETWORK: Key = optional("network", TEXT, "The network's name.");
const BSSID: Key =
    optional("bssid", Scalar(HardwareAddress), "The access point's hardware address, if several have the name.");
const SERVER: Key = optional("server", TEXT, "The server's name.");

const fn field(name: &'static str) -> Key {
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

/// How an event ended, in the record's words.
const fn outcome(words: &'static dyn AnyWords) -> Key {
    optional("outcome", Words(words), "How it ended.")
}

/// Which events are meant.
pub(super) const EVENT: Shape = Named("event", &One(&EVENTS));

/// A kind of event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::scenario) enum EventWord {
    Serial,
    Led,
    Pin,
    Boot,
    Restart,
    Crash,
    Power,
    Sensor,
    Flash,
    Join,
    LinkLost,
    AccessPoint,
    Lease,
    Dns,
    Ntp,
    Connection,
    Tls,
    Request,
    Stored,
    Phone,
    Fault,
}

const EVENTS: Choice<EventWord> = Choice {
    what: "an event",
    cases: &[
        case(
            EventWord::Serial,
            "serial",
            TEXT_MATCH,
            "A line on the serial port, with or without the time since boot in front of it: a plain text is the whole of `sensor: 21.5 °C, 45.6 %` though the line begins with `[2.504831] `.",
        ),
        case(EventWord::Led, "led", ON_OFF, "LD1 goes on or off."),
        case(
            EventWord::Pin,
            "pin",
            Shape::Table(&Table::new("a pin", &[GPIO, optional("level", LEVEL, "Its level from now on.")])),
            "An output pin or a switch changes.",
        ),
        case(
            EventWord::Boot,
            "boot",
            Shape::Table(&Table::new("a boot", &[optional("cause", Words(&BootCause::ROWS), "Why.")])),
            "The device starts.",
        ),
        case(
            EventWord::Restart,
            "restart",
            Shape::Table(&Table::new("a restart", &[optional("reason", TEXT_MATCH, "Why.")])),
            "The firmware asks for a restart.",
        ),
        case(
            EventWord::Crash,
            "crash",
            Shape::Table(&Table::new("a crash", &[optional("message", TEXT_MATCH, "What happened, and where.")])),
            "The firmware panics, or on the emulated chip raises an exception or overruns its stack.",
        ),
        case(EventWord::Power, "power", Words(&PowerState::ROWS), "The supply changes."),
        case(
            EventWord::Sensor,
            "sensor",
            Shape::Table(&Table::new(
                "a sensor transaction",
                &[optional("outcome", Words(&SensorOutcome::ROWS), "How it ended.")],
            )),
            "The sensor was asked.",
        ),
        case(
            EventWord::Flash,
            "flash",
            Shape::Table(&Table::new(
                "a flash operation",
                &[
                    optional("operation", Words(&FlashOperation::ROWS), "Which."),
                    optional("torn", BOOLEAN, "Whether power went away before it was finished."),
                ],
            )),
            "An erase or write of the flash ended.",
        ),
        case(
            EventWord::Join,
            "join",
            Shape::Table(&Table::new("a join", &[NETWORK, BSSID, outcome(&JoinOutcome::ROWS)])),
            "The device's attempt to join a network ended.",
        ),
        case(
            EventWord::LinkLost,
            "link-lost",
            Shape::Table(&Table::new(
                "a loss of the link",
                &[NETWORK, BSSID, optional("reason", Words(&LinkLoss::ROWS), "Why.")],
            )),
            "The device is no longer joined.",
        ),
        case(
            EventWord::AccessPoint,
            "access-point",
            Shape::Table(&Table::new(
                "an access point",
                &[NETWORK, BSSID, optional("on", BOOLEAN, "Whether it is there.")],
            )),
            "An access point appeared or went away: one of the world's, or the device's own, yellow-duck.",
        ),
        case(
            EventWord::Lease,
            "lease",
            Shape::Table(&Table::new("a DHCP exchange", &[NETWORK, outcome(&LeaseOutcome::ROWS)])),
            "A network's DHCP server dealt with a client.",
        ),
        case(
            EventWord::Dns,
            "dns",
            Shape::Table(&Table::new(
                "a DNS query",
                &[optional("name", TEXT, "The name."), outcome(&DnsOutcome::ROWS)],
            )),
            "A name server was asked.",
        ),
        case(
            EventWord::Ntp,
            "ntp",
            Shape::Table(&Table::new("an NTP query", &[outcome(&NtpOutcome::ROWS)])),
            "A time server was asked.",
        ),
        case(
            EventWord::Connection,
            "connection",
            Shape::Table(&Table::new("a connection", &[SERVER, outcome(&ConnectionOutcome::ROWS)])),
            "A TCP connection to a server changed.",
        ),
        case(
            EventWord::Tls,
            "tls",
            Shape::Table(&Table::new(
                "a TLS handshake",
                &[SERVER, optional("outcome", TEXT_MATCH, "`established`, or what went wrong as the server saw it.")],
            )),
            "A TLS handshake with a server ended.",
        ),
        case(
            EventWord::Request,
            "request",
            Shape::Table(&Table::new(
                "an HTTP request",
                &[
                    SERVER,
                    optional("method", TEXT, "Such as POST."),
                    optional("path", TEXT, "The path; the query counts only if this has one."),
                    optional("status", STATUS, "The reply's status."),
                    optional("body-contains", TEXT, "A part of the request's body."),
                    optional("reply-contains", TEXT, "A part of the reply's body."),
                    optional("tls", BOOLEAN, "Whether it came over TLS."),
                ],
            )),
            "A server answered an HTTP request, or chose not to.",
        ),
        case(
            EventWord::Stored,
            "stored",
            Shape::Table(&Table::new(
                "a stored entry",
                keys_with_fields! {
                    ;
                    optional("status-contains", TEXT, "A part of its status."),
                },
            )),
            "The cloud stored an entry.",
        ),
        case(
            EventWord::Phone,
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
        case(
            EventWord::Fault,
            "fault",
            Shape::Table(&Table::new(
                "a fault's event",
                &[
                    optional("name", TEXT, "The fault's name."),
                    optional("action", TEXT_MATCH, "`begins`, `ends`, or what it did."),
                ],
            )),
            "A fault began, ended or did something.",
        ),
    ],
};

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

const AMOUNT: Shape = Scalar(Integer { least: 0, most: u32::MAX as i64 });

/// An expectation.
pub(super) const EXPECT: Table = Table {
    exactly_one: &[&["event", "rate", "state", "channel"]],
    at_most_one: &[
        &["after", "from", "at"],
        &["by", "until", "within", "at"],
        &["never", "exactly", "at-least"],
        &["never", "exactly", "at-most"],
    ],
    ..Table::new(
        "an expectation",
        &[
            optional("event", EVENT, "Such events happen, as often as said."),
            optional(
                "rate",
                Shape::Table(&RATE),
                "Such events happen no more often than said, in any stretch of the window.",
            ),
            optional("state", One(&STATE), "Something is so: at one moment, or throughout the window."),
            optional(
                "channel",
                Shape::Table(&CHANNEL),
                "What the channel holds at the end. Fields are those of the entries with a reading: one that only tells a status has none.",
            ),
            optional("by", DURATION, "The window closes at this time. Default the end."),
            optional("until", DURATION, "The same as `by`."),
            optional("within", DURATION, "The window closes so long after it opened."),
            optional("from", DURATION, "The window opens at this time. Default 0s."),
            optional(
                "after",
                TRIGGER,
                "The window opens once this has happened; if it never does, the expectation fails.",
            ),
            optional("at", DURATION, "With `state`: the moment."),
            optional("never", BOOLEAN, "true: no such event happens in the window."),
            optional("exactly", AMOUNT, "So many such events happen in the window."),
            optional("at-least", COUNT, "So many or more. Default 1."),
            optional("at-most", AMOUNT, "So many or fewer."),
            optional("because", TEXT, "Why; printed when it fails."),
        ],
    )
};

const RATE: Table = Table::new(
    "a rate",
    &[
        required("event", EVENT, "Which events count."),
        required("at-most", COUNT, "So many of them or fewer in any stretch."),
        required("per", DURATION, "How long a stretch is, wherever it begins."),
    ],
);

/// What is so for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::scenario) enum StateKind {
    Led,
    Pin,
    Power,
}

const STATE: Choice<StateKind> = Choice {
    what: "a state",
    cases: &[
        case(StateKind::Led, "led", ON_OFF, "LD1."),
        case(
            StateKind::Pin,
            "pin",
            Shape::Table(&Table::new("a pin's state", &[GPIO, required("level", LEVEL, "Its level.")])),
            "A pin; low until it is driven.",
        ),
        case(StateKind::Power, "power", ON_OFF, "The device's supply."),
    ],
};

/// A number of entries.
const ENTRIES: Shape = Either {
    plain: &AMOUNT,
    table: &Shape::Table(&Table {
        at_least_one: &["at-least", "at-most"],
        ..Table::new(
            "a number of entries",
            &[optional("at-least", AMOUNT, "So many or more."), optional("at-most", AMOUNT, "So many or fewer.")],
        )
    }),
};

const CHANNEL: Table = Table {
    at_least_one: &[
        "entries",
        "status-reports",
        "ascending",
        "longest-gap",
        "field1",
        "field2",
        "field3",
        "field4",
        "field5",
        "field6",
        "field7",
        "field8",
    ],
    ..Table::new(
        "a channel's expectation",
        keys_with_fields! {
            optional(
                "entries",
                ENTRIES,
                "How many entries with a reading it holds. One that only tells a status is not counted: see `status-reports`.",
            ),
            optional(
                "status-reports",
                ENTRIES,
                "How many entries it holds that tell a status and no reading, as the duck's do after a restart.",
            ),
            optional("ascending", BOOLEAN, "true: each entry's created_at is later than that of the entry before."),
            optional(
                "longest-gap",
                DURATION,
                "The longest time between the created_at of two neighbours with a reading; a status report does not fill a gap.",
            ),
            ;
        },
    )
};
