//! What goes wrong: when, and how.

use std::time::Duration;

use fake_thingspeak::serve::{FaultNeeds, FaultWord};
use simulator_record::events::Row;
use simulator_world::parts::MadeOfLateness;

use super::expect::TRIGGER;
use super::{BOOLEAN, COUNT, DURATION, TEXT};
use crate::model::{
    AccessPointState, Attack, CloudFault, DhcpFault, DnsFault, NtpFault, PortalReply, RouteFault, RouteTarget,
    SensorFault, WrittenReply,
};
use crate::shape::Scalar::{HardwareAddress, Integer, Ipv4Address, Probability, SignedDuration};
use crate::shape::Shape::{Choice as One, Either, List, Scalar, TextMap, Words};
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
            optional("device", TEXT, "With `sensor`: which of several devices, by its name."),
            optional("part", TEXT, "With `sensor`: which of several sensors, by its name."),
            required("inject", One(&INJECTION), "What goes wrong."),
        ],
    )
};

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
    AccessPoint,
    Link,
    Dhcp,
    Dns,
    Ntp,
    Route,
    ManInTheMiddle,
    Cloud,
    CaptivePortal,
}

/// What a key of a DHCP server's reply makes.
#[derive(Clone, Copy)]
pub(crate) enum OfDhcp {
    /// A fault, of a single value.
    Fault(Makes<DhcpFault>),
    /// Other options.
    Options,
}

/// What a key of a name server's fault makes.
#[derive(Clone, Copy)]
pub(crate) enum OfDns {
    /// A fault, of a single value.
    Fault(Makes<DnsFault>),
    /// An answer.
    Answer,
}

/// An option that a DHCP server leaves out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LeftOut {
    Gateway,
    NameServer,
    SubnetMask,
    Lease,
}

const ADDRESS: Shape = Scalar(Ipv4Address);

const DHCP_OPTIONS: Table = Table {
    at_least_one: &["gateway", "name-server", "subnet-mask", "lease", "without"],
    ..Table::new(
        "a DHCP server's options",
        &[
            optional("gateway", ADDRESS, "The way out. Where nobody has this address there is none."),
            optional("name-server", ADDRESS, "Whom to ask for names."),
            optional("subnet-mask", ADDRESS, "Which addresses are near, such as 255.255.255.0."),
            optional("lease", DURATION, "How long the lease lasts."),
            optional(
                "without",
                List(&Words(&[
                    ("gateway", LeftOut::Gateway, "The way out."),
                    ("name-server", LeftOut::NameServer, "Whom to ask for names."),
                    ("subnet-mask", LeftOut::SubnetMask, "Which addresses are near."),
                    ("lease", LeftOut::Lease, "How long the lease lasts."),
                ])),
                "What it does not say.",
            ),
        ],
    )
};

const DNS_ANSWER: Table = Table::new(
    "a name server's answer",
    &[
        optional("name", TEXT, "The name that it is for. Default every name."),
        optional(
            "aliases",
            List(&TEXT),
            "Other names, each an alias of the one before (CNAME); the last one has the addresses. Default none.",
        ),
        optional(
            "addresses",
            List(&ADDRESS),
            "Its addresses, in this order; the cloud's is 203.0.113.80, and at 203.0.113.9 is nobody. Default those that it has.",
        ),
        optional("ttl", DURATION, "How long it may be kept. Default 5m."),
        optional("only-ipv6", BOOLEAN, "Whether the name has an IPv6 address alone. Default false."),
        optional("truncated", BOOLEAN, "Whether it says that it was cut short, and has nothing in it. Default false."),
        optional("wrong-id", BOOLEAN, "Whether it has another number than the question. Default false."),
    ],
);

