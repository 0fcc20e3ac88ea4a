//! The timeline: what people do to devices, and what a sweep does again and again.

use simulator_world::boards::yellow_duck;

use super::expect::TRIGGER;
use super::sensor::AIR;
use super::{BOOLEAN, DEVICE_NAME, DURATION, ON_OFF, TEXT};
use crate::model::{LINE_ENDINGS, PowerAction};
use crate::shape::Scalar::Probability;
use crate::shape::Shape::{Choice as One, Either, Scalar, Words};
use crate::shape::{Choice, Makes, Shape, Table, case, optional, required};

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
            DEVICE_NAME,
            optional("probability", Scalar(Probability), "How likely it is that it happens, each time. Default 100 %."),
            optional(
                "require-effect",
                BOOLEAN,
                "Whether the scenario fails if it never changes anything. Default false: that is a warning.",
            ),
            required("do", One(&ACTION), "What people do to the device."),
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

const ANY_SWITCH: Table = Table::new(
    "a switch's move",
    &[
        optional("part", TEXT, "Which switch, by its name. Default the device's only one."),
        required("to", ON_OFF, "Where to."),
        optional("bounce", DURATION, "How long its contact bounces. Default 0s."),
    ],
);

const BUTTON: Table = Table::new(
    "a button's press",
    &[
        optional("part", TEXT, "Which button, by its name. Default the device's only one."),
        required("for", DURATION, "How long it is pressed."),
        optional("bounce", DURATION, "How long its contact bounces, each time. Default 0s."),
    ],
);

const TYPED: Table = Table::new(
    "what is typed",
    &[
        required("type", TEXT, "The bytes as they are: a carriage return is \\r, Ctrl-C \\u0003."),
        optional("every", DURATION, "From one byte to the next. Default 200us, somewhat slower than 115200 baud."),
        optional("line-ending", Words(&LINE_ENDINGS), "What is typed behind it. Default nothing."),
    ],
);

/// What people do to a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ActionKind {
    Power,
    ResetButton,
    /// To the switch of this name.
    SwitchNamed(&'static str),
    Switch,
    Button,
    Air,
    Serial,
    Files,
}

const ACTION: Choice<ActionKind> = Choice {
    what: "a step's action",
    cases: &[
        case(
            ActionKind::Power,
            "power",
            Either {
                plain: &Words(&[("on", PowerAction::On, "It is on."), ("off", PowerAction::Off, "It is off.")]),
                table: &One(&Choice {
                    what: "a power action",
                    cases: &[
                        case(
                            Makes::Duration(PowerAction::CutFor),
                            "cut-for",
                            DURATION,
                            "Goes off and comes on again so much later, unless another step does something to the supply before.",
                        ),
                        case(
                            Makes::Duration(PowerAction::BrownOut),
                            "brown-out",
                            DURATION,
                            "Dips for so long: the chip resets, the sensor goes on.",
                        ),
                    ],
                }),
            },
            "The supply.",
        ),
        case(
            ActionKind::ResetButton,
            "reset-button",
            Words(&[("press", (), "Presses and releases it.")]),
            "The reset button.",
        ),
        case(
            ActionKind::SwitchNamed(yellow_duck::CONFIG),
            "config-switch",
            SWITCH,
            "The switch `config`, as the yellow duck has it.",
        ),
        case(
            ActionKind::SwitchNamed(yellow_duck::SPARE),
            "spare-switch",
            SWITCH,
            "The switch `spare`, as the yellow duck has it.",
        ),
        case(ActionKind::Switch, "switch", Shape::Table(&ANY_SWITCH), "A switch of the board."),
        case(
            ActionKind::Button,
            "button",
            Shape::Table(&BUTTON),
            "A button of the board, pressed and let go. A press while it is pressed takes the place of the one before: it ends when the later one does.",
        ),
        case(
            ActionKind::Serial,
            "serial",
            Either { plain: &TEXT, table: &Shape::Table(&TYPED) },
            "Types a line at the serial port, with a carriage return behind it. Only an image of one's own listens there.",
        ),
        case(
            ActionKind::Files,
            "files",
            Shape::List(&TEXT),
            "Writes these files into the file system of a MicroPython or CircuitPython by its raw prompt, each line when the device has answered to the one before; their paths are from the scenario's folder.",
        ),
        case(ActionKind::Air, "sensor", Shape::Table(&AIR), "The air around the sensor, from now on."),
    ],
};

/// What a sweep does again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SweepKind {
    CutPowerAtEachFlashOperation,
    Images,
}

/// `[sweep]`.
pub(super) const SWEEP: Choice<SweepKind> = Choice {
    what: "a sweep",
    cases: &[
        case(
            SweepKind::CutPowerAtEachFlashOperation,
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
        ),
        case(
            SweepKind::Images,
            "images",
            Shape::List(&TEXT),
            "The n-th repetition runs the n-th of these images in the place of the first device's `image`; their paths are from the scenario's folder.",
        ),
    ],
};
