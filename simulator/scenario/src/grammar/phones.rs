//! People with phones, and what they do.

use super::expect::TRIGGER;
use super::{BOOLEAN, DURATION, TEXT};
use crate::model::{Charset, PhoneKind};
use crate::shape::Scalar::{Integer, Typed};
use crate::shape::Shape::{Choice as One, List, Scalar, TextMap, Words};
use crate::shape::{Choice, Shape, Table, case, optional, required};

const NOTHING: Table = Table::new("an empty table", &[]);

/// One of `[[phones]]`.
pub(super) const PHONE: Table = Table {
    at_most_one: &[&["arrives", "after"]],
    ..Table::new(
        "a phone",
        &[
            required("name", TEXT, "Its name."),
            optional(
                "kind",
                Words(&[
                    PhoneKind::Android.row(),
                    PhoneKind::Ios.row(),
                    PhoneKind::Windows.row(),
                    PhoneKind::Firefox.row(),
                ]),
                "What it is. It then looks for a login page by itself when it has got an address: at once, again after 1s, 2s, 4s, … while there is no clear answer, and `android` and `ios` after each page that they have shown. Its browser says what that of the kind says, and sends forms in the encoding of their page. Default none: nothing happens that `does` does not say.",
            ),
            optional(
                "spare-connections",
                Scalar(Integer { least: 0, most: 8 }),
                "How many connections its browser opens besides the one that it needs, to have one for the next request. They say nothing, and an unused one is closed after 10s. Default 1 for `android`, `windows` and `firefox`, else 0.",
            ),
            optional(
                "typing",
                DURATION,
                "How long a form takes to fill in, from the page to its sending. Default 20s with a `kind`, else 0s.",
            ),
            optional("arrives", DURATION, "When it begins. Default 0s."),
            optional("after", TRIGGER, "It begins once this has happened; if it never does, the scenario fails."),
            optional(
                "device",
                TEXT,
                "Which of several devices it sets up: whose label it reads, and whose channel's key `channel` stands for. Default the first.",
            ),
            optional(
                "require-effect",
                BOOLEAN,
                "Whether the scenario fails if it never does or sees anything. Default false: that is a warning.",
            ),
            required(
                "does",
                List(&One(&PHONE_ACTION)),
                "One after the other; each begins when the one before has ended or failed.",
            ),
        ],
    )
};

/// What a phone does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PhoneActionKind {
    Join,
    Open,
    SignIn,
    Submit,
    Request,
    Dribble,
    ConnectAndSayNothing,
    Wait,
    Leave,
}

const PHONE_ACTION: Choice<PhoneActionKind> = Choice {
    what: "something that a phone does",
    cases: &[
        case(
            PhoneActionKind::Join,
            "join",
            Shape::Table(&Table::new(
                "a join",
                &[
                    required("network", TEXT, "The network's name; the device's own is yellow-duck."),
                    optional(
                        "passphrase",
                        TEXT,
                        "As typed. Default none; for yellow-duck what the device's label says, which is what it told on its serial port.",
                    ),
                ],
            )),
            "Joins a network and asks for an address.",
        ),
        case(PhoneActionKind::Open, "open", TEXT, "Opens a page (http://…) and follows redirects."),
        case(
            PhoneActionKind::SignIn,
            "sign-in",
            Shape::Table(&NOTHING),
            "Waits until it has found a login page by itself, and opens that, as a person does who is told of one. It fails after 30s. Needs a `kind`.",
        ),
        case(
            PhoneActionKind::Submit,
            "submit",
            Shape::Table(&FORM),
            "Gets the page, fills in its form (of several the first that has all these fields) and sends it as a browser does. The device answers 200 to a form that it refuses, too: what it says is in the page, so expect `reply = { contains = … }`.",
        ),
        case(PhoneActionKind::Request, "request", Shape::Table(&REQUEST), "Sends a request to 192.168.4.1, port 80."),
        case(
            PhoneActionKind::Dribble,
            "dribble",
            Shape::Table(&Table::new(
                "a dribble",
                &[
                    required("bytes", TEXT, "What is sent."),
                    optional("every", DURATION, "Between two bytes. Default 1s."),
                ],
            )),
            "Sends one byte at a time and never finishes.",
        ),
        case(
            PhoneActionKind::ConnectAndSayNothing,
            "connect-and-say-nothing",
            DURATION,
            "Connects to port 80 and says nothing for so long.",
        ),
        case(PhoneActionKind::Wait, "wait", DURATION, "Does nothing for so long."),
        case(PhoneActionKind::Leave, "leave", Shape::Table(&NOTHING), "Leaves the network."),
    ],
};

const FORM: Table = Table::new(
    "a form",
    &[
        optional("network", TEXT, "What is typed as network name."),
        optional("passphrase", TEXT, "What is typed as passphrase."),
        optional(
            "write-key",
            TEXT,
            "What is typed as write key; `channel` stands for the key of the simulated channel.",
        ),
        optional("host", TEXT, "What is typed as server."),
        optional("port", Scalar(Typed), "What is typed as port."),
        optional("tls", BOOLEAN, "Whether TLS is ticked."),
        optional(
            "trusted-issuer",
            TEXT,
            "What is typed as trusted issuer; `cloud` stands for the SHA-256 of the simulated authority's certificate.",
        ),
        optional("interval", Scalar(Typed), "What is typed as interval, in seconds."),
        optional("sensor", TEXT, "What is chosen as sensor."),
        optional("page", TEXT, "The page with the form (http://…). Default http://192.168.4.1/."),
        optional(
            "charset",
            Words(&[Charset::Utf8.row(), Charset::Latin1.row()]),
            "In which encoding it is sent. Default utf-8; for a phone with a `kind` that of the page, which is Latin-1 if it says none.",
        ),
        optional("fields", TextMap, "What is typed into fields of other names, as another firmware's page has them."),
    ],
);

const REQUEST: Table = Table {
    at_most_one: &[&["body", "body-bytes"]],
    ..Table::new(
        "a request",
        &[
            optional("method", TEXT, "Default GET."),
            optional("path", TEXT, "Path and query. Default /."),
            optional("headers", TextMap, "Sent besides Host and Content-Length."),
            optional("body", TEXT, "The body."),
            optional("body-bytes", Scalar(Integer { least: 1, most: 1_000_000 }), "A body of so many letters."),
        ],
    )
};