const INJECTION: Choice<InjectionKind> = Choice {
    what: "a fault's injection",
    cases: &[
        case(
            InjectionKind::Sensor,
            "sensor",
            Either {
                plain: &Words(&SensorFault::WORDS),
                table: &One(&Choice { what: "a sensor's fault", cases: &LATE_RESPONSES }),
            },
            "The sensor.",
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
                    ),
                ],
            )),
            "An access point.",
        ),
        case(InjectionKind::Link, "link", Shape::Table(&LINK), "The frames between an access point and its stations."),
        case(
            InjectionKind::Dhcp,
            "dhcp",
            Shape::Table(&Table::new(
                "a DHCP server's fault",
                &[
                    FAULTY_NETWORK,
                    required(
                        "reply",
                        Either {
                            plain: &Words(&[
                                ("silent", DhcpFault::Silent, "Says nothing."),
                                ("refuse", DhcpFault::Refuse, "Refuses (DHCPNAK)."),
                                (
                                    "full",
                                    DhcpFault::Full,
                                    "Has no address left: who has one keeps it, nobody else is answered.",
                                ),
                                (
                                    "forgotten",
                                    DhcpFault::Forgotten,
                                    "Has forgotten its clients, as after a restart: refuses each once, and gives it another address.",
                                ),
                            ]),
                            table: &One(&Choice {
                                what: "a DHCP server's reply",
                                cases: &[
                                    case(
                                        OfDhcp::Fault(Makes::Duration(DhcpFault::Slow)),
                                        "slow",
                                        DURATION,
                                        "Answers so much later.",
                                    ),
                                    case(
                                        OfDhcp::Options,
                                        "options",
                                        Shape::Table(&DHCP_OPTIONS),
                                        "Tells its clients something else than is so, or leaves it out.",
                                    ),
                                    case(
                                        OfDhcp::Fault(Makes::Duration(DhcpFault::Lease)),
                                        "lease",
                                        DURATION,
                                        "Gives leases that last so long; a day without the fault.",
                                    ),
                                ],
                            }),
                        },
                        "What it does instead of giving a lease at once.",
                    ),
                ],
            )),
            "A network's DHCP server.",
        ),
        case(
            InjectionKind::Dns,
            "dns",
            Either {
                plain: &Words(&[
                    ("silent", DnsFault::Silent, "Says nothing."),
                    ("refused", DnsFault::Refused, "REFUSED."),
                    ("server-failure", DnsFault::ServerFailure, "SERVFAIL."),
                    ("no-such-name", DnsFault::NoSuchName, "NXDOMAIN."),
                ]),
                table: &One(&Choice {
                    what: "a name server's fault",
                    cases: &[
                        case(OfDns::Answer, "answer", Shape::Table(&DNS_ANSWER), "Answers as it is written here."),
                        case(
                            OfDns::Fault(Makes::Address(DnsFault::WrongAddress)),
                            "wrong-address",
                            Scalar(Ipv4Address),
                            "Answers with this address.",
                        ),
                        case(OfDns::Fault(Makes::Duration(DnsFault::Slow)), "slow", DURATION, "Answers so much later."),
                    ],
                }),
            },
            "The name servers.",
        ),
        case(
            InjectionKind::Ntp,
            "ntp",
            Either {
                plain: &Words(&[
                    ("silent", NtpFault::Silent, "Says nothing."),
                    ("kiss-of-death", NtpFault::KissOfDeath, "Sends a kiss of death (RFC 5905, section 7.4)."),
                    ("zero-time", NtpFault::ZeroTime, "Answers with a time of zero."),
                    (
                        "unsynchronised",
                        NtpFault::Unsynchronised,
                        "Says that it is not synchronised (leap indicator 3, stratum 16), and tells 2036.",
                    ),
                    ("stratum-zero", NtpFault::StratumZero, "Says stratum 0 without a code, and tells 2036."),
                    (
                        "leap-second",
                        NtpFault::LeapSecond,
                        "Announces a leap second (leap indicator 1); its time is right.",
                    ),
                ]),
                table: &One(&Choice {
                    what: "a time server's fault",
                    cases: &[
                        case(
                            Makes::SignedDuration(NtpFault::WrongBy),
                            "wrong-by",
                            Scalar(SignedDuration),
                            "Tells a time that is wrong by this much.",
                        ),
                        slow(NtpFault::Slow),
                    ],
                }),
            },
            "The time servers.",
        ),
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
        case(InjectionKind::Cloud, "cloud", CLOUD_FAULT, "The cloud."),
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

const CLOUD_FAULT: Shape =
    Either { plain: &Words(&CLOUD_WORDS), table: &One(&Choice { what: "a cloud's fault", cases: &CLOUD_CASES }) };

/// How many of the cloud's faults need nothing said with them.
const CLOUD_WORD_COUNT: usize = {
    let (mut at, mut count) = (0, 0);
    while at < CloudFault::WORDS.len() {
        count += matches!(CloudFault::WORDS[at].needs, FaultNeeds::Nothing(_)) as usize;
        at += 1;
    }
    count
};

/// The cloud's faults that need nothing said with them, as the server's own library tells them.
const CLOUD_WORDS: [(&str, CloudFault, &str); CLOUD_WORD_COUNT] = {
    let mut rows = [("", CloudFault::Reset, ""); CLOUD_WORD_COUNT];
    let (mut at, mut count) = (0, 0);
    while at < CloudFault::WORDS.len() {
        let FaultWord { word, about, needs, .. } = CloudFault::WORDS[at];
        if let FaultNeeds::Nothing(fault) = needs {
            rows[count] = (word, fault, about);
            count += 1;
        }
        at += 1;
    }
    rows
};

