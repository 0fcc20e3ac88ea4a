//! The keys of a scenario file, each with its meaning: the file, the device and its settings, networks and the cloud.
//! Each other part of the language has a module of its own.
//!
//! The JSON Schema carries the sentences here to editors, so they are written for a scenario's author.

pub(super) mod certificate;
pub(super) mod devices;
pub(super) mod events;
pub(super) mod expect;
pub(super) mod faults;
pub(super) mod phones;
pub(super) mod sensor;
pub(super) mod steps;
mod targets;

use devices::{BOARD, DEVICE, DEVICES, PARTS, SETTINGS};
use expect::EXPECT;
use faults::FAULT;
use phones::PHONE;
use sensor::SENSOR;
use steps::{STEP, SWEEP};
use targets::TARGETS;

use super::model::{Policy, Protection, RadioMode};
use super::shape::Scalar::{Boolean, DateTime, Duration, HardwareAddress, Integer, Ipv4Address, Signal, Text};
use super::shape::Shape::{Choice as One, List, Scalar, Words};
use super::shape::{Key, Shape, Table, optional, required};

/// A string.
const TEXT: Shape = Scalar(Text);
/// A duration.
const DURATION: Shape = Scalar(Duration);
/// A boolean.
const BOOLEAN: Shape = Scalar(Boolean);
/// A count from 1.
const COUNT: Shape = Scalar(Integer { least: 1, most: u32::MAX as i64 });
/// Which of several devices is meant.
const DEVICE_NAME: Key = optional(
    "device",
    TEXT,
    "Which of the `devices`, by its name. Must be there if there are several and it matters which.",
);
/// `on` or `off`.
const ON_OFF: Shape = Words(&[("on", true, "It is on."), ("off", false, "It is off.")]);

/// What a run may contain without failing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Allowed {
    Crash,
    Watchdog,
    Livelock,
    RequestStorm,
}

/// The whole file.
pub(super) const FILE: Table = Table {
    at_most_one: &[
        &["devices", "board"],
        &["devices", "parts"],
        &["devices", "device"],
        &["devices", "settings"],
        &["devices", "sensor"],
    ],
    ..Table::new("the scenario", FILE_KEYS)
};

const FILE_KEYS: &[Key] = &[
    optional(
        "like",
        TEXT,
        "Another scenario file, by its path from this one's folder: all that this file does not say itself is as it says there. Tables are put together key by key; a list such as `faults` or `expect` stands in the place of the whole list there. A file that is like another needs a `title` of its own.",
    ),
    required("title", TEXT, "A sentence that a field engineer would say."),
    optional("description", TEXT, "What happened in the field."),
    optional("links", List(&TEXT), "Where it was reported: http or https addresses."),
    optional("seed", Scalar(Integer { least: 0, most: i64::MAX }), "Where all randomness comes from. Default 1."),
    optional("start", Scalar(DateTime), "The calendar at the beginning. Default 2026-01-01T00:00:00Z."),
    required("duration", DURATION, "When the run ends, counted from the beginning."),
    optional(
        "allow",
        List(&Words(&[
            (
                "crash",
                Allowed::Crash,
                "Panics of the firmware; on the emulated chip exceptions and stack overflows as well.",
            ),
            ("watchdog", Allowed::Watchdog, "Resets by a watchdog."),
            ("livelock", Allowed::Livelock, "The end of the run by a device that wakes itself without time passing."),
            (
                "request-storm",
                Allowed::RequestStorm,
                "More requests of a kind than any device in order makes: in any 5 minutes 300 attempts to join, DHCP exchanges, DNS or NTP queries, changes of a connection or TLS handshakes, and in any hour 60 HTTP requests and two for each reading.",
            ),
        ])),
        "What may happen without failing the scenario. Default nothing of these.",
    ),
    optional(
        "equal-crashes",
        Scalar(Integer { least: 0, most: 1_000_000 }),
        "After how many crashes in a row, all in the same way, the run ends before its time; resets by a watchdog count, too. 0 for never. Default 10, and never for what `allow` has.",
    ),
    optional(
        "parameters",
        Shape::Parameters,
        "Names for values: a string `\"${name}\"` anywhere else stands for the value, and within a longer string for its text (`$${` is `${`). A file that is `like` this one says other values for them.",
    ),
    BOARD,
    PARTS,
    optional("device", Shape::Table(&DEVICE), "The board as it is set up."),
    optional(
        "settings",
        Shape::Table(&SETTINGS),
        "What the flash holds at the beginning. Without this table it is blank.",
    ),
    optional("sensor", Shape::Table(&SENSOR), "The device's sensor, if it has one, and what it measures."),
    optional(
        "devices",
        List(&Shape::Table(&DEVICES)),
        "Several devices in one world instead of one: each with its own parts, settings, serial log, channel and folder of evidence; at most 100.",
    ),
    optional(
        "networks",
        List(&Shape::Table(&NETWORK)),
        "The access points in reach, at most 100. Default one that fits the settings.",
    ),
    optional("internet", Shape::Table(&INTERNET), "What lies between router and servers."),
    optional("cloud", Shape::Table(&CLOUD), "The cloud."),
    optional("phones", List(&Shape::Table(&PHONE)), "People with phones, in configuration mode; at most 100."),
    optional(
        "faults",
        List(&Shape::Table(&FAULT)),
        "What goes wrong: rules with a name and an interval; at most 10000.",
    ),
    optional("steps", List(&Shape::Table(&STEP)), "The timeline: what people do; at most 100000 steps."),
    optional("sweep", One(&SWEEP), "Repeats the run, each time with one thing different; every repetition must pass."),
    optional(
        "targets",
        Shape::Table(&TARGETS),
        "What may differ between host and chip where the scenario is run on both (`--on both`). Without this table nothing may but times, by up to 10 s: a TLS handshake takes the chip more than a second, and with each failed try the next comes later by as much.",
    ),
    optional("expect", List(&Shape::Table(&EXPECT)), "What must come of it: one expectation or more, at most 10000."),
];

