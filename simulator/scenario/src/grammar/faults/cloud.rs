//! What goes wrong with the cloud, as the server's own library tells it, and replies that a file writes.

use fake_thingspeak::serve::{FaultNeeds, FaultWord};

use super::{BOOLEAN, COUNT, DURATION, OfFault, TEXT};
use crate::model::{CloudFault, WrittenReply};
use crate::shape::Scalar::{Integer, SignedDuration};
use crate::shape::Shape::{Choice as One, Either, Scalar, TextMap, Words};
use crate::shape::{Case, Choice, Makes, Shape, Table, case, optional, required};

pub(super) const FAULT: Shape =
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

/// How many of the cloud's faults have a value, and the reply.
const CLOUD_CASE_COUNT: usize = CloudFault::WORDS.len() - CLOUD_WORD_COUNT + 1;

/// A status that a server answers with.
const STATUS: Shape = Scalar(Integer { least: 200, most: 599 });

/// The others.
const CLOUD_CASES: [Case<OfFault<CloudFault>>; CLOUD_CASE_COUNT] = {
    let reply = case(OfFault::Table, WrittenReply::WORD, Shape::Table(&REPLY), WrittenReply::ABOUT);
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
        cases[count] = case(OfFault::Value(makes), word, shape, about);
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
