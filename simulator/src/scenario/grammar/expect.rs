//! The keys of triggers and expectations, each with its meaning.

use super::events::{EVENT, GPIO, LEVEL, field, keys_with_fields};
use super::{BOOLEAN, COUNT, DURATION, ON_OFF, TEXT};
use crate::scenario::shape::Scalar::Integer;
use crate::scenario::shape::Shape::{Choice as One, Either, Named, Scalar};
use crate::scenario::shape::{Choice, Shape, Table, case, optional, required};

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