const PORT: Shape = Scalar(Integer { least: 1, most: 65_535 });

const NETWORK: Table = Table::new(
    "a network",
    &[
        required(
            "name",
            TEXT,
            "Its name, 1 to 32 bytes. Several access points of one network (a mesh, a repeater) have the same name, each with its `bssid`, and one router behind them unless they say another; the device joins the strongest and stays there until it loses it.",
        ),
        optional("passphrase", TEXT, "8 to 63 bytes or 64 hexadecimal digits; absent for an open network."),
        optional(
            "security",
            Words(&[
                Protection::Open.row(),
                Protection::Wpa2.row(),
                Protection::Mixed.row(),
                Protection::Transition.row(),
                Protection::Wpa3.row(),
                Protection::Wpa.row(),
                Protection::Wep.row(),
            ]),
            "How it is protected. Default WPA2 with a passphrase, and open without.",
        ),
        optional(
            "hidden",
            BOOLEAN,
            "Whether its beacons do not tell its name. Who asks for it by name is answered; a scan does not show it. Default false.",
        ),
        optional(
            "group-rekey",
            DURATION,
            "How often the access point renews the key of what is for all, as routers do each hour or so; at least 1s. A station that does not take the new key is sent away after four tries. Default never.",
        ),
        optional(
            "mode",
            Words(&[RadioMode::B.row(), RadioMode::G.row(), RadioMode::N.row(), RadioMode::NOnly.row()]),
            "Its rates. Default g.",
        ),
        optional(
            "bssid",
            Scalar(HardwareAddress),
            "Its hardware address. Default 02:00:00:00:NN:00 with its place in the file.",
        ),
        optional(
            "channel",
            Scalar(Integer { least: 1, most: 14 }),
            "2.4 GHz channel. Default 6. A device looks at those of its `country` only.",
        ),
        optional(
            "signal",
            Scalar(Signal),
            "As the device receives it. Below -90 dBm it does not hear the network: `not found`. Default -60 dBm.",
        ),
        optional(
            "router",
            Scalar(Ipv4Address),
            "The address of the router behind it, in a /24 network of which clients get .10 to .250. Default 192.168.N.1, N counting the routers. Of one name, access points with another `router`, `lease`, `gateway` or `name-server` have another router.",
        ),
        optional("lease", DURATION, "How long its router's leases last, in whole seconds. Default a day."),
        optional(
            "gateway",
            Scalar(Ipv4Address),
            "With `router`: the address of another box in the same /24 network that is the way out, such as 192.168.178.254; the router itself lets nothing through. Default the router.",
        ),
        optional(
            "name-server",
            Scalar(Ipv4Address),
            "The address of the name server that leases tell: a box in the same network, or one in the internet such as 9.9.9.9. Default the router.",
        ),
    ],
);

const INTERNET: Table =
    Table::new("the internet", &[optional("latency", DURATION, "One way, router to server. Default 20ms.")]);

const CLOUD: Table = Table::new(
    "the cloud",
    &[
        optional("certificate", certificate::CERTIFICATE, "What the cloud shows as its certificate. Default good."),
        optional(
            "key-type",
            certificate::KEY_TYPE,
            "The certificate's key, with a word as `certificate`. Default P-256.",
        ),
        optional(
            "legacy-tls",
            Words(&[Policy::Off.row(), Policy::Auto.row(), Policy::Only.row()]),
            "When it speaks the TLS of old devices, with an RSA key that everyone has. Default off.",
        ),
        optional(
            "write-key",
            TEXT,
            "The write key of the first device's channel, for firmware whose settings the scenario does not make: 16 of 0-9 and A-Z. Default drawn from the seed.",
        ),
        optional("host", TEXT, "The name that the cloud answers to. Default api.thingspeak.com."),
        optional("port", PORT, "A port that it answers at besides 80 (HTTP) and 443 (HTTPS)."),
        optional("tls", BOOLEAN, "Whether it speaks TLS at `port`. Default true."),
    ],
);
