//! The keys of triggers and expectations, each with its meaning.

use simulator_record::events::PinKind;

use super::events::{EVENT, GPIO, LEVEL, PRESSED, field, keys_with_fields};
use super::{BOOLEAN, COUNT, DURATION, ON_OFF, TEXT};
use crate::model::OverSeeds;
use crate::shape::Scalar::Integer;
use crate::shape::Shape::{Choice as One, Either, Named, Scalar, Words};
use crate::shape::{Choice, Shape, Table, case, optional, required};

/// "The count-th such event, and then a delay."
pub(super) const TRIGGER: Shape = Named(
    "trigger",
    &Shape::Table(&Table::new(
        "a trigger",
        &[
            required("event", EVENT, "Which events count."),
            optional("device", TEXT, "Only those of this device. Default those of any."),
            optional("count", COUNT, "Which of them it is, from 1. Default 1."),
            optional("plus", DURATION, "A delay after it. Default 0s."),
            optional(
                "each",
                BOOLEAN,
                "With a step or a fault: not once but each time that it happens, from the `count`-th on; a fault that is still there does not begin again. At most 100000 times in a run. Default false.",
            ),
        ],
    )),
);

/// A part's state: the state alone, or with the part's name.
macro_rules! stays {
    ($positions:ident) => {
        Either {
            plain: &$positions,
            table: &Shape::Table(&Table::new(
                "a part's state",
                &[
                    optional("part", TEXT, "Which one, by its name. Default the device's only one of the kind."),
                    required("is", $positions, "What it is."),
                ],
            )),
        }
    };
}

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
            optional(
                "device",
                TEXT,
                "Which of the `devices`, by its name: of `event` and `rate` only what happens to it (default to any; a rate holds for each device by itself), and whose `state` and `channel` (which must be said if there are several).",
            ),
            optional("at", DURATION, "With `state`: the moment."),
            optional("never", BOOLEAN, "true: no such event happens in the window."),
            optional("exactly", AMOUNT, "So many such events happen in the window."),
            optional("at-least", COUNT, "So many or more. Default 1."),
            optional("at-most", AMOUNT, "So many or fewer."),
            optional(
                "over-seeds",
                Words(&[
                    ("always", OverSeeds::Always, "It must be met with each seed."),
                    (
                        "sometimes",
                        OverSeeds::Sometimes,
                        "It must be met with one seed or more; a single run does not fail for it.",
                    ),
                ]),
                "With which of the seeds of a `preflash sweep` it must be met. Default always.",
            ),
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
pub(crate) enum StateKind {
    Part(PinKind),
    Pin,
    Power,
}

const STATE: Choice<StateKind> = Choice {
    what: "a state",
    cases: &[
        case(StateKind::Part(PinKind::Led), "led", stays!(ON_OFF), "An LED."),
        case(StateKind::Part(PinKind::Switch), "switch", stays!(ON_OFF), "A switch."),
        case(StateKind::Part(PinKind::Button), "button", stays!(PRESSED), "A button."),
        case(
            StateKind::Pin,
            "pin",
            Shape::Table(&Table::new("a pin's state", &[GPIO, required("level", LEVEL, "Its level.")])),
            "The pin of an LED, switch or button.",
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
        "longest-same",
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
            optional(
                "longest-same",
                DURATION,
                "The longest time over which a field of the entries with a reading may stay the same, from the created_at of the first with a value to that of the last.",
            ),
            ;
        },
    )
};
