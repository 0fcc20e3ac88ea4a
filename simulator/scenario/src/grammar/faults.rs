//! What goes wrong: when, and how.

pub(crate) mod cloud;
pub(crate) mod internet;
pub(crate) mod sensor;

use std::time::Duration;

use super::certificate;
use super::expect::TRIGGER;
use super::{BOOLEAN, COUNT, DURATION, TEXT};
use crate::model::{AccessPointState, Attack, Direction, Frames, PortalReply, RouteFault, RouteTarget};
use crate::shape::Scalar::{Capacitance, HardwareAddress, Integer, Probability, Resistance, Voltage};
use crate::shape::Shape::{Choice as One, Scalar, Words};
use crate::shape::{Case, Choice, Key, Makes, Shape, Table, case, optional, required};

/// One of `[[faults]]`.
pub(super) const FAULT: Table = Table {
    at_most_one: &[&["from", "after"], &["every", "after"]],
    ..Table::new(
        "a fault",
        &[
            required("name", TEXT, "Its name, as the record tells it."),
            optional(
                "from",
                DURATION,
                "When it begins. Default 0s; with `every` the first time, by default one period after the beginning.",
            ),
            optional("after", TRIGGER, "It begins once this has happened; if it never does, the scenario fails."),
            optional(
                "every",
                DURATION,
                "It begins again and again, for as long as `for` says: every = \"10m\" with for = \"30s\" is a fault of half a minute every ten minutes. 1 ms or more, and at most 100000 times in a run.",
            ),
            optional("until", DURATION, "When it ends. With `every`: it begins no later than this. Default the end."),
            optional("for", DURATION, "It ends so long after it began."),
            optional(
                "count",
                COUNT,
                "How often it applies at most, each time it has begun; not with `sensor` and `access-point`. Default no limit.",
            ),
            optional(
                "probability",
                Scalar(Probability),
                "How likely it is that it begins, each time that it would. Default 100 %.",
            ),
            optional("device", TEXT, "With `sensor` and `supply`: which of several devices, by its name."),
            optional("part", TEXT, "With `sensor`: which of several sensors, by its name."),
            optional(
                "require-effect",
                BOOLEAN,
                "Whether the scenario fails if it never does anything. Default false: that is a warning.",
            ),
            required("inject", One(&INJECTION), "What goes wrong."),
        ],
    )
};

/// What a key of a fault makes.
#[derive(Clone, Copy)]
pub(crate) enum OfFault<T> {
    /// A fault, of a single value.
    Value(Makes<T>),
    /// A fault, of a table.
    Table,
}

/// `{ slow = "3s" }`.
const fn slow<T: Copy>(fault: fn(Duration) -> T) -> Case<Makes<T>> {
    case(Makes::Duration(fault), "slow", DURATION, "Answers so much later.")
}

const FAULTY_NETWORK: Key = required("network", TEXT, "The network's name.");
const FAULTY_BSSID: Key =
    optional("bssid", Scalar(HardwareAddress), "One of its access points. Default all that have the name.");

/// Where something goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InjectionKind {
    Sensor,
    Supply,
    AccessPoint,
    Link,
    Dhcp,
    Dns,
    Ntp,
    Route,
    ManInTheMiddle,
    Certificate,
    Cloud,
    CaptivePortal,
}