/// What a key of a cloud's fault makes.
#[derive(Clone, Copy)]
pub(crate) enum OfCloud {
    /// A fault, of a single value.
    Fault(Makes<CloudFault>),
    /// A reply.
    Reply,
}

/// How many of the cloud's faults have a value, and the reply.
const CLOUD_CASE_COUNT: usize = CloudFault::WORDS.len() - CLOUD_WORD_COUNT + 1;

/// A status that a server answers with.
const STATUS: Shape = Scalar(Integer { least: 200, most: 599 });

/// The others.
const CLOUD_CASES: [Case<OfCloud>; CLOUD_CASE_COUNT] = {
    let reply = case(OfCloud::Reply, WrittenReply::WORD, Shape::Table(&REPLY), WrittenReply::ABOUT);
    let mut cases = [reply; CLOUD_CASE_COUNT];
    let (mut at, mut count) = (0, 0);
    while at < CloudFault::WORDS.len() {
        let FaultWord { word, about, needs, .. } = CloudFault::WORDS[at];
        let (makes, shape) = match needs {
            FaultNeeds::Nothing(_) => {
                at += 1;
                continue;
            }
            FaultNeeds::Status(make) => (Makes::Integer(make), STATUS),
            FaultNeeds::Delay(make) => (Makes::Duration(make), DURATION),
            FaultNeeds::Error(make) => (Makes::SignedDuration(make), Scalar(SignedDuration)),
        };
        cases[count] = case(OfCloud::Fault(makes), word, shape, about);
        count += 1;
        at += 1;
    }
    cases
};

const REPLY: Table = Table::new(
    "a reply",
    &[
        optional("status", STATUS, "Its status. Default 200."),
        optional(
            "headers",
            TextMap,
            "Its headers, such as { Location = \"https://a.example/\", Retry-After = \"60\" }. `Date`, `Content-Length` and `Connection: close` are added if they are not there.",
        ),
        optional("body", TEXT, "Its body. Default none."),
        optional(
            "stores",
            BOOLEAN,
            "Whether the request is handled all the same, and what it brings stored. Default false.",
        ),
        optional(
            "pieces",
            Shape::Table(&Table::new(
                "pieces of a reply",
                &[
                    required("bytes", COUNT, "How many bytes each has."),
                    optional("pause", DURATION, "How long nothing is sent between two of them. Default 0s."),
                ],
            )),
            "It is sent in pieces, the head, too. Default all at once.",
        ),
        optional(
            "close-after-bytes",
            COUNT,
            "The connection is closed after so many bytes, counted from the first of the head. Default after all of them.",
        ),
    ],
);

/// The sensor's faults that say how late, as its model tells them.
const LATE_RESPONSES: [Case<MadeOfLateness>; SensorFault::LATE.len()] = {
    let mut cases = [late_response(SensorFault::LATE[0]); SensorFault::LATE.len()];
    let mut at = 1;
    while at < cases.len() {
        cases[at] = late_response(SensorFault::LATE[at]);
        at += 1;
    }
    cases
};

const fn late_response((word, fault, about): Row<MadeOfLateness>) -> Case<MadeOfLateness> {
    case(fault, word, Either { plain: &DURATION, table: &Shape::Table(&LATE_RESPONSE) }, about)
}

const LATE_RESPONSE: Table = Table::new(
    "a late response",
    &[
        required("from", DURATION, "By so much or more, drawn for each response."),
        required("to", DURATION, "By so much or less."),
        optional("probability", Scalar(Probability), "How many responses are late. Default all."),
    ],
);

const LINK: Table = Table {
    at_least_one: &["loss", "duplicate", "reorder", "corrupt", "latency", "jitter"],
    ..Table::new(
        "a link's fault",
        &[
            FAULTY_NETWORK,
            FAULTY_BSSID,
            optional("loss", Scalar(Probability), "A frame is lost."),
            optional("duplicate", Scalar(Probability), "A frame arrives twice."),
            optional("reorder", Scalar(Probability), "A frame is overtaken by the next."),
            optional("corrupt", Scalar(Probability), "A byte of a frame is changed."),
            optional("latency", DURATION, "Each frame takes longer by this."),
            optional("jitter", DURATION, "And by up to this, drawn for each frame."),
        ],
    )
};
