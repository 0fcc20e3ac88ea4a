//! The timeline: what hands do, and what a sweep does again and again.

use super::expect::TRIGGER;
use super::sensor::AIR;
use super::{DURATION, ON_OFF};
use crate::scenario::shape::Shape::{Choice as One, Either, Words};
use crate::scenario::shape::{Choice, Shape, Table, optional, required};

/// One of `[[steps]]`.
pub(super) const STEP: Table = Table {
    exactly_one: &[&["at", "after", "every"]],
    ..Table::new(
        "a step",
        &[
            optional("at", DURATION, "Once, at this time."),
            optional("after", TRIGGER, "Once, after this has happened; if it never does, the scenario fails."),
            optional("every", DURATION, "Again and again: 1 ms or more, and at most 100000 times in a run."),
            optional("from", DURATION, "With `every`: the first time. Default one period after the beginning."),
            optional("until", DURATION, "With `every`: no later than this. Default the end."),
            required("do", One(&ACTION), "What hands do."),
        ],
    )
};

const SWITCH: Shape = Either {
    plain: &ON_OFF,
    table: &Shape::Table(&Table::new(
        "a switch's move",
        &[
            required("to", ON_OFF, "Where to."),
            optional("bounce", DURATION, "How long its contact bounces. Default 0s."),
        ],
    )),
};

const ACTION: Choice = Choice {
    what: "a step's action",
    keys: &[
        required(
            "power",
            Either {
                plain: &ON_OFF,
                table: &One(&Choice {
                    what: "a power action",
                    keys: &[
                        required(
                            "cut-for",
                            DURATION,
                            "Goes off and comes on again so much later, unless another step does something to the supply before.",
                        ),
                        required("brown-out", DURATION, "Dips for so long: the chip resets, the sensor goes on."),
                    ],
                }),
            },
            "The supply.",
        ),
        required("reset-button", Words(&[("press", "Presses and releases it.")]), "The reset button."),
        required("config-switch", SWITCH, "The switch on GPIO5."),
        required("spare-switch", SWITCH, "The switch on GPIO4."),
        required("sensor", Shape::Table(&AIR), "The air around the sensor, from now on."),
    ],
};

/// `[sweep]`.
pub(super) const SWEEP: Choice = Choice {
    what: "a sweep",
    keys: &[required(
        "cut-power-at-each-flash-operation",
        Shape::Table(&Table::new(
            "a sweep of power cuts",
            &[
                optional("from", DURATION, "Flash operations count from here. Default 0s."),
                optional("until", DURATION, "Flash operations count up to here. Default the end."),
                optional("off-for", DURATION, "How long power stays off. Default 2s."),
            ],
        )),
        "The n-th repetition cuts power in the middle of the n-th flash operation.",
    )],
};