const INJECTION: Choice<InjectionKind> = Choice {
    what: "a fault's injection",
    cases: &[
        case(InjectionKind::Sensor, "sensor", sensor::FAULT, "The sensor."),
        case(
            InjectionKind::Supply,
            "supply",
            Shape::Table(&SUPPLY),
            "A supply that sags while the radio sends: batteries that are empty, a long cable, a regulator of a few cents. Whenever it falls below 2.5 V, that is a brown-out (`event.power`), after which the chip starts again. The chip draws 56 mA while it listens, and while it sends 170 mA by 802.11b (as scans and joins begin, and access points), 140 mA by 802.11g and 120 mA by 802.11n. Only an `image` that runs whole sends each beacon and each probe. Of several supplies of one device the one that began last counts; resistances are not added.",
        ),
        case(
            InjectionKind::AccessPoint,
            "access-point",
            Shape::Table(&Table::new(
                "an access point's fault",
                &[
                    FAULTY_NETWORK,
                    FAULTY_BSSID,
                    required(
                        "state",
                        Words(&[
                            ("off", AccessPointState::Off, "It is not there."),
                            ("refusing", AccessPointState::Refusing, "It refuses associations."),
                            ("deaf", AccessPointState::Deaf, "It sends beacons and hears nothing."),
                        ]),
                        "What it does instead of serving.",
                    ),
                    optional(
                        "deauth",
                        BOOLEAN,
                        "With `off`: whether it deauthenticates its stations first. Default true.",
                    )
                    .beside("state", "off"),
                    optional(
                        "status",
                        Scalar(Integer { least: 1, most: 65_535 }),
                        "With `refusing`: the status code that it tells them (IEEE 802.11-2020, table 9-50): 17 it has too many stations, 1 an unspecified failure, 30 try again later. Default 17.",
                    )
                    .beside("state", "refusing"),
                ],
            )),
            "An access point.",
        ),
        case(InjectionKind::Link, "link", Shape::Table(&LINK), "The frames between an access point and its stations."),
        case(InjectionKind::Dhcp, "dhcp", internet::DHCP_FAULT, "A network's DHCP server."),
        case(InjectionKind::Dns, "dns", internet::DNS_FAULT, "The name servers."),
        case(InjectionKind::Ntp, "ntp", internet::NTP_FAULT, "The time servers."),
        case(
            InjectionKind::Route,
            "route",
            Shape::Table(&Table::new(
                "a route's fault",
                &[
                    optional(
                        "to",
                        Words(&[
                            ("cloud", RouteTarget::Cloud, "To the cloud."),
                            ("everywhere", RouteTarget::Everywhere, "To every server."),
                        ]),
                        "Which route. Default cloud.",
                    ),
                    required(
                        "reply",
                        Words(&[
                            ("silent", RouteFault::Silent, "Nothing answers."),
                            ("refused", RouteFault::Refused, "Connections are refused."),
                            ("reset", RouteFault::Reset, "Connections are accepted and then reset."),
                        ]),
                        "What a connection meets.",
                    ),
                ],
            )),
            "The way to a server.",
        ),
        case(
            InjectionKind::ManInTheMiddle,
            "man-in-the-middle",
            Words(&ATTACKS),
            "Somebody between router and cloud, in the cloud's place.",
        ),
        case(
            InjectionKind::Certificate,
            "certificate",
            certificate::CERTIFICATE,
            "The cloud shows another certificate, as after a renewal that went wrong.",
        ),
        case(InjectionKind::Cloud, "cloud", cloud::FAULT, "The cloud."),
        case(
            InjectionKind::CaptivePortal,
            "captive-portal",
            Words(&[
                ("redirect", PortalReply::Redirect, "Answers 302 to each HTTP request, to its login page."),
                ("page", PortalReply::Page, "Answers 200 to each HTTP request, with its login page."),
            ]),
            "A hotel's or a provider's page that wants a login first: every name is its own, it answers whatever address is asked, refuses HTTPS, and nothing else gets through. The fault's end is the login.",
        ),
    ],
};

/// What somebody in the cloud's place does, as the server's own library tells it.
const ATTACKS: [(&str, Attack, &str); Attack::ALL.len()] = {
    let mut rows = [Attack::ALL[0].row(); Attack::ALL.len()];
    let mut at = 0;
    while at < rows.len() {
        rows[at] = Attack::ALL[at].row();
        at += 1;
    }
    rows
};

const SUPPLY: Table = Table::new(
    "a supply",
    &[
        required(
            "resistance",
            Scalar(Resistance),
            "Its inner resistance with that of the leads: so much that 170 mA leave less than 2.5 V, and so little that 56 mA leave 2.6 V, with which the chip starts; two AA batteries have some 0.3 Ohm when they are new, and some 3 Ohm when they are empty.",
        ),
        optional("voltage", Scalar(Voltage), "What it is without a load, above \"2.6 V\". Default \"3.3 V\"."),
        optional(
            "capacitance",
            Scalar(Capacitance),
            "The capacitor at the chip, which carries it through short frames: \"0.1 uF\" to \"10000 uF\". Default \"10 uF\", which an ESP-07 has by itself.",
        ),
    ],
);

const LINK: Table = Table {
    at_least_one: &["loss", "duplicate", "reorder", "corrupt", "latency", "jitter"],
    ..Table::new(
        "a link's fault",
        &[
            FAULTY_NETWORK,
            FAULTY_BSSID,
            optional(
                "direction",
                Words(&[
                    ("to-device", Direction::ToStation, "From the access point to its stations."),
                    ("from-device", Direction::FromStation, "From its stations to the access point."),
                ]),
                "Frames of one direction only. Default both.",
            ),
            optional(
                "frames",
                Words(&[
                    ("broadcast", Frames::Broadcast, "Those for all stations, or for many."),
                    ("addressed", Frames::Addressed, "Those for one."),
                    ("arp", Frames::Arp, "ARP, to whomever."),
                ]),
                "Only such frames. Default all.",
            ),
            optional("loss", Scalar(Probability), "A frame is lost."),
            optional("duplicate", Scalar(Probability), "A frame arrives twice."),
            optional("reorder", Scalar(Probability), "A frame is overtaken by the next."),
            optional("corrupt", Scalar(Probability), "A byte of a frame is changed."),
            optional("latency", DURATION, "Each frame takes longer by this."),
            optional("jitter", DURATION, "And by up to this, drawn for each frame."),
        ],
    )
};
