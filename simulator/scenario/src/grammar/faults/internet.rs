//! What goes wrong with the services of a router and of the internet: DHCP, DNS, NTP.

use super::{BOOLEAN, DURATION, FAULTY_NETWORK, OfFault, TEXT, slow};
use crate::model::{DhcpFault, DnsFault, NtpFault};
use crate::shape::Scalar::{Ipv4Address, SignedDuration};
use crate::shape::Shape::{Choice as One, Either, List, Scalar, Words};
use crate::shape::{Choice, Makes, Shape, Table, case, optional, required};

pub(super) const DHCP_FAULT: Shape = Shape::Table(&Table::new(
    "a DHCP server's fault",
    &[
        FAULTY_NETWORK,
        required(
            "reply",
            Either {
                plain: &Words(&[
                    ("silent", DhcpFault::Silent, "Says nothing."),
                    ("refuse", DhcpFault::Refuse, "Refuses (DHCPNAK)."),
                    ("full", DhcpFault::Full, "Has no address left: who has one keeps it, nobody else is answered."),
                    (
                        "forgotten",
                        DhcpFault::Forgotten,
                        "Has forgotten its clients, as after a restart: refuses each once, and gives it another address.",
                    ),
                    (
                        "address-taken",
                        DhcpFault::Taken,
                        "Gives an address that another device has, as one with a fixed address; that one answers for it, and what comes back goes there. A client that declines it (RFC 2131, section 3.1) gets another.",
                    ),
                ]),
                table: &One(&Choice {
                    what: "a DHCP server's reply",
                    cases: &[
                        case(
                            OfFault::Value(Makes::Duration(DhcpFault::Slow)),
                            "slow",
                            DURATION,
                            "Answers so much later.",
                        ),
                        case(
                            OfFault::<DhcpFault>::Table,
                            "options",
                            Shape::Table(&DHCP_OPTIONS),
                            "Tells its clients something else than is so, or leaves it out.",
                        ),
                        case(
                            OfFault::Value(Makes::Duration(DhcpFault::Lease)),
                            "lease",
                            DURATION,
                            "Gives leases that last so long; a day without the fault.",
                        ),
                        case(
                            OfFault::Value(Makes::Address(DhcpFault::NewGateway)),
                            "new-gateway",
                            Scalar(Ipv4Address),
                            "Another box is the way out, at this address, as after a router was replaced: leases say so from now on, and the earlier one lets nothing through. Who has a lease learns it at its renewal.",
                        ),
                    ],
                }),
            },
            "What it does instead of giving a lease at once.",
        ),
    ],
));

pub(super) const DNS_FAULT: Shape = Either {
    plain: &Words(&[
        ("silent", DnsFault::Silent, "Says nothing."),
        ("refused", DnsFault::Refused, "REFUSED."),
        ("server-failure", DnsFault::ServerFailure, "SERVFAIL."),
        ("no-such-name", DnsFault::NoSuchName, "NXDOMAIN."),
    ]),
    table: &One(&Choice {
        what: "a name server's fault",
        cases: &[
            case(OfFault::<DnsFault>::Table, "answer", Shape::Table(&DNS_ANSWER), "Answers as it is written here."),
            case(
                OfFault::Value(Makes::Address(DnsFault::WrongAddress)),
                "wrong-address",
                Scalar(Ipv4Address),
                "Answers with this address.",
            ),
            case(OfFault::Value(Makes::Duration(DnsFault::Slow)), "slow", DURATION, "Answers so much later."),
        ],
    }),
};

pub(super) const NTP_FAULT: Shape = Either {
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
        ("leap-second", NtpFault::LeapSecond, "Announces a leap second (leap indicator 1); its time is right."),
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
};

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
